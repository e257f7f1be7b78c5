#include "respond/sessions.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utmpx.h>

enum { TITLE = 256, PATH = 64 };

/* A user's name may have an '@', but the title of one who has not logged in ends with a ']'. */
bool sessions_is_title(const char *title)
{
	const char *user = strstr(title, ": ");
	size_t length = strlen(title);

	return strncmp(title, "sshd", 4) == 0 && user && strchr(user, '@') &&
	       title[length - 1] != ']';
}

static bool mapped(const struct sockaddr *a, uint8_t addr[16])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	memset(addr, 0, 16);
	if (a->sa_family == AF_INET6) {
		memcpy(addr, &v6->sin6_addr, 16);
		return true;
	}
	addr[10] = addr[11] = 0xff;
	memcpy(addr + 12, &v4->sin_addr, 4);
	return a->sa_family == AF_INET;
}

/* ---- sshd ---- */

static bool read_text(const char *path, char text[TITLE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TITLE - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool in_our_network(const char *pid)
{
	char path[PATH], ours[PATH] = "", theirs[PATH] = "";

	snprintf(path, sizeof(path), "/proc/%.10s/ns/net", pid);
	return readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
	       readlink(path, theirs, sizeof(theirs) - 1) > 0 && strcmp(ours, theirs) == 0;
}

/* The lowest of its descriptors that is a socket, and above `after`; -1: no more. */
static int next_socket(const char *pid, int after)
{
	char path[PATH], target[PATH];
	int lowest = INT_MAX;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.10s/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		int fd = isdigit((unsigned char)d->d_name[0]) ? atoi(d->d_name) : -1;
		ssize_t n;

		if (fd <= after || fd >= lowest)
			continue;
		n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
		if (n > 0 && strncmp(target, "socket:", 7) == 0)
			lowest = fd;
	}
	if (dir)
		closedir(dir);
	return lowest == INT_MAX ? -1 : lowest;
}

/* The other end of another process's TCP socket. */
static bool peer_of(int process, int fd, uint8_t addr[16])
{
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer), word = sizeof(int);
	int type = 0, copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	bool found;

	if (copy < 0)
		return false;
	found = getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &word) == 0 && type == SOCK_STREAM &&
		getpeername(copy, (struct sockaddr *)&peer, &size) == 0 &&
		mapped((const struct sockaddr *)&peer, addr);
	close(copy);
	return found;
}

static void ssh_session(
	const char *pid, void (*each)(void *context, const uint8_t addr[16]), void *context)
{
	int process = (int)syscall(SYS_pidfd_open, (pid_t)atoi(pid), 0);
	uint8_t addr[16];
	int fd = -1;

	/* The session's own connection came first; what it forwards came later. */
	while (process >= 0 && (fd = next_socket(pid, fd)) >= 0)
		if (peer_of(process, fd, addr)) {
			each(context, addr);
			break;
		}
	if (process >= 0)
		close(process);
}

/* The program is sshd, of root's: its title alone anybody may have. `seen` becomes false where that
 * is not to be found out. */
static bool is_sshd(const char *pid, bool *seen)
{
	char path[PATH], program[TITLE] = "";
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.10s/exe", pid);
	if (readlink(path, program, sizeof(program) - 1) < 0 || stat(path, &st) < 0) {
		*seen &= errno == ENOENT || errno == ESRCH; /* it has gone */
		return false;
	}
	return strstr(program, "/sshd") && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* False: they could not be looked at. */
static bool ssh_sessions(void (*each)(void *context, const uint8_t addr[16]), void *context)
{
	DIR *proc = opendir("/proc");
	char path[PATH], text[TITLE];
	bool seen = proc;
	struct dirent *d;

	while (proc && (d = readdir(proc))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.10s/comm", d->d_name);
		if (!read_text(path, text) || strncmp(text, "sshd", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.10s/cmdline", d->d_name);
		if (read_text(path, text) && sessions_is_title(text) && is_sshd(d->d_name, &seen) &&
			in_our_network(d->d_name))
			ssh_session(d->d_name, each, context);
	}
	if (proc)
		closedir(proc);
	return seen;
}

/* ---- utmp ---- */

static void utmp_sessions(void (*each)(void *context, const uint8_t addr[16]), void *context)
{
	static const uint8_t nobody[16];
	struct utmpx *u;
	uint8_t addr[16];

	setutxent();
	while ((u = getutxent())) {
		if (u->ut_type != USER_PROCESS || memcmp(u->ut_addr_v6, nobody, 16) == 0 ||
			(kill(u->ut_pid, 0) < 0 && errno == ESRCH))
			continue;
		memcpy(addr, u->ut_addr_v6, 16);
		if (!u->ut_addr_v6[1] && !u->ut_addr_v6[2] && !u->ut_addr_v6[3]) {
			memset(addr, 0, 10);
			addr[10] = addr[11] = 0xff;
			memcpy(addr + 12, u->ut_addr_v6, 4);
		}
		each(context, addr);
	}
	endutxent();
}

bool sessions_each(void (*each)(void *context, const uint8_t addr[16]), void *context)
{
	bool seen = ssh_sessions(each, context);

	utmp_sessions(each, context);
	return seen;
}
