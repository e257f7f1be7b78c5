/* Network interfaces: which ones a command line names, what they are, and word of what becomes of
 * them. */
#ifndef KARMA_CAPTURE_INTERFACE_H
#define KARMA_CAPTURE_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "flow/types.h"
#include "util/error.h"

enum { INTERFACES_MAX = FLOW_PLACES };

/* ---- names ---- */

struct interface_list {
	unsigned count;
	char name[INTERFACES_MAX][IF_NAMESIZE];
};

/* Add what `text` names: "eth0", or several as "eth0,wg0". 0, or -EINVAL and the line: a name that
 * no interface can have, one that is there already, too many. */
int interface_list_add(struct interface_list *list, const char *text, struct error *e);

enum { INTERFACES_TEXT = INTERFACES_MAX * (IF_NAMESIZE + 1) };
/* "eth0, wg0"; returns `text`. */
const char *interface_list_text(const struct interface_list *list, char text[INTERFACES_TEXT]);

/* ---- what an interface is ---- */

enum interface_state {
	INTERFACE_DOWN,
	INTERFACE_NO_CARRIER, /* set up, but there is nobody at the other end */
	INTERFACE_UP,
};

struct interface {
	int ifindex;
	enum interface_state state;
	bool loopback;
	bool is_ip; /* its packets begin with the IP header */
};

/* 0, or a negative errno and the line: -ENODEV: there is none of that name; -EPROTONOSUPPORT: its
 * packets are of a kind that is not understood, of which `i` has the number alone. */
int interface_look(const char *name, struct interface *i, struct error *e);

/* ---- how one that is watched does ---- */

struct live_interface {
	const char *name;
	const char *attached; /* "tcx", "clsact"; "": nothing is */
	bool there;           /* and watched */
	bool up;
};

/* ---- word of interfaces ---- */

/* A socket that becomes readable when something happens to an interface, or to what the netlink
 * groups `more` (RTMGRP_...; 0: none) are about. A negative errno and the line. */
int interface_events_open(unsigned more, struct error *e);

/* Read what it has without waiting. `gone` is called with the number of each interface that was
 * taken away; with 0 where word was lost, so that any may have been; NULL: nobody asks. Whether
 * anything happened. */
bool interface_events_read(int fd, void (*gone)(void *context, int ifindex), void *context);

#endif
