#include "output/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct keeper_limits keeper_limits = {
	.recent_bytes = 32 << 20,
	.packet_bytes = 512,
	.file_bytes = 8 << 20,
	.folder_bytes = 1 << 30,
	.open = 64,
	.before_ns = 5000000000LL,
};

enum {
	FILE_HEADER = 24, /* bytes, of libpcap's format */
	PACKET_HEADER = 16,
	AT_ONCE = 4000, /* bytes: less than the C library holds, whose errors pass unseen */
};

/* One of the latest packets: this, then its bytes, filled up to a multiple of 8. */
struct recent {
	struct caught packet; /* its data are behind it */
	size_t size;          /* of all of it; what is too long for the end begins the ring anew */
};

/* The capture of an alert. */
struct file {
	uint64_t alert;
	uint8_t party[16];
	char path[4096];
	int link;
	uint64_t bytes;
	uint64_t whole;  /* bytes that are in the file for certain */
	uint64_t unsure; /* packets behind them */
	bool broken;     /* it could not be written further */
	pcap_t *kind;    /* NULL: no packet yet, or it is broken */
	pcap_dumper_t *dumper;
};

struct keeper {
	char folder[4000];
	struct keeper_limits limits;
	uint8_t *ring;
	size_t oldest, next, end; /* in the ring; `end`: where it was left for its beginning */
	uint64_t held;            /* packets in it */
	struct file *file;        /* (limits.open) */
	unsigned files;
	struct keeper_stats stats;
};

int keeper_open(struct keeper **result, const char *folder, const struct keeper_limits *limits,
	struct error *e)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct stat st;

	*result = NULL;
	if (!k)
		return error_set(e, -ENOMEM, "not enough memory to keep packets");
	k->limits = *limits;
	snprintf(k->folder, sizeof(k->folder), "%s", folder);
	k->ring = malloc(limits->recent_bytes);
	k->file = calloc(limits->open, sizeof(*k->file));
	if (!k->ring || !k->file) {
		keeper_close(k);
		return error_set(e, -ENOMEM, "not enough memory to keep packets");
	}
	if ((mkdir(folder, 0750) < 0 && errno != EEXIST) || stat(folder, &st) < 0 ||
		access(folder, W_OK) < 0 || !S_ISDIR(st.st_mode)) {
		int code = errno == EEXIST ? ENOTDIR : errno;

		keeper_close(k);
		return error_set(e, -code,
			"%s: packets cannot be kept there: %s; name a folder you may write to",
			folder, strerror(code));
	}
	*result = k;
	return 0;
}

/* ---- a file ---- */

/* LINKTYPE_RAW of captures is DLT_RAW of libpcap's calls; the others have one number. */
static pcap_t *kind_of(int link, uint32_t snap)
{
	return pcap_open_dead_with_tstamp_precision(
		link == 101 ? DLT_RAW : link, (int)snap, PCAP_TSTAMP_PRECISION_NANO);
}

static void free_file(struct file *f)
{
	if (f->dumper)
		pcap_dump_close(f->dumper);
	if (f->kind)
		pcap_close(f->kind);
	f->dumper = NULL;
	f->kind = NULL;
}

/* A full disk: what is cut short goes, so that the capture stays whole. */
static void give_up(struct keeper *k, struct file *f)
{
	int fd = dup(fileno(pcap_dump_file(f->dumper)));

	k->stats.packets -= f->unsure;
	k->stats.failed += f->unsure;
	f->unsure = 0;
	f->broken = true;
	free_file(f); /* which may still write a part */
	if (fd >= 0 && ftruncate(fd, (off_t)f->whole) < 0)
		errno = 0; /* a reader will say that it is cut short */
	if (fd >= 0)
		close(fd);
}

/* Write what is in memory. */
static void flush_file(struct keeper *k, struct file *f)
{
	if (!f->unsure)
		return;
	if (pcap_dump_flush(f->dumper) != 0 || ferror(pcap_dump_file(f->dumper))) {
		give_up(k, f);
		return;
	}
	f->whole = f->bytes;
	f->unsure = 0;
}

static void close_file(struct keeper *k, struct file *f)
{
	flush_file(k, f);
	free_file(f);
}

/* At its first packet, whose link layer is the file's. */
static bool begin_file(struct keeper *k, struct file *f, int link)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");

	f->link = link;
	f->bytes = f->whole = FILE_HEADER;
	f->kind = stream ? kind_of(link, k->limits.packet_bytes) : NULL;
	f->dumper = f->kind ? pcap_dump_fopen(f->kind, stream) : NULL;
	if (f->dumper && pcap_dump_flush(f->dumper) == 0)
		return true;
	if (!f->dumper && stream)
		fclose(stream);
	else if (!f->dumper && fd >= 0)
		close(fd);
	if (fd >= 0)
		unlink(f->path);
	free_file(f);
	return false;
}

static void write_packet(struct keeper *k, struct file *f, const struct caught *c)
{
	struct pcap_pkthdr h = {.ts = {c->ns / 1000000000, c->ns % 1000000000},
		.caplen = c->caught,
		.len = c->length};

	if (h.caplen > k->limits.packet_bytes)
		h.caplen = k->limits.packet_bytes;
	if (f->broken || (!f->dumper && !begin_file(k, f, c->link))) {
		k->stats.failed++;
		return;
	}
	if (f->link != c->link) {
		k->stats.other_link++;
		return;
	}
	if (f->bytes + PACKET_HEADER + h.caplen > k->limits.file_bytes) {
		k->stats.no_room++;
		return;
	}
	pcap_dump((u_char *)f->dumper, &h, c->data);
	f->bytes += PACKET_HEADER + h.caplen;
	f->unsure++;
	k->stats.packets++;
	if (f->bytes - f->whole >= AT_ONCE)
		flush_file(k, f);
}

static bool is_of(const struct file *f, const struct caught *c)
{
	return memcmp(c->addr[0], f->party, 16) == 0 || memcmp(c->addr[1], f->party, 16) == 0;
}

void keeper_flush(struct keeper *k)
{
	for (unsigned i = 0; i < k->files; i++)
		flush_file(k, &k->file[i]);
}

/* ---- the latest packets ---- */

static struct recent *recent_at(struct keeper *k, size_t at)
{
	return (struct recent *)(void *)(k->ring + at);
}

static void drop_oldest(struct keeper *k)
{
	k->oldest += recent_at(k, k->oldest)->size;
	k->held--;
	if (!k->held) {
		k->oldest = k->next = k->end = 0;
	} else if (k->oldest == k->end) {
		k->oldest = 0;
		k->end = k->next;
	}
}

/* Is there room for so many bytes at `next`? The packets are between `oldest` and `next`, or, when
 * it went round, from `oldest` to `end` and from the beginning to `next`. */
static bool has_room(const struct keeper *k, size_t size)
{
	bool round = k->held && k->next <= k->oldest;

	return k->next + size <= (round ? k->oldest : k->limits.recent_bytes);
}

static void hold(struct keeper *k, const struct caught *c)
{
	uint32_t caught = c->caught < k->limits.packet_bytes ? c->caught : k->limits.packet_bytes;
	size_t size = (sizeof(struct recent) + caught + 7) / 8 * 8;
	struct recent *r;

	if (size > k->limits.recent_bytes)
		return;
	while (!has_room(k, size)) {
		if (k->held && k->next > k->oldest) { /* not round yet: now it is */
			k->end = k->next;
			k->next = 0;
		} else {
			drop_oldest(k);
		}
	}
	r = recent_at(k, k->next);
	r->packet = *c;
	r->packet.caught = caught;
	r->packet.data = (const uint8_t *)(r + 1);
	r->size = size;
	memcpy(r + 1, c->data, caught);
	k->next += size;
	if (k->next > k->oldest)
		k->end = k->next;
	k->held++;
}

static void write_recent(struct keeper *k, struct file *f, int64_t since_ns)
{
	size_t at = k->oldest;

	for (uint64_t i = 0; i < k->held; i++) {
		const struct recent *r;

		if (at == k->end)
			at = 0;
		r = recent_at(k, at);
		if (r->packet.ns >= since_ns && is_of(f, &r->packet))
			write_packet(k, f, &r->packet);
		at += r->size;
	}
}

void keeper_packet(void *keeper, const struct caught *c)
{
	struct keeper *k = keeper;

	hold(k, c);
	for (unsigned i = 0; i < k->files; i++)
		if (is_of(&k->file[i], c))
			write_packet(k, &k->file[i], c);
}

/* ---- the folder ---- */

/* Of our own making: "7hq2x1m4.pcap". */
static bool is_ours(const char *name)
{
	return strlen(name) == ALERT_ID_TEXT - 1 + 5 &&
	       strspn(name, "0123456789abcdefghjkmnpqrstvwxyz") >= ALERT_ID_TEXT - 1 &&
	       strcmp(name + ALERT_ID_TEXT - 1, ".pcap") == 0;
}

static bool is_open(const struct keeper *k, const char *name)
{
	for (unsigned i = 0; i < k->files; i++)
		if (strcmp(strrchr(k->file[i].path, '/') + 1, name) == 0)
			return true;
	return false;
}

/* The sum of those that are complete, and the oldest of them. */
static uint64_t look_around(const struct keeper *k, char oldest[ALERT_ID_TEXT + 5])
{
	DIR *d = opendir(k->folder);
	struct timespec when = {0};
	const struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;

	oldest[0] = '\0';
	while (d && (entry = readdir(d))) {
		if (!is_ours(entry->d_name) || is_open(k, entry->d_name) ||
			fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (uint64_t)st.st_size;
		if (!oldest[0] || st.st_mtim.tv_sec < when.tv_sec ||
			(st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)) {
			when = st.st_mtim;
			snprintf(oldest, ALERT_ID_TEXT + 5, "%.13s", entry->d_name);
		}
	}
	if (d)
		closedir(d);
	return sum;
}

/* The oldest go until the open ones, and one more, may grow as they may. */
static void make_room(struct keeper *k)
{
	uint64_t wanted = (k->files + 1) * k->limits.file_bytes;
	char oldest[ALERT_ID_TEXT + 5], path[4096];

	while (look_around(k, oldest) + wanted > k->limits.folder_bytes && oldest[0]) {
		snprintf(path, sizeof(path), "%s/%s", k->folder, oldest);
		if (unlink(path) < 0)
			return;
		k->stats.removed++;
	}
}

/* ---- alerts ---- */

static struct file *find(const struct keeper *k, const struct alert *a)
{
	for (unsigned i = 0; i < k->files; i++)
		if (k->file[i].alert == a->id)
			return &k->file[i];
	return NULL;
}

void keeper_begin(struct keeper *k, const struct alert *a)
{
	struct file *f = &k->file[k->files];
	char id[ALERT_ID_TEXT];

	if (find(k, a))
		return;
	if (k->files == k->limits.open) {
		k->stats.alerts_without++;
		return;
	}
	make_room(k);
	*f = (struct file){.alert = a->id};
	memcpy(f->party, a->many ? a->target : a->attacker, sizeof(f->party));
	snprintf(f->path, sizeof(f->path), "%s/%s.pcap", k->folder, alert_id_text(a->id, id));
	k->files++;
	k->stats.files++;
	write_recent(k, f,
		(a->first.start_ns < a->first_ns ? a->first.start_ns : a->first_ns) -
			k->limits.before_ns);
}

void keeper_end(struct keeper *k, const struct alert *a)
{
	struct file *f = find(k, a);

	if (!f)
		return;
	close_file(k, f);
	*f = k->file[--k->files];
}

void keeper_reset(struct keeper *k)
{
	k->oldest = k->next = k->end = 0;
	k->held = 0;
}

const char *keeper_path(const struct keeper *k, const struct alert *a)
{
	const struct file *f = find(k, a);

	return f ? f->path : NULL;
}

void keeper_stats(const struct keeper *k, struct keeper_stats *s)
{
	uint64_t dropped = s->dropped; /* the source's */

	*s = k->stats;
	s->dropped = dropped;
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	for (unsigned i = 0; k->file && i < k->files; i++)
		close_file(k, &k->file[i]);
	free(k->file);
	free(k->ring);
	free(k);
}
