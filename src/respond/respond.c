#include "respond/respond_inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detect/detect.h"
#include "respond/surroundings.h"
#include "util/clock.h"
#include "util/number.h"
#include "util/rng.h"

enum { SUSPECTS = 4096 };

static const int64_t second = 1000000000LL;

/* Sessions and DNS servers say nothing when they change: how often they are looked at. */
static const int64_t look_ns = 2 * 1000000000LL;

/* Looking takes no more of the time than one part in so many. */
static const int64_t look_share = 50;

void respond_defaults(struct respond_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->policy = policy_defaults;
	strcpy(s->pin, "/sys/fs/bpf/karma");
}

/* ---- time: the policy's stands still for nobody who sets the clock ---- */

int64_t respond_now(void)
{
	return (int64_t)clock_now(CLOCK_BOOTTIME);
}

static int64_t wall_ahead(void)
{
	return (int64_t)clock_now(CLOCK_REALTIME) - respond_now();
}

int64_t respond_wall(int64_t ns)
{
	return ns + wall_ahead();
}

static void tell(const struct respond *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct respond *r, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	r->calls.tell(r->calls.context, line);
}

/* ---- the filter ---- */

/* Who put an entry there, as the kernel's note of it says. */
enum { NOTE_ALERT, NOTE_PERSON, NOTE_ALERT_UNPROVEN };

static struct filter_prefix prefix_of(const struct policy_what *what)
{
	struct filter_prefix p = {.bits = what->bits};

	memcpy(p.addr, what->addr, sizeof(p.addr));
	return p;
}

static struct filter_note note_of(const struct policy_entry *e)
{
	return (struct filter_note){.since_ns = respond_wall(e->since_ns),
		.until_ns = e->until_ns ? respond_wall(e->until_ns) : 0,
		.alert = e->alert,
		.class = (uint8_t)e->class,
		.by = e->by == POLICY_BY_PERSON ? NOTE_PERSON
		      : e->proven               ? NOTE_ALERT
						: NOTE_ALERT_UNPROVEN,
		.times = e->times,
		.uid = e->uid};
}

static struct filter_limit limit_of(const struct respond *r, const struct policy_entry *e)
{
	struct filter_limit l = {.proto = e->what.proto,
		.opens = e->what.opens,
		.port = e->what.port,
		.rate = r->s->policy.rate,
		.burst = r->s->policy.burst,
		.note = note_of(e)};

	memcpy(l.addr, e->what.addr, sizeof(l.addr));
	return l;
}

struct limit_search {
	struct filter_limit limit;
	bool found;
};

static int is_limit(void *context, const struct filter_limit *l)
{
	struct limit_search *s = context;

	s->found = memcmp(l->addr, s->limit.addr, sizeof(l->addr)) == 0 &&
		   l->proto == s->limit.proto && l->port == s->limit.port &&
		   l->opens == s->limit.opens;
	if (s->found)
		s->limit = *l;
	return s->found;
}

struct filter_counts respond_counts(const struct respond *r, const struct policy_entry *e)
{
	struct filter_prefix what = prefix_of(&e->what);
	struct filter_entry entry = {0};
	struct limit_search search = {.limit = limit_of(r, e)};

	if (!r->filter || e->dry)
		return (struct filter_counts){0, 0};
	if (e->what.kind == POLICY_ADDRESS) {
		filter_get(r->filter, &what, &entry);
		return entry.counts;
	}
	filter_each_limit(r->filter, is_limit, &search);
	return search.limit.counts;
}

static int enforce(const struct respond *r, const struct policy_entry *e, enum policy_event event)
{
	struct filter_prefix what = prefix_of(&e->what);
	struct filter_limit limit = limit_of(r, e);
	struct filter_note note = note_of(e);
	bool add = event != POLICY_REMOVE;

	if (!r->filter || e->dry)
		return 0;
	if (e->what.kind == POLICY_PORT)
		return add ? filter_limit(r->filter, &limit) : filter_unlimit(r->filter, &limit);
	return add ? filter_add(r->filter, &what, &note) : filter_del(r->filter, &what);
}

/* ---- the policy's calls ---- */

static const char *protects(void *respond, const struct policy_what *what)
{
	const struct respond *r = respond;

	return protected_find(&r->list, what->addr, what->bits);
}

static uint64_t packets(void *respond, const struct policy_entry *e)
{
	return respond_counts(respond, e).packets;
}

static int change(void *respond, const struct policy_entry *e, enum policy_event event,
	enum policy_why why, uint32_t uid)
{
	struct respond *r = respond;
	struct block_change c = {.event = event,
		.why = why,
		.entry = *e,
		.uid = uid,
		.at_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	int err;

	if (event != POLICY_ADD)
		c.counts = respond_counts(r, e);
	err = enforce(r, e, event);
	if (err < 0 && event == POLICY_ADD)
		return err;
	c.entry.since_ns = respond_wall(e->since_ns);
	c.entry.until_ns = e->until_ns ? respond_wall(e->until_ns) : 0;
	if (r->queued == RESPOND_QUEUE)
		respond_tell(r);
	r->queue[r->queued++] = c;
	return 0;
}

void respond_tell(struct respond *r)
{
	unsigned n = r->queued;

	r->queued = 0;
	for (unsigned i = 0; i < n; i++)
		r->calls.change(r->calls.context, &r->queue[i]);
}

/* ---- who is protected ---- */

static bool kernel_needs(enum protected_why why)
{
	return why == PROTECTED_OWN || why == PROTECTED_GATEWAY || why == PROTECTED_DNS ||
	       why == PROTECTED_SESSION || why == PROTECTED_ALLOWED;
}

/* The kernel lets them through whatever the list says. */
static void allow(struct respond *r)
{
	struct filter_prefix *all = calloc(r->list.count + 1, sizeof(*all));
	uint32_t n = 0;
	int err = all ? 0 : -ENOMEM;

	for (uint32_t i = 0; all && i < r->list.count; i++) {
		if (!kernel_needs(r->list.one[i].why))
			continue;
		memcpy(all[n].addr, r->list.one[i].what.addr, sizeof(all[n].addr));
		all[n++].bits = r->list.one[i].what.bits;
	}
	if (!err)
		err = filter_allow(r->filter, all, n);
	if (err < 0 && !r->allow_failed)
		tell(r, "the kernel's allow list takes not all who are protected: %s",
			strerror(-err));
	r->allow_failed = err < 0;
	free(all);
}

static void count_lost(struct respond *r)
{
	r->lost++;
	if (!r->lost_told)
		tell(r, "who must not be blocked could not all be looked up (addresses, routes; "
			"login sessions, which needs CAP_SYS_PTRACE): name them in the "
			"configuration's allow list");
	r->lost_told = true;
}

/* By the configuration, and by hand. */
static void add_allowed(const struct respond *r, struct protected_list *l)
{
	uint32_t n = 0;
	const struct allowed_one *one = r->allowed ? allowed_all(r->allowed, &n) : NULL;

	for (uint32_t i = 0; i < r->s->allows; i++)
		protected_add(l, r->s->allow[i].addr, r->s->allow[i].bits, PROTECTED_ALLOWED);
	for (uint32_t i = 0; i < n; i++)
		protected_add(l, one[i].what.addr, one[i].what.bits, PROTECTED_ALLOWED);
}

/* Look at them again. */
static void look(struct respond *r, int64_t now_ns)
{
	struct protected_list new = {.at_ns = now_ns};
	unsigned failed;
	bool same;

	add_allowed(r, &new);
	failed = surroundings_read(&new);
	protected_add_fixed(&new);
	protected_keep(&new, &r->list, failed);
	if (failed || new.lost)
		count_lost(r);
	same = protected_same(&new, &r->list);
	protected_free(&r->list);
	r->list = new;
	r->looked_ns = now_ns;
	r->look_next_ns = now_ns + (respond_now() - now_ns) * look_share;
	r->moved = false;
	if (same)
		return;
	if (r->filter)
		allow(r);
	policy_recheck(r->policy, now_ns);
}

void respond_change(struct respond *r)
{
	const struct respond_settings *s = r->s;
	int err = 0;

	policy_change(r->policy, &s->policy);
	if (r->filter)
		err = filter_allow_macs(r->filter, (const uint8_t(*)[6])s->mac, s->macs);
	if (err < 0)
		tell(r, "the allowed hardware addresses find no room: %s", strerror(-err));
	look(r, respond_now());
	respond_tell(r);
}

/* ---- interfaces ---- */

static int attach(struct respond *r, unsigned i, struct error *e)
{
	const char *name = r->interfaces->name[i], *mode = "";
	struct interface now;
	int err = interface_look(name, &now, e);

	if (!err)
		err = filter_attach(r->filter, now.ifindex, now.is_ip, &mode, e);
	if (err)
		return err;
	r->attached[i] = now.ifindex;
	r->mode[i] = mode;
	tell(r, "blocking on %s: %s XDP", name, mode);
	return 0;
}

static void follow_interfaces(struct respond *r)
{
	for (unsigned i = 0; i < r->interfaces->count; i++) {
		int now = (int)if_nametoindex(r->interfaces->name[i]);
		struct error e = {""};

		if (now == r->attached[i] || now == r->refused[i])
			continue;
		r->attached[i] = 0;
		if (now && attach(r, i, &e) < 0) {
			r->refused[i] = now;
			tell(r, "nothing is blocked on %s: %s", r->interfaces->name[i], e.text);
		}
	}
}

/* ---- what was pinned ---- */

/* Entries are gathered first: what is not taken is deleted. */
struct taking {
	struct respond *r;
	struct policy_entry *entry;
	uint32_t count, room;
};

static int gather(struct taking *t, const struct policy_what *what, const struct filter_note *note)
{
	int64_t ahead = wall_ahead();
	struct policy_entry *more;

	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		more = realloc(t->entry, t->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->entry = more;
	}
	t->entry[t->count++] = (struct policy_entry){.what = *what,
		.since_ns = note->since_ns - ahead,
		.until_ns = note->until_ns ? note->until_ns - ahead : 0,
		.alert = note->alert,
		.class = (enum karma_class)note->class,
		.by = note->by == NOTE_PERSON ? POLICY_BY_PERSON : POLICY_BY_ALERT,
		.proven = note->by == NOTE_ALERT,
		.times = note->times,
		.uid = note->uid};
	return 0;
}

static int gather_entry(void *context, const struct filter_entry *e)
{
	struct policy_what what = {.bits = e->what.bits, .kind = POLICY_ADDRESS};

	memcpy(what.addr, e->what.addr, sizeof(what.addr));
	return gather(context, &what, &e->note);
}

static int gather_limit(void *context, const struct filter_limit *l)
{
	struct policy_what what = {.bits = 128,
		.kind = POLICY_PORT,
		.proto = l->proto,
		.opens = l->opens,
		.port = l->port};

	memcpy(what.addr, l->addr, sizeof(what.addr));
	return gather(context, &what, &l->note);
}

static int take_over(struct respond *r, struct error *e)
{
	struct taking t = {.r = r};
	uint32_t taken = 0;
	char number[NUMBER_TEXT];
	int err = filter_each(r->filter, gather_entry, &t);

	if (!err)
		err = filter_each_limit(r->filter, gather_limit, &t);
	for (uint32_t i = 0; i < t.count && !err; i++) {
		if (policy_take(r->policy, &t.entry[i], respond_now()) == 0)
			taken++;
		else
			enforce(r, &t.entry[i], POLICY_REMOVE);
	}
	free(t.entry);
	if (err)
		return error_set(e, err, "%s: the pinned block list cannot be read: %s", r->s->pin,
			strerror(-err));
	if (t.count)
		tell(r, "%s entries of the block list taken over", number_text(taken, number));
	return 0;
}

/* ---- the whole ---- */

static int open_filter(struct respond *r, struct error *e)
{
	/* What an earlier karma pinned is taken over, though it is not to be kept again. */
	struct filter_settings s = {.hosts = r->s->policy.entries + 1,
		.prefixes = r->s->policy.entries + 1,
		.limits = r->s->policy.limits,
		.allowed = PROTECTED_MOST};
	int err;

	r->kept_before = access(r->s->pin, F_OK) == 0;
	s.pin = r->s->keep || r->kept_before ? r->s->pin : NULL;
	err = filter_open(&r->filter, &s, e);
	if (!err)
		err = filter_allow_macs(r->filter, (const uint8_t(*)[6])r->s->mac, r->s->macs);
	if (err < 0 && !e->text[0])
		return error_set(
			e, err, "the allowed hardware addresses find no room: %s", strerror(-err));
	return err;
}

static int begin(struct respond *r, struct error *e)
{
	const struct policy_calls calls = {protects, change, packets, r};
	int err = 0;

	r->events = surroundings_events_open(e);
	if (r->events < 0)
		return r->events;
	r->policy = policy_new(&r->s->policy, &calls);
	r->pending = lru_new(DETECT_ALERTS, sizeof(uint64_t), sizeof(struct pending));
	r->suspects = lru_new(SUSPECTS, 16, sizeof(struct suspect));
	if (!r->policy || !r->pending || !r->suspects)
		return error_set(e, -ENOMEM, "not enough memory for the block list");
	if (!r->s->policy.dry_run)
		err = open_filter(r, e);
	if (err)
		return err;
	/* Before anything can be dropped that must not be. */
	look(r, respond_now());
	if (r->filter)
		err = take_over(r, e);
	for (unsigned i = 0; i < r->interfaces->count && r->filter && !err; i++)
		err = attach(r, i, e);
	if (r->filter && !err)
		filter_detach_others(r->filter, r->attached, r->interfaces->count);
	return err;
}

int respond_open(struct respond **respond, const struct respond_settings *s,
	const struct allowed *allowed, const struct interface_list *interfaces,
	const struct respond_calls *calls, struct error *e)
{
	struct respond *r = calloc(1, sizeof(*r));
	int err;

	*respond = NULL;
	if (!r)
		return error_set(e, -ENOMEM, "out of memory");
	r->s = s;
	r->allowed = allowed;
	r->calls = *calls;
	r->interfaces = interfaces;
	err = begin(r, e);
	if (err) {
		respond_undo(r);
		return err;
	}
	*respond = r;
	return 0;
}

static void end(struct respond *r, bool keep)
{
	if (!r)
		return;
	filter_close(r->filter, keep);
	policy_free(r->policy);
	lru_free(r->pending);
	lru_free(r->suspects);
	protected_free(&r->list);
	if (r->events >= 0)
		close(r->events);
	free(r);
}

void respond_close(struct respond *r)
{
	if (r)
		respond_tell(r);
	end(r, r && r->s->keep);
}

void respond_undo(struct respond *r)
{
	end(r, r && r->kept_before);
}

/* ---- time ---- */

void respond_poll(struct respond *r)
{
	int64_t now_ns = respond_now();

	r->moved |= interface_events_read(r->events, NULL, NULL);
	if (r->moved && r->filter)
		follow_interfaces(r);
	if (now_ns >= r->look_next_ns && (r->moved || now_ns - r->looked_ns >= look_ns))
		look(r, now_ns);
	if (now_ns - r->ticked_ns >= second) {
		r->ticked_ns = now_ns;
		policy_tick(r->policy, now_ns);
	}
	respond_tell(r);
}

void respond_allow(struct respond *r)
{
	look(r, respond_now());
	respond_tell(r);
}

struct policy *respond_policy(struct respond *r)
{
	return r->policy;
}

/* Of several the slower one. */
static const char *attached(const struct respond *r)
{
	const char *mode = "";

	for (unsigned i = 0; r->filter && i < r->interfaces->count; i++)
		if (r->attached[i] && strcmp(mode, "generic") != 0)
			mode = r->mode[i];
	return mode;
}

const struct filter *respond_filter(const struct respond *r)
{
	return r->filter;
}

void respond_stats(struct respond *r, struct respond_stats *s)
{
	struct filter_stats filter;

	if (r->filter && filter_stats(r->filter, &filter) == 0)
		r->filtered = filter;
	*s = (struct respond_stats){.filter = r->filtered,
		.is_protected = r->list.count,
		.protected_lost = r->lost,
		.attached = attached(r)};
	policy_stats(r->policy, &s->policy);
}
