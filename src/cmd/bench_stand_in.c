#include "cmd/bench_stand_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOCKET, SYSLOG, JOURNALD, HTTP, LISTENING, FILES = 64 };

/* ---- the files ---- */

static int open_local(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
		(type == SOCK_DGRAM || listen(fd, 8) == 0))
		return fd;
	return -1;
}

static int open_http(char url[64])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 || listen(fd, 8) < 0 ||
		getsockname(fd, (struct sockaddr *)&to, &length) < 0)
		return -1;
	snprintf(url, 64, "http://127.0.0.1:%u/alert", ntohs(to.sin_port));
	return fd;
}

/* An address that nobody has. */
static bool find_address(char web[32])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool found = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		     getsockname(fd, (struct sockaddr *)&at, &length) == 0;

	if (fd >= 0)
		close(fd);
	snprintf(web, 32, "127.0.0.1:%u", ntohs(at.sin_port));
	return found;
}

static bool make_program(const char *path, bool stuck)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fputs(stuck ? "#!/bin/sh\nexec sleep 300\n" : "#!/bin/sh\nexec cat >/dev/null\n", f);
	return fclose(f) == 0 && chmod(path, 0700) == 0;
}

static bool make_places(struct bench_places *p, bool stuck)
{
	strcpy(p->folder, "/tmp/karma-bench-XXXXXX");
	if (!mkdtemp(p->folder))
		return false;
	snprintf(p->eve, sizeof(p->eve), "%s/eve.json", p->folder);
	snprintf(p->socket, sizeof(p->socket), "%s/eve.sock", p->folder);
	snprintf(p->syslog, sizeof(p->syslog), "%s/log", p->folder);
	snprintf(p->journald, sizeof(p->journald), "%s/journal", p->folder);
	snprintf(p->notify, sizeof(p->notify), "%s/notify", p->folder);
	snprintf(p->history, sizeof(p->history), "%s/history.db", p->folder);
	snprintf(p->control, sizeof(p->control), "%s/karma.sock", p->folder);
	snprintf(p->token, sizeof(p->token), "%s/web.token", p->folder);
	return find_address(p->web) && make_program(p->notify, stuck) &&
	       (!stuck || mkfifo(p->eve, 0600) == 0);
}

static void remove_places(const struct bench_places *p)
{
	static const char *const names[] = {"eve.json", "eve.sock", "log", "journal", "notify",
		"history.db", "history.db-wal", "history.db-shm", "history.db-journal",
		"karma.sock", "web.token"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->folder, names[i]);
		unlink(path);
	}
	rmdir(p->folder);
}

/* ---- the process ---- */

static void answer(int fd, const char *got)
{
	static const char yes[] = "HTTP/1.1 204 Yes\r\n\r\n";

	if (strncmp(got, "POST ", 5) == 0 && write(fd, yes, sizeof(yes) - 1) < 0)
		errno = 0; /* he is gone */
}

/* What comes is taken, and requests are answered: what is sent by one write is read by one. */
static void take_all(struct pollfd *p, int count)
{
	static char got[1 << 20];

	while (poll(p, (nfds_t)count, -1) >= 0 || errno == EINTR) {
		for (int i = count - 1; i >= 0; i--) {
			ssize_t n;

			if (!p[i].revents)
				continue;
			if ((i == SOCKET || i == HTTP) && count < FILES) {
				int fd = accept(p[i].fd, NULL, NULL);

				if (fd >= 0)
					p[count++] = (struct pollfd){fd, POLLIN, 0};
				continue;
			}
			n = read(p[i].fd, got, sizeof(got) - 1);
			got[n > 0 ? n : 0] = '\0';
			if (n > 0)
				answer(p[i].fd, got);
			if (n > 0 || i < LISTENING)
				continue;
			close(p[i].fd);
			p[i] = p[--count];
		}
	}
}

/* The file of a history that somebody writes, and never ends to write. */
static void hold_history(const char *path)
{
	sqlite3 *db;

	while (access(path, F_OK) != 0)
		usleep(10000);
	usleep(200000); /* until its tables are made */
	sqlite3_open(path, &db);
	sqlite3_busy_timeout(db, 10000);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

static void be_stuck(const struct bench_places *at)
{
	if (open(at->eve, O_RDONLY | O_NONBLOCK | O_CLOEXEC) < 0)
		_exit(1);
	hold_history(at->history);
	for (;;)
		pause();
}

/* ---- who looks on ---- */

/* Connected to the dashboard, or, with `path`, to the control socket, as soon as it is there. */
static int reach(const struct bench_places *at, const char *path)
{
	struct sockaddr_in web = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtoul(strchr(at->web, ':') + 1, NULL, 10))};
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	strncpy(local.sun_path, path ? path : "", sizeof(local.sun_path) - 1);
	for (;; usleep(20000)) {
		int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 &&
			(path ? connect(fd, (const struct sockaddr *)&local, sizeof(local))
			      : connect(fd, (const struct sockaddr *)&web, sizeof(web))) == 0)
			return fd;
		close(fd);
	}
}

static void get(const struct bench_places *at, int fd, const char *what, bool last)
{
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n\r\n", what, at->web,
		last ? "close" : "keep-alive");
}

/* The answer to what changed since the last; its sequence number. */
static unsigned long long ask_live(int fd, unsigned long long since)
{
	static char got[1 << 20];
	const char *seq;
	size_t n = 0;

	dprintf(fd, "{\"command\":\"live\",\"since\":%llu}\n", since);
	while (n < sizeof(got) - 1 && (n == 0 || got[n - 1] != '\n')) {
		ssize_t more = read(fd, got + n, sizeof(got) - 1 - n);

		if (more <= 0)
			return since;
		n += (size_t)more;
	}
	got[n] = '\0';
	seq = strstr(got, "\"seq\":");
	return seq ? strtoull(seq + 6, NULL, 10) : since;
}

/* A browser with the dashboard before it, karma top, and Prometheus. */
static void look_on(const struct bench_places *at, bool stuck)
{
	static char got[1 << 16];
	int control = reach(at, at->control), browser = reach(at, NULL);
	unsigned long long seq = 0;

	get(at, browser, "/api/events", false);
	if (stuck) {
		dprintf(control, "{\"command\":\"live\",\"since\":0}\n");
		for (;;)
			pause();
	}
	fcntl(browser, F_SETFL, O_NONBLOCK);
	for (;; sleep(1)) {
		int prometheus = reach(at, NULL);

		get(at, prometheus, "/metrics", true);
		while (read(prometheus, got, sizeof(got)) > 0)
			;
		close(prometheus);
		seq = ask_live(control, seq);
		while (read(browser, got, sizeof(got)) > 0)
			;
	}
}

static bool open_all(struct pollfd p[FILES], struct bench_places *at)
{
	p[SOCKET].fd = open_local(at->socket, SOCK_STREAM);
	p[SYSLOG].fd = open_local(at->syslog, SOCK_DGRAM);
	p[JOURNALD].fd = open_local(at->journald, SOCK_DGRAM);
	p[HTTP].fd = open_http(at->url);
	for (int i = 0; i < LISTENING; i++) {
		p[i].events = POLLIN;
		if (p[i].fd < 0)
			return false;
	}
	return true;
}

/* A process that ends with this one. */
static pid_t begin(const struct bench_places *at, struct pollfd *p, bool looks, bool stuck)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (looks)
		look_on(at, stuck);
	if (stuck)
		be_stuck(at);
	take_all(p, LISTENING);
	_exit(1);
}

int bench_stand_in_begin(struct bench_stand_in *s, bool stuck, struct error *e)
{
	struct pollfd p[FILES] = {{0}};

	s->pid = s->looker = -1;
	if (!make_places(&s->at, stuck) || !open_all(p, &s->at)) {
		int code = errno;

		remove_places(&s->at);
		return error_set(e, -code, "%s: who listens cannot be made there: %s", s->at.folder,
			strerror(code));
	}
	s->pid = begin(&s->at, p, false, stuck);
	for (int i = 0; i < LISTENING; i++)
		close(p[i].fd);
	s->looker = begin(&s->at, NULL, true, stuck);
	if (s->pid < 0 || s->looker < 0) {
		bench_stand_in_end(s);
		return error_set(e, -EAGAIN, "no process can be begun");
	}
	return 0;
}

static void stop(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = -1;
}

void bench_stand_in_stop(struct bench_stand_in *s)
{
	stop(&s->pid);
	stop(&s->looker);
}

void bench_stand_in_end(struct bench_stand_in *s)
{
	bench_stand_in_stop(s);
	if (*s->at.folder)
		remove_places(&s->at);
	*s->at.folder = '\0';
}
