/* How long a closed flow's record takes to reach user space: connections that are refused, 10,000 a
 * second, on the loopback of a network namespace of its own. The same live_poll() as in karma run
 * reads them; the delay is from the flow's last packet to the record's sink. */
#include "cmd/bench_latency.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "cmd/bench.h"

enum {
	PER_SECOND = 10000,
	SECONDS = 5,
	FLOWS = PER_SECOND * SECONDS,
	PER_TICK = PER_SECOND / 1000, /* a tick is a millisecond */
	FIRST_PORT = 1024,
	TARGET_PORT = 9, /* nobody listens in a namespace of its own */
};

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct run {
	int raw; /* what the SYNs are sent through */
	atomic_bool sent;
	size_t count;
	float ms[FLOWS]; /* delays */
};

/* ---- sending ---- */

static uint16_t checksum(const struct syn *s)
{
	const uint8_t *byte =
		(const uint8_t *)&s->ip.saddr; /* addresses and TCP header, in a row */
	uint32_t sum = IPPROTO_TCP + sizeof(s->tcp);

	for (size_t i = 0; i < 8 + sizeof(s->tcp); i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_syn(int raw, uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct syn s = {.ip = {.version = 4,
				.ihl = 5,
				.tot_len = htons(sizeof(s)),
				.ttl = 64,
				.protocol = IPPROTO_TCP,
				.saddr = htonl(INADDR_LOOPBACK),
				.daddr = htonl(INADDR_LOOPBACK)},
		.tcp = {.source = htons(port),
			.dest = htons(TARGET_PORT),
			.seq = htonl(port),
			.doff = 5,
			.syn = 1,
			.window = htons(64240)}};

	s.tcp.check = checksum(&s);
	sendto(raw, &s, sizeof(s), 0, (const struct sockaddr *)&to, sizeof(to));
}

static void *send_all(void *context)
{
	struct run *run = context;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int i = 0; i < FLOWS; i++) {
		send_syn(run->raw, (uint16_t)(FIRST_PORT + i));
		if ((i + 1) % PER_TICK)
			continue;
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_sec++;
			next.tv_nsec -= 1000000000;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	atomic_store(&run->sent, true);
	return NULL;
}

/* ---- receiving ---- */

static int take_record(void *context, const struct record *r)
{
	struct run *run = context;
	struct timespec now;

	if (r->event != RECORD_CLOSED || run->count == FLOWS)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	run->ms[run->count++] =
		(float)((double)(now.tv_sec * INT64_C(1000000000) + now.tv_nsec - r->last_ns) /
			1e6);
	return 0;
}

static void tell_nobody(void *context, const char *line)
{
	(void)context;
	(void)line;
}

/* Send and receive, a little longer than is sent. 0, or a negative errno. */
static int measure(struct run *run, struct live *live)
{
	pthread_t sender;
	int err = -pthread_create(&sender, NULL, send_all, run), after = 0;

	if (err)
		return err;
	while (err >= 0 && after < 5) {
		err = live_poll(live, 100, take_record, run);
		after += atomic_load(&run->sent);
	}
	pthread_join(sender, NULL);
	return err < 0 ? err : 0;
}

/* ---- the namespace ---- */

static int loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (s < 0)
		return -errno;
	if (ioctl(s, SIOCSIFFLAGS, &request) < 0)
		err = -errno;
	close(s);
	return err;
}

static int run_inside(struct run *run, struct error *e)
{
	const struct meter_settings settings = {0};
	struct interface_list lo = {0};
	struct live *live = NULL;
	int err = loopback_up();

	run->raw = err ? -1 : socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (run->raw < 0)
		return error_set(e, err ? err : -errno, "no loopback of its own: %s",
			strerror(err ? -err : errno));
	err = interface_list_add(&lo, "lo", e);
	if (!err)
		err = live_open(&live, &lo, &settings, tell_nobody, NULL, e);
	if (!err) {
		err = measure(run, live);
		if (err)
			error_set(e, err, "the loopback was not metered: %s", strerror(-err));
	}
	live_close(live);
	close(run->raw);
	return err;
}

static int by_value(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static json_t *figures(struct run *run)
{
	qsort(run->ms, run->count, sizeof(run->ms[0]), by_value);
	return json_pack("{sI sI sf sf sf}", "flows_per_s", (json_int_t)PER_SECOND, "records",
		(json_int_t)run->count, "median_ms", (double)run->ms[run->count / 2], "p99_ms",
		(double)run->ms[run->count * 99 / 100], "max_ms", (double)run->ms[run->count - 1]);
}

json_t *bench_latency(const struct bench_options *o, struct error *e)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct run *run = calloc(1, sizeof(*run));
	json_t *result = NULL;
	int err;

	(void)o;
	if (home < 0 || !run || unshare(CLONE_NEWNET) < 0) {
		error_set(e, -EPERM,
			"the benchmark of latency needs a network namespace of its own; run with "
			"sudo");
		goto out;
	}
	err = run_inside(run, e);
	if (!err && run->count)
		result = figures(run);
	else if (!err)
		error_set(e, -EIO, "no record came: is the loopback filtered?");
	if (setns(home, CLONE_NEWNET) < 0 && result) {
		json_decref(result);
		result = NULL;
		error_set(
			e, -errno, "the way back from the namespace is shut: %s", strerror(errno));
	}
out:
	free(run);
	if (home >= 0)
		close(home);
	return result;
}
