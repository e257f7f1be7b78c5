#include "feature/outcome.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

static bool is_icmp(const struct record *r)
{
	return (r->net == NET_IPV4 && r->proto == IPPROTO_ICMP) ||
	       (r->net == NET_IPV6 && r->proto == IPPROTO_ICMPV6);
}

bool record_is_icmp_error(const struct record *r)
{
	if (!is_icmp(r))
		return false;
	if (r->net == NET_IPV6)
		return r->icmp_type >= ICMP6_DST_UNREACH && r->icmp_type <= ICMP6_PARAM_PROB;
	return r->icmp_type == ICMP_DEST_UNREACH || r->icmp_type == ICMP_TIME_EXCEEDED ||
	       r->icmp_type == ICMP_PARAMETERPROB || r->icmp_type == ICMP_SOURCE_QUENCH;
}

bool record_is_unreachable(const struct record *r)
{
	if (r->net == NET_IPV6)
		return r->icmp_type == ICMP6_DST_UNREACH;
	return r->icmp_type == ICMP_DEST_UNREACH && r->icmp_code != ICMP_FRAG_NEEDED;
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

bool record_is_refused(const struct record *r)
{
	const struct flow_side *src = &r->side[SRC], *dst = &r->side[DST];

	return is_tcp(r) && dst->flags[FLAG_RST] && !dst->flags[FLAG_SYN] && !dst->payload &&
	       !src->payload;
}

bool record_is_silent(const struct record *r)
{
	if (r->side[DST].packets || is_group(r->addr[DST]))
		return false;
	if (r->net == NET_ARP)
		return true;
	if (is_tcp(r))
		return r->side[SRC].flags[FLAG_SYN];
	return r->proto == IPPROTO_UDP || (is_icmp(r) && r->state == STATE_ECO);
}

bool record_is_half_open(const struct record *r)
{
	return is_tcp(r) && r->side[SRC].flags[FLAG_SYN] &&
	       (r->state == STATE_REQ || r->state == STATE_ACC);
}
