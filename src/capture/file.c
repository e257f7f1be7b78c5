/* Captures: libpcap reads, the flow table meters. */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/link.h"
#include "flow/table.h"

struct reader {
	record_sink sink;
	void *context;
	bool outer;          /* meter tunnels from outside */
	bool each_interface; /* has flows of its own: those that packets name have places */
	uint32_t place[FLOW_PLACES];
	unsigned places;
};

static int hand_on(void *context, const struct flow_report *report)
{
	struct reader *reader = context;
	struct record r;

	record_make(&r, report, 0);
	return reader->sink(reader->context, &r);
}

/* Nanoseconds since 1970. 0 means "none" in a flow, so that 1970 begins a nanosecond late; a time
 * beyond 2255 is a capture's error, not a time. */
static uint64_t frame_time(const struct timeval *nano)
{
	const int64_t last = 9000000000;

	if (nano->tv_sec > last || nano->tv_usec < 0 || nano->tv_usec >= 1000000000)
		return (uint64_t)last * 1000000000;
	if (nano->tv_sec < 0 || (nano->tv_sec == 0 && nano->tv_usec == 0))
		return 1;
	return (uint64_t)nano->tv_sec * 1000000000 + (uint64_t)nano->tv_usec;
}

/* From 1 on, in the order in which they are met; those beyond share the last place. */
static unsigned place_of(struct reader *reader, uint32_t ifindex)
{
	unsigned i = 0;

	while (i < reader->places && reader->place[i] != ifindex)
		i++;
	if (i == FLOW_PLACES)
		return FLOW_PLACES;
	if (i == reader->places)
		reader->place[reader->places++] = ifindex;
	return i + 1;
}

/* Decode the next packets of the capture, at most FLOW_TABLE_BATCH that can be metered. What
 * pcap_next_ex() returned last: not 1 at the end. */
static int next_packets(pcap_t *pcap, link_decode decode, struct packet *batch, size_t *count,
	struct reader *reader, struct meter_stats *stats)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int got = 1;

	*count = 0;
	while (*count < FLOW_TABLE_BATCH && (got = pcap_next_ex(pcap, &header, &data)) == 1) {
		struct packet *p = &batch[*count];
		struct frame f = {
			.data = data,
			.end = data + header->caplen,
			.length = header->len > header->caplen ? header->len : header->caplen,
			.segments = 1,
			.ns = frame_time(&header->ts),
			.outer = reader->outer,
		};
		int lost = decode(p, &f);

		if (lost) {
			stats->count[lost]++;
			continue;
		}
		if (reader->each_interface && p->hook)
			p->key.at = place_of(reader, FLOW_HOOK_INTERFACE(p->hook)) & FLOW_PLACES;
		packet_copy_data(p, &f);
		++*count;
	}
	return got;
}

/* 0, or what the sink returned. `whole`: the capture ended where it should. */
static int read_packets(pcap_t *pcap, link_decode decode, struct flow_table *table,
	struct reader *reader, struct meter_stats *stats, bool *whole)
{
	struct packet batch[FLOW_TABLE_BATCH];
	size_t count;
	int got, err;

	do {
		got = next_packets(pcap, decode, batch, &count, reader, stats);
		err = flow_table_packets(table, batch, count);
	} while (got == 1 && !err);
	*whole = got != PCAP_ERROR;
	return err;
}

static int meter_capture(pcap_t *pcap, const char *path, struct flow_table *table,
	struct reader *reader, struct meter_stats *stats, struct error *e)
{
	int dlt = pcap_datalink(pcap);
	link_decode decode = link_of(dlt);
	const char *name = pcap_datalink_val_to_name(dlt);
	bool whole;
	int err;

	if (!decode)
		return error_set(e, -EPROTONOSUPPORT,
			"%s: link type %d (%s) is not understood; capture on one of " LINK_NAMES,
			path, dlt, name ? name : "unknown");
	err = read_packets(pcap, decode, table, reader, stats, &whole);
	if (!err)
		err = flow_table_close(table);
	if (!err && !whole)
		err = error_set(e, -EIO, "%s: %s; the packets before it were read", path,
			pcap_geterr(pcap));
	return err;
}

/* A capture and the room that it is read into. */
struct source {
	pcap_t *pcap;
	char *buffer;
};

static void source_close(struct source *s)
{
	if (s->pcap)
		pcap_close(s->pcap);
	free(s->buffer);
}

/* The C library would read 4 KiB at a time, which takes longer than to meter what is read, and lock
 * the file for each packet. False: `text` says why. */
static bool source_open(struct source *s, const char *path, char text[PCAP_ERRBUF_SIZE])
{
	const size_t piece = 256 << 10;
	FILE *file = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "rb") : fopen(path, "rb");

	s->buffer = malloc(piece);
	if (!file || !s->buffer) {
		snprintf(text, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
		goto fail;
	}
	setvbuf(file, s->buffer, _IOFBF, piece);
	__fsetlocking(file, FSETLOCKING_BYCALLER);
	s->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
	if (s->pcap)
		return true;
fail:
	if (file)
		fclose(file);
	return false;
}

int capture_read(const char *path, const struct meter_settings *settings, record_sink sink,
	void *context, struct meter_stats *stats, struct error *e)
{
	struct reader reader = {.sink = sink,
		.context = context,
		.outer = settings && settings->outer,
		.each_interface = settings && settings->each_interface};
	char text[PCAP_ERRBUF_SIZE] = "";
	struct source source = {0};
	struct flow_table *table;
	int err;

	if (!source_open(&source, path, text)) {
		source_close(&source);
		return error_set(e, -EINVAL,
			"%s: not readable as a capture: %s; give a pcap or pcapng file", path,
			text);
	}
	table = flow_table_new(settings ? settings->flows : 0, hand_on, &reader, stats);
	err = table ? meter_capture(source.pcap, path, table, &reader, stats, e)
		    : error_set(e, -ENOMEM, "out of memory for the flow table");
	flow_table_free(table);
	source_close(&source);
	return err;
}
