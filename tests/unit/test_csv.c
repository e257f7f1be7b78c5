/* CSV: the three forms, the correction of the double capture, what comes back after writing, and
 * what a bad file is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "feature/csv.h"
#include "feature/window.h"
#include "sample.h"

/* A file of this text; the name lasts until the next call. */
static const char *file_of(const void *text, size_t length)
{
	static char path[] = "/tmp/karma-test-csv-XXXXXX";
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
	return path;
}

static int read_text(struct table *t, const char *text, bool as_published, struct error *e)
{
	const char *path = file_of(text, strlen(text));
	int code = table_read(t, path, as_published, e);

	unlink(path);
	return code;
}

static void assert_refused(const char *text, const char *words)
{
	struct table t;
	struct error e = {""};
	int code = read_text(&t, text, false, &e);

	if (code >= 0 || !strstr(e.text, words))
		fail_msg("%d: '%s' lacks '%s'", code, e.text, words);
	table_free(&t);
}

#define PARTITION                                                                                  \
	"id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sinpkt,synack,ackdat,tcprtt,"   \
	"sjit,sloss,ct_srv_src,attack_cat,label\n"
/* A DNS look-up as published: two packets of 73 bytes seen twice each way. */
#define DNS "7,0.001119,udp,dns,CON,2,2,146,178,2680.965,0.017,0,0,0,0,0,12,Normal,0\n"

static void partition_as_published(void **unused)
{
	struct table t;
	struct error e;
	const double *v;

	(void)unused;
	assert_int_equal(read_text(&t, PARTITION DNS, true, &e), 0);
	assert_int_equal(t.form, CSV_PARTITION);
	assert_int_equal(t.rows, 1);
	v = t.row[0].value;
	assert_close(v[COL_SPKTS], 2, 0);
	assert_close(v[COL_RATE], 2680.965, 0);
	assert_close(v[COL_CT_SRV_SRC], 12, 0);
	assert_close(v[COL_SJIT], 0, 0);
	assert_string_equal(features[COL_SERVICE].values[(int)v[COL_SERVICE]], "dns");
	assert_string_equal(features[COL_EVENT].values[(int)v[COL_EVENT]], "final");
	assert_true(isnan(v[COL_SWIN]));
	assert_true(isnan(v[feature_find("src_ports_2s")]));
	assert_int_equal(t.row[0].label, CLASS_NORMAL);
	table_free(&t);
}

static void double_capture_is_corrected(void **unused)
{
	struct table t;
	struct error e;
	const double *v;

	(void)unused;
	assert_int_equal(
		read_text(&t,
			PARTITION DNS
			/* one packet of 881 bytes, seen twice: the copies look like a fast flow */
			"2,0.000008,udp,-,INT,2,0,1762,0,125000,0.008,0,0,0,0,0,2,Exploits,1\n"
			/* TCP: 3 and 2 packets; gaps of (500 + 0.008) / 5 between the copies */
			"3,0.500008,tcp,-,FIN,6,4,800,400,18,100.0016,0.05,0.03,0.08,9,2,1,DoS,1\n"
			/* ARP, seen once */
			"4,47.0,arp,-,CON,3,3,138,84,0.1,15000,0,0,0,0,0,1,Normal,0\n",
			false, &e),
		0);
	v = t.row[0].value;
	assert_close(v[COL_SPKTS], 1, 0);
	assert_close(v[COL_DPKTS], 1, 0);
	assert_close(v[COL_SBYTES], 73, 0);
	assert_close(v[COL_DUR], 0.001111, 1e-12);
	assert_close(v[COL_RATE], 1 / 0.001111, 1e-6);
	assert_close(v[COL_SLOAD], 0, 0);
	assert_close(v[COL_SMEAN], 73, 0);
	assert_close(v[COL_SINPKT], 0, 0);
	assert_true(isnan(v[COL_SJIT]) && isnan(v[COL_SLOSS]));

	v = t.row[1].value;
	assert_close(v[COL_SPKTS], 1, 0);
	assert_close(v[COL_SBYTES], 881, 0);
	assert_close(v[COL_DUR], 0, 0);
	assert_close(v[COL_RATE], 0, 0);
	assert_close(v[COL_SLOAD], 0, 0);
	assert_close(v[COL_DPKTS], 0, 0);
	assert_close(v[COL_DMEAN], 0, 0);

	v = t.row[2].value;
	assert_close(v[COL_SPKTS], 3, 0);
	assert_close(v[COL_DPKTS], 2, 0);
	assert_close(v[COL_DUR], 0.5, 1e-12);
	assert_close(v[COL_SINPKT], 250, 1e-9);
	assert_close(v[COL_SYNACK], 0.050008, 1e-12);
	assert_close(v[COL_TCPRTT], 0.080016, 1e-12);
	assert_close(v[COL_SLOAD], 8 * (400 - 133) / 0.5, 1e-6);
	assert_close(v[COL_RATE], 4 / 0.5, 1e-9);

	v = t.row[3].value;
	assert_close(v[COL_SPKTS], 3, 0);
	assert_close(v[COL_DUR], 47, 0);
	assert_close(v[COL_SBYTES], 138, 0);
	table_free(&t);
}

static void padding_of_small_packets_is_taken_off(void **unused)
{
	struct table t;
	struct error e;

	(void)unused;
	/* A SYN of 40 bytes: 40 as sent, 46 as received. */
	assert_int_equal(
		read_text(&t, PARTITION "1,0.000008,tcp,-,REQ,2,0,86,0,1,0,0,0,0,0,0,1,DoS,1\n",
			false, &e),
		0);
	assert_close(t.row[0].value[COL_SBYTES], 40, 0);
	assert_close(t.row[0].value[COL_SMEAN], 40, 0);
	table_free(&t);
}

#define RAW_HEADER                                                                                 \
	"srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,sttl,dttl,sloss,dloss,service,"    \
	"Sload,Dload,Spkts,Dpkts,swin,dwin,stcpb,dtcpb,smeansz,dmeansz,trans_depth,res_bdy_len,"   \
	"Sjit,Djit,Stime,Ltime,Sintpkt,Dintpkt,tcprtt,synack,ackdat,is_sm_ips_ports,"              \
	"ct_state_ttl,ct_flw_http_mthd,is_ftp_login,ct_ftp_cmd,ct_srv_src,ct_srv_dst,ct_dst_ltm,"  \
	"ct_src_ ltm,ct_src_dport_ltm,ct_dst_sport_ltm,ct_dst_src_ltm,attack_cat,Label\n"
#define RAW_ROW                                                                                    \
	"59.166.0.0,1390,149.171.126.6,0x0035,udp,CON,0.001055,132,164,31,29,0,0,dns,500473.9375," \
	"621800.9375,2,2,0,0,0,0,66,82,0,0,0,0,1421927414,1421927415,0.017,0.013,0,0,0,0,0,,, "    \
	",3,7,1,3,1,1,1"

#define RAW_FAR                                                                                    \
	"1.1.1.1,1,1.1.1.2,2,udp,CON,0,0,0,31,29,0,0,dns,0,0,2,2,0,0,0,0,66,82,0,0,0,0,"           \
	"1421927414,414241927414,0,0,0,0,0,0,0,,,,3,7,1,3,1,1,1"

static void assert_raw(const struct table *t)
{
	char text[ADDR_TEXT];
	const struct row *row = &t->row[0];
	static const uint8_t nobody[16];

	assert_int_equal(t->form, CSV_RAW);
	assert_int_equal(t->rows, 2);
	assert_string_equal(addr_text(row->addr[SRC], text), "59.166.0.0");
	assert_string_equal(addr_text(row->addr[DST], text), "149.171.126.6");
	assert_int_equal(row->port[SRC], 1390);
	assert_int_equal(row->port[DST], 53);
	assert_memory_equal(row->actor, nobody, 16);
	assert_int_equal(row->at_ns, 1421927415 * SECOND);
	assert_close(row->value[COL_SLOAD], 500473.9375, 0);
	assert_close(row->value[COL_CT_SRC_LTM], 3, 0);
	assert_close(row->value[COL_RATE], 3 / 0.001055, 1e-6);
	assert_true(isnan(row->value[COL_CT_FTP_CMD]));
	assert_int_equal(row->label, CLASS_NORMAL);
	assert_int_equal(t->row[1].label, CLASS_FUZZERS);
}

static void raw_files_with_and_without_header(void **unused)
{
	struct table t;
	struct error e;

	(void)unused;
	assert_int_equal(
		read_text(&t, RAW_HEADER RAW_ROW ",,0\n" RAW_ROW ", Fuzzers,1\n", true, &e), 0);
	assert_raw(&t);
	table_free(&t);
	assert_int_equal(
		read_text(&t, "\xef\xbb\xbf" RAW_ROW ",,0\r\n" RAW_ROW ", Fuzzers,1", true, &e), 0);
	assert_raw(&t);
	table_free(&t);
}

static void columns_in_any_order_with_quotes_and_strangers(void **unused)
{
	struct table t;
	struct error e;

	(void)unused;
	assert_int_equal(
		read_text(&t,
			"label,attack_cat,DPKTS,spkts,\"note\",proto,state,dbytes,sbytes,dur\n"
			"1,\"DoS\",0,2,\"a, \"\"b\"\"\",\"tcp\",REQ,0,92,0.5\n\n"
			",,0,2,,udp,INT,0,92,1.5e1\n",
			true, &e),
		0);
	assert_int_equal(t.rows, 2);
	assert_int_equal(t.row[0].label, CLASS_DOS);
	assert_close(t.row[0].value[COL_SBYTES], 92, 0);
	assert_close(t.row[0].value[COL_SPKTS], 2, 0);
	assert_int_equal(t.row[1].label, -1);
	assert_close(t.row[1].value[COL_DUR], 15, 0);
	table_free(&t);
}

static void bad_files_are_told_where_and_what(void **unused)
{
	struct table t;
	struct error e;

	(void)unused;
	assert_refused(PARTITION DNS "8,abc,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,Normal,0\n",
		":3: column dur: 'abc' is no number");
	assert_refused(PARTITION "8,inf,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,Normal,0\n",
		":2: column dur: 'inf' is no number");
	assert_refused(
		PARTITION "8,1e999,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,Normal,0\n", "is no number");
	assert_refused(PARTITION "8,1e19,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,Normal,0\n",
		"out of all proportion");
	assert_refused(RAW_HEADER RAW_ROW ",,0\n" RAW_FAR ",,0\n",
		":3: column Ltime: '414241927414' is no time");
	assert_refused(PARTITION "8,1,udp,dns,CON,2\n", ":2: 6 columns instead of 19");
	assert_refused(PARTITION "8,1,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,Martian,1\n",
		"column attack_cat: 'Martian' is no class");
	assert_refused(PARTITION "8,1,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,DoS,0\n",
		"attack_cat 'DoS' and Label 0 contradict");
	assert_refused(PARTITION "8,1,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,,1\n",
		"Label is 1, but attack_cat is empty");
	assert_refused(PARTITION "8,1,udp,dns,CON,2,2,1,1,1,0,0,0,0,0,0,1,DoS,2\n",
		"column label: '2' is neither 0 nor 1");
	assert_refused(PARTITION "\"8,1,udp\n", ":2: a quote is not closed");
	assert_refused(PARTITION, "no rows");
	assert_refused("", "no rows");
	assert_refused("a,b,c\n1,2,3\n", ":1: no column 'dur'");
	assert_refused("dur,dur\n", "column dur stands there twice");
	assert_refused("srcip,proto\n", "no column 'dstip'");
	assert_refused(RAW_HEADER "59.166.0,1" RAW_ROW ",,0\n", "columns instead of 49");
	assert_refused(RAW_HEADER "x" RAW_ROW ",,0\n", "column srcip: 'x59.166.0.0' is no address");
	assert_int_equal(table_read(&t, "/nonexistent/x.csv", false, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/x.csv"));
}

static void a_zero_byte_is_refused(void **unused)
{
	static const char text[] = PARTITION "8,1\0";
	const char *path = file_of(text, sizeof(text));
	struct table t;
	struct error e;

	(void)unused;
	assert_int_equal(table_read(&t, path, false, &e), -EINVAL);
	assert_non_null(strstr(e.text, ":2: a zero byte"));
	unlink(path);
	table_free(&t);
}

/* ---- there and back ---- */

enum { KEPT = 4 };

/* Rows as a live run makes them, written to a file in another order than that of their time. */
static const char *write_rows(struct record *r, struct row *row)
{
	struct window *w = window_new(0);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	const char *path;

	r[0] = sample("10.0.0.1", 40000, "10.0.0.2", 80, IPPROTO_TCP, 0.123456789);
	r[0].flow_id = (1ULL << 53) - 1;
	r[0].side[SRC].bytes = 123456789012;
	r[0].last_ns = r[0].first_ns + 333333333;
	r[0].side[SRC].packets = 7;
	r[0].synack_ns = 1234;
	r[1] = sample("2001:db8::1", 5000, "2001:db8::2", 53, IPPROTO_UDP, 1);
	r[1].flow_id = 2;
	r[2] = sample("10.0.0.2", 0, "10.0.0.1", 0, IPPROTO_ICMP, 2);
	r[2].icmp_type = r[2].icmp_code = 3;
	r[2].state = STATE_URP;
	r[2].flow_id = 3;
	r[3] = r[0];
	r[3].again = true;
	r[3].event = RECORD_FINAL;
	r[3].at_ns += 60 * SECOND;
	assert_int_equal(csv_write_header(out), 0);
	for (int i = 0; i < KEPT; i++) {
		feature_row(w, &r[i], &row[i]);
		row[i].label = i == 1 ? -1 : i == 2 ? CLASS_BRUTE_FORCE : CLASS_NORMAL;
	}
	for (int i = 0; i < KEPT; i++)
		assert_int_equal(csv_write_row(out, &r[i ^ 1], &row[i ^ 1]), 0);
	fclose(out);
	path = file_of(text, length);
	free(text);
	window_free(w);
	return path;
}

static void what_was_written_is_read_again(void **unused)
{
	struct record r[KEPT];
	struct row row[KEPT];
	const char *path = write_rows(r, row);
	struct table t;
	struct error e = {""};

	(void)unused;
	if (table_read(&t, path, false, &e) != 0)
		fail_msg("%s", e.text);
	unlink(path);
	assert_int_equal(t.form, CSV_KARMA);
	assert_int_equal(t.rows, KEPT);
	for (int i = 0; i < KEPT; i++) {
		const struct row *back = &t.row[i];

		assert_int_equal(back->at_ns, row[i].at_ns);
		assert_int_equal(back->flow_id, row[i].flow_id);
		assert_int_equal(back->label, row[i].label);
		assert_memory_equal(back->addr, row[i].addr, sizeof(back->addr));
		assert_memory_equal(back->port, row[i].port, sizeof(back->port));
		assert_memory_equal(back->actor, row[i].actor, 16);
		for (unsigned f = 0; f < feature_count; f++) {
			double was = row[i].value[f], is = back->value[f];

			if (features[f].kind == KIND_LABEL || (isnan(was) && isnan(is)))
				continue;
			if (!(fabs(is - was) <= 6e-7))
				fail_msg("row %d, %s: %.12g became %.12g", i, features[f].name, was,
					is);
		}
	}
	table_free(&t);
}

#define SOFT                                                                                       \
	"dur,proto,service,state,spkts,dpkts,sbytes,dbytes,P_dos,p_Normal,p_value,p_Backdoors,"    \
	"attack_cat\n0.1,udp,dns,CON,2,2,146,178,"

static void rows_with_probabilities(void **unused)
{
	struct table t;
	struct error e;

	(void)unused;
	assert_int_equal(
		read_text(&t,
			SOFT
			"0.25,0.7502,x,0,\n0.1,udp,dns,CON,2,2,146,178,,,0.5,,DoS\n"
			"0.1,udp,dns,CON,2,2,146,178,1,,,,\n0.1,udp,dns,CON,2,2,146,178,,,,,\n",
			true, &e),
		0);
	assert_int_equal(t.rows, 4);
	assert_true(t.row[0].soft && t.row[0].label == -1);
	assert_close(t.row[0].probability[CLASS_DOS], 0.25 / 1.0002, 1e-6);
	assert_close(t.row[0].probability[CLASS_NORMAL], 0.7502 / 1.0002, 1e-6);
	assert_true(t.row[0].probability[CLASS_BACKDOOR] == 0);
	assert_true(
		!t.row[1].soft && t.row[1].label == CLASS_DOS); /* a class is named all the same */
	assert_true(t.row[2].soft && t.row[2].probability[CLASS_DOS] == 1);
	assert_true(!t.row[3].soft && t.row[3].label == -1); /* neither */
	table_free(&t);
	assert_refused(SOFT "0.25,0.7502,x,0,DoS\n", ":2: both a label and probabilities");
	assert_refused(SOFT "0.25,0.7,x,0,\n", "sum to 0.9500");
	assert_refused(SOFT "0,0,0,0,\n", "sum to 0.0000");
	assert_refused(SOFT "1.25,-0.25,0,0,\n", "column p_DoS: '1.25' is no probability");
	assert_refused(SOFT "1,-0.25,0,0,\n", "column p_Normal: '-0.25' is no probability");
	assert_refused(SOFT "1,nan,0,0,\n", "column p_Normal: 'nan' is no probability");
	assert_refused("dur,proto,state,spkts,dpkts,sbytes,dbytes,p_DoS,p_dos\n",
		"column p_DoS stands there twice");
}

static void published_data(void **unused)
{
	const char *shared = getenv("KARMA_SHARED");
	char path[4096];
	struct table t;
	struct error e = {""};
	size_t attacks = 0, alone = 0;

	(void)unused;
	snprintf(path, sizeof(path), "%s/data/unsw-nb15/partition.csv",
		shared ? shared : "../shared");
	if (access(path, R_OK) != 0) {
		printf("skipped: no UNSW-NB15 data at %s\n", path);
		skip();
	}
	if (table_read(&t, path, false, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(t.rows, 65862);
	assert_int_equal(strlen(t.sha256), 64);
	for (size_t i = 0; i < t.rows; i++) {
		attacks += t.row[i].label != CLASS_NORMAL;
		assert_true(t.row[i].value[COL_DUR] >= 0);
		/* A packet alone has no duration any more, and so no rate. */
		if (t.row[i].value[COL_SPKTS] + t.row[i].value[COL_DPKTS] == 1 &&
			t.row[i].value[COL_DUR] == 0)
			alone += t.row[i].value[COL_RATE] == 0 && t.row[i].value[COL_SLOAD] == 0;
	}
	assert_int_equal(attacks, 36261);
	/* The published part of such rows is 39.4 %; this file leaves some duplicates out. */
	assert_true(alone > t.rows / 3 && alone < t.rows / 2);
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partition_as_published),
		cmocka_unit_test(double_capture_is_corrected),
		cmocka_unit_test(padding_of_small_packets_is_taken_off),
		cmocka_unit_test(raw_files_with_and_without_header),
		cmocka_unit_test(columns_in_any_order_with_quotes_and_strangers),
		cmocka_unit_test(bad_files_are_told_where_and_what),
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(what_was_written_is_read_again),
		cmocka_unit_test(rows_with_probabilities),
		cmocka_unit_test(published_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
