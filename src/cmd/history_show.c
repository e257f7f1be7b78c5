/* karma history show: the whole story of an alert. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/history_cmd.h"
#include "output/eve.h"
#include "util/number.h"

enum { OTHERS = 5 }; /* alerts of the same party that are named */

/* ---- the alert ---- */

static void print_classes(const json_t *event)
{
	const json_t *alert = json_object_get(event, "alert");
	json_t *all = json_object_get(json_object_get(alert, "metadata"), "class_probabilities");
	const char *own = event_text(alert, "category"), *name, *between = " (";
	json_t *value;

	printf("class       %s %.1f %%", own, 100 * json_number_value(json_object_get(all, own)));
	json_object_foreach (all, name, value) {
		if (strcmp(name, own) == 0 || json_number_value(value) < 0.0005)
			continue;
		printf("%s%s %.1f %%", between, name, 100 * json_number_value(value));
		between = ", ";
	}
	puts(*between == ',' ? ")" : "");
}

/* "T1046 Network Service Discovery, of TA0007 Discovery" */
static void print_technique(const json_t *event)
{
	static const char *const keys[] = {"mitre_technique_id", "mitre_technique_name",
		"mitre_tactic_id", "mitre_tactic_name"};
	const json_t *meta = json_object_get(json_object_get(event, "alert"), "metadata");
	char line[256] = "";
	size_t n = 0;

	for (int i = 0; i < 4 && n < sizeof(line); i++) {
		const char *text =
			json_string_value(json_array_get(json_object_get(meta, keys[i]), 0));

		if (text)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s",
				i == 0   ? ""
				: i == 2 ? ", of "
					 : " ",
				text);
	}
	for (char *c = line; *c; c++)
		if (*c == '_')
			*c = ' ';
	printf("technique   %s\n", *line ? line : "none: the class is too broad");
}

static void print_reasons(const json_t *event)
{
	const json_t *reasons = json_object_get(
		json_object_get(json_object_get(event, "alert"), "metadata"), "reasons");
	const json_t *reason;
	size_t i;

	json_array_foreach (reasons, i, reason) {
		printf("%-11s %s\n", i ? "" : "reasons", json_string_value(reason));
	}
}

static void print_end(const char *title, const json_t *event, const char *key)
{
	const json_t *f = json_object_get(json_object_get(event, "karma"), key);
	char at[EVE_TIME_TEXT];

	printf("%-11s %s  %s:%" PRIu64 " -> %s:%" PRIu64 " %s, flow %" PRIu64 "\n", title,
		event_time(f, "start", at), event_text(f, "src_ip"), event_count(f, "src_port"),
		event_text(f, "dest_ip"), event_count(f, "dest_port"), event_text(f, "proto"),
		event_count(f, "flow_id"));
}

static void print_alert(const struct history_entry *entry)
{
	const json_t *event = entry->event, *karma = json_object_get(event, "karma");
	const char *response = event_text(json_object_get(karma, "response"), "text");
	const char *place = event_text(event, "in_iface");
	char text[64], target[128];

	if (!*place)
		place = event_text(event, "pcap_filename");
	printf("alert       %s%s\n", event_text(karma, "alert_id"),
		!entry->ended                                    ? ", which has not ended"
		: strcmp(event_text(karma, "stage"), "end") != 0 ? ", whose end was not seen"
								 : "");
	if (entry->mark != MARK_NONE)
		printf("mark        %s\n", mark_words(entry->mark));
	if (json_is_true(json_object_get(karma, "muted")))
		puts("muted       it was not told");
	printf("who         %s\n", event_who(event, text));
	printf("whom        %s\n", event_whom(event, target));
	print_classes(event);
	print_technique(event);
	print_reasons(event);
	print_end("first flow", event, "first_flow");
	print_end("last flow", event, "last_flow");
	printf("count       ");
	event_print_count(event);
	putchar('\n');
	if (*response)
		printf("response    %s, at its last flow\n", response);
	if (*place)
		printf("seen on     %s\n", place);
	if (*event_text(event, "capture_file"))
		printf("packets     %s\n", event_text(event, "capture_file"));
}

/* ---- its flows ---- */

struct table {
	json_t *flows; /* NULL: printed */
	uint64_t count;
	int width[2]; /* of the two ends */
};

static const char *end_text(const struct alert_flow *f, int end, char text[ADDR_TEXT + 8])
{
	char addr[ADDR_TEXT];

	addr_text(f->addr[end], addr);
	snprintf(text, ADDR_TEXT + 8, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr, f->port[end]);
	return text;
}

static void measure_flow(
	void *context, const struct alert_flow *f, const char *form, unsigned count)
{
	struct table *t = context;
	char text[ADDR_TEXT + 8];

	(void)form;
	(void)count;
	for (int i = 0; i < 2; i++) {
		int width = (int)strlen(end_text(f, i, text));

		t->width[i] = width > t->width[i] ? width : t->width[i];
	}
	t->count++;
	if (t->flows)
		json_array_append_new(t->flows, eve_flow_json(f));
}

static void print_flow(void *context, const struct alert_flow *f, const char *form, unsigned count)
{
	const struct table *t = context;
	char ends[2][ADDR_TEXT + 8], at[EVE_TIME_TEXT], lasting[NUMBER_TEXT];
	char packets[48], bytes[48];

	(void)form;
	(void)count;
	eve_time(f->start_ns, at);
	snprintf(packets, sizeof(packets), "%" PRIu64 "/%" PRIu64, f->packets[0], f->packets[1]);
	snprintf(bytes, sizeof(bytes), "%" PRIu64 "/%" PRIu64, f->bytes[0], f->bytes[1]);
	printf("%.15s  %-*s -> %-*s  %-5s %-5s %9s %13s %10s  %-8s %5.2f  %s %.0f %%\n", at + 11,
		t->width[0], end_text(f, 0, ends[0]), t->width[1], end_text(f, 1, ends[1]),
		record_proto_name(f->net, f->proto), record_state_name((enum record_state)f->state),
		packets, bytes, duration_text((double)(f->last_ns - f->start_ns) / 1e9, lasting),
		f->app ? f->app : "-", (double)f->score, class_name(f->class),
		100 * (double)f->probability);
}

static int print_flows(struct history_reader *r, const struct history_entry *entry, struct table *t,
	const char *id, struct error *e)
{
	char number[NUMBER_TEXT], out[NUMBER_TEXT];

	printf("\n%s flow%s", number_text(t->count, number), t->count == 1 ? "" : "s");
	if (entry->flows_left_out)
		printf(", the first %d and the last ones; %s between them %s not kept",
			HISTORY_FIRST, number_text(entry->flows_left_out, out),
			entry->flows_left_out == 1 ? "was" : "were");
	printf("\n%-15s  %-*s    %-*s  %-5s %-5s %9s %13s %10s  %-8s %5s  %s\n", "time",
		t->width[0], "from", t->width[1], "to", "proto", "state", "packets", "bytes",
		"lasting", "service", "score", "most likely");
	return history_flows(r, id, print_flow, t, e);
}

/* ---- the same party's other alerts ---- */

struct others {
	const char *id;
	json_t *list; /* NULL: printed */
	uint64_t count;
};

static void print_other(void *context, const struct history_entry *entry)
{
	const json_t *karma = json_object_get(entry->event, "karma");
	struct others *o = context;
	char at[EVE_TIME_TEXT], whom[128];

	if (strcmp(event_text(karma, "alert_id"), o->id) == 0)
		return;
	o->count++;
	if (o->list) {
		json_array_append(o->list, json_object_get(karma, "alert_id"));
		return;
	}
	printf("%-11s %.19s %s  %s -> %s%s%s\n", o->count == 1 ? "also" : "",
		event_time(karma, "first", at), event_text(karma, "alert_id"),
		event_text(json_object_get(entry->event, "alert"), "category"),
		event_whom(entry->event, whom), entry->mark == MARK_NONE ? "" : "  ",
		mark_words(entry->mark));
}

/* The latest of them. */
static int print_others(struct history_reader *r, const struct history_entry *entry,
	struct others *o, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = OTHERS + 1};
	bool attacks;

	if (!history_party(entry, q.low, &attacks))
		return 0;
	memcpy(q.high, q.low, 16);
	q.has_range = true;
	return history_search(r, &q, print_other, o, NULL, e);
}

static int show_json(struct history_reader *r, const struct history_entry *entry, struct table *t,
	const char *id, struct error *e)
{
	struct others o = {.id = id, .list = json_array()};
	int err = print_others(r, entry, &o, e);

	json_object_set(entry->event, "flows", t->flows);
	json_object_set_new(
		entry->event, "flows_left_out", json_integer((json_int_t)entry->flows_left_out));
	json_object_set_new(entry->event, "other_alerts", o.list);
	if (!err) {
		json_dumpf(entry->event, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	return err;
}

int history_show(struct history_reader *r, const char *id, bool json, struct error *e)
{
	struct history_entry entry = {.event = NULL};
	struct table t = {.flows = json ? json_array() : NULL, .width = {4, 2}};
	struct others o = {.id = id};
	int err = history_find(r, id, &entry, e);

	if (!err)
		err = history_flows(r, id, measure_flow, &t, e);
	if (!err && json) {
		err = show_json(r, &entry, &t, id, e);
	} else if (!err) {
		print_alert(&entry);
		err = print_others(r, &entry, &o, e);
		if (!err)
			err = print_flows(r, &entry, &t, id, e);
	}
	json_decref(t.flows);
	json_decref(entry.event);
	return err;
}
