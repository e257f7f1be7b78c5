/* Told here first is what nDPI (dissect.c) cannot tell from what a record holds:
 *
 *   smtp, pop3, ftp  it waits for a third command, or for the password; the 64 bytes of a side
 *                    seldom reach so far
 *   irc              it wants whole lines
 *   ssl              it wants the whole hello, and takes its time over it
 *   dhcp             it wants the cookie, which is behind the first 64 bytes
 *   snmp             it reads lengths up to 127 only, and goes by the port
 *   dns              it goes by the port: on 53 it takes almost any bytes for DNS, elsewhere none
 *   http             it wants a request with a method that it knows; an answer says as much
 *   ftp-data         it goes by what some kinds of file begin with
 *
 * All else is nDPI's: ssh, radius, HTTP without an answer, TLS that was not seen from its
 * beginning, and whatever has a name in the column `app` alone. tests/reference/service.sh
 * compares. */
#include "feature/service.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/room.h"

const char *const service_names[] = {
	[SERVICE_NONE] = "-",
	[SERVICE_DNS] = "dns",
	[SERVICE_HTTP] = "http",
	[SERVICE_SMTP] = "smtp",
	[SERVICE_FTP] = "ftp",
	[SERVICE_FTP_DATA] = "ftp-data",
	[SERVICE_SSH] = "ssh",
	[SERVICE_POP3] = "pop3",
	[SERVICE_SSL] = "ssl",
	[SERVICE_SNMP] = "snmp",
	[SERVICE_DHCP] = "dhcp",
	[SERVICE_IRC] = "irc",
	[SERVICE_RADIUS] = "radius",
	[SERVICES] = NULL,
};

static const struct naming unnamed = {NULL, SERVICE_NONE};

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

/* Its ends may be swapped where the beginning was missed. */
static bool is_http(struct text client, struct text server)
{
	return starts(server, "HTTP/1.") || starts(client, "HTTP/1.");
}

static bool is_http2(struct text client)
{
	return starts(client, "PRI * HTTP/2");
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

/* A sequence as long as the packet: version, and community or (version 3) header. */
static bool is_snmp(struct text t)
{
	int at = 2, length;

	if (t.length < 8 || t.byte[0] != 0x30)
		return false;
	length = t.byte[1];
	if (length & 0x80) {
		at += length & 0x7f;
		if (at > 4)
			return false;
		length = at == 3 ? t.byte[2] : (int)be16(t.byte + 2);
	}
	if (at + length != t.packet || t.byte[at] != 2 || t.byte[at + 1] != 1)
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

/* ---- a record ---- */

static struct text text_of(const struct flow_side *f)
{
	struct text t = {f->data, f->data_len, f->size[0]};

	return t;
}

static struct naming tcp_name(const struct record *r)
{
	struct text client = text_of(&r->side[SRC]), server = text_of(&r->side[DST]);

	if (is_http(client, server))
		return (struct naming){"http", SERVICE_HTTP};
	if (is_hello(client, 1) || is_hello(server, 2))
		return (struct naming){"tls", SERVICE_SSL};
	if (is_http2(client))
		return (struct naming){"http2", SERVICE_HTTP};
	if (is_smtp(client, server))
		return (struct naming){"smtp", SERVICE_SMTP};
	if (is_pop3(client, server))
		return (struct naming){"pop3", SERVICE_POP3};
	if (is_irc(client, server))
		return (struct naming){"irc", SERVICE_IRC};
	if (is_ftp(client, server))
		return (struct naming){"ftp", SERVICE_FTP};
	if (is_dns_tcp(client) || is_dns_tcp(server))
		return (struct naming){"dns", SERVICE_DNS};
	return unnamed;
}

/* Other protocols have DNS's messages: the port alone says which one it is. */
static const char *dns_app(const struct record *r)
{
	static const struct {
		uint16_t port;
		const char *app;
	} like_dns[] = {{137, "netbios"}, {5353, "mdns"}, {5355, "llmnr"}};

	for (unsigned i = 0; i < sizeof(like_dns) / sizeof(like_dns[0]); i++)
		if (r->port[SRC] == like_dns[i].port || r->port[DST] == like_dns[i].port)
			return like_dns[i].app;
	return "dns";
}

static struct naming udp_name(const struct record *r)
{
	for (int side = SRC; side <= DST; side++) {
		struct text t = text_of(&r->side[side]);

		if (is_dhcp(t))
			return (struct naming){"dhcp", SERVICE_DHCP};
		if (is_snmp(t))
			return (struct naming){"snmp", SERVICE_SNMP};
		if (is_dns(t))
			return (struct naming){dns_app(r), SERVICE_DNS};
	}
	return unnamed;
}

static struct naming content_name(const struct record *r)
{
	struct naming n = r->proto == IPPROTO_TCP ? tcp_name(r) : udp_name(r);

	return n.app ? n : dissect(r);
}

/* ---- memory ---- */

enum { PAIRS = 4096, FLOWS = 32768 };

/* A pair of hosts with an FTP control connection. */
struct pair {
	uint8_t addr[2][16];
	int64_t seen_ns; /* 0: empty */
};

struct flow_name {
	uint64_t flow_id; /* 0: empty */
	const char *app;
	uint32_t part;
	uint8_t service;
	uint8_t held[2]; /* payload bytes that it was told by */
};

struct services {
	struct pair pair[PAIRS];
	struct flow_name flow[FLOWS];
};

struct services *services_new(void)
{
	return room_new(sizeof(struct services));
}

void services_free(struct services *s)
{
	room_free(s, sizeof(*s));
}

/* The name by content, told anew only where more of it is held than before. */
static struct naming flow_name(struct services *s, const struct record *r)
{
	struct flow_name *f = &s->flow[r->flow_id % FLOWS];
	uint8_t client = r->side[SRC].data_len, server = r->side[DST].data_len;
	struct naming n;

	if (!client && !server && !r->part)
		return unnamed;
	if (f->flow_id == r->flow_id &&
		(f->part == r->part ? f->held[SRC] == client && f->held[DST] == server
				    : f->app != NULL))
		return (struct naming){f->app, f->service};
	if (!client && !server)
		return unnamed;
	n = content_name(r);
	*f = (struct flow_name){.flow_id = r->flow_id,
		.app = n.app,
		.part = r->part,
		.service = (uint8_t)n.service,
		.held = {client, server}};
	return n;
}

/* ---- FTP's data connections ---- */

static struct pair *pair_of(struct services *s, const struct record *r, bool *swap)
{
	uint64_t word[4], h = 0;

	*swap = memcmp(r->addr[SRC], r->addr[DST], 16) > 0;
	memcpy(word, r->addr[*swap], 16);
	memcpy(word + 2, r->addr[!*swap], 16);
	for (int i = 0; i < 4; i++)
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ULL, h ^= h >> 29;
	return &s->pair[h % PAIRS];
}

static void remember_ftp(struct services *s, const struct record *r)
{
	bool swap;
	struct pair *p = pair_of(s, r, &swap);

	memcpy(p->addr[0], r->addr[swap], 16);
	memcpy(p->addr[1], r->addr[!swap], 16);
	p->seen_ns = r->at_ns;
}

/* FTP servers close an idle control connection after minutes; ten are enough. */
static const int64_t FTP_LASTS_NS = 600LL * 1000000000;

static bool is_ftp_data(struct services *s, const struct record *r)
{
	bool swap;
	const struct pair *p = pair_of(s, r, &swap);

	if (p->seen_ns == 0 || r->at_ns - p->seen_ns > FTP_LASTS_NS ||
		memcmp(p->addr[0], r->addr[swap], 16) != 0 ||
		memcmp(p->addr[1], r->addr[!swap], 16) != 0)
		return false;
	return r->port[SRC] == 20 || r->port[DST] == 20 ||
	       (r->port[SRC] >= 1024 && r->port[DST] >= 1024);
}

struct naming service_name(struct services *s, const struct record *r)
{
	struct naming n;

	/* The bytes of a destination's total are of many flows. */
	if (r->net == NET_ARP || r->total || (r->proto != IPPROTO_TCP && r->proto != IPPROTO_UDP))
		return unnamed;
	n = flow_name(s, r);
	if (n.service == SERVICE_FTP)
		remember_ftp(s, r);
	if (!n.app && r->proto == IPPROTO_TCP && is_ftp_data(s, r))
		return (struct naming){"ftp-data", SERVICE_FTP_DATA};
	return n;
}

void service_pass(struct services *s, const struct record *r)
{
	if (r->net != NET_ARP && r->proto == IPPROTO_TCP && starts(text_of(&r->side[DST]), "220"))
		service_name(s, r);
}
