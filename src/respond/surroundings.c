#include "respond/surroundings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "capture/interface.h"
#include "flow/record.h"
#include "respond/sessions.h"

enum { MESSAGES = 65536 }; /* bytes of netlink messages at a time */

/* A router may have a million routes; the gateways are among the first of them, which have the
 * shortest prefixes. */
static const unsigned routes_most = 65536;

static void add(struct protected_list *l, int family, const void *addr, enum protected_why why)
{
	uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

	if (family == AF_INET)
		memcpy(mapped + 12, addr, 4);
	else if (family == AF_INET6)
		memcpy(mapped, addr, 16);
	else
		return;
	protected_add(l, mapped, 128, why);
}

/* ---- this machine ---- */

static void add_sockaddr(struct protected_list *l, const struct sockaddr *a, enum protected_why why)
{
	if (a && a->sa_family == AF_INET)
		add(l, AF_INET, &((const struct sockaddr_in *)a)->sin_addr, why);
	else if (a && a->sa_family == AF_INET6)
		add(l, AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, why);
}

/* These return whether all could be looked up. */
static bool read_own(struct protected_list *l)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		add_sockaddr(l, i->ifa_addr, PROTECTED_OWN);
		if (i->ifa_flags & IFF_BROADCAST)
			add_sockaddr(l, i->ifa_broadaddr, PROTECTED_BROADCAST);
	}
	freeifaddrs(all);
	return true;
}

/* ---- gateways ---- */

static void read_hops(struct protected_list *l, int family, const struct rtnexthop *hop, int size)
{
	for (; RTNH_OK(hop, size); size -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const struct rtattr *a = RTNH_DATA(hop);
		int left = (int)(hop->rtnh_len - RTNH_LENGTH(0));

		for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
			const struct rtvia *via = RTA_DATA(a);

			if (a->rta_type == RTA_GATEWAY)
				add(l, family, RTA_DATA(a), PROTECTED_GATEWAY);
			else if (a->rta_type == RTA_VIA)
				add(l, via->rtvia_family, via->rtvia_addr, PROTECTED_GATEWAY);
		}
	}
}

static void read_route(struct protected_list *l, const struct nlmsghdr *h)
{
	const struct rtmsg *route = NLMSG_DATA(h);
	const struct rtattr *a = RTM_RTA(route);
	int left = (int)RTM_PAYLOAD(h);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		const struct rtvia *via = RTA_DATA(a);

		if (a->rta_type == RTA_GATEWAY)
			add(l, route->rtm_family, RTA_DATA(a), PROTECTED_GATEWAY);
		else if (a->rta_type == RTA_VIA)
			add(l, via->rtvia_family, via->rtvia_addr, PROTECTED_GATEWAY);
		else if (a->rta_type == RTA_MULTIPATH)
			read_hops(l, route->rtm_family, RTA_DATA(a), (int)RTA_PAYLOAD(a));
	}
}

/* All routes of a family: 0, or a negative errno. */
static int dump_routes(struct protected_list *l, int s, unsigned char family)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg route;
	} ask = {.h = {.nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.route = {.rtm_family = family}};
	_Alignas(struct nlmsghdr) char buffer[MESSAGES];
	unsigned routes = 0;

	if (send(s, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(s, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
		unsigned size = (unsigned)n;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
			if (h->nlmsg_flags & NLM_F_DUMP_INTR)
				return -EAGAIN;
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR || ++routes > routes_most)
				return -EMSGSIZE;
			if (h->nlmsg_type == RTM_NEWROUTE)
				read_route(l, h);
		}
	}
}

static bool read_gateways(struct protected_list *l)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	const struct timeval patience = {.tv_sec = 1};
	bool all = true;

	for (size_t i = 0; i < sizeof(families); i++) {
		int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

		if (s < 0 ||
			setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
			dump_routes(l, s, families[i]) < 0)
			all = false;
		if (s >= 0)
			close(s);
	}
	return all;
}

/* ---- DNS ---- */

bool surroundings_read_dns(struct protected_list *l, const char *path)
{
	FILE *f = fopen(path, "re");
	bool read = f || errno == ENOENT || errno == ENOTDIR;
	char line[256], name[ADDR_TEXT + 16];
	uint8_t addr[16];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " nameserver %61s", name) != 1)
			continue;
		name[strcspn(name, "%")] = '\0';
		if (addr_parse(name, addr))
			protected_add(l, addr, 128, PROTECTED_DNS);
	}
	if (f) {
		read = !ferror(f);
		fclose(f);
	}
	return read;
}

/* ---- all ---- */

static void add_session(void *context, const uint8_t addr[16])
{
	protected_add(context, addr, 128, PROTECTED_SESSION);
}

unsigned surroundings_read(struct protected_list *l)
{
	bool own = read_own(l), gateways = read_gateways(l);
	bool dns = surroundings_read_dns(l, "/etc/resolv.conf");
	bool sessions;

	/* Whom systemd-resolved asks; resolv.conf names only itself. */
	dns &= surroundings_read_dns(l, "/run/systemd/resolve/resolv.conf");
	sessions = sessions_each(add_session, l);
	return (unsigned)!own << PROTECTED_OWN | (unsigned)!own << PROTECTED_BROADCAST |
	       (unsigned)!gateways << PROTECTED_GATEWAY | (unsigned)!dns << PROTECTED_DNS |
	       (unsigned)!sessions << PROTECTED_SESSION;
}

int surroundings_events_open(struct error *e)
{
	return interface_events_open(
		RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, e);
}
