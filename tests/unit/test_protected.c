/* Prefixes, who is never blocked, and who is around this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "respond/prefix.h"
#include "respond/protected.h"
#include "respond/sessions.h"
#include "respond/surroundings.h"

static void prefixes_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *same; /* NULL: it is none */
	} cases[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"10.0.0.1/32", "10.0.0.1"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.1.2.3/31", "10.1.2.2/31"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:db8:1:2:3::/64", "2001:db8:1:2::/64"},
		{"::/0", "::/0"},
		{"10.0.0.1/33", NULL},
		{"10.0.0.1/", NULL},
		{"10.0.0.1/-1", NULL},
		{"10.0.0.1/8x", NULL},
		{"10.0.0/8", NULL},
		{"2001:db8::/129", NULL},
		{"", NULL},
		{"/8", NULL},
		{"host", NULL},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/12", NULL},
	};
	char text[PREFIX_TEXT];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(prefix_parse(cases[i].text, &p), cases[i].same != NULL);
		if (cases[i].same)
			assert_string_equal(prefix_text(p.addr, p.bits, text), cases[i].same);
	}
}

static const char *why(const struct protected_list *l, const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	return protected_find(l, p.addr, p.bits);
}

static void some_are_protected_everywhere(void **state)
{
	struct protected_list l = {0};
	struct prefix p;

	(void)state;
	protected_add_fixed(&l);
	assert_string_equal(why(&l, "127.0.0.53"), "loopback");
	assert_string_equal(why(&l, "::1"), "loopback");
	assert_string_equal(why(&l, "239.255.255.250"), "multicast");
	assert_string_equal(why(&l, "ff02::1"), "multicast");
	assert_string_equal(why(&l, "255.255.255.255"), "broadcast");
	assert_string_equal(why(&l, "0.0.0.0"), "the unspecified address");
	assert_string_equal(why(&l, "::"), "the unspecified address");
	assert_null(why(&l, "192.0.2.1"));
	assert_null(why(&l, "2001:db8::/32"));
	/* A prefix is, when anybody in it is. */
	assert_non_null(why(&l, "0.0.0.0/0"));
	assert_non_null(why(&l, "::/0"));
	assert_true(prefix_parse("192.0.2.7", &p));
	protected_add(&l, p.addr, p.bits, PROTECTED_GATEWAY);
	assert_string_equal(why(&l, "192.0.2.7"), "a gateway");
	assert_string_equal(why(&l, "192.0.2.0/24"), "a gateway");
	assert_null(why(&l, "192.0.2.8"));
	assert_true(prefix_parse("198.51.100.0/24", &p));
	protected_add(&l, p.addr, p.bits, PROTECTED_ALLOWED);
	assert_string_equal(why(&l, "198.51.100.200"), "on the allow list");
	protected_free(&l);
}

static void lists_are_bounded_and_compared(void **state)
{
	struct protected_list a = {0}, b = {0};
	uint8_t addr[16] = {0x20};

	(void)state;
	for (unsigned i = 0; i < PROTECTED_MOST + 10; i++) {
		addr[14] = (uint8_t)(i >> 8);
		addr[15] = (uint8_t)i;
		protected_add(&a, addr, 128, PROTECTED_DNS);
		protected_add(&a, addr, 128, PROTECTED_OWN);
	}
	assert_true(a.count <= PROTECTED_MOST);
	assert_int_equal(a.lost, 20);
	protected_add(&b, addr, 128, PROTECTED_DNS);
	assert_false(protected_same(&a, &b));
	protected_free(&a);
	protected_add(&a, addr, 128, PROTECTED_OWN);
	assert_true(protected_same(&a, &b));
	addr[15]++;
	protected_add(&a, addr, 128, PROTECTED_OWN);
	addr[15]++;
	protected_add(&b, addr, 128, PROTECTED_OWN);
	assert_false(protected_same(&a, &b));
	protected_free(&a);
	protected_free(&b);
}

/* Of what could not be looked up again, what was found goes on for some minutes; what could is as
 * it is now. */
static void what_cannot_be_looked_up_is_kept_for_a_while(void **state)
{
	const unsigned sessions = 1U << PROTECTED_SESSION, gateways = 1U << PROTECTED_GATEWAY;
	struct protected_list first = {.at_ns = 1000}, l = {.at_ns = 1000 + protected_kept_ns};
	struct protected_list late = {.at_ns = 1001 + protected_kept_ns}, again = late;
	struct prefix p, dns;

	(void)state;
	assert_true(prefix_parse("192.0.2.7", &p));
	protected_add(&first, p.addr, p.bits, PROTECTED_SESSION);
	assert_true(prefix_parse("192.0.2.53", &dns));
	protected_add(&first, dns.addr, dns.bits, PROTECTED_DNS);
	protected_keep(&l, &first, gateways);
	assert_int_equal(l.count, 0);
	protected_keep(&l, &first, sessions);
	assert_int_equal(l.count, 1);
	assert_string_equal(why(&l, "192.0.2.7"), "the other end of a login session");
	/* To have kept it is not to have found it. */
	protected_keep(&late, &l, sessions);
	assert_int_equal(late.count, 0);
	protected_add(&l, dns.addr, dns.bits, PROTECTED_DNS);
	protected_keep(&again, &l, 1U << PROTECTED_DNS | sessions);
	assert_int_equal(again.count, 1);
	assert_string_equal(why(&again, "192.0.2.53"), "a DNS server in use");
	protected_free(&first);
	protected_free(&l);
	protected_free(&late);
	protected_free(&again);
}

static void dns_servers_are_read(void **state)
{
	char path[] = "/tmp/karma-resolv-XXXXXX";
	struct protected_list l = {0};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	(void)state;
	assert_non_null(f);
	fputs("# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\n"
	      "  nameserver\tfe80::53%eth0\nnameserver rubbish\nnameservers 192.0.2.54\n",
		f);
	fclose(f);
	assert_true(surroundings_read_dns(&l, path));
	assert_true(surroundings_read_dns(&l, "/nowhere/resolv.conf"));
	assert_false(surroundings_read_dns(&l, "/proc/self/mem"));
	unlink(path);
	assert_int_equal(l.count, 2);
	assert_string_equal(why(&l, "192.0.2.53"), "a DNS server in use");
	assert_string_equal(why(&l, "fe80::53"), "a DNS server in use");
	protected_free(&l);
}

static void this_machine_is_known(void **state)
{
	struct protected_list l = {0};

	(void)state;
	assert_int_equal(surroundings_read(&l), 0);
	assert_int_equal(l.lost, 0);
	assert_string_equal(why(&l, "127.0.0.1"), "an address of this machine");
	protected_free(&l);
}

/* Who guesses passwords has a process of sshd's, too: only who is logged in counts. */
static void sessions_are_told_from_attempts(void **state)
{
	static const char *const in[] = {"sshd: kim@pts/0", "sshd: root@notty",
		"sshd: kim@example.org@pts/12", "sshd-session: kim@pts/3",
		"sshd: kim@internal-sftp"};
	static const char *const out[] = {"sshd: kim [priv]", "sshd: kim [net]",
		"sshd: unknown [net]", "sshd: [accepted]", "sshd: kim@example.org [priv]",
		"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd", "sshd:", "",
		"bash: kim@pts/0", "/usr/sbin/sshd -D"};

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		assert_true(sessions_is_title(in[i]));
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		assert_false(sessions_is_title(out[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_read_and_written),
		cmocka_unit_test(some_are_protected_everywhere),
		cmocka_unit_test(lists_are_bounded_and_compared),
		cmocka_unit_test(what_cannot_be_looked_up_is_kept_for_a_while),
		cmocka_unit_test(dns_servers_are_read),
		cmocka_unit_test(this_machine_is_known),
		cmocka_unit_test(sessions_are_told_from_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
