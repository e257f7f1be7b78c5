/* The interface of the default route, from the kernel's tables in /proc: no privileges needed. */
#include "capture/capture.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>

/* A name as `%15s` takes it from a line: IF_NAMESIZE is 16. */
static int take(char *name, const char *found)
{
	snprintf(name, IF_NAMESIZE, "%s", found);
	return 0;
}

/* The IPv4 default route of the lowest metric. */
static int default_v4(char *name)
{
	FILE *f = fopen("/proc/net/route", "re");
	unsigned long destination, gateway, mask;
	char line[256], found[IF_NAMESIZE];
	unsigned flags, metric, best = ~0u;
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %lx %lx %x %*d %*d %u %lx", found, &destination, &gateway,
			    &flags, &metric, &mask) != 6)
			continue;
		if (destination == 0 && mask == 0 && (flags & RTF_UP) && !(flags & RTF_REJECT) &&
			(err || metric < best)) {
			best = metric;
			err = take(name, found);
		}
	}
	fclose(f);
	return err;
}

static int default_v6(char *name)
{
	FILE *f = fopen("/proc/net/ipv6_route", "re");
	char line[256], destination[33], found[IF_NAMESIZE];
	unsigned length, metric, flags, best = ~0u;
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%32s %x %*s %*x %*s %x %*x %*x %x %15s", destination, &length,
			    &metric, &flags, found) != 5)
			continue;
		if (length == 0 && strspn(destination, "0") == 32 && (flags & RTF_UP) &&
			!(flags & RTF_REJECT) && strcmp(found, "lo") != 0 &&
			(err || metric < best)) {
			best = metric;
			err = take(name, found);
		}
	}
	fclose(f);
	return err;
}

int live_default_interface(char *name, struct error *e)
{
	if (default_v4(name) == 0 || default_v6(name) == 0)
		return 0;
	return error_set(e, -ENODEV,
		"there is no default route to take an interface from; name one with -i");
}
