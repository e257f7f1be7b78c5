/* Keys that say what a person thinks of an alert: they write to the history. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top/act.h"
#include "util/clock.h"
#include "util/when.h"

/* A job for the filer; false: it is said why not. */
static bool give(struct top *t, struct filer_job *job)
{
	const char *path = top_history(t);

	if (!*path) {
		top_say(t, LOOK_BAD, "%s",
			t->loaded ? "it cannot be kept: this karma has no history"
				  : "it cannot be kept: no karma answers yet");
		return false;
	}
	snprintf(job->path, sizeof(job->path), "%s", path);
	if (filer_ask(&t->filer, job))
		return true;
	top_say(t, LOOK_BAD, "%s: it is busy; try again", path);
	return false;
}

/* ---- marks ---- */

static void mark(struct top *t, enum history_mark what)
{
	struct filer_job job = {.kind = FILER_MARK, .mark = what};
	const struct top_alert *a = rows_alert(t);

	if (!a) {
		top_say(t, LOOK_WARN, "no alert is chosen");
		return;
	}
	snprintf(job.id, sizeof(job.id), "%s", a->id);
	give(t, &job);
}

void act_ack(struct top *t)
{
	mark(t, MARK_ACK);
}

void act_false(struct top *t)
{
	mark(t, MARK_FALSE);
}

void act_clear(struct top *t)
{
	mark(t, MARK_NONE);
}

/* ---- mutes ---- */

/* Of whom: an alert's attacker, or its target where the attackers are many; a host as attacker. */
static bool take_party(struct top *t)
{
	const struct top_alert *a = rows_alert(t);
	const struct top_host *h = rows_host(t);
	struct pending *p = &t->pending;
	const char *address = a ? (*a->who ? a->who : a->whom) : h ? h->ip : "";

	*p = (struct pending){.mute = {.class = -1, .attacks = !a || *a->who}};
	if (!a && !h) {
		top_say(t, LOOK_WARN, "no alert and no host is chosen");
		return false;
	}
	if (!addr_parse(address, p->mute.low)) {
		top_say(t, LOOK_WARN, "the alert names nobody");
		return false;
	}
	memcpy(p->mute.high, p->mute.low, sizeof(p->mute.high));
	snprintf(p->address, sizeof(p->address), "%s", address);
	snprintf(p->class, sizeof(p->class), "%s", a ? a->class : "");
	return true;
}

static void take_until(struct top *t, const char *text)
{
	struct filer_job job = {.kind = FILER_MUTE, .mute = t->pending.mute};

	job.mute.made_ns = (int64_t)clock_now(CLOCK_REALTIME);
	if (!moment_parse(text, job.mute.made_ns, 1, &job.mute.until_ns) ||
		job.mute.until_ns <= job.mute.made_ns) {
		top_say(t, LOOK_BAD, "'%s' is no time to come: 2h, 3d or 2026-12-01T09:10", text);
		return;
	}
	give(t, &job);
}

static void ask_until(struct top *t)
{
	const struct pending *p = &t->pending;

	prompt_text(t, "1d", take_until,
		"mute %s alerts %s %s for, or until:", *p->class ? p->class : "all",
		p->mute.attacks ? "of" : "of many against", p->address);
}

static void take_class(struct top *t, const char *answer)
{
	if (*answer == 'a')
		t->pending.class[0] = '\0';
	else
		t->pending.mute.class = class_of(t->pending.class);
	ask_until(t);
}

void act_mute(struct top *t)
{
	if (!take_party(t))
		return;
	if (class_of(t->pending.class) > CLASS_NORMAL)
		prompt_choice(t, "ca", take_class,
			"mute %s: (c) %s alerts only, (a) all alerts, Esc?", t->pending.address,
			t->pending.class);
	else
		ask_until(t);
}

void act_unmute(struct top *t)
{
	struct filer_job job = {.kind = FILER_UNMUTE};

	if (!take_party(t))
		return;
	job.mute = t->pending.mute;
	give(t, &job);
}

/* ---- what became of it ---- */

static void marked(struct top *t, const struct filer_job *job)
{
	static const char *const words[] = {[MARK_NONE] = "its mark is cleared",
		[MARK_ACK] = "acknowledged",
		[MARK_FALSE] = "marked as a false alarm"};
	struct top_alert *a = state_alert(&t->state, job->id);

	if (a)
		a->mark = job->mark == MARK_ACK     ? TOP_ACK
			  : job->mark == MARK_FALSE ? TOP_FALSE
						    : TOP_UNMARKED;
	top_say(t, LOOK_GOOD, "alert %s: %s", job->id, words[job->mark]);
}

static void muted(struct top *t, const struct filer_job *job)
{
	const struct mute *m = &job->mute;
	time_t until = (time_t)(m->until_ns / 1000000000);
	char addr[ADDR_TEXT], text[32];
	struct tm tm;

	localtime_r(&until, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	top_say(t, LOOK_GOOD, "%s alerts %s %s are muted until %s",
		m->class < 0 ? "all" : class_name((enum karma_class)m->class),
		m->attacks ? "of" : "of many against", addr_text(m->low, addr), text);
}

static void unmuted(struct top *t, const struct filer_job *job)
{
	int ended = (int)json_integer_value(json_object_get(job->answer, "ended"));
	char addr[ADDR_TEXT];

	addr_text(job->mute.low, addr);
	if (ended)
		top_say(t, LOOK_GOOD, "%s: %d mute%s ended", addr, ended, ended == 1 ? "" : "s");
	else
		top_say(t, LOOK_WARN, "%s is not muted", addr);
}

static void take_story(struct top *t, struct filer_job *job)
{
	if (strcmp(job->id, t->story_id) != 0)
		return;
	if (job->answer) {
		json_decref(t->story);
		t->story = json_incref(job->answer);
	}
	snprintf(t->story_why, sizeof(t->story_why), "%s", job->answer ? "" : job->e.text);
}

static void take_past(struct top *t, const struct filer_job *job)
{
	snprintf(t->file_why, sizeof(t->file_why), "%s", job->answer ? "" : job->e.text);
	if (!job->answer)
		return;
	if (job->kind == FILER_MARKS)
		state_take_marks(&t->state, job->answer);
	else if (!t->paused)
		t->loaded = state_take_live(&t->state, job->answer);
}

void act_done(struct top *t, struct filer_job *job)
{
	bool act = job->kind == FILER_MARK || job->kind == FILER_MUTE || job->kind == FILER_UNMUTE;

	if (act && !job->answer)
		top_say(t, LOOK_BAD, "%s", job->e.text);
	else if (job->kind == FILER_MARK)
		marked(t, job);
	else if (job->kind == FILER_MUTE)
		muted(t, job);
	else if (job->kind == FILER_UNMUTE)
		unmuted(t, job);
	else if (job->kind == FILER_STORY)
		take_story(t, job);
	else
		take_past(t, job);
	rows_make(t);
}
