/* What the block list never drops. A set takes the place of the one before: its keys are put in,
 * marked as of a new generation, then those of an older one are taken out. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "respond/filter_inside.h"

enum { KEY_MAX = sizeof(struct block_prefix) };

/* 0 is no generation. */
static uint32_t next_generation(const struct filter *f)
{
	return f->state->generation + 1 ? f->state->generation + 1 : 1;
}

static int take_out_old(int map, size_t key_size, uint32_t generation)
{
	unsigned char key[KEY_MAX], next[KEY_MAX];
	bool more = bpf_map_get_next_key(map, NULL, next) == 0;
	int err = 0;

	while (more && !err) {
		uint32_t marked;

		memcpy(key, next, key_size);
		more = bpf_map_get_next_key(map, key, next) == 0;
		err = bpf_map_lookup_elem(map, key, &marked);
		if (!err && marked != generation)
			err = bpf_map_delete_elem(map, key);
	}
	return err;
}

/* Where there is no room, what was there stays. */
static int replace(struct filter *f, const struct bpf_map *set, const unsigned char *keys,
	size_t key_size, uint32_t count, uint32_t *counted)
{
	uint32_t generation = next_generation(f);
	int map = bpf_map__fd(set), err = 0;

	if (count > bpf_map__max_entries(set) / 2)
		return filter_no_room(f, -ENOSPC);
	*counted += count; /* too many for the moment: none may be overlooked */
	for (uint32_t i = 0; i < count && !err; i++)
		err = bpf_map_update_elem(map, keys + i * key_size, &generation, BPF_ANY);
	if (!err)
		err = take_out_old(map, key_size, generation);
	else
		err = filter_no_room(f, err);
	*counted = filter_count_keys(map, key_size);
	__atomic_store_n(&f->state->generation, generation, __ATOMIC_RELEASE);
	filter_changed(f);
	return err;
}

int filter_allow(struct filter *f, const struct filter_prefix *prefixes, uint32_t count)
{
	struct block_prefix *keys = calloc(count ? count : 1, sizeof(*keys));
	int err = -ENOMEM;

	if (!keys)
		return err;
	for (uint32_t i = 0; i < count; i++)
		keys[i] = filter_key(&prefixes[i]);
	err = replace(f, f->skel->maps.allowed, (const unsigned char *)keys, sizeof(*keys), count,
		&f->state->allowed);
	free(keys);
	return err;
}

int filter_allow_macs(struct filter *f, const uint8_t (*macs)[6], uint32_t count)
{
	uint64_t *keys = calloc(count ? count : 1, sizeof(*keys));
	int err = -ENOMEM;

	if (!keys)
		return err;
	for (uint32_t i = 0; i < count; i++)
		memcpy(&keys[i], macs[i], sizeof(macs[i]));
	err = replace(f, f->skel->maps.macs, (const unsigned char *)keys, sizeof(*keys), count,
		&f->state->macs);
	free(keys);
	return err;
}
