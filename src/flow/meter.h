/* The meter: what a packet does to its flow, and when a flow is reported. One source for the
 * kernel and for the user-space table, so that both make the same records of the same packets.
 *
 * The life of a flow:
 * - LOOK at 1 s after its first packet and then every 5 s, whenever packets came since it was last
 *   shown.
 * - CLOSED at once when its protocol ends it: RST, or FIN both ways and both acknowledged. It then
 *   lingers for late packets.
 * - FINAL and out of the table when it is closed and no packet came for 2 s, or when a SYN opens a
 *   closed flow's ports anew.
 * - A record spans less than 60 s: FINAL at the first packet or sweep 60 s after its start. The
 *   counters start again, what is known of the connection stays.
 * - A flow whose record is over is forgotten unless its next packet comes within another 60 s
 *   (TCP), 5 s (ICMP, ARP) or 30 s (all else), as in the data: a later packet begins a new flow. A
 *   TCP connection that was completed may rest for 300 s: keepalives are that far apart.
 * A packet that comes when the sweep is late ends the record just as the sweep would have, so that
 * FINAL records do not depend on when the sweep runs.
 *
 * A gateway sees a packet at several hooks: at the ingress of one interface, the egress of another.
 * Each direction of a flow belongs to the hook that carried it first, which is the one that a
 * packet meets first; what comes at another is a copy, unless the hook it belongs to has been
 * silent for 1 s: then the traffic has moved, and the direction with it. What no copy can be moves
 * it at once: TCP data that was not seen before, a SYN that opens a closed flow's ports anew. */
#ifndef KARMA_FLOW_METER_H
#define KARMA_FLOW_METER_H

#include "flow/decode.h"

#define METER_SECOND 1000000000ull
#define METER_RECORD_NS (60 * METER_SECOND)
#define METER_LOOK_FIRST_NS (1 * METER_SECOND)
#define METER_LOOK_NEXT_NS (5 * METER_SECOND)
#define METER_REST_OPEN_NS (300 * METER_SECOND)
#define METER_REST_TCP_NS (60 * METER_SECOND)
#define METER_REST_NS (30 * METER_SECOND)
#define METER_REST_SHORT_NS (5 * METER_SECOND)
#define METER_LINGER_NS (2 * METER_SECOND)
#define METER_GAP_NS (120 * METER_SECOND)
#define METER_TAKEOVER_NS (1 * METER_SECOND)

/* What a packet led to; returned by flow_meter(), and expected by flow_expect(). */
enum {
	METER_ENDED = 1 << 0,   /* the record before this packet was reported FINAL */
	METER_CLOSED = 1 << 1,  /* the packet closed the flow: reported CLOSED */
	METER_BEGUN = 1 << 2,   /* a flow begins with this packet */
	METER_NO_ROOM = 1 << 3, /* a report was due and there was no room: it stays due */
	METER_TIME = 1 << 4,    /* stamped earlier than the flow's last packet */
};

/* What time asks of a flow. */
enum flow_due {
	DUE_NOTHING,
	DUE_LOOK,  /* report LOOK */
	DUE_CUT,   /* report FINAL, the flow goes on */
	DUE_LEAVE, /* report FINAL if it has packets in this record, then delete it */
};

/* Has this record no packet yet? */
KARMA_INLINE int flow_empty(const struct flow *f)
{
	return (FRESH(f->bits) & (FLOW_NEWS | FLOW_SHOWN)) == 0;
}

/* Has it packets that no report has shown? */
KARMA_INLINE int flow_news(const struct flow *f)
{
	return (FRESH(f->bits) & FLOW_NEWS) != 0;
}

/* When it leaves the table if no packet comes. */
KARMA_INLINE __u64 flow_end_ns(const struct flow *f, const struct flow_key *key)
{
	__u64 rest = METER_REST_NS;

	if (f->bits & FLOW_CLOSED)
		return f->last_ns + METER_LINGER_NS;
	if (key->proto == PROTO_TCP)
		rest = f->bits & FLOW_ESTABLISHED ? METER_REST_OPEN_NS : METER_REST_TCP_NS;
	else if (key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6 || key->net == NET_ARP)
		rest = METER_REST_SHORT_NS;
	return f->first_ns + METER_RECORD_NS + rest;
}

/* What is due at `now`, which may lie before the flow's last packet (stamped on another CPU). */
KARMA_INLINE enum flow_due flow_due(const struct flow *f, const struct flow_key *key, __u64 now)
{
	if (!(f->bits & FLOW_BEGUN) || now <= f->last_ns)
		return DUE_NOTHING;
	if ((f->bits & FLOW_CLOSED) || now - f->first_ns >= METER_RECORD_NS) {
		if (now >= flow_end_ns(f, key))
			return DUE_LEAVE;
		if (flow_empty(f))
			return DUE_NOTHING;
		if (now - f->first_ns >= METER_RECORD_NS)
			return DUE_CUT;
	}
	return flow_news(f) && now >= f->look_ns ? DUE_LOOK : DUE_NOTHING;
}

/* The earliest time at which something may be due if no packet comes. A packet only moves it
 * later, except that it may make a flow that was shown worth a look, or close it. For timer
 * queues. */
KARMA_INLINE __u64 flow_deadline(const struct flow *f, const struct flow_key *key)
{
	__u64 at = flow_end_ns(f, key);

	if (!flow_empty(f) && f->first_ns + METER_RECORD_NS < at)
		at = f->first_ns + METER_RECORD_NS;
	if (flow_news(f) && f->look_ns < at)
		at = f->look_ns > f->last_ns ? f->look_ns : f->last_ns + 1;
	return at;
}

/* ---- reports ---- */

/* A copy of all but the lock. */
KARMA_INLINE void flow_report_fill(struct flow_report *r, const struct flow_key *key,
	const struct flow *f, __u64 at_ns, enum record_event event)
{
	r->key = *key;
	r->at_ns = at_ns;
	r->event = event;
	r->zero = 0;
	__builtin_memcpy(&r->flow, f, sizeof(*f));
	r->flow.lock = 0;
	r->flow.bits &= ~FLOW_DONE_BITS;
}

KARMA_INLINE void flow_mark_shown(struct flow *f, __u64 at_ns)
{
	if (flow_news(f))
		f->bits = (f->bits & ~FLOW_NEWS) | FLOW_SHOWN;
	f->look_ns = at_ns + METER_LOOK_NEXT_NS;
}

/* ---- beginning and cutting ---- */

KARMA_INLINE void side_clear_record(struct flow_side *s)
{
	s->packets = 0;
	s->bytes = 0;
	s->payload = 0;
	s->first_ns = 0;
	s->gap_us2 = 0;
	s->gap_us = 0;
	s->gaps = 0;
	s->lost = 0;
	for (int i = 0; i < FLAGS; i++)
		s->flags[i] = 0;
	for (int i = 0; i < FLOW_SIZES; i++)
		s->size[i] = 0;
	s->sizes = 0;
	s->data_len = 0;
	__builtin_memset(s->data, 0, sizeof(s->data));
}

/* Where the numbers of a side stand at a cut, as in Argus: behind its last data; its SYN if it sent
 * no data, its FIN does not count. */
KARMA_INLINE __u32 side_base(const struct flow *f, int side)
{
	const struct flow_side *s = &f->side[side];
	__u32 end = s->next_seq - !!(f->bits & (side ? FLOW_FIN1 : FLOW_FIN0));

	return s->flags[FLAG_SYN] && end == s->seq + 1 ? s->seq : end;
}

/* Start the next record of a flow: the counters begin again. What stays: who opened it, how far it
 * is, the handshake's times (Argus repeats them in every record), windows, sequence numbers. */
KARMA_INLINE void flow_cut(struct flow *f)
{
	for (int s = 0; s < 2; s++) {
		f->side[s].seq = side_base(f, s);
		side_clear_record(&f->side[s]);
	}
	f->bits &= ~(FLOW_FRAGMENT | FLOW_NEWS | FLOW_SHOWN);
	f->part++;
}

/* A flow of which `p` is the first packet; flow_update() then counts it. */
KARMA_INLINE void flow_begin(struct flow *f, const struct packet *p)
{
	for (int s = 0; s < 2; s++) {
		side_clear_record(&f->side[s]);
		f->side[s].seq = 0;
		f->side[s].next_seq = 0;
		f->side[s].window = 0;
		f->side[s].ttl = 0;
		f->side[s].last_ns = 0;
		f->side[s].wscale = WSCALE_NONE;
		f->side[s].hook = 0;
	}
	f->bits &= FLOW_DONE_BITS;
	f->bits |= FLOW_BEGUN | (p->from ? FLOW_FROM1 : 0) | (p->total ? FLOW_TOTAL : 0);
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		f->bits |= FLOW_LEAD_SYNACK;
	f->start_ns = p->ns;
	f->first_ns = p->ns;
	f->last_ns = p->ns;
	f->look_ns = p->ns + METER_LOOK_FIRST_NS;
	f->syn_ns = 0;
	f->synack_ns = 0;
	f->synack_gap = 0;
	f->ackdat_gap = 0;
	f->part = 0;
	f->ifindex = FLOW_HOOK_INTERFACE(p->hook);
	f->icmp_type = p->icmp_type;
	f->icmp_code = p->icmp_code;
}

/* ---- a packet ---- */

/* The side of a flow that sent a packet. */
KARMA_INLINE __u32 flow_side_of(const struct flow *f, const struct packet *p)
{
	return FRESH(p->from) != ((FRESH(f->bits) & FLOW_FROM1) != 0);
}

/* Does it open a closed flow's ports anew? */
KARMA_INLINE int flow_reopens(const struct flow *f, const struct packet *p)
{
	return (FRESH(f->bits) & FLOW_CLOSED) &&
	       (FRESH(p->flags) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Is a packet that comes at another hook than its side's the copy of one that was metered there? */
KARMA_INLINE int side_copied(
	const struct flow *f, const struct flow_side *s, const struct packet *p)
{
	__s64 silent = p->ns - s->last_ns;

	if (!(FRESH(f->bits) & FLOW_BEGUN) || !s->hook || silent >= (__s64)METER_TAKEOVER_NS)
		return 0;
	if (p->key.proto != PROTO_TCP || p->fragment == FRAGMENT_LATER)
		return 1;
	if (flow_reopens(f, p))
		return 0;
	return !p->payload || (FRESH(p->flags) & TCP_RST) ||
	       (__s32)(p->seq + p->payload - s->next_seq) <= 0;
}

/* Has the packet been metered already, at another hook? Then it is not to be metered. */
KARMA_INLINE int flow_again(const struct flow *f, const struct packet *p)
{
	__u32 side = flow_side_of(f, p);
	const struct flow_side *s;

	OPAQUE(side);
	s = &f->side[side & 1];
	return s->hook != p->hook && side_copied(f, s, p);
}

KARMA_INLINE void side_gap(struct flow_side *s, __u64 now)
{
	__u64 us = now / 1000 - s->last_ns / 1000;

	if (us == 0 || us >= METER_GAP_NS / 1000)
		return;
	s->gaps++;
	s->gap_us += us;
	s->gap_us2 += us * us;
}

KARMA_INLINE void side_flag(struct flow_side *s, const struct packet *p, int flag, __u32 packets)
{
	__u32 sum = s->flags[flag] + packets;

	if (FRESH(p->flags) & 1 << flag)
		s->flags[flag] = sum < 65535 ? sum : 65535;
}

/* The sizes of the first packets that carry payload, a super-packet's one by one. */
KARMA_INLINE void side_sizes(struct flow_side *s, const struct packet *p)
{
	__u32 left = p->payload;
	__u32 most = p->segment_size ? p->segment_size : left;

	for (int i = 0; i < FLOW_SIZES; i++) {
		__u32 size = left < most ? left : most;

		if (i < s->sizes)
			continue;
		if (!left)
			break;
		s->size[i] = size < 65535 ? size : 65535;
		s->sizes = i + 1;
		left -= size;
	}
}

/* Append to the first payload bytes of the direction. Where there are `have` already, the packet's
 * zeros and data, read from `have` bytes before its data on, are added: no branch for the verifier
 * to follow 64 times. */
KARMA_INLINE void side_data(struct flow_side *s, const struct packet *p)
{
	const __u8 *from = (const __u8 *)p + __builtin_offsetof(struct packet, zero);
	__u32 have = s->data_len;
	__u32 sum = have + p->data_len;

	if (have >= FLOW_PAYLOAD || p->data_len == 0)
		return;
	if (have == 0) {
		__builtin_memcpy(s->data, p->data, FLOW_PAYLOAD);
	} else {
		from += (FLOW_PAYLOAD - have) & (FLOW_PAYLOAD - 1);
		for (int i = 0; i < FLOW_PAYLOAD; i++)
			s->data[i] |= from[i];
	}
	s->data_len = sum < FLOW_PAYLOAD ? sum : FLOW_PAYLOAD;
}

/* The handshake: SYN, SYN-ACK, the ACK that completes it. */
KARMA_INLINE void tcp_handshake(struct flow *f, const struct packet *p, int side, __u64 now)
{
	int synack_side = (FRESH(f->bits) & FLOW_SYNACK1) != 0;

	if ((FRESH(p->flags) & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		if (!(FRESH(f->bits) & FLOW_SYN))
			f->bits |= FLOW_SYN | (side ? FLOW_SYN1 : 0);
		if (!(FRESH(f->bits) & FLOW_SYNACK))
			f->syn_ns = now;
	} else if (FRESH(p->flags) & TCP_SYN) {
		if (!(FRESH(f->bits) & FLOW_SYNACK)) {
			f->bits |= FLOW_SYNACK | (side ? FLOW_SYNACK1 : 0);
			if (FRESH(f->bits) & FLOW_SYN)
				f->synack_gap = now - f->syn_ns;
		}
		if (!(FRESH(f->bits) & FLOW_ESTABLISHED))
			f->synack_ns = now;
	} else if ((FRESH(p->flags) & (TCP_ACK | TCP_RST)) == TCP_ACK &&
		   (FRESH(f->bits) & FLOW_SYNACK) && !(FRESH(f->bits) & FLOW_ESTABLISHED) &&
		   side != synack_side) {
		f->bits |= FLOW_ESTABLISHED;
		/* Data may have waited; without the SYN the half would pass for the whole. */
		if (!p->payload && (FRESH(f->bits) & FLOW_SYN))
			f->ackdat_gap = now - f->synack_ns;
	}
}

/* Sequence numbers and repeated packets. Returns whether the packet's data were seen before. */
KARMA_INLINE int tcp_sequence(struct flow *f, struct flow_side *s, const struct packet *p, int side)
{
	int known = (FRESH(f->bits) & (side ? FLOW_SEQ1 : FLOW_SEQ0)) != 0;
	__u32 next = p->seq + p->payload;
	int repeated = 0;

	if (FRESH(p->flags) & TCP_SYN) {
		repeated = known;
		next++;
		s->wscale = p->wscale;
	} else {
		repeated = known && p->payload && (__s32)(p->seq - s->next_seq) < 0;
	}
	if (!known)
		s->seq = p->seq;
	if (FRESH(p->flags) & TCP_FIN)
		next++;
	if (repeated)
		s->lost += p->segments;
	/* The number of an RST is often made up, a bare ACK may be a probe: they move nothing. */
	if (!known || (FRESH(p->flags) & TCP_SYN) ||
		((p->payload || (FRESH(p->flags) & TCP_FIN)) && !(FRESH(p->flags) & TCP_RST) &&
			(__s32)(next - s->next_seq) > 0))
		s->next_seq = next;
	f->bits |= side ? FLOW_SEQ1 : FLOW_SEQ0;
	return repeated;
}

/* Whether the connection is over with this packet. */
KARMA_INLINE void tcp_close(struct flow *f, const struct packet *p, int side, __u32 peer_next)
{
	const __u32 both = FLOW_FINACK0 | FLOW_FINACK1;

	if (FRESH(p->flags) & TCP_FIN)
		f->bits |= side ? FLOW_FIN1 : FLOW_FIN0;
	if ((FRESH(p->flags) & TCP_ACK) && (__s32)(p->ack - peer_next) >= 0) {
		if (side && (FRESH(f->bits) & FLOW_FIN0))
			f->bits |= FLOW_FINACK0;
		if (!side && (FRESH(f->bits) & FLOW_FIN1))
			f->bits |= FLOW_FINACK1;
	}
	if (FRESH(p->flags) & TCP_RST)
		f->bits |= FLOW_RST;
	if (FRESH(f->bits) & FLOW_CLOSED)
		return;
	if ((FRESH(p->flags) & TCP_RST) || (FRESH(f->bits) & both) == both)
		f->bits |= FLOW_CLOSED | FLOW_CLOSES;
}

KARMA_INLINE int side_tcp(struct flow *f, struct flow_side *s, const struct flow_side *peer,
	const struct packet *p, int side, __u64 now)
{
	int repeated = tcp_sequence(f, s, p, side);

	tcp_handshake(f, p, side, now);
	/* A super-packet's ACK is on all of its segments, the rest on one of them. */
#ifdef __bpf__
	for (int i = 0; i < FLAGS; i++)
		side_flag(s, p, i, i == FLAG_ACK ? p->segments : 1);
#else
	for (unsigned flags = p->flags; flags; flags &= flags - 1) {
		int i = __builtin_ctz(flags);

		side_flag(s, p, i, i == FLAG_ACK ? p->segments : 1);
	}
#endif
	if (p->window && !(FRESH(p->flags) & TCP_RST) &&
		(!(FRESH(p->flags) & TCP_FIN) || (side == 0 && !s->packets && !f->part)))
		s->window = p->window;
	tcp_close(f, p, side, peer->next_seq);
	return repeated;
}

/* Count a packet at `now` (its time, not before the flow's last). */
KARMA_INLINE void flow_update(struct flow *f, const struct packet *p, __u64 now)
{
	__u32 side = flow_side_of(f, p);
	struct flow_side *s, *peer;
	int repeated = 0;

	OPAQUE(side);
	s = &f->side[side & 1];
	peer = &f->side[~side & 1];
	if (flow_empty(f))
		f->first_ns = now;
	f->last_ns = now;
	f->bits |= FLOW_NEWS;
	if (p->fragment)
		f->bits |= FLOW_FRAGMENT;
	if (p->key.proto == PROTO_TCP && p->fragment != FRAGMENT_LATER)
		repeated = side_tcp(f, s, peer, p, side, now);
	/* Has this side spoken before? Side 0 has in every record but the first. */
	if (s->packets || (side ? f->bits & FLOW_ANSWERED : f->part))
		side_gap(s, now);
	if (side)
		f->bits |= FLOW_ANSWERED;
	if (!s->packets)
		s->first_ns = now;
	s->last_ns = now;
	s->packets += p->segments;
	s->bytes += p->length;
	s->payload += p->payload;
	s->ttl = p->ttl;
	s->hook = p->hook;
	if (p->payload && !repeated) {
		side_sizes(s, p);
		side_data(s, p);
	}
}

/* Does the record before this packet end with it? DUE_CUT: the flow goes on; DUE_LEAVE: another
 * flow begins. */
KARMA_INLINE enum flow_due flow_arrival(const struct flow *f, const struct packet *p)
{
	enum flow_due due = flow_due(f, &p->key, p->ns);

	if (due == DUE_LEAVE)
		return due;
	if (flow_reopens(f, p))
		return DUE_LEAVE;
	return due == DUE_CUT ? due : DUE_NOTHING;
}

/* The reports that a packet may lead to (METER_ENDED, METER_CLOSED): never one too few as long as
 * no other CPU changes the flow, now and then one too many. So that the kernel can make room
 * before it takes the lock. */
KARMA_INLINE unsigned flow_expect(const struct flow *f, const struct packet *p)
{
	const __u32 fins = FLOW_FIN0 | FLOW_FIN1;
	unsigned expect = 0;
	int renew;

	if (FRESH(f->bits) & FLOW_BEGUN) {
		enum flow_due due = flow_arrival(f, p);

		if (due != DUE_NOTHING && !flow_empty(f))
			expect |= METER_ENDED;
		renew = due == DUE_LEAVE;
	} else {
		renew = 1;
	}
	if (renew ? FRESH(p->flags) & TCP_RST
		  : !(FRESH(f->bits) & FLOW_CLOSED) &&
				((FRESH(p->flags) & TCP_RST) || (FRESH(f->bits) & fins) == fins))
		expect |= METER_CLOSED;
	return expect;
}

/* Meter a packet (unless flow_again()): end what it ends, begin what it begins, count it, close
 * what it closes. `ended` and `closed` are room for the reports, NULL where there is none: then
 * that report stays due (METER_NO_ROOM) and the packet is counted in the record that should have
 * ended. Returns METER_* bits; a report is filled where METER_ENDED or METER_CLOSED says so. */
KARMA_INLINE unsigned flow_meter(struct flow *f, const struct packet *p, struct flow_report *ended,
	struct flow_report *closed)
{
	enum flow_due due = flow_arrival(f, p);
	__u64 now = p->ns;
	unsigned done;

	/* What was done is noted in the flow, not in a variable, for the same reason as FRESH(). */
	if (due != DUE_NOTHING && !flow_empty(f)) {
		if (ended) {
			flow_report_fill(ended, &p->key, f, now, RECORD_FINAL);
			f->bits |= METER_ENDED << FLOW_DONE;
		} else {
			f->bits |= METER_NO_ROOM << FLOW_DONE;
			due = DUE_NOTHING;
		}
	}
	if (due == DUE_CUT)
		flow_cut(f);
	if (due == DUE_LEAVE || !(FRESH(f->bits) & FLOW_BEGUN)) {
		flow_begin(f, p);
		f->bits |= METER_BEGUN << FLOW_DONE;
	}
	if (now < f->last_ns) {
		now = f->last_ns;
		f->bits |= METER_TIME << FLOW_DONE;
	}
	flow_update(f, p, now);
	if (FRESH(f->bits) & FLOW_CLOSES) {
		f->bits &= ~FLOW_CLOSES;
		if (closed) {
			flow_report_fill(closed, &p->key, f, now, RECORD_CLOSED);
			flow_mark_shown(f, now);
			f->bits |= METER_CLOSED << FLOW_DONE;
		} else {
			f->bits |= METER_NO_ROOM << FLOW_DONE;
		}
	}
	done = FRESH(f->bits) >> FLOW_DONE;
	if (done)
		f->bits &= ~FLOW_DONE_BITS;
	return done;
}

/* ---- the sweep ---- */

/* Does what is due need room for a report? */
KARMA_INLINE int flow_due_reports(const struct flow *f, enum flow_due due)
{
	return due == DUE_LOOK || due == DUE_CUT || (due == DUE_LEAVE && !flow_empty(f));
}

/* Do what is due (from flow_due(); DUE_LEAVE to close a flow at the end of a run). `report` is
 * where a report goes if flow_due_reports() says that there is one; where it is NULL then, nothing
 * is done and what was due stays due. Returns whether the report was filled. After DUE_LEAVE, done
 * or nothing to report, FLOW_GONE is set and the caller deletes the flow. */
KARMA_INLINE int flow_do(struct flow *f, const struct flow_key *key, enum flow_due due, __u64 at_ns,
	struct flow_report *report)
{
	int reports = flow_due_reports(f, due);

	if (reports) {
		if (!report)
			return 0;
		flow_report_fill(
			report, key, f, at_ns, due == DUE_LOOK ? RECORD_LOOK : RECORD_FINAL);
	}
	if (due == DUE_LOOK)
		flow_mark_shown(f, at_ns);
	else if (due == DUE_CUT)
		flow_cut(f);
	else if (due == DUE_LEAVE)
		f->bits |= FLOW_GONE;
	return reports;
}

#endif
