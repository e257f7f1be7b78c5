/* The meter's programs on an interface: by TCX, or by clsact where the kernel has no TCX. */
#ifndef KARMA_CAPTURE_ATTACH_H
#define KARMA_CAPTURE_ATTACH_H

#include <stdbool.h>

struct attachment {
	int ifindex; /* 0: attached to nothing */
	int link[2]; /* TCX: ingress, egress; -1: none */
	bool clsact;
	bool made_clsact; /* the qdisc is ours to remove */
};

/* Put programs at an interface's ingress and egress (-1: none there). 0, or a negative errno with
 * nothing attached. A TCX link vanishes with the process; a filter at clsact stays when it is
 * killed, and the next one takes its place. */
int attach(struct attachment *a, int ifindex, const int prog[2]);

/* Take them away. Harmless where nothing is attached, or where the interface is gone. */
void detach(struct attachment *a);

#endif
