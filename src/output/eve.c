/* Suricata's EVE format (docs.suricata.io, "Eve JSON Format"): its names and types where it has
 * them; what is Karma's alone stands in the object "karma". */
#include "output/eve.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detect/technique.h"
#include "output/community.h"
#include "output/losses.h"

const char *eve_time(int64_t ns, char text[EVE_TIME_TEXT])
{
	time_t seconds = (time_t)(ns / 1000000000);
	char zone[8];
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(text, EVE_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(text + n, EVE_TIME_TEXT - n, ".%06d%s", (int)(ns % 1000000000 / 1000), zone);
	return text;
}

static json_t *time_json(int64_t ns)
{
	char text[EVE_TIME_TEXT];

	return json_string(eve_time(ns, text));
}

/* Four digits are more than a probability deserves. */
static json_t *probability_json(float p)
{
	return json_real(round((double)p * 1e4) / 1e4);
}

/* Suricata's metadata are lists, of one or none. */
static json_t *list_json(const char *text)
{
	json_t *list = json_array();

	if (text)
		json_array_append_new(list, json_string(text));
	return list;
}

/* ---- alerts ---- */

static void put_origin(json_t *event, const struct origin *from)
{
	if (from && from->interface)
		json_object_set_new(event, "in_iface", json_string(from->interface));
	if (from && from->capture)
		json_object_set_new(event, "pcap_filename", json_string(from->capture));
}

/* In capitals, as Suricata has them. */
static const char *proto_text(uint8_t net, uint8_t proto, char text[16])
{
	const char *name = record_proto_name(net, proto);
	size_t i = 0;

	if (net == NET_IPV6 && proto == IPPROTO_ICMPV6)
		return strcpy(text, "IPv6-ICMP");

	for (; i < 15 && name[i]; i++)
		text[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
	text[i] = '\0';
	return text;
}

/* The attacker's end is the source. An attacker that is not known is left out: an address that was
 * forged belongs to somebody else. */
static void put_ends(json_t *event, const struct alert *a)
{
	const struct record *r = &a->record;
	bool icmp = r->proto == IPPROTO_ICMP || r->proto == IPPROTO_ICMPV6;
	bool ports = record_has_ports(r);
	char text[ADDR_TEXT], proto[16], id[COMMUNITY_TEXT];

	if (!a->many) {
		json_object_set_new(event, "src_ip", json_string(addr_text(a->attacker, text)));
		if (ports)
			json_object_set_new(event, "src_port", json_integer(r->port[a->actor]));
	}
	json_object_set_new(event, "dest_ip", json_string(addr_text(r->addr[!a->actor], text)));
	if (ports)
		json_object_set_new(event, "dest_port", json_integer(r->port[!a->actor]));
	json_object_set_new(event, "proto", json_string(proto_text(r->net, r->proto, proto)));
	if (a->app)
		json_object_set_new(event, "app_proto", json_string(a->app));
	if (icmp) {
		json_object_set_new(event, "icmp_type", json_integer(r->icmp_type));
		json_object_set_new(event, "icmp_code", json_integer(r->icmp_code));
	}
	if (*community_id(r, id))
		json_object_set_new(event, "community_id", json_string(id));
}

static json_t *metadata_json(const struct alert *a)
{
	const struct technique *t = alert_technique(a);
	json_t *m = json_object(), *probability = json_object(), *reasons = json_array();

	json_object_set_new(m, "mitre_tactic_id", list_json(t ? t->tactic_id : NULL));
	json_object_set_new(m, "mitre_tactic_name", list_json(t ? t->tactic : NULL));
	json_object_set_new(m, "mitre_technique_id", list_json(t ? t->id : NULL));
	json_object_set_new(m, "mitre_technique_name", list_json(t ? t->name : NULL));
	for (int c = 0; c < CLASSES; c++)
		json_object_set_new(probability, class_name((enum karma_class)c),
			probability_json(a->probability[c]));
	json_object_set_new(m, "class_probabilities", probability);
	for (unsigned i = 0; i < a->reasons; i++)
		json_array_append_new(reasons, json_string(a->reason[i]));
	json_object_set_new(m, "reasons", reasons);
	return m;
}

static json_t *alert_json(const struct alert *a, const struct reaction *reaction)
{
	const struct alert_class *class = alert_class(a->class);
	char signature[96];
	json_t *o = json_object();

	snprintf(signature, sizeof(signature), "KARMA %s: %s", class_name(a->class), class->words);
	json_object_set_new(
		o, "action", json_string(reaction && reaction->blocked ? "blocked" : "allowed"));
	json_object_set_new(o, "gid", json_integer(1));
	json_object_set_new(o, "signature_id", json_integer(EVE_SIGNATURES + a->class));
	json_object_set_new(o, "rev", json_integer(1));
	json_object_set_new(o, "signature", json_string(signature));
	json_object_set_new(o, "category", json_string(class_name(a->class)));
	json_object_set_new(o, "severity", json_integer(class->severity));
	json_object_set_new(o, "metadata", metadata_json(a));
	return o;
}

json_t *eve_flow_json(const struct alert_flow *f)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT], proto[16];
	json_t *o = json_object();

	json_object_set_new(o, "flow_id", json_integer((json_int_t)f->flow_id));
	json_object_set_new(o, "start", time_json(f->start_ns));
	json_object_set_new(o, "src_ip", json_string(addr_text(f->addr[SRC], src)));
	json_object_set_new(o, "src_port", json_integer(f->port[SRC]));
	json_object_set_new(o, "dest_ip", json_string(addr_text(f->addr[DST], dst)));
	json_object_set_new(o, "dest_port", json_integer(f->port[DST]));
	json_object_set_new(o, "proto", json_string(proto_text(f->net, f->proto, proto)));
	if (f->app)
		json_object_set_new(o, "app_proto", json_string(f->app));
	json_object_set_new(
		o, "state", json_string(record_state_name((enum record_state)f->state)));
	json_object_set_new(o, "pkts_toserver", json_integer((json_int_t)f->packets[SRC]));
	json_object_set_new(o, "pkts_toclient", json_integer((json_int_t)f->packets[DST]));
	json_object_set_new(o, "bytes_toserver", json_integer((json_int_t)f->bytes[SRC]));
	json_object_set_new(o, "bytes_toclient", json_integer((json_int_t)f->bytes[DST]));
	json_object_set_new(o, "age", json_real((double)(f->last_ns - f->start_ns) / 1e9));
	json_object_set_new(o, "score", json_real(round((double)f->score * 1e4) / 1e4));
	json_object_set_new(o, "category", json_string(class_name(f->class)));
	json_object_set_new(o, "probability", probability_json(f->probability));
	return o;
}

static json_t *karma_json(const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	static const char *const stages[] = {
		[ALERT_NEW] = "new", [ALERT_UPDATE] = "update", [ALERT_END] = "end"};
	char id[ALERT_ID_TEXT];
	json_t *o = json_object();

	json_object_set_new(o, "alert_id", json_string(alert_id_text(a->id, id)));
	json_object_set_new(o, "stage", json_string(stages[stage]));
	if (from && from->muted)
		json_object_set_new(o, "muted", json_true());
	json_object_set_new(o, "first", time_json(a->first_ns));
	json_object_set_new(o, "last", time_json(a->last_ns));
	json_object_set_new(o, "confidence", probability_json(a->confidence));
	json_object_set_new(o, "flows", json_integer((json_int_t)a->flows));
	json_object_set_new(o, "attackers", json_integer((json_int_t)a->attackers));
	json_object_set_new(o, "targets", json_integer((json_int_t)a->targets));
	json_object_set_new(o, "ports", json_integer((json_int_t)a->ports));
	json_object_set_new(o, "refused", json_integer((json_int_t)a->refused));
	json_object_set_new(o, "first_flow", eve_flow_json(&a->first));
	json_object_set_new(o, "last_flow", eve_flow_json(&a->last));
	if (from && from->reaction)
		json_object_set_new(o, "response",
			json_pack("{ss ss}", "action", from->reaction->action, "text",
				from->reaction->text));
	return o;
}

json_t *eve_alert_json(const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	const struct record *r = &a->record;
	const struct flow_side *there = &r->side[a->actor], *back = &r->side[!a->actor];
	json_t *event = json_object();

	json_object_set_new(event, "timestamp", time_json(a->last_ns));
	json_object_set_new(event, "flow_id", json_integer((json_int_t)r->flow_id));
	put_origin(event, from);
	json_object_set_new(event, "event_type", json_string("alert"));
	put_ends(event, a);
	json_object_set_new(event, "alert", alert_json(a, from ? from->reaction : NULL));
	json_object_set_new(event, "flow",
		json_pack("{sI sI sI sI so}", "pkts_toserver", (json_int_t)there->packets,
			"pkts_toclient", (json_int_t)back->packets, "bytes_toserver",
			(json_int_t)there->bytes, "bytes_toclient", (json_int_t)back->bytes,
			"start", time_json(r->start_ns)));
	if (from && from->kept)
		json_object_set_new(event, "capture_file", json_string(from->kept));
	json_object_set_new(event, "karma", karma_json(a, stage, from));
	return event;
}

/* ---- statistics ---- */

static void put_count(json_t *o, const char *name, uint64_t count)
{
	json_object_set_new(o, name, json_integer((json_int_t)count));
}

/* By cause: what is lost, and what is only counted. */
static void put_losses(json_t *lost, json_t *counted, const struct summary *s)
{
	uint64_t count[LOSSES];

	losses_of(s, count);
	for (unsigned i = 0; i < LOSSES; i++)
		put_count(loss_is_real(loss_of(i)) ? lost : counted, loss_key(i), count[i]);
}

/* Each output by itself, and what all of them lost or kept back. */
static json_t *outputs_json(const struct summary *s, json_t *lost, json_t *counted)
{
	json_t *list = json_array();
	uint64_t lines = 0, limited = 0;

	for (unsigned i = 0; i < s->outputs; i++) {
		const struct courier_stats *of = &s->output[i].of;
		json_t *o =
			json_pack("{ss ss}", "kind", s->output[i].kind, "path", s->output[i].path);

		put_count(o, "told", of->told);
		put_count(o, "lost", of->lost);
		put_count(o, "limited", of->limited);
		put_count(o, "failed", of->failed);
		put_count(o, "waiting", of->waiting);
		if (of->failing)
			json_object_set_new(o, "why", json_string(of->why));
		json_array_append_new(list, o);
		lines += of->lost;
		limited += of->limited;
	}
	put_count(lost, "outputs_lost", lines);
	put_count(counted, "outputs_limited", limited);
	return list;
}

json_t *eve_stats_json(const struct summary *s)
{
	json_t *event = json_object(), *stats = json_object(), *lost = json_object();
	json_t *alerts = json_object(), *counted = json_object();

	json_object_set_new(event, "timestamp", time_json(s->now_ns));
	put_origin(event, s->origin);
	json_object_set_new(event, "event_type", json_string("stats"));
	json_object_set_new(stats, "uptime", json_integer((json_int_t)s->seconds));
	for (int c = 0; c < LOST_MAP_FULL; c++)
		put_count(stats, meter_counter_name((enum meter_counter)c), s->meter.count[c]);
	put_count(stats, "judged", s->judge.judged);
	put_count(stats, "hosts", s->judge.hosts);
	for (int c = CLASS_NORMAL + 1; c < CLASSES; c++)
		put_count(alerts, class_name((enum karma_class)c), s->detect.alerts.raised[c]);
	put_count(stats, "alerts", alerts_raised(&s->detect.alerts));
	json_object_set_new(stats, "alerts_by_class", alerts);
	if (s->keeps) {
		put_count(stats, "packets_kept", s->keeper.packets);
		put_count(stats, "captures", s->keeper.files);
		put_count(stats, "captures_removed", s->keeper.removed);
	}
	put_count(stats, "alerts_muted", s->muted);
	put_count(stats, "history_removed", s->history.removed);
	if (s->history.failing)
		json_object_set_new(stats, "history_failing", json_string(s->history.why));
	if (s->blocks) {
		put_count(stats, "block_entries", s->block.entries);
		put_count(stats, "block_added", s->block.added);
		put_count(stats, "block_renewed", s->block.renewed);
		put_count(stats, "block_removed", s->block.removed);
		put_count(stats, "block_dropped", s->block.dropped);
		put_count(stats, "block_limited", s->block.limited);
		put_count(stats, "block_refused_protected", s->block.refused_protected);
	}
	if (s->has_profile)
		json_object_set_new(stats, "drifted", json_boolean(s->drifted));
	json_object_set_new(stats, "outputs", outputs_json(s, lost, counted));
	put_losses(lost, counted, s);
	json_object_set_new(stats, "lost", lost);
	json_object_set_new(stats, "counted", counted);
	json_object_set_new(event, "stats", stats);
	return event;
}

json_t *eve_drift_json(const struct drift_news *news, int64_t at_ns, const struct origin *from)
{
	json_t *event = json_object();
	char text[DRIFT_TEXT];

	json_object_set_new(event, "timestamp", time_json(at_ns));
	put_origin(event, from);
	json_object_set_new(event, "event_type", json_string("drift"));
	json_object_set_new(event, "drift",
		json_pack("{sb ss sf sf ss}", "drifted", news->drifted, "measure",
			drift_measure_name(news->measure), "index", news->index, "limit",
			news->limit, "text", drift_text(news, text)));
	return event;
}

json_t *eve_block_json(const struct block_change *c)
{
	const struct policy_entry *e = &c->entry;
	char text[REACTION_TEXT], id[ALERT_ID_TEXT];
	json_t *event = json_object(), *o = json_object();

	json_object_set_new(event, "timestamp", time_json(c->at_ns));
	json_object_set_new(event, "event_type", json_string("block"));
	json_object_set_new(o, "action", json_string(block_change_name(c)));
	json_object_set_new(o, "what", json_string(block_what_text(&e->what, text)));
	json_object_set_new(o, "since", time_json(e->since_ns));
	json_object_set_new(o, "until", e->until_ns ? time_json(e->until_ns) : json_null());
	json_object_set_new(o, "dry_run", json_boolean(e->dry));
	json_object_set_new(o, "why", json_string(block_change_why(c, text)));
	if (e->by == POLICY_BY_ALERT) {
		json_object_set_new(o, "alert_id", json_string(alert_id_text(e->alert, id)));
		json_object_set_new(o, "category", json_string(class_name(e->class)));
		json_object_set_new(o, "times", json_integer(e->times + 1));
	}
	if (c->why == POLICY_WHY_PERSON)
		json_object_set_new(o, "uid", json_integer(c->uid));
	put_count(o, "packets", c->counts.packets);
	put_count(o, "bytes", c->counts.bytes);
	json_object_set_new(event, "block", o);
	return event;
}

/* ---- lines ---- */

void eve_event_free(struct eve_event *event)
{
	json_decref(event->json);
	free(event->line);
	*event = (struct eve_event){NULL, NULL, 0};
}

json_t *eve_alert_event(const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	struct eve_event *event = from ? from->event : NULL;

	if (!event)
		return eve_alert_json(a, stage, from);
	if (!event->json)
		event->json = eve_alert_json(a, stage, from);
	return json_incref(event->json);
}

char *eve_alert_line(
	const struct alert *a, enum alert_stage stage, const struct origin *from, size_t *length)
{
	struct eve_event *event = from ? from->event : NULL;
	char *line;

	if (!event)
		return eve_line(eve_alert_json(a, stage, from), length);
	if (!event->line)
		event->line = eve_line(eve_alert_event(a, stage, from), &event->length);
	*length = event->length;
	line = event->line ? malloc(event->length + 1) : NULL;
	if (line)
		memcpy(line, event->line, event->length + 1);
	return line;
}

/* Takes over the event. */
static void put_line(struct output *o, json_t *event)
{
	size_t length;
	char *text = eve_line(event, &length);

	courier_send(o->courier, text, length);
}

char *eve_line(json_t *event, size_t *length)
{
	char *text = event ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	char *line;

	json_decref(event);
	*length = text ? strlen(text) + 1 : 0;
	line = text ? realloc(text, *length + 1) : NULL;
	if (line)
		memcpy(line + *length - 1, "\n", 2);
	else
		free(text);
	return line;
}

void eve_tell_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	size_t length;
	char *text = eve_alert_line(a, stage, from, &length);

	courier_send(o->courier, text, length);
}

void eve_tell_summary(struct output *o, const struct summary *s, bool last)
{
	(void)last;
	put_line(o, eve_stats_json(s));
}

void eve_tell_drift(
	struct output *o, const struct drift_news *news, int64_t at_ns, const struct origin *from)
{
	put_line(o, eve_drift_json(news, at_ns, from));
}

void eve_tell_block(struct output *o, const struct block_change *c)
{
	put_line(o, eve_block_json(c));
}
