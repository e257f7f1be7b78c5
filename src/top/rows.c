/* Which rows the lists have: what the filter lets through, in the order in which it is shown. */
#include <string.h>

#include "top/top.h"

/* ---- the filter: each of its words stands somewhere ---- */

static bool has_word(const char *const *text, unsigned texts, const char *word, size_t length)
{
	char one[sizeof(((struct top *)0)->filter)];

	memcpy(one, word, length);
	one[length] = '\0';
	for (unsigned i = 0; i < texts; i++)
		if (strcasestr(text[i], one))
			return true;
	return false;
}

static bool passes(const struct top *t, const char *const *text, unsigned texts)
{
	const char *word = t->filter;
	size_t n;

	for (word += strspn(word, " "); *word; word += n + strspn(word + n, " ")) {
		n = strcspn(word, " ");
		if (!has_word(text, texts, word, n))
			return false;
	}
	return true;
}

static bool alert_passes(const struct top *t, const struct top_alert *a)
{
	static const char *const marks[] = {
		[TOP_UNMARKED] = "", [TOP_ACK] = "ack", [TOP_FALSE] = "false"};
	enum { OWN = 6, REASONS = 4 };
	const json_t *meta = json_object_get(json_object_get(a->event, "alert"), "metadata");
	const json_t *reasons = json_object_get(meta, "reasons");
	const json_t *technique = json_object_get(meta, "mitre_technique_id");
	const char *text[OWN + REASONS] = {a->id, a->class, a->who, a->whom, marks[a->mark], ""};

	if (json_is_string(json_array_get(technique, 0)))
		text[OWN - 1] = json_string_value(json_array_get(technique, 0));
	for (size_t i = 0; i < REASONS; i++) {
		const char *reason = json_string_value(json_array_get(reasons, i));

		text[OWN + i] = reason ? reason : "";
	}
	return passes(t, text, OWN + REASONS);
}

/* ---- rows ---- */

static void add(struct top *t, enum pane pane, unsigned place)
{
	t->row[pane][t->rows[pane]++] = (int)place;
}

void rows_make(struct top *t)
{
	const struct state *s = &t->state;

	memset(t->rows, 0, sizeof(t->rows));
	for (unsigned i = s->alerts; i-- > 0;) /* the latest first */
		if (alert_passes(t, &s->alert[i]))
			add(t, PANE_ALERTS, i);
	for (unsigned i = 0; i < s->hosts; i++)
		if (passes(t, (const char *const[]){s->host[i].ip}, 1))
			add(t, PANE_HOSTS, i);
	for (unsigned i = 0; i < s->blocks; i++)
		if (passes(t,
			    (const char *const[]){
				    s->block[i].what, s->block[i].by, s->block[i].class},
			    3))
			add(t, PANE_BLOCKS, i);
	for (unsigned i = 0; i < s->alloweds; i++)
		if (passes(t, (const char *const[]){s->allowed[i].what, s->allowed[i].by}, 2))
			add(t, PANE_ALLOWED, i);
}

const char *rows_key(const struct top *t, enum pane pane, int row)
{
	const struct state *s = &t->state;
	int place = t->row[pane][row];

	return pane == PANE_ALERTS   ? s->alert[place].id
	       : pane == PANE_HOSTS  ? s->host[place].ip
	       : pane == PANE_BLOCKS ? s->block[place].what
				     : s->allowed[place].what;
}

/* ---- where one is in them ---- */

struct place {
	const struct top *t;
	enum pane pane;
};

static const char *key_of(const void *context, int row)
{
	const struct place *p = context;

	return rows_key(p->t, p->pane, row);
}

void rows_settle(struct top *t, enum pane pane, int height)
{
	struct place p = {t, pane};

	list_settle(&t->list[pane], t->rows[pane], height, key_of, &p);
}

void rows_move(struct top *t, enum pane pane, int by)
{
	struct place p = {t, pane};

	list_settle(&t->list[pane], t->rows[pane], t->list[pane].rows, key_of, &p);
	list_move(&t->list[pane], by, key_of, &p);
}

/* The place of what is chosen; -1: nothing is. */
static int chosen(const struct top *t, enum pane pane)
{
	int at = t->list[pane].at;

	return t->pane == pane && at < t->rows[pane] ? t->row[pane][at] : -1;
}

const struct top_alert *rows_alert(struct top *t)
{
	int place = chosen(t, PANE_ALERTS);

	if (t->view == VIEW_ALERT)
		return state_alert(&t->state, t->story_id);
	return place < 0 ? NULL : &t->state.alert[place];
}

const struct top_host *rows_host(const struct top *t)
{
	int place = chosen(t, PANE_HOSTS);

	return place < 0 ? NULL : &t->state.host[place];
}

const struct top_block *rows_block(const struct top *t)
{
	int place = chosen(t, PANE_BLOCKS);

	return place < 0 ? NULL : &t->state.block[place];
}

const struct top_allowed *rows_allowed(const struct top *t)
{
	int place = chosen(t, PANE_ALLOWED);

	return place < 0 ? NULL : &t->state.allowed[place];
}
