/* The outputs that karma run has, each with somebody who listens: a file that is moved away, a pipe
 * that nobody reads, unix sockets of both kinds, a program, a server of HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "output/eve.h"
#include "output/fields.h"
#include "util/clock.h"

static char folder[] = "/tmp/karma-outputs-XXXXXX"; /* a template of mkdtemp */
static const struct origin here = {.interface = "eth0"};

static struct alert an_alert(uint64_t id)
{
	struct alert a = {.id = id,
		.first_ns = 1700000000000000000,
		.last_ns = 1700000001000000000,
		.class = CLASS_RECONNAISSANCE,
		.confidence = 0.9F,
		.flows = 3,
		.attackers = 1,
		.targets = 1,
		.ports = 1,
		.reasons = 1,
		.reason = {"3 ports tried\nKARMA_FORGED=1"},
		.record = {.net = NET_IPV4, .proto = IPPROTO_TCP, .port = {40000, 22}}};

	addr_parse("10.0.0.9", a.attacker);
	addr_parse("10.0.0.2", a.target);
	memcpy(a.record.addr[SRC], a.attacker, 16);
	memcpy(a.record.addr[DST], a.target, 16);
	return a;
}

static const char *in_folder(const char *name, char path[96])
{
	snprintf(path, 96, "%s/%s", folder, name);
	return path;
}

static struct output begin(const struct output_kind *kind, const char *path)
{
	struct output o = {.kind = kind, .live = true};
	struct error e = {""};

	if (output_open(&o, path, &e))
		fail_msg("%s", e.text);
	return o;
}

static void tell(struct output *o, uint64_t id)
{
	struct alert a = an_alert(id);

	o->kind->alert(o, &a, ALERT_NEW, &here);
}

static struct courier_stats now(const struct output *o)
{
	struct output_stats s;

	output_stats(o, &s);
	return s.of;
}

static void wait_for(const struct output *o, uint64_t told)
{
	for (int i = 0; i < 1000 && now(o).told < told; i++)
		usleep(10000);
	assert_int_equal(now(o).told, told);
}

static struct courier_stats end(struct output *o)
{
	struct output_stats s;

	outputs_close(o, 1, &s);
	return s.of;
}

static unsigned lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned lines = 0;
	char line[8192];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		json_t *event = json_loads(line, 0, NULL);

		assert_non_null(event);
		json_decref(event);
		lines++;
	}
	fclose(f);
	return lines;
}

/* ---- files ---- */

/* Moved away between any two lines, none is lost: before it is opened again, they go to the old
 * name's file. */
static void rotation_loses_no_line(void **state)
{
	char path[96], away[112];
	unsigned lines = 0;
	struct output o;

	(void)state;
	o = begin(&output_eve, in_folder("eve.json", path));
	for (unsigned i = 0; i < 200; i++) {
		tell(&o, i);
		if (i % 20 != 10)
			continue;
		snprintf(away, sizeof(away), "%s.%u", path, i / 20);
		assert_int_equal(rename(path, away), 0);
		tell(&o, i);
		output_reopen(&o);
		for (int t = 0; t < 1000 && access(path, F_OK) != 0; t++)
			usleep(5000);
	}
	assert_int_equal(end(&o).lost, 0);
	lines = lines_of(path);
	unlink(path);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(away, sizeof(away), "%s.%u", path, i);
		lines += lines_of(away);
		unlink(away);
	}
	assert_int_equal(lines, 210);
}

/* The folder is gone for a while: the old file goes on. */
static void a_log_that_cannot_be_opened_again_goes_on(void **state)
{
	char sub[96], path[112], away[96];
	struct output o;

	(void)state;
	mkdir(in_folder("logs", sub), 0700);
	in_folder("away", away);
	snprintf(path, sizeof(path), "%s/eve.json", sub);
	o = begin(&output_eve, path);
	assert_int_equal(rename(sub, away), 0);
	output_reopen(&o);
	tell(&o, 1);
	wait_for(&o, 1);
	assert_int_equal(end(&o).lost, 0);
	snprintf(path, sizeof(path), "%s/eve.json", away);
	assert_int_equal(lines_of(path), 1);
	unlink(path);
	rmdir(away);
}

/* There is room for half a line; then for all, and the same file is opened again. */
static void a_torn_line_ends_before_the_next(void **state)
{
	struct rlimit before, small = {.rlim_cur = 100};
	char path[96], line[8192];
	struct output o;
	FILE *f;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	o = begin(&output_eve, in_folder("eve.json", path));
	setrlimit(RLIMIT_FSIZE, &small);
	tell(&o, 1);
	for (int i = 0; i < 1000 && !now(&o).failing; i++)
		usleep(1000);
	setrlimit(RLIMIT_FSIZE, &before);
	output_reopen(&o);
	wait_for(&o, 1);
	assert_int_equal(end(&o).lost, 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(strlen(line), 101);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(strncmp(line, "{\"timestamp\"", 12), 0);
	fclose(f);
	unlink(path);
}

static void a_pipe_that_nobody_reads_delays_nobody(void **state)
{
	struct courier_stats s;
	struct output o;
	char path[96];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(in_folder("pipe", path), 0600), 0);
	o = begin(&output_eve, path);
	tell(&o, 1);
	fd = open(path, O_RDONLY | O_NONBLOCK); /* here he is, and does not read */
	wait_for(&o, 1);
	for (unsigned i = 0; i < 9000; i++)
		tell(&o, i);
	s = now(&o);
	assert_in_range(s.lost, 500, 1000);
	s = end(&o);
	assert_in_range(s.lost, 8500, 9000);
	close(fd);
	unlink(path);
}

/* ---- sockets ---- */

static int listen_at(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	strcpy(to.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static ssize_t receive(int fd, char *text, size_t room)
{
	struct pollfd p = {fd, POLLIN, 0};
	ssize_t n = -1;

	if (poll(&p, 1, 10000) == 1)
		n = read(fd, text, room - 1);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static void a_stream_is_connected_again(void **state)
{
	char path[96], text[8192];
	struct output o;
	int listening, fd;

	(void)state;
	o = begin(&output_eve_socket, in_folder("eve.sock", path));
	tell(&o, 1); /* nobody is there: it waits */
	usleep(50000);
	assert_true(now(&o).failing);
	for (int i = 0; i < 2; i++) {
		listening = listen_at(path, SOCK_STREAM);
		fd = accept(listening, NULL, NULL);
		assert_true(fd >= 0);
		assert_true(receive(fd, text, sizeof(text)) > 0);
		assert_non_null(strstr(text, "\"event_type\":\"alert\""));
		close(fd);
		close(listening);
		unlink(path);
		if (i == 0)
			tell(&o, 2); /* he is gone */
	}
	assert_int_equal(end(&o).lost, 0);
}

static void datagrams_where_he_takes_them(void **state)
{
	char path[96], text[8192];
	struct output o;
	int fd;

	(void)state;
	fd = listen_at(in_folder("eve.sock", path), SOCK_DGRAM);
	o = begin(&output_eve_socket, path);
	tell(&o, 1);
	tell(&o, 2);
	for (int i = 0; i < 2; i++) {
		ssize_t n = receive(fd, text, sizeof(text));

		assert_true(n > 0 && text[n - 1] == '\n');
	}
	close(fd);
	unlink(path);
	assert_int_equal(end(&o).told, 2);
}

static void who_does_not_read_delays_nobody(void **state)
{
	struct courier_stats s;
	struct output o;
	int listening;
	char path[96];

	(void)state;
	listening = listen_at(in_folder("eve.sock", path), SOCK_STREAM);
	o = begin(&output_eve_socket, path);
	for (unsigned i = 0; i < 5000; i++)
		tell(&o, i);
	s = now(&o);
	assert_true(s.lost > 500);
	s = end(&o);
	assert_int_equal(s.lost + s.told, 5000);
	close(listening);
	unlink(path);
}

static void a_long_name_is_refused(void **state)
{
	struct output o = {.kind = &output_eve_socket, .live = true};
	struct error e = {""};
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_true(output_open(&o, path, &e) < 0);
	assert_non_null(strstr(e.text, "no name for a socket"));
}

/* ---- logs ---- */

/* The formats, by a stand-in of the kind where they would go. */
static void what_logs_are_told(void **state)
{
	const struct output_kind *const kind[] = {&output_syslog, &output_journald};
	struct alert a = an_alert(7);
	char path[96], text[8192];
	int fd = -1;

	(void)state;
	fd = listen_at(in_folder("log", path), SOCK_DGRAM);
	for (int i = 0; i < 2; i++) {
		struct output o = begin(kind[i], path);
		struct origin muted = here;

		muted.muted = true;
		kind[i]->alert(&o, &a, ALERT_UPDATE, &here); /* no line */
		kind[i]->alert(&o, &a, ALERT_NEW, &muted);
		kind[i]->alert(&o, &a, ALERT_NEW, &here);
		assert_true(receive(fd, text, sizeof(text)) > 0);
		assert_int_equal(end(&o).told, 1);
		assert_non_null(strstr(text, i ? "MESSAGE=ALERT " : "]: ALERT "));
		assert_int_equal(strchr(text, '\n')[1] == '\0', i == 0); /* one line, or fields */
	}
	assert_non_null(strstr(text, "\nKARMA_CLASS=Reconnaissance\n"));
	assert_non_null(strstr(text, "\nKARMA_ATTACKER=10.0.0.9\n"));
	assert_non_null(strstr(text, "\nKARMA_TARGET=10.0.0.2\n"));
	assert_non_null(strstr(text, "\nKARMA_TECHNIQUE=T1046\n"));
	assert_non_null(strstr(text, "\nKARMA_CONFIDENCE=0.9000\n"));
	assert_non_null(strstr(text, "\nPRIORITY="));
	assert_non_null(strstr(text, "\nSYSLOG_IDENTIFIER=karma\n"));
	assert_null(strstr(text, "\nKARMA_FORGED"));
	close(fd);
	unlink(path);
}

/* ---- a program ---- */

static void write_program(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0700);
}

static void a_program_gets_the_alert(void **state)
{
	char path[96], text[512], input[112];
	struct output o;
	FILE *f;

	(void)state;
	in_folder("notify", path);
	snprintf(input, sizeof(input), "%s.in", path);
	snprintf(text, sizeof(text),
		"#!/bin/sh\n{ cat; echo \"$KARMA_CLASS $KARMA_ATTACKER "
		"$KARMA_PORT\"; } > %s\n",
		input);
	write_program(path, text);
	o = begin(&output_notify, path);
	tell(&o, 1);
	wait_for(&o, 1);
	f = fopen(input, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	assert_non_null(strstr(text, "\"event_type\":\"alert\""));
	while (!strchr(text, '\n'))
		assert_non_null(fgets(text, sizeof(text), f));
	assert_non_null(fgets(text, sizeof(text), f));
	assert_string_equal(text, "Reconnaissance 10.0.0.9 22\n");
	fclose(f);
	end(&o);
	unlink(input);
	unlink(path);
}

/* As a server is: who cannot take an alert now may take it in a second. */
static void a_program_that_fails_is_run_again(void **state)
{
	char path[96], text[512], runs[112];
	struct courier_stats s;
	struct output o;

	(void)state;
	in_folder("notify", path);
	snprintf(runs, sizeof(runs), "%s.runs", path);
	snprintf(text, sizeof(text),
		"#!/bin/sh\necho >> %s\n[ $(wc -l < %s) -lt 3 ] || exit 0\nexit 3\n", runs, runs);
	write_program(path, text);
	o = begin(&output_notify, path);
	tell(&o, 1);
	wait_for(&o, 1);
	s = now(&o);
	assert_int_equal(s.told, 1);
	assert_int_equal(s.failed, 2);
	assert_int_equal(s.lost, 0);
	assert_false(s.failing);
	assert_string_equal(s.why, "exit status 3");
	write_program(path, "#!/bin/sh\nexit 4\n");
	tell(&o, 2);
	s = end(&o); /* there is no time left for it */
	assert_int_equal(s.lost, 1);
	assert_string_equal(s.why, "exit status 4");
	unlink(runs);
	unlink(path);
}

/* What hangs is killed with all that it began, also when Karma ends. */
static void a_program_that_hangs_is_killed(void **state)
{
	struct courier_stats s;
	struct output o;
	char path[96];

	(void)state;
	write_program(in_folder("notify", path), "#!/bin/sh\nsleep 300 & sleep 300\n");
	o = begin(&output_notify, path);
	for (unsigned i = 0; i < 40; i++)
		tell(&o, i);
	s = now(&o);
	assert_int_equal(s.limited, 10);
	s = end(&o);
	assert_int_equal(s.lost, 30);
	assert_int_equal(s.told, 0);
	unlink(path);
}

static void what_is_no_program_is_refused(void **state)
{
	struct output o = {.kind = &output_notify, .live = true};
	struct error e = {""};

	(void)state;
	assert_true(output_open(&o, "/nonexistent", &e) < 0);
	assert_true(output_open(&o, "/tmp", &e) < 0);
	assert_true(output_open(&o, "/etc/passwd", &e) < 0);
}

/* ---- a server ---- */

struct server {
	int listening;
	const char *const *answer; /* one a request; NULL ends */
	unsigned requests;
	char last[16384];
};

static void *serve(void *server)
{
	struct server *s = server;

	for (; s->answer[s->requests]; s->requests++) {
		int fd = accept(s->listening, NULL, NULL);
		const char *answer = s->answer[s->requests];
		size_t n = 0;

		s->last[0] = '\0';
		while (!strstr(s->last, "\"event_type\"") || s->last[n - 1] != '\n') {
			ssize_t got = read(fd, s->last + n, sizeof(s->last) - 1 - n);

			if (got <= 0)
				break;
			n += (size_t)got;
			s->last[n] = '\0';
		}
		if (write(fd, answer, strlen(answer)) < 0)
			s->last[0] = '\0';
		close(fd);
	}
	return NULL;
}

static void a_server_that_fails_is_tried_again(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 Yes\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 404 Never\r\nContent-Length: 0\r\n\r\n", NULL};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct server server = {.answer = answers};
	socklen_t length = sizeof(to);
	struct courier_stats s;
	pthread_t thread;
	struct output o;
	char url[64];

	(void)state;
	server.listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.listening, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(server.listening, 4), 0);
	getsockname(server.listening, (struct sockaddr *)&to, &length);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/secret", ntohs(to.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
	o = begin(&output_webhook, url);
	assert_string_equal(o.path, "http://127.0.0.1/");
	tell(&o, 1);
	wait_for(&o, 1);
	assert_non_null(strstr(server.last, "POST /secret HTTP/1.1\r\n"));
	assert_non_null(strstr(server.last, "Content-Type: application/json\r\n"));
	tell(&o, 2); /* refused for good */
	pthread_join(thread, NULL);
	s = end(&o);
	assert_int_equal(s.told, 1);
	assert_int_equal(s.lost, 1);
	assert_int_equal(s.failed, 2);
	assert_string_equal(s.why, "HTTP status 404");
	close(server.listening);
}

static void what_is_no_url_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "host", "ftp://host/", "file:///etc/passwd", "http://"};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct output o = {.kind = &output_webhook, .live = true};
		struct error e = {""};

		assert_true(output_open(&o, wrong[i], &e) < 0);
		assert_non_null(strstr(e.text, "--webhook"));
	}
}

static int make_place(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_place(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotation_loses_no_line),
		cmocka_unit_test(a_log_that_cannot_be_opened_again_goes_on),
		cmocka_unit_test(a_torn_line_ends_before_the_next),
		cmocka_unit_test(a_pipe_that_nobody_reads_delays_nobody),
		cmocka_unit_test(a_stream_is_connected_again),
		cmocka_unit_test(datagrams_where_he_takes_them),
		cmocka_unit_test(who_does_not_read_delays_nobody),
		cmocka_unit_test(a_long_name_is_refused),
		cmocka_unit_test(what_logs_are_told),
		cmocka_unit_test(a_program_gets_the_alert),
		cmocka_unit_test(a_program_that_fails_is_run_again),
		cmocka_unit_test(a_program_that_hangs_is_killed),
		cmocka_unit_test(what_is_no_program_is_refused),
		cmocka_unit_test(a_server_that_fails_is_tried_again),
		cmocka_unit_test(what_is_no_url_is_refused),
	};

	return cmocka_run_group_tests_name("outputs", tests, make_place, remove_place);
}
