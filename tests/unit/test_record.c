/* The flow record: source and destination, states, names, the flow's id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/counter.h"
#include "flow/record.h"

enum { LOW, HIGH };

/* The bit that says which end speaks first. */
#define FROM(report) ((report).flow.bits & FLOW_FROM1)

/* A flow of one packet from key end `from`: 10.0.0.1 is end LOW, 10.0.0.2 end HIGH. */
static struct flow_report report_of(uint8_t proto, uint16_t low, uint16_t high, uint8_t from)
{
	struct flow_report r = {0};

	addr_parse("10.0.0.1", (uint8_t *)&r.key.addr[LOW]);
	addr_parse("10.0.0.2", (uint8_t *)&r.key.addr[HIGH]);
	r.key.port[LOW] = low;
	r.key.port[HIGH] = high;
	r.key.proto = proto;
	r.key.net = NET_IPV4;
	r.event = RECORD_FINAL;
	r.at_ns = 9000;
	r.flow.bits = FLOW_BEGUN | FLOW_NEWS | (from ? FLOW_FROM1 : 0);
	r.flow.start_ns = r.flow.first_ns = r.flow.last_ns = 1000;
	r.flow.side[0].packets = 1;
	r.flow.side[0].first_ns = r.flow.side[0].last_ns = 1000;
	return r;
}

static struct record made(const struct flow_report *report)
{
	struct record r;

	record_make(&r, report, 0);
	return r;
}

static void assert_ends(
	const struct record *r, const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_text(r->addr[SRC], text), src);
	assert_string_equal(addr_text(r->addr[DST], text), dst);
	assert_int_equal(r->port[SRC], sport);
	assert_int_equal(r->port[DST], dport);
}

static void source_is_the_first_sender(void **unused)
{
	struct flow_report low = report_of(IPPROTO_UDP, 5000, 53, LOW);
	struct flow_report high = report_of(IPPROTO_UDP, 5000, 53, HIGH);
	struct record r = made(&low);

	(void)unused;
	assert_ends(&r, "10.0.0.1", 5000, "10.0.0.2", 53);
	assert_int_equal(r.side[SRC].packets, 1);
	r = made(&high);
	assert_ends(&r, "10.0.0.2", 53, "10.0.0.1", 5000);
	assert_int_equal(r.side[SRC].packets, 1);
}

static void source_is_the_sender_of_the_syn(void **unused)
{
	struct flow_report p = report_of(IPPROTO_TCP, 40000, 80, HIGH);
	struct record r;

	(void)unused;
	p.flow.bits = FROM(p) | FLOW_SYN;
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 80, "10.0.0.1", 40000);

	/* a late packet of an earlier connection came first, then the client's SYN */
	p.flow.bits = FROM(p) | FLOW_SYN | FLOW_SYN1;
	p.flow.side[1].packets = 5;
	r = made(&p);
	assert_ends(&r, "10.0.0.1", 40000, "10.0.0.2", 80);
	assert_int_equal(r.side[SRC].packets, 5);
	assert_int_equal(r.side[DST].packets, 1);
}

static void tcp_without_syn_goes_by_port(void **unused)
{
	struct flow_report p = report_of(IPPROTO_TCP, 40000, 443, HIGH);
	struct record r = made(&p);

	(void)unused;
	assert_ends(&r, "10.0.0.1", 40000, "10.0.0.2", 443);
	assert_int_equal(r.side[DST].packets, 1);

	p = report_of(IPPROTO_TCP, 1023, 443, HIGH);
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 443, "10.0.0.1", 1023);

	p = report_of(IPPROTO_TCP, 40000, 443, HIGH);
	p.flow.bits = FROM(p) | FLOW_SYNACK | FLOW_LEAD_SYNACK;
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 443, "10.0.0.1", 40000);
	assert_int_equal(r.state, STATE_ACC);
	/* what follows only where it was accepted: the client was the one before it */
	p.flow.side[0].flags[FLAG_SYN] = p.flow.side[0].flags[FLAG_ACK] = 1;
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 443, "10.0.0.1", 40000);
	p.flow.side[0].flags[FLAG_ACK] = 2;
	r = made(&p);
	assert_ends(&r, "10.0.0.1", 40000, "10.0.0.2", 443);
	p.flow.side[0].flags[FLAG_ACK] = 1;
	p.flow.bits |= FLOW_ESTABLISHED;
	r = made(&p);
	assert_ends(&r, "10.0.0.1", 40000, "10.0.0.2", 443);

	/* UDP keeps the first sender, whatever the ports */
	p = report_of(IPPROTO_UDP, 40000, 443, HIGH);
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 443, "10.0.0.1", 40000);
}

static void tcp_states(void **unused)
{
	static const struct {
		uint32_t bits;
		enum record_state state;
	} cases[] = {
		{0, STATE_CON},
		{FLOW_SYN, STATE_REQ},
		{FLOW_SYN | FLOW_SYNACK, STATE_ACC},
		{FLOW_SYN | FLOW_SYNACK | FLOW_ESTABLISHED, STATE_CON},
		{FLOW_SYN | FLOW_SYNACK | FLOW_ESTABLISHED | FLOW_FIN0, STATE_FIN},
		{FLOW_FIN1, STATE_FIN},
		{FLOW_SYN | FLOW_RST, STATE_RST},
		{FLOW_SYN | FLOW_SYNACK | FLOW_ESTABLISHED | FLOW_FIN0 | FLOW_RST, STATE_RST},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_report p = report_of(IPPROTO_TCP, 40000, 80, LOW);

		p.flow.bits = FROM(p) | cases[i].bits;
		assert_int_equal(made(&p).state, cases[i].state);
	}
}

static void an_ack_says_that_a_syn_was_answered(void **unused)
{
	struct flow_report p = report_of(IPPROTO_TCP, 40000, 80, LOW);

	(void)unused;
	p.flow.bits = FROM(p) | FLOW_SYN;
	p.flow.side[0].packets = 2;
	p.flow.side[0].flags[FLAG_SYN] = 2;
	assert_int_equal(made(&p).state, STATE_REQ);
	p.flow.side[0].flags[FLAG_SYN] = 1;
	p.flow.side[0].flags[FLAG_ACK] = 1;
	assert_int_equal(made(&p).state, STATE_CON);
}

static void the_base_number_precedes_a_first_packet_without_syn(void **unused)
{
	struct flow_report p = report_of(IPPROTO_TCP, 40000, 80, LOW);

	(void)unused;
	p.flow.side[0].seq = 1000;
	p.flow.side[1].seq = 5000;
	assert_int_equal(made(&p).side[SRC].seq, 999);
	assert_int_equal(made(&p).side[DST].seq, 5000);
	p.flow.part = 1;
	assert_int_equal(made(&p).side[SRC].seq, 1000);
	p.flow.part = 0;
	p.flow.bits = FROM(p) | FLOW_SYN;
	p.flow.side[0].flags[FLAG_SYN] = 1;
	assert_int_equal(made(&p).side[SRC].seq, 1000);
}

static void windows_are_scaled_as_offered(void **unused)
{
	struct flow_report p = report_of(IPPROTO_TCP, 40000, 80, LOW);
	struct record r;

	(void)unused;
	p.flow.bits = FLOW_SYN;
	p.flow.side[0].window = p.flow.side[1].window = 500;
	p.flow.side[0].wscale = 7;
	p.flow.side[1].wscale = WSCALE_NONE;
	r = made(&p);
	assert_int_equal(r.side[SRC].window, 0); /* of a lone packet nothing is said */
	assert_int_equal(r.side[DST].window, 0);
	p.flow.side[0].packets = 2;
	r = made(&p);
	assert_int_equal(r.side[SRC].window, 500 << 7);
	assert_int_equal(r.side[DST].window, 0); /* silent: kept from a record before */
	p.flow.side[1].packets = 1;
	r = made(&p);
	assert_int_equal(r.side[DST].window, 500);
	p.flow.part = 1;
	p.flow.side[0].packets = 0;
	r = made(&p);
	assert_int_equal(r.side[SRC].window, 0);
	assert_int_equal(r.side[DST].window, 500);
}

static void other_states(void **unused)
{
	struct flow_report p = report_of(IPPROTO_UDP, 40000, 53, LOW);

	(void)unused;
	assert_int_equal(made(&p).state, STATE_INT);
	p.flow.part = 1;
	assert_int_equal(made(&p).state, STATE_REQ);
	p.flow.side[1].packets = 1;
	assert_int_equal(made(&p).state, STATE_CON);
	p.flow.side[0].packets = 0;
	assert_int_equal(made(&p).state, STATE_RSP);
	p.flow.part = 0;
	p.flow.side[0].packets = 1;
	assert_int_equal(made(&p).state, STATE_CON);

	/* a later TCP fragment alone has no ports and no connection */
	p = report_of(IPPROTO_TCP, 0, 0, LOW);
	p.flow.bits = FLOW_FRAGMENT;
	assert_int_equal(made(&p).state, STATE_INT);
	assert_true(made(&p).fragments);
}

static void icmp_states(void **unused)
{
	static const struct {
		uint8_t net, type, code;
		enum record_state state;
	} cases[] = {
		{NET_IPV4, 8, 0, STATE_ECO},
		{NET_IPV4, 3, 0, STATE_URN},
		{NET_IPV4, 3, 1, STATE_URH},
		{NET_IPV4, 3, 2, STATE_URO},
		{NET_IPV4, 3, 3, STATE_URP},
		{NET_IPV4, 3, 4, STATE_URF},
		{NET_IPV4, 3, 13, STATE_URFIL},
		{NET_IPV4, 3, 10, STATE_UR},
		{NET_IPV4, 5, 1, STATE_RED},
		{NET_IPV4, 11, 0, STATE_TXD},
		{NET_IPV4, 12, 0, STATE_PAR},
		{NET_IPV4, 13, 0, STATE_TST},
		{NET_IPV4, 17, 0, STATE_MAS},
		{NET_IPV4, 200, 0, STATE_UNK},
		{NET_IPV6, 128, 0, STATE_ECO},
		{NET_IPV6, 1, 0, STATE_URN},
		{NET_IPV6, 1, 1, STATE_URFIL},
		{NET_IPV6, 1, 3, STATE_URH},
		{NET_IPV6, 1, 4, STATE_URP},
		{NET_IPV6, 1, 5, STATE_UR},
		{NET_IPV6, 2, 0, STATE_URF},
		{NET_IPV6, 3, 1, STATE_TXD},
		{NET_IPV6, 4, 2, STATE_PAR},
		{NET_IPV6, 133, 0, STATE_NRS},
		{NET_IPV6, 136, 0, STATE_NNS},
		{NET_IPV6, 137, 0, STATE_RED},
		{NET_IPV6, 143, 0, STATE_MHR},
		{NET_IPV6, 3, 0, STATE_TXD},
		{NET_IPV6, 8, 0, STATE_UNK},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool v6 = cases[i].net == NET_IPV6;
		struct flow_report p =
			report_of(v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, cases[i].type, 7, HIGH);
		struct record r;

		p.key.net = cases[i].net;
		p.flow.icmp_type = cases[i].type;
		p.flow.icmp_code = cases[i].code;
		r = made(&p);
		assert_int_equal(r.state, cases[i].state);
		assert_int_equal(r.icmp_type, cases[i].type);
		assert_int_equal(r.icmp_code, cases[i].code);
		assert_ends(&r, "10.0.0.2", 0, "10.0.0.1", 0);
	}
}

static void ping_answer_goes_to_its_source(void **unused)
{
	struct flow_report p = report_of(IPPROTO_ICMP, 8, 1234, LOW);
	struct record r;

	(void)unused;
	p.flow.icmp_type = 0;
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 0, "10.0.0.1", 0);
	assert_int_equal(r.state, STATE_ECR);
	assert_int_equal(r.side[DST].packets, 1);

	p.flow.side[1].packets = 1; /* the capture began between a request and its answer */
	assert_int_equal(made(&p).state, STATE_ECO);
}

static void who_asks_by_arp_is_the_source(void **unused)
{
	struct flow_report p = report_of(0, 0, 0, LOW);
	struct record r;

	(void)unused;
	p.key.net = NET_ARP;
	p.key.id = LOW;
	r = made(&p);
	assert_ends(&r, "10.0.0.1", 0, "10.0.0.2", 0);
	p.key.id = HIGH; /* an answer whose question was not seen */
	r = made(&p);
	assert_ends(&r, "10.0.0.2", 0, "10.0.0.1", 0);
	assert_int_equal(r.side[DST].packets, 1);
}

static void arp_is_not_icmp_nor_tcp(void **unused)
{
	struct flow_report p = report_of(0, 0, 0, LOW);
	struct record r;

	(void)unused;
	p.key.net = NET_ARP;
	r = made(&p);
	assert_int_equal(r.state, STATE_INT);
	assert_string_equal(record_proto_name(r.net, r.proto), "arp");
}

static void flow_id_is_that_of_the_flow(void **unused)
{
	struct flow_report a = report_of(IPPROTO_TCP, 40000, 80, LOW), b = a;
	uint64_t id = made(&a).flow_id;

	(void)unused;
	assert_true(id > 0 && id < 1ULL << 53);
	b.flow.part = 3;
	b.flow.first_ns = 70000;
	b.flow.bits = FLOW_SYN | FLOW_SYN1;
	assert_int_equal(made(&b).flow_id, id);
	b = a;
	b.flow.start_ns++; /* the same ends, another connection */
	assert_int_not_equal(made(&b).flow_id, id);
	b = a;
	b.key.port[LOW]++;
	assert_int_not_equal(made(&b).flow_id, id);
}

static void news_and_again(void **unused)
{
	struct flow_report p = report_of(IPPROTO_UDP, 40000, 53, LOW);

	(void)unused;
	assert_true(made(&p).news);
	assert_false(made(&p).again);
	p.flow.bits = FLOW_SHOWN;
	assert_false(made(&p).news);
	assert_true(made(&p).again);
	p.flow.bits |= FLOW_NEWS;
	assert_true(made(&p).news);
	p.flow.bits &= ~FLOW_SHOWN;
	p.flow.part = 1;
	assert_true(made(&p).again);
}

static void times_are_shifted_and_none_stays_none(void **unused)
{
	struct flow_report p = report_of(IPPROTO_UDP, 40000, 53, LOW);
	struct record r;

	(void)unused;
	p.flow.synack_gap = 5;
	record_make(&r, &p, 1000000);
	assert_int_equal(r.at_ns, 1009000);
	assert_int_equal(r.start_ns, 1001000);
	assert_int_equal(r.first_ns, 1001000);
	assert_int_equal(r.last_ns, 1001000);
	assert_int_equal(r.side[SRC].first_ns, 1001000);
	assert_int_equal(r.side[DST].first_ns, 0);
	assert_int_equal(r.side[DST].last_ns, 0);
	assert_int_equal(r.synack_ns, 5);
	assert_int_equal(r.ackdat_ns, 0);
}

static void names_and_back(void **unused)
{
	(void)unused;
	for (unsigned s = 0; s < STATES; s++)
		assert_int_equal(record_state_of(record_state_name((enum record_state)s)), s);
	assert_int_equal(record_state_of("fin"), STATE_FIN);
	assert_int_equal(record_state_of("URHPRO"), STATE_UR);
	assert_int_equal(record_state_of("nonsense"), STATE_NO);
	assert_string_equal(record_state_name(STATES), "no");

	for (unsigned p = 0; p < 135; p++)
		if (p != 63 && p != 68 && p != 134) /* named "any" and "rsvp" like others */
			assert_int_equal(
				record_proto_of(record_proto_name(NET_IPV4, (uint8_t)p)), p);
	assert_string_equal(record_proto_name(NET_IPV4, 6), "tcp");
	assert_string_equal(record_proto_name(NET_IPV4, 89), "ospf");
	assert_string_equal(record_proto_name(NET_IPV4, 132), "sctp");
	assert_string_equal(record_proto_name(NET_IPV4, 200), "unas");
	assert_int_equal(record_proto_of("UDP"), 17);
	assert_int_equal(record_proto_of("arp"), PROTO_ARP);
	assert_int_equal(record_proto_of("unas"), 255);
	assert_int_equal(record_proto_of("nonsense"), -1);
}

static void addresses_and_back(void **unused)
{
	static const char *const texts[] = {
		"10.0.0.1", "255.255.255.255", "2001:db8::1", "::", "fe80::1"};
	uint8_t addr[16];
	char text[ADDR_TEXT];

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(addr_parse(texts[i], addr));
		assert_string_equal(addr_text(addr, text), texts[i]);
	}
	assert_false(addr_parse("10.0.0", addr));
	assert_false(addr_parse("host", addr));
	assert_false(addr_parse("", addr));
}

static void counters_have_names(void **unused)
{
	struct meter_stats stats = {.count = {[COUNT_PACKETS] = 7,
					    [COUNT_FLOWS] = 1,
					    [LOST_MAP_FULL] = 3,
					    [LOST_DAMAGED] = 1}};
	char line[256] = "";
	FILE *out = fmemopen(line, sizeof(line), "w");

	(void)unused;
	for (unsigned c = 0; c < METER_COUNTERS; c++) {
		assert_non_null(meter_counter_name((enum meter_counter)c));
		assert_non_null(meter_counter_text((enum meter_counter)c, 2));
	}
	meter_stats_print(out, &stats);
	fclose(out);
	assert_string_equal(line, "7 packets, 1 flow, 0 records; "
				  "3 packets for which the flow table had no room; "
				  "1 802.11 frame with a wrong checksum");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_is_the_first_sender),
		cmocka_unit_test(source_is_the_sender_of_the_syn),
		cmocka_unit_test(tcp_without_syn_goes_by_port),
		cmocka_unit_test(tcp_states),
		cmocka_unit_test(an_ack_says_that_a_syn_was_answered),
		cmocka_unit_test(the_base_number_precedes_a_first_packet_without_syn),
		cmocka_unit_test(windows_are_scaled_as_offered),
		cmocka_unit_test(other_states),
		cmocka_unit_test(icmp_states),
		cmocka_unit_test(ping_answer_goes_to_its_source),
		cmocka_unit_test(who_asks_by_arp_is_the_source),
		cmocka_unit_test(arp_is_not_icmp_nor_tcp),
		cmocka_unit_test(flow_id_is_that_of_the_flow),
		cmocka_unit_test(news_and_again),
		cmocka_unit_test(times_are_shifted_and_none_stays_none),
		cmocka_unit_test(names_and_back),
		cmocka_unit_test(addresses_and_back),
		cmocka_unit_test(counters_have_names),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
