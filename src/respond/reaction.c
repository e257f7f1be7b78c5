#include "respond/reaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "detect/alert.h"
#include "flow/record.h"
#include "respond/prefix.h"

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
