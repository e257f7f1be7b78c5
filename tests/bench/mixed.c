/* A capture of mixed traffic, made from nothing: what scripts/bench-captures.py meters.
 *
 * usage: mixed-capture FILE [PACKETS [CONVERSATIONS]]    (default: 1500000, 60000)
 *
 * CONVERSATIONS begin evenly over the time of the capture: the web, plain and encrypted, QUIC, DNS,
 * mail, SSH, FTP, time, calls, pings, ARP, scans; one in six in IPv6. Sizes are drawn, most small,
 * few large. What is missing to PACKETS are long downloads. The first payloads are those of the
 * real protocols, checksums are right, some packets are sent twice, 12,500 packets a second. The
 * same numbers give the same bytes. */
#include <arpa/inet.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };
enum { DOWNLOADS = 48, MSS = 1448, FILLER = 1 << 16, PACKETS_PER_S = 12500 };
enum { PIECE = 4 << 20 }; /* written at a time: a file of large extents, as captures are */
enum { CLIENTS = 400, SERVERS = 3000, SCANNERS = 4 };

/* A TLS client's hello of 517 bytes, as browsers send it, and the beginning of a server's answer.
 * Random numbers and keys are what the filler has there: the macros leave them out. */
#define HELLO_SIZE 517
#define HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
#define HELLO_SUITES                                                                               \
	"\x00\x0e\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xcc\xa9\xcc\xa8\x01\x00\x01\xa5"         \
	"\x00\x00\x00\x14\x00\x12\x00\x00\x0fwww.example.org"                                      \
	"\x00\x2b\x00\x05\x04\x03\x04\x03\x03\x00\x15\x01\x80"
#define ANSWER "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"
#define ANSWER_SUITE "\x13\x01\x00\x00\x2e\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20"
enum { SESSION_AT = 43, SUITES_AT = 76 };

/* What a protocol says first, and how it goes on. Sizes are of payload, medians where a largest is
 * given; what is said first is a client's whole first message, and a server's that greets. A round
 * is a question and its answer. */
struct script {
	uint8_t proto, share; /* share: of the conversations, in parts of all shares */
	uint16_t port;        /* 0: any */
	bool greets;          /* the server speaks first */
	bool tls;
	uint16_t rounds, question;
	uint32_t answer, most, pause_us;
	const char *client, *server;
	uint16_t client_size, server_size;
};

#define SAYS(client_, server_)                                                                     \
	.client = (client_), .server = (server_), .client_size = sizeof(client_) - 1,              \
	.server_size = sizeof(server_) - 1
#define TLS                                                                                        \
	.tls = true, .client = HELLO, .client_size = HELLO_SIZE, .server = ANSWER,                 \
	.server_size = sizeof(ANSWER) - 1

static const struct script scripts[] = {
	{TCP, 60, 443, false, .rounds = 3, .question = 420, .answer = 5200, .most = 4000000,
		.pause_us = 90000, TLS},
	{TCP, 24, 80, false, .rounds = 2, .question = 380, .answer = 6000, .most = 4000000,
		.pause_us = 150000,
		SAYS("GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 "
		     "(X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: "
		     "text/html,*/*;q=0.8\r\nAccept-Encoding: gzip\r\nConnection: "
		     "keep-alive\r\n\r\n",
			"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n"
			"Content-Length: 6000\r\nConnection: keep-alive\r\n\r\n")},
	{UDP, 14, 443, false, .rounds = 4, .question = 1200, .answer = 1800, .most = 400000,
		.pause_us = 30000,
		SAYS("\xc3\x00\x00\x00\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x00\x00\x44\x9e",
			"\xc7\x00\x00\x00\x01\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\x00\x44"
			"\x82")},
	{UDP, 90, 53, false, .rounds = 1, .question = 33, .answer = 97, .most = 400,
		SAYS("\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1",
			"\0\0\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3org\0\0\1\0\1"
			"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\x5d\xb8\xd8\x22")},
	{TCP, 4, 25, true, .rounds = 7, .question = 60, .answer = 48, .most = 60000,
		.pause_us = 40000,
		SAYS("EHLO client.example.org\r\n", "220 mail.example.org ESMTP Postfix\r\n")},
	{TCP, 3, 22, true, .rounds = 60, .question = 52, .answer = 76, .most = 30000,
		.pause_us = 120000,
		SAYS("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")},
	{TCP, 2, 21, true, .rounds = 9, .question = 18, .answer = 44, .most = 200,
		.pause_us = 300000, SAYS("USER anonymous\r\n", "220 FTP server ready\r\n")},
	{TCP, 2, 110, true, .rounds = 5, .question = 14, .answer = 90, .most = 20000,
		.pause_us = 50000, SAYS("USER joe\r\n", "+OK POP3 ready\r\n")},
	{UDP, 6, 123, false, .rounds = 1, .question = 48, .answer = 48,
		SAYS("\x23\x02\x06\xe8", "\x24\x01\x03\xe9")},
	{UDP, 1, 16384, false, .rounds = 500, .question = 172, .answer = 172, .pause_us = 20000,
		SAYS("\x80\x00\x12\x34\0\0\0\xa0\1\2\3\4", "\x80\x00\x43\x21\0\0\1\x40\4\3\2\1")},
	{ICMP, 8, 0, false, .rounds = 4, .pause_us = 1000000},
	{0, 3, 0, false, .rounds = 1},    /* ARP */
	{TCP, 24, 0, false, .rounds = 1}, /* a port scan: closed */
	{TCP, 12, 0, false, .rounds = 0}, /* filtered */
};

/* ... and what makes up for packets that are missing. */
static const struct script download = {TCP, 0, 443, false, .rounds = 1, .question = 420,
	.answer = 40000000, .most = 400000000, .pause_us = 90000, TLS};

enum { SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

/* A conversation. Side 0 is the client. */
struct talk {
	uint64_t us; /* when it sends next */
	const struct script *script;
	uint8_t addr[2][16]; /* IPv4 in the first four */
	uint16_t port[2];
	uint32_t seq[2];
	uint32_t left; /* bytes that the side in turn has yet to send */
	uint32_t rtt_us;
	uint16_t rounds, id;
	uint8_t step, turn, unacknowledged;
	bool v6, spoken[2];
};

/* ---- chance ---- */

static uint32_t chance(uint32_t below)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

/* About log-normal. */
static uint32_t heavy(double median, double spread, uint32_t most)
{
	double sum = 0;

	if (most <= median)
		return (uint32_t)median;
	for (int i = 0; i < 12; i++)
		sum += chance(1 << 20) / (double)(1 << 20);
	sum = median * exp(spread * (sum - 6));
	return sum < 1 ? 1 : sum > most ? most : (uint32_t)sum;
}

/* ---- frames ---- */

static FILE *out;
static uint64_t packets, bytes, begun, packets_wanted;
static uint8_t filler[FILLER + MSS];

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Of 16-bit words as they stand in memory. */
static uint64_t sum_of(const uint8_t *p, size_t size, uint64_t sum)
{
	for (size_t i = 0; i < size; i += 4) {
		uint32_t word = 0;

		memcpy(&word, p + i, size - i < 4 ? size - i : 4);
		sum += word;
	}
	return sum;
}

static void put_checksum(uint8_t *at, uint64_t sum)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(at, &folded, 2); /* summed as the bytes stand */
}

static void put_record(uint64_t us, const uint8_t *frame, uint32_t size)
{
	uint32_t head[4] = {
		1700000000u + (uint32_t)(us / 1000000), (uint32_t)(us % 1000000), size, size};

	fwrite(head, sizeof(head), 1, out);
	fwrite(frame, size, 1, out);
	packets++;
	bytes += size;
}

/* The Ethernet and IP headers around `size` bytes at `frame` + 34 or 54, of which `checksum` is
 * where theirs goes; then the whole frame is written. */
static void put_ip(const struct talk *t, int side, uint64_t us, uint8_t *frame, uint32_t size,
	uint8_t *checksum)
{
	uint32_t width = t->v6 ? 16 : 4, head = t->v6 ? 40 : 20;
	uint8_t proto = t->v6 && t->script->proto == ICMP ? ICMP6 : t->script->proto;
	uint8_t *ip = frame + 14;
	uint64_t pseudo = htons(proto) + htons((uint16_t)size);

	memset(frame, 0, 14 + head);
	memcpy(frame, side ? "\2\0\0\0\0\1\2\0\0\0\0\2" : "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	put16(frame + 12, t->v6 ? 0x86dd : 0x800);
	memcpy(ip + head - 2 * width, t->addr[side], width);
	memcpy(ip + head - width, t->addr[!side], width);
	if (t->v6) {
		ip[0] = 0x60;
		put16(ip + 4, size);
		ip[6] = proto;
		ip[7] = 64;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 20 + size);
		put16(ip + 4, (uint32_t)packets);
		ip[6] = 0x40;
		ip[8] = side ? 57 : 64;
		ip[9] = proto;
		put_checksum(ip + 10, sum_of(ip, 20, 0));
	}
	if (t->script->proto == ICMP && !t->v6)
		pseudo = 0;
	else
		pseudo = sum_of(ip + head - 2 * width, 2 * (size_t)width, pseudo);
	put_checksum(checksum, sum_of(ip + head, size, pseudo));
	put_record(us, frame, 14 + head + size);
}

/* What is behind the random number of a hello or its answer. */
static void put_tls(uint8_t *p, int side)
{
	p[SESSION_AT] = 32;
	if (side)
		memcpy(p + SUITES_AT, ANSWER_SUITE, sizeof(ANSWER_SUITE) - 1);
	else
		memcpy(p + SUITES_AT, HELLO_SUITES, sizeof(HELLO_SUITES) - 1);
}

/* `size` bytes of payload at `p`: a side's first begin as its protocol does. */
static void put_payload(struct talk *t, int side, uint8_t *p, uint32_t size)
{
	const struct script *s = t->script;
	uint32_t said = side ? s->server_size : s->tls ? sizeof(HELLO) - 1 : s->client_size;

	memcpy(p, filler + (t->seq[side] * 2654435761u >> 16) % FILLER, size);
	if (t->spoken[side] || !size)
		return;
	t->spoken[side] = true;
	memcpy(p, side ? s->server : s->client, said < size ? said : size);
	if (s->port == 53)
		put16(p, t->id);
	if (s->tls && size > SUITES_AT + sizeof(HELLO_SUITES))
		put_tls(p, side);
}

static void send_tcp(struct talk *t, int side, uint64_t us, uint8_t flags, uint32_t size)
{
	static const uint8_t options[] = {2, 4, 5, 0xb4, 1, 3, 3, 7};
	uint8_t frame[14 + 40 + 32 + MSS], *tcp = frame + 14 + (t->v6 ? 40 : 20);
	uint32_t head = flags & SYN ? 28 : 32;

	memset(tcp, 0, head);
	put16(tcp, t->port[side]);
	put16(tcp + 2, t->port[!side]);
	put32(tcp + 4, t->seq[side]);
	if (flags & ACK)
		put32(tcp + 8, t->seq[!side]);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, flags & SYN ? 64240 : 502);
	if (flags & SYN) {
		memcpy(tcp + 20, options, sizeof(options));
	} else {
		memcpy(tcp + 20, "\1\1\x08\x0a", 4);
		put32(tcp + 24, (uint32_t)(us / 1000));
	}
	put_payload(t, side, tcp + head, size);
	t->seq[side] += size + (flags & (SYN | FIN) ? 1 : 0);
	put_ip(t, side, us, frame, head + size, tcp + 16);
}

static void send_udp(struct talk *t, int side, uint64_t us, uint32_t size)
{
	uint8_t frame[14 + 40 + 8 + MSS], *udp = frame + 14 + (t->v6 ? 40 : 20);

	put16(udp, t->port[side]);
	put16(udp + 2, t->port[!side]);
	put16(udp + 4, 8 + size);
	put16(udp + 6, 0);
	put_payload(t, side, udp + 8, size);
	t->seq[side] += size;
	put_ip(t, side, us, frame, 8 + size, udp + 6);
}

static void send_ping(struct talk *t, int side, uint64_t us)
{
	uint8_t frame[14 + 40 + 64], *icmp = frame + 14 + (t->v6 ? 40 : 20);

	memset(icmp, 0, 64);
	icmp[0] = (uint8_t)(t->v6 ? 128 + side : side ? 0 : 8);
	put16(icmp + 4, t->id);
	put16(icmp + 6, t->rounds);
	put_ip(t, side, us, frame, 64, icmp + 2);
}

static void send_arp(struct talk *t, int side, uint64_t us)
{
	uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0};

	frame[21] = (uint8_t)(1 + side);
	memcpy(frame + 28, t->addr[side], 4);
	memcpy(frame + 38, t->addr[!side], 4);
	put_record(us, frame, sizeof(frame));
}

/* ---- how conversations go ---- */

/* Each sends one packet at `us` and says after how many microseconds the next one comes; 0: that
 * was the last. */

enum { STEP_SYN, STEP_SYNACK, STEP_ACK, STEP_DATA, STEP_DATA_ACK, STEP_FIN, STEP_FIN2, STEP_END };

static uint32_t take_turn(struct talk *t, uint8_t turn)
{
	const struct script *s = t->script;

	t->turn = turn;
	t->step = STEP_DATA;
	if (!turn)
		t->left = t->spoken[0] ? s->question + chance(s->question) : s->client_size;
	else if (s->greets && !t->spoken[1])
		t->left = s->server_size;
	else
		t->left = heavy(s->answer, 1.6, s->most);
	if (turn && t->left < s->server_size && !t->spoken[1])
		t->left = s->server_size;
	return turn || t->rounds == s->rounds ? t->rtt_us / 2 : s->pause_us + chance(s->pause_us);
}

static uint32_t data_sent(struct talk *t)
{
	if (t->left)
		return 20 + chance(200);
	if (!t->turn)
		return take_turn(t, 1);
	if (t->rounds && --t->rounds)
		return take_turn(t, 0);
	t->step = STEP_FIN;
	return 1 + t->script->pause_us;
}

static uint32_t tcp_data(struct talk *t, uint64_t us)
{
	uint32_t size = t->left < MSS ? t->left : MSS;
	uint32_t seq = t->seq[t->turn];
	bool spoken = t->spoken[t->turn];

	send_tcp(t, t->turn, us, t->left <= MSS ? PSH | ACK : ACK, size);
	if (chance(300) == 0) {
		t->seq[t->turn] = seq; /* lost on its way: the same once more */
		t->spoken[t->turn] = spoken;
		return t->rtt_us + 200000;
	}
	t->left -= size;
	if (++t->unacknowledged == 2 || !t->left) {
		t->unacknowledged = 0;
		t->step = STEP_DATA_ACK;
		return 10 + t->rtt_us / 2;
	}
	return 20 + chance(200);
}

static uint32_t go_tcp(struct talk *t, uint64_t us)
{
	switch (t->step++) {
	case STEP_SYN:
		send_tcp(t, 0, us, SYN, 0);
		return t->script->port || t->script->rounds ? t->rtt_us / 2 : 0;
	case STEP_SYNACK:
		send_tcp(t, 1, us, t->script->port ? SYN | ACK : RST | ACK, 0);
		return t->script->port ? t->rtt_us / 2 : 0;
	case STEP_ACK:
		send_tcp(t, 0, us, ACK, 0);
		if (!t->script->greets)
			return take_turn(t, 0);
		t->rounds++;
		return take_turn(t, 1);
	case STEP_DATA:
		t->step = STEP_DATA;
		return tcp_data(t, us);
	case STEP_DATA_ACK:
		t->step = STEP_DATA;
		send_tcp(t, !t->turn, us, ACK, 0);
		return data_sent(t);
	case STEP_FIN:
		if (chance(30) == 0) {
			send_tcp(t, 0, us, RST | ACK, 0);
			return 0;
		}
		send_tcp(t, 0, us, FIN | ACK, 0);
		return t->rtt_us / 2;
	case STEP_FIN2:
		send_tcp(t, 1, us, FIN | ACK, 0);
		return t->rtt_us / 2;
	default:
		send_tcp(t, 0, us, ACK, 0);
		return 0;
	}
}

static uint32_t go_udp(struct talk *t, uint64_t us)
{
	const struct script *s = t->script;
	uint32_t size;

	if (!t->left)
		t->left = t->turn ? heavy(s->answer, 1.0, s->most) : s->question;
	if (t->turn && t->left < s->server_size)
		t->left = s->server_size;
	size = t->left < 1200 ? t->left : 1200;
	send_udp(t, t->turn, us, size);
	t->left -= size;
	if (t->left)
		return 20 + chance(100);
	if (!t->turn) {
		t->turn = 1;
		return t->rtt_us / 2;
	}
	t->turn = 0;
	return --t->rounds ? s->pause_us + 1 : 0;
}

static uint32_t go_pair(struct talk *t, uint64_t us)
{
	if (t->script->proto == ICMP)
		send_ping(t, t->turn, us);
	else
		send_arp(t, t->turn, us);
	t->turn = !t->turn;
	if (t->turn)
		return t->rtt_us / 2;
	return --t->rounds ? t->script->pause_us : 0;
}

static uint32_t go(struct talk *t, uint64_t us)
{
	switch (t->script->proto) {
	case TCP:
		return go_tcp(t, us);
	case UDP:
		return go_udp(t, us);
	default:
		return go_pair(t, us);
	}
}

static void set_address(uint8_t *addr, bool v6, bool client, uint32_t n)
{
	memset(addr, 0, 16);
	if (v6) {
		memcpy(addr, client ? "\x20\x01\x0d\xb8\0\1\0\1" : "\x20\x01\x0d\xb8\0\2\0\2", 8);
		put32(addr + 12, n + 1);
	} else {
		put32(addr, client ? 0x0a140001 + n : 0xc6120000 + n * 21);
	}
}

static struct talk talk_new(const struct script *s, uint64_t us)
{
	bool scan = s->proto == TCP && !s->port;
	struct talk t = {.us = us, .script = s, .rounds = s->rounds};

	t.v6 = s->proto && !scan && chance(6) == 0;
	set_address(t.addr[0], t.v6, true, scan ? CLIENTS + chance(SCANNERS) : chance(CLIENTS));
	set_address(t.addr[1], t.v6, false, s->port == 53 ? chance(2) : chance(SERVERS));
	t.port[0] = (uint16_t)(32768 + chance(28000));
	t.port[1] = s->port ? s->port : (uint16_t)(1 + chance(10000));
	t.seq[0] = chance(UINT32_MAX);
	t.seq[1] = chance(UINT32_MAX);
	t.id = (uint16_t)(1 + chance(65000));
	t.rtt_us = 400 + heavy(12000, 1.0, 300000);
	begun++;
	return t;
}

static const struct script *any_script(void)
{
	uint32_t sum = 0, at;

	for (int i = 0; i < SCRIPTS; i++)
		sum += scripts[i].share;
	at = chance(sum);
	for (int i = 0; i < SCRIPTS; i++) {
		if (at < scripts[i].share)
			return &scripts[i];
		at -= scripts[i].share;
	}
	return scripts;
}

/* ---- who is next: a heap by time ---- */

static struct talk *heap;
static uint32_t talks;

static void heap_down(struct talk t)
{
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < talks) {
		if (child + 1 < talks && heap[child + 1].us < heap[child].us)
			child++;
		if (heap[child].us >= t.us)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = t;
}

static void heap_add(struct talk t)
{
	uint32_t at = talks++;

	for (; at && heap[(at - 1) / 2].us > t.us; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = t;
}

/* ---- the capture ---- */

static uint64_t us_of_packet(uint64_t n)
{
	return n * 1000000 / PACKETS_PER_S;
}

/* Downloads make up for the packets that are missing up to `us`. */
static void download_until(uint64_t us)
{
	static struct talk stream[DOWNLOADS];

	while (us_of_packet(packets) < us && packets < packets_wanted) {
		struct talk *t = &stream[chance(DOWNLOADS)];

		if (!t->script)
			*t = talk_new(&download, 0);
		if (!go(t, us_of_packet(packets)))
			t->script = NULL;
	}
}

static void make(uint64_t conversations)
{
	uint64_t end = us_of_packet(packets_wanted), made = 0;

	while (packets < packets_wanted) {
		uint64_t next = made < conversations ? made * end / conversations : end;

		if (talks && heap[0].us < next) {
			struct talk t = heap[0];
			uint32_t gap;

			download_until(t.us);
			if (packets == packets_wanted)
				break;
			gap = go(&t, t.us);
			t.us += gap;
			heap_down(gap ? t : heap[--talks]);
		} else if (made < conversations) {
			heap_add(talk_new(any_script(), next));
			made++;
		} else {
			download_until(end);
			break;
		}
	}
}

int main(int argc, char **argv)
{
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
	uint64_t conversations;

	if (argc < 2 || argc > 4) {
		fputs("usage: mixed-capture FILE [PACKETS [CONVERSATIONS]]\n", stderr);
		return 2;
	}
	packets_wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 1500000;
	conversations = argc > 3 ? strtoull(argv[3], NULL, 10) : 60000;
	heap = calloc(conversations + 1, sizeof(*heap));
	out = fopen(argv[1], "wb");
	if (!heap || !out) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < FILLER + MSS; i++)
		filler[i] = (uint8_t)chance(256);
	setvbuf(out, malloc(PIECE), _IOFBF, PIECE);
	fwrite(header, sizeof(header), 1, out);
	make(conversations);
	if (fclose(out) != 0) {
		perror(argv[1]);
		return 1;
	}
	printf("%s: %llu packets, %llu bytes, %llu conversations\n", argv[1],
		(unsigned long long)packets, (unsigned long long)bytes, (unsigned long long)begun);
	free(heap);
	return 0;
}
