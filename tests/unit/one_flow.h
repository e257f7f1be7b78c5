/* One flow, metered packet by packet. */
#ifndef KARMA_TESTS_ONE_FLOW_H
#define KARMA_TESTS_ONE_FLOW_H

#include <stdbool.h>
#include <string.h>

#include "flow/meter.h"
#include "frame.h"

#define MS 1000000ull
#define START (1000 * METER_SECOND)

/* One flow under test, and what the last packet led to. */
static struct flow f;
static struct flow_key key;
static struct flow_report ended, closed;
static unsigned done;

static inline int fresh(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	return 0;
}

static inline void packet_at(struct packet *p, const struct spec *s, uint64_t ns)
{
	uint8_t bytes[FRAME_MAX];
	struct frame frame = frame_of_bytes(bytes, frame_make(bytes, s), ns);

	assert_int_equal(packet_ethernet(p, &frame), 0);
	packet_copy_data(p, &frame);
}

/* Meter what `s` says at `ns` after START. */
static inline unsigned meter(const struct spec *s, uint64_t ns)
{
	struct packet p;
	unsigned expected;

	packet_at(&p, s, START + ns);
	key = p.key;
	expected = flow_expect(&f, &p);
	done = flow_meter(&f, &p, &ended, &closed);
	/* What the kernel makes room for must be enough. */
	assert_int_equal(done & (METER_ENDED | METER_CLOSED) & ~expected, 0);
	assert_int_equal(f.bits >> FLOW_DONE, 0);
	return done;
}

/* A TCP packet of the client (host 2) or the server (host 1). */
static inline unsigned tcp(
	bool server, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload, uint64_t ns)
{
	struct spec s = {.proto = PROTO_TCP,
		.src = 2,
		.dst = 1,
		.sport = 40000,
		.dport = 80,
		.window = 1000,
		.ttl = 60};

	if (server) {
		s.src = 1;
		s.dst = 2;
		s.sport = 80;
		s.dport = 40000;
		s.ttl = 50;
	}
	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	s.payload = payload;
	return meter(&s, ns);
}

static inline unsigned udp(bool answer, const char *data, uint64_t ns)
{
	struct spec s = {.proto = PROTO_UDP,
		.src = answer ? 1 : 2,
		.dst = answer ? 2 : 1,
		.sport = answer ? 9 : 5000,
		.dport = answer ? 5000 : 9,
		.data = data};

	s.payload = data ? (uint32_t)strlen(data) : 0;
	return meter(&s, ns);
}

static inline void handshake(void)
{
	assert_int_equal(tcp(false, TCP_SYN, 100, 0, 0, 0), METER_BEGUN);
	assert_int_equal(tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 10 * MS), 0);
	assert_int_equal(tcp(false, TCP_ACK, 101, 901, 0, 13 * MS), 0);
}

static inline uint64_t flow_packets(const struct flow *flow)
{
	return flow->side[0].packets + flow->side[1].packets;
}

/* What the sweep would do at `ns` after START. */
static inline enum flow_due due_at(uint64_t ns)
{
	return flow_due(&f, &key, START + ns);
}

#endif
