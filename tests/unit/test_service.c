/* The service by its first payload bytes, and the columns of HTTP and FTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feature/service.h"
#include "feature/window.h"
#include "sample.h"

/* A string with its zeros, without the one at its end. */
#define BYTES(text) (text), sizeof(text) - 1

static const char *service_between(uint8_t proto, const void *client, size_t client_length,
	const void *server, size_t server_length)
{
	static struct service_memory memory;
	struct record r = sample("10.0.0.1", 40000, "10.0.0.2", 4711, proto, 0);

	memset(&memory, 0, sizeof(memory));
	sample_data(&r, SRC, client, client_length);
	sample_data(&r, DST, server, server_length);
	return service_name(&memory, &r);
}

static void text_protocols(void **unused)
{
	static const struct {
		const char *client, *server, *service;
	} talk[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 OK\r\n", "http"},
		{"PROPFIND /dav HTTP/1.1\r\n", "", "http"},
		{"", "HTTP/1.0 408 Request Timeout\r\n", "http"},
		{"GETTING started", "", "-"},
		{"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-dropbear\r\n", "ssh"},
		{"", "SSH-2.0-OpenSSH_9.2\r\n", "ssh"},
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

	(void)unused;
	for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++)
		assert_string_equal(
			service_between(IPPROTO_TCP, talk[i].client, strlen(talk[i].client),
				talk[i].server, strlen(talk[i].server)),
			talk[i].service);
	/* Text over UDP is none of them. */
	assert_string_equal(
		service_between(IPPROTO_UDP, BYTES("GET / HTTP/1.1\r\n"), BYTES("")), "-");
}

#define DNS_QUERY                                                                                  \
	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07"                              \
	"example\x03org\x00"

static void dns_queries_and_answers(void **unused)
{
	(void)unused;
	assert_string_equal(
		service_between(IPPROTO_UDP, BYTES(DNS_QUERY "\x00\x01\x00\x01"), BYTES("")),
		"dns");
	assert_string_equal(service_between(IPPROTO_UDP, BYTES(""),
				    BYTES("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x03"
					  "www\x00\x00\x1c\x00\x01")),
		"dns");
	assert_string_equal(service_between(IPPROTO_TCP,
				    BYTES("\x00\x21" DNS_QUERY "\x00\x01\x00\x01"), BYTES("")),
		"dns");
	/* Multicast DNS: no id, "unicast answer" in the class. */
	assert_string_equal(
		service_between(IPPROTO_UDP,
			BYTES("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05_http\x04"
			      "_tcp\x05local\x00\x00\x0c\x80\x01"),
			BYTES("")),
		"dns");
	/* Class 9 does not exist; a label of 64 neither; a query asks something. */
	assert_string_equal(
		service_between(IPPROTO_UDP, BYTES(DNS_QUERY "\x00\x01\x00\x09"), BYTES("")), "-");
	assert_string_equal(service_between(IPPROTO_UDP,
				    BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x40"
					  "abc\x00\x00\x01\x00\x01"),
				    BYTES("")),
		"-");
	assert_string_equal(service_between(IPPROTO_UDP,
				    BYTES("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
					  "\x01\x00\x01"),
				    BYTES("")),
		"-");
}

static void binary_protocols(void **unused)
{
	uint8_t dhcp[300] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
	uint8_t radius[44] = {1, 7, 0, 44, [20] = 1, [21] = 6};

	(void)unused;
	assert_string_equal(
		service_between(IPPROTO_TCP, BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
			BYTES("")),
		"ssl");
	assert_string_equal(service_between(IPPROTO_TCP, BYTES(""),
				    BYTES("\x16\x03\x03\x00\x7a\x02\x00\x00\x76")),
		"ssl");
	/* A server's hello does not come from a client. */
	assert_string_equal(service_between(IPPROTO_TCP,
				    BYTES("\x16\x03\x03\x00\x7a\x02\x00\x00\x76"), BYTES("")),
		"-");
	assert_string_equal(service_between(IPPROTO_UDP,
				    BYTES("\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c"), BYTES("")),
		"snmp");
	assert_string_equal(
		service_between(IPPROTO_UDP, BYTES("\x30\x3e\x02\x01\x03\x30\x11\x02"), BYTES("")),
		"snmp");
	assert_string_equal(service_between(IPPROTO_UDP, dhcp, sizeof(dhcp), BYTES("")), "dhcp");
	dhcp[2] = 8;
	assert_string_equal(service_between(IPPROTO_UDP, dhcp, sizeof(dhcp), BYTES("")), "-");
	assert_string_equal(
		service_between(IPPROTO_UDP, radius, sizeof(radius), BYTES("")), "radius");
	radius[3] = 45; /* not the packet's length */
	assert_string_equal(service_between(IPPROTO_UDP, radius, sizeof(radius), BYTES("")), "-");
}

static void any_bytes_are_safe(void **unused)
{
	uint8_t data[FLOW_PAYLOAD];
	unsigned state = 7;

	(void)unused;
	for (int i = 0; i < 200000; i++) {
		size_t length = (size_t)(i % (FLOW_PAYLOAD + 1));

		for (size_t k = 0; k < length; k++) {
			state = state * 1103515245 + 12345;
			data[k] = (uint8_t)(state >> 16) & (i & 1 ? 0xff : 0x43);
		}
		assert_non_null(service_between(
			i & 2 ? IPPROTO_UDP : IPPROTO_TCP, data, length, data, length));
	}
}

static void ftp_data_lies_between_the_hosts_of_a_control_connection(void **unused)
{
	struct service_memory *m = calloc(1, sizeof(*m));
	struct record control = sample("10.0.0.1", 40000, "10.0.0.2", 21, IPPROTO_TCP, 0);
	struct record passive = sample("10.0.0.1", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 1);
	struct record active = sample("10.0.0.2", 20, "10.0.0.1", 40002, IPPROTO_TCP, 2);
	struct record web = sample("10.0.0.1", 40003, "10.0.0.2", 443, IPPROTO_TCP, 2);
	struct record other = sample("10.0.0.3", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 2);
	struct record late = sample("10.0.0.1", 40001, "10.0.0.2", 50000, IPPROTO_TCP, 700);

	(void)unused;
	assert_string_equal(service_name(m, &passive), "-");
	sample_data(&control, DST, BYTES("220 (vsFTPd 3.0.3)\r\n"));
	assert_string_equal(service_name(m, &control), "ftp");
	assert_string_equal(service_name(m, &passive), "ftp-data");
	assert_string_equal(service_name(m, &active), "ftp-data");
	assert_string_equal(service_name(m, &web), "-");
	assert_string_equal(service_name(m, &other), "-");
	assert_string_equal(service_name(m, &late), "-");
	free(m);
}

static struct row row_of(const char *client, const char *server)
{
	struct window *w = window_new(16);
	struct record r = sample("10.0.0.1", 40000, "10.0.0.2", 4711, IPPROTO_TCP, 0);
	struct row row;

	sample_data(&r, SRC, client, strlen(client));
	sample_data(&r, DST, server, strlen(server));
	feature_row(w, &r, &row);
	window_free(w);
	return row;
}

static void http_and_ftp_columns(void **unused)
{
	struct row row =
		row_of("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1270\r\n");

	(void)unused;
	assert_close(row.value[COL_TRANS_DEPTH], 1, 0);
	assert_close(row.value[COL_CT_FLW_HTTP_MTHD], 1, 0);
	assert_close(row.value[COL_RESPONSE_BODY_LEN], 1270, 0);
	assert_close(row.value[COL_IS_FTP_LOGIN], 0, 0);
	row = row_of("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\nServer: nginx\r\n");
	assert_true(isnan(row.value[COL_RESPONSE_BODY_LEN]));
	/* Cut within the number: 64 bytes end after "Content-Length: 12". */
	row = row_of("GET / HTTP/1.1\r\n",
		"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nX: 12\r\nContent-Length: 1270\r\n");
	assert_true(isnan(row.value[COL_RESPONSE_BODY_LEN]));
	row = row_of("USER anna\r\nPASS b\r\nPWD\r\n", "220 FTP\r\n331 Password\r\n230 In\r\n");
	assert_close(row.value[COL_IS_FTP_LOGIN], 1, 0);
	assert_close(row.value[COL_CT_FTP_CMD], 3, 0);
	assert_close(row.value[COL_TRANS_DEPTH], 0, 0);
	row = row_of("USER anna\r\n", "220 FTP\r\n530 No\r\n");
	assert_close(row.value[COL_IS_FTP_LOGIN], 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_protocols),
		cmocka_unit_test(dns_queries_and_answers),
		cmocka_unit_test(binary_protocols),
		cmocka_unit_test(any_bytes_are_safe),
		cmocka_unit_test(ftp_data_lies_between_the_hosts_of_a_control_connection),
		cmocka_unit_test(http_and_ftp_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
