/* How fast packets are metered in user space, from frames in memory. */
#include "cmd/bench_meter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "flow/decode.h"
#include "flow/table.h"

enum {
	FRAME = BENCH_FRAME,
	PAYLOAD = 32,
	PACKETS = 1 << 21, /* measured in user space, after a first round over all flows */
};

/* ---- frames ---- */

void bench_frame(uint8_t frame[BENCH_FRAME])
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0,
		FRAME - 14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 1, 0, 1, 0x30, 0x39, 0x23,
		0x28, 0, 8 + PAYLOAD, 0, 0};

	memset(frame, 0x5a, FRAME);
	memcpy(frame, head, sizeof(head));
}

/* Make it the frame of flow `n`: another source address. Neighbours in number are far apart in the
 * table. */
static void frame_of_flow(uint8_t *frame, uint32_t n)
{
	frame[27] = (uint8_t)(n >> 16);
	frame[28] = (uint8_t)(n >> 8);
	frame[29] = (uint8_t)n;
}

/* The i-th flow of a round: the first round makes the flows in order, later ones come in an order
 * that neither the table's nor any cache's follows. */
static uint32_t flow_of(uint32_t i, uint32_t flows, bool first)
{
	return (first ? i : i * 2654435769u ^ i >> 5) & (flows - 1);
}

/* ---- user space ---- */

static int drop_report(void *context, const struct flow_report *report)
{
	(void)report;
	++*(uint64_t *)context;
	return 0;
}

static int meter_frames(
	struct flow_table *table, uint8_t *bytes, uint32_t flows, bool first, uint64_t *ns)
{
	uint32_t count = first ? flows : PACKETS;

	for (uint32_t i = 0; i < count; i++) {
		struct frame f = {.data = bytes,
			.end = bytes + FRAME,
			.length = FRAME,
			.segments = 1,
			.ns = *ns += 100};
		struct packet p;
		int err;

		frame_of_flow(bytes, flow_of(i, flows, first));
		if (packet_ethernet(&p, &f))
			return -EPROTO;
		packet_copy_data(&p, &f);
		err = flow_table_packet(table, &p);
		if (err)
			return err;
	}
	return 0;
}

static json_t *meter_flows(uint32_t flows, struct error *e)
{
	uint64_t reports = 0, ns = 1000000000;
	struct meter_stats stats = {{0}};
	struct flow_table *table = flow_table_new(flows, drop_report, &reports, &stats);
	uint8_t bytes[FRAME];
	double start, took;
	int err;

	if (!table) {
		error_set(e, -ENOMEM, "no memory for a table of %u flows", flows);
		return NULL;
	}
	bench_frame(bytes);
	err = meter_frames(table, bytes, flows, true, &ns);
	start = bench_clock();
	if (!err)
		err = meter_frames(table, bytes, flows, false, &ns);
	took = bench_clock() - start;
	flow_table_free(table);
	if (err) {
		error_set(e, err, "metering frames in memory failed: %s", strerror(-err));
		return NULL;
	}
	return json_pack(
		"{sf sf}", "ns_per_packet", took * 1e9 / PACKETS, "packets_per_s", PACKETS / took);
}

json_t *bench_meter(const struct bench_options *o, struct error *e)
{
	static const struct {
		const char *name;
		uint32_t flows;
	} sizes[] = {{"1_flow", 1}, {"64k_flows", 1 << 16}, {"1m_flows", 1 << 20}};
	json_t *all = json_object();

	(void)o;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		json_t *one = meter_flows(sizes[i].flows, e);

		if (!one) {
			json_decref(all);
			return NULL;
		}
		json_object_set_new(all, sizes[i].name, one);
	}
	return all;
}
