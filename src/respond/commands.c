#include "respond/commands.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detect/alert.h"
#include "respond/prefix.h"
#include "util/clock.h"

enum { PAGE = 500 };

static const int64_t second = 1000000000LL;
static const int64_t longest_s = 366 * 86400LL;

static json_t *time_json(int64_t ns)
{
	return ns ? json_real(round((double)ns / 1e6) / 1e3) : json_null();
}

/* Times are those of the entry: seconds since 1970 where that has them. */
json_t *respond_entry_json(const struct policy_entry *e, const struct filter_counts *counts)
{
	char what[REACTION_TEXT], id[ALERT_ID_TEXT];
	json_t *o = json_object();

	json_object_set_new(o, "what", json_string(block_what_text(&e->what, what)));
	json_object_set_new(
		o, "kind", json_string(e->what.kind == POLICY_PORT ? "limit" : "block"));
	json_object_set_new(o, "since", time_json(e->since_ns));
	json_object_set_new(o, "until", time_json(e->until_ns));
	json_object_set_new(o, "by", json_string(e->by == POLICY_BY_PERSON ? "person" : "alert"));
	if (e->by == POLICY_BY_PERSON)
		json_object_set_new(o, "uid", json_integer(e->uid));
	if (e->by == POLICY_BY_ALERT) {
		json_object_set_new(o, "alert_id", json_string(alert_id_text(e->alert, id)));
		json_object_set_new(o, "category", json_string(class_name(e->class)));
		json_object_set_new(o, "times", json_integer(e->times + 1));
	}
	json_object_set_new(o, "dry_run", json_boolean(e->dry));
	json_object_set_new(o, "packets", json_integer((json_int_t)counts->packets));
	json_object_set_new(o, "bytes", json_integer((json_int_t)counts->bytes));
	return o;
}

static json_t *entry_now(const struct respond *r, const struct policy_entry *e)
{
	struct filter_counts counts = respond_counts(r, e);
	struct policy_entry shown = *e;

	shown.since_ns = respond_wall(e->since_ns);
	shown.until_ns = e->until_ns ? respond_wall(e->until_ns) : 0;
	return respond_entry_json(&shown, &counts);
}

static json_t *list(void *respond, const struct control_peer *from, const json_t *request)
{
	struct respond *r = respond;
	uint64_t at = (uint64_t)json_integer_value(json_object_get(request, "after"));
	json_t *entries = json_array();
	const struct policy_entry *e = policy_next(respond_policy(r), at);
	struct respond_stats s;
	unsigned n;

	(void)from;
	for (n = 0; e && n < PAGE; n++) {
		json_array_append_new(entries, entry_now(r, e));
		at = e->number;
		e = policy_after(respond_policy(r), e);
	}
	respond_stats(r, &s);
	return json_pack("{sb so so sI sI sI sI sI}", "ok", 1, "entries", entries, "next",
		e ? json_integer((json_int_t)at) : json_null(), "passed",
		(json_int_t)s.filter.passed, "dropped",
		(json_int_t)s.filter.dropped + (json_int_t)s.filter.limited, "refused_full",
		(json_int_t)s.policy.refused_full, "refused_fast",
		(json_int_t)s.policy.refused_fast, "refused_protected",
		(json_int_t)s.policy.refused_protected);
}

/* The prefix that a request names; false: `refusal` says what is wrong. */
static bool address_of(const json_t *request, struct policy_what *what, json_t **refusal)
{
	const char *text = json_string_value(json_object_get(request, "address"));
	struct prefix p = {.bits = 0};

	if (!text || !prefix_parse(text, &p)) {
		*refusal = control_refusal(
			"'%.60s' is no address and no prefix of addresses", text ? text : "");
		return false;
	}
	*what = (struct policy_what){.bits = p.bits, .kind = POLICY_ADDRESS};
	memcpy(what->addr, p.addr, sizeof(what->addr));
	return true;
}

static json_t *add(void *respond, const struct control_peer *from, const json_t *request)
{
	struct respond *r = respond;
	const json_t *seconds = json_object_get(request, "for");
	bool dry = json_is_true(json_object_get(request, "dry_run"));
	int64_t s = json_integer_value(seconds);
	char text[REACTION_TEXT];
	struct policy_answer a;
	struct policy_what what;
	json_t *refusal = NULL;

	if (!address_of(request, &what, &refusal))
		return refusal;
	if (seconds && (!json_is_integer(seconds) || s < 1 || s > longest_s))
		return control_refusal(
			"\"for\" takes seconds, from 1 to %lld", (long long)longest_s);
	a = policy_add(respond_policy(r), &what, s * second, from->uid, dry, respond_now());
	if (a.verdict == POLICY_PROTECTED)
		return control_refusal(
			"%s is not blocked: %s", block_what_text(&what, text), a.why);
	if (a.verdict == POLICY_FULL)
		return control_refusal("%s is not blocked: the list is full; delete entries, or "
				       "raise 'entries' in the configuration",
			block_what_text(&what, text));
	return json_pack("{sb sb ss so}", "ok", 1, "dry_run", a.verdict == POLICY_WOULD, "what",
		block_what_text(&what, text), "entry",
		a.entry ? entry_now(r, a.entry) : json_null());
}

/* A limited port as block.list names it. */
static const struct policy_entry *limit_of(struct respond *r, const char *text)
{
	const struct policy_entry *e = policy_next(respond_policy(r), 0);
	char what[REACTION_TEXT];

	while (e &&
		(e->what.kind != POLICY_PORT || strcmp(block_what_text(&e->what, what), text) != 0))
		e = policy_after(respond_policy(r), e);
	return e;
}

static json_t *del(void *respond, const struct control_peer *from, const json_t *request)
{
	struct respond *r = respond;
	const char *text = json_string_value(json_object_get(request, "address"));
	const struct policy_entry *limit = text ? limit_of(r, text) : NULL;
	bool dry = json_is_true(json_object_get(request, "dry_run"));
	char shown[REACTION_TEXT];
	struct policy_what what;
	json_t *refusal = NULL;

	if (limit)
		what = limit->what;
	else if (!address_of(request, &what, &refusal))
		return refusal;
	block_what_text(&what, shown);
	if (!policy_get(respond_policy(r), &what))
		return control_refusal("%s is not on the list; 'karma block list' shows it", shown);
	if (!dry)
		policy_del(respond_policy(r), &what, from->uid, respond_now());
	return json_pack("{sb sb ss}", "ok", 1, "dry_run", dry, "what", shown);
}

static json_t *flush(void *respond, const struct control_peer *from, const json_t *request)
{
	struct respond *r = respond;
	bool dry = json_is_true(json_object_get(request, "dry_run"));
	struct respond_stats s;

	respond_stats(r, &s);
	if (!dry)
		policy_flush(respond_policy(r), from->uid, respond_now());
	return json_pack(
		"{sb sb sI}", "ok", 1, "dry_run", dry, "removed", (json_int_t)s.policy.entries);
}

const struct control_command respond_commands[RESPOND_COMMANDS] = {
	{"block.list", list},
	{"block.add", add},
	{"block.del", del},
	{"block.flush", flush},
};

/* ---- the allow list ---- */

static json_t *allowed_json(const char *what, const struct allowed_one *one)
{
	return one ? json_pack("{ss ss sI so}", "what", what, "by", "person", "uid",
			     (json_int_t)one->uid, "at", time_json(one->at_ns))
		   : json_pack("{ss ss}", "what", what, "by", "configuration");
}

static json_t *allow_list(void *hand, const struct control_peer *from, const json_t *request)
{
	const struct allow_hand *h = hand;
	const struct respond_settings *s = h->settings;
	json_t *all = json_array();
	char text[PREFIX_TEXT];
	uint32_t n;
	const struct allowed_one *one = allowed_all(h->allowed, &n);

	(void)from;
	(void)request;
	for (uint32_t i = 0; i < s->allows; i++)
		json_array_append_new(all,
			allowed_json(prefix_text(s->allow[i].addr, s->allow[i].bits, text), NULL));
	for (uint32_t i = 0; i < s->macs; i++) {
		const uint8_t *m = s->mac[i];

		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
			m[3], m[4], m[5]);
		json_array_append_new(all, allowed_json(text, NULL));
	}
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(
			all, allowed_json(prefix_text(one[i].what.addr, one[i].what.bits, text),
				     &one[i]));
	return json_pack("{sb so}", "ok", 1, "allow", all);
}

/* Tell of a change, and answer. */
static json_t *allow_changed(const struct allow_hand *h, const struct control_peer *from,
	enum policy_event event, const struct policy_what *what)
{
	int64_t now_ns = (int64_t)clock_now(CLOCK_REALTIME);
	struct block_change c = {.event = event,
		.why = POLICY_WHY_PERSON,
		.entry = {.what = *what,
			.since_ns = now_ns,
			.by = POLICY_BY_PERSON,
			.uid = from->uid},
		.uid = from->uid,
		.at_ns = now_ns};
	char text[REACTION_TEXT];

	h->change(h->context, &c);
	return json_pack("{sb ss}", "ok", 1, "what", block_what_text(what, text));
}

static json_t *allow_add(void *hand, const struct control_peer *from, const json_t *request)
{
	const struct allow_hand *h = hand;
	struct allowed_one one = {.uid = from->uid, .at_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	struct policy_what what;
	json_t *refusal = NULL;
	struct error e = {""};
	char text[REACTION_TEXT];

	if (!address_of(request, &what, &refusal))
		return refusal;
	one.what.bits = what.bits;
	memcpy(one.what.addr, what.addr, sizeof(one.what.addr));
	if (allowed_has(h->allowed, &one.what))
		return json_pack("{sb ss}", "ok", 1, "what", block_what_text(&what, text));
	if (allowed_add(h->allowed, &one, &e) < 0)
		return control_refusal("%s", e.text);
	return allow_changed(h, from, POLICY_ALLOW, &what);
}

static json_t *allow_del(void *hand, const struct control_peer *from, const json_t *request)
{
	const struct allow_hand *h = hand;
	struct policy_what what;
	json_t *refusal = NULL;
	struct error e = {""};
	char text[REACTION_TEXT];
	struct prefix p;
	int err;

	if (!address_of(request, &what, &refusal))
		return refusal;
	p.bits = what.bits;
	memcpy(p.addr, what.addr, sizeof(p.addr));
	err = allowed_del(h->allowed, &p, &e);
	if (err == -ENOENT)
		return control_refusal("no person has allowed %s; 'karma block allowed' shows who "
				       "is, and what the configuration says stays",
			block_what_text(&what, text));
	if (err < 0)
		return control_refusal("%s", e.text);
	return allow_changed(h, from, POLICY_DISALLOW, &what);
}

const struct control_command allow_commands[ALLOW_COMMANDS] = {
	{"allow.list", allow_list},
	{"allow.add", allow_add},
	{"allow.del", allow_del},
};
