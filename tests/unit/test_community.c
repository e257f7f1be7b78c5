/* Community ID v1 against the vectors that its specification (its baseline of seed 0, all of them)
 * and its other makers publish: TCP, UDP, SCTP, ICMP, ICMPv6, and what has no ports; both
 * directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "output/community.h"

static const struct vector {
	const char *src, *dst;
	uint8_t proto;
	uint16_t sport, dport; /* ICMP: type and code */
	const char *id;
} vectors[] = {
	{"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 58, 135, 0,
		"1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{"fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 58, 136, 0,
		"1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{"fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 58, 135, 0,
		"1:zavyT/cezQr1fmImYCwYnMXbgck="},
	{"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 58, 136, 0,
		"1:zavyT/cezQr1fmImYCwYnMXbgck="},
	{"3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 3, 0,
		"1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
	{"3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 1, 4,
		"1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
	{"3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 58, 128, 0,
		"1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
	{"3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 129, 0,
		"1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
	{"fe80::200:86ff:fe05:80da", "ff02::2", 58, 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
	{"fe80::260:97ff:fe07:69ea", "ff02::1", 58, 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
	{"192.168.0.89", "192.168.0.1", 1, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{"192.168.0.1", "192.168.0.89", 1, 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{"10.0.0.1", "10.0.0.2", 1, 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
	{"2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 6, 63943, 25,
		"1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{"2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 6, 25, 63943,
		"1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{"192.168.170.8", "192.168.170.56", 132, 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{"192.168.170.56", "192.168.170.8", 132, 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{"128.232.110.120", "66.35.250.204", 6, 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{"66.35.250.204", "128.232.110.120", 6, 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{"192.168.1.52", "8.8.8.8", 17, 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{"8.8.8.8", "192.168.1.52", 17, 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{"10.1.12.1", "10.1.12.2", 46, 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	{"10.1.12.2", "10.1.12.1", 46, 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	/* of other makers */
	{"1.2.3.4", "5.6.7.8", 6, 1122, 3344, "1:wCb3OG7yAFWelaUydu0D+125CLM="},
	{"1.2.3.4", "5.6.7.8", 17, 1122, 3344, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="},
};

static void parse(const char *text, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET6, text, addr) == 1)
		return;
	addr[10] = addr[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, addr + 12), 1);
}

static struct record record_of(const struct vector *v)
{
	struct record r = {.proto = v->proto, .net = strchr(v->src, ':') ? NET_IPV6 : NET_IPV4};

	parse(v->src, r.addr[SRC]);
	parse(v->dst, r.addr[DST]);
	if (v->proto == 1 || v->proto == 58) {
		r.icmp_type = (uint8_t)v->sport;
		r.icmp_code = (uint8_t)v->dport;
	} else {
		r.port[SRC] = v->sport;
		r.port[DST] = v->dport;
	}
	return r;
}

static void published_vectors(void **state)
{
	char text[COMMUNITY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct record r = record_of(&vectors[i]);

		assert_string_equal(community_id(&r, text), vectors[i].id);
	}
}

static void one_way_icmp_keeps_its_direction(void **state)
{
	struct vector there = {"10.0.0.1", "10.0.0.2", 1, 3, 1, ""};
	struct vector back = {"10.0.0.2", "10.0.0.1", 1, 3, 1, ""};
	struct record a = record_of(&there), b = record_of(&back);
	char x[COMMUNITY_TEXT], y[COMMUNITY_TEXT];

	(void)state;
	assert_string_not_equal(community_id(&a, x), community_id(&b, y));
}

static void arp_has_none(void **state)
{
	struct record r = {.net = NET_ARP};
	char text[COMMUNITY_TEXT];

	(void)state;
	assert_string_equal(community_id(&r, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(one_way_icmp_keeps_its_direction),
		cmocka_unit_test(arp_has_none),
	};

	return cmocka_run_group_tests_name("community", tests, NULL, NULL);
}
