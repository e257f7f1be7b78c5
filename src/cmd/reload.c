#include "cmd/reload.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/manager.h"
#include "cmd/outputs.h"
#include "cmd/run_options.h"
#include "util/clock.h"

/* ---- what has changed ---- */

struct change {
	struct settings *now, *next;
	json_t *changed, *restart;
	bool failed; /* memory is short */
};

static void note(json_t *list, const char *section, const char *key)
{
	char name[80];
	json_t *one;
	size_t i;

	snprintf(name, sizeof(name), "%s.%s", section, key);
	json_array_foreach (list, i, one) {
		if (strcmp(json_string_value(one), name) == 0)
			return;
	}
	json_array_append_new(list, json_string(name));
}

static void compare(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	struct change *c = context;
	char *now = config_value(key, c->now), *next = config_value(key, c->next);

	(void)n;
	c->failed |= !now || !next;
	if (now && next && strcmp(now, next) != 0)
		note(key->live ? c->changed : c->restart, section->name, key->name);
	free(now);
	free(next);
}

/* Let the value hold. It is one that was shown, so it can be taken. */
static void adopt_key(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	struct change *c = context;
	char *next = key->live ? config_value(key, c->next) : NULL, *line, *rest;
	char *at = (char *)c->now + key->offset;

	(void)section;
	(void)n;
	if (!next)
		return;
	if (key->type->clear)
		key->type->clear(at);
	else if (!*next)
		*at = '\0'; /* text alone may be none */
	for (line = strtok_r(next, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		key->type->take(at, key, line, NULL);
	free(next);
}

/* ---- the model ---- */

static bool same_model(const struct session *a, const struct session *b)
{
	return strcmp(a->model_id, b->model_id) == 0 &&
	       json_equal(a->model->header, b->model->header);
}

static bool same_profile(const struct session *a, const struct session *b)
{
	return a->profile_sum == b->profile_sum;
}

/* What judges is `with`'s from now on, and `with` has what did. Of another model the hosts'
 * memories mean nothing: they begin anew. */
static void exchange(struct session *s, struct session *with)
{
	const struct session was = *s;
	bool memories = same_model(s, with);

	session_flush(s, s->last_ns);
	judge_inherit(with->judge, s->judge, memories);
	if (s->history && !memories)
		history_model(s->history, with->model_id);
	s->judge = with->judge;
	s->model = with->model;
	s->kernel = with->kernel;
	memcpy(s->model_id, with->model_id, sizeof(s->model_id));
	with->judge = was.judge;
	with->model = was.model;
	if (memories && same_profile(s, with))
		return; /* drift goes on where it was */
	s->profile_sum = with->profile_sum;
	s->drift = with->drift;
	with->drift = was.drift;
	if (s->drift)
		drift_begin(s->drift);
}

static void adopt(struct reload *r, struct change *c, struct session *fresh)
{
	const struct config config = settings_config(r->settings);
	struct session *s = r->session;

	assert(fresh->model); /* it was loaded */
	/* What a file says may have changed behind its name. */
	if (!same_model(s, fresh))
		note(c->changed, "model", "file");
	if (!same_profile(s, fresh))
		note(c->changed, "model", "profile");
	if (fresh->judge)
		exchange(s, fresh);
	session_take_outputs(s, fresh);
	memcpy(s->model_path, fresh->model_path, sizeof(s->model_path));
	s->settings = fresh->settings;
	detector_change(s->detector, &s->settings, s->judge);
	config_each(&config, adopt_key, c);
	s->profile = *r->settings->profile ? r->settings->profile : NULL;
	if (s->respond)
		respond_change(s->respond);
	r->at_ns = (int64_t)clock_now(CLOCK_REALTIME);
}

/* All that can fail. 0, or a negative errno and the line. */
static int prepare(struct reload *r, struct change *c, struct session *fresh, struct error *e)
{
	const struct config config = settings_config(c->next);
	struct session_options options = {.live = true}, was = {.live = true};
	struct session *s = r->session;
	int err = run_settings(r->argc, r->argv, c->next, e);

	if (err > 0)
		return error_set(e, -EINVAL, "the command line does not go with it");
	if (err)
		return err;
	config_each(&config, compare, c);
	settings_session(c->next, &options);
	err = c->failed ? error_set(e, -ENOMEM, "not enough memory")
			: session_load(fresh, &options, e);
	if (!err && fresh->model &&
		!(same_model(s, fresh) && same_profile(s, fresh) && s->kernel == fresh->kernel))
		err = judge_new(&fresh->judge, fresh->model, fresh->model_path, fresh->kernel, 0,
			s->flows, e);
	settings_session(c->now, &was);
	if (!err)
		err = session_open_outputs(fresh, &options, &was, e);
	return err ? err : session_can_take_outputs(s, fresh, e);
}

static json_t *reopened(const struct session *s)
{
	json_t *list = json_array();

	/* The first is standard output's. */
	for (unsigned i = 1; i < s->outputs; i++)
		if (s->output[i].kind == &output_eve)
			json_array_append_new(list, json_string(s->output[i].path));
	return list;
}

static json_t *take_up(struct reload *r)
{
	struct settings *next = calloc(1, sizeof(*next));
	struct session *fresh = calloc(1, sizeof(*fresh));
	struct change c = {r->settings, next, json_array(), json_array(), false};
	struct error e = {"not enough memory"};
	int err = next && fresh ? prepare(r, &c, fresh, &e) : -ENOMEM;
	json_t *answer;

	if (!err) {
		adopt(r, &c, fresh);
		session_reopen(r->session);
		answer = json_pack("{sb sO sO so}", "ok", 1, "changed", c.changed, "restart",
			c.restart, "reopened", reopened(r->session));
	} else {
		answer = json_pack("{sb so}", "ok", 0, "error",
			json_sprintf("nothing has changed: %s", e.text));
	}
	if (fresh)
		session_close(fresh, false, NULL);
	json_decref(c.changed);
	json_decref(c.restart);
	free(fresh);
	free(next);
	return answer;
}

/* ---- for people ---- */

static void print_names(FILE *out, const char *before, const char *what, const json_t *list)
{
	size_t i;
	json_t *name;

	json_array_foreach ((json_t *)list, i, name) {
		if (i == 0)
			fprintf(out, "%s%s: ", before, what);
		fprintf(out, "%s%s", i ? ", " : "", json_string_value(name));
	}
	if (i)
		fputc('\n', out);
}

void reload_print(const json_t *answer, const char *before, FILE *out)
{
	const json_t *changed = json_object_get(answer, "changed");
	const json_t *restart = json_object_get(answer, "restart");
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (error)
		fprintf(out, "%s%s\n", before, error);
	else if (json_array_size(changed) + json_array_size(restart) == 0)
		fprintf(out, "%sthe configuration is as it was\n", before);
	print_names(out, before, "changed", changed);
	print_names(out, before, "needs a restart", restart);
	print_names(out, before, "opened anew", json_object_get(answer, "reopened"));
}

json_t *reload(struct reload *r)
{
	json_t *answer;

	manager_reloading();
	answer = take_up(r);
	terminal_status_clear();
	reload_print(answer, "karma: ", stderr);
	manager_reloaded();
	return answer;
}
