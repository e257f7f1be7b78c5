/* karma explain: what was behind an alert, from the history that karma run and karma read keep. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "output/eve.h"
#include "output/history.h"
#include "util/number.h"

enum { OPT_HISTORY = 256, OPT_JSON };

static const struct option longs[] = {
	{"history", required_argument, NULL, OPT_HISTORY},
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

struct options {
	char path[HISTORY_PATH];
	const char *id; /* NULL: all of them */
	bool json;
};

static int read_options(int argc, char **argv, struct options *o)
{
	int c;

	history_default_path(o->path);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (c) {
		case OPT_HISTORY:
			snprintf(o->path, sizeof(o->path), "%s", optarg);
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case ':':
			return usage_error("explain", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("explain", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind + 1 < argc)
		return usage_error("explain", "'%s' is one argument too many", argv[optind + 1]);
	o->id = optind < argc ? argv[optind] : NULL;
	return 0;
}

/* ---- what EVE says, in words ---- */

static const char *text_in(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static uint64_t count_in(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* "2026-11-23T09:10:11.123456+0000" without its zone, and with a blank. */
static const char *time_in(const json_t *o, const char *key, char text[EVE_TIME_TEXT])
{
	snprintf(text, EVE_TIME_TEXT, "%.26s", text_in(o, key));
	if (strlen(text) > 10)
		text[10] = ' ';
	return text;
}

/* Seconds since 1970 of EVE's text; 0 where it is none. */
static double seconds_in(const json_t *o, const char *key)
{
	const char *text = text_in(o, key);
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	return rest ? (double)timegm(&tm) + strtod(rest, NULL) : 0;
}

static const char *who(const json_t *event, char text[64])
{
	uint64_t many = count_in(json_object_get(event, "karma"), "attackers");
	char number[NUMBER_TEXT];

	if (*text_in(event, "src_ip"))
		snprintf(text, 64, "%s", text_in(event, "src_ip"));
	else
		snprintf(text, 64, "%s host%s", number_text(many, number), many == 1 ? "" : "s");
	return text;
}

static const char *whom(const json_t *event, char text[128])
{
	uint64_t targets = count_in(json_object_get(event, "karma"), "targets");
	char number[NUMBER_TEXT];

	snprintf(text, 128, "%s", text_in(event, "dest_ip"));
	if (targets > 1)
		snprintf(text, 128, "%s and %s other%s", text_in(event, "dest_ip"),
			number_text(targets - 1, number), targets == 2 ? "" : "s");
	return text;
}

/* "621 flows to 1,000 ports in 1.3 s, 994 refused" */
static void print_count(const json_t *event)
{
	const json_t *karma = json_object_get(event, "karma");
	uint64_t flows = count_in(karma, "flows"), ports = count_in(karma, "ports");
	uint64_t refused = count_in(karma, "refused");
	char number[NUMBER_TEXT];

	printf("%s flow%s", number_text(flows, number), flows == 1 ? "" : "s");
	if (ports > 1)
		printf(" to %s ports", number_text(ports, number));
	printf(" in %s",
		duration_text(seconds_in(karma, "last") - seconds_in(karma, "first"), number));
	if (refused)
		printf(", %s refused", number_text(refused, number));
	putchar('\n');
}

/* ---- the list ---- */

static void print_event(void *context, const struct history_entry *entry)
{
	(void)context;
	json_dumpf(entry->event, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
}

static void print_line(void *context, const struct history_entry *entry)
{
	const json_t *karma = json_object_get(entry->event, "karma");
	char text[64], target[128], at[EVE_TIME_TEXT];
	uint64_t *count = context;

	printf("%.19s %s  %s %.0f %%  %s -> %s  ", time_in(karma, "first", at),
		text_in(karma, "alert_id"),
		text_in(json_object_get(entry->event, "alert"), "category"),
		100 * json_number_value(json_object_get(karma, "confidence")),
		who(entry->event, text), whom(entry->event, target));
	print_count(entry->event);
	++*count;
}

static int list(struct history_reader *r, const struct options *o, struct error *e)
{
	uint64_t count = 0, removed = history_removed(r);
	char number[NUMBER_TEXT];
	int err = history_list(r, o->json ? print_event : print_line, &count, e);

	if (err || o->json)
		return err;
	printf("%s alert%s", number_text(count, number), count == 1 ? "" : "s");
	if (removed)
		printf("; %s older one%s gave way", number_text(removed, number),
			removed == 1 ? "" : "s");
	putchar('\n');
	return 0;
}

/* ---- one of them ---- */

static void print_classes(const json_t *event)
{
	const json_t *alert = json_object_get(event, "alert");
	json_t *all = json_object_get(json_object_get(alert, "metadata"), "class_probabilities");
	const char *own = text_in(alert, "category"), *name, *between = " (";
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
		time_in(f, "start", at), text_in(f, "src_ip"), count_in(f, "src_port"),
		text_in(f, "dest_ip"), count_in(f, "dest_port"), text_in(f, "proto"),
		count_in(f, "flow_id"));
}

static void print_alert(const struct history_entry *entry)
{
	const json_t *event = entry->event, *karma = json_object_get(event, "karma");
	const char *place = text_in(event, "in_iface");
	char text[64], target[128];

	if (!*place)
		place = text_in(event, "pcap_filename");
	printf("alert       %s%s\n", text_in(karma, "alert_id"),
		strcmp(text_in(karma, "stage"), "end") == 0 ? "" : ", which has not ended");
	printf("who         %s\n", who(event, text));
	printf("whom        %s\n", whom(event, target));
	print_classes(event);
	print_technique(event);
	print_reasons(event);
	print_end("first flow", event, "first_flow");
	print_end("last flow", event, "last_flow");
	printf("count       ");
	print_count(event);
	if (*place)
		printf("seen on     %s\n", place);
	if (*text_in(event, "capture_file"))
		printf("packets     %s\n", text_in(event, "capture_file"));
}

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

static void measure_flow(void *context, const struct alert_flow *f)
{
	struct table *t = context;
	char text[ADDR_TEXT + 8];

	for (int i = 0; i < 2; i++) {
		int width = (int)strlen(end_text(f, i, text));

		t->width[i] = width > t->width[i] ? width : t->width[i];
	}
	t->count++;
	if (t->flows)
		json_array_append_new(t->flows, eve_flow_json(f));
}

static void print_flow(void *context, const struct alert_flow *f)
{
	const struct table *t = context;
	char ends[2][ADDR_TEXT + 8], at[EVE_TIME_TEXT], lasting[NUMBER_TEXT];
	char packets[48], bytes[48];

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

static int explain(struct history_reader *r, const struct options *o, struct error *e)
{
	struct history_entry entry = {NULL, 0};
	struct table t = {.flows = o->json ? json_array() : NULL, .width = {4, 2}};
	int err = history_find(r, o->id, &entry, e);

	if (!err)
		err = history_flows(r, o->id, measure_flow, &t, e);
	if (!err && o->json) {
		json_object_set(entry.event, "flows", t.flows);
		json_object_set_new(entry.event, "flows_left_out",
			json_integer((json_int_t)entry.flows_left_out));
		print_event(NULL, &entry);
	} else if (!err) {
		print_alert(&entry);
		err = print_flows(r, &entry, &t, o->id, e);
	}
	json_decref(t.flows);
	json_decref(entry.event);
	return err;
}

int cmd_explain(int argc, char **argv)
{
	struct options o = {.json = false};
	struct history_reader *r = NULL;
	struct error e = {""};
	int status = read_options(argc, argv, &o), err;

	if (status)
		return status;
	err = history_reader_open(&r, o.path, &e);
	if (!err)
		err = o.id ? explain(r, &o, &e) : list(r, &o, &e);
	history_reader_close(r);
	if (!err && (fflush(stdout) != 0 || ferror(stdout)))
		err = error_set(&e, -EIO, "standard output: cannot be written");
	return err ? fail("explain", e.text) : EXIT_DONE;
}
