#include "capture/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_capture(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && dot != d->d_name &&
	       (strcmp(dot, ".pcap") == 0 || strcmp(dot, ".pcapng") == 0 ||
		       strcmp(dot, ".cap") == 0);
}

/* Takes `path` over. */
static int add(struct inputs *in, char *path)
{
	char **grown = path ? reallocarray(in->path, in->count + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	in->path = grown;
	in->path[in->count++] = path;
	return 0;
}

static int add_directory(struct inputs *in, const char *name, struct error *e)
{
	struct dirent **list = NULL;
	const char *between = name[strlen(name) - 1] == '/' ? "" : "/";
	int found = scandir(name, &list, is_capture, alphasort);
	int err = 0;

	if (found < 0)
		return error_set(e, -errno, "%s: cannot be read: %s", name, strerror(errno));
	if (found == 0)
		err = error_set(e, -ENOENT,
			"%s: no *.pcap, *.pcapng or *.cap in this directory; name the files", name);
	for (int i = 0; i < found; i++) {
		char *path = NULL;

		if (!err && asprintf(&path, "%s%s%s", name, between, list[i]->d_name) < 0)
			path = NULL;
		if (!err && add(in, path) < 0)
			err = error_set(e, -ENOMEM, "out of memory");
		free(list[i]);
	}
	free(list);
	return err;
}

int inputs_expand(struct inputs *in, char *const *names, size_t count, struct error *e)
{
	int err = 0;

	memset(in, 0, sizeof(*in));
	for (size_t i = 0; i < count && !err; i++) {
		struct stat st;

		if (strcmp(names[i], "-") != 0 && stat(names[i], &st) == 0 && S_ISDIR(st.st_mode))
			err = add_directory(in, names[i], e);
		else if (add(in, strdup(names[i])) < 0)
			err = error_set(e, -ENOMEM, "out of memory");
	}
	return err;
}

void inputs_free(struct inputs *in)
{
	for (size_t i = 0; i < in->count; i++)
		free(in->path[i]);
	free(in->path);
	memset(in, 0, sizeof(*in));
}
