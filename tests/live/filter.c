/* The block list by hand, for filter.sh: orders on standard input, one line of answer to each.
 *
 *   filter [FOLDER]      FOLDER: where it is pinned
 *
 *   attach INTERFACE | detach INTERFACE | add ADDR[/LEN] | del ADDR[/LEN] | get ADDR[/LEN]
 * (packets) allow [ADDR[/LEN]] | limit ADDR PORT RATE BURST (UDP) | limited (packets) | entries
 *   keep | end           leave; what is pinned stays, or not */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/interface.h"
#include "flow/record.h"
#include "respond/filter.h"

enum { UDP = 17 };

static struct filter *filter;
static struct error e;

static struct filter_prefix prefix(char *text)
{
	struct filter_prefix p = {.bits = 128};
	char *slash = strchr(text, '/');

	if (slash)
		*slash = 0;
	if (!addr_parse(text, p.addr))
		fprintf(stderr, "'%s' is no address\n", text);
	if (slash)
		p.bits = (uint8_t)((strchr(text, ':') ? 0 : 96) + strtoul(slash + 1, NULL, 10));
	return p;
}

static void answer(int err)
{
	puts(err < 0 ? strerror(-err) : "ok");
}

static void attach(const char *name)
{
	struct interface i;
	const char *mode;

	if (interface_look(name, &i, &e) != 0 ||
		filter_attach(filter, i.ifindex, i.is_ip, &mode, &e) != 0)
		puts(e.text);
	else
		puts(mode);
}

static int keep_limit(void *context, const struct filter_limit *l)
{
	*(struct filter_limit *)context = *l;
	return 0;
}

static void limit(char *text)
{
	struct filter_limit l = {.proto = UDP};
	char addr[64] = "";
	struct filter_prefix p;

	sscanf(text, "%63s %hu %u %u", addr, &l.port, &l.rate, &l.burst);
	p = prefix(addr);
	memcpy(l.addr, p.addr, sizeof(l.addr));
	answer(filter_limit(filter, &l));
}

static void tell(const char *order)
{
	struct filter_limit l = {.proto = 0};
	struct filter_stats s;

	filter_stats(filter, &s);
	filter_each_limit(filter, keep_limit, &l);
	if (strcmp(order, "entries") == 0)
		printf("%u\n", s.hosts + s.prefixes);
	else
		printf("%llu\n", (unsigned long long)l.counts.packets);
}

static void on_prefix(const char *order, char *text)
{
	const struct filter_note note = {0};
	struct filter_entry entry = {.note = {0}};
	struct filter_prefix p = {.bits = 0};

	if (*text)
		p = prefix(text);
	if (strcmp(order, "add") == 0)
		answer(filter_add(filter, &p, &note));
	else if (strcmp(order, "del") == 0)
		answer(filter_del(filter, &p));
	else if (strcmp(order, "allow") == 0)
		answer(filter_allow(filter, &p, p.bits != 0));
	else if (filter_get(filter, &p, &entry) == 0)
		printf("%llu\n", (unsigned long long)entry.counts.packets);
	else
		puts("none");
}

int main(int argc, char **argv)
{
	const struct filter_settings settings = {.pin = argc > 1 ? argv[1] : NULL};
	char line[256], order[16], rest[240];
	bool keep = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (filter_open(&filter, &settings, &e) != 0) {
		puts(e.text);
		return 1;
	}
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		order[0] = rest[0] = 0;
		sscanf(line, "%15s %239[^\n]", order, rest);
		keep = strcmp(order, "keep") == 0;
		if (keep || strcmp(order, "end") == 0)
			break;
		if (strcmp(order, "attach") == 0)
			attach(rest);
		else if (strcmp(order, "detach") == 0) {
			filter_detach(filter, (int)if_nametoindex(rest));
			puts("ok");
		} else if (strcmp(order, "limit") == 0)
			limit(rest);
		else if (strcmp(order, "entries") == 0 || strcmp(order, "limited") == 0)
			tell(order);
		else
			on_prefix(order, rest);
	}
	filter_close(filter, keep);
	return 0;
}
