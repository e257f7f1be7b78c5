#include "capture/interface.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- names ---- */

static int list_add_one(
	struct interface_list *list, const char *name, size_t length, struct error *e)
{
	if (length == 0 || length >= IF_NAMESIZE)
		return error_set(e, -EINVAL,
			"'%.*s' is no name of an interface: they have 1 to %d characters",
			(int)(length < 64 ? length : 64), name, IF_NAMESIZE - 1);
	for (unsigned i = 0; i < list->count; i++)
		if (strncmp(list->name[i], name, length) == 0 && !list->name[i][length])
			return error_set(e, -EINVAL, "interface '%s' is named twice; name it once",
				list->name[i]);
	if (list->count == INTERFACES_MAX)
		return error_set(e, -EINVAL,
			"more than %d interfaces; watch the one that they are ports of",
			INTERFACES_MAX);
	memcpy(list->name[list->count], name, length);
	list->name[list->count++][length] = '\0';
	return 0;
}

int interface_list_add(struct interface_list *list, const char *text, struct error *e)
{
	int err;

	do {
		size_t length = strcspn(text, ",");

		err = list_add_one(list, text, length, e);
		text += length;
	} while (!err && *text++);
	return err;
}

const char *interface_list_text(const struct interface_list *list, char text[INTERFACES_TEXT])
{
	char *end = text;

	*end = '\0';
	for (unsigned i = 0; i < list->count; i++) {
		if (i)
			end = stpcpy(end, ", ");
		end = stpcpy(end, list->name[i]);
	}
	return text;
}

/* ---- what an interface is ---- */

static int no_such_interface(const char *name, struct error *e)
{
	struct if_nameindex *all = if_nameindex();
	char list[256] = "";
	size_t used = 0;

	for (struct if_nameindex *i = all; i && i->if_index && used < sizeof(list); i++)
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", used ? ", " : "", i->if_name);
	if (all)
		if_freenameindex(all);
	return error_set(e, -ENODEV, "there is no interface '%s'; there are: %s", name, list);
}

/* Its number, flags and type: each answer is of the name at its time, so that one that is replaced
 * meanwhile may give a mixture. Word of it comes, and then it is looked at again. */
static int ask(int s, const char *name, struct interface *i, int *type)
{
	struct ifreq request = {0};
	int flags;

	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (ioctl(s, SIOCGIFINDEX, &request) < 0)
		return -errno;
	i->ifindex = request.ifr_ifindex;
	if (ioctl(s, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	flags = request.ifr_flags;
	i->state = !(flags & IFF_UP)        ? INTERFACE_DOWN
		   : !(flags & IFF_RUNNING) ? INTERFACE_NO_CARRIER
					    : INTERFACE_UP;
	if (ioctl(s, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	*type = request.ifr_hwaddr.sa_family;
	return 0;
}

int interface_look(const char *name, struct interface *i, struct error *e)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int type = 0, err;

	memset(i, 0, sizeof(*i));
	if (s < 0)
		return error_set(e, -errno, "no socket to ask about %s: %s", name, strerror(errno));
	err = ask(s, name, i, &type);
	close(s);
	if (err == -ENODEV)
		return no_such_interface(name, e);
	if (err)
		return error_set(e, err, "cannot ask what %s is: %s", name, strerror(-err));
	i->loopback = type == ARPHRD_LOOPBACK;
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return 0;
	case ARPHRD_NONE:
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		i->is_ip = true;
		return 0;
	default:
		return error_set(e, -EPROTONOSUPPORT,
			"%s has link type %d: only Ethernet, loopback and raw IP interfaces can "
			"be watched",
			name, type);
	}
}

/* ---- word of interfaces ---- */

int interface_events_open(unsigned more, struct error *e)
{
	struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | more};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int code;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0)
		return fd;
	code = errno;
	if (fd >= 0)
		close(fd);
	return error_set(
		e, -code, "no netlink socket to follow the interfaces: %s", strerror(code));
}

/* A bridge says in the same words that a port leaves it: that is of another family. */
static void read_messages(const struct nlmsghdr *h, unsigned size,
	void (*gone)(void *context, int ifindex), void *context)
{
	for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
		const struct ifinfomsg *link = NLMSG_DATA(h);

		if (h->nlmsg_type == RTM_DELLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) &&
			link->ifi_family == AF_UNSPEC)
			gone(context, link->ifi_index);
	}
}

bool interface_events_read(int fd, void (*gone)(void *context, int ifindex), void *context)
{
	enum { ROOM = 32768, READS = 64 };
	_Alignas(struct nlmsghdr) char buffer[ROOM];
	bool any = false;

	for (int i = 0; i < READS; i++) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS)
			break;
		any = true;
		if (gone && (n < 0 || n > ROOM))
			gone(context, 0);
		else if (gone)
			read_messages((const struct nlmsghdr *)buffer, (unsigned)n, gone, context);
	}
	return any;
}
