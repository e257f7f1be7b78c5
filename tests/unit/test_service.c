/* The service by its first payload bytes, and the columns of HTTP and FTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#else
#include <malloc.h>
#endif

#include "feature/service.h"
#include "feature/window.h"
#include "sample.h"

/* A string with its zeros, without the one at its end. */
#define BYTES(text) (text), sizeof(text) - 1

/* One more packet of a side. */
static void say(struct record *r, int side, const void *data, size_t length)
{
	struct flow_side *f = &r->side[side];
	size_t room = FLOW_PAYLOAD - (size_t)f->data_len, held = length < room ? length : room;

	memcpy(f->data + f->data_len, data, held);
	f->data_len += (uint8_t)held;
	if (f->sizes < FLOW_SIZES)
		f->size[f->sizes++] = (uint16_t)length;
	f->payload += length;
	f->packets++;
}

static struct naming name_of(const struct record *r)
{
	struct services *s = services_new();
	struct naming n;

	assert_non_null(s);
	n = service_name(s, r);
	services_free(s);
	return n;
}

static void assert_name(const struct record *r, const char *service, const char *app)
{
	struct naming n = name_of(r);

	if (strcmp(service_names[n.service], service) != 0 || strcmp(n.app ? n.app : "-", app) != 0)
		fail_msg("port %u, \"%.20s\": %s, %s instead of %s, %s", r->port[DST],
			(const char *)r->side[SRC].data, service_names[n.service],
			n.app ? n.app : "-", service, app);
}

/* One packet from each side; an empty one is none. */
static struct record talk(uint8_t proto, uint16_t port, const void *client, size_t client_length,
	const void *server, size_t server_length)
{
	struct record r = sample("10.0.0.1", 40000, "10.0.0.2", port, proto, 0);

	if (client_length)
		say(&r, SRC, client, client_length);
	if (server_length)
		say(&r, DST, server, server_length);
	return r;
}

static struct record text_talk(const char *client, const char *server)
{
	return talk(IPPROTO_TCP, 4711, client, strlen(client), server, strlen(server));
}

/* ---- the services, both sides speaking ---- */

static void conversations_in_text(void **unused)
{
	static const struct {
		const char *service;
		uint16_t port;
		const char *client[3], *server[3];
	} talks[] = {
		{"http", 80, {"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n"},
			{"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 18 Nov 2023\r\n"}},
		{"smtp", 25, {"EHLO client.example.org\r\n", "MAIL FROM:<anna@example.org>\r\n"},
			{"220 mail.example.org ESMTP Postfix\r\n",
				"250-mail.example.org\r\n250-PIPELINING\r\n"}},
		{"ftp", 21, {"USER anna\r\n", "PASS secret\r\n", "SYST\r\n"},
			{"220 (vsFTPd 3.0.3)\r\n", "331 Please specify the password.\r\n",
				"230 Login successful.\r\n"}},
		{"ssh", 22, {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"},
			{"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"}},
		{"pop3", 110, {"CAPA\r\n", "USER anna\r\n", "PASS secret\r\n"},
			{"+OK Dovecot (Debian) ready.\r\n",
				"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nSASL PLAIN\r\n.\r\n", "+OK\r\n"}},
		{"irc", 6667, {"NICK anna\r\n", "USER anna 0 * :Anna\r\n"},
			{":irc.example.org NOTICE * :*** Looking up your hostname\r\n"}},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct record r =
			sample("10.0.0.1", 40000, "10.0.0.2", talks[i].port, IPPROTO_TCP, 0);

		for (int k = 0; k < 3; k++)
			for (int side = SRC; side <= DST; side++) {
				const char *text =
					side == SRC ? talks[i].client[k] : talks[i].server[k];

				if (text)
					say(&r, side, text, strlen(text));
			}
		assert_name(&r, talks[i].service, talks[i].service);
		r.net = NET_IPV6;
		assert_name(&r, talks[i].service, talks[i].service);
	}
}

#define RANDOM "K\x9aQd8\xe1x0Zv\x11PgT7\xccRkY2\x88mHs5\xf0WnA\x1e!c9"
#define CLIENT_HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" RANDOM "\x20" RANDOM
#define SERVER_HELLO "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" RANDOM "\x20" RANDOM
#define DNS_NAME                                                                                   \
	"\x03www\x07"                                                                              \
	"example\x03org"
#define DNS_LONG                                                                                   \
	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"                                         \
	"\x28"                                                                                     \
	"abcdefghijklmnopqrstuvwxyz0123456789abcd\x06tunnel" DNS_NAME "\x00\x00\x01\x00\x01"
#define DNS_QUERY "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" DNS_NAME "\x00\x00\x01\x00\x01"
#define DNS_ANSWER                                                                                 \
	"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" DNS_NAME                                \
	"\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x50"
#define SNMP_GET                                                                                   \
	"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x4b\x78\x1a\x6e\x02\x01\x00\x02\x01"   \
	"\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x05\x00"

static void binary_conversations(void **unused)
{
	uint8_t discover[300] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef}, offer[300];
	uint8_t request[44] = {1, 7, 0, 44, [20] = 1, [21] = 6}, accept[20] = {2, 7, 0, 20};
	struct record r;

	(void)unused;
	r = talk(IPPROTO_TCP, 443, BYTES(CLIENT_HELLO), BYTES(SERVER_HELLO));
	r.side[SRC].size[0] = 517;
	r.side[DST].size[0] = 1448;
	assert_name(&r, "ssl", "tls");
	r.port[DST] = 993;
	assert_name(&r, "ssl", "tls");

	r = talk(IPPROTO_UDP, 53, BYTES(DNS_QUERY), BYTES(DNS_ANSWER));
	assert_name(&r, "dns", "dns");
	r = talk(IPPROTO_TCP, 53, BYTES("\x00\x21" DNS_QUERY), BYTES("\x00\x31" DNS_ANSWER));
	assert_name(&r, "dns", "dns");

	r = talk(IPPROTO_UDP, 161, BYTES(SNMP_GET), BYTES(SNMP_GET));
	assert_name(&r, "snmp", "snmp");

	memcpy(offer, discover, sizeof(offer));
	offer[0] = 2;
	r = talk(IPPROTO_UDP, 67, discover, sizeof(discover), offer, sizeof(offer));
	r.port[SRC] = 68;
	assert_name(&r, "dhcp", "dhcp");

	r = talk(IPPROTO_UDP, 1812, request, sizeof(request), accept, sizeof(accept));
	assert_name(&r, "radius", "radius");
}

static void ftp_data_lies_between_the_hosts_of_a_control_connection(void **unused)
{
	struct services *s = services_new();
	struct record control = sample("10.0.0.1", 40000, "10.0.0.2", 21, IPPROTO_TCP, 0);
	struct record passive = sample("10.0.0.1", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 1);
	struct record active = sample("10.0.0.2", 20, "10.0.0.1", 40002, IPPROTO_TCP, 2);
	struct record web = sample("10.0.0.1", 40003, "10.0.0.2", 443, IPPROTO_TCP, 2);
	struct record other = sample("10.0.0.3", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 2);
	struct record sql = sample("10.0.0.1", 40004, "10.0.0.2", 8022, IPPROTO_TCP, 2);
	struct record late = sample("10.0.0.1", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 700);

	(void)unused;
	say(&passive, DST,
		BYTES("drwxr-xr-x    2 0        0            4096 Nov 18 12:00 pub\r\n"));
	passive.flow_id = 2;
	assert_int_equal(service_name(s, &passive).service, SERVICE_NONE);
	say(&control, DST, BYTES("220 (vsFTPd 3.0.3)\r\n"));
	assert_int_equal(service_name(s, &control).service, SERVICE_FTP);
	assert_int_equal(service_name(s, &passive).service, SERVICE_FTP_DATA);
	assert_string_equal(service_name(s, &passive).app, "ftp-data");
	active.flow_id = web.flow_id = other.flow_id = 3;
	assert_int_equal(service_name(s, &active).service, SERVICE_FTP_DATA);
	assert_int_equal(service_name(s, &web).service, SERVICE_NONE);
	assert_int_equal(service_name(s, &other).service, SERVICE_NONE);
	late.flow_id = 4;
	assert_int_equal(service_name(s, &late).service, SERVICE_NONE);
	/* What names itself is not taken for data. */
	sql.flow_id = 5;
	say(&sql, DST, BYTES("SSH-2.0-OpenSSH_9.2\r\n"));
	assert_int_equal(service_name(s, &sql).service, SERVICE_SSH);
	services_free(s);
}

/* ---- what is and what is not ---- */

static void text_protocols(void **unused)
{
	static const struct {
		const char *client, *server, *service;
	} talks[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 OK\r\n", "http"},
		{"GET / HTTP/1.1\r\nHost: a\r\n", "", "http"},
		{"PROPFIND /dav HTTP/1.1\r\nHost: a\r\n", "", "http"},
		{"MKCOL /dav HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 401 Unauthorized\r\n", "http"},
		{"", "HTTP/1.0 408 Request Timeout\r\n", "http"},
		{"GETTING started", "", "-"},
		{"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-dropbear\r\n", "ssh"},
		{"", "SSH-2.0-OpenSSH_9.2\r\n", "ssh"},
		{"\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\nInvalid SSH identification string.", "ssh"},
		{"ehlo me\r\n", "220 mail.example ready\r\n", "smtp"},
		{"", "220 mail.example ESMTP Postfix\r\n", "smtp"},
		{"USER anna\r\nPASS b\r\n", "220 Welcome\r\n331 Please\r\n", "ftp"},
		{"", "220 (vsFTPd 3.0.3)\r\n", "ftp"},
		{"AUTH TLS\r\n", "220 ready\r\n", "ftp"},
		{"", "220 ready\r\n", "-"},
		{"USER anna\r\n", "+OK POP3 ready\r\n", "pop3"},
		{"", "+OK Dovecot ready.\r\n", "pop3"},
		{"NICK anna\r\nUSER anna 0 * :A\r\n", "", "irc"},
		{"PASS x\r\nNICK anna\r\n", "", "irc"},
		{"", ":irc.example NOTICE * :*** Looking up\r\n", "irc"},
		{"hello", "world", "-"},
		{"", "", "-"},
	};
	struct record r;

	(void)unused;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		r = text_talk(talks[i].client, talks[i].server);
		assert_name(&r, talks[i].service, talks[i].service);
	}
	r = text_talk("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "");
	assert_name(&r, "http", "http2");
	/* Text over UDP is none of them. */
	r = talk(IPPROTO_UDP, 4711, BYTES("GET / HTTP/1.1\r\n"), BYTES(""));
	assert_name(&r, "-", "-");
}

static void finer_names(void **unused)
{
	struct record r;

	(void)unused;
	r = talk(IPPROTO_TCP, 1883,
		BYTES("\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04"
		      "anna"),
		BYTES("\x20\x02\x00\x00"));
	assert_name(&r, "-", "mqtt");
	r = talk(IPPROTO_UDP, 123,
		BYTES("\x23\x02\x06\xe8\x00\x00\x03\xd8\x00\x00\x00\x1e\xc0\xa8\x01\x01\xe9\x05"
		      "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21"
		      "\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d"),
		BYTES(""));
	assert_name(&r, "-", "ntp");
	r = talk(IPPROTO_TCP, 445,
		BYTES("\x00\x00\x00\x54\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x1f\x00\x00"
		      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		BYTES(""));
	r.side[SRC].size[0] = 88;
	assert_name(&r, "-", "smb");
	r = talk(IPPROTO_TCP, 8554, BYTES("OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
		BYTES("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
	assert_name(&r, "-", "rtsp");
}

static void dns_is_told_by_its_content(void **unused)
{
	struct record r;

	(void)unused;
	r = talk(IPPROTO_UDP, 4711, BYTES(DNS_QUERY), BYTES(""));
	assert_name(&r, "dns", "dns");
	r = talk(IPPROTO_UDP, 4711, BYTES(""), BYTES(DNS_ANSWER));
	assert_name(&r, "dns", "dns");
	r = talk(IPPROTO_UDP, 5355, BYTES(DNS_QUERY), BYTES(""));
	assert_name(&r, "dns", "llmnr");
	/* A name that is longer than what is held, over UDP and over TCP. */
	r = talk(IPPROTO_UDP, 53, BYTES(DNS_LONG), BYTES(""));
	assert_name(&r, "dns", "dns");
	r = talk(IPPROTO_TCP, 53, BYTES("\x00\x52" DNS_LONG), BYTES(""));
	assert_name(&r, "dns", "dns");
	/* Multicast DNS: no id, "unicast answer" in the class. */
	r = talk(IPPROTO_UDP, 5353,
		BYTES("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05_http\x04"
		      "_tcp\x05local\x00\x00\x0c\x80\x01"),
		BYTES(""));
	assert_name(&r, "dns", "mdns");
	/* Not by its port. */
	r = talk(IPPROTO_UDP, 53, BYTES("XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"), BYTES(""));
	assert_name(&r, "-", "-");
	/* Class 9 does not exist; a label of 64 neither; a query asks something. */
	r = talk(IPPROTO_UDP, 53,
		BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" DNS_NAME
		      "\x00\x00\x01\x00\x09"),
		BYTES(""));
	assert_name(&r, "-", "-");
	r = talk(IPPROTO_UDP, 53,
		BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x40"
		      "abc\x00\x00\x01\x00\x01"),
		BYTES(""));
	assert_name(&r, "-", "-");
	r = talk(IPPROTO_UDP, 53,
		BYTES("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"),
		BYTES(""));
	assert_name(&r, "-", "-");
}

static void binary_protocols(void **unused)
{
	uint8_t dhcp[300] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
	uint8_t trap[210] = "\x30\x81\xcf\x02\x01\x01\x04\x06public\xa7\x81\xc1";
	uint8_t radius[44] = {1, 7, 0, 44, [20] = 1, [21] = 6};
	struct record r;

	(void)unused;
	/* A hello in two packets, seen with the answer. */
	r = talk(IPPROTO_TCP, 4711, BYTES(CLIENT_HELLO), BYTES(SERVER_HELLO));
	memcpy(r.side[SRC].data, "\x16\x03\x01\x07\x00\x01\x00\x06\xfc", 9);
	r.side[SRC].size[0] = 1448;
	r.side[DST].size[0] = 1448;
	assert_name(&r, "ssl", "tls");
	r = talk(IPPROTO_TCP, 4711, BYTES(""), BYTES(SERVER_HELLO));
	r.side[DST].size[0] = 127;
	assert_name(&r, "ssl", "tls");

	r = talk(IPPROTO_UDP, 4711, trap, sizeof(trap), BYTES(""));
	assert_name(&r, "snmp", "snmp");
	r = talk(IPPROTO_UDP, 161, trap, sizeof(trap) - 1, BYTES(""));
	assert_name(&r, "-", "-"); /* not the packet's length */

	r = talk(IPPROTO_UDP, 4711, dhcp, sizeof(dhcp), BYTES(""));
	assert_name(&r, "dhcp", "dhcp");
	dhcp[2] = 8;
	r = talk(IPPROTO_UDP, 67, dhcp, sizeof(dhcp), BYTES(""));
	assert_name(&r, "-", "-");

	radius[3] = 45; /* not the packet's length */
	r = talk(IPPROTO_UDP, 1812, radius, sizeof(radius), BYTES(""));
	assert_name(&r, "-", "-");
}

/* ---- over time ---- */

static void a_name_outlives_a_cut(void **unused)
{
	struct services *s = services_new();
	struct record r = text_talk("SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-dropbear\r\n");

	(void)unused;
	assert_int_equal(service_name(s, &r).service, SERVICE_SSH);
	r.part = 1;
	r.side[SRC].data_len = r.side[DST].data_len = 0;
	assert_int_equal(service_name(s, &r).service, SERVICE_SSH);
	say(&r, SRC, BYTES("\x9d\x31\x80\x55\x17\xe0\x2f\x90\x11\x67"));
	assert_int_equal(service_name(s, &r).service, SERVICE_SSH);
	r.flow_id = 2; /* another flow, not seen from its beginning */
	assert_int_equal(service_name(s, &r).service, SERVICE_NONE);
	r = text_talk("SSH-2.0-OpenSSH_9.2\r\n", "");
	r.total = true; /* of a destination: the bytes are of many flows */
	assert_int_equal(service_name(s, &r).service, SERVICE_NONE);
	services_free(s);
}

static void a_flow_is_named_anew_when_more_is_held(void **unused)
{
	struct services *s = services_new();
	struct record r = text_talk("", "220 ready\r\n");

	(void)unused;
	assert_int_equal(service_name(s, &r).service, SERVICE_NONE);
	say(&r, SRC, BYTES("USER anna\r\n"));
	assert_int_equal(service_name(s, &r).service, SERVICE_FTP);
	services_free(s);
}

static uint8_t chance(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return (uint8_t)(*state >> 16);
}

/* Bytes of all kinds, some behind what protocols begin with. */
static struct record any_talk(unsigned *state, unsigned n)
{
	static const char *const begin[] = {"", "GET /", "SSH-2.0-", "\x16\x03\x01", "220 ", "+OK ",
		"\x13"
		"BitTorrent protocol",
		"{\"id\":", "\xff\xfd", "RTSP/1.0 200 OK\r\n", "\x30\x82\x01\x00", "OPTIONS sip:"};
	static const uint16_t port[] = {22, 25, 53, 80, 88, 123, 139, 389, 443, 445, 500, 1433,
		1812, 3306, 3389, 3478, 5060, 5353, 5432, 6379, 8080, 9092, 27017, 40000};
	struct record r = sample(
		"10.0.0.1", 40000, "10.0.0.2", port[n % 24], n & 1 ? IPPROTO_TCP : IPPROTO_UDP, 0);
	uint8_t data[FLOW_PAYLOAD];

	r.flow_id = n + 1;
	for (int k = 0; k < 4; k++) {
		const char *b = begin[chance(state) % 12];
		size_t length = chance(state) % (FLOW_PAYLOAD + 1), at = strlen(b);

		memcpy(data, b, at);
		for (; at < sizeof(data); at++)
			data[at] = chance(state) & (n & 2 ? 0xff : 0x5f);
		if (length)
			say(&r, k & 1, data, length);
		if (chance(state) < 64)
			r.side[k & 1].size[0] = (uint16_t)(chance(state) << 8 | chance(state));
	}
	return r;
}

static size_t allocated(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

/* Names depend on a record alone; nothing is kept for it. */
static void any_bytes_are_safe_and_leave_nothing(void **unused)
{
	enum { TALKS = 3000 };
	static struct naming first[TALKS];
	unsigned state;
	size_t before = 0;

	(void)unused;
	for (int round = 0; round < 3; round++) {
		state = 7;
		if (round == 1)
			before = allocated();
		for (unsigned n = 0; n < TALKS; n++) {
			struct record r = any_talk(&state, n);
			struct naming name = dissect(&r);

			if (round == 0)
				first[n] = name;
			assert_ptr_equal(name.app, first[n].app);
			assert_int_equal(name.service, first[n].service);
		}
	}
	assert_int_equal(allocated(), before);
}

/* ---- columns ---- */

static struct row row_of(const struct record *r)
{
	struct window *w = window_new(16);
	struct row row;

	feature_row(w, r, &row);
	window_free(w);
	return row;
}

static void assert_http(const char *client, const char *server, double requests, double body)
{
	struct record r = text_talk(client, server);
	struct row row = row_of(&r);

	assert_close(row.value[COL_TRANS_DEPTH], requests, 0);
	assert_close(row.value[COL_CT_FLW_HTTP_MTHD], requests, 0);
	assert_close(row.value[COL_IS_FTP_LOGIN], 0, 0);
	assert_close(row.value[COL_CT_FTP_CMD], 0, 0);
	if (isnan(body))
		assert_true(isnan(row.value[COL_RESPONSE_BODY_LEN]));
	else
		assert_close(row.value[COL_RESPONSE_BODY_LEN], body, 0);
}

static void http_columns(void **unused)
{
	struct record r = text_talk("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "");

	(void)unused;
	assert_http("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1270\r\n", 1, 1270);
	assert_http("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\ncontent-length:7\r\n", 1, 7);
	assert_http("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nServer: nginx\r\n", 1, NAN);
	/* Behind the head the words are the body's. */
	assert_http(
		"GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n\r\nContent-Length: 1270\r\n", 1, NAN);
	/* Cut within the number: 64 bytes end after "Content-Length: 12". */
	assert_http("GET / HTTP/1.1\r\n",
		"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nX: 12\r\nContent-Length: 1270\r\n", 1,
		NAN);
	assert_http("GET / HTTP/1.1\r\n", "", 1, 0);
	assert_http("GET / HTTP/1.1\r\n", "HTTP/1.1 304 Not Modified\r\nDate: Sat\r\n", 1, 0);
	assert_http("HEAD / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1270\r\n", 1, 0);
	assert_http("", "HTTP/1.0 408 Request Timeout\r\n", 0, NAN);
	/* Two at once; and a request line longer than what is held. */
	assert_http(
		"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", "", 2, 0);
	assert_http("GET /search?q=0123456789012345678901234567890123456789012345678901234567890",
		"HTTP/1.1 200 OK\r\n", 1, NAN);
	assert_true(isnan(row_of(&r).value[COL_TRANS_DEPTH]));
}

static void assert_ftp(const char *client, const char *server, double login, double command)
{
	struct record r = text_talk(client, server);
	struct row row = row_of(&r);

	assert_close(row.value[COL_CT_FTP_CMD], command, 0);
	assert_close(row.value[COL_TRANS_DEPTH], 0, 0);
	if (isnan(login))
		assert_true(isnan(row.value[COL_IS_FTP_LOGIN]));
	else
		assert_close(row.value[COL_IS_FTP_LOGIN], login, 0);
}

static void ftp_columns(void **unused)
{
	static const char long_greeting[] = "220-Welcome to the archive of everything that was "
					    "ever written down\r\n220 FTP\r\n";

	(void)unused;
	assert_ftp("USER anna\r\nPASS b\r\nPWD\r\n", "220 FTP\r\n331 Password\r\n230 In\r\n", 1, 1);
	assert_ftp("USER anna\r\nPASS b\r\n",
		"220 (vsFTPd 3.0.3)\r\n331 Please specify the password.\r\n230 Login "
		"successful.\r\n",
		1, 1);
	assert_ftp("USER anna\r\n", "220 FTP\r\n530 No\r\n", 0, 1);
	assert_ftp("", "220 (vsFTPd 3.0.3)\r\n", 0, 0);
	/* The answer to the password is behind what is held. */
	assert_ftp("USER anna\r\nPASS b\r\n", long_greeting, NAN, 1);
	assert_ftp("AUTH TLS\r\n", long_greeting, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_in_text),
		cmocka_unit_test(binary_conversations),
		cmocka_unit_test(ftp_data_lies_between_the_hosts_of_a_control_connection),
		cmocka_unit_test(text_protocols),
		cmocka_unit_test(finer_names),
		cmocka_unit_test(dns_is_told_by_its_content),
		cmocka_unit_test(binary_protocols),
		cmocka_unit_test(a_name_outlives_a_cut),
		cmocka_unit_test(a_flow_is_named_anew_when_more_is_held),
		cmocka_unit_test(any_bytes_are_safe_and_leave_nothing),
		cmocka_unit_test(http_columns),
		cmocka_unit_test(ftp_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
