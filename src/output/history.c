/* The owner's side of the history: what is new is gathered here and handed over, as a batch, to the
 * thread that writes it. There is one batch at a time; while it is on its way, or cannot be
 * written, the next one grows within the bounds of the tables here. */
#include "output/history_inside.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"
#include "detect/lru.h"
#include "feature/pack.h"
#include "output/eve.h"
#include "util/clock.h"
#include "util/thread.h"

const struct history_limits history_limits = {
	.alerts = 100000, .hosts = 10000, .bytes = 256 << 20, .seconds = 90 * 86400};

static const uint64_t second = 1000000000;

enum {
	FLOWS = HISTORY_FIRST + HISTORY_LAST,
	HOSTS = 4096,   /* in a batch */
	BLOCKS = 1024,  /* likewise */
	WAIT_MS = 2000, /* for another program that writes */
	WAIT_AT_END_S = 5,
};

/* An alert that has not ended, or has not been handed over since. */
struct kept {
	char id[ALERT_ID_TEXT];
	char model[HISTORY_MODEL]; /* that raised it */
	char *event;               /* NULL: not shown yet */
	int64_t first_ns, last_ns;
	enum karma_class class;
	float confidence;
	bool many;
	uint8_t attacker[16], target[16];
	uint64_t flows;
	uint64_t told; /* flows that were told of */
	bool begun;    /* has been handed over before */
	bool changed, ended;
	uint64_t records;                /* that were told of */
	bool new[FLOWS];                 /* was not handed over, or otherwise */
	uint64_t latest[FLOWS];          /* which of the records was a flow's last */
	bool featured[HISTORY_FEATURED]; /* has a row in `features` */
	float *features;                 /* (HISTORY_FEATURED, pack_count()); NULL: none yet */
	struct alert_flow flow[FLOWS];
};

/* ---- the thread that writes ---- */

static void failed(struct history *h)
{
	h->stats.failed++;
	h->stats.failing = true;
	snprintf(
		h->stats.why, sizeof(h->stats.why), "%.120s: %.120s", h->path, store_why(h->store));
}

/* Another program's turn at the file is no failure, unless there is no later. */
static void take_result(struct history *h, int err, bool last, uint64_t began_ns)
{
	h->tries++;
	if (!err)
		latency_add(&h->latency, (int64_t)(clock_now(CLOCK_MONOTONIC) - began_ns));
	h->stats.removed = store_removed(h->store);
	if (!err) {
		batch_free(h->batch);
		h->batch = NULL;
		h->stats.failing = false;
	} else if ((err & 0xff) != SQLITE_BUSY || last) {
		failed(h);
	}
	pthread_cond_broadcast(&h->idle);
}

static void read_mutes(struct history *h)
{
	struct mute mute[HISTORY_MUTES];
	unsigned count;

	if (!store_mutes(h->store, mute, HISTORY_MUTES, &count))
		return;
	pthread_mutex_lock(&h->lock);
	memcpy(h->mute, mute, sizeof(mute));
	h->mutes = count;
	pthread_mutex_unlock(&h->lock);
}

static void wait_a_second(struct history *h)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&h->wake, &h->lock, &until);
}

/* What cannot be opened yet counts as a try to write: whoever waits for one goes on. */
static void take_opened(struct history *h, struct store *s, const struct error *e)
{
	h->store = s;
	h->stats.failing = !s;
	if (s)
		return;
	h->tries++;
	h->stats.failed++;
	snprintf(h->stats.why, sizeof(h->stats.why), "%.250s", e->text);
	pthread_cond_broadcast(&h->idle);
}

/* A file that could not be opened when all began: each second again, and once more at the end. */
static bool open_later(struct history *h)
{
	bool last = false;

	pthread_mutex_lock(&h->lock);
	while (!h->store && !last) {
		struct error e = {""};
		struct store *s;

		wait_a_second(h);
		last = h->closing;
		pthread_mutex_unlock(&h->lock);
		store_open(&s, &h->settings, &e);
		pthread_mutex_lock(&h->lock);
		take_opened(h, s, &e);
	}
	pthread_mutex_unlock(&h->lock);
	return h->store != NULL;
}

/* A batch as soon as it comes; one that cannot be written again each second, and once more at the
 * end. */
static void *write_batches(void *history)
{
	struct history *h = history;
	bool again = false, last = false;

	if (!open_later(h))
		return NULL;
	store_write(h->store, NULL, WAIT_MS); /* the limits may be narrower than they were */
	read_mutes(h);
	pthread_mutex_lock(&h->lock);
	while (!last && (h->batch || !h->closing)) {
		struct batch *b = h->batch;
		uint64_t began_ns;
		int err;

		if (!b || (again && !h->closing)) {
			wait_a_second(h);
			again = false;
			pthread_mutex_unlock(&h->lock);
			read_mutes(h);
			pthread_mutex_lock(&h->lock);
			continue;
		}
		last = h->closing;
		pthread_mutex_unlock(&h->lock);
		began_ns = clock_now(CLOCK_MONOTONIC);
		err = store_write(h->store, b, last ? 1000 * WAIT_AT_END_S : WAIT_MS);
		pthread_mutex_lock(&h->lock);
		take_result(h, err, last, began_ns);
		again = err != 0;
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static int begin_thread(struct history *h)
{
	int err = thread_begin(&h->thread, "history", write_batches, h);

	h->has_thread = !err;
	return err;
}

/* ---- opening ---- */

/* A disk's trouble may pass, a wrong name does not. */
static bool is_of_the_disk(int err)
{
	return err == -EROFS || err == -ENOSPC || err == -EDQUOT || err == -EIO;
}

int history_open(struct history **result, const struct history_settings *settings, struct error *e)
{
	struct history *h = calloc(1, sizeof(*h));
	pthread_condattr_t monotonic;
	int err = 0;

	*result = NULL;
	if (!h)
		return error_set(e, -ENOMEM, "not enough memory for the history");
	snprintf(h->path, sizeof(h->path), "%s", settings->path);
	snprintf(h->model, sizeof(h->model), "%s", settings->model ? settings->model : "");
	h->patient = settings->patient;
	h->settings = *settings;
	h->settings.path = h->path;
	h->settings.model = h->model;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, &monotonic);
	pthread_cond_init(&h->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pack_form(); /* made here, read there */
	pack_count();
	h->kept = lru_new(DETECT_ALERTS, sizeof(uint64_t), sizeof(struct kept));
	h->hosts = lru_new(HOSTS, 16, sizeof(struct batch_host));
	if (!h->kept || !h->hosts)
		err = error_set(e, -ENOMEM, "not enough memory for the history");
	if (!err)
		err = store_open(&h->store, &h->settings, e);
	if (err && h->kept && h->hosts &&
		(settings->persist || (!settings->patient && is_of_the_disk(err)))) {
		take_opened(h, NULL, e);
		err = 0;
	}
	if (!err && begin_thread(h) < 0)
		err = error_set(e, -EAGAIN, "no thread can be begun for the history");
	if (err)
		history_close(h, NULL);
	else
		*result = h;
	return err;
}

/* ---- handing over ---- */

static unsigned count_new(const struct kept *k)
{
	unsigned count = 0;

	for (int i = 0; i < FLOWS; i++)
		count += k->new[i];
	return count;
}

static bool has_row(const struct kept *k, int slot)
{
	return slot < HISTORY_FEATURED && k->featured[slot];
}

static void copy_flows(struct batch_alert *a, const struct kept *k)
{
	size_t width = pack_count();
	float *to = a->features;

	for (int i = 0; i < FLOWS; i++) {
		struct batch_flow *f = &a->flow[a->count];

		if (!k->new[i])
			continue;
		*f = (struct batch_flow){i, k->latest[i], has_row(k, i), k->flow[i]};
		a->count++;
		if (!f->featured || !to)
			continue;
		memcpy(to, k->features + (size_t)i * width, width * sizeof(float));
		to += width;
	}
}

/* NULL when memory is short. */
static struct batch_alert *alert_of(const struct kept *k)
{
	struct batch_alert *a = calloc(1, sizeof(*a));
	unsigned count = count_new(k);
	uint64_t kept = k->told < FLOWS ? k->told : FLOWS;

	if (!a)
		return NULL;
	a->event = strdup(k->event);
	a->flow = calloc(count + 1, sizeof(*a->flow));
	if (k->features)
		a->features = calloc((size_t)count + 1, pack_count() * sizeof(float));
	if (!a->event || !a->flow || (k->features && !a->features)) {
		free(a->event);
		free(a->flow);
		free(a->features);
		free(a);
		return NULL;
	}
	memcpy(a->id, k->id, sizeof(a->id));
	memcpy(a->model, k->model, sizeof(a->model));
	a->first_ns = k->first_ns;
	a->last_ns = k->last_ns;
	a->class = k->class;
	a->confidence = k->confidence;
	a->many = k->many;
	memcpy(a->attacker, k->attacker, 16);
	memcpy(a->target, k->target, 16);
	a->flows = k->flows;
	a->left_out = k->flows > kept ? k->flows - kept : 0;
	a->begun = k->begun;
	a->ended = k->ended;
	copy_flows(a, k);
	return a;
}

static void forget(struct history *h, struct kept *k)
{
	free(k->event);
	free(k->features);
	lru_remove(h->kept, k);
}

static void count_lost(struct history *h)
{
	pthread_mutex_lock(&h->lock);
	h->stats.lost++;
	pthread_mutex_unlock(&h->lock);
}

/* All that is new goes into the batch; alerts that have ended need not be remembered. */
static void take_alerts(struct history *h, struct batch *b)
{
	struct batch_alert **end = &b->alert;
	struct kept *k, *newer;

	for (k = lru_oldest(h->kept); k; k = newer) {
		newer = lru_newer(h->kept, k);
		if (!k->changed || !k->event)
			continue;
		*end = alert_of(k);
		if (*end)
			end = &(*end)->next;
		else
			count_lost(h);
		k->changed = false;
		k->begun = true;
		memset(k->new, 0, sizeof(k->new));
		if (k->ended)
			forget(h, k);
	}
}

static void take_hosts(struct history *h, struct batch *b)
{
	struct batch_host *host;

	b->host = calloc(lru_count(h->hosts), sizeof(*b->host));
	while (b->host && (host = lru_oldest(h->hosts))) {
		b->host[b->hosts++] = *host;
		lru_remove(h->hosts, host);
	}
}

static bool has_news(const struct history *h)
{
	if (h->minutes || h->blocks || lru_count(h->hosts))
		return true;
	for (struct kept *k = lru_oldest(h->kept); k; k = lru_newer(h->kept, k))
		if (k->changed && k->event)
			return true;
	return false;
}

/* NULL when memory is short: it stays for later. */
static struct batch *make_batch(struct history *h)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	memcpy(b->model, h->model, sizeof(b->model));
	take_alerts(h, b);
	if (lru_count(h->hosts))
		take_hosts(h, b);
	b->minute = h->minutes ? malloc(sizeof(h->minute)) : NULL;
	if (b->minute) {
		memcpy(b->minute, h->minute, sizeof(h->minute));
		b->minutes = h->minutes;
		h->minutes = 0;
	}
	b->block = h->block;
	b->blocks = h->blocks;
	h->block = NULL;
	h->blocks = 0;
	return b;
}

static bool is_on_its_way(struct history *h)
{
	bool there;

	pthread_mutex_lock(&h->lock);
	there = h->batch != NULL;
	pthread_mutex_unlock(&h->lock);
	return there;
}

/* Unless the one before is still on its way. */
static void hand_over(struct history *h)
{
	struct batch *b;

	if (is_on_its_way(h) || !has_news(h))
		return;
	h->written_ns = clock_now(CLOCK_MONOTONIC);
	b = make_batch(h); /* nobody else hands one over meanwhile */
	pthread_mutex_lock(&h->lock);
	h->batch = b;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

/* Until the batch is written, or was tried in vain: the try that is under way may have begun long
 * ago, so the next one counts. */
static void wait_for_thread(struct history *h)
{
	uint64_t tries;

	pthread_mutex_lock(&h->lock);
	tries = h->tries;
	pthread_cond_signal(&h->wake);
	while (h->batch && h->tries < tries + 2)
		pthread_cond_wait(&h->idle, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void history_write(struct history *h, bool now)
{
	if (!now && clock_now(CLOCK_MONOTONIC) - h->written_ns < second)
		return;
	if (now)
		wait_for_thread(h);
	hand_over(h);
	if (now)
		wait_for_thread(h);
}

void history_model(struct history *h, const char *model)
{
	hand_over(h);
	snprintf(h->model, sizeof(h->model), "%s", model);
}

/* ---- what is new ---- */

/* The oldest, but rather one that has ended: of another there is more to come. */
static struct kept *least_needed(struct history *h)
{
	struct kept *k = lru_oldest(h->kept);

	while (k && !k->ended)
		k = lru_newer(h->kept, k);
	return k ? k : lru_oldest(h->kept);
}

/* The table is full: what has ended makes room if it can be handed over; else one goes. */
static void make_room(struct history *h)
{
	struct kept *k;

	if (h->patient)
		history_write(h, true);
	else
		hand_over(h);
	if (lru_count(h->kept) < lru_capacity(h->kept))
		return;
	k = least_needed(h);
	if (k->changed)
		count_lost(h);
	forget(h, k);
}

static struct kept *kept_of(struct history *h, const struct alert *a)
{
	struct kept *k = lru_find(h->kept, &a->id);
	bool fresh;

	if (k)
		return k;
	if (lru_count(h->kept) == lru_capacity(h->kept))
		make_room(h);
	k = lru_use(h->kept, &a->id, &fresh);
	alert_id_text(a->id, k->id);
	memcpy(k->model, h->model, sizeof(k->model));
	return k;
}

/* Its place, if it is kept already. */
static int slot_of(const struct kept *k, uint64_t flow_id)
{
	int n = k->told < FLOWS ? (int)k->told : FLOWS;

	for (int i = n - 1; i >= 0; i--)
		if (k->flow[i].flow_id == flow_id)
			return i;
	return -1;
}

static void keep_features(struct kept *k, int slot, const float *values)
{
	size_t width = pack_count();

	if (slot >= HISTORY_FEATURED)
		return;
	if (!k->features && values)
		k->features = calloc(HISTORY_FEATURED, width * sizeof(float));
	k->featured[slot] = values && k->features;
	if (k->featured[slot])
		memcpy(k->features + (size_t)slot * width, values, width * sizeof(float));
}

void history_flow(struct history *h, const struct alert *a, const struct alert_flow *f)
{
	struct kept *k = kept_of(h, a);
	int slot = f->again ? slot_of(k, f->flow_id) : -1;

	if (slot < 0) {
		slot = k->told < HISTORY_FIRST
			       ? (int)k->told
			       : HISTORY_FIRST + (int)((k->told - HISTORY_FIRST) % HISTORY_LAST);
		k->told++;
	}
	k->flow[slot] = *f;
	k->flow[slot].features = NULL;
	keep_features(k, slot, f->features);
	k->new[slot] = true;
	k->latest[slot] = ++k->records;
	k->changed = true;
}

void history_alert(
	struct history *h, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	struct kept *k = kept_of(h, a);
	size_t length;
	char *text = eve_alert_line(a, stage, from, &length);

	if (text)
		text[length - 1] = '\0'; /* a line's end is no part of it */
	if (!text) {
		count_lost(h);
		return;
	}
	free(k->event);
	k->event = text;
	k->first_ns = a->first_ns;
	k->last_ns = a->last_ns;
	k->class = a->class;
	k->confidence = a->confidence;
	k->flows = a->flows;
	k->many = a->many;
	memcpy(k->attacker, a->attacker, 16);
	memcpy(k->target, a->target, 16);
	k->changed = true;
	k->ended = stage == ALERT_END;
}

/* ---- the block list ---- */

static bool keep_block(struct history *h, const struct block_change *c)
{
	const struct policy_what *what = &c->entry.what;
	struct batch_block *b;
	size_t length;

	if (h->blocks == BLOCKS)
		hand_over(h);
	if (!h->block)
		h->block = calloc(BLOCKS, sizeof(*h->block));
	if (!h->block || h->blocks == BLOCKS)
		return false;
	b = &h->block[h->blocks];
	b->event = eve_line(eve_block_json(c), &length);
	b->at_ns = c->at_ns;
	memcpy(b->low, what->addr, 16);
	memcpy(b->high, what->addr, 16);
	for (unsigned i = what->bits; i < 128; i++)
		b->high[i / 8] |= (uint8_t)(0x80U >> i % 8);
	h->blocks += b->event != NULL;
	return b->event != NULL;
}

void history_block(struct history *h, const struct block_change *c)
{
	if (keep_block(h, c))
		return;
	pthread_mutex_lock(&h->lock);
	h->stats.lost_blocks++;
	pthread_mutex_unlock(&h->lock);
}

/* ---- mutes ---- */

bool history_is_muted(struct history *h, const struct alert *a)
{
	const uint8_t *party = a->many ? a->target : a->attacker;
	bool muted = false;

	pthread_mutex_lock(&h->lock);
	for (unsigned i = 0; i < h->mutes && !muted; i++)
		muted = mute_is_for(&h->mute[i], party, !a->many, a->class, a->last_ns);
	pthread_mutex_unlock(&h->lock);
	return muted;
}

/* ---- the end ---- */

void history_stats(struct history *h, struct history_stats *s)
{
	pthread_mutex_lock(&h->lock);
	*s = h->stats;
	pthread_mutex_unlock(&h->lock);
}

void history_latency(struct history *h, struct latency *l)
{
	pthread_mutex_lock(&h->lock);
	*l = h->latency;
	pthread_mutex_unlock(&h->lock);
}

/* What the thread could not write, and what could not be handed to it any more. */
static void count_rest(struct history *h)
{
	for (struct kept *k = lru_oldest(h->kept); k; k = lru_newer(h->kept, k))
		h->stats.lost += k->changed && k->event;
	h->stats.lost_hosts += lru_count(h->hosts);
	h->stats.lost_minutes += h->minutes;
	h->stats.lost_blocks += h->blocks;
	if (!h->batch)
		return;
	h->stats.lost += batch_alerts(h->batch);
	h->stats.lost_hosts += h->batch->hosts;
	h->stats.lost_minutes += h->batch->minutes;
	h->stats.lost_blocks += h->batch->blocks;
}

static void end_thread(struct history *h)
{
	history_write(h, true);
	pthread_mutex_lock(&h->lock);
	h->closing = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	count_rest(h);
}

void history_close(struct history *h, struct history_stats *s)
{
	struct kept *k;

	if (!h)
		return;
	if (h->has_thread)
		end_thread(h);
	if (s)
		*s = h->stats;
	while (h->kept && (k = lru_oldest(h->kept)))
		forget(h, k);
	lru_free(h->kept);
	lru_free(h->hosts);
	for (unsigned i = 0; i < h->blocks; i++)
		free(h->block[i].event);
	free(h->block);
	batch_free(h->batch);
	store_close(h->store);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->wake);
	pthread_cond_destroy(&h->idle);
	free(h);
}
