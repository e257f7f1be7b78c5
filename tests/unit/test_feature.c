/* The feature table: names, sets, values of a record by hand, words, docs/features.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feature/value.h"
#include "sample.h"

/* As published, but for the space in "ct_src_ ltm". */
static const char *const published[] = {"srcip", "sport", "dstip", "dsport", "proto", "state",
	"dur", "sbytes", "dbytes", "sttl", "dttl", "sloss", "dloss", "service", "Sload", "Dload",
	"Spkts", "Dpkts", "swin", "dwin", "stcpb", "dtcpb", "smeansz", "dmeansz", "trans_depth",
	"res_bdy_len", "Sjit", "Djit", "Stime", "Ltime", "Sintpkt", "Dintpkt", "tcprtt", "synack",
	"ackdat", "is_sm_ips_ports", "ct_state_ttl", "ct_flw_http_mthd", "is_ftp_login",
	"ct_ftp_cmd", "ct_srv_src", "ct_srv_dst", "ct_dst_ltm", "ct_src_ ltm", "ct_src_dport_ltm",
	"ct_dst_sport_ltm", "ct_dst_src_ltm", "attack_cat", "Label"};

static void raw_columns_stand_first_and_in_their_order(void **unused)
{
	(void)unused;
	assert_int_equal(sizeof(published) / sizeof(published[0]), 49);
	assert_int_equal(RAW_COLUMNS, 49);
	for (int i = 0; i < 49; i++) {
		assert_string_equal(
			features[i].raw ? features[i].raw : features[i].name, published[i]);
		assert_int_equal(feature_find(published[i]), i);
	}
}

static void named_columns_stand_where_code_expects_them(void **unused)
{
	static const struct {
		int column;
		const char *name;
	} named[] = {{COL_SRCIP, "srcip"}, {COL_DPORT, "dport"}, {COL_PROTO, "proto"},
		{COL_STATE, "state"}, {COL_SERVICE, "service"}, {COL_SLOAD, "sload"},
		{COL_SPKTS, "spkts"}, {COL_SMEAN, "smean"}, {COL_SJIT, "sjit"},
		{COL_LTIME, "Ltime"}, {COL_SINPKT, "sinpkt"}, {COL_ACKDAT, "ackdat"},
		{COL_CT_SRV_SRC, "ct_srv_src"}, {COL_CT_SRC_LTM, "ct_src_ltm"},
		{COL_CT_DST_SRC_LTM, "ct_dst_src_ltm"}, {COL_LABEL, "label"}, {COL_RATE, "rate"},
		{COL_FLOW_ID, "flow_id"}, {COL_EVENT, "event"}, {COL_NEWS, "news"},
		{COL_AGAIN, "again"}, {COL_AT, "at"}, {COL_LAST, "last"}, {COL_ACTOR, "actor"}};

	(void)unused;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		assert_string_equal(features[named[i].column].name, named[i].name);
}

static unsigned bars(const char *words)
{
	unsigned n = 0;

	for (; *words; words++)
		n += *words == '|';
	return n;
}

static void rows_of_the_table_are_sound(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < feature_count; i++) {
		const struct feature *f = &features[i];

		assert_int_equal(feature_find(f->name), i);
		assert_non_null(f->meaning);
		assert_non_null(f->unit);
		assert_int_equal(f->meaning[strlen(f->meaning) - 1], '.');
		if (f->kind == KIND_CATEGORY)
			assert_non_null(f->values);
		if (f->sets && f->kind == KIND_NUMBER)
			assert_int_not_equal(f->scale, SCALE_NONE);
		if (f->scale == SCALE_LOG)
			assert_true(f->step > 0);
		if (f->sets)
			assert_true(f->kind == KIND_NUMBER || f->kind == KIND_CATEGORY);
		if (f->reason && f->kind == KIND_NUMBER)
			assert_int_equal(bars(f->reason), 2);
		if (f->reason && f->kind == KIND_CATEGORY) {
			unsigned values = 0;

			while (f->values[values])
				values++;
			assert_int_equal(bars(f->reason) + 1, values);
		}
	}
}

static void artefacts_are_no_inputs(void **unused)
{
	static const char *const never[] = {"sport", "dport", "sttl", "dttl", "stcpb", "dtcpb",
		"ct_state_ttl", "Stime", "Ltime", "at", "first", "last", "label", "attack_cat"};
	static const char *const not_live[] = {"swin", "dwin", "sjit", "djit", "sloss", "dloss",
		"ct_srv_src", "ct_srv_dst", "ct_dst_ltm", "ct_src_ltm", "ct_src_dport_ltm",
		"ct_dst_sport_ltm", "ct_dst_src_ltm", "is_sm_ips_ports", "is_ftp_login",
		"ct_ftp_cmd", "trans_depth", "response_body_len", "ct_flw_http_mthd"};
	unsigned count = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(features[feature_find(never[i])].sets, 0);
	for (size_t i = 0; i < sizeof(not_live) / sizeof(not_live[0]); i++)
		assert_int_equal(features[feature_find(not_live[i])].sets, SET_PUBLISHED);
	for (unsigned i = 0; i < feature_count; i++)
		count += (features[i].sets & SET_PUBLISHED) != 0;
	/* The partition's 42 columns without TTLs, ct_state_ttl and base sequence numbers. */
	assert_int_equal(count, 37);
}

static double value(const struct feature_source *s, const char *name)
{
	const struct feature *f = &features[feature_find(name)];

	return f->get(s, f->arg);
}

static void values_follow_their_formulas(void **unused)
{
	struct record r = sample("10.0.0.1", 40000, "10.0.0.2", 80, IPPROTO_TCP, 0.25);
	struct feature_source s = {.r = &r};
	struct flow_side *src = &r.side[SRC];

	(void)unused;
	r.last_ns = r.first_ns + SECOND / 2;
	r.synack_ns = 1500000;
	r.ackdat_ns = 500000;
	src->packets = 3;
	src->bytes = 1000;
	src->gaps = 2;
	src->gap_us = 400000; /* 100 ms and 300 ms */
	src->gap_us2 = 100000000000;
	r.side[DST].packets = 2;
	r.side[DST].bytes = 101;
	assert_close(value(&s, "dur"), 0.5, 1e-12);
	assert_close(value(&s, "rate"), 8, 1e-9);
	assert_close(value(&s, "sload"), 8 * (1000 - 333) / 0.5, 1e-6);
	assert_close(value(&s, "dload"), 8 * (101 - 50) / 0.5, 1e-6);
	assert_close(value(&s, "smean"), 333, 0);
	assert_close(value(&s, "dmean"), 51, 0);
	assert_close(value(&s, "sinpkt"), 200, 1e-9);
	assert_close(value(&s, "sjit"), 100, 1e-6);
	assert_close(value(&s, "dinpkt"), 0, 0);
	assert_close(value(&s, "tcprtt"), 0.002, 1e-12);
	assert_close(value(&s, "Stime"), 1700000000, 0);
	assert_close(value(&s, "first"), 1700000000.25, 1e-6);
	assert_close(value(&s, "ssyn"), 1, 0);

	r.last_ns = r.first_ns;
	assert_close(value(&s, "rate"), 0, 0);
	assert_close(value(&s, "sload"), 0, 0);
}

static void categories_by_name(void **unused)
{
	const struct feature *proto = &features[COL_PROTO], *state = &features[COL_STATE];
	const struct feature *service = &features[COL_SERVICE];

	(void)unused;
	assert_string_equal(proto->values[feature_category(proto, "TCP")], "tcp");
	assert_string_equal(proto->values[feature_category(proto, "ipv6-icmp")], "icmp");
	assert_string_equal(proto->values[feature_category(proto, "swipe")], "other");
	assert_string_equal(state->values[feature_category(state, "URP")], "UR");
	assert_string_equal(state->values[feature_category(state, "URFIL")], "UR");
	assert_string_equal(state->values[feature_category(state, "URF")], "other");
	assert_int_equal(feature_category(state, ""), -1);
	assert_int_equal(feature_category(service, "gopher"), -1);
	/* A record's words and a file's words are the same. */
	for (int s = 0; s < STATES; s++)
		assert_true(feature_category(state, record_state_name(s)) >= 0);
}

static void classes_by_name(void **unused)
{
	(void)unused;
	for (int c = 0; c < CLASSES; c++)
		assert_int_equal(class_of(class_name(c)), c);
	assert_int_equal(class_of(" Fuzzers"), CLASS_FUZZERS);
	assert_int_equal(class_of("Backdoors"), CLASS_BACKDOOR);
	assert_int_equal(class_of(" reconnaissance "), CLASS_RECONNAISSANCE);
	assert_int_equal(class_of("BruteForce"), CLASS_BRUTE_FORCE);
	assert_int_equal(class_of(""), -1);
	assert_int_equal(class_of("Martian"), -1);
}

static void assert_words(const char *name, double number, const char *words)
{
	char text[FEATURE_TEXT];

	assert_string_equal(feature_text(&features[feature_find(name)], number, text), words);
}

static void values_in_words(void **unused)
{
	(void)unused;
	assert_words("src_ports_2s", 1012, "1,012");
	assert_words("dur", 0.0025, "2.5 ms");
	assert_words("dur", 59.5, "59.5 s");
	assert_words("sinpkt", 15000, "15 s");
	assert_words("sbytes", 999, "999 B");
	assert_words("sbytes", 1234567, "1.23 MB");
	assert_words("sload", 5e9, "5 Gbit/s");
	assert_words("refused_share_2s", 0.935, "94 %");
	assert_words("rate", 1234.4, "1,234/s");
	assert_words("proto", 0, "tcp");
	assert_words("dur", 0, "0");
	assert_words("dur", NAN, "unknown");
}

static void stretching_moves_times_and_rates_apart(void **unused)
{
	struct row row;
	unsigned moved = 0;

	(void)unused;
	for (int i = 0; i < FEATURE_MAX; i++)
		row.value[i] = 10;
	row.value[COL_ACKDAT] = NAN;
	row_stretch(&row, 2);
	assert_close(row.value[COL_DUR], 20, 0);
	assert_close(row.value[COL_SINPKT], 20, 0);
	assert_close(row.value[COL_RATE], 5, 0);
	assert_close(row.value[COL_SLOAD], 5, 0);
	assert_close(row.value[COL_SBYTES], 10, 0);
	assert_close(row.value[COL_SPKTS], 10, 0);
	assert_true(isnan(row.value[COL_ACKDAT]));
	for (int i = 0; i < FEATURE_MAX; i++)
		moved += row.value[i] != 10;
	/* dur, gaps, jitter, three of the handshake; rate and loads */
	assert_int_equal(moved, 1 + 2 + 2 + 3 + 3);
}

static void resizing_moves_the_payload_alone(void **unused)
{
	struct row row;

	(void)unused;
	assert_string_equal(features[COL_SPAYLOAD].name, "spayload");
	assert_string_equal(features[COL_DPAYLOAD].name, "dpayload");
	assert_string_equal(features[COL_SSIZE1].name, "ssize1");
	assert_string_equal(features[COL_DSIZE1].name, "dsize1");
	for (int i = 0; i < FEATURE_MAX; i++)
		row.value[i] = 10;
	row.value[COL_SBYTES] = 600; /* 10 packets of 40 bytes of headers, 20 of payload */
	row.value[COL_SPAYLOAD] = 200;
	row.value[COL_SMEAN] = 60;
	row.value[COL_SLOAD] = 6000;
	row.value[COL_DPAYLOAD] = NAN;
	row_resize(&row, 2);
	assert_close(row.value[COL_SPAYLOAD], 400, 0);
	assert_close(row.value[COL_SBYTES], 800, 0);
	assert_close(row.value[COL_SMEAN], 80, 0);
	assert_close(row.value[COL_SLOAD], 8000, 1e-9);
	assert_close(row.value[COL_SSIZE1 + 3], 20, 0);
	assert_close(row.value[COL_SPKTS], 10, 0);
	assert_close(row.value[COL_DBYTES], 10, 0);
	assert_close(row.value[COL_DSIZE1], 10, 0);
}

static void a_busier_host_has_more_flows(void **unused)
{
	struct row row;
	int flows = feature_find("src_flows_2s"), ports = feature_find("src_ports_2s"),
	    refused = feature_find("src_refused_60s"), alone = feature_find("pair_flows_10s");

	(void)unused;
	for (int i = 0; i < FEATURE_MAX; i++)
		row.value[i] = 11;
	row.value[alone] = 1;
	row.value[refused] = NAN;
	row_busy(&row, 3);
	assert_close(row.value[flows], 31, 0);
	assert_close(row.value[ports], 11, 0);
	assert_close(row.value[alone], 1, 0);
	assert_close(row.value[COL_SPKTS], 11, 0);
	assert_true(isnan(row.value[refused]));
}

static void the_docs_are_the_table(void **unused)
{
	char *printed = NULL, *page;
	size_t length = 0, read;
	FILE *out = open_memstream(&printed, &length), *in = fopen("docs/features.md", "r");

	(void)unused;
	feature_print_markdown(out);
	fclose(out);
	if (!in)
		fail_msg("docs/features.md: run from the repository's root; "
			 "'karma help features' prints the page");
	page = calloc(1, length + 2);
	read = fread(page, 1, length + 1, in);
	fclose(in);
	if (read != length || memcmp(page, printed, length) != 0)
		fail_msg("docs/features.md is not what 'karma help features' prints; "
			 "write it again");
	free(page);
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_columns_stand_first_and_in_their_order),
		cmocka_unit_test(named_columns_stand_where_code_expects_them),
		cmocka_unit_test(rows_of_the_table_are_sound),
		cmocka_unit_test(artefacts_are_no_inputs),
		cmocka_unit_test(values_follow_their_formulas),
		cmocka_unit_test(categories_by_name),
		cmocka_unit_test(classes_by_name),
		cmocka_unit_test(values_in_words),
		cmocka_unit_test(stretching_moves_times_and_rates_apart),
		cmocka_unit_test(resizing_moves_the_payload_alone),
		cmocka_unit_test(a_busier_host_has_more_flows),
		cmocka_unit_test(the_docs_are_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
