#include "capture/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Attach types newer than Debian 12's headers (Linux 6.6). */
	TCX_INGRESS = 46,
	TCX_EGRESS = 47,
	/* Our filters where there is no TCX: fixed, so that what a killed karma left is replaced.
	 */
	FILTER_HANDLE = 0x6b61,
	FILTER_PRIORITY = 0x6b61,
};

/* libbpf 1.1 has no wrapper for TCX: 0, or a negative errno (before Linux 6.6: -EINVAL). */
static int attach_tcx(struct attachment *a, const int prog[2])
{
	static const int type[2] = {TCX_INGRESS, TCX_EGRESS};

	for (int i = 0; i < 2; i++) {
		int err;

		if (prog[i] < 0)
			continue;
		a->link[i] =
			bpf_link_create(prog[i], a->ifindex, (enum bpf_attach_type)type[i], NULL);
		if (a->link[i] >= 0)
			continue;
		err = a->link[i];
		a->link[i] = -1;
		if (i && a->link[0] >= 0) {
			close(a->link[0]);
			a->link[0] = -1;
		}
		return err;
	}
	return 0;
}

/* libbpf refuses options whose padding is not zero, which no initialiser promises. */
static void clsact_hook(
	struct bpf_tc_hook *hook, const struct attachment *a, enum bpf_tc_attach_point point)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = a->ifindex;
	hook->attach_point = point;
}

static void clsact_options(struct bpf_tc_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->sz = sizeof(*opts);
	opts->handle = FILTER_HANDLE;
	opts->priority = FILTER_PRIORITY;
}

/* Does the kernel's answer name a filter? Where it is no answer, one is taken to be there. */
static bool names_filter(int socket)
{
	_Alignas(struct nlmsghdr) char answer[32768];
	ssize_t size = recv(socket, answer, sizeof(answer), 0);
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;

	return size < 0 || !NLMSG_OK(h, (size_t)size) || h->nlmsg_type != NLMSG_DONE;
}

/* Has the qdisc filters, which are not ours? libbpf cannot tell. */
static bool is_used(int ifindex)
{
	static const uint32_t points[] = {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS};
	struct {
		struct nlmsghdr h;
		struct tcmsg filter;
	} ask = {.h = {.nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_GETTFILTER,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.filter = {.tcm_ifindex = ifindex}};
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool used = s < 0;

	for (int i = 0; i < 2 && !used; i++) {
		ask.filter.tcm_parent = TC_H_MAKE(TC_H_CLSACT, points[i]);
		used = send(s, &ask, sizeof(ask), 0) < 0 || names_filter(s);
	}
	if (s >= 0)
		close(s);
	return used;
}

/* What is refused on the way is not for the user: libbpf is kept from saying it. */
static void detach_clsact(const struct attachment *a)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	for (int i = 0; i < 2; i++) {
		clsact_hook(&hook, a, i ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		clsact_options(&opts);
		bpf_tc_detach(&hook, &opts);
	}
	if (a->made_clsact && !is_used(a->ifindex)) {
		clsact_hook(&hook, a, BPF_TC_INGRESS | BPF_TC_EGRESS);
		bpf_tc_hook_destroy(&hook);
	}
	libbpf_set_print(print);
}

static int attach_clsact(struct attachment *a, const int prog[2])
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	int err;

	clsact_hook(&hook, a, BPF_TC_INGRESS | BPF_TC_EGRESS);
	err = bpf_tc_hook_create(&hook);
	a->clsact = true;
	a->made_clsact = err == 0;
	if (err == -EEXIST)
		err = 0;
	for (int i = 0; i < 2 && !err; i++) {
		if (prog[i] < 0)
			continue;
		clsact_hook(&hook, a, i ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		clsact_options(&opts);
		opts.flags = BPF_TC_F_REPLACE;
		opts.prog_fd = prog[i];
		err = bpf_tc_attach(&hook, &opts);
	}
	libbpf_set_print(print);
	if (err)
		detach_clsact(a);
	return err;
}

int attach(struct attachment *a, int ifindex, const int prog[2])
{
	int err;

	*a = (struct attachment){.ifindex = ifindex, .link = {-1, -1}};
	err = attach_tcx(a, prog);
	if (err == -EINVAL)
		err = attach_clsact(a, prog);
	if (err)
		a->ifindex = 0;
	return err;
}

void detach(struct attachment *a)
{
	if (!a->ifindex)
		return;
	if (a->clsact)
		detach_clsact(a);
	for (int i = 0; i < 2; i++)
		if (a->link[i] >= 0)
			close(a->link[i]);
	a->ifindex = 0;
}
