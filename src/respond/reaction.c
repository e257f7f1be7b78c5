#include "respond/reaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "detect/alert.h"
#include "flow/record.h"
#include "respond/prefix.h"
#include "util/number.h"

const char *block_change_name(const struct block_change *c)
{
	bool limit = c->entry.what.kind == POLICY_PORT;

	switch (c->event) {
	case POLICY_ADD:
		return limit ? "limit" : "block";
	case POLICY_RENEW:
		return "renew";
	case POLICY_REMOVE:
		break;
	case POLICY_ALLOW:
		return "allow";
	case POLICY_DISALLOW:
		return "disallow";
	}
	return limit ? "unlimit" : "unblock";
}

const char *block_change_why(const struct block_change *c, char text[REACTION_TEXT])
{
	char id[ALERT_ID_TEXT];

	switch (c->why) {
	case POLICY_WHY_ALERT:
		snprintf(text, REACTION_TEXT, "%s, alert %s", class_name(c->entry.class),
			alert_id_text(c->entry.alert, id));
		break;
	case POLICY_WHY_PERSON:
		snprintf(text, REACTION_TEXT, "by uid %" PRIu32, c->uid);
		break;
	case POLICY_WHY_TAKEN:
		snprintf(text, REACTION_TEXT, "taken over");
		break;
	case POLICY_WHY_MANY:
		snprintf(text, REACTION_TEXT,
			c->event == POLICY_ADD ? "many of its hosts attack, alert %s"
					       : "its net is blocked, alert %s",
			alert_id_text(c->entry.alert, id));
		break;
	case POLICY_WHY_ATTACKING:
		snprintf(text, REACTION_TEXT, "still attacking");
		break;
	case POLICY_WHY_EXPIRED:
		snprintf(text, REACTION_TEXT, "its time is over");
		break;
	case POLICY_WHY_PROTECTED:
		snprintf(text, REACTION_TEXT, "protected by now");
		break;
	}
	return text;
}

const char *block_what_text(const struct policy_what *what, char text[REACTION_TEXT])
{
	char addr[PREFIX_TEXT], port[8] = "any";
	const char *proto =
		record_proto_name(prefix_is_ipv4(what->addr) ? NET_IPV4 : NET_IPV6, what->proto);

	prefix_text(what->addr, what->bits, addr);
	if (!what->opens)
		snprintf(port, sizeof(port), "%u", what->port);
	if (what->kind == POLICY_ADDRESS)
		snprintf(text, REACTION_TEXT, "%s", addr);
	else
		snprintf(text, REACTION_TEXT, strchr(addr, ':') ? "[%s]:%s/%s" : "%s:%s/%s", addr,
			port, proto);
	return text;
}

const char *block_time_text(int64_t ns, char text[REACTION_TEXT])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
	int64_t s = (ns + 500000000) / 1000000000;
	size_t i = 0;
	int n;

	while (i < 3 && s < units[i].seconds)
		i++;
	n = snprintf(text, REACTION_TEXT, "%" PRId64 " %s", s / units[i].seconds, units[i].name);
	s %= units[i].seconds;
	if (i < 3 && s / units[i + 1].seconds)
		snprintf(text + n, REACTION_TEXT - (size_t)n, " %" PRId64 " %s",
			s / units[i + 1].seconds, units[i + 1].name);
	return text;
}

/* ---- of an alert ---- */

static void say_entry(
	struct reaction *out, const struct policy_entry *e, const struct reaction_facts *f)
{
	bool limit = e->what.kind == POLICY_PORT;
	char time[REACTION_TEXT], rate[NUMBER_TEXT];
	char what[REACTION_TEXT];

	out->action = e->dry ? "dry-run" : limit ? "limit" : "block";
	out->blocked = !e->dry && f->here && f->dropped > 0;
	if (e->until_ns)
		block_time_text(e->until_ns - f->now_ns, time);
	if (limit)
		snprintf(out->text, sizeof(out->text), "%s%.80s limited to %s %s/s%s%.20s",
			e->dry ? "dry run: would have " : "", block_what_text(&e->what, what),
			number_text(f->rate, rate), e->what.opens ? "new connections" : "packets",
			e->until_ns ? " for " : "", e->until_ns ? time : "");
	else
		snprintf(out->text, sizeof(out->text), "%sblocked%s%.60s%s%.20s%s",
			e->dry ? "dry run: would be " : "", e->what.bits < 128 ? " with " : "",
			e->what.bits < 128 ? block_what_text(&e->what, what) : "",
			e->until_ns ? " for " : "", e->until_ns ? time : "",
			f->here || e->dry ? "" : ", but not on this interface");
}

/* Of many attackers something is said of the one of the latest record. */
void reaction_say(struct reaction *out, const struct alert *a, const struct policy_answer *answer,
	const struct reaction_facts *f)
{
	static const char *const why[] = {
		[POLICY_BLOCKED] = "no longer blocked",
		[POLICY_WOULD] = "dry run: no longer blocked",
		[POLICY_IS_OFF] = "not blocked: it is off for this class",
		[POLICY_UNSURE] = "not blocked yet: not sure enough",
		[POLICY_FORGED] = "not blocked yet: its source may be forged",
		[POLICY_VICTIM] = "not blocked: its target attacks it",
		[POLICY_PARDONED] = "not blocked: a person unblocked it",
		[POLICY_FAST] = "not blocked: too many new ones this minute",
		[POLICY_FULL] = "not blocked: the list is full",
	};
	char who[ADDR_TEXT + 1] = "", text[REACTION_TEXT];

	*out = (struct reaction){.action = "none"};
	if (answer->entry)
		say_entry(out, answer->entry, f);
	else if (answer->verdict == POLICY_PROTECTED)
		snprintf(out->text, sizeof(out->text), "not blocked: %s", answer->why);
	else
		strcpy(out->text, why[answer->verdict]);
	if (!a->many || !a->sure || (answer->entry && answer->entry->what.kind == POLICY_PORT))
		return;
	strcpy(text, out->text);
	snprintf(out->text, sizeof(out->text), "%s %.100s",
		addr_text(a->record.addr[a->actor], who), text);
}
