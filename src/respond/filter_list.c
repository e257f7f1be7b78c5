/* The entries of the block list. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/packet.h"
#include "respond/filter_inside.h"

enum { CHUNK = 4096 }; /* entries read at once; no bucket of a hash has that many */

/* ---- keys ---- */

static int hosts(const struct filter *f)
{
	return bpf_map__fd(f->skel->maps.hosts);
}

struct block_prefix filter_key(const struct filter_prefix *what)
{
	struct block_prefix key = {.bits = what->bits < BLOCK_HOST ? what->bits : BLOCK_HOST};
	uint8_t addr[16] = {0};

	memcpy(addr, what->addr, key.bits / 8);
	if (key.bits % 8)
		addr[key.bits / 8] = (uint8_t)(what->addr[key.bits / 8] & (0xff00 >> key.bits % 8));
	memcpy(key.addr, addr, sizeof(addr));
	return key;
}

/* The map in which an entry is, its key there, and where it is counted. */
struct place {
	int map;
	const void *key;
	uint32_t *count;
};

static struct place place_of(const struct filter *f, const struct block_prefix *key)
{
	if (key->bits == BLOCK_HOST)
		return (struct place){hosts(f), key->addr, &f->state->hosts};
	return (struct place){bpf_map__fd(f->skel->maps.prefixes), key, &f->state->prefixes};
}

/* Before it comes in, and when it has gone. */
static void entry_comes(struct filter *f, const struct block_prefix *key, const struct place *at)
{
	struct flow_addr host;

	++*at->count;
	memcpy(&host, key->addr, sizeof(host));
	if (key->bits == BLOCK_HOST)
		filter_sieve_add(f, &host);
	else
		filter_sieve_add_prefix(f, key);
}

static void entry_has_gone(struct filter *f, const struct block_prefix *key, const struct place *at)
{
	struct flow_addr host;

	--*at->count;
	memcpy(&host, key->addr, sizeof(host));
	if (key->bits == BLOCK_HOST)
		filter_sieve_del(f, &host);
	else
		filter_sieve_del_prefix(f, key);
}

int filter_no_room(struct filter *f, int err)
{
	if (err != -E2BIG && err != -ENOSPC && err != -ENOMEM)
		return err;
	f->state->full++;
	return -ENOSPC;
}

/* ---- the list ---- */

int filter_change(struct filter *f)
{
	unsigned char frame[64] = {0};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame)};
	int err;

	do { /* a signal is taken before the program runs */
		err = bpf_prog_test_run_opts(
			bpf_program__fd(f->skel->progs.karma_block_change), &opts);
	} while (err == -EINTR);
	return err ? err : opts.retval ? -ENOENT : 0;
}

static bool is_there(const struct filter *f, const struct block_prefix *key)
{
	struct place at = place_of(f, key);
	struct block_entry entry;

	return bpf_map_lookup_elem(at.map, at.key, &entry) == 0 && entry.bits == key->bits;
}

static int put(struct filter *f, const struct block_prefix *key, struct block_entry *entry)
{
	struct place at = place_of(f, key);
	int err;

	entry->id = f->state->next_id++;
	entry_comes(f, key, &at);
	/* Not every kernel heeds BPF_NOEXIST in a trie. */
	if (key->bits != BLOCK_HOST && is_there(f, key))
		err = -EEXIST;
	else
		err = bpf_map_update_elem(at.map, at.key, entry, BPF_NOEXIST);
	if (err)
		entry_has_gone(f, key, &at);
	if (err != -EEXIST)
		return filter_no_room(f, err);
	f->skel->bss->order.what = *key;
	f->skel->bss->order.note = entry->note;
	f->skel->bss->order.rate = 0;
	return filter_change(f);
}

int filter_add(struct filter *f, const struct filter_prefix *what, const struct filter_note *note)
{
	struct block_prefix key = filter_key(what);
	struct block_entry entry = {.bits = key.bits};

	memcpy(&entry.note, note, sizeof(entry.note));
	return put(f, &key, &entry);
}

int filter_del(struct filter *f, const struct filter_prefix *what)
{
	struct block_prefix key = filter_key(what);
	struct place at = place_of(f, &key);
	int err = bpf_map_delete_elem(at.map, at.key);

	if (err)
		return err;
	entry_has_gone(f, &key, &at);
	filter_changed(f);
	return 0;
}

/* What is dropped and not yet counted in its entry. */
struct trains {
	struct block_cpu *cpu;
	int cpus;
};

static struct trains trains_get(const struct filter *f)
{
	struct trains t;

	t.cpu = filter_cpus(f, &t.cpus);
	return t;
}

static void trains_add(const struct trains *t, struct block_entry *entry)
{
	for (int i = 0; t->cpu && i < t->cpus; i++)
		if (t->cpu[i].train.id == entry->id) {
			entry->packets += t->cpu[i].train.packets;
			entry->bytes += t->cpu[i].train.bytes;
		}
}

static void entry_out(
	struct filter_entry *out, const struct block_prefix *key, const struct block_entry *entry)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->what.addr, key->addr, sizeof(out->what.addr));
	out->what.bits = (uint8_t)key->bits;
	memcpy(&out->note, &entry->note, sizeof(out->note));
	out->counts = (struct filter_counts){entry->packets, entry->bytes};
}

int filter_get(const struct filter *f, const struct filter_prefix *what, struct filter_entry *out)
{
	struct block_prefix key = filter_key(what);
	struct place at = place_of(f, &key);
	struct block_entry entry;
	struct trains trains;
	int err = bpf_map_lookup_elem(at.map, at.key, &entry);

	if (err)
		return err;
	if (entry.bits != key.bits) /* the trie gives the longest that it has */
		return -ENOENT;
	trains = trains_get(f);
	trains_add(&trains, &entry);
	free(trains.cpu);
	entry_out(out, &key, &entry);
	return 0;
}

/* ---- many ---- */

/* One by one: the kernel's batch cannot leave alone what is there already, and saves half of 2 us.
 */
int filter_load(struct filter *f, const struct filter_entry *entries, uint32_t count)
{
	uint32_t done = 0;
	int err = 0;

	for (uint32_t i = 0; i < count && (!err || err == -ENOSPC); i++) {
		struct block_prefix key = filter_key(&entries[i].what);
		struct block_entry entry = {.packets = entries[i].counts.packets,
			.bytes = entries[i].counts.bytes,
			.bits = key.bits};

		memcpy(&entry.note, &entries[i].note, sizeof(entry.note));
		err = put(f, &key, &entry);
		done += !err;
	}
	return err && err != -ENOSPC ? err : (int)done;
}

/* Room for hosts on their way from the hash. */
struct chunk {
	struct flow_addr key[CHUNK];
	struct block_entry entry[CHUNK];
};

typedef int (*each_entry)(void *context, const struct filter_entry *e);

static int each_host(const struct filter *f, each_entry each, void *context)
{
	struct chunk *c = malloc(sizeof(*c));
	struct trains trains = trains_get(f);
	uint32_t at, *from = NULL;
	int err = c ? 0 : -ENOMEM, result = 0;

	while (!err && !result) {
		uint32_t count = CHUNK;

		err = bpf_map_lookup_batch(hosts(f), from, &at, c->key, c->entry, &count, NULL);
		from = &at;
		if (err && err != -ENOENT) /* which says that these are the last */
			break;
		for (uint32_t i = 0; i < count && !result; i++) {
			struct block_prefix key = {.bits = BLOCK_HOST};
			struct filter_entry e;

			memcpy(key.addr, &c->key[i], sizeof(key.addr));
			trains_add(&trains, &c->entry[i]);
			entry_out(&e, &key, &c->entry[i]);
			result = each(context, &e);
		}
	}
	free(trains.cpu);
	free(c);
	return result ? result : err == -ENOENT ? 0 : err;
}

/* Goes to the next key before the caller may delete this one. */
static int each_prefix(const struct filter *f, each_entry each, void *context)
{
	int map = bpf_map__fd(f->skel->maps.prefixes), result = 0;
	struct block_prefix key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more && !result) {
		struct block_entry entry;
		struct filter_entry e;

		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &entry) != 0 || entry.bits != key.bits)
			continue;
		entry_out(&e, &key, &entry);
		result = each(context, &e);
	}
	return result;
}

int filter_each(const struct filter *f, each_entry each, void *context)
{
	int result = each_prefix(f, each, context);

	return result ? result : each_host(f, each, context);
}
