#include "output/losses.h"

#include <string.h>

enum {
	METER = METER_COUNTERS - LOST_MAP_FULL,
	HOSTS = METER,
	EVENTS,
	EVIDENCE,
	ALERTS,
	HISTORY_ALERTS,
	HISTORY_HOSTS,
	HISTORY_MINUTES,
	HISTORY_BLOCKS,
	KEPT_ROOM,
	KEPT_LINK,
	KEPT_FAILED,
	KEPT_QUEUE,
	KEPT_FAST,
	KEPT_NONE,
	BLOCK_FULL,
	BLOCK_FAST,
	PROTECTED,
	ALL,
};

_Static_assert((int)ALL == (int)LOSSES, "the header says how many there are");

#define OF(counter) ((counter)-LOST_MAP_FULL)

static const char broken[] = "damaged or hostile packets; 'karma flows' has what could be decoded";
static const char slow_disk[] = "see whether the disk is full or slow";

static const struct loss all[LOSSES] = {
	[OF(LOST_MAP_FULL)] = {"flow table full", "give it more room with --flows", LOSS_ROOM},
	[OF(LOST_BUSY)] = {"flow busy", "give the machine more processor time", LOSS_ROOM},
	[OF(LOST_RING_FULL)] = {"ring full",
		"records come late: give the machine more processor time", LOSS_LATE},
	[OF(LOST_TRUNCATED)] = {"truncated", broken, LOSS_UNKNOWN},
	[OF(LOST_BAD_LENGTH)] = {"contradicting lengths", broken, LOSS_UNKNOWN},
	[OF(LOST_BAD_VERSION)] = {"unknown IP version", broken, LOSS_UNKNOWN},
	[OF(LOST_EXTENSIONS)] = {"too many headers", broken, LOSS_UNKNOWN},
	[OF(LOST_NOT_IP)] = {"not IP", "nothing: Karma judges IP and ARP", LOSS_OTHER},
	[OF(LOST_LINK)] = {"unknown link type", broken, LOSS_UNKNOWN},
	[OF(LOST_ENCRYPTED)] = {"encrypted 802.11", broken, LOSS_OTHER},
	[OF(LOST_DAMAGED)] = {"damaged 802.11", broken, LOSS_UNKNOWN},
	[OF(LOST_TIME)] = {"clock backwards", "see what sets the clock", LOSS_ROOM},
	[HOSTS] = {"hosts forgotten",
		"more hosts than are remembered; somebody may be forging addresses", LOSS_AGED,
		"hosts_forgotten", "host forgotten for others", "hosts forgotten for others"},
	[EVENTS] = {"flows forgotten", "give the counters over time more room with --flows",
		LOSS_ROOM, "events_forgotten", "flow that left the counters early",
		"flows that left the counters early"},
	[EVIDENCE] = {"evidence forgotten",
		"more suspects than are remembered; somebody may be forging addresses", LOSS_AGED,
		"evidence_forgotten", "host whose evidence gave way to others'",
		"hosts whose evidence gave way to others'"},
	[ALERTS] = {"alerts ended early", "more alerts than are kept open at a time", LOSS_ROOM,
		"alerts_ended_early", "alert that ended early for others",
		"alerts that ended early for others"},
	[HISTORY_ALERTS] = {"history: alerts", slow_disk, LOSS_KEPT, "history_lost",
		"alert that could not be written to the history",
		"alerts that could not be written to the history"},
	[HISTORY_HOSTS] = {"history: hosts", slow_disk, LOSS_KEPT, "history_hosts_lost",
		"host's counts that the history had no room for",
		"hosts' counts that the history had no room for"},
	[HISTORY_MINUTES] = {"history: minutes", slow_disk, LOSS_KEPT, "history_minutes_lost",
		"minute that could not be written to the history",
		"minutes that could not be written to the history"},
	[HISTORY_BLOCKS] = {"history: changes of the block list", slow_disk, LOSS_KEPT,
		"history_blocks_lost", "change of the block list that the history had no room for",
		"changes of the block list that the history had no room for"},
	[KEPT_ROOM] = {"kept packets: capture full", "nothing: an alert's capture has a limit",
		LOSS_OTHER, "kept_no_room", "packet of an alert whose capture is full",
		"packets of alerts whose captures are full"},
	[KEPT_LINK] = {"kept packets: other link layer",
		"watch interfaces of one kind with --pcap-dir", LOSS_OTHER, "kept_other_link",
		"packet of another link layer than its alert's capture",
		"packets of another link layer than their alerts' captures"},
	[KEPT_FAILED] = {"kept packets: not written", slow_disk, LOSS_KEPT, "kept_failed",
		"packet of an alert that could not be written",
		"packets of alerts that could not be written"},
	[KEPT_QUEUE] = {"kept packets: no room on their way", slow_disk, LOSS_KEPT,
		"kept_queue_full", "packet of an alert that found no room on its way to the disk",
		"packets of alerts that found no room on their way to the disk"},
	[KEPT_FAST] = {"kept packets: too fast", "give the machine more processor time", LOSS_KEPT,
		"kept_dropped", "packet that came too fast to be kept",
		"packets that came too fast to be kept"},
	[KEPT_NONE] = {"kept packets: alerts without capture",
		"more alerts at a time than captures", LOSS_KEPT, "alerts_without_capture",
		"alert without a capture: too many at a time",
		"alerts without a capture: too many at a time"},
	[BLOCK_FULL] = {"blocks: list full", "delete entries, or raise 'entries' in karma.conf",
		LOSS_KEPT, "block_refused_full", "block that found no room in the list",
		"blocks that found no room in the list"},
	[BLOCK_FAST] = {"blocks: too many a minute",
		"raise 'new-a-minute' in karma.conf if these are attackers", LOSS_KEPT,
		"block_refused_fast", "block too many in its minute",
		"blocks too many in their minutes"},
	[PROTECTED] = {"protected look-ups",
		"see that /proc and the routes can be read; who is not known as protected may be "
		"blocked",
		LOSS_KEPT, "block_protected_lost", "look at who is protected that did not find all",
		"looks at who is protected that did not find all"},
};

const struct loss *loss_of(unsigned i)
{
	return &all[i < LOSSES ? i : 0];
}

const char *loss_key(unsigned i)
{
	return i < METER ? meter_counter_name((enum meter_counter)(LOST_MAP_FULL + i))
			 : loss_of(i)->key;
}

const char *loss_text(unsigned i, uint64_t count)
{
	if (i < METER)
		return meter_counter_text((enum meter_counter)(LOST_MAP_FULL + i), count);
	return count == 1 ? loss_of(i)->one : loss_of(i)->more;
}

bool loss_is_real(const struct loss *l)
{
	return l->kind == LOSS_ROOM || l->kind == LOSS_UNKNOWN || l->kind == LOSS_KEPT;
}

void losses_of(const struct summary *s, uint64_t lost[LOSSES])
{
	memcpy(lost, &s->meter.count[LOST_MAP_FULL], METER * sizeof(*lost));
	lost[HOSTS] = s->judge.hosts_forgotten;
	lost[EVENTS] = s->judge.events_forgotten;
	lost[EVIDENCE] = s->detect.evidence_forgotten;
	lost[ALERTS] = s->detect.alerts.ended_early;
	lost[HISTORY_ALERTS] = s->history.lost;
	lost[HISTORY_HOSTS] = s->history.lost_hosts;
	lost[HISTORY_MINUTES] = s->history.lost_minutes;
	lost[HISTORY_BLOCKS] = s->history.lost_blocks;
	lost[KEPT_ROOM] = s->keeper.no_room;
	lost[KEPT_LINK] = s->keeper.other_link;
	lost[KEPT_FAILED] = s->keeper.failed;
	lost[KEPT_QUEUE] = s->keeper.queue_full;
	lost[KEPT_FAST] = s->keeper.dropped;
	lost[KEPT_NONE] = s->keeper.alerts_without;
	lost[BLOCK_FULL] = s->block.refused_full;
	lost[BLOCK_FAST] = s->block.refused_fast;
	lost[PROTECTED] = s->block.protected_lost;
}

uint64_t losses_sum(const uint64_t lost[LOSSES])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LOSSES; i++)
		if (all[i].kind == LOSS_ROOM || all[i].kind == LOSS_UNKNOWN)
			sum += lost[i];
	return sum;
}

bool losses_any(const uint64_t lost[LOSSES])
{
	for (unsigned i = 0; i < LOSSES; i++)
		if (loss_is_real(&all[i]) && lost[i])
			return true;
	return false;
}
