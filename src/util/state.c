#include "util/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *state_path(char path[STATE_PATH], const char *name)
{
	const char *folder = getenv("STATE_DIRECTORY");
	/* systemd separates several by colons; the first is for this. */
	int length = folder ? (int)strcspn(folder, ":") : 0;

	if (!length) {
		folder = "/var/lib/karma";
		length = (int)strlen(folder);
	}
	snprintf(path, STATE_PATH, "%.*s/%s", length, folder, name);
	return path;
}
