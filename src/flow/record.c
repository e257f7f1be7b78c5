#include "flow/record.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* ---- the flow's name ---- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

/* `start` is the meter's own clock: the offset to 1970 may be corrected while a flow is open. */
static uint64_t flow_id(const struct flow_key *key, uint64_t start)
{
	uint64_t word[sizeof(*key) / 8];
	uint64_t h = mix(start + 0x9e3779b97f4a7c15ULL);

	_Static_assert(sizeof(*key) % 8 == 0, "the key is hashed by words");
	memcpy(word, key, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / 8; i++)
		h = mix(h ^ word[i]);
	h &= (1ULL << 53) - 1;
	return h ? h : 1;
}

/* ---- ICMP ---- */

static bool is_icmp(const struct flow_key *key)
{
	return (key->net == NET_IPV4 && key->proto == IPPROTO_ICMP) ||
	       (key->net == NET_IPV6 && key->proto == IPPROTO_ICMPV6);
}

static bool icmp_is_answer(uint8_t net, uint8_t type)
{
	if (net == NET_IPV6)
		return type == ICMP6_ECHO_REPLY;
	return type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMPREPLY || type == ICMP_INFO_REPLY ||
	       type == ICMP_ADDRESSREPLY;
}

static enum record_state unreachable_state(uint8_t code)
{
	switch (code) {
	case ICMP_NET_UNREACH:
		return STATE_URN;
	case ICMP_HOST_UNREACH:
		return STATE_URH;
	case ICMP_PROT_UNREACH:
		return STATE_URO;
	case ICMP_PORT_UNREACH:
		return STATE_URP;
	case ICMP_FRAG_NEEDED:
		return STATE_URF;
	case ICMP_PKT_FILTERED:
		return STATE_URFIL;
	default:
		return STATE_UR;
	}
}

static enum record_state icmp4_state(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP_ECHO:
		return STATE_ECO;
	case ICMP_ECHOREPLY:
		return STATE_ECR;
	case ICMP_DEST_UNREACH:
		return unreachable_state(code);
	case ICMP_SOURCE_QUENCH:
		return STATE_SRC;
	case ICMP_REDIRECT:
		return STATE_RED;
	case ICMP_ROUTERADVERT:
		return STATE_RTA;
	case ICMP_ROUTERSOLICIT:
		return STATE_RTS;
	case ICMP_TIME_EXCEEDED:
		return STATE_TXD;
	case ICMP_PARAMETERPROB:
		return STATE_PAR;
	case ICMP_TIMESTAMP:
	case ICMP_TIMESTAMPREPLY:
		return STATE_TST;
	case ICMP_INFO_REQUEST:
	case ICMP_INFO_REPLY:
		return STATE_IRQ;
	case ICMP_ADDRESS:
	case ICMP_ADDRESSREPLY:
		return STATE_MAS;
	default:
		return STATE_UNK;
	}
}

static enum record_state icmp6_state(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP6_ECHO_REQUEST:
		return STATE_ECO;
	case ICMP6_ECHO_REPLY:
		return STATE_ECR;
	case ICMP6_DST_UNREACH:
		return code == ICMP6_DST_UNREACH_NOROUTE  ? STATE_URN
		       : code == ICMP6_DST_UNREACH_ADMIN  ? STATE_URFIL
		       : code == ICMP6_DST_UNREACH_ADDR   ? STATE_URH
		       : code == ICMP6_DST_UNREACH_NOPORT ? STATE_URP
							  : STATE_UR;
	case ICMP6_PACKET_TOO_BIG:
		return STATE_URF;
	case ICMP6_TIME_EXCEEDED:
		return STATE_TXD;
	case ICMP6_PARAM_PROB:
		return STATE_PAR;
	case MLD_LISTENER_QUERY:
	case MLD_LISTENER_REPORT:
	case MLD_LISTENER_REDUCTION:
		return STATE_MRQ;
	case ND_ROUTER_SOLICIT:
	case ND_ROUTER_ADVERT:
		return STATE_NRS;
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
		return STATE_NNS;
	case ND_REDIRECT:
		return STATE_RED;
	case 143:
		return STATE_MHR;
	default:
		return STATE_UNK;
	}
}

static enum record_state icmp_state(const struct record *r)
{
	uint8_t type = r->icmp_type;

	if (r->net == NET_IPV6) {
		if (type == ICMP6_ECHO_REPLY && r->side[SRC].packets)
			type = ICMP6_ECHO_REQUEST;
		return icmp6_state(type, r->icmp_code);
	}
	if (type == ICMP_ECHOREPLY && r->side[SRC].packets)
		type = ICMP_ECHO;
	return icmp4_state(type, r->icmp_code);
}

/* ---- state and direction ---- */

/* `source`: what it sent. */
static enum record_state tcp_state(const struct flow *f, const struct flow_side *source)
{
	if (f->bits & FLOW_RST)
		return STATE_RST;
	if (f->bits & (FLOW_FIN0 | FLOW_FIN1))
		return STATE_FIN;
	if (f->bits & FLOW_ESTABLISHED)
		return STATE_CON;
	if (f->bits & FLOW_SYNACK)
		return STATE_ACC;
	/* Behind a SYN whose answer was not seen, an ACK says that there was one. */
	return f->bits & FLOW_SYN && !source->flags[FLAG_ACK] ? STATE_REQ : STATE_CON;
}

static enum record_state oneway_state(const struct record *r)
{
	if (!r->side[SRC].packets)
		return STATE_RSP;
	if (r->side[DST].packets)
		return STATE_CON;
	return r->part == 0 || r->net == NET_ARP ? STATE_INT : STATE_REQ;
}

/* TCP whose ports are known: a later fragment has none. */
static bool is_tcp(const struct flow_key *key)
{
	return key->proto == IPPROTO_TCP && key->net != NET_ARP && (key->port[0] || key->port[1]);
}

/* The key end that side 0 sends from. */
static unsigned from_end(const struct flow *f)
{
	return !!(f->bits & FLOW_FROM1);
}

/* Of a flow that a SYN-ACK of side 0 leads: did anything follow that only a connection has? */
static bool is_established(const struct flow *f)
{
	const uint16_t *flags = f->side[0].flags;

	return f->bits & FLOW_ESTABLISHED || flags[FLAG_ACK] > flags[FLAG_SYN] + flags[FLAG_RST];
}

/* Which side of the flow is the source. */
static unsigned source_side(const struct flow_key *key, const struct flow *f)
{
	uint16_t from = key->port[from_end(f)], to = key->port[!from_end(f)];

	if (is_icmp(key))
		return icmp_is_answer(key->net, f->icmp_type);
	if (key->net == NET_ARP)
		return from_end(f) != key->id;
	if (!is_tcp(key))
		return 0;
	if (f->bits & FLOW_SYN)
		return !!(f->bits & FLOW_SYN1);
	if (f->bits & FLOW_LEAD_SYNACK)
		return is_established(f);
	return from < 1024 && to >= 1024;
}

/* The initial sequence number as Argus has it: where the first packet of a flow is no SYN, its
 * number follows the initial one. */
static uint32_t base_sequence(const struct flow_key *key, const struct flow *f, unsigned side)
{
	bool first = side == 0 && f->part == 0 && !f->side[0].flags[FLAG_SYN];

	return f->side[side].seq - (is_tcp(key) && first);
}

/* As Argus has it: a SYN's window is scaled too, whatever the other side offers; the window of a
 * flow's only packet is not looked at, a side that is silent in this record has none. */
static uint32_t scaled_window(const struct flow *f, unsigned side)
{
	const struct flow_side *s = &f->side[side];
	bool alone = f->part == 0 && f->side[0].packets + f->side[1].packets == 1;

	if (alone || !s->packets)
		return 0;
	return s->wscale == WSCALE_NONE ? s->window : s->window << s->wscale;
}

static int64_t shifted(uint64_t ns, int64_t clock_ns)
{
	return ns ? (int64_t)ns + clock_ns : 0;
}

void record_make(struct record *r, const struct flow_report *report, int64_t clock_ns)
{
	const struct flow_key *key = &report->key;
	const struct flow *f = &report->flow;
	unsigned source = source_side(key, f);

	memset(r, 0, sizeof(*r));
	r->flow_id = flow_id(key, f->start_ns);
	r->proto = key->proto;
	r->net = key->net;
	r->event = (uint8_t)report->event;
	r->part = f->part;
	r->ifindex = f->ifindex;
	r->at_ns = shifted(report->at_ns, clock_ns);
	r->start_ns = shifted(f->start_ns, clock_ns);
	r->first_ns = shifted(f->first_ns, clock_ns);
	r->last_ns = shifted(f->last_ns, clock_ns);
	r->synack_ns = f->synack_gap;
	r->ackdat_ns = f->ackdat_gap;
	r->fragments = f->bits & FLOW_FRAGMENT;
	r->total = f->bits & FLOW_TOTAL;
	r->news = f->bits & FLOW_NEWS;
	r->again = f->bits & FLOW_SHOWN || f->part;
	for (unsigned i = 0; i < 2; i++) {
		unsigned side = i ^ source, end = side ^ from_end(f);

		memcpy(r->addr[i], &key->addr[end], sizeof(r->addr[i]));
		r->port[i] = is_icmp(key) ? 0 : key->port[end];
		r->side[i] = f->side[side];
		r->side[i].seq = base_sequence(key, f, side);
		r->side[i].window = scaled_window(f, side);
		r->side[i].first_ns = (uint64_t)shifted(f->side[side].first_ns, clock_ns);
		r->side[i].last_ns = f->side[side].packets
					     ? (uint64_t)shifted(f->side[side].last_ns, clock_ns)
					     : 0; /* the flow keeps it over a cut */
	}
	if (is_icmp(key)) {
		r->icmp_type = f->icmp_type;
		r->icmp_code = f->icmp_code;
		r->state = icmp_state(r);
	} else {
		r->state = is_tcp(key) ? tcp_state(f, &r->side[SRC]) : oneway_state(r);
	}
}

bool record_has_ports(const struct record *r)
{
	return r->net != NET_ARP &&
	       (r->proto == IPPROTO_TCP || r->proto == IPPROTO_UDP || r->proto == IPPROTO_SCTP ||
		       r->proto == IPPROTO_UDPLITE || r->proto == IPPROTO_DCCP);
}
