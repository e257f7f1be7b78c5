/* Captures: libpcap reads pcap, pcapng.c reads pcapng, the flow table meters. */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/link.h"
#include "capture/pcapng.h"
#include "flow/table.h"

/* A capture that is being read: one of the two readers. */
struct capture {
	const char *path;
	FILE *file;
	char *buffer; /* the file's */
	pcap_t *pcap;
	link_decode decode; /* of a pcap; each packet of a pcapng says its own */
	struct pcapng ng;
	bool outer;
	int unknown_link; /* the first link type of a pcapng that is not understood, or -1 */
	bool known_link;  /* some other one of it is */

	struct flow_table *table;
	struct meter_stats *stats;
	record_sink sink;
	void *context;

	/* Packets are metered in batches; those of a pipe one by one, as they come. */
	struct packet batch[FLOW_TABLE_BATCH];
	size_t count, most;

	bool each_interface; /* has flows of its own: those that packets name have places */
	uint32_t place[FLOW_PLACES];
	unsigned places;
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

static uint64_t pcap_time(const struct timeval *nano)
{
	const int64_t last = 9000000000;

	if (nano->tv_sec > last || nano->tv_usec < 0 || nano->tv_usec >= 1000000000)
		return UINT64_MAX;
	return nano->tv_sec < 0 ? 0 : (uint64_t)nano->tv_sec * 1000000000 + (uint64_t)nano->tv_usec;
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
		.outer = c->outer,
	};
}

/* The next frame and how to decode it: 1; 0 at the end, -1 where the capture is broken. */
static int next_frame(struct capture *c, struct frame *f, link_decode *decode)
{
	struct pcapng_packet p;
	struct pcap_pkthdr *header;
	const u_char *data;
	int got;

	if (c->pcap) {
		got = pcap_next_ex(c->pcap, &header, &data);
		if (got == 1)
			*f = frame_of(c, data, header->caplen, header->len, pcap_time(&header->ts));
		*decode = c->decode;
		return got == 1 ? 1 : got == PCAP_ERROR ? -1 : 0;
	}
	got = pcapng_next(&c->ng, &p);
	if (got == 1) {
		*f = frame_of(c, p.data, p.caught, p.length, p.ns);
		f->hook = FLOW_HOOK(p.interface + 1, p.outbound);
		*decode = link_of(p.link);
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
	int err = 0;

	do {
		struct packet *p = &c->batch[c->count];
		int lost = decode ? decode(p, f) : LOST_LINK;

		if (lost) {
			c->stats->count[lost]++;
			continue;
		}
		if (c->each_interface && p->hook)
			p->key.at = place_of(c, FLOW_HOOK_INTERFACE(p->hook)) & FLOW_PLACES;
		packet_copy_data(p, f);
		if (++c->count == c->most)
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
	return err ? err : meter_batch(c);
}

/* ---- captures ---- */

static int unknown_link(const struct capture *c, int link, struct error *e)
{
	const char *name = pcap_datalink_val_to_name(link);

	return error_set(e, -EPROTONOSUPPORT,
		"%s: link type %d (%s) is not understood; capture on one of " LINK_NAMES, c->path,
		link, name ? name : "unknown");
}

static int meter_capture(struct capture *c, struct error *e)
{
	bool whole;
	int err;

	if (c->pcap && !c->decode)
		return unknown_link(c, pcap_datalink(c->pcap), e);
	err = read_frames(c, &whole);
	if (!err)
		err = flow_table_close(c->table);
	if (!err && !whole)
		return error_set(e, -EIO, "%s: %s; the packets before it were read", c->path,
			c->pcap ? pcap_geterr(c->pcap) : c->ng.wrong);
	if (!err && c->unknown_link >= 0 && !c->known_link)
		return unknown_link(c, c->unknown_link, e);
	return err;
}

/* 0, or a negative errno: `why` says what is wrong. */
static int open_capture(struct capture *c, char why[PCAP_ERRBUF_SIZE])
{
	const size_t piece = 256 << 10;
	struct stat file;
	int first;

	c->file =
		strcmp(c->path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "rb") : fopen(c->path, "rb");
	c->buffer = malloc(piece);
	if (!c->file || !c->buffer || fstat(fileno(c->file), &file) < 0) {
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
		return -EINVAL;
	}
	c->most = S_ISREG(file.st_mode) ? FLOW_TABLE_BATCH : 1;
	/* The C library would read 4 KiB at a time, which takes longer than to meter what is read,
	 * and lock the file for each packet. */
	setvbuf(c->file, c->buffer, _IOFBF, piece);
	__fsetlocking(c->file, FSETLOCKING_BYCALLER);
	first = getc(c->file);
	ungetc(first, c->file);
	if (first == PCAPNG_FIRST_BYTE) {
		pcapng_open(&c->ng, c->file);
		return 0;
	}
	c->pcap =
		pcap_fopen_offline_with_tstamp_precision(c->file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!c->pcap)
		return -EINVAL;
	c->decode = link_of(pcap_datalink(c->pcap));
	return 0;
}

static void close_capture(struct capture *c)
{
	flow_table_free(c->table);
	pcapng_close(&c->ng);
	if (c->pcap)
		pcap_close(c->pcap); /* and the file */
	else if (c->file)
		fclose(c->file);
	free(c->buffer);
}

int capture_read(const char *path, const struct meter_settings *settings, record_sink sink,
	void *context, struct meter_stats *stats, struct error *e)
{
	struct capture c = {.path = path,
		.outer = settings && settings->outer,
		.each_interface = settings && settings->each_interface,
		.unknown_link = -1,
		.stats = stats,
		.sink = sink,
		.context = context};
	char why[PCAP_ERRBUF_SIZE] = "";
	int err = open_capture(&c, why);

	if (err) {
		error_set(e, err, "%s: not readable as a capture: %s; give a pcap or pcapng file",
			path, why);
	} else {
		c.table = flow_table_new(settings ? settings->flows : 0, hand_on, &c, stats);
		err = c.table ? meter_capture(&c, e)
			      : error_set(e, -ENOMEM, "out of memory for the flow table");
	}
	close_capture(&c);
	return err;
}
