/* Who may ask the dashboard, what a URL asks of the history, fields of CSV, the trail of hosts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "feature/feature.h"
#include "web/auth.h"
#include "web/inside.h"
#include "web/story.h"
#include "web/trail.h"

/* ---- where it listens ---- */

static void takes_addresses_to_listen_at(void **state)
{
	static const char *const good[] = {
		"127.0.0.1:7766", "0.0.0.0:1", "[::1]:65535", "[::]:443"};
	static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
		"127.0.0.1:65536", "127.0.0.1:x", "localhost:80", "::1:80", "[::1]", "[::1]80",
		"[127.0.0.1]:80", "[::1:80", "1.2.3:4", "[]:80", "127.0.0.1:80:80"};
	struct sockaddr_storage at;
	socklen_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(auth_listen_parse(good[i], &at, &size));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(auth_listen_parse(bad[i], &at, &size));
}

static void knows_the_loopback(void **state)
{
	struct sockaddr_storage at;
	socklen_t size;

	(void)state;
	assert_true(auth_listen_parse("127.9.9.9:1", &at, &size) && auth_is_loopback(&at));
	assert_true(auth_listen_parse("[::1]:1", &at, &size) && auth_is_loopback(&at));
	assert_true(auth_listen_parse("0.0.0.0:1", &at, &size) && !auth_is_loopback(&at));
	assert_true(auth_listen_parse("[::]:1", &at, &size) && !auth_is_loopback(&at));
	assert_true(auth_listen_parse("128.0.0.1:1", &at, &size) && !auth_is_loopback(&at));
}

/* ---- the token ---- */

static char folder[] = "/tmp/karma-web-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void makes_a_token_of_its_owners(void **state)
{
	struct auth a = {.token = ""}, again = {.token = ""};
	struct error e = {""};
	struct stat st;

	(void)state;
	assert_int_equal(auth_token(&a, in_folder("sub/token"), &e), 0);
	assert_int_equal(strlen(a.token), AUTH_TOKEN_TEXT - 1);
	assert_int_equal(stat(in_folder("sub/token"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(auth_token(&again, in_folder("sub/token"), &e), 0);
	assert_string_equal(a.token, again.token);
	assert_int_equal(chmod(in_folder("sub/token"), 0640), 0);
	assert_true(auth_token(&again, in_folder("sub/token"), &e) < 0);
	assert_non_null(strstr(e.text, "others may read"));
	unlink(in_folder("sub/token"));
}

static void put_file(const char *text)
{
	FILE *f = fopen(in_folder("odd"), "w");

	fputs(text, f);
	fclose(f);
	chmod(in_folder("odd"), 0600);
}

static void refuses_what_is_no_token(void **state)
{
	static const char *const bad[] = {"", "\n", "short\n",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg\n",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n"};
	struct error e = {""};
	struct auth a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_file(bad[i]);
		assert_true(auth_token(&a, in_folder("odd"), &e) < 0);
	}
	unlink(in_folder("odd"));
	assert_int_equal(symlink("/etc/passwd", in_folder("odd")), 0);
	assert_true(auth_token(&a, in_folder("odd"), &e) < 0);
	unlink(in_folder("odd"));
	assert_int_equal(mkfifo(in_folder("odd"), 0600), 0);
	assert_true(auth_token(&a, in_folder("odd"), &e) < 0);
	unlink(in_folder("odd"));
}

static void only_the_token_is_the_token(void **state)
{
	struct auth a = {
		.token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	struct auth none = {.token = ""};
	char text[100];

	(void)state;
	snprintf(text, sizeof(text), "Bearer %s", a.token);
	assert_true(auth_bearer(&a, text));
	assert_false(auth_bearer(&none, text));
	text[strlen(text) - 1] = 'e';
	assert_false(auth_bearer(&a, text));
	text[strlen(text) - 1] = '\0';
	assert_false(auth_bearer(&a, text));
	assert_false(auth_bearer(&a, NULL));
	assert_false(auth_bearer(&a, "Bearer "));
	assert_false(auth_bearer(&none, "Bearer "));
	assert_false(auth_bearer(&a, a.token));
}

/* ---- names ---- */

static void answers_to_its_own_names_only(void **state)
{
	static const char *const good[] = {"127.0.0.1:7766", "127.0.0.1", "localhost",
		"LOCALHOST:1", "[::1]:7766", "127.3.4.5:80"};
	static const char *const bad[] = {NULL, "", "evil.example", "evil.example:7766",
		"127.0.0.1.evil.example", "localhost.", "192.0.2.1:7766", "[2001:db8::1]:80",
		"127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:77x", "[::1", "[localhost]:1", "::1",
		"localhost:80:80", "2130706433", "0x7f.1", "127.1", "karma.example"};
	struct auth a = {.loopback = true}, wide = {.tls = true, .name = "karma.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(auth_host(&a, good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(auth_host(&a, bad[i]));
	assert_true(auth_host(&wide, "192.0.2.1:7766"));
	assert_true(auth_host(&wide, "[2001:db8::1]:443"));
	assert_true(auth_host(&wide, "Karma.Example:443"));
	assert_false(auth_host(&wide, "evil.example"));
}

static void an_origin_is_the_server_itself(void **state)
{
	struct auth a = {.loopback = true}, tls = {.tls = true};

	(void)state;
	assert_true(auth_origin(&a, "127.0.0.1:7766", "http://127.0.0.1:7766"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", "https://127.0.0.1:7766"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", "http://127.0.0.1:8080"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", "http://127.0.0.1"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", "http://localhost:7766"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", "null"));
	assert_false(auth_origin(&a, "127.0.0.1:7766", NULL));
	assert_false(auth_origin(&a, NULL, "http://127.0.0.1:7766"));
	assert_true(auth_origin(&tls, "192.0.2.1:443", "https://192.0.2.1:443"));
	assert_true(auth_foreign("cross-site") && auth_foreign("same-site"));
	assert_false(auth_foreign("same-origin") || auth_foreign("none") || auth_foreign(NULL));
}

/* ---- what a URL asks ---- */

static const char *const *arguments; /* name, value, ..., NULL */

static const char *get(const void *context, const char *name)
{
	(void)context;
	for (const char *const *a = arguments; *a; a += 2)
		if (strcmp(a[0], name) == 0)
			return a[1];
	return NULL;
}

static const char *wrong_of(const char *name, const char *value, struct history_query *q)
{
	static char words[HISTORY_WORDS_ROOM];
	const char *const list[] = {name, value, NULL};
	const char *wrong = NULL;

	arguments = list;
	return query_parse(get, NULL, 1700000000000000000LL, q, words, &wrong) ? NULL : wrong;
}

static void reads_a_query(void **state)
{
	static const char *const list[] = {"since", "2h", "until", "1700000000", "host",
		"10.0.0.0/8", "class", "Brute Force", "mark", "none", "confidence", "50%", "text",
		"ssh  T1046", "sort", "confidence", "way", "up", "skip", "200", "limit", "500",
		NULL};
	struct history_query q;
	char words[HISTORY_WORDS_ROOM];
	const char *wrong = NULL;

	(void)state;
	arguments = list;
	assert_true(query_parse(get, NULL, 1700000000000000000LL, &q, words, &wrong));
	assert_int_equal(q.since_ns, 1700000000000000000LL - 7200 * 1000000000LL);
	assert_int_equal(q.until_ns, 1700000000000000000LL);
	assert_true(q.has_range && q.low[12] == 10 && q.high[15] == 255);
	assert_int_equal(q.class, CLASS_BRUTE_FORCE);
	assert_int_equal(q.mark, MARK_NONE);
	assert_int_equal(q.words, 2);
	assert_string_equal(q.word[1], "T1046");
	assert_true(q.order == ORDER_CONFIDENCE && q.ascending && q.skip == 200 && q.limit == 500);
}

static void names_what_it_cannot_read(void **state)
{
	static const char *const bad[][2] = {{"since", "soon"}, {"until", "-1"}, {"host", "here"},
		{"host", "10.0.0.0/33"}, {"host", "1.2.3.4/"}, {"class", "Normal"}, {"class", "x"},
		{"mark", "seen"}, {"confidence", "2"}, {"confidence", "nan"},
		{"confidence", "0.5x"}, {"text", "a b c d e f g h i"},
		{"sort", "first_ns; DROP TABLE alerts"}, {"way", "left"}, {"skip", "-1"},
		{"limit", "0"}, {"limit", "501"}, {"limit", "1e3"}};
	struct history_query q;
	char longest[2 * HISTORY_WORDS_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(wrong_of(bad[i][0], bad[i][1], &q), bad[i][0]);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(wrong_of("text", longest, &q), "text");
	assert_string_equal(wrong_of("host", longest, &q), "host");
	assert_null(wrong_of("class", "", &q));
	assert_int_equal(q.limit, 100);
}

static void an_id_is_letters_and_digits(void **state)
{
	(void)state;
	assert_true(is_alert_id("3pjgsqnt"));
	assert_false(is_alert_id(NULL) || is_alert_id("") || is_alert_id("../../etc") ||
		     is_alert_id("a\"b") || is_alert_id("toolongid") || is_alert_id("ABC"));
}

/* ---- CSV ---- */

static const char *csv(const char *text)
{
	static char line[256];
	FILE *f = fmemopen(line, sizeof(line), "w");

	csv_field(f, text, '\n');
	fclose(f);
	return line;
}

static void a_field_is_never_a_formula(void **state)
{
	(void)state;
	assert_string_equal(csv("ssh"), "ssh\n");
	assert_string_equal(csv(""), "\n");
	assert_string_equal(csv("a,\"b\""), "\"a,\"\"b\"\"\"\n");
	assert_string_equal(csv("=1+1"), "\"'=1+1\"\n");
	assert_string_equal(csv("@x"), "\"'@x\"\n");
	assert_string_equal(csv("a\nb"), "\"a\nb\"\n");
}

static void a_brief_has_what_a_list_shows(void **state)
{
	json_t *event = json_pack("{ss si s{s{si} ss ss} s{ss ss s{s[ss]}}}", "src_ip", "10.0.0.1",
		"flow_id", 7, "karma", "first_flow", "flow_id", 7, "alert_id", "3pjgsqnt", "stage",
		"end", "alert", "category", "DoS", "signature", "x", "metadata", "reasons", "one",
		"two");
	json_t *want = json_pack("{ss s{ss ss} s{ss sn s{s[s]}}}", "src_ip", "10.0.0.1", "karma",
		"alert_id", "3pjgsqnt", "stage", "end", "alert", "category", "DoS", "action",
		"metadata", "reasons", "one");
	json_t *brief = story_brief(event), *none = story_brief(NULL);

	(void)state;
	assert_non_null(want);
	assert_true(json_equal(brief, want));
	assert_non_null(none);
	json_decref(none);
	json_decref(brief);
	json_decref(want);
	json_decref(event);
}

/* ---- the trail ---- */

static void take_host(struct trail *t, const char *ip, double suspicion, double now)
{
	json_t *hosts = json_pack("[{ss sf}]", "ip", ip, "suspicion", suspicion);

	trail_take(t, hosts, now);
	json_decref(hosts);
}

static size_t length(const struct trail *t, const char *ip)
{
	json_t *list = trail_json(t, ip);
	size_t n = json_array_size(list);

	json_decref(list);
	return n;
}

static void a_trail_is_bounded(void **state)
{
	struct trail *t = trail_new();
	char ip[32];

	(void)state;
	take_host(t, "10.0.0.1", 0.5, 1000);
	take_host(t, "10.0.0.1", 0.6, 1002); /* within the step */
	assert_int_equal(length(t, "10.0.0.1"), 1);
	for (int i = 1; i < 2 * TRAIL_POINTS; i++)
		take_host(t, "10.0.0.1", 0.5, 1000 + TRAIL_STEP_S * i);
	assert_int_equal(length(t, "10.0.0.1"), TRAIL_POINTS);
	for (int i = 0; i < 2 * TRAIL_HOSTS; i++) {
		snprintf(ip, sizeof(ip), "10.1.%d.%d", i / 256, i % 256);
		take_host(t, ip, 0.1, 100000 + TRAIL_STEP_S * i);
	}
	assert_int_equal(length(t, "10.0.0.1"), 0);
	assert_int_equal(length(t, ip), 1);
	assert_int_equal(length(t, ""), 0);
	trail_free(t);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	rmdir(in_folder("sub"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_addresses_to_listen_at),
		cmocka_unit_test(knows_the_loopback),
		cmocka_unit_test(makes_a_token_of_its_owners),
		cmocka_unit_test(refuses_what_is_no_token),
		cmocka_unit_test(only_the_token_is_the_token),
		cmocka_unit_test(answers_to_its_own_names_only),
		cmocka_unit_test(an_origin_is_the_server_itself),
		cmocka_unit_test(reads_a_query),
		cmocka_unit_test(names_what_it_cannot_read),
		cmocka_unit_test(an_id_is_letters_and_digits),
		cmocka_unit_test(a_field_is_never_a_formula),
		cmocka_unit_test(a_brief_has_what_a_list_shows),
		cmocka_unit_test(a_trail_is_bounded),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
