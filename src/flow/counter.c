#include "flow/counter.h"

#include <inttypes.h>

static const struct {
	const char *name;
	const char *one, *more;
} counters[METER_COUNTERS] = {
	[COUNT_PACKETS] = {"packets", "packet", "packets"},
	[COUNT_BYTES] = {"bytes", "byte", "bytes"},
	[COUNT_FLOWS] = {"flows", "flow", "flows"},
	[COUNT_RECORDS] = {"records", "record", "records"},
	[COUNT_OPEN] = {"open", "flow open", "flows open"},
	[COUNT_EVICTED] = {"evicted", "flow without an open connection that gave way to others",
		"flows without an open connection that gave way to others"},
	[COUNT_TOTAL] = {"by_destination", "packet metered by destination alone (table full)",
		"packets metered by destination alone (table full)"},
	[COUNT_SEEN_AGAIN] = {"seen_again", "packet seen again elsewhere, counted once",
		"packets seen again elsewhere, counted once"},
	[COUNT_LINK_DOWN] = {"link_down", "time a watched interface went down or away",
		"times a watched interface went down or away"},
	[COUNT_LINK_UP] = {"link_up", "time one came up", "times one came up"},
	[LOST_MAP_FULL] = {"lost_map_full", "packet for which the flow table had no room",
		"packets for which the flow table had no room"},
	[LOST_BUSY] = {"lost_busy", "packet whose flow was busy", "packets whose flow was busy"},
	[LOST_RING_FULL] = {"ring_full", "record that came late because the ring was full",
		"records that came late because the ring was full"},
	[LOST_TRUNCATED] = {"lost_truncated", "packet cut short before its headers ended",
		"packets cut short before their headers ended"},
	[LOST_BAD_LENGTH] = {"lost_bad_length", "packet whose headers contradict each other",
		"packets whose headers contradict each other"},
	[LOST_BAD_VERSION] = {"lost_bad_version", "packet of an unknown IP version",
		"packets of an unknown IP version"},
	[LOST_EXTENSIONS] = {"lost_extensions", "packet with too many headers",
		"packets with too many headers"},
	[LOST_NOT_IP] = {"not_ip", "frame that is neither IP nor ARP",
		"frames that are neither IP nor ARP"},
	[LOST_LINK] = {"lost_link", "frame of a link type that is not understood",
		"frames of a link type that is not understood"},
	[LOST_ENCRYPTED] = {"encrypted", "encrypted 802.11 frame", "encrypted 802.11 frames"},
	[LOST_DAMAGED] = {"lost_damaged", "802.11 frame with a wrong checksum",
		"802.11 frames with a wrong checksum"},
	[LOST_TIME] = {"lost_time", "packet whose clock went backwards",
		"packets whose clock went backwards"},
};

const char *meter_counter_name(enum meter_counter c)
{
	return (unsigned)c < METER_COUNTERS ? counters[c].name : "?";
}

const char *meter_counter_text(enum meter_counter c, uint64_t count)
{
	if ((unsigned)c >= METER_COUNTERS)
		return "?";
	return count == 1 ? counters[c].one : counters[c].more;
}

static void print_count(
	FILE *out, const char *before, const struct meter_stats *stats, enum meter_counter c)
{
	fprintf(out, "%s%" PRIu64 " %s", before, stats->count[c],
		meter_counter_text(c, stats->count[c]));
}

void meter_stats_print(FILE *out, const struct meter_stats *stats)
{
	static const enum meter_counter always[] = {COUNT_PACKETS, COUNT_FLOWS, COUNT_RECORDS};
	const char *between = "";

	for (unsigned c = 0; c < sizeof(always) / sizeof(always[0]); c++) {
		print_count(out, between, stats, always[c]);
		between = ", ";
	}
	for (unsigned c = COUNT_EVICTED; c < METER_COUNTERS; c++)
		if (stats->count[c])
			print_count(out, "; ", stats, (enum meter_counter)c);
}
