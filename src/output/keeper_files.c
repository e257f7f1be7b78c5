#include "output/keeper_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <unistd.h>

#include "output/keeper_folder.h"

enum { AT_ONCE = 4000 }; /* bytes: less than the C library holds, whose errors pass unseen */

/* The capture of an alert. */
struct file {
	char name[CAPTURE_NAME];
	uint64_t bytes;
	uint64_t whole;  /* bytes that are in the file for certain */
	uint64_t unsure; /* packets behind them */
	bool broken;     /* it could not be written further */
	pcap_t *kind;    /* NULL: no packet yet, or it is broken */
	pcap_dumper_t *dumper;
};

struct files {
	char path[4000];
	struct keeper_limits limits;
	struct folder *folder;
	struct file *file; /* (limits.open) */
	uint64_t packets, failed;
};

struct files *files_new(const char *folder, const struct keeper_limits *limits)
{
	struct files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	snprintf(f->path, sizeof(f->path), "%s", folder);
	f->limits = *limits;
	f->folder = folder_new(folder, limits);
	f->file = calloc(limits->open, sizeof(*f->file));
	if (f->folder && f->file)
		return f;
	files_free(f);
	return NULL;
}

void files_look(struct files *f)
{
	folder_look(f->folder);
}

/* LINKTYPE_RAW of captures is DLT_RAW of libpcap's calls; the others have one number. */
static pcap_t *kind_of(int link, uint32_t snap)
{
	return pcap_open_dead_with_tstamp_precision(
		link == 101 ? DLT_RAW : link, (int)snap, PCAP_TSTAMP_PRECISION_NANO);
}

static void free_file(struct file *file)
{
	if (file->dumper)
		pcap_dump_close(file->dumper);
	if (file->kind)
		pcap_close(file->kind);
	file->dumper = NULL;
	file->kind = NULL;
}

/* A full disk: what is cut short goes, so that the capture stays whole. */
static void give_up(struct files *f, struct file *file)
{
	int fd = dup(fileno(pcap_dump_file(file->dumper)));

	f->failed += file->unsure;
	file->unsure = 0;
	file->broken = true;
	free_file(file); /* which may still write a part */
	if (fd >= 0 && ftruncate(fd, (off_t)file->whole) < 0)
		errno = 0; /* a reader will say that it is cut short */
	if (fd >= 0)
		close(fd);
}

/* Write what is in memory. */
static void flush_file(struct files *f, struct file *file)
{
	if (!file->unsure)
		return;
	if (pcap_dump_flush(file->dumper) != 0 || ferror(pcap_dump_file(file->dumper))) {
		give_up(f, file);
		return;
	}
	f->packets += file->unsure;
	file->whole = file->bytes;
	file->unsure = 0;
}

static bool open_file(struct files *f, struct file *file, int link)
{
	char path[4096];
	FILE *stream;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->path, file->name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	stream = fd < 0 ? NULL : fdopen(fd, "w");
	file->kind = stream ? kind_of(link, f->limits.packet_bytes) : NULL;
	file->dumper = file->kind ? pcap_dump_fopen(file->kind, stream) : NULL;
	if (file->dumper && pcap_dump_flush(file->dumper) == 0)
		return true;
	if (!file->dumper && stream)
		fclose(stream);
	else if (!file->dumper && fd >= 0)
		close(fd);
	if (fd >= 0)
		unlink(path);
	free_file(file);
	return false;
}

/* At its first packet. */
static bool begin_file(struct files *f, struct file *file, uint64_t alert, int link)
{
	char id[ALERT_ID_TEXT];

	snprintf(file->name, sizeof(file->name), "%s.pcap", alert_id_text(alert, id));
	folder_begin(f->folder, file->name);
	file->bytes = file->whole = CAPTURE_HEADER;
	if (open_file(f, file, link))
		return true;
	folder_end(f->folder, file->name, 0);
	file->whole = 0;
	return false;
}

void files_packet(struct files *f, unsigned place, uint64_t alert, const struct caught *c)
{
	struct file *file = &f->file[place];
	struct pcap_pkthdr h = {.ts = {c->ns / 1000000000, c->ns % 1000000000},
		.caplen = c->caught,
		.len = c->length};

	if (h.caplen > f->limits.packet_bytes)
		h.caplen = f->limits.packet_bytes;
	if (file->broken || (!file->dumper && !begin_file(f, file, alert, c->link))) {
		f->failed++;
		return;
	}
	pcap_dump((u_char *)file->dumper, &h, c->data);
	file->bytes += PACKET_HEADER + h.caplen;
	file->unsure++;
	if (file->bytes - file->whole >= AT_ONCE)
		flush_file(f, file);
}

void files_end(struct files *f, unsigned place)
{
	struct file *file = &f->file[place];

	flush_file(f, file);
	free_file(file);
	if (file->whole)
		folder_end(f->folder, file->name, file->whole);
	*file = (struct file){0};
}

void files_flush(struct files *f)
{
	for (unsigned i = 0; i < f->limits.open; i++)
		flush_file(f, &f->file[i]);
}

void files_stats(const struct files *f, struct keeper_stats *s)
{
	s->packets = f->packets;
	s->failed = f->failed;
	s->removed = folder_removed(f->folder);
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (unsigned i = 0; f->folder && f->file && i < f->limits.open; i++)
		files_end(f, i);
	folder_free(f->folder);
	free(f->file);
	free(f);
}
