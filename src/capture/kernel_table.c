#include "capture/kernel_table.h"

#include <errno.h>
#include <sys/random.h>

#include "karma.skel.h"

int kernel_table_size(struct karma_bpf *skel, uint32_t flows, uint32_t *buckets)
{
	uint64_t seed[sizeof(skel->rodata->hash_seed) / sizeof(skel->rodata->hash_seed[0])];
	/* As it stands in bpf/table.h, the table has one bucket. */
	uint32_t ways = bpf_map__max_entries(skel->maps.flows);
	int err;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	for (size_t i = 0; i < sizeof(seed) / sizeof(seed[0]); i++)
		skel->rodata->hash_seed[i] = seed[i] | 1;
	if (flows == 0)
		flows = KERNEL_FLOWS_DEFAULT;
	if (flows > KERNEL_FLOWS_MAX)
		flows = KERNEL_FLOWS_MAX;
	/* An eighth more: a bucket may be full where the table is not. */
	*buckets = (flows + flows / 8 + ways - 1) / ways;
	skel->rodata->bucket_count = *buckets;
	err = bpf_map__set_max_entries(skel->maps.buckets, *buckets);
	return err ? err : bpf_map__set_max_entries(skel->maps.flows, *buckets * ways);
}
