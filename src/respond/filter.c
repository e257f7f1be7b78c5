/* Loading the block list's programs and their maps. filter_list.c has the entries, filter_allow.c
 * what is never dropped, filter_limit.c the limits; filter_attach.c puts the programs on
 * interfaces, filter_pin.c keeps all of it when the process goes. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "respond/filter_inside.h"

enum {
	HOSTS_USUAL = 131072,
	PREFIXES_USUAL = 16384,
	ALLOWED_USUAL = 4096,
	LIMITS_USUAL = 1024,
	MACS = 1024,
};

_Static_assert(sizeof(struct filter_note) == sizeof(struct block_note), "one is kept in the other");

/* ---- loading ---- */

static void set_sizes(struct filter *f, const struct filter_settings *s)
{
	const struct {
		struct bpf_map *map;
		uint32_t wanted, usual;
	} sizes[] = {
		{f->skel->maps.hosts, s->hosts, HOSTS_USUAL},
		{f->skel->maps.prefixes, s->prefixes, PREFIXES_USUAL},
		{f->skel->maps.allowed, s->allowed, ALLOWED_USUAL},
		{f->skel->maps.limits, s->limits, LIMITS_USUAL},
		{f->skel->maps.macs, 0, MACS},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		bpf_map__set_max_entries(
			sizes[i].map, sizes[i].wanted ? sizes[i].wanted : sizes[i].usual);
	/* While one set takes another's place both are there: filter_allow.c. */
	bpf_map__set_max_entries(
		f->skel->maps.allowed, 2 * bpf_map__max_entries(f->skel->maps.allowed));
	bpf_map__set_max_entries(f->skel->maps.macs, 2 * MACS);
	bpf_map__set_max_entries(
		f->skel->maps.sieve, filter_sieve_words(bpf_map__max_entries(f->skel->maps.hosts)));
}

static int load_error(int err, struct error *e)
{
	struct utsname kernel = {0};

	if (err == -EPERM)
		return error_set(
			e, err, "blocking needs root or CAP_BPF+CAP_NET_ADMIN; run with sudo");
	if (err == -ENOMEM || err == -E2BIG)
		return error_set(e, err, "the kernel has no memory for a block list of that size");
	uname(&kernel);
	return error_set(e, err,
		"the kernel (%s) refuses the block list: %s; it needs Linux 6.1 or later with "
		"CONFIG_BPF_SYSCALL",
		kernel.release, strerror(-err));
}

static int load(struct filter *f, struct error *e)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int err = block_bpf__load(f->skel);

	libbpf_set_print(print);
	if (err)
		return load_error(err, e);
	f->state = &f->skel->data_state->state;
	return 0;
}

uint32_t filter_count_keys(int map, size_t key_size)
{
	unsigned char key[2][sizeof(struct block_limit_key)];
	uint32_t count = 0;

	if (bpf_map_get_next_key(map, NULL, key[0]) != 0)
		return 0;
	do {
		count++;
		memcpy(key[1], key[0], key_size);
	} while (bpf_map_get_next_key(map, key[1], key[0]) == 0);
	return count;
}

/* Its last owner may have been killed between a change and its counting. */
static void count_again(struct filter *f)
{
	struct block_state *s = f->state;

	s->hosts = filter_count_keys(bpf_map__fd(f->skel->maps.hosts), sizeof(struct flow_addr));
	s->prefixes =
		filter_count_keys(bpf_map__fd(f->skel->maps.prefixes), sizeof(struct block_prefix));
	s->limits = filter_count_keys(
		bpf_map__fd(f->skel->maps.limits), sizeof(struct block_limit_key));
	s->allowed =
		filter_count_keys(bpf_map__fd(f->skel->maps.allowed), sizeof(struct block_prefix));
	s->macs = filter_count_keys(bpf_map__fd(f->skel->maps.macs), sizeof(uint64_t));
}

void filter_changed(struct filter *f)
{
	uint32_t next = f->state->changes + 1;

	__atomic_store_n(&f->state->changes, next ? next : 1, __ATOMIC_RELEASE); /* 0: no train */
}

/* What is there before anything is listed. */
static int begin(struct filter *f, bool taken_over, struct error *e)
{
	int err = filter_sieve_open(f, taken_over);

	if (err)
		return error_set(e, err, "the block list cannot be mapped: %s", strerror(-err));
	if (taken_over) {
		count_again(f);
		filter_changed(f);
		filter_pin_links(f);
		return 0;
	}
	f->state->layout = BLOCK_LAYOUT;
	f->state->generation = 1;
	f->state->changes = 1;
	f->state->next_id = 1;
	return 0;
}

int filter_open(struct filter **result, const struct filter_settings *s, struct error *e)
{
	struct filter *f = calloc(1, sizeof(*f));
	bool taken_over = false;
	int err;

	*result = NULL;
	if (!f)
		return error_set(e, -ENOMEM, "out of memory");
	f->folder = -1;
	f->skel = block_bpf__open();
	if (!f->skel) {
		err = error_set(e, -ENOMEM, "out of memory");
		goto failed;
	}
	set_sizes(f, s);
	err = s->pin ? filter_pin_open(f, s->pin, &taken_over, e) : 0;
	if (!err)
		err = load(f, e);
	if (!err)
		err = begin(f, taken_over, e);
	if (!err && s->pin && !taken_over) {
		err = filter_pin_maps(f, e);
		if (err)
			filter_pin_remove(f);
	}
	if (err)
		goto failed;
	*result = f;
	return 0;
failed: /* what is pinned stays as it was */
	if (f->folder >= 0)
		rmdir(f->path); /* unless something is in it */
	filter_close(f, true);
	return err;
}

void filter_close(struct filter *f, bool keep)
{
	if (!f)
		return;
	if (!keep)
		filter_pin_remove(f);
	for (unsigned i = 0; i < f->links; i++)
		close(f->link[i].fd);
	if (f->folder >= 0)
		close(f->folder);
	filter_sieve_close(f);
	block_bpf__destroy(f->skel);
	free(f);
}

/* ---- figures ---- */

struct block_cpu *filter_cpus(const struct filter *f, int *count)
{
	const uint32_t zero = 0;
	struct block_cpu *cpu;

	*count = libbpf_num_possible_cpus();
	if (*count < 1)
		return NULL;
	cpu = calloc((size_t)*count, sizeof(*cpu));
	if (cpu && bpf_map_lookup_elem(bpf_map__fd(f->skel->maps.cpus), &zero, cpu) != 0)
		*count = 0;
	return cpu;
}

int filter_stats(const struct filter *f, struct filter_stats *s)
{
	struct block_cpu *cpu;
	int cpus;

	*s = (struct filter_stats){.hosts = f->state->hosts,
		.prefixes = f->state->prefixes,
		.limits = f->state->limits,
		.allowed = f->state->allowed + f->state->macs,
		.full = f->state->full};
	cpu = filter_cpus(f, &cpus);
	if (!cpu)
		return -ENOMEM;
	for (int i = 0; i < cpus; i++) {
		s->passed += cpu[i].passed;
		s->allowed_packets += cpu[i].allowed;
		s->dropped += cpu[i].dropped;
		s->limited += cpu[i].limited;
		s->not_ip += cpu[i].not_ip;
	}
	free(cpu);
	return 0;
}
