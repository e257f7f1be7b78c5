/* A ring holds the flows of the last 60 s in order of time. Three pointers walk behind its head,
 * one for each window; a flow enters all windows when it begins and leaves each when that window's
 * pointer passes it. What is counted hangs on two kinds of things: hosts, and keys (pairs of a
 * host, pair or port) whose counts make "distinct" exact: a key that comes to life in a window is
 * one more distinct thing there, one that dies is one less. Everything is a fixed pool addressed
 * by index; the work for a record is constant, spread over the records. */
#include "feature/window.h"

#include <math.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "feature/service.h"
#include "feature/value.h"

enum { DEFAULT_EVENTS = 262144, MIN_EVENTS = 16, HOST_COUNTS = COUNT_HALF_TO + 1 };

static const uint32_t NONE = UINT32_MAX;

/* A flow in the ring, or new packets of a flow of ICMP errors. */
struct event {
	int64_t at_ns;
	uint64_t flow_id;
	uint32_t from, to;            /* hosts: actor, other end */
	uint32_t port, pair, service; /* keys; NONE: an ICMP error has none, ICMP no port */
	uint32_t flow_next;           /* next event with the same hash of flow_id */
	uint32_t refused;             /* 0 or 1; ICMP errors: packets */
	uint32_t part;
	uint64_t seen; /* ICMP errors: packets up to here */
	bool silent, half;
};

/* Pool elements start with `next`: the chain of a bucket, or of the free ones. */
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

struct key_table {
	struct key *pool;
	uint32_t *bucket;
	uint32_t free, used;
};

struct window {
	uint32_t events;
	uint32_t mask; /* of all hash tables */
	uint64_t seed;
	int64_t now;
	uint64_t head, tail[WINDOWS]; /* counted from the beginning; the ring's index is % events */
	uint64_t forgotten;
	struct event *ring;
	uint32_t *flow_bucket;

	struct host *host;
	uint32_t *host_bucket;
	uint32_t host_free, host_used, oldest, newest;

	struct key_table port;    /* host, protocol and port: what a source tried */
	struct key_table pair;    /* host, host */
	struct key_table service; /* pair, protocol and port */

	struct service_memory services;
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

static uint32_t *key_bucket(
	const struct window *w, const struct key_table *t, uint32_t a, uint32_t b)
{
	return &t->bucket[mix(((uint64_t)a << 32 | b) ^ w->seed) & w->mask];
}

static uint32_t key_find(const struct window *w, const struct key_table *t, uint32_t a, uint32_t b)
{
	uint32_t k = *key_bucket(w, t, a, b);

	while (k != NONE && (t->pool[k].a != a || t->pool[k].b != b))
		k = t->pool[k].next;
	return k;
}

/* There is room always: a key lives by events of the ring, one each. */
static uint32_t key_get(const struct window *w, struct key_table *t, uint32_t a, uint32_t b)
{
	uint32_t k = key_find(w, t, a, b);
	uint32_t *bucket = key_bucket(w, t, a, b);

	if (k != NONE)
		return k;
	k = t->free;
	if (k != NONE)
		t->free = t->pool[k].next;
	else
		k = t->used++;
	t->pool[k] = (struct key){.next = *bucket, .a = a, .b = b};
	*bucket = k;
	return k;
}

static void key_drop(const struct window *w, struct key_table *t, uint32_t k)
{
	uint32_t *link = key_bucket(w, t, t->pool[k].a, t->pool[k].b);

	while (*link != k)
		link = &t->pool[*link].next;
	*link = t->pool[k].next;
	t->pool[k].next = t->free;
	t->free = k;
}

/* ---- hosts ---- */

static uint32_t *host_bucket(const struct window *w, const uint8_t addr[16])
{
	uint64_t word[2];

	memcpy(word, addr, 16);
	return &w->host_bucket[mix(mix(word[0] ^ w->seed) ^ word[1]) & w->mask];
}

static uint32_t host_find(const struct window *w, const uint8_t addr[16])
{
	uint32_t h = *host_bucket(w, addr);

	while (h != NONE && memcmp(w->host[h].addr, addr, 16) != 0)
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
	uint32_t *link = host_bucket(w, w->host[h].addr);

	while (*link != h)
		link = &w->host[*link].next;
	*link = w->host[h].next;
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
		uint32_t *bucket = host_bucket(w, addr);

		h = host_new(w);
		w->host[h] = (struct host){.next = *bucket, .older = w->newest, .newer = NONE};
		memcpy(w->host[h].addr, addr, 16);
		*bucket = h;
		*(w->newest == NONE ? &w->oldest : &w->host[w->newest].newer) = h;
		w->newest = h;
	}
	host_touch(w, h);
	return h;
}

/* ---- events ---- */

static struct event *event_at(const struct window *w, uint64_t n)
{
	return &w->ring[n % w->events];
}

static uint32_t *flow_bucket(const struct window *w, uint64_t flow_id)
{
	return &w->flow_bucket[mix(flow_id ^ w->seed) & w->mask];
}

/* The newest event of a flow. */
static struct event *event_find(const struct window *w, uint64_t flow_id)
{
	uint32_t e = *flow_bucket(w, flow_id);

	while (e != NONE && w->ring[e].flow_id != flow_id)
		e = w->ring[e].flow_next;
	return e == NONE ? NULL : &w->ring[e];
}

/* Count an event's outcome in window i (sign 1) or no longer (-1). */
static void count_outcome(struct window *w, const struct event *e, int i, uint32_t sign)
{
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
	w->service.pool[e->service].count[i]++;
	if (w->pair.pool[e->pair].count[i]++ == 0) {
		from->count[COUNT_HOSTS_OF][i]++;
		to->count[COUNT_SOURCES_TO][i]++;
	}
	if (e->port != NONE && w->port.pool[e->port].count[i]++ == 0)
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
	w->service.pool[e->service].count[i]--;
	if (--w->pair.pool[e->pair].count[i] == 0) {
		from->count[COUNT_HOSTS_OF][i]--;
		to->count[COUNT_SOURCES_TO][i]--;
	}
	if (e->port != NONE && --w->port.pool[e->port].count[i] == 0)
		from->count[COUNT_PORTS_OF][i]--;
}

/* The oldest event has left the longest window: let go of all that it held. */
static void release(struct window *w, uint64_t n)
{
	struct event *e = event_at(w, n);
	uint32_t *link = flow_bucket(w, e->flow_id);
	uint32_t index = (uint32_t)(n % w->events);

	while (*link != index)
		link = &w->ring[*link].flow_next;
	*link = e->flow_next;
	w->host[e->from].refs--;
	w->host[e->to].refs--;
	if (e->pair == NONE)
		return;
	if (w->service.pool[e->service].count[WINDOWS - 1] == 0)
		key_drop(w, &w->service, e->service);
	if (w->pair.pool[e->pair].count[WINDOWS - 1] == 0)
		key_drop(w, &w->pair, e->pair);
	if (e->port != NONE && w->port.pool[e->port].count[WINDOWS - 1] == 0)
		key_drop(w, &w->port, e->port);
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

static struct event *push(struct window *w, const struct event *event)
{
	uint32_t *bucket = flow_bucket(w, event->flow_id);
	struct event *e = event_at(w, w->head);

	*e = *event;
	e->flow_next = *bucket;
	*bucket = (uint32_t)(e - w->ring);
	w->host[e->from].refs++;
	w->host[e->to].refs++;
	for (int i = 0; i < WINDOWS; i++)
		enter(w, e, i);
	w->head++;
	return e;
}

/* ---- records ---- */

static bool is_icmp(const struct record *r)
{
	return (r->net == NET_IPV4 && r->proto == IPPROTO_ICMP) ||
	       (r->net == NET_IPV6 && r->proto == IPPROTO_ICMPV6);
}

/* ICMP's answers to a packet that could not be delivered. */
static bool is_icmp_error(const struct record *r)
{
	if (!is_icmp(r))
		return false;
	if (r->net == NET_IPV6)
		return r->icmp_type >= ICMP6_DST_UNREACH && r->icmp_type <= ICMP6_PARAM_PROB;
	return r->icmp_type == ICMP_DEST_UNREACH || r->icmp_type == ICMP_TIME_EXCEEDED ||
	       r->icmp_type == ICMP_PARAMETERPROB || r->icmp_type == ICMP_SOURCE_QUENCH;
}

/* Of these, the ones that refuse; a path's packet size or length is not the target's word. */
static bool is_unreachable(const struct record *r)
{
	if (r->net == NET_IPV6)
		return r->icmp_type == ICMP6_DST_UNREACH;
	return r->icmp_type == ICMP_DEST_UNREACH && r->icmp_code != ICMP_FRAG_NEEDED;
}

const uint8_t *record_actor(const struct record *r)
{
	return r->addr[is_icmp_error(r) ? DST : SRC];
}

/* Groups do not answer for themselves: asking one is no sign of anything. */
static bool is_group(const uint8_t addr[16])
{
	static const uint8_t v4_mapped[12] = {[10] = 0xff, 0xff};

	if (memcmp(addr, v4_mapped, sizeof(v4_mapped)) != 0)
		return addr[0] == 0xff;
	return (addr[12] & 0xf0) == 0xe0 || memcmp(addr + 12, "\xff\xff\xff\xff", 4) == 0;
}

static bool is_tcp(const struct record *r)
{
	return r->net != NET_ARP && r->proto == IPPROTO_TCP;
}

/* The destination answered with RST and nothing else, to a source that sent no data. */
static bool is_refused(const struct record *r)
{
	const struct flow_side *src = &r->side[SRC], *dst = &r->side[DST];

	return is_tcp(r) && dst->flags[FLAG_RST] && !dst->flags[FLAG_SYN] && !dst->payload &&
	       !src->payload;
}

static bool is_silent(const struct record *r)
{
	if (r->side[DST].packets || is_group(r->addr[DST]))
		return false;
	if (r->net == NET_ARP)
		return true;
	if (is_tcp(r))
		return r->side[SRC].flags[FLAG_SYN];
	return r->proto == IPPROTO_UDP || (is_icmp(r) && r->state == STATE_ECO);
}

static bool is_half_open(const struct record *r)
{
	return is_tcp(r) && r->side[SRC].flags[FLAG_SYN] &&
	       (r->state == STATE_REQ || r->state == STATE_ACC);
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
	uint64_t n = w->head - 1 - (w->head - 1 - (uint64_t)(e - w->ring)) % w->events;

	count_again(w, e, n, -1U);
	e->refused = is_refused(r) || (r->part && e->refused);
	e->silent = is_silent(r) && (!r->part || e->silent);
	e->half = is_half_open(r) && (!r->part || e->half);
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
	if (!is_unreachable(r))
		event->refused = 0;
	if (event->refused)
		push(w, event);
}

/* Enter the record's flow, or correct it. */
static void take(struct window *w, const struct record *r, uint32_t from)
{
	uint32_t ports = (uint32_t)r->proto << 16 | r->port[DST];
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
	if (is_icmp_error(r)) {
		event.to = host_get(w, r->addr[SRC]);
		take_error(w, r, last, &event);
		return;
	}
	if (last) {
		correct(w, last, r);
		return;
	}
	if (r->again)
		return; /* began too long ago */
	event.to = host_get(w, r->addr[DST]);
	event.refused = is_refused(r);
	event.silent = is_silent(r);
	event.half = is_half_open(r);
	event.pair = key_get(w, &w->pair, from, event.to);
	event.service = key_get(w, &w->service, event.pair, ports);
	if (record_has_ports(r))
		event.port = key_get(w, &w->port, from, ports);
	push(w, &event);
}

/* The counters as they stand, for the record's actor, other end and service. */
static void read_counts(
	const struct window *w, const struct record *r, uint32_t from, struct feature_source *s)
{
	const struct host *host = &w->host[from];
	uint32_t to = host_find(w, record_actor(r) == r->addr[SRC] ? r->addr[DST] : r->addr[SRC]);
	uint32_t pair = to == NONE ? NONE : key_find(w, &w->pair, from, to);
	uint32_t service = pair == NONE ? NONE
					: key_find(w, &w->service, pair,
						  (uint32_t)r->proto << 16 | r->port[DST]);

	for (int what = COUNT_FLOWS_OF; what <= COUNT_SILENT_OF; what++)
		memcpy(s->count[what], host->count[what], sizeof(s->count[what]));
	for (int what = COUNT_FLOWS_TO; to != NONE && what <= COUNT_HALF_TO; what++)
		memcpy(s->count[what], w->host[to].count[what], sizeof(s->count[what]));
	if (service != NONE)
		memcpy(s->count[COUNT_FLOWS_PAIR], w->service.pool[service].count,
			sizeof(s->count[COUNT_FLOWS_PAIR]));
}

void feature_row(struct window *w, const struct record *r, struct row *row)
{
	struct feature_source s = {.r = r};
	double longest = window_seconds[WINDOWS - 1];
	struct host *host;
	uint32_t from;

	if (r->at_ns > w->now)
		w->now = r->at_ns;
	expire(w);
	from = host_get(w, record_actor(r));
	host = &w->host[from];
	s.gap = host->record_ns ? (double)(w->now - host->record_ns) * 1e-9 : longest;
	if (s.gap > longest)
		s.gap = longest;
	host->record_ns = w->now;
	take(w, r, from);
	read_counts(w, r, from, &s);
	s.service = service_name(&w->services, r);

	for (unsigned i = 0; i < feature_count; i++)
		row->value[i] = features[i].get ? features[i].get(&s, features[i].arg) : NAN;
	memcpy(row->addr, r->addr, sizeof(row->addr));
	memcpy(row->port, r->port, sizeof(row->port));
	memcpy(row->actor, host->addr, 16);
	row->at_ns = r->at_ns;
	row->flow_id = r->flow_id;
	row->label = -1;
}

/* ---- making and freeing ---- */

static bool table_new(struct key_table *t, uint32_t keys, uint32_t buckets)
{
	t->pool = calloc(keys, sizeof(*t->pool));
	t->bucket = malloc(buckets * sizeof(*t->bucket));
	t->free = NONE;
	if (!t->pool || !t->bucket)
		return false;
	memset(t->bucket, 0xff, buckets * sizeof(*t->bucket));
	return true;
}

static size_t buckets_for(uint32_t events)
{
	size_t buckets = MIN_EVENTS;

	while (buckets < events)
		buckets *= 2;
	return buckets;
}

struct window *window_new(uint32_t events)
{
	struct window *w = calloc(1, sizeof(*w));
	size_t buckets;

	if (!w)
		return NULL;
	w->events = events == 0 ? DEFAULT_EVENTS : events < MIN_EVENTS ? MIN_EVENTS : events;
	buckets = buckets_for(w->events);
	w->mask = (uint32_t)buckets - 1;
	/* So that nobody can choose addresses that fall into one bucket. */
	if (getrandom(&w->seed, sizeof(w->seed), 0) != sizeof(w->seed))
		w->seed = (uintptr_t)w;
	w->host_free = w->oldest = w->newest = NONE;
	w->ring = calloc(w->events, sizeof(*w->ring));
	w->host = calloc(w->events, sizeof(*w->host));
	w->flow_bucket = malloc(buckets * sizeof(*w->flow_bucket));
	w->host_bucket = malloc(buckets * sizeof(*w->host_bucket));
	if (!w->ring || !w->host || !w->flow_bucket || !w->host_bucket ||
		!table_new(&w->port, w->events, (uint32_t)buckets) ||
		!table_new(&w->pair, w->events, (uint32_t)buckets) ||
		!table_new(&w->service, w->events, (uint32_t)buckets)) {
		window_free(w);
		return NULL;
	}
	memset(w->flow_bucket, 0xff, buckets * sizeof(*w->flow_bucket));
	memset(w->host_bucket, 0xff, buckets * sizeof(*w->host_bucket));
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
	free(w->ring);
	free(w->host);
	free(w->flow_bucket);
	free(w->host_bucket);
	free(w->port.pool);
	free(w->port.bucket);
	free(w->pair.pool);
	free(w->pair.bucket);
	free(w->service.pool);
	free(w->service.bucket);
	free(w);
}

uint64_t window_forgotten(const struct window *w)
{
	return w->forgotten;
}
