/* The system's logs: a line to syslog, fields to the journal, when an alert begins and when it
 * ends.
 *
 * Both by their sockets, as messages of a courier: syslog(3) waits for a reader that is stuck, and
 * libsystemd's sd_journal_sendv() does, too, and is silent where nobody listens at all; here what
 * does not arrive is counted. */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "output/fields.h"
#include "output/line.h"
#include "output/local.h"

/* By which the journal knows alerts of Karma's from all else: journalctl MESSAGE_ID=... */
static const char message_id[] = "9f4f1d6b2a7c4e53b1c86d0e7a35c2f8";

static int priority_of(const struct alert *a, enum alert_stage stage)
{
	static const int priority[] = {[1] = LOG_CRIT, [2] = LOG_WARNING, [3] = LOG_NOTICE};

	return stage == ALERT_END ? LOG_INFO : priority[alert_class(a->class)->severity];
}

static bool is_told(enum alert_stage stage, const struct origin *from)
{
	return stage != ALERT_UPDATE && !(from && from->muted);
}

/* A message, which the caller fills: NULL when memory is short. */
struct text {
	FILE *stream;
	char *all;
	size_t length;
};

static FILE *begin_text(struct text *t)
{
	*t = (struct text){.stream = NULL};
	t->stream = open_memstream(&t->all, &t->length);
	return t->stream;
}

static void end_text(struct output *o, struct text *t)
{
	if (t->stream && fclose(t->stream) != 0) {
		free(t->all);
		t->all = NULL;
	}
	courier_send(o->courier, t->all, t->length);
}

/* The alert's line: one, whatever is in it. */
static void put_line(FILE *out, const char *name, const struct alert *a, enum alert_stage stage,
	const struct origin *from)
{
	struct text t;

	if (!begin_text(&t))
		return;
	line_print(t.stream, a, stage, from, "");
	if (fclose(t.stream) == 0)
		fields_put(out, '\n', name, "%s", t.all);
	free(t.all);
}

/* ---- syslog: RFC 3164, as /dev/log has it ---- */

static int syslog_open(struct output *o, const char *path, struct error *e)
{
	return local_open(o, path, true, e);
}

static void syslog_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	static const char *const month[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	char head[64];
	struct text t;
	struct tm tm;

	if (!is_told(stage, from))
		return;
	localtime_r(&now, &tm);
	if (begin_text(&t)) {
		snprintf(head, sizeof(head), "<%d>%s %2d %02d:%02d:%02d karma[%d]: ",
			LOG_AUTHPRIV | priority_of(a, stage), month[tm.tm_mon], tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
		put_line(t.stream, head, a, stage, from);
	}
	end_text(o, &t);
}

const struct output_kind output_syslog = {
	.name = "syslog", .open = syslog_open, .alert = syslog_alert};

/* ---- the journal: systemd.io/JOURNAL_NATIVE_PROTOCOL ---- */

static int journald_open(struct output *o, const char *path, struct error *e)
{
	return local_open(o, path, true, e);
}

static void journald_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	struct text t;

	if (!is_told(stage, from))
		return;
	if (begin_text(&t)) {
		put_line(t.stream, "MESSAGE=", a, stage, from);
		fields_put(t.stream, '\n', "MESSAGE_ID=", "%s", message_id);
		fields_put(t.stream, '\n', "PRIORITY=", "%d", priority_of(a, stage));
		fields_put(t.stream, '\n', "SYSLOG_FACILITY=", "%d", LOG_FAC(LOG_AUTHPRIV));
		fields_put(t.stream, '\n', "SYSLOG_IDENTIFIER=", "karma");
		for (unsigned i = 0; i < a->reasons; i++)
			fields_put(t.stream, '\n', "KARMA_REASON=", "%s", a->reason[i]);
		fields_put_alert(t.stream, a, stage, from, '\n');
	}
	end_text(o, &t);
}

const struct output_kind output_journald = {
	.name = "journald", .open = journald_open, .alert = journald_alert};
