/* The control socket: requests that are whole, broken, too long, too many, and the block list's
 * commands behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.h"
#include "respond/commands.h"

static char folder[] = "/tmp/karma-control-XXXXXX";
static char path[64];
static struct error e;
static struct control_peer asked_by;

static json_t *echo(void *context, const struct control_peer *from, const json_t *request)
{
	(void)context;
	asked_by = *from;
	return json_pack("{sb sO*}", "ok", 1, "said", json_object_get(request, "say"));
}

/* An answer of half the room for what is not read. */
static json_t *big(void *context, const struct control_peer *from, const json_t *request)
{
	static char text[CONTROL_UNREAD / 2];

	(void)context;
	(void)from;
	(void)request;
	memset(text, 'x', sizeof(text) - 1);
	return json_pack("{sb ss}", "ok", 1, "text", text);
}

static const struct control_command commands[] = {{"echo", echo}, {"big", big}};
static const struct control_command idle[] = {{"idle", echo}};
static const struct control_part parts[] = {
	{commands, 2, NULL, NULL}, {idle, 1, NULL, "it is off; begin karma with --idle"}};

static int make_folder(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/sub/karma.sock", mkdtemp(folder));
	return 0;
}

static int remove_folder(void **state)
{
	char sub[64];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	return rmdir(sub) || rmdir(folder);
}

static struct control *begin(void)
{
	struct control *c = NULL;

	if (control_open(&c, path, NULL, parts, 2, &e) < 0)
		fail_msg("%s", e.text);
	return c;
}

static int join(void)
{
	int fd = control_connect(path, &e);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* What a client gets to read, when the daemon has done all there is to do. */
static const char *heard(struct control *c, int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t got;

	for (int i = 0; i < 50; i++) {
		control_serve(c);
		got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	return text;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool is_closed(struct control *c, int fd)
{
	char byte;

	control_serve(c);
	return recv(fd, &byte, 1, 0) == 0;
}

static void a_line_is_answered_by_a_line(void **state)
{
	struct control *c = begin();
	struct stat st;
	int fd = join();

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	say(fd, "{\"command\":\"echo\",\"say\":\"a\"}\n");
	assert_string_equal(heard(c, fd), "{\"ok\":true,\"said\":\"a\"}\n");
	assert_int_equal(asked_by.uid, getuid());
	assert_int_equal(asked_by.pid, getpid());
	/* In pieces, and two at once. */
	say(fd, "{\"command\":\"ec");
	assert_string_equal(heard(c, fd), "");
	say(fd, "ho\",\"say\":1}\n{\"command\":\"echo\",\"say\":2}\n{");
	assert_string_equal(heard(c, fd), "{\"ok\":true,\"said\":1}\n{\"ok\":true,\"said\":2}\n");
	close(fd);
	control_serve(c);
	control_close(c);
	assert_int_equal(stat(path, &st), -1);
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const wrong[] = {"\n", "{\n", "[]\n", "1\n", "null\n", "{}\n",
		"{\"command\":1}\n", "{\"command\":\"no\"}\n", "{\"command\":\"echo\"} x\n",
		"{\"command\":\"echo\",\"command\":\"echo\"}\n", "\xff\xfe\n",
		"GET / HTTP/1.1\r\n"};
	struct control *c = begin();
	int fd = join();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *said;

		say(fd, wrong[i]);
		said = heard(c, fd);
		if (strncmp(said, "{\"ok\":false,\"error\":\"", 21) != 0 || !strchr(said, '\n'))
			fail_msg("'%s' gives '%s'", wrong[i], said);
	}
	assert_int_equal(send(fd, "{\"command\0\":\"echo\"}\n", 20, 0), 20);
	assert_non_null(strstr(heard(c, fd), "\"ok\":false"));
	say(fd, "{\"command\":\"idle\"}\n"); /* of a part that is off */
	assert_string_equal(
		heard(c, fd), "{\"ok\":false,\"error\":\"it is off; begin karma with --idle\"}\n");
	/* It goes on. */
	say(fd, "{\"command\":\"echo\",\"say\":true}\n");
	assert_string_equal(heard(c, fd), "{\"ok\":true,\"said\":true}\n");
	close(fd);
	control_close(c);
}

static void a_request_is_bounded(void **state)
{
	static char text[3 * CONTROL_REQUEST];
	struct control *c = begin();
	int fd = join();

	(void)state;
	memset(text, ' ', sizeof(text));
	assert_true(send(fd, text, sizeof(text), 0) > 0);
	assert_non_null(strstr(heard(c, fd), "longer than 4096 bytes"));
	close(fd);
	/* One that is as long as it may be. */
	fd = join();
	control_serve(c);
	memcpy(text, "{\"command\":\"echo\"}", 18);
	text[CONTROL_REQUEST - 1] = '\n';
	assert_int_equal(send(fd, text, CONTROL_REQUEST, 0), CONTROL_REQUEST);
	assert_string_equal(heard(c, fd), "{\"ok\":true}\n");
	close(fd);
	control_close(c);
}

static void the_one_silent_longest_gives_way(void **state)
{
	struct control *c = begin();
	int fd[CONTROL_CLIENTS + 1];

	(void)state;
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		fd[i] = join();
		control_serve(c);
	}
	say(fd[0], "{\"command\":\"echo\"}\n");
	assert_string_equal(heard(c, fd[0]), "{\"ok\":true}\n");
	fd[CONTROL_CLIENTS] = join();
	control_serve(c);
	assert_true(is_closed(c, fd[1]));
	for (int i = 0; i <= CONTROL_CLIENTS; i++) {
		if (i != 1) {
			say(fd[i], "{\"command\":\"echo\"}\n");
			assert_string_equal(heard(c, fd[i]), "{\"ok\":true}\n");
		}
		close(fd[i]);
	}
	control_serve(c);
	control_close(c);
}

/* Who asks and does not read is neither waited for nor kept in memory. */
static void who_does_not_read_is_let_go_of(void **state)
{
	struct control *c = begin();
	int fd = join(), other = join();
	char piece[65536];
	size_t got = 0;
	ssize_t n;

	(void)state;
	for (int i = 0; i < 8; i++)
		say(fd, "{\"command\":\"big\"}\n");
	for (int i = 0; i < 100; i++)
		control_serve(c);
	say(other, "{\"command\":\"echo\"}\n");
	assert_string_equal(heard(c, other), "{\"ok\":true}\n");
	for (int i = 0; i < 1000; i++) {
		control_serve(c);
		n = recv(fd, piece, sizeof(piece), 0);
		if (n == 0)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(n, 0);
	assert_true(got > CONTROL_UNREAD / 2 && got < 2 * CONTROL_UNREAD);
	close(fd);
	close(other);
	control_close(c);
}

static void there_is_one_at_a_time(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct control *c = begin(), *second = NULL;
	int fd;

	(void)state;
	assert_int_equal(control_open(&second, path, NULL, parts, 2, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "another karma is running"));
	assert_null(second);
	control_close(c);
	assert_true(control_connect(path, &e) < 0);
	assert_non_null(strstr(e.text, "no karma answers there"));
	/* What one that was killed has left is replaced. */
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	assert_true(control_connect(path, &e) < 0);
	c = begin();
	control_close(c);
	/* What is no socket is not. */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_true(control_open(&c, path, NULL, parts, 2, &e) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(control_open(&c, path, "no-such-group", parts, 2, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no group 'no-such-group'"));
	memset(at.sun_path, 'x', sizeof(at.sun_path) - 1);
	assert_int_equal(control_open(&c,
				 "/a/path/that/is/far/too/long/for/a/socket/a/path/that/is/"
				 "far/too/long/for/a/socket/a/path/that/is/"
				 "far/too/long/for/a/socket/and/then/some/karma.sock",
				 NULL, parts, 2, &e),
		-ENAMETOOLONG);
}

/* ---- the block list ---- */

static unsigned changes;
static struct block_change last;

static void changed(void *context, const struct block_change *c)
{
	(void)context;
	changes++;
	last = *c;
}

static void told(void *context, const char *line)
{
	(void)context;
	(void)line;
}

static void ask(struct control *c, int fd, const char *request, const char *expected)
{
	const char *said;

	say(fd, request);
	said = heard(c, fd);
	if (!strstr(said, expected))
		fail_msg("%s gives %s", request, said);
}

static void the_block_list_is_at_hand(void **state)
{
	static struct respond_settings s;
	static const struct interface_list none;
	const struct respond_calls calls = {changed, told, NULL};
	struct respond *r = NULL;
	struct control *c = NULL;
	struct control_part part = {respond_commands, RESPOND_COMMANDS, NULL, NULL};
	int fd;

	(void)state;
	respond_defaults(&s);
	s.policy.dry_run = true; /* no kernel */
	s.policy.entries = 2;
	assert_true(prefix_parse("198.51.100.0/24", &s.allow[s.allows++]));
	assert_int_equal(respond_open(&r, &s, NULL, &none, &calls, &e), 0);
	part.context = r;
	assert_int_equal(control_open(&c, path, NULL, &part, 1, &e), 0);
	fd = join();
	ask(c, fd, "{\"command\":\"block.list\"}\n", "\"entries\":[],\"next\":null");
	ask(c, fd, "{\"command\":\"block.add\"}\n", "is no address");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":7}\n", "is no address");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"x\"}\n", "'x' is no address");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.1\",\"for\":0}\n",
		"takes seconds");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.1\",\"for\":\"1m\"}\n",
		"takes seconds");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.1\",\"for\":1e99}\n",
		"takes seconds");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"198.51.100.9\"}\n",
		"on the allow list");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"127.0.0.1\"}\n",
		"an address of this machine");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"224.0.0.1\"}\n", "multicast");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"::/0\"}\n", "is not blocked: ");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.1\",\"dry_run\":true}\n",
		"\"dry_run\":true");
	assert_int_equal(changes, 0);
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.7/24\",\"for\":60}\n",
		"\"what\":\"203.0.113.0/24\"");
	respond_tell(r);
	assert_int_equal(changes, 1);
	assert_int_equal(last.uid, getuid());
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"2001:db8::1\"}\n", "\"until\":null");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.9\"}\n", "the list is full");
	ask(c, fd, "{\"command\":\"block.list\"}\n", "\"what\":\"2001:db8::1\"");
	ask(c, fd, "{\"command\":\"block.del\",\"address\":\"203.0.113.7\"}\n",
		"is not on the list");
	ask(c, fd, "{\"command\":\"block.del\",\"address\":\"203.0.113.7/24\"}\n", "\"ok\":true");
	ask(c, fd, "{\"command\":\"block.flush\",\"dry_run\":true}\n", "\"removed\":1");
	ask(c, fd, "{\"command\":\"block.flush\"}\n", "\"removed\":1");
	ask(c, fd, "{\"command\":\"block.list\"}\n", "\"entries\":[],\"next\":null");
	close(fd);
	control_close(c);
	respond_close(r);
}

/* ---- the allow list ---- */

static void allow_changed(void *respond, const struct block_change *c)
{
	last = *c;
	changes++;
	respond_allow(respond);
}

static void a_person_allows(void **state)
{
	static struct respond_settings s;
	static const struct interface_list none;
	const struct respond_calls calls = {changed, told, NULL};
	char file[128];
	struct allowed *a;
	struct respond *r = NULL;
	struct allow_hand hand;
	struct control_part both[] = {{respond_commands, RESPOND_COMMANDS, NULL, NULL},
		{allow_commands, ALLOW_COMMANDS, &hand, NULL}};
	struct control *c = NULL;
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s.allow", path);
	a = allowed_open(file, &e);
	respond_defaults(&s);
	s.policy.dry_run = true; /* no kernel */
	assert_true(prefix_parse("198.51.100.0/24", &s.allow[s.allows++]));
	memcpy(s.mac[s.macs++], "\x02\0\x5e\x10\0\x01", 6);
	assert_int_equal(respond_open(&r, &s, a, &none, &calls, &e), 0);
	hand = (struct allow_hand){a, &s, allow_changed, r};
	both[0].context = r;
	assert_int_equal(control_open(&c, path, NULL, both, 2, &e), 0);
	fd = join();
	ask(c, fd, "{\"command\":\"allow.list\"}\n",
		"\"allow\":[{\"what\":\"198.51.100.0/"
		"24\",\"by\":\"configuration\"},{\"what\":\"02:00:"
		"5e:10:00:01\",\"by\":\"configuration\"}]");
	ask(c, fd, "{\"command\":\"allow.add\"}\n", "is no address");
	ask(c, fd, "{\"command\":\"allow.add\",\"address\":\"02:00:5e:10:00:01\"}\n",
		"is no address");
	/* Who comes to be allowed is let go of. */
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.7\"}\n", "\"ok\":true");
	changes = 0;
	ask(c, fd, "{\"command\":\"allow.add\",\"address\":\"203.0.113.9/24\"}\n",
		"\"what\":\"203.0.113.0/24\"");
	assert_int_equal(changes, 3); /* allowed; blocked, which was not told of yet; let go of */
	ask(c, fd, "{\"command\":\"block.list\"}\n", "\"entries\":[],\"next\":null");
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.7\"}\n",
		"on the allow list");
	ask(c, fd, "{\"command\":\"allow.list\"}\n",
		"{\"what\":\"203.0.113.0/24\",\"by\":\"person\",\"uid\":");
	ask(c, fd, "{\"command\":\"allow.del\",\"address\":\"198.51.100.0/24\"}\n",
		"what the configuration says stays");
	ask(c, fd, "{\"command\":\"allow.del\",\"address\":\"203.0.113.0/24\"}\n", "\"ok\":true");
	assert_int_equal(last.event, POLICY_DISALLOW);
	assert_int_equal(last.uid, getuid());
	ask(c, fd, "{\"command\":\"block.add\",\"address\":\"203.0.113.7\"}\n", "\"ok\":true");
	close(fd);
	control_close(c);
	respond_close(r);
	allowed_close(a);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_answered_by_a_line),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(a_request_is_bounded),
		cmocka_unit_test(the_one_silent_longest_gives_way),
		cmocka_unit_test(who_does_not_read_is_let_go_of),
		cmocka_unit_test(there_is_one_at_a_time),
		cmocka_unit_test(the_block_list_is_at_hand),
		cmocka_unit_test(a_person_allows),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
