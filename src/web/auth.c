#include "web/auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/number.h"

enum { NAME_ROOM = 256 };

/* ---- addresses ---- */

/* The host of "host:port", "host", "[v6]:port": its end is cut off; *port is NULL without one. */
static bool split(const char *text, char host[NAME_ROOM], const char **port)
{
	const char *end, *from = text;
	size_t n;

	if (*text == '[') {
		from = text + 1;
		end = strchr(from, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*port = end[1] ? end + 2 : NULL;
	} else {
		end = strchrnul(text, ':');
		*port = *end ? end + 1 : NULL;
		if (*port && strchr(*port, ':'))
			return false; /* an IPv6 address without brackets */
	}
	n = (size_t)(end - from);
	if (n == 0 || n >= NAME_ROOM)
		return false;
	memcpy(host, from, n);
	host[n] = '\0';
	return true;
}

static bool port_parse(const char *text, uint16_t *port)
{
	uint64_t value;

	if (!text || !number_parse(text, 1, 65535, &value))
		return false;
	*port = (uint16_t)value;
	return true;
}

bool auth_listen_parse(const char *text, struct sockaddr_storage *at, socklen_t *size)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)at;
	struct sockaddr_in *four = (struct sockaddr_in *)at;
	char host[NAME_ROOM];
	const char *port_text;
	uint16_t port;

	memset(at, 0, sizeof(*at));
	if (!split(text, host, &port_text) || !port_parse(port_text, &port))
		return false;
	if (*text != '[' && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*size = sizeof(*four);
		return true;
	}
	if (*text == '[' && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		*size = sizeof(*six);
		return true;
	}
	return false;
}

static bool four_is_loopback(const struct in_addr *a)
{
	return ntohl(a->s_addr) >> 24 == 127;
}

bool auth_is_loopback(const struct sockaddr_storage *at)
{
	if (at->ss_family == AF_INET)
		return four_is_loopback(&((const struct sockaddr_in *)at)->sin_addr);
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)at)->sin6_addr);
}

/* ---- the token ---- */

static bool is_token(const char *text)
{
	return strlen(text) == AUTH_TOKEN_TEXT - 1 &&
	       strspn(text, "0123456789abcdef") == AUTH_TOKEN_TEXT - 1;
}

static int unusable(const char *path, struct error *e)
{
	return error_set(e, -EINVAL, "%s: holds no token; remove it, and a new one is made", path);
}

static int read_token(struct auth *a, const char *path, int fd, struct error *e)
{
	char text[AUTH_TOKEN_TEXT + 1] = "";
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return unusable(path, e);
	if ((st.st_mode & 077) || st.st_uid != geteuid())
		return error_set(e, -EPERM,
			"%s: others may read or change the token; 'rm' it, and a new one is made",
			path);
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (n <= 0 || !is_token(text))
		return unusable(path, e);
	memcpy(a->token, text, sizeof(a->token));
	return 0;
}

static void make_folder(const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;

	if (slash && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0755); /* where it cannot be made, open() says so */
	}
	free(folder);
}

static int make_token(struct auth *a, const char *path, struct error *e)
{
	unsigned char secret[AUTH_TOKEN_BYTES];
	int fd, err = 0;

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return error_set(e, -EIO, "the kernel gives no random bytes for a token");
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(a->token + 2 * i, 3, "%02x", secret[i]);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, -errno,
			"%s: the token cannot be written: %s; name another file by 'token' in "
			"[web] of "
			"karma.conf",
			path, strerror(errno));
	if (dprintf(fd, "%s\n", a->token) != AUTH_TOKEN_TEXT || fsync(fd) < 0)
		err = error_set(
			e, -EIO, "%s: the token cannot be written: %s", path, strerror(errno));
	close(fd);
	if (err)
		unlink(path);
	return err;
}

int auth_token(struct auth *a, const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;

	if (fd < 0 && errno == ENOENT) {
		make_folder(path);
		return make_token(a, path, e);
	}
	if (fd < 0)
		return error_set(
			e, -errno, "%s: the token cannot be read: %s", path, strerror(errno));
	err = read_token(a, path, fd, e);
	close(fd);
	return err;
}

/* ---- requests ---- */

bool auth_host(const struct auth *a, const char *text)
{
	char host[NAME_ROOM];
	struct in6_addr six;
	struct in_addr four;
	const char *port_text;
	uint16_t port;

	if (!text || !split(text, host, &port_text) || (port_text && !port_parse(port_text, &port)))
		return false;
	if (*text == '[')
		return inet_pton(AF_INET6, host, &six) == 1 &&
		       (!a->loopback || IN6_IS_ADDR_LOOPBACK(&six));
	if (inet_pton(AF_INET, host, &four) == 1)
		return !a->loopback || four_is_loopback(&four);
	return strcasecmp(host, "localhost") == 0 ||
	       (a->name && *a->name && strcasecmp(host, a->name) == 0);
}

bool auth_origin(const struct auth *a, const char *host, const char *origin)
{
	const char *scheme = a->tls ? "https://" : "http://";
	size_t n = strlen(scheme);

	return host && origin && strncmp(origin, scheme, n) == 0 &&
	       strcasecmp(origin + n, host) == 0;
}

bool auth_foreign(const char *site)
{
	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

bool auth_bearer(const struct auth *a, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	unsigned different = 0;
	const char *given;

	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;
	given = authorization + sizeof(scheme) - 1;
	if (strlen(given) != AUTH_TOKEN_TEXT - 1 || !is_token(a->token))
		return false;
	for (size_t i = 0; i < AUTH_TOKEN_TEXT - 1; i++)
		different |= (unsigned)(given[i] ^ a->token[i]);
	return different == 0;
}
