#include "flow/counter.h"

#include <inttypes.h>

static const struct {
	const char *name;
	const char *text;
} counters[METER_COUNTERS] = {
	[COUNT_PACKETS] = {"packets", "packets"},
	[COUNT_BYTES] = {"bytes", "bytes"},
	[COUNT_FLOWS] = {"flows", "flows"},
	[COUNT_RECORDS] = {"records", "records"},
	[COUNT_OPEN] = {"open", "flows open"},
	[COUNT_EVICTED] = {"evicted", "flows without an answer that gave way to others"},
	[COUNT_TOTAL] = {"by_destination", "packets metered by destination alone (table full)"},
	[COUNT_SEEN_AGAIN] = {"seen_again", "packets seen again elsewhere, counted once"},
	[COUNT_LINK_DOWN] = {"link_down", "times a watched interface went down or away"},
	[COUNT_LINK_UP] = {"link_up", "times one came up"},
	[LOST_MAP_FULL] = {"lost_map_full", "packets for which the flow table had no room"},
	[LOST_BUSY] = {"lost_busy", "packets whose flow was busy"},
	[LOST_RING_FULL] = {"lost_ring_full", "records that came late because the ring was full"},
	[LOST_TRUNCATED] = {"lost_truncated", "packets cut short before their headers ended"},
	[LOST_BAD_LENGTH] = {"lost_bad_length", "packets whose headers contradict each other"},
	[LOST_BAD_VERSION] = {"lost_bad_version", "packets of an unknown IP version"},
	[LOST_EXTENSIONS] = {"lost_extensions", "packets with too many headers"},
	[LOST_NOT_IP] = {"lost_not_ip", "frames that are neither IP nor ARP"},
	[LOST_LINK] = {"lost_link", "frames of a link type that is not understood"},
	[LOST_ENCRYPTED] = {"lost_encrypted", "encrypted 802.11 frames"},
	[LOST_DAMAGED] = {"lost_damaged", "802.11 frames with a wrong checksum"},
	[LOST_TIME] = {"lost_time", "packets whose clock went backwards"},
};

const char *meter_counter_name(enum meter_counter c)
{
	return (unsigned)c < METER_COUNTERS ? counters[c].name : "?";
}

const char *meter_counter_text(enum meter_counter c)
{
	return (unsigned)c < METER_COUNTERS ? counters[c].text : "?";
}

void meter_stats_print(FILE *out, const struct meter_stats *stats)
{
	fprintf(out, "%" PRIu64 " packets, %" PRIu64 " flows, %" PRIu64 " records",
		stats->count[COUNT_PACKETS], stats->count[COUNT_FLOWS],
		stats->count[COUNT_RECORDS]);
	for (unsigned c = COUNT_EVICTED; c < METER_COUNTERS; c++)
		if (stats->count[c])
			fprintf(out, "; %" PRIu64 " %s", stats->count[c], counters[c].text);
}
