/* A ring holds the flows of the last 60 s in order of time. Three pointers walk behind its head,
 * one for each window; a flow enters all windows when it begins and leaves each when that window's
 * pointer passes it. What is counted hangs on two kinds of things: hosts, and keys (pairs of a
 * host, pair or port) whose counts make "distinct" exact: a key that comes to life in a window is
 * one more distinct thing there, one that dies is one less. Everything is a fixed pool addressed
 * by index; the work for a record is constant, spread over the records (the ring and the hash
 * chains are doubled now and then as more of them is used). */
#include "feature/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "feature/chain.h"
#include "feature/outcome.h"
#include "feature/service.h"
#include "feature/value.h"
#include "util/room.h"

enum { DEFAULT_EVENTS = 262144, HOST_COUNTS = COUNT_HALF_TO + 1 };

static const uint32_t NONE = CHAIN_END;

/* A flow in the ring, or new packets of a flow of ICMP errors. */
struct event {
	uint32_t next; /* in its bucket of flows */
	uint32_t from; /* hosts: actor, other end */
	uint32_t to;
	uint32_t port, pair, service; /* keys; NONE: an ICMP error has none, ICMP no port */
	int64_t at_ns;
	uint64_t flow_id;
	uint64_t seen;    /* ICMP errors: packets up to here */
	uint32_t refused; /* 0 or 1; ICMP errors: packets */
	uint32_t part;
	bool silent, half;
};

/* `next`: in its bucket, or of the free ones. */
struct host {
	uint32_t next;
	uint32_t older, newer; /* by last touch */
	uint32_t refs;         /* events that name it */
	uint8_t addr[16];
	int64_t touched_ns;
	int64_t record_ns; /* its last record as the actor; 0: none */
	uint32_t count[HOST_COUNTS][WINDOWS];
};

struct key {
	uint32_t next;
	uint32_t a, b;
	uint32_t count[WINDOWS]; /* flows */
};

struct window {
	uint32_t events;
	int64_t now;
	uint64_t seed;
	uint64_t head, tail[WINDOWS]; /* counted from the beginning; & ring_mask: in the ring */
	uint64_t forgotten;
	struct event *ring;
	uint32_t ring_mask,
		ring_most;   /* its first part, a power of two, is used until it is full */
	struct chains flows; /* events by flow; of one flow the newest comes first */

	struct host *host;
	struct chains hosts;
	uint32_t host_free, host_used, oldest, newest;

	struct key *key;
	uint32_t key_free, key_used;
	struct chains ports;    /* keys of host, protocol and port: what a source tried */
	struct chains pairs;    /* of host, host */
	struct chains services; /* of pair, protocol and port */

	struct services *names;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9fb21c651e98df25ULL;
	x ^= x >> 29;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

/* ---- keys ---- */

static uint64_t key_hash(uint32_t a, uint32_t b, uint64_t seed)
{
	return mix(((uint64_t)a << 32 | b) ^ seed);
}

static uint64_t hash_of_key(const void *element, uint64_t seed)
{
	const struct key *k = element;

	return key_hash(k->a, k->b, seed);
}

static uint32_t key_find(const struct window *w, const struct chains *c, uint32_t a, uint32_t b)
{
	uint32_t k = chain_first(c, key_hash(a, b, w->seed));

	while (k != NONE && (w->key[k].a != a || w->key[k].b != b))
		k = w->key[k].next;
	return k;
}

/* There is room always: a key lives by events of the ring, three each. */
static uint32_t key_get(struct window *w, struct chains *c, uint32_t a, uint32_t b)
{
	uint32_t k = key_find(w, c, a, b);

	if (k != NONE)
		return k;
	k = w->key_free;
	if (k != NONE)
		w->key_free = w->key[k].next;
	else
		k = w->key_used++;
	w->key[k] = (struct key){.a = a, .b = b};
	chain_add(c, k);
	return k;
}

/* Where no event lives by it any more. */
static void key_drop(struct window *w, struct chains *c, uint32_t k)
{
	if (w->key[k].count[WINDOWS - 1])
		return;
	chain_remove(c, k);
	w->key[k].next = w->key_free;
	w->key_free = k;
}

/* ---- hosts ---- */

static uint64_t host_hash(const uint8_t addr[16], uint64_t seed)
{
	uint64_t word[2];

	memcpy(word, addr, 16);
	return mix(mix(word[0] ^ seed) ^ word[1]);
}

static uint64_t hash_of_host(const void *element, uint64_t seed)
{
	return host_hash(((const struct host *)element)->addr, seed);
}

static uint32_t host_find(const struct window *w, const uint8_t addr[16])
{
	uint32_t h = chain_first(&w->hosts, host_hash(addr, w->seed));

	while (h != NONE && !addr_same(w->host[h].addr, addr))
		h = w->host[h].next;
	return h;
}

static void host_unlink(struct window *w, uint32_t h)
{
	struct host *host = &w->host[h];

	*(host->older == NONE ? &w->oldest : &w->host[host->older].newer) = host->newer;
	*(host->newer == NONE ? &w->newest : &w->host[host->newer].older) = host->older;
}

static void host_touch(struct window *w, uint32_t h)
{
	struct host *host = &w->host[h];

	host->touched_ns = w->now;
	if (w->newest == h)
		return;
	host_unlink(w, h);
	host->older = w->newest;
	host->newer = NONE;
	*(w->newest == NONE ? &w->oldest : &w->host[w->newest].newer) = h;
	w->newest = h;
}

static void host_drop(struct window *w, uint32_t h)
{
	chain_remove(&w->hosts, h);
	host_unlink(w, h);
	w->host[h].next = w->host_free;
	w->host_free = h;
}

static void forget_oldest(struct window *w);

static uint32_t host_new(struct window *w)
{
	uint32_t h;

	while (w->host_free == NONE && w->host_used == w->events) {
		if (w->host[w->oldest].refs == 0)
			host_drop(w, w->oldest);
		else
			forget_oldest(w);
	}
	h = w->host_free;
	if (h != NONE)
		w->host_free = w->host[h].next;
	else
		h = w->host_used++;
	return h;
}

/* Find or make, and touch. */
static uint32_t host_get(struct window *w, const uint8_t addr[16])
{
	uint32_t h = host_find(w, addr);

	if (h == NONE) {
		h = host_new(w);
		w->host[h] = (struct host){.older = w->newest, .newer = NONE};
		memcpy(w->host[h].addr, addr, 16);
		chain_add(&w->hosts, h);
		*(w->newest == NONE ? &w->oldest : &w->host[w->newest].newer) = h;
		w->newest = h;
	}
	host_touch(w, h);
	return h;
}

/* ---- events ---- */

static struct event *event_at(const struct window *w, uint64_t n)
{
	return &w->ring[n & w->ring_mask];
}

static uint64_t flow_hash(uint64_t flow_id, uint64_t seed)
{
	return mix(flow_id ^ seed);
}

static uint64_t hash_of_event(const void *element, uint64_t seed)
{
	return flow_hash(((const struct event *)element)->flow_id, seed);
}

/* The newest event of a flow. */
static struct event *event_find(const struct window *w, uint64_t flow_id)
{
	uint32_t e = chain_first(&w->flows, flow_hash(flow_id, w->seed));

	while (e != NONE && w->ring[e].flow_id != flow_id)
		e = w->ring[e].next;
	return e == NONE ? NULL : &w->ring[e];
}

/* Count an event's outcome in window i (sign 1) or no longer (-1). */
static void count_outcome(struct window *w, const struct event *e, int i, uint32_t sign)
{
	if (!(e->refused | e->silent | e->half))
		return;
	w->host[e->from].count[COUNT_REFUSED_OF][i] += sign * e->refused;
	w->host[e->from].count[COUNT_SILENT_OF][i] += sign * e->silent;
	w->host[e->to].count[COUNT_HALF_TO][i] += sign * e->half;
}

static void enter(struct window *w, const struct event *e, int i)
{
	struct host *from = &w->host[e->from], *to = &w->host[e->to];

	count_outcome(w, e, i, 1);
	if (e->pair == NONE)
		return;
	from->count[COUNT_FLOWS_OF][i]++;
	to->count[COUNT_FLOWS_TO][i]++;
	w->key[e->service].count[i]++;
	if (w->key[e->pair].count[i]++ == 0) {
		from->count[COUNT_HOSTS_OF][i]++;
		to->count[COUNT_SOURCES_TO][i]++;
	}
	if (e->port != NONE && w->key[e->port].count[i]++ == 0)
		from->count[COUNT_PORTS_OF][i]++;
}

static void leave(struct window *w, const struct event *e, int i)
{
	struct host *from = &w->host[e->from], *to = &w->host[e->to];

	count_outcome(w, e, i, -1U);
	if (e->pair == NONE)
		return;
	from->count[COUNT_FLOWS_OF][i]--;
	to->count[COUNT_FLOWS_TO][i]--;
	w->key[e->service].count[i]--;
	if (--w->key[e->pair].count[i] == 0) {
		from->count[COUNT_HOSTS_OF][i]--;
		to->count[COUNT_SOURCES_TO][i]--;
	}
	if (e->port != NONE && --w->key[e->port].count[i] == 0)
		from->count[COUNT_PORTS_OF][i]--;
}

/* The oldest event has left the longest window: let go of all that it held. */
static void release(struct window *w, uint64_t n)
{
	struct event *e = event_at(w, n);

	chain_remove(&w->flows, (uint32_t)(n & w->ring_mask));
	w->host[e->from].refs--;
	w->host[e->to].refs--;
	if (e->pair == NONE)
		return;
	key_drop(w, &w->services, e->service);
	key_drop(w, &w->pairs, e->pair);
	if (e->port != NONE)
		key_drop(w, &w->ports, e->port);
}

static void forget_oldest(struct window *w)
{
	uint64_t n = w->tail[WINDOWS - 1];

	for (int i = 0; i < WINDOWS; i++)
		if (w->tail[i] == n) {
			leave(w, event_at(w, n), i);
			w->tail[i]++;
		}
	release(w, n);
	w->forgotten++;
}

static void expire(struct window *w)
{
	int64_t longest = window_seconds[WINDOWS - 1] * 1000000000LL;

	for (int i = 0; i < WINDOWS; i++) {
		int64_t length = window_seconds[i] * 1000000000LL;

		while (w->tail[i] < w->head && w->now - event_at(w, w->tail[i])->at_ns > length) {
			leave(w, event_at(w, w->tail[i]), i);
			if (i == WINDOWS - 1)
				release(w, w->tail[i]);
			w->tail[i]++;
		}
	}
	while (w->oldest != NONE && w->now - w->host[w->oldest].touched_ns > longest)
		host_drop(w, w->oldest);
}

/* The ring is full: what stands in it, in order, goes on in the first half of the double. */
static void ring_grow(struct window *w)
{
	uint32_t half = w->ring_mask + 1;

	w->ring_mask += half;
	chains_start(&w->flows, w->flows.bucket, w->flows.most);
	for (uint64_t n = w->tail[WINDOWS - 1]; n < w->head; n++) {
		if (n & half)
			*event_at(w, n) = w->ring[n & (half - 1)];
		chain_add(&w->flows, (uint32_t)(n & w->ring_mask));
	}
}

static struct event *push(struct window *w, const struct event *event)
{
	struct event *e;

	if (w->head - w->tail[WINDOWS - 1] > w->ring_mask)
		ring_grow(w);
	e = event_at(w, w->head);
	*e = *event;
	chain_add(&w->flows, (uint32_t)(e - w->ring));
	w->host[e->from].refs++;
	w->host[e->to].refs++;
	for (int i = 0; i < WINDOWS; i++)
		enter(w, e, i);
	w->head++;
	return e;
}

/* ---- records ---- */

const uint8_t *record_actor(const struct record *r)
{
	return r->addr[record_is_icmp_error(r) ? DST : SRC];
}

static void count_again(struct window *w, const struct event *e, uint64_t n, uint32_t sign)
{
	for (int i = 0; i < WINDOWS; i++)
		if (n >= w->tail[i])
			count_outcome(w, e, i, sign);
}

/* A later record knows better how the flow went; but one of a later part sees only that part, and
 * what was once answered stays so. */
static void correct(struct window *w, struct event *e, const struct record *r)
{
	uint64_t n = w->head - 1 - ((w->head - 1 - (uint64_t)(e - w->ring)) & w->ring_mask);

	uint32_t refused = record_is_refused(r) || (r->part && e->refused);
	bool silent = record_is_silent(r) && (!r->part || e->silent);
	bool half = record_is_half_open(r) && (!r->part || e->half);

	if (refused == e->refused && silent == e->silent && half == e->half)
		return;
	count_again(w, e, n, -1U);
	e->refused = refused;
	e->silent = silent;
	e->half = half;
	count_again(w, e, n, 1);
}

/* New packets of a flow of ICMP errors are as many refusals, of requests made just before. */
static void take_error(
	struct window *w, const struct record *r, const struct event *last, struct event *event)
{
	event->seen = r->side[SRC].packets;
	event->refused = (uint32_t)event->seen;
	if (last && last->part == event->part)
		event->refused -= (uint32_t)(last->seen < event->seen ? last->seen : event->seen);
	if (!record_is_unreachable(r))
		event->refused = 0;
	if (event->refused)
		push(w, event);
}

/* What a record is about beside its actor; NONE: nothing known of it. */
struct about {
	uint32_t to, pair, service;
};

static uint32_t service_of(const struct record *r)
{
	return (uint32_t)r->proto << 16 | r->port[DST];
}

static struct about look_up(const struct window *w, const struct record *r, uint32_t from)
{
	struct about a = {.pair = NONE, .service = NONE};

	a.to = host_find(w, record_actor(r) == r->addr[SRC] ? r->addr[DST] : r->addr[SRC]);
	if (a.to != NONE)
		a.pair = key_find(w, &w->pairs, from, a.to);
	if (a.pair != NONE)
		a.service = key_find(w, &w->services, a.pair, service_of(r));
	return a;
}

/* Enter the record's flow, or correct it. */
static struct about take(struct window *w, const struct record *r, uint32_t from)
{
	struct event event = {.at_ns = w->now,
		.flow_id = r->flow_id,
		.from = from,
		.port = NONE,
		.pair = NONE,
		.service = NONE,
		.part = r->part};
	struct event *last;

	if (w->head - w->tail[WINDOWS - 1] == w->events)
		forget_oldest(w);
	last = event_find(w, r->flow_id);
	if (record_is_icmp_error(r)) {
		event.to = host_get(w, r->addr[SRC]);
		take_error(w, r, last, &event);
		return look_up(w, r, from);
	}
	if (last) {
		correct(w, last, r);
		/* Else its source was told apart from its destination otherwise than now. */
		if (last->from == from && last->service != NONE &&
			w->key[last->service].b == service_of(r))
			return (struct about){last->to, last->pair, last->service};
		return look_up(w, r, from);
	}
	if (r->again)
		return look_up(w, r, from); /* began too long ago */
	event.to = host_get(w, r->addr[DST]);
	event.refused = record_is_refused(r);
	event.silent = record_is_silent(r);
	event.half = record_is_half_open(r);
	event.pair = key_get(w, &w->pairs, from, event.to);
	event.service = key_get(w, &w->services, event.pair, service_of(r));
	if (record_has_ports(r))
		event.port = key_get(w, &w->ports, from, service_of(r));
	push(w, &event);
	return (struct about){event.to, event.pair, event.service};
}

/* The counters as they stand, for the record's actor, other end and service. */
static void read_counts(
	const struct window *w, uint32_t from, struct about a, struct feature_source *s)
{
	const struct host *host = &w->host[from];

	for (int what = COUNT_FLOWS_OF; what <= COUNT_SILENT_OF; what++)
		memcpy(s->count[what], host->count[what], sizeof(s->count[what]));
	for (int what = COUNT_FLOWS_TO; a.to != NONE && what <= COUNT_HALF_TO; what++)
		memcpy(s->count[what], w->host[a.to].count[what], sizeof(s->count[what]));
	if (a.service != NONE)
		memcpy(s->count[COUNT_FLOWS_PAIR], w->key[a.service].count,
			sizeof(s->count[COUNT_FLOWS_PAIR]));
}

/* Take the record into account, and fill what its row is made of. */
static const struct host *take_record(
	struct window *w, const struct record *r, struct feature_source *s)
{
	double longest = window_seconds[WINDOWS - 1];
	struct host *host;
	uint32_t from;

	if (r->at_ns > w->now)
		w->now = r->at_ns;
	expire(w);
	from = host_get(w, record_actor(r));
	host = &w->host[from];
	s->r = r;
	s->gap = host->record_ns ? (double)(w->now - host->record_ns) * 1e-9 : longest;
	if (s->gap > longest)
		s->gap = longest;
	host->record_ns = w->now;
	read_counts(w, from, take(w, r, from), s);
	return host;
}

void feature_pass(struct window *w, const struct record *r)
{
	struct feature_source s = {0};

	take_record(w, r, &s);
	service_pass(w->names, r);
}

void feature_row(struct window *w, const struct record *r, struct row *row)
{
	struct feature_source s = {0};
	const struct host *host = take_record(w, r, &s);

	s.name = service_name(w->names, r);
	for (unsigned i = 0; i < feature_count; i++)
		row->value[i] = features[i].get ? features[i].get(&s, features[i].arg) : NAN;
	memcpy(row->addr, r->addr, sizeof(row->addr));
	memcpy(row->port, r->port, sizeof(row->port));
	memcpy(row->actor, host->addr, 16);
	row->view = VIEW_ACTOR;
	row->at_ns = r->at_ns;
	row->flow_id = r->flow_id;
	row->app = s.name.app;
	row->label = -1;
}

/* ---- making and freeing ---- */

/* Chains over `pool`, with room for `most` buckets. */
static bool chains_new(struct window *w, struct chains *c, void *pool, size_t size,
	uint64_t (*hash)(const void *, uint64_t), size_t most)
{
	uint32_t *bucket = malloc(most * sizeof(*bucket));

	*c = (struct chains){.pool = pool, .size = size, .seed = w->seed, .hash = hash};
	if (bucket)
		chains_start(c, bucket, (uint32_t)most - 1);
	return bucket && pool;
}

static bool make_room(struct window *w)
{
	size_t most = (size_t)w->ring_most + 1;

	w->ring = room_new(most * sizeof(*w->ring));
	w->host = room_new(w->events * sizeof(*w->host));
	w->key = room_new(3 * (size_t)w->events * sizeof(*w->key));
	return chains_new(w, &w->flows, w->ring, sizeof(*w->ring), hash_of_event, most) &&
	       chains_new(w, &w->hosts, w->host, sizeof(*w->host), hash_of_host, most) &&
	       chains_new(w, &w->ports, w->key, sizeof(*w->key), hash_of_key, most) &&
	       chains_new(w, &w->pairs, w->key, sizeof(*w->key), hash_of_key, most) &&
	       chains_new(w, &w->services, w->key, sizeof(*w->key), hash_of_key, most);
}

static size_t buckets_for(uint32_t events)
{
	size_t buckets = CHAIN_BUCKETS;

	while (buckets < events)
		buckets *= 2;
	return buckets;
}

struct window *window_new(uint32_t events)
{
	struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->events = !events ? DEFAULT_EVENTS : events < CHAIN_BUCKETS ? CHAIN_BUCKETS : events;
	w->ring_most = (uint32_t)buckets_for(w->events) - 1;
	w->ring_mask = CHAIN_BUCKETS - 1;
	/* So that nobody can choose addresses that fall into one bucket. */
	if (getrandom(&w->seed, sizeof(w->seed), 0) != sizeof(w->seed))
		w->seed = (uintptr_t)w;
	w->host_free = w->key_free = w->oldest = w->newest = NONE;
	w->names = services_new();
	if (!w->names || !make_room(w)) {
		window_free(w);
		return NULL;
	}
	return w;
}

uint32_t window_events(uint32_t flows)
{
	return flows > DEFAULT_EVENTS ? flows : DEFAULT_EVENTS;
}

/* Each has its flow, a host, three keys; five hash tables find them. */
uint64_t window_bytes(uint32_t events)
{
	return (sizeof(struct event) + sizeof(struct host) + 3 * sizeof(struct key)) *
		       (uint64_t)events +
	       5 * sizeof(uint32_t) * buckets_for(events);
}

void window_free(struct window *w)
{
	if (!w)
		return;
	services_free(w->names);
	room_free(w->ring, ((size_t)w->ring_most + 1) * sizeof(*w->ring));
	room_free(w->host, w->events * sizeof(*w->host));
	room_free(w->key, 3 * (size_t)w->events * sizeof(*w->key));
	free(w->flows.bucket);
	free(w->hosts.bucket);
	free(w->ports.bucket);
	free(w->pairs.bucket);
	free(w->services.bucket);
	free(w);
}

uint64_t window_forgotten(const struct window *w)
{
	return w->forgotten;
}
