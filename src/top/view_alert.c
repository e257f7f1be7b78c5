/* An alert: who, whom, why, how likely which class, and the flows behind it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "top/view.h"
#include "util/number.h"

enum { BAR = 30, FLOW = 320, END = 56 };

/* ---- what it is ---- */

static const char *first_of(const json_t *meta, const char *key)
{
	const char *text = json_string_value(json_array_get(json_object_get(meta, key), 0));

	return text ? text : "";
}

static void put_technique(struct page *p, const json_t *meta)
{
	char line[256];

	if (!*first_of(meta, "mitre_technique_id"))
		return;
	snprintf(line, sizeof(line), "%s %s, of %s %s", first_of(meta, "mitre_technique_id"),
		first_of(meta, "mitre_technique_name"), first_of(meta, "mitre_tactic_id"),
		first_of(meta, "mitre_tactic_name"));
	for (char *c = line; *c; c++)
		if (*c == '_')
			*c = ' ';
	page_line(p, "technique", LOOK_PLAIN, "%s", line);
}

/* The likeliest first. */
static void put_classes(struct page *p, json_t *all)
{
	enum { CLASSES_SHOWN = 11 };
	double most = 2;
	const char *title = "class";

	for (int n = 0; n < CLASSES_SHOWN; n++) {
		const char *name, *best = NULL;
		char bar[4 * BAR + 1] = "";
		double next = 0.0005;
		json_t *value;

		json_object_foreach (all, name, value) {
			double v = json_value(all, name);

			if (v < most && v >= next) {
				next = v;
				best = name;
			}
		}
		if (!best)
			return;
		for (int i = 0; i < (int)(next * BAR + 0.5) && i < BAR; i++)
			strcat(bar, screen_has_utf8() ? "\u2588" : "#");
		page_line(p, title, n ? LOOK_PLAIN : LOOK_STRONG, "%-15.20s %5.1f %%  %s", best,
			100 * next, bar);
		most = next;
		title = "";
	}
}

static void put_reasons(struct page *p, const json_t *reasons)
{
	const json_t *one;
	size_t i;

	json_array_foreach (reasons, i, one) {
		page_line(p, i ? "" : "reasons", LOOK_PLAIN, "%s",
			json_is_string(one) ? json_string_value(one) : "");
	}
}

static void put_count(struct page *p, const struct top_alert *a, const json_t *karma)
{
	char flows[NUMBER_TEXT], ports[NUMBER_TEXT], refused[NUMBER_TEXT], lasting[NUMBER_TEXT];
	uint64_t no = json_count(karma, "refused");

	page_line(p, "count", LOOK_PLAIN, "%s flows to %s port%s in %s%s%s",
		number_text(a->flows, flows), number_text(a->ports, ports),
		a->ports == 1 ? "" : "s", duration_text(a->last - a->first, lasting),
		no ? ", refused: " : "", no ? number_text(no, refused) : "");
}

static void put_times(struct page *p, const struct top *t, const struct top_alert *a)
{
	static const char *const marks[] = {[TOP_UNMARKED] = "",
		[TOP_ACK] = "  [acknowledged]",
		[TOP_FALSE] = "  [false alarm]"};
	char first[VIEW_TEXT], last[VIEW_TEXT];

	page_line(p, "alert", a->ended ? LOOK_PLAIN : LOOK_BAD, "%s, %s%s%s", a->id,
		a->ended ? "has ended" : "going on", marks[a->mark], a->muted ? "  [muted]" : "");
	page_line(p, "time", LOOK_PLAIN, "%s to %s", view_time(a->first, t->state.now, first),
		view_time(a->last, t->state.now, last));
}

static void put_alert(struct page *p, const struct top *t, const struct top_alert *a)
{
	const json_t *event = a->event, *karma = json_object_get(event, "karma");
	const json_t *meta = json_object_get(json_object_get(event, "alert"), "metadata");
	const char *place = json_text(event, "in_iface");
	const char *response = json_text(json_object_get(karma, "response"), "text");
	char number[NUMBER_TEXT];

	put_times(p, t, a);
	if (*a->who)
		page_line(p, "attacker", LOOK_STRONG, "%s%s", a->who,
			state_is_blocked(&t->state, a->who) ? "  (on the block list)" : "");
	else
		page_line(p, "attackers", LOOK_STRONG, "%s, many or forged",
			number_text(a->attackers, number));
	if (a->targets > 1)
		page_line(p, "targets", LOOK_STRONG, "%s and %s more", a->whom,
			number_text(a->targets - 1, number));
	else
		page_line(p, "target", LOOK_STRONG, "%s", a->whom);
	put_classes(p, json_object_get(meta, "class_probabilities"));
	put_technique(p, meta);
	put_reasons(p, json_object_get(meta, "reasons"));
	put_count(p, a, karma);
	if (*response)
		page_line(p, "response", LOOK_PLAIN, "%s", response);
	if (!*place)
		place = json_text(event, "pcap_filename");
	if (*place)
		page_line(p, "seen on", LOOK_PLAIN, "%s", place);
	if (*json_text(event, "capture_file"))
		page_line(p, "packets", LOOK_PLAIN, "%s", json_text(event, "capture_file"));
}

/* ---- its flows ---- */

static const char *end_text(const json_t *f, const char *ip, const char *port, char text[END])
{
	const char *addr = json_text(f, ip);

	snprintf(text, END, strchr(addr, ':') ? "[%.46s]:%.0f" : "%.46s:%.0f", addr,
		json_value(f, port));
	return text;
}

static void put_flow(struct page *p, const json_t *f, int x, const int width[2])
{
	char from[END], to[END], packets[48], bytes[48], lasting[NUMBER_TEXT], line[FLOW];

	snprintf(packets, sizeof(packets), "%" PRIu64 "/%" PRIu64, json_count(f, "pkts_toserver"),
		json_count(f, "pkts_toclient"));
	snprintf(bytes, sizeof(bytes), "%" PRIu64 "/%" PRIu64, json_count(f, "bytes_toserver"),
		json_count(f, "bytes_toclient"));
	snprintf(line, sizeof(line),
		"%-12.12s %-*s -> %-*s %-5.8s %-4.6s %6.2f %9s %13s %10s  %-10.16s %.16s %.0f %%",
		strlen(json_text(f, "start")) > 11 ? json_text(f, "start") + 11 : "", width[0],
		end_text(f, "src_ip", "src_port", from), width[1],
		end_text(f, "dest_ip", "dest_port", to), json_text(f, "proto"),
		json_text(f, "state"), json_value(f, "score"), packets, bytes,
		duration_text(json_value(f, "age"), lasting),
		*json_text(f, "app_proto") ? json_text(f, "app_proto") : "-",
		json_text(f, "category"), 100 * json_value(f, "probability"));
	page_wide(p, LOOK_PLAIN, x, line);
}

static void put_flows(struct page *p, const struct top *t)
{
	const json_t *flows = json_object_get(t->story, "flows"), *one;
	uint64_t left_out = json_count(t->story, "flows_left_out");
	char line[FLOW], end[END], number[NUMBER_TEXT];
	int width[2] = {4, 2};
	size_t i;

	json_array_foreach (flows, i, one) {
		int from = (int)strlen(end_text(one, "src_ip", "src_port", end));
		int to = (int)strlen(end_text(one, "dest_ip", "dest_port", end));

		width[0] = from > width[0] ? from : width[0];
		width[1] = to > width[1] ? to : width[1];
	}
	if (left_out)
		snprintf(line, sizeof(line), " (first and last; %s between not kept)",
			number_text(left_out, number));
	page_line(p, "flows", LOOK_PLAIN, "%zu%s; Right: more columns", json_array_size(flows),
		left_out ? line : "");
	snprintf(line, sizeof(line), "%-12s %-*s    %-*s %-5s %-4s %6s %9s %13s %10s  %-10s %s",
		"time", width[0], "from", width[1], "to", "proto", "st.", "score", "packets",
		"bytes", "lasting", "service", "most likely");
	page_wide(p, LOOK_STRONG, t->page_x, line);
	json_array_foreach (flows, i, one) {
		put_flow(p, one, t->page_x, width);
	}
}

void view_alert(struct top *t, int y, int rows)
{
	const struct top_alert *a = state_alert(&t->state, t->story_id);
	struct page p;

	page_begin(&p, t, y, rows);
	if (a)
		put_alert(&p, t, a);
	else
		page_line(&p, "alert", LOOK_WARN, "%s is not there any more; karma history show %s",
			t->story_id, t->story_id);
	page_line(&p, "", LOOK_PLAIN, "%s", "");
	if (t->story)
		put_flows(&p, t);
	else
		page_line(&p, "flows", LOOK_DIM, "%s",
			*t->story_why ? t->story_why : "being read from the history");
	page_end(&p, t);
}
