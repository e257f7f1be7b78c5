#include "output/keeper.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/keeper_files.h"
#include "output/packet_ring.h"
#include "util/clock.h"
#include "util/thread.h"

const struct keeper_limits keeper_limits = {
	.recent_bytes = 32 << 20,
	.packet_bytes = 512,
	.file_bytes = 8 << 20,
	.folder_bytes = 1 << 30,
	.files = 10000,
	.open = 64,
	.before_ns = 5000000000LL,
	.queue_bytes = 32 << 20,
	.end_ns = 10000000000LL,
};

/* An alert whose packets are kept. */
struct capture {
	bool open; /* else it has ended */
	uint64_t alert;
	uint8_t party[16];
	int link;       /* of its first packet */
	uint64_t bytes; /* so long will the file be */

	/* Of the lock: */
	bool taken;       /* the place; until its file is complete */
	bool ended;       /* no packets come any more */
	unsigned waiting; /* in the queue */
};

struct keeper {
	char folder[PATH_MAX];
	char path[PATH_MAX + 32]; /* keeper_path()'s answer */
	struct keeper_limits limits;
	struct packet_ring recent;
	struct capture *capture; /* (limits.open) */
	unsigned open;
	struct keeper_stats stats;
	uint64_t enqueued; /* packets */
	bool news;         /* for the thread, which it was not told of */

	struct files *files; /* the thread's, where there is one */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t wake;  /* the thread: `due` or `closing` */
	pthread_cond_t idle;  /* keeper_settle(): nothing waits */
	struct packet_ring queue;
	bool due;     /* what waits is to be written */
	bool working; /* the thread is */
	bool closing;
	bool over; /* nobody waits for the thread any more: what it does now does not count */
	struct keeper_stats written;
};

/* ---- the thread; the lock is held but while it works on files ---- */

static void done_with_files(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	if (!k->over)
		files_stats(k->files, &k->written);
}

static void end_captures(struct keeper *k)
{
	for (unsigned i = 0; i < k->limits.open && !k->over; i++) {
		struct capture *c = &k->capture[i];

		if (!c->ended || c->waiting)
			continue;
		pthread_mutex_unlock(&k->lock);
		files_end(k->files, i);
		done_with_files(k);
		c->ended = c->taken = false;
	}
}

static void write_queue(struct keeper *k)
{
	const struct held *h;

	while (!k->over && (h = ring_oldest(&k->queue))) {
		struct capture *c = &k->capture[h->mark];

		pthread_mutex_unlock(&k->lock);
		files_packet(k->files, h->mark, c->alert, &h->packet);
		done_with_files(k);
		ring_drop(&k->queue);
		if (!--c->waiting && c->ended)
			end_captures(k);
	}
}

static void write_all(struct keeper *k)
{
	k->due = false;
	write_queue(k);
	end_captures(k);
	if (k->over)
		return;
	pthread_mutex_unlock(&k->lock);
	files_flush(k->files);
	done_with_files(k);
}

static void *run(void *keeper)
{
	struct keeper *k = keeper;

	files_look(k->files);
	pthread_mutex_lock(&k->lock);
	while (!k->over && (k->due || !k->closing)) {
		if (!k->due) {
			k->working = false;
			pthread_cond_broadcast(&k->idle);
			pthread_cond_wait(&k->wake, &k->lock);
			continue;
		}
		k->working = true;
		write_all(k);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

static int begin_thread(struct keeper *k)
{
	int err;

	k->working = true;
	err = thread_begin(&k->thread, "packets", run, k);
	k->has_thread = !err;
	return err;
}

/* ---- opening ---- */

static int open_folder(struct keeper *k, const char *folder, struct error *e)
{
	char whole[PATH_MAX];
	struct stat st;
	int code;

	if ((mkdir(folder, 0750) == 0 || errno == EEXIST) && stat(folder, &st) == 0 &&
		access(folder, W_OK) == 0 && S_ISDIR(st.st_mode)) {
		/* Alerts name their captures to readers that stand in another folder. */
		snprintf(k->folder, sizeof(k->folder), "%s",
			realpath(folder, whole) ? whole : folder);
		return 0;
	}
	code = errno == EEXIST ? ENOTDIR : errno;
	return error_set(e, -code,
		"%s: packets cannot be kept there: %s; name a folder you may write to", folder,
		strerror(code));
}

int keeper_open(struct keeper **result, const char *folder, const struct keeper_limits *limits,
	bool live, struct error *e)
{
	struct keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;
	int err = 0;

	*result = NULL;
	if (!k)
		return error_set(e, -ENOMEM, "not enough memory to keep packets");
	k->limits = *limits;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->wake, NULL);
	pthread_cond_init(&k->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	k->capture = calloc(limits->open, sizeof(*k->capture));
	k->files = files_new(folder, limits);
	if (!ring_open(&k->recent, limits->recent_bytes) || !k->capture || !k->files ||
		(live && !ring_open(&k->queue, limits->queue_bytes)))
		err = error_set(e, -ENOMEM, "not enough memory to keep packets");
	if (!err)
		err = open_folder(k, folder, e);
	if (!err && live && begin_thread(k) < 0)
		err = error_set(e, -EAGAIN, "no thread can be begun to keep packets");
	if (err)
		keeper_close(k);
	else
		*result = k;
	return err;
}

/* ---- handing over ---- */

/* False: there is no room. Where half of it is taken the thread begins before it is told to. */
static bool enqueue(struct keeper *k, unsigned place, const struct caught *c)
{
	bool room, half;

	pthread_mutex_lock(&k->lock);
	room = !k->over && ring_put(&k->queue, c, k->limits.packet_bytes, place);
	half = k->queue.bytes > k->limits.queue_bytes / 2;
	k->capture[place].waiting += room;
	k->due |= half;
	pthread_mutex_unlock(&k->lock);
	k->enqueued += room;
	k->news |= room;
	if (half)
		pthread_cond_signal(&k->wake);
	return room;
}

static void keep(struct keeper *k, unsigned place, const struct caught *c)
{
	struct capture *to = &k->capture[place];
	uint32_t caught = c->caught < k->limits.packet_bytes ? c->caught : k->limits.packet_bytes;

	if (to->bytes > CAPTURE_HEADER && to->link != c->link) {
		k->stats.other_link++;
		return;
	}
	if (to->bytes + PACKET_HEADER + caught > k->limits.file_bytes) {
		k->stats.no_room++;
		return;
	}
	if (!k->has_thread) {
		files_packet(k->files, place, to->alert, c);
	} else if (!enqueue(k, place, c)) {
		k->stats.queue_full++;
		return;
	}
	to->link = c->link;
	to->bytes += PACKET_HEADER + caught;
}

static bool is_of(const struct capture *c, const struct caught *packet)
{
	return memcmp(packet->addr[0], c->party, 16) == 0 ||
	       memcmp(packet->addr[1], c->party, 16) == 0;
}

void keeper_packet(void *keeper, const struct caught *c)
{
	struct keeper *k = keeper;
	unsigned left = k->open;

	while (!ring_put(&k->recent, c, k->limits.packet_bytes, 0) && k->recent.count)
		ring_drop(&k->recent);
	for (unsigned i = 0; left; i++) {
		if (!k->capture[i].open)
			continue;
		left--;
		if (is_of(&k->capture[i], c))
			keep(k, i, c);
	}
}

void keeper_flush(struct keeper *k)
{
	if (!k->has_thread) {
		files_flush(k->files);
		return;
	}
	if (!k->news)
		return;
	k->news = false;
	pthread_mutex_lock(&k->lock);
	k->due = true;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->wake);
}

/* ---- alerts ---- */

static struct capture *find(const struct keeper *k, const struct alert *a)
{
	for (unsigned i = 0; i < k->limits.open; i++)
		if (k->capture[i].open && k->capture[i].alert == a->id)
			return &k->capture[i];
	return NULL;
}

/* NULL: all are taken. */
static struct capture *take_place(struct keeper *k)
{
	struct capture *c = k->capture;

	pthread_mutex_lock(&k->lock);
	while (c < k->capture + k->limits.open && c->taken)
		c++;
	if (c == k->capture + k->limits.open)
		c = NULL;
	else
		c->taken = true;
	pthread_mutex_unlock(&k->lock);
	return c;
}

static void keep_recent(struct keeper *k, const struct capture *c, int64_t since_ns)
{
	const struct held *h;

	for (h = ring_oldest(&k->recent); h; h = ring_newer(&k->recent, h))
		if (h->packet.ns >= since_ns && is_of(c, &h->packet))
			keep(k, (unsigned)(c - k->capture), &h->packet);
}

void keeper_begin(struct keeper *k, const struct alert *a)
{
	int64_t first_ns = a->first.start_ns < a->first_ns ? a->first.start_ns : a->first_ns;
	struct capture *c;

	if (find(k, a))
		return;
	c = take_place(k);
	if (!c) {
		k->stats.alerts_without++;
		return;
	}
	c->open = true;
	c->alert = a->id;
	c->bytes = CAPTURE_HEADER;
	memcpy(c->party, a->many ? a->target : a->attacker, sizeof(c->party));
	k->open++;
	k->stats.files++;
	keep_recent(k, c, first_ns - k->limits.before_ns);
}

void keeper_end(struct keeper *k, const struct alert *a)
{
	struct capture *c = find(k, a);

	if (!c)
		return;
	c->open = false;
	k->open--;
	if (!k->has_thread) {
		files_end(k->files, (unsigned)(c - k->capture));
		c->taken = false;
		return;
	}
	pthread_mutex_lock(&k->lock);
	c->ended = true;
	pthread_mutex_unlock(&k->lock);
	k->news = true;
}

void keeper_reset(struct keeper *k)
{
	ring_clear(&k->recent);
}

const char *keeper_path(struct keeper *k, const struct alert *a)
{
	char id[ALERT_ID_TEXT];

	if (!find(k, a))
		return NULL;
	snprintf(k->path, sizeof(k->path), "%s/%s.pcap", k->folder, alert_id_text(a->id, id));
	return k->path;
}

/* ---- the end ---- */

static bool is_at_work(const struct keeper *k)
{
	return (k->due || k->working) && !k->over;
}

void keeper_settle(struct keeper *k)
{
	const uint64_t until_ns = clock_now(CLOCK_MONOTONIC) + (uint64_t)k->limits.end_ns;
	const struct timespec until = {
		(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
	int err = 0;

	keeper_flush(k);
	if (!k->has_thread)
		return;
	pthread_mutex_lock(&k->lock);
	while (is_at_work(k) && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&k->idle, &k->lock, &until);
	if (is_at_work(k)) {
		k->over = true;
		k->stats.queue_full += k->enqueued - k->written.packets - k->written.failed;
	}
	pthread_mutex_unlock(&k->lock);
}

void keeper_stats(struct keeper *k, struct keeper_stats *s)
{
	uint64_t dropped = s->dropped; /* the source's */

	*s = k->stats;
	s->dropped = dropped;
	pthread_mutex_lock(&k->lock);
	if (!k->has_thread)
		files_stats(k->files, &k->written);
	s->packets = k->written.packets;
	s->failed = k->written.failed;
	s->removed = k->written.removed;
	pthread_mutex_unlock(&k->lock);
}

/* False: the disk holds it. */
static bool end_thread(struct keeper *k)
{
	struct timespec until;

	keeper_settle(k);
	pthread_mutex_lock(&k->lock);
	k->closing = true;
	pthread_mutex_unlock(&k->lock);
	pthread_cond_signal(&k->wake);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	if (pthread_clockjoin_np(k->thread, NULL, CLOCK_MONOTONIC, &until) == 0)
		return true;
	pthread_detach(k->thread);
	return false;
}

void keeper_close(struct keeper *k)
{
	if (!k || (k->has_thread && !end_thread(k)))
		return;
	files_free(k->files);
	ring_close(&k->recent);
	ring_close(&k->queue);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->wake);
	pthread_cond_destroy(&k->idle);
	free(k->capture);
	free(k);
}
