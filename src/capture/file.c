/* Captures: pcapfile.c reads pcap, pcapng.c pcapng, the flow table meters. */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "capture/link.h"
#include "capture/pcapfile.h"
#include "capture/pcapng.h"
#include "capture/stream.h"
#include "flow/table.h"
#include "util/clock.h"

/* A capture that is being read: one of the two readers. */
struct capture {
	const char *path;
	const struct meter_settings *settings;
	struct stream stream;
	bool is_ng;
	struct pcapfile pcap;
	int link;           /* of the frame in hand */
	link_decode decode; /* of a pcap; each packet of a pcapng says its own */
	struct pcapng ng;
	int unknown_link; /* the first link type of a pcapng that is not understood, or -1 */
	bool known_link;  /* some other one of it is */

	struct flow_table *table;
	struct meter_stats *stats;
	record_sink sink;
	void *context;

	struct packet batch[FLOW_TABLE_BATCH]; /* decoded, to be metered together */
	size_t count;

	uint32_t place[FLOW_PLACES]; /* of interfaces, where each has its own flows */
	unsigned places;

	/* Waiting for more. */
	uint64_t last_ns;  /* the latest packet's time */
	off_t waited_at;   /* where the stream was when the waiting began */
	uint64_t since_ns; /* when that was, by the monotonic clock */
	int err;           /* what a sink returned meanwhile */
};

static int hand_on(void *context, const struct flow_report *report)
{
	struct capture *c = context;
	struct record r;

	record_make(&r, report, 0);
	return c->sink(c->context, &r);
}

/* ---- packets ---- */

/* Nanoseconds since 1970. 0 means "none" in a flow, so that 1970 begins a nanosecond late; a time
 * beyond 2255 is a capture's error, not a time. */
static uint64_t frame_time(uint64_t ns)
{
	const uint64_t last = 9000000000ull * 1000000000;

	return ns > last ? last : ns ? ns : 1;
}

/* From 1 on, in the order in which they are met; those beyond share the last place. */
static unsigned place_of(struct capture *c, uint32_t ifindex)
{
	unsigned i = 0;

	while (i < c->places && c->place[i] != ifindex)
		i++;
	if (i == FLOW_PLACES)
		return FLOW_PLACES;
	if (i == c->places)
		c->place[c->places++] = ifindex;
	return i + 1;
}

static struct frame frame_of(
	const struct capture *c, const uint8_t *data, uint32_t caught, uint32_t length, uint64_t ns)
{
	return (struct frame){
		.data = data,
		.end = data + caught,
		.length = length > caught ? length : caught,
		.segments = 1,
		.ns = frame_time(ns),
		.outer = c->settings->outer,
	};
}

/* The next frame and how to decode it: 1; 0 at the end, -1 where the capture is broken. */
static int next_frame(struct capture *c, struct frame *f, link_decode *decode)
{
	struct pcapng_packet p;
	struct pcap_packet classic;
	int got;

	if (!c->is_ng) {
		got = pcapfile_next(&c->pcap, &classic);
		if (got == 1)
			*f = frame_of(c, classic.data, classic.caught, classic.length, classic.ns);
		*decode = c->decode;
		c->link = c->pcap.link;
		return got;
	}
	got = pcapng_next(&c->ng, &p);
	if (got == 1) {
		*f = frame_of(c, p.data, p.caught, p.length, p.ns);
		f->hook = FLOW_HOOK(p.interface + 1, p.outbound);
		*decode = link_of(p.link);
		c->link = p.link;
		c->known_link |= *decode != NULL;
		if (!*decode && c->unknown_link < 0)
			c->unknown_link = p.link;
	}
	return got;
}

static int meter_batch(struct capture *c)
{
	int err = flow_table_packets(c->table, c->batch, c->count);

	c->count = 0;
	return err;
}

/* 0, or what the sink returned. A frame is a packet, or several. */
static int meter_frame(struct capture *c, struct frame *f, link_decode decode)
{
	struct caught whole = {.data = f->data,
		.caught = (uint32_t)(f->end - f->data),
		.length = f->length,
		.link = c->link,
		.ns = (int64_t)f->ns};
	bool handed = !c->settings->caught;
	int err = 0;

	if (f->ns > c->last_ns)
		c->last_ns = f->ns;
	do {
		struct packet *p = &c->batch[c->count];
		int lost = decode ? decode(p, f) : LOST_LINK;

		if (lost) {
			c->stats->count[lost]++;
			continue;
		}
		if (!handed) {
			caught_ends(&whole, p);
			c->settings->caught(c->context, &whole);
			handed = true;
		}
		if (c->settings->each_interface && p->hook)
			p->key.at = place_of(c, FLOW_HOOK_INTERFACE(p->hook)) & FLOW_PLACES;
		packet_copy_data(p, f);
		if (++c->count == FLOW_TABLE_BATCH)
			err = meter_batch(c);
	} while (f->next && !err);
	return err;
}

/* 0, or what the sink returned. `whole`: the capture ended where it should. */
static int read_frames(struct capture *c, bool *whole)
{
	link_decode decode;
	struct frame f;
	int got, err = 0;

	while (!err && (got = next_frame(c, &f, &decode)) == 1)
		err = meter_frame(c, &f, decode);
	*whole = err || got == 0;
	if (!err)
		err = c->err ? c->err : meter_batch(c);
	return err;
}

/* A stream_wait. What has been read is metered. The capture's clock stood at the last packet when
 * it came, and goes on from there, whenever the capture was made. */
static int wait_for_more(void *context)
{
	struct capture *c = context;
	uint64_t now = c->last_ns;

	c->err = meter_batch(c);
	if (c->settings->follow && c->last_ns && !c->err) {
		uint64_t at = clock_now(CLOCK_MONOTONIC);

		if (c->stream.at != c->waited_at) {
			c->waited_at = c->stream.at;
			c->since_ns = at;
		}
		now += at - c->since_ns;
		c->err = flow_table_advance(c->table, now);
	}
	if (!c->err && c->settings->waiting)
		c->settings->waiting(c->context, (int64_t)now);
	return c->err;
}

/* ---- captures ---- */

static int unknown_link(const struct capture *c, int link, struct error *e)
{
	const char *name = pcap_datalink_val_to_name(link);

	return error_set(e, -EPROTONOSUPPORT,
		"%s: link type %d (%s) is not understood; capture on one of " LINK_NAMES, c->path,
		link, name ? name : "unknown");
}

/* A capture that cannot be opened: what it holds is not known. */
static int closed(const struct capture *c, int err, struct error *e)
{
	const char *remedy = err == -ENOENT   ? "; check the name"
			     : err == -EACCES ? "; it needs the right to read it"
					      : "";

	return error_set(
		e, err, "%s: not readable as a capture: %s%s", c->path, strerror(-err), remedy);
}

/* A capture that cannot be read, or not to its end. */
static int broken(const struct capture *c, int err, const char *why, struct error *e)
{
	if (c->last_ns)
		return error_set(e, err, "%s: %s; the packets before it were read", c->path, why);
	return error_set(e, err, "%s: not readable as a capture: %s; give a pcap or pcapng file",
		c->path, why);
}

static bool is_gzip(struct capture *c)
{
	static const uint8_t magic[] = {0x1f, 0x8b};
	const uint8_t *first = stream_peek(&c->stream, 1);

	if (!first || *first != magic[0])
		return false;
	first = stream_peek(&c->stream, sizeof(magic));
	return first && first[1] == magic[1];
}

/* From its first byte to the first packet: 0, or a negative errno. */
static int open_capture(struct capture *c, struct error *e)
{
	const uint8_t *first = stream_peek(&c->stream, 1);

	c->is_ng = first && *first == PCAPNG_FIRST_BYTE;
	if (c->is_ng) {
		pcapng_open(&c->ng, &c->stream);
		return 0;
	}
	if (is_gzip(c))
		return error_set(e, -EINVAL, "%s: compressed; gunzip it first", c->path);
	if (!pcapfile_open(&c->pcap, &c->stream))
		return broken(c, -EINVAL, c->pcap.wrong, e);
	c->decode = link_of(c->pcap.link);
	return c->decode ? 0 : unknown_link(c, c->pcap.link, e);
}

static int meter_capture(struct capture *c, struct error *e)
{
	bool whole = true;
	int err = open_capture(c, e);

	if (!err) {
		err = read_frames(c, &whole);
		if (err)
			return err; /* the sink's */
	}
	/* Where it was stopped, what was half read, or not even begun, is nobody's mistake.
	 * Standard input ends there, as a capture that is followed does. */
	if (c->stream.stopped && !c->settings->follow && strcmp(c->path, "-") != 0)
		return error_set(e, -EINTR, "%s", "");
	if (err && !c->stream.stopped)
		return err;
	err = flow_table_close(c->table);
	if (err || c->stream.stopped)
		return error_set(e, err, "%s", "");
	if (c->stream.shrunk)
		return broken(c, -EIO, "it became shorter while it was followed", e);
	if (!whole)
		return broken(c, -EIO, c->is_ng ? c->ng.wrong : c->pcap.wrong, e);
	if (c->unknown_link >= 0 && !c->known_link)
		return unknown_link(c, c->unknown_link, e);
	return 0;
}

int capture_read(const char *path, const struct meter_settings *settings, record_sink sink,
	void *context, struct meter_stats *stats, struct error *e)
{
	static const struct meter_settings none;
	struct capture c = {.path = path,
		.settings = settings ? settings : &none,
		.unknown_link = -1,
		.stats = stats,
		.sink = sink,
		.context = context};
	int err = stream_open(
		&c.stream, path, c.settings->follow, c.settings->stop, wait_for_more, &c);

	if (err) {
		err = closed(&c, err, e);
	} else {
		c.table = flow_table_new(c.settings->flows, hand_on, &c, stats);
		err = c.table ? meter_capture(&c, e)
			      : error_set(e, -ENOMEM, "out of memory for the flow table");
	}
	flow_table_free(c.table);
	pcapng_close(&c.ng);
	stream_close(&c.stream);
	return err;
}
