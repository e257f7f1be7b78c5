/* Records for the tests of features. */
#ifndef KARMA_TESTS_SAMPLE_H
#define KARMA_TESTS_SAMPLE_H

#include <assert.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow/record.h"

/* cmocka's own knows floats only. */
#define assert_close(value, expected, within)                                                      \
	do {                                                                                       \
		double value_ = (value), expected_ = (expected);                                   \
		if (!(fabs(value_ - expected_) <= (within)))                                       \
			fail_msg("%s: %.9g instead of %.9g", #value, value_, expected_);           \
	} while (0)

static const int64_t SAMPLE_EPOCH = 1700000000LL * 1000000000;
static const int64_t SECOND = 1000000000;

/* One packet of 40 bytes from `src` to `dst`, `at` seconds after the epoch of the samples. */
static inline struct record sample(
	const char *src, uint16_t sport, const char *dst, uint16_t dport, uint8_t proto, double at)
{
	struct record r = {0};

	if (!addr_parse(src, r.addr[SRC]) || !addr_parse(dst, r.addr[DST]))
		abort();
	r.port[SRC] = sport;
	r.port[DST] = dport;
	r.proto = proto;
	r.net = strchr(src, ':') ? NET_IPV6 : NET_IPV4;
	r.event = RECORD_LOOK;
	r.state = proto == IPPROTO_TCP ? STATE_REQ : STATE_INT;
	r.news = true;
	r.at_ns = SAMPLE_EPOCH + (int64_t)(at * 1e9);
	r.start_ns = r.first_ns = r.last_ns = r.at_ns;
	r.side[SRC].packets = 1;
	r.side[SRC].bytes = 40;
	if (proto == IPPROTO_TCP)
		r.side[SRC].flags[FLAG_SYN] = 1;
	r.flow_id = 1;
	return r;
}

/* The first payload bytes of a side. */
static inline void sample_data(struct record *r, int side, const void *data, size_t length)
{
	struct flow_side *f = &r->side[side];

	f->data_len = (uint8_t)(length < FLOW_PAYLOAD ? length : FLOW_PAYLOAD);
	memcpy(f->data, data, f->data_len);
	f->size[0] = (uint16_t)length;
	f->sizes = 1;
	f->payload = length;
	f->packets = 1;
}

#endif
