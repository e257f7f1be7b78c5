/* The size of the kernel's flow table (bpf/table.h), set between opening and loading. */
#ifndef KARMA_CAPTURE_KERNEL_TABLE_H
#define KARMA_CAPTURE_KERNEL_TABLE_H

#include <stdint.h>

struct karma_bpf;

enum {
	KERNEL_FLOWS_DEFAULT = 131072,
	KERNEL_FLOWS_MAX = 1 << 22,
};

/* Make room for `flows` flows (0: KERNEL_FLOWS_DEFAULT; at most KERNEL_FLOWS_MAX), and give the
 * table a secret to hash with. `buckets`: how many there are to sweep. 0, or a negative errno. */
int kernel_table_size(struct karma_bpf *skel, uint32_t flows, uint32_t *buckets);

#endif
