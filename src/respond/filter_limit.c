/* Limits: token buckets by destination, protocol and port. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "respond/filter_inside.h"

static int map_of(const struct filter *f)
{
	return bpf_map__fd(f->skel->maps.limits);
}

static struct block_limit_key key_of(const struct filter_limit *l)
{
	struct block_limit_key key = {
		.port = l->opens ? 0 : l->port, .proto = l->proto, .opens = l->opens};

	memcpy(&key.addr, l->addr, sizeof(key.addr));
	return key;
}

int filter_limit(struct filter *f, const struct filter_limit *l)
{
	struct block_limit_key key = key_of(l);
	struct block_limit new = {.rate = l->rate ? l->rate : 1};
	int err;

	new.room = (uint64_t)(l->burst ? l->burst : 1) * TOKENS_PACKET;
	new.tokens = new.room;
	new.fill_ns = new.room / new.rate + 1;
	memcpy(&new.note, &l->note, sizeof(new.note));
	f->state->limits++;
	filter_sieve_add_limit(f, &key);
	err = bpf_map_update_elem(map_of(f), &key, &new, BPF_NOEXIST);
	if (err) {
		f->state->limits--;
		filter_sieve_del_limit(f, &key);
	}
	if (err != -EEXIST)
		return filter_no_room(f, err);
	f->skel->bss->order.limit = key;
	f->skel->bss->order.note = new.note;
	f->skel->bss->order.room = new.room;
	f->skel->bss->order.fill_ns = new.fill_ns;
	f->skel->bss->order.rate = new.rate;
	return filter_change(f);
}

int filter_unlimit(struct filter *f, const struct filter_limit *l)
{
	struct block_limit_key key = key_of(l);
	int err = bpf_map_delete_elem(map_of(f), &key);

	if (err)
		return err;
	f->state->limits--;
	filter_sieve_del_limit(f, &key);
	return 0;
}

int filter_each_limit(const struct filter *f,
	int (*each)(void *context, const struct filter_limit *l), void *context)
{
	struct block_limit_key key, next;
	bool more = bpf_map_get_next_key(map_of(f), NULL, &next) == 0;
	int result = 0;

	while (more && !result) {
		struct filter_limit out = {
			.proto = next.proto, .port = next.port, .opens = next.opens};
		struct block_limit l;

		key = next;
		more = bpf_map_get_next_key(map_of(f), &key, &next) == 0;
		if (bpf_map_lookup_elem(map_of(f), &key, &l) != 0)
			continue;
		memcpy(out.addr, &key.addr, sizeof(out.addr));
		memcpy(&out.note, &l.note, sizeof(out.note));
		out.rate = l.rate;
		out.burst = (uint32_t)(l.room / TOKENS_PACKET);
		out.counts = (struct filter_counts){l.packets, l.bytes};
		result = each(context, &out);
	}
	return result;
}
