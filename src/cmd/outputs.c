#include "cmd/outputs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- which there are ---- */

struct wanted {
	const struct output_kind *kind;
	const char *path; /* NULL: not asked for */
};

_Static_assert(SESSION_OUTPUTS + SESSION_GONE <= OUTPUTS, "a summary has room for all of them");

/* The first is standard output's. */
static void list_outputs(const struct session_options *o, struct wanted row[SESSION_OUTPUTS])
{
	const struct wanted rows[SESSION_OUTPUTS] = {
		{o->json ? &output_eve : &output_terminal, "-"},
		{&output_eve, o->eve},
		{&output_eve_socket, o->eve_socket},
		{&output_syslog, o->syslog},
		{&output_journald, o->journald},
		{&output_notify, o->notify},
		{&output_webhook, o->webhook},
	};

	memcpy(row, rows, sizeof(rows));
}

static bool is_same(const struct wanted *a, const struct wanted *b)
{
	return a->kind == b->kind && a->path && b->path && strcmp(a->path, b->path) == 0;
}

static int add_output(
	struct session *s, unsigned place, const struct wanted *row, bool is_there, struct error *e)
{
	struct output *o = &s->output[s->outputs];
	int err = 0;

	*o = (struct output){
		.kind = row->kind, .place = place, .number = ++s->opened, .live = !s->patient};
	if (!is_there)
		err = output_open(o, row->path, e);
	s->outputs += !err;
	return err;
}

int session_open_outputs(struct session *s, const struct session_options *o,
	const struct session_options *was, struct error *e)
{
	struct wanted row[SESSION_OUTPUTS], before[SESSION_OUTPUTS] = {{NULL, NULL}};
	int err = 0;

	list_outputs(o, row);
	if (was)
		list_outputs(was, before);
	for (unsigned i = 0; i < SESSION_OUTPUTS && !err; i++)
		if (row[i].path)
			err = add_output(s, i, &row[i], is_same(&row[i], &before[i]), e);
	return err;
}

/* ---- a change ---- */

/* The one in that place, which is the caller's from now on. */
static bool take_from(struct session *s, unsigned place, struct output *o)
{
	for (unsigned i = 0; i < s->outputs; i++) {
		if (s->output[i].place != place || !s->output[i].courier)
			continue;
		*o = s->output[i];
		s->output[i].courier = NULL;
		return true;
	}
	return false;
}

int session_can_take_outputs(struct session *s, const struct session *fresh, struct error *e)
{
	unsigned going = s->outputs;

	session_tidy_outputs(s);
	for (unsigned i = 0; i < fresh->outputs; i++)
		going -= !fresh->output[i].courier;
	return going + s->gone_count <= SESSION_GONE
		       ? 0
		       : error_set(e, -EBUSY,
				 "too many outputs that were changed before have lost something or "
				 "are still not written; restart karma");
}

static void let_go(struct session *s, const struct output *o)
{
	struct session_gone *g = &s->gone[s->gone_count++];

	*g = (struct session_gone){.output = *o};
	output_finish(&g->output);
}

void session_take_outputs(struct session *s, struct session *fresh)
{
	for (unsigned i = 0; i < fresh->outputs; i++) {
		struct output *o = &fresh->output[i];

		if (o->courier)
			o->number = ++s->opened;
		else
			take_from(s, o->place, o);
	}
	for (unsigned i = 0; i < s->outputs; i++)
		if (s->output[i].courier)
			let_go(s, &s->output[i]);
	memcpy(s->output, fresh->output, sizeof(s->output));
	s->outputs = fresh->outputs;
	fresh->outputs = 0;
}

void session_tidy_outputs(struct session *s)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->gone_count; i++) {
		struct session_gone *g = &s->gone[i];

		if (g->output.courier && output_has_ended(&g->output))
			outputs_close(&g->output, 1, &g->ended);
		if (!g->output.courier)
			g->ended.of.failing = false; /* it has nothing more to say */
		if (g->output.courier || g->ended.of.lost)
			s->gone[kept++] = *g;
	}
	s->gone_count = kept;
}

/* ---- how they are ---- */

unsigned session_output_stats(const struct session *s, struct output_stats stats[OUTPUTS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->outputs; i++)
		output_stats(&s->output[i], &stats[n++]);
	for (unsigned i = 0; i < s->gone_count; i++) {
		if (s->gone[i].output.courier)
			output_stats(&s->gone[i].output, &stats[n++]);
		else
			stats[n++] = s->gone[i].ended;
	}
	return n;
}

int session_close_outputs(struct session *s, struct error *e)
{
	struct output all[OUTPUTS];
	struct output_stats ended[OUTPUTS];
	unsigned count = 0;
	int err = 0;

	for (unsigned i = 0; i < s->outputs; i++)
		all[count++] = s->output[i];
	for (unsigned i = 0; i < s->gone_count; i++)
		if (s->gone[i].output.courier)
			all[count++] = s->gone[i].output;
	outputs_close(all, count, ended);
	for (unsigned i = 0; i < s->gone_count; i++)
		if (!s->gone[i].output.courier)
			ended[count++] = s->gone[i].ended;
	for (unsigned i = 0; i < count && !err; i++)
		if (ended[i].must && ended[i].of.lost)
			err = error_set(e, -EIO, "%s: %" PRIu64 " lines could not be written: %s",
				ended[i].path, ended[i].of.lost, ended[i].of.why);
	s->outputs = s->gone_count = 0;
	return err;
}
