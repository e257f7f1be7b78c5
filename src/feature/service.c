#include "feature/service.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* The first payload bytes of one side. */
struct text {
	const uint8_t *byte;
	int length;
	int packet; /* payload size of the packet they came from */
};

static bool starts(struct text t, const char *with)
{
	int n = (int)strlen(with);

	return t.length >= n && memcmp(t.byte, with, n) == 0;
}

/* As starts(), for protocols whose commands may come in either case. */
static bool starts_any_case(struct text t, const char *with)
{
	int n = (int)strlen(with);

	return t.length >= n && strncasecmp((const char *)t.byte, with, n) == 0;
}

static bool contains(struct text t, const char *word)
{
	return memmem(t.byte, t.length, word, strlen(word));
}

static unsigned be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* ---- text protocols ---- */

static bool is_http(struct text client, struct text server)
{
	static const char *const method[] = {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ",
		"OPTIONS ", "CONNECT ", "TRACE ", "PATCH ", "PROPFIND ", "PRI * HTTP"};

	if (starts(server, "HTTP/1.") || starts(client, "HTTP/1."))
		return true;
	for (unsigned i = 0; i < sizeof(method) / sizeof(method[0]); i++)
		if (starts(client, method[i]))
			return true;
	return false;
}

static bool is_ssh(struct text client, struct text server)
{
	return starts(client, "SSH-") || starts(server, "SSH-");
}

static bool is_smtp(struct text client, struct text server)
{
	if (starts_any_case(client, "EHLO ") || starts_any_case(client, "HELO "))
		return true;
	return (starts(server, "220 ") || starts(server, "220-")) &&
	       (contains(server, "SMTP") || contains(server, "smtp"));
}

/* FTP shares its greeting with SMTP, which is asked first, and USER with POP3, which greets
 * otherwise. */
static bool is_ftp(struct text client, struct text server)
{
	static const char *const command[] = {"USER ", "AUTH TLS", "AUTH SSL", "FEAT", "OPTS "};

	if (!starts(server, "220 ") && !starts(server, "220-"))
		return false;
	if (contains(server, "FTP") || contains(server, "ftp"))
		return true;
	for (unsigned i = 0; i < sizeof(command) / sizeof(command[0]); i++)
		if (starts_any_case(client, command[i]))
			return true;
	return false;
}

static bool is_pop3(struct text client, struct text server)
{
	static const char *const command[] = {"USER ", "CAPA", "APOP ", "AUTH", "STLS", "QUIT"};

	if (!starts(server, "+OK"))
		return false;
	if (client.length == 0)
		return true;
	for (unsigned i = 0; i < sizeof(command) / sizeof(command[0]); i++)
		if (starts_any_case(client, command[i]))
			return true;
	return false;
}

static bool is_irc(struct text client, struct text server)
{
	if (starts(client, "NICK ") || starts(client, "CAP LS") || starts(client, "JOIN #"))
		return true;
	if (starts(client, "USER ") || starts(client, "PASS "))
		return contains(client, "\nNICK ");
	return starts(server, "NOTICE AUTH") ||
	       (starts(server, ":") && (contains(server, " NOTICE ") || contains(server, " 001 ")));
}

/* ---- binary protocols ---- */

/* A TLS record with a hello of type 1 (client) or 2 (server), or SSL 2's client hello. */
static bool is_hello(struct text t, int type)
{
	if (t.length >= 6 && t.byte[0] == 0x16 && t.byte[1] == 3 && t.byte[2] <= 4)
		return t.byte[5] == type;
	return type == 1 && t.length >= 11 && (t.byte[0] & 0x80) && t.byte[2] == 1 &&
	       (be16(t.byte + 3) == 0x0002 || be16(t.byte + 3) == 0x0300 ||
		       be16(t.byte + 3) == 0x0301);
}

/* One label after the other up to the root, a compression pointer, or the end of what is held. */
static bool is_dns_name(struct text t, int at, int *end)
{
	for (int labels = 0; at < t.length && labels < 128; labels++) {
		int n = t.byte[at];

		if (n == 0) {
			*end = at + 1;
			return true;
		}
		if ((n & 0xc0) == 0xc0) {
			*end = at + 2;
			return true;
		}
		if (n > 63)
			return false;
		at += 1 + n;
	}
	*end = t.length;
	return true;
}

static bool is_dns(struct text t)
{
	unsigned flags, questions, answers, kind;
	int end;

	if (t.length < 12)
		return false;
	flags = be16(t.byte + 2);
	questions = be16(t.byte + 4);
	answers = be16(t.byte + 6);
	if ((flags >> 11 & 15) > 5 || (flags & 0x40) || questions > 16 || be16(t.byte + 8) > 64 ||
		be16(t.byte + 10) > 64)
		return false;
	if (!(flags & 0x8000) && (questions == 0 || (flags & 15)))
		return false;
	if ((flags & 0x8000) && questions == 0 && answers == 0)
		return (flags & 15) != 0 && t.length == 12; /* an error without its question */
	if (!is_dns_name(t, 12, &end))
		return false;
	if (end + 4 > t.length)
		return t.length == FLOW_PAYLOAD;
	kind = be16(t.byte + end + 2) & 0x7fff; /* the top bit is multicast DNS's */
	return kind == 1 || kind == 3 || kind == 4 || kind == 254 || kind == 255;
}

/* Over TCP a length goes before the message. */
static bool is_dns_tcp(struct text t)
{
	struct text message = {t.byte + 2, t.length - 2, t.packet - 2};

	return t.length >= 14 && be16(t.byte) >= 12 && is_dns(message);
}

static bool is_snmp(struct text t)
{
	int at = 2;

	if (t.length < 8 || t.byte[0] != 0x30)
		return false;
	if (t.byte[1] & 0x80)
		at += t.byte[1] & 0x7f;
	if (at > 5 || at + 4 > t.length || t.byte[at] != 2 || t.byte[at + 1] != 1)
		return false;
	return (t.byte[at + 2] <= 1 && t.byte[at + 3] == 4) ||
	       (t.byte[at + 2] == 3 && t.byte[at + 3] == 0x30);
}

/* The magic cookie is beyond the bytes held; the fixed part before it is told by its hardware
 * type and length and the zeros that pad a MAC address to 16 bytes. */
static bool is_dhcp(struct text t)
{
	static const uint8_t zero[10];

	return t.length == FLOW_PAYLOAD && t.packet >= 240 && (t.byte[0] == 1 || t.byte[0] == 2) &&
	       t.byte[1] == 1 && t.byte[2] == 6 && t.byte[3] <= 16 &&
	       memcmp(t.byte + 34, zero, sizeof(zero)) == 0;
}

static bool is_radius(struct text t)
{
	if (t.length < 20 ||
		!((t.byte[0] >= 1 && t.byte[0] <= 5) || (t.byte[0] >= 11 && t.byte[0] <= 13)))
		return false;
	if (be16(t.byte + 2) != (unsigned)t.packet)
		return false;
	return t.length < 22 || t.byte[21] >= 2;
}

/* ---- FTP's data connections ---- */

static struct service_pair *pair_of(struct service_memory *m, const struct record *r, bool *swap)
{
	uint64_t word[4], h = 0;

	*swap = memcmp(r->addr[SRC], r->addr[DST], 16) > 0;
	memcpy(word, r->addr[*swap], 16);
	memcpy(word + 2, r->addr[!*swap], 16);
	for (int i = 0; i < 4; i++)
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ULL, h ^= h >> 29;
	return &m->pair[h % SERVICE_PAIRS];
}

static void remember_ftp(struct service_memory *m, const struct record *r)
{
	bool swap;
	struct service_pair *p = pair_of(m, r, &swap);

	memcpy(p->addr[0], r->addr[swap], 16);
	memcpy(p->addr[1], r->addr[!swap], 16);
	p->seen_ns = r->at_ns;
}

/* FTP servers close an idle control connection after minutes; ten are enough. */
static const int64_t FTP_LASTS_NS = 600LL * 1000000000;

static bool is_ftp_data(struct service_memory *m, const struct record *r)
{
	bool swap;
	const struct service_pair *p = pair_of(m, r, &swap);

	if (p->seen_ns == 0 || r->at_ns - p->seen_ns > FTP_LASTS_NS ||
		memcmp(p->addr[0], r->addr[swap], 16) != 0 ||
		memcmp(p->addr[1], r->addr[!swap], 16) != 0)
		return false;
	return r->port[SRC] == 20 || r->port[DST] == 20 ||
	       (r->port[SRC] >= 1024 && r->port[DST] >= 1024);
}

static struct text text_of(const struct flow_side *f)
{
	struct text t = {f->data, f->data_len, f->size[0]};

	return t;
}

static const char *tcp_service(struct service_memory *m, const struct record *r)
{
	struct text client = text_of(&r->side[SRC]), server = text_of(&r->side[DST]);

	if (is_http(client, server))
		return "http";
	if (is_hello(client, 1) || is_hello(server, 2))
		return "ssl";
	if (is_ssh(client, server))
		return "ssh";
	if (is_smtp(client, server))
		return "smtp";
	if (is_pop3(client, server))
		return "pop3";
	if (is_irc(client, server))
		return "irc";
	if (is_ftp(client, server)) {
		remember_ftp(m, r);
		return "ftp";
	}
	if (is_dns_tcp(client) || is_dns_tcp(server))
		return "dns";
	return is_ftp_data(m, r) ? "ftp-data" : "-";
}

static const char *udp_service(const struct record *r)
{
	for (int side = SRC; side <= DST; side++) {
		struct text t = text_of(&r->side[side]);

		if (is_dhcp(t))
			return "dhcp";
		if (is_snmp(t))
			return "snmp";
		if (is_radius(t))
			return "radius";
		if (is_dns(t))
			return "dns";
	}
	return "-";
}

const char *service_name(struct service_memory *m, const struct record *r)
{
	if (r->net != NET_ARP && r->proto == IPPROTO_TCP)
		return tcp_service(m, r);
	if (r->net != NET_ARP && r->proto == IPPROTO_UDP)
		return udp_service(r);
	return "-";
}
