#include "output/keeper_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"

static const uint64_t look_ns = 60 * 1000000000ULL;

/* A complete capture. */
struct entry {
	int64_t ns; /* when it was written last, since 1970 */
	uint64_t bytes;
	char name[CAPTURE_NAME];
};

struct folder {
	char path[4000];
	struct keeper_limits limits;
	struct entry *entry; /* (2 * limits.files): the oldest, in their order */
	size_t entries;
	uint64_t count, bytes; /* of all that are complete; there may be more than entries */
	char (*written)[CAPTURE_NAME]; /* (limits.open): captures that are being written */
	unsigned writes;
	bool looked;
	uint64_t looked_ns; /* monotonic */
	uint64_t removed;
};

struct folder *folder_new(const char *path, const struct keeper_limits *limits)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->limits = *limits;
	f->entry = calloc(2 * (size_t)limits->files, sizeof(*f->entry));
	f->written = calloc(limits->open, sizeof(*f->written));
	if (f->entry && f->written)
		return f;
	folder_free(f);
	return NULL;
}

/* ---- what is in it ---- */

/* Of our own making: "7hq2x1m4.pcap". */
static bool is_ours(const char *name)
{
	return strlen(name) == CAPTURE_NAME - 1 &&
	       strspn(name, "0123456789abcdefghjkmnpqrstvwxyz") >= ALERT_ID_TEXT - 1 &&
	       strcmp(name + ALERT_ID_TEXT - 1, ".pcap") == 0;
}

static bool is_written(const struct folder *f, const char *name)
{
	for (unsigned i = 0; i < f->writes; i++)
		if (strcmp(f->written[i], name) == 0)
			return true;
	return false;
}

static int by_age(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The oldest are kept, as many as there may be at all. */
static void keep_oldest(struct folder *f)
{
	qsort(f->entry, f->entries, sizeof(*f->entry), by_age);
	if (f->entries > f->limits.files)
		f->entries = f->limits.files;
}

static void add(struct folder *f, const char *name, uint64_t bytes, int64_t ns)
{
	struct entry *e;

	f->count++;
	f->bytes += bytes;
	if (f->entries == 2 * (size_t)f->limits.files)
		keep_oldest(f);
	e = &f->entry[f->entries++];
	*e = (struct entry){.ns = ns, .bytes = bytes};
	snprintf(e->name, sizeof(e->name), "%s", name);
}

void folder_look(struct folder *f)
{
	DIR *d = opendir(f->path);
	const struct dirent *entry;
	struct stat st;

	f->entries = 0;
	f->count = f->bytes = 0;
	while (d && (entry = readdir(d)))
		if (is_ours(entry->d_name) && !is_written(f, entry->d_name) &&
			fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			add(f, entry->d_name, (uint64_t)st.st_size,
				(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	if (d)
		closedir(d);
	keep_oldest(f);
	f->looked = true;
	f->looked_ns = clock_now(CLOCK_MONOTONIC);
}

/* ---- room ---- */

static void forget(struct folder *f, size_t i)
{
	f->count--;
	f->bytes -= f->entry[i].bytes;
	f->entries--;
	memmove(&f->entry[i], &f->entry[i + 1], (f->entries - i) * sizeof(*f->entry));
}

/* False: it is there still. What somebody else took away is gone as well. */
static bool remove_entry(struct folder *f, const struct entry *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", f->path, e->name);
	if (unlink(path) == 0)
		f->removed++;
	else if (errno != ENOENT)
		return false;
	return true;
}

static bool is_full(const struct folder *f)
{
	return f->bytes + f->writes * f->limits.file_bytes > f->limits.folder_bytes ||
	       f->count + f->writes > f->limits.files;
}

/* Of those that are known. How many went. */
static size_t remove_oldest(struct folder *f)
{
	size_t gone = 0;

	while (gone < f->entries && is_full(f) && remove_entry(f, &f->entry[gone])) {
		f->bytes -= f->entry[gone++].bytes;
		f->count--;
	}
	f->entries -= gone;
	memmove(f->entry, f->entry + gone, f->entries * sizeof(*f->entry));
	return gone;
}

/* Where there were too many to be known, those that are left come to be once these have gone. */
static void make_room(struct folder *f)
{
	while (remove_oldest(f) && !f->entries && is_full(f))
		folder_look(f);
}

void folder_begin(struct folder *f, const char *name)
{
	if (!f->looked || clock_now(CLOCK_MONOTONIC) - f->looked_ns >= look_ns)
		folder_look(f);
	for (size_t i = 0; i < f->entries; i++)
		if (strcmp(f->entry[i].name, name) == 0) { /* an alert of a capture read again */
			forget(f, i);
			break;
		}
	snprintf(f->written[f->writes++], CAPTURE_NAME, "%s", name);
	make_room(f);
}

void folder_end(struct folder *f, const char *name, uint64_t bytes)
{
	for (unsigned i = 0; i < f->writes; i++)
		if (strcmp(f->written[i], name) == 0) {
			memmove(f->written[i], f->written[--f->writes], CAPTURE_NAME);
			break;
		}
	if (!bytes)
		return;
	if (f->entries == f->count) { /* all are known: it is the latest of them */
		add(f, name, bytes, (int64_t)clock_now(CLOCK_REALTIME));
		return;
	}
	f->count++;
	f->bytes += bytes;
}

uint64_t folder_removed(const struct folder *f)
{
	return f->removed;
}

void folder_free(struct folder *f)
{
	if (!f)
		return;
	free(f->entry);
	free(f->written);
	free(f);
}
