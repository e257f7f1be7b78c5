#include "cmd/meter_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "util/number.h"

static int take_flows(struct meter_options *o, const char *command, const char *text)
{
	char least[NUMBER_TEXT], most[NUMBER_TEXT];
	uint64_t flows;

	if (!number_parse(text, METER_FLOWS_LEAST, METER_FLOWS_MOST, &flows))
		return usage_error(command, "--flows takes a number from %s to %s, not '%s'",
			number_text(METER_FLOWS_LEAST, least), number_text(METER_FLOWS_MOST, most),
			text);
	o->settings.flows = (uint32_t)flows;
	return 0;
}

int meter_option(struct meter_options *o, const char *command, int option, const char *argument)
{
	struct error e = {""};

	switch (option) {
	case OPT_FLOWS:
		return take_flows(o, command, argument);
	case OPT_EACH_INTERFACE:
		o->settings.each_interface = true;
		return 0;
	case OPT_FOLLOW:
		o->settings.follow = true;
		return 0;
	case OPT_OUTER:
		o->settings.outer = true;
		return 0;
	default:
		if (interface_list_add(&o->interfaces, argument, &e) < 0)
			return usage_error(command, "%s", e.text);
		return 0;
	}
}

bool meter_is_live(const struct meter_settings *settings, const struct inputs *in)
{
	return settings->follow || (in->count == 1 && strcmp(in->path[0], "-") == 0);
}

int meter_follow(const struct meter_options *o, const char *command, const struct inputs *in,
	struct error *e)
{
	if (!o->settings.follow)
		return 0;
	if (in->count != 1)
		return error_set(e, -EINVAL, "--follow takes one capture, not %zu; name the file",
			in->count);
	/* What cannot be read is not followed: capture_read() says so. */
	if (strcmp(in->path[0], "-") != 0 && access(in->path[0], R_OK) != 0)
		return 0;
	fprintf(stderr, "karma %s: following %s until interrupted\n", command,
		strcmp(in->path[0], "-") == 0 ? "standard input" : in->path[0]);
	return 0;
}
