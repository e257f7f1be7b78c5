#include "output/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "detect/technique.h"
#include "output/community.h"

enum { VALUE = 2048 };

void fields_put(FILE *out, char end, const char *name, const char *format, ...)
{
	char value[VALUE];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	for (char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(out, "%s%s", name, value);
	fputc(end, out);
}

static void put_parties(FILE *out, const struct alert *a, char end)
{
	const struct record *r = &a->record;
	char text[ADDR_TEXT], id[COMMUNITY_TEXT];

	if (!a->many)
		fields_put(out, end, "KARMA_ATTACKER=", "%s", addr_text(a->attacker, text));
	fields_put(out, end, "KARMA_ATTACKERS=", "%" PRIu64, a->attackers);
	fields_put(out, end, "KARMA_TARGET=", "%s", addr_text(a->target, text));
	fields_put(out, end, "KARMA_TARGETS=", "%" PRIu64, a->targets);
	fields_put(out, end, "KARMA_PROTOCOL=", "%s", record_proto_name(r->net, r->proto));
	if (record_has_ports(r))
		fields_put(out, end, "KARMA_PORT=", "%u", r->port[!a->actor]);
	fields_put(out, end, "KARMA_PORTS=", "%" PRIu64, a->ports);
	if (*community_id(r, id))
		fields_put(out, end, "KARMA_COMMUNITY_ID=", "%s", id);
}

void fields_put_alert(FILE *out, const struct alert *a, enum alert_stage stage,
	const struct origin *from, char end)
{
	static const char *const stages[] = {
		[ALERT_NEW] = "new", [ALERT_UPDATE] = "update", [ALERT_END] = "end"};
	const struct technique *t = alert_technique(a);
	char id[ALERT_ID_TEXT];

	fields_put(out, end, "KARMA_ALERT_ID=", "%s", alert_id_text(a->id, id));
	fields_put(out, end, "KARMA_STAGE=", "%s", stages[stage]);
	fields_put(out, end, "KARMA_CLASS=", "%s", class_name(a->class));
	fields_put(out, end, "KARMA_SEVERITY=", "%d", alert_class(a->class)->severity);
	fields_put(out, end, "KARMA_CONFIDENCE=", "%.4f", (double)a->confidence);
	if (t)
		fields_put(out, end, "KARMA_TECHNIQUE=", "%s", t->id);
	if (t)
		fields_put(out, end, "KARMA_TACTIC=", "%s", t->tactic_id);
	put_parties(out, a, end);
	fields_put(out, end, "KARMA_FLOWS=", "%" PRIu64, a->flows);
	fields_put(out, end, "KARMA_FIRST=", "%.6f", (double)a->first_ns / 1e9);
	fields_put(out, end, "KARMA_LAST=", "%.6f", (double)a->last_ns / 1e9);
	if (from && from->interface)
		fields_put(out, end, "KARMA_INTERFACE=", "%s", from->interface);
	if (from && from->reaction)
		fields_put(out, end, "KARMA_RESPONSE=", "%s", from->reaction->action);
	if (from && from->kept)
		fields_put(out, end, "KARMA_CAPTURE=", "%s", from->kept);
}
