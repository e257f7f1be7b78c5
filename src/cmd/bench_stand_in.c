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
	return make_program(p->notify, stuck) && (!stuck || mkfifo(p->eve, 0600) == 0);
}

static void remove_places(const struct bench_places *p)
{
	static const char *const names[] = {"eve.json", "eve.sock", "log", "journal", "notify",
		"history.db", "history.db-wal", "history.db-shm", "history.db-journal"};
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

int bench_stand_in_begin(struct bench_stand_in *s, bool stuck, struct error *e)
{
	struct pollfd p[FILES] = {{0}};

	s->pid = -1;
	if (!make_places(&s->at, stuck) || !open_all(p, &s->at)) {
		int code = errno;

		remove_places(&s->at);
		return error_set(e, -code, "%s: who listens cannot be made there: %s", s->at.folder,
			strerror(code));
	}
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		if (stuck)
			be_stuck(&s->at);
		take_all(p, LISTENING);
		_exit(1);
	}
	for (int i = 0; i < LISTENING; i++)
		close(p[i].fd);
	if (s->pid < 0) {
		remove_places(&s->at);
		return error_set(e, -EAGAIN, "no process can be begun");
	}
	return 0;
}

void bench_stand_in_stop(struct bench_stand_in *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = -1;
}

void bench_stand_in_end(struct bench_stand_in *s)
{
	bench_stand_in_stop(s);
	if (*s->at.folder)
		remove_places(&s->at);
	*s->at.folder = '\0';
}
