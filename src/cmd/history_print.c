/* What karma history prints as tables, JSON and CSV. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/history_cmd.h"
#include "util/number.h"

/* ---- what EVE says, in words ---- */

const char *event_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

uint64_t event_count(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

const char *event_time(const json_t *o, const char *key, char text[EVE_TIME_TEXT])
{
	snprintf(text, EVE_TIME_TEXT, "%.26s", event_text(o, key));
	if (strlen(text) > 10)
		text[10] = ' ';
	return text;
}

/* Seconds since 1970 of EVE's text; 0 where it is none. */
static double seconds_in(const json_t *o, const char *key)
{
	const char *text = event_text(o, key);
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	return rest ? (double)timegm(&tm) + strtod(rest, NULL) : 0;
}

const char *event_who(const json_t *event, char text[64])
{
	uint64_t many = event_count(json_object_get(event, "karma"), "attackers");
	char number[NUMBER_TEXT];

	if (*event_text(event, "src_ip"))
		snprintf(text, 64, "%s", event_text(event, "src_ip"));
	else
		snprintf(text, 64, "%s host%s", number_text(many, number), many == 1 ? "" : "s");
	return text;
}

const char *event_whom(const json_t *event, char text[128])
{
	uint64_t targets = event_count(json_object_get(event, "karma"), "targets");
	char number[NUMBER_TEXT];

	snprintf(text, 128, "%s", event_text(event, "dest_ip"));
	if (targets > 1)
		snprintf(text, 128, "%s and %s other%s", event_text(event, "dest_ip"),
			number_text(targets - 1, number), targets == 2 ? "" : "s");
	return text;
}

void event_print_count(const json_t *event)
{
	const json_t *karma = json_object_get(event, "karma");
	uint64_t flows = event_count(karma, "flows"), ports = event_count(karma, "ports");
	uint64_t refused = event_count(karma, "refused");
	char number[NUMBER_TEXT];

	printf("%s flow%s", number_text(flows, number), flows == 1 ? "" : "s");
	if (ports > 1)
		printf(" to %s ports", number_text(ports, number));
	printf(" in %s",
		duration_text(seconds_in(karma, "last") - seconds_in(karma, "first"), number));
	if (refused)
		printf(", %s refused", number_text(refused, number));
}

const char *mark_words(enum history_mark mark)
{
	return mark == MARK_ACK ? "ack" : mark == MARK_FALSE ? "false alarm" : "";
}

/* ---- fields of CSV ---- */

/* In quotes where it has to be (RFC 4180). A field that a spreadsheet would take for a formula is
 * none of ours. */
static void put_csv(const char *text, char end)
{
	if (strpbrk(text, ",\"\r\n")) {
		putchar('"');
		for (; *text; text++) {
			if (*text == '"')
				putchar('"');
			putchar(*text);
		}
		putchar('"');
	} else {
		fputs(text, stdout);
	}
	putchar(end);
}

static void put_csv_count(uint64_t count, char end)
{
	printf("%" PRIu64 "%c", count, end);
}

/* ---- alerts ---- */

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

	printf("%.19s %s  %s %.0f %%  %s -> %s  ", event_time(karma, "first", at),
		event_text(karma, "alert_id"),
		event_text(json_object_get(entry->event, "alert"), "category"),
		100 * json_number_value(json_object_get(karma, "confidence")),
		event_who(entry->event, text), event_whom(entry->event, target));
	event_print_count(entry->event);
	if (json_is_true(json_object_get(karma, "muted")))
		fputs("  [muted]", stdout);
	if (entry->mark != MARK_NONE)
		printf("  [%s]", mark_words(entry->mark));
	putchar('\n');
	++*count;
}

static void print_csv(void *context, const struct history_entry *entry)
{
	const json_t *event = entry->event, *karma = json_object_get(event, "karma");
	const json_t *alert = json_object_get(event, "alert");
	const json_t *meta = json_object_get(alert, "metadata");
	const json_t *reasons = json_object_get(meta, "reasons"), *reason;
	const char *technique =
		json_string_value(json_array_get(json_object_get(meta, "mitre_technique_id"), 0));
	static const char *const counts[] = {"attackers", "targets", "ports", "flows", "refused"};
	char all[1024] = "";
	size_t i;

	(void)context;
	put_csv(event_text(karma, "alert_id"), ',');
	put_csv(event_text(karma, "first"), ',');
	put_csv(event_text(karma, "last"), ',');
	put_csv(event_text(alert, "category"), ',');
	printf("%g,", json_number_value(json_object_get(karma, "confidence")));
	put_csv(technique ? technique : "", ',');
	put_csv(event_text(event, "src_ip"), ',');
	put_csv(event_text(event, "dest_ip"), ',');
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		put_csv_count(event_count(karma, counts[i]), ',');
	put_csv(entry->mark == MARK_NONE ? "" : event_text(karma, "mark"), ',');
	put_csv_count(json_is_true(json_object_get(karma, "muted")), ',');
	put_csv_count(entry->ended, ',');
	put_csv(event_text(karma, "model"), ',');
	json_array_foreach (reasons, i, reason) {
		size_t n = strlen(all);

		snprintf(all + n, sizeof(all) - n, "%s%s", i ? "; " : "",
			json_string_value(reason) ? json_string_value(reason) : "");
	}
	put_csv(all, '\n');
}

int history_print_alerts(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e)
{
	static const history_each_alert print[] = {
		[FORM_TABLE] = print_line, [FORM_JSON] = print_event, [FORM_CSV] = print_csv};
	uint64_t count = 0, left_out = 0, removed = history_removed(r);
	char number[NUMBER_TEXT];
	int err;

	if (form == FORM_CSV)
		puts("id,first,last,class,confidence,technique,attacker,target,attackers,targets,"
		     "ports,flows,refused,mark,muted,ended,model,reasons");
	err = history_search(r, q, print[form], &count, &left_out, e);
	if (err || form != FORM_TABLE)
		return err;
	printf("%s alert%s", number_text(count, number), count == 1 ? "" : "s");
	if (left_out)
		printf("; %s older one%s not shown (--limit)", number_text(left_out, number),
			left_out == 1 ? " is" : "s are");
	if (removed)
		printf("; %s older one%s gave way", number_text(removed, number),
			removed == 1 ? "" : "s");
	putchar('\n');
	return 0;
}

/* ---- hosts ---- */

static json_t *time_json(int64_t ns)
{
	char text[EVE_TIME_TEXT];

	return ns ? json_string(eve_time(ns, text)) : json_null();
}

static const char *day_time(int64_t ns, char text[EVE_TIME_TEXT])
{
	eve_time(ns, text);
	text[10] = ' ';
	text[19] = '\0';
	return text;
}

static void print_object(json_t *o)
{
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
}

static void print_host(void *context, const struct history_host *h)
{
	const enum history_form *form = context;
	char addr[ADDR_TEXT], first[EVE_TIME_TEXT], last[EVE_TIME_TEXT], flows[48], bytes[48];

	addr_text(h->addr, addr);
	if (*form == FORM_JSON) {
		print_object(json_pack("{ss so so sI sI sI sI sf so sI sI}", "host", addr, "first",
			time_json(h->first_ns), "last", time_json(h->last_ns), "flows_from",
			(json_int_t)h->flows[0], "flows_to", (json_int_t)h->flows[1], "bytes_from",
			(json_int_t)h->bytes[0], "bytes_to", (json_int_t)h->bytes[1], "suspicion",
			h->suspicion, "suspect", time_json(h->suspect_ns), "attacks",
			(json_int_t)h->attacks, "attacked", (json_int_t)h->attacked));
		return;
	}
	if (*form == FORM_CSV) {
		printf("%s,%s,%s,", addr, eve_time(h->first_ns, first), eve_time(h->last_ns, last));
		printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.4f,%" PRIu64 ",%" PRIu64
		       "\n",
			h->flows[0], h->flows[1], h->bytes[0], h->bytes[1], h->suspicion,
			h->attacks, h->attacked);
		return;
	}
	snprintf(flows, sizeof(flows), "%" PRIu64 "/%" PRIu64, h->flows[0], h->flows[1]);
	snprintf(bytes, sizeof(bytes), "%" PRIu64 "/%" PRIu64, h->bytes[0], h->bytes[1]);
	printf("%-39s %s  %s %13s %21s %9.1f %7" PRIu64 " %8" PRIu64 "\n", addr,
		day_time(h->first_ns, first), day_time(h->last_ns, last), flows, bytes,
		h->suspicion, h->attacks, h->attacked);
}

int history_print_hosts(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e)
{
	if (form == FORM_CSV)
		puts("host,first,last,flows_from,flows_to,bytes_from,bytes_to,suspicion,attacks,"
		     "attacked");
	if (form == FORM_TABLE)
		printf("%-39s %-19s  %-19s %13s %21s %9s %7s %8s\n", "host", "first seen",
			"last seen", "flows by/to", "bytes from/to", "suspicion", "attacks",
			"attacked");
	return history_hosts(r, q, print_host, &form, e);
}

/* ---- minutes ---- */

static void print_minute(void *context, const struct history_minute *m)
{
	static const char *const name[] = {
		"packets", "bytes", "flows", "records", "alerts", "lost", "hosts", "open"};
	const uint64_t count[] = {
		m->packets, m->bytes, m->flows, m->records, m->alerts, m->lost, m->hosts, m->open};
	const enum history_form *form = context;
	char at[EVE_TIME_TEXT];
	int64_t at_ns = m->minute * 60000000000;

	if (*form == FORM_JSON) {
		json_t *o = json_pack("{so sf}", "minute", time_json(at_ns), "seconds", m->seconds);

		for (int i = 0; i < 8; i++)
			json_object_set_new(o, name[i], json_integer((json_int_t)count[i]));
		print_object(o);
		return;
	}
	if (*form == FORM_CSV)
		printf("%s,%.1f", eve_time(at_ns, at), m->seconds);
	else
		printf("%.16s %7.1f", day_time(at_ns, at), m->seconds);
	for (int i = 0; i < 8; i++)
		printf("%s%*" PRIu64, *form == FORM_CSV ? "," : " ",
			*form == FORM_CSV ? 0
			: i == 1          ? 14
					  : 10,
			count[i]);
	putchar('\n');
}

int history_print_minutes(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e)
{
	if (form == FORM_CSV)
		puts("minute,seconds,packets,bytes,flows,records,alerts,lost,hosts,open");
	if (form == FORM_TABLE)
		printf("%-16s %7s %10s %14s %10s %10s %10s %10s %10s %10s\n", "minute", "seconds",
			"packets", "bytes", "flows", "records", "alerts", "lost", "hosts", "open");
	return history_minutes(r, q, print_minute, &form, e);
}

/* ---- the block list ---- */

static void print_block(void *context, json_t *event)
{
	const enum history_form *form = context;
	const json_t *b = json_object_get(event, "block");
	bool dry = json_is_true(json_object_get(b, "dry_run"));
	char at[EVE_TIME_TEXT], until[EVE_TIME_TEXT], number[NUMBER_TEXT];
	uint64_t packets = event_count(b, "packets");

	if (*form == FORM_JSON) {
		print_object(json_incref(event));
		return;
	}
	if (*form == FORM_CSV) {
		printf("%s,%s,%s,%s,%s,%s,\"%s\",%" PRIu64 ",%" PRIu64 "\n",
			event_text(event, "timestamp"), event_text(b, "action"),
			event_text(b, "what"), event_text(b, "until"), dry ? "true" : "false",
			event_text(b, "alert_id"), event_text(b, "why"), packets,
			event_count(b, "bytes"));
		return;
	}
	printf("%.19s  %s%s %s", event_time(event, "timestamp", at), dry ? "dry run: " : "",
		event_text(b, "action"), event_text(b, "what"));
	if (*event_text(b, "until"))
		printf(" until %.19s", event_time(b, "until", until));
	printf(": %s", event_text(b, "why"));
	if (packets)
		printf("; %s packet%s dropped", number_text(packets, number),
			packets == 1 ? "" : "s");
	putchar('\n');
}

int history_print_blocks(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e)
{
	if (form == FORM_CSV)
		puts("at,action,what,until,dry_run,alert,why,packets,bytes");
	return history_blocks(r, q, print_block, &form, e);
}

/* ---- the card ---- */

struct card {
	enum history_form form;
	uint64_t alerts, attacks, mistakes;
	double seconds;
};

static void print_card(void *context, const struct history_card *c)
{
	struct card *card = context;
	const char *model = *c->model ? c->model : "unknown";

	if (card->form == FORM_JSON)
		print_object(json_pack("{ss ss sI sI sI sf}", "model", model, "class", c->class,
			"alerts", (json_int_t)c->alerts, "attacks", (json_int_t)c->attacks,
			"false_alarms", (json_int_t)c->mistakes, "watched_s", c->seconds));
	else
		printf(card->form == FORM_CSV ? "%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.0f\n"
					      : "%-9s %-14s %8" PRIu64 " %8" PRIu64 " %12" PRIu64
						" %11.1f\n",
			model, c->class, c->alerts, c->attacks, c->mistakes,
			card->form == FORM_CSV ? c->seconds : c->seconds / 3600);
	card->alerts += c->alerts;
	card->attacks += c->attacks;
	card->mistakes += c->mistakes;
}

int history_print_card(struct history_reader *r, enum history_form form, struct error *e)
{
	struct card card = {.form = form};
	uint64_t marked;
	int err;

	if (form == FORM_CSV)
		puts("model,class,alerts,attacks,false_alarms,watched_s");
	if (form == FORM_TABLE)
		printf("%-9s %-14s %8s %8s %12s %11s\n", "model", "class", "alerts", "attacks",
			"false alarms", "watched/h");
	err = history_cards(r, print_card, &card, e);
	if (err || form != FORM_TABLE)
		return err;
	marked = card.attacks + card.mistakes;
	printf("%" PRIu64 " of %" PRIu64 " alerts marked", marked, card.alerts);
	if (marked)
		printf(": %.0f %% of them attacks", 100 * (double)card.attacks / (double)marked);
	putchar('\n');
	return 0;
}

/* ---- mutes ---- */

const char *mute_range(const struct mute *m, char text[RANGE_TEXT])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	int bits = 0, before = memcmp(m->low, mapped, 12) == 0 ? 96 : 0;
	char addr[ADDR_TEXT];

	while (bits < 128 && !((m->low[bits / 8] ^ m->high[bits / 8]) >> (7 - bits % 8) & 1))
		bits++;
	addr_text(m->low, addr);
	if (bits == 128)
		snprintf(text, RANGE_TEXT, "%s", addr);
	else
		snprintf(text, RANGE_TEXT, "%s/%d", addr, bits - before);
	return text;
}

static void print_mute(const struct mute *m, enum history_form form)
{
	const char *class = m->class < 0 ? "" : class_name((enum karma_class)m->class);
	char range[RANGE_TEXT], until[EVE_TIME_TEXT];

	mute_range(m, range);
	if (form == FORM_JSON)
		print_object(json_pack("{ss ss ss so}", "range", range, "of",
			m->attacks ? "attackers" : "targets", "class", class, "until",
			time_json(m->until_ns)));
	else if (form == FORM_CSV)
		printf("%s,%s,%s,%s\n", range, m->attacks ? "attackers" : "targets", class,
			eve_time(m->until_ns, until));
	else
		printf("%s %s%s%s until %s\n", m->attacks ? "from" : "of many against", range,
			*class ? ", " : "", class, day_time(m->until_ns, until));
}

int history_print_mutes(struct history_reader *r, enum history_form form, struct error *e)
{
	struct mute mute[HISTORY_MUTES];
	unsigned count;
	int err = history_mutes(r, mute, &count, e);

	if (err)
		return err;
	if (form == FORM_CSV)
		puts("range,of,class,until");
	for (unsigned i = 0; i < count; i++)
		print_mute(&mute[i], form);
	if (form == FORM_TABLE)
		printf("%u mute%s\n", count, count == 1 ? "" : "s");
	return 0;
}
