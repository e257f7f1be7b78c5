/* A block list that stays in force when its process goes: maps and links are pinned in a folder of
 * their own in a bpffs, which the process holds locked.
 *
 *   DIR/hosts, prefixes, ...   the maps; state is pinned last: without it the rest is of no use
 *   DIR/ethernet-3, ip-5       the links, by interface and by what its packets begin with */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "respond/filter_inside.h"

enum { MAPS = 8, NAME = 32 };

struct pinned {
	struct bpf_map *map;
	const char *name;
};

/* In the order in which they are pinned. */
static void pinned_maps(const struct filter *f, struct pinned map[MAPS])
{
	const struct pinned all[MAPS] = {
		{f->skel->maps.hosts, "hosts"},
		{f->skel->maps.prefixes, "prefixes"},
		{f->skel->maps.limits, "limits"},
		{f->skel->maps.allowed, "allowed"},
		{f->skel->maps.macs, "macs"},
		{f->skel->maps.cpus, "cpus"},
		{f->skel->maps.sieve, "sieve"},
		{f->skel->maps.data_state, "state"},
	};

	memcpy(map, all, sizeof(all));
}

struct path {
	char text[PATH_MAX + NAME];
};

static struct path path_of(const struct filter *f, const char *name)
{
	struct path p;

	snprintf(p.text, sizeof(p.text), "%s/%s", f->path, name);
	return p;
}

static struct path link_path(const struct filter *f, const struct filter_link *l)
{
	char name[NAME];

	snprintf(name, sizeof(name), "%s-%d", l->is_ip ? "ip" : "ethernet", l->ifindex);
	return path_of(f, name);
}

/* ---- the folder ---- */

static int hold_folder(struct filter *f, struct error *e)
{
	bool made = mkdir(f->path, 0700) == 0;
	struct statfs fs = {0};
	int err;

	if (!made && errno != EEXIST)
		return error_set(e, -errno, "cannot make %s: %s", f->path, strerror(errno));
	if (statfs(f->path, &fs) != 0 || fs.f_type != BPF_FS_MAGIC) {
		if (made)
			rmdir(f->path);
		return error_set(e, -EINVAL,
			"%s is in no bpffs, and a block list cannot be kept there; mount one: "
			"mount "
			"-t bpf bpf /sys/fs/bpf",
			f->path);
	}
	f->folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0)
		return error_set(e, -errno, "cannot open %s: %s", f->path, strerror(errno));
	if (flock(f->folder, LOCK_EX | LOCK_NB) == 0)
		return 0;
	err = -errno;
	close(f->folder);
	f->folder = -1;
	if (err == -EWOULDBLOCK)
		return error_set(e, -EBUSY, "another karma has the block list in %s; stop it first",
			f->path);
	return error_set(e, err, "cannot lock %s: %s", f->path, strerror(-err));
}

/* ---- maps ---- */

static int other_version(const struct filter *f, struct error *e)
{
	return error_set(e, -EPROTO,
		"the block list kept in %s is another version's; let it go on, or take it away: rm "
		"-r "
		"%s",
		f->path, f->path);
}

static bool is_alike(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

static bool is_our_layout(int state)
{
	const uint32_t zero = 0;
	struct block_state s;

	return bpf_map_lookup_elem(state, &zero, &s) == 0 && s.layout == BLOCK_LAYOUT;
}

/* The map is to be the pinned one. */
static int reuse(const struct filter *f, const struct pinned *p, struct error *e)
{
	int fd = bpf_obj_get(path_of(f, p->name).text), err = 0;

	if (fd < 0 || !is_alike(fd, p->map) ||
		(p->map == f->skel->maps.data_state && !is_our_layout(fd)))
		err = other_version(f, e);
	else if (bpf_map__reuse_fd(p->map, fd) != 0)
		err = error_set(e, -errno, "cannot take over %s: %s", f->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int filter_pin_open(struct filter *f, const char *path, bool *taken_over, struct error *e)
{
	struct pinned map[MAPS];
	int err;

	if ((size_t)snprintf(f->path, sizeof(f->path), "%s", path) >= sizeof(f->path))
		return error_set(e, -ENAMETOOLONG, "the path of the block list is too long");
	err = hold_folder(f, e);
	if (err)
		return err;
	pinned_maps(f, map);
	*taken_over = access(path_of(f, "state").text, F_OK) == 0;
	for (int i = 0; *taken_over && i < MAPS && !err; i++)
		err = reuse(f, &map[i], e);
	return err;
}

int filter_pin_maps(struct filter *f, struct error *e)
{
	struct pinned map[MAPS];

	pinned_maps(f, map);
	for (int i = 0; i < MAPS; i++) {
		struct path p = path_of(f, map[i].name);
		int err;

		unlink(p.text); /* of one that was killed meanwhile */
		err = bpf_obj_pin(bpf_map__fd(map[i].map), p.text);
		if (err)
			return error_set(e, err, "the block list cannot be kept in %s: %s", f->path,
				strerror(-err));
	}
	return 0;
}

/* ---- links ---- */

int filter_pin_link(const struct filter *f, const struct filter_link *l)
{
	struct path p = link_path(f, l);

	if (f->folder < 0)
		return 0;
	unlink(p.text); /* of an interface of that number which is gone */
	return bpf_obj_pin(l->fd, p.text);
}

void filter_unpin_link(const struct filter *f, const struct filter_link *l)
{
	if (f->folder >= 0)
		unlink(link_path(f, l).text);
}

static bool is_generic(int ifindex)
{
	struct bpf_xdp_query_opts opts;

	memset(&opts, 0, sizeof(opts));
	opts.sz = sizeof(opts);
	return bpf_xdp_query(ifindex, 0, &opts) == 0 && opts.attach_mode == XDP_ATTACHED_SKB;
}

static void take_link(struct filter *f, const char *name)
{
	struct filter_link *l = &f->link[f->links];

	*l = (struct filter_link){.is_ip = name[0] == 'i'};
	l->ifindex = (int)strtol(strrchr(name, '-') + 1, NULL, 10);
	l->fd = bpf_obj_get(path_of(f, name).text);
	if (l->fd < 0)
		return;
	if (!filter_link_lives(l)) {
		unlink(path_of(f, name).text);
		close(l->fd);
		return;
	}
	/* Where it is refused, the program that is there goes on with the same maps. */
	bpf_link_update(l->fd, filter_program(f, l->is_ip), NULL);
	l->generic = is_generic(l->ifindex);
	f->links++;
}

static bool is_link(const char *name)
{
	return strncmp(name, "ethernet-", 9) == 0 || strncmp(name, "ip-", 3) == 0;
}

void filter_pin_links(struct filter *f)
{
	DIR *folder = opendir(f->path);
	const struct dirent *entry;

	while (folder && f->links < FILTER_LINKS && (entry = readdir(folder)))
		if (is_link(entry->d_name))
			take_link(f, entry->d_name);
	if (folder)
		closedir(folder);
}

/* ---- the end ---- */

void filter_pin_remove(struct filter *f)
{
	struct pinned map[MAPS];

	if (f->folder < 0)
		return;
	for (unsigned i = 0; i < f->links; i++)
		filter_unpin_link(f, &f->link[i]);
	pinned_maps(f, map);
	for (int i = MAPS; i-- > 0;)
		unlink(path_of(f, map[i].name).text);
	rmdir(f->path);
}
