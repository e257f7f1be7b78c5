/* The block list's programs on interfaces, by XDP links: they go with the process. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "respond/filter_inside.h"

int filter_program(const struct filter *f, bool is_ip)
{
	return bpf_program__fd(is_ip ? f->skel->progs.karma_block_ip : f->skel->progs.karma_block);
}

bool filter_link_lives(const struct filter_link *l)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	/* The kernel takes the interface from a link when it goes; another may get its number. */
	return bpf_obj_get_info_by_fd(l->fd, &info, &size) == 0 &&
	       info.xdp.ifindex == (uint32_t)l->ifindex;
}

static void let_go(struct filter *f, unsigned i)
{
	filter_unpin_link(f, &f->link[i]);
	close(f->link[i].fd);
	f->link[i] = f->link[--f->links];
}

static struct filter_link *link_of(struct filter *f, int ifindex)
{
	for (unsigned i = 0; i < f->links; i++)
		if (f->link[i].ifindex == ifindex)
			return &f->link[i];
	return NULL;
}

static void forget_dead(struct filter *f)
{
	for (unsigned i = f->links; i-- > 0;)
		if (!filter_link_lives(&f->link[i]))
			let_go(f, i);
}

/* Natively, unless the driver cannot: a negative errno, or the link. */
static int link_new(int program, int ifindex, bool *generic)
{
	struct bpf_link_create_opts opts;
	int fd = 0;

	for (int i = 0; i < 2; i++) {
		memset(&opts, 0, sizeof(opts));
		opts.sz = sizeof(opts);
		opts.flags = i ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
		*generic = i;
		fd = bpf_link_create(program, ifindex, BPF_XDP, &opts);
		if (fd >= 0 || fd == -EBUSY || fd == -EEXIST || fd == -EPERM || fd == -ENODEV)
			break;
	}
	return fd;
}

/* Whose program is there already? */
static bool is_ours(int ifindex)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info), id = 0;
	bool ours = false;
	int fd = bpf_xdp_query_id(ifindex, 0, &id) == 0 && id ? bpf_prog_get_fd_by_id(id) : -1;

	if (fd >= 0) {
		ours = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		       strncmp(info.name, "karma_block", 11) == 0;
		close(fd);
	}
	return ours;
}

static int attach_error(int err, int ifindex, struct error *e)
{
	char name[IF_NAMESIZE] = "?";

	if (!if_indextoname((unsigned)ifindex, name))
		return error_set(e, -ENODEV, "interface %d is gone", ifindex);
	if (err == -EPERM)
		return error_set(e, err,
			"blocking on %s needs root or CAP_BPF+CAP_NET_ADMIN; run "
			"with sudo",
			name);
	if ((err == -EBUSY || err == -EEXIST) && is_ours(ifindex))
		return error_set(e, -EBUSY,
			"a karma blocks on %s already, or one that is gone left its list in force: "
			"stop it, or take the list over or away",
			name);
	if (err == -EBUSY || err == -EEXIST)
		return error_set(e, -EBUSY,
			"another XDP program is on %s; take it away first (ip link set dev %s xdp "
			"off, where it was put there so)",
			name, name);
	return error_set(e, err, "the block list cannot be put on %s: %s", name, strerror(-err));
}

int filter_attach(struct filter *f, int ifindex, bool is_ip, const char **mode, struct error *e)
{
	struct filter_link *l;
	int err;

	forget_dead(f);
	l = link_of(f, ifindex);
	if (!l) {
		if (f->links == FILTER_LINKS)
			return error_set(e, -ENOSPC, "the block list is on %d interfaces, the most",
				FILTER_LINKS);
		l = &f->link[f->links];
		*l = (struct filter_link){.ifindex = ifindex, .is_ip = is_ip};
		l->fd = link_new(filter_program(f, is_ip), ifindex, &l->generic);
		if (l->fd < 0)
			return attach_error(l->fd, ifindex, e);
		err = filter_pin_link(f, l);
		if (err) {
			close(l->fd);
			return error_set(e, err, "the block list cannot be kept in %s: %s", f->path,
				strerror(-err));
		}
		f->links++;
	}
	*mode = l->generic ? "generic" : "native";
	return 0;
}

void filter_detach_others(struct filter *f, const int *ifindex, unsigned count)
{
	for (unsigned i = f->links; i-- > 0;) {
		bool wanted = false;

		for (unsigned k = 0; k < count; k++)
			wanted |= f->link[i].ifindex == ifindex[k];
		if (!wanted)
			let_go(f, i);
	}
}

void filter_detach(struct filter *f, int ifindex)
{
	struct filter_link *l = link_of(f, ifindex);

	if (l)
		let_go(f, (unsigned)(l - f->link));
}
