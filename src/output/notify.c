/* A program that is run for each alert: the alert as EVE has it on its standard input, fields in
 * its environment. No shell has a part in it. A program that hangs is killed, and whatever it began
 * with it; one that fails is run again for some time; a few may run at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output/eve.h"
#include "output/fields.h"
#include "util/clock.h"

enum {
	AT_ONCE = 4,
	PER_MINUTE = 30,
	WAITING = 256,
	WAITING_BYTES = 4 << 20,
	TRIES = 6, /* of an alert, as of the webhook: within a minute, if each fails at once */
	LIMIT_S = 10,
	ENVIRONMENT = 512,
};

static void release(void *path)
{
	free(path);
}

/* ---- a program that runs ---- */

/* The environment: the alert's fields, then Karma's own. */
static void make_environment(const char *fields, char *env[ENVIRONMENT])
{
	unsigned n = 0;

	for (const char *p = fields; *p && n < ENVIRONMENT - 1; p += strlen(p) + 1)
		env[n++] = (char *)p;
	for (char **p = environ; *p && n < ENVIRONMENT - 1; p++)
		env[n++] = *p;
	env[n] = NULL;
}

/* It reads from `in`; what it says goes where Karma's errors go, for standard output may be EVE's.
 */
static int spawn(const char *path, int in, const char *fields, pid_t *pid)
{
	char *env[ENVIRONMENT], *args[] = {(char *)path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, usual;
	int err;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	make_environment(fields, env);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(
		&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &usual);
	err = posix_spawn(pid, path, &files, &how, args, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return -err;
}

static int ms_until(uint64_t until_ns)
{
	uint64_t now_ns = clock_now(CLOCK_MONOTONIC);

	return now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000 + 1) : 0;
}

/* A program need not read it. */
static void feed(struct courier *c, int fd, const char *text, size_t length, uint64_t until_ns)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n > 0) {
			text += n;
			length -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		} else if (courier_wait(c, fd, POLLOUT, ms_until(until_ns)) <= 0) {
			return;
		}
	}
}

/* How it ended, as of courier_settings.deliver: but at the end of Karma it is run again. */
static int wait_for(struct courier *c, pid_t pid, uint64_t until_ns, struct error *why)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status, ended;

	ended = fd < 0 ? 0 : courier_wait(c, fd, POLLIN, ms_until(until_ns));
	if (fd >= 0)
		close(fd);
	if (ended <= 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set(why, -errno, "%s", strerror(errno));
	if (ended <= 0)
		return ended < 0 ? error_set(why, -ECANCELED, "killed at the end of Karma")
				 : error_set(why, ETIMEDOUT, "killed after %d s", LIMIT_S);
	if (WIFSIGNALED(status))
		return error_set(why, EIO, "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) ? error_set(why, EIO, "exit status %d", WEXITSTATUS(status)) : 0;
}

/* The message: fields, each with a 0 behind it, one 0 more, and the event. */
static int deliver(
	void *path, struct courier *c, const char *text, size_t length, struct error *why)
{
	uint64_t until_ns = clock_now(CLOCK_MONOTONIC) + (uint64_t)LIMIT_S * 1000000000;
	const char *event = text;
	int pipes[2], err;
	pid_t pid;

	while (*event)
		event += strlen(event) + 1;
	event++;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_set(why, errno, "no pipe to it: %s", strerror(errno));
	err = spawn(path, pipes[0], text, &pid);
	close(pipes[0]);
	if (err) {
		close(pipes[1]);
		return error_set(why, -err, "cannot be run: %s", strerror(-err));
	}
	fcntl(pipes[1], F_SETFL, O_NONBLOCK);
	feed(c, pipes[1], event, length - (size_t)(event - text), until_ns);
	close(pipes[1]);
	return wait_for(c, pid, until_ns, why);
}

/* ---- the output ---- */

static int notify_open(struct output *o, const char *path, struct error *e)
{
	static const struct courier_settings settings = {.name = "notify",
		.threads = AT_ONCE,
		.messages = WAITING,
		.bytes = WAITING_BYTES,
		.per_minute = PER_MINUTE,
		.tries = TRIES,
		.deliver = deliver,
		.release = release};
	struct stat st;
	char *copy;

	snprintf(o->path, sizeof(o->path), "%s", path);
	if (stat(path, &st) < 0 || access(path, X_OK) < 0)
		return error_set(e, -errno,
			"%s: cannot be run: %s; --notify takes the path of a program", path,
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(e, -EACCES,
			"%s: cannot be run: not a file; --notify takes the path of a program",
			path);
	copy = strdup(path);
	return copy ? courier_open(&o->courier, &settings, copy, e)
		    : error_set(e, -ENOMEM, "not enough memory for the outputs");
}

static void notify_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	size_t length = 0, line = 0;
	char *text = NULL, *event;
	FILE *out;

	if (stage != ALERT_NEW || (from && from->muted))
		return;
	event = eve_alert_line(a, stage, from, &line);
	out = event ? open_memstream(&text, &length) : NULL;
	if (out) {
		fields_put_alert(out, a, stage, from, '\0');
		fputc('\0', out);
		fwrite(event, 1, line, out);
	}
	if (out && fclose(out) != 0) {
		free(text);
		text = NULL;
	}
	free(event);
	courier_send(o->courier, text, length);
}

const struct output_kind output_notify = {
	.name = "notify", .open = notify_open, .alert = notify_alert};
