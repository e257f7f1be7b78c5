/* What all outputs have in common: they are opened, asked how they are, and closed. */
#include "output/output.h"

#include <string.h>

#include "util/clock.h"

/* What has to be said still, when all else has ended. */
static const uint64_t last_words_ns = 2000000000;

int output_open(struct output *o, const char *path, struct error *e)
{
	return o->kind->open(o, path, e);
}

void output_reopen(struct output *o)
{
	courier_nudge(o->courier);
}

int output_code(const struct output *o)
{
	return courier_code(o->courier);
}

void output_stats(const struct output *o, struct output_stats *s)
{
	s->kind = o->kind->name;
	s->number = o->number;
	memcpy(s->path, o->path, sizeof(s->path));
	s->must = o->kind->must;
	courier_stats(o->courier, &s->of);
}

void output_finish(struct output *o)
{
	courier_finish(o->courier);
}

bool output_has_ended(const struct output *o)
{
	return courier_has_ended(o->courier);
}

/* All of them have the same time: one that hangs keeps no other from it. */
void outputs_settle(struct output *o, unsigned count)
{
	uint64_t until_ns = clock_now(CLOCK_MONOTONIC) + last_words_ns;

	for (unsigned i = 0; i < count; i++)
		courier_settle(o[i].courier, until_ns);
}

void outputs_close(struct output *o, unsigned count, struct output_stats *s)
{
	uint64_t until_ns = clock_now(CLOCK_MONOTONIC) + last_words_ns;

	for (unsigned i = 0; i < count; i++) {
		s[i] = (struct output_stats){
			.kind = o[i].kind->name, .number = o[i].number, .must = o[i].kind->must};
		memcpy(s[i].path, o[i].path, sizeof(s[i].path));
		courier_close(o[i].courier, until_ns, &s[i].of);
		o[i].courier = NULL;
	}
}
