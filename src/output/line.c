#include "output/line.h"

#include <string.h>

#include "detect/technique.h"
#include "util/number.h"

enum { ENDPOINT_TEXT = ADDR_TEXT + 48 };

static const char *hosts_text(uint64_t count, char text[ENDPOINT_TEXT])
{
	char number[NUMBER_TEXT];

	snprintf(text, ENDPOINT_TEXT, "%s host%s", number_text(count, number),
		count == 1 ? "" : "s");
	return text;
}

/* "10.0.0.2", "10.0.0.2:22", "[2001:db8::1]:22", "10.0.0.7 and 12 others" */
static const char *target_text(const struct alert *a, char text[ENDPOINT_TEXT])
{
	const struct record *r = &a->record;
	char addr[ADDR_TEXT], number[NUMBER_TEXT];

	addr_text(a->target, addr);
	if (a->targets > 1)
		snprintf(text, ENDPOINT_TEXT, "%s and %s other%s", addr,
			number_text(a->targets - 1, number), a->targets == 2 ? "" : "s");
	else if (a->ports == 1)
		snprintf(text, ENDPOINT_TEXT, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr,
			r->port[!a->actor]);
	else
		snprintf(text, ENDPOINT_TEXT, "%s", addr);
	return text;
}

static const char *const stage_text[] = {
	[ALERT_NEW] = "ALERT", [ALERT_UPDATE] = "still", [ALERT_END] = "ended"};

void line_print(FILE *out, const struct alert *a, enum alert_stage stage, const struct origin *from,
	const char *colour)
{
	const struct technique *technique = alert_technique(a);
	char who[ENDPOINT_TEXT], whom[ENDPOINT_TEXT], number[NUMBER_TEXT], id[ALERT_ID_TEXT];

	if (a->many)
		hosts_text(a->attackers, who);
	else
		addr_text(a->attacker, who);
	fprintf(out, "%s %s  %s%s%s %.0f %%%s%s  %s -> %s  %s flow%s", stage_text[stage],
		alert_id_text(a->id, id), colour, class_name(a->class), *colour ? "\033[0m" : "",
		100 * (double)a->confidence, technique ? " " : "", technique ? technique->id : "",
		who, target_text(a, whom), number_text(a->flows, number), a->flows == 1 ? "" : "s");
	if (a->ports > 1)
		fprintf(out, ", %s ports", number_text(a->ports, number));
	fprintf(out, " in %s", duration_text((double)(a->last_ns - a->first_ns) / 1e9, number));
	if (a->refused)
		fprintf(out, ", %s refused", number_text(a->refused, number));
	for (unsigned i = 0; i < a->reasons; i++)
		fprintf(out, "%s%s", i ? "; " : ": ", a->reason[i]);
	if (from && from->reaction)
		fprintf(out, " [%s]", from->reaction->text);
}
