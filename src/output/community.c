#include "output/community.h"

#include <netinet/in.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

_Static_assert(
	COMMUNITY_TEXT > 2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE), "room for the text");

struct icmp_pair {
	uint8_t type, counterpart;
};

/* The specification's pairs: a request and its answer are one flow. */
static const struct icmp_pair icmp4[] = {{0, 8}, {8, 0}, {9, 10}, {10, 9}, {13, 14}, {14, 13},
	{15, 16}, {16, 15}, {17, 18}, {18, 17}};
static const struct icmp_pair icmp6[] = {{128, 129}, {129, 128}, {130, 131}, {131, 130}, {133, 134},
	{134, 133}, {135, 136}, {136, 135}, {139, 140}, {140, 139}, {144, 145}, {145, 144}};

/* The counterpart stands for the destination port, or, for messages that have none, the code; only
 * a pair may be put in order. */
static bool icmp_ports(const struct record *r, uint16_t port[2])
{
	bool six = r->proto == IPPROTO_ICMPV6;
	const struct icmp_pair *pair = six ? icmp6 : icmp4;
	size_t pairs = six ? sizeof(icmp6) / sizeof(icmp6[0]) : sizeof(icmp4) / sizeof(icmp4[0]);

	port[SRC] = r->icmp_type;
	for (size_t i = 0; i < pairs; i++)
		if (pair[i].type == r->icmp_type) {
			port[DST] = pair[i].counterpart;
			return true;
		}
	port[DST] = r->icmp_code;
	return false;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void hash_port(struct sha1_ctx *sha, uint16_t port)
{
	sha1_update(sha, 2, (const uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port});
}

const char *community_id(const struct record *r, char text[COMMUNITY_TEXT])
{
	size_t length = r->net == NET_IPV6 ? 16 : 4;
	uint16_t port[2] = {r->port[SRC], r->port[DST]};
	uint8_t digest[SHA1_DIGEST_SIZE];
	bool ordered = true, ports = has_ports(r->proto);
	struct sha1_ctx sha;
	int cmp, a;

	text[0] = '\0';
	if (r->net != NET_IPV4 && r->net != NET_IPV6)
		return text;
	if (r->proto == IPPROTO_ICMP || r->proto == IPPROTO_ICMPV6) {
		ordered = icmp_ports(r, port);
		ports = true;
	}
	cmp = memcmp(r->addr[SRC], r->addr[DST], 16);
	a = ordered && (cmp > 0 || (cmp == 0 && port[SRC] > port[DST])) ? DST : SRC;
	sha1_init(&sha);
	hash_port(&sha, 0); /* the seed */
	sha1_update(&sha, length, r->addr[a] + 16 - length);
	sha1_update(&sha, length, r->addr[!a] + 16 - length);
	sha1_update(&sha, 2, (const uint8_t[]){r->proto, 0});
	if (ports) {
		hash_port(&sha, port[a]);
		hash_port(&sha, port[!a]);
	}
	sha1_digest(&sha, sizeof(digest), digest);
	memcpy(text, "1:", 2);
	base64_encode_raw(text + 2, sizeof(digest), digest);
	text[2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)] = '\0';
	return text;
}
