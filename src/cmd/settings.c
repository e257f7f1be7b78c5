#include "cmd/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t second = 1000000000LL;

void settings_defaults(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	s->meter.settings.flows = METER_FLOWS_DEFAULT;
	strcpy(s->kernel, "fp32");
	s->history_age_ns = (int64_t)history_limits.seconds * second;
	s->history_size = history_limits.bytes;
	respond_defaults(&s->respond);
	strcpy(s->socket, CONTROL_PATH);
	strcpy(s->web.listen, WEB_LISTEN);
}

/* ---- the table ---- */

#define OF(field) .offset = offsetof(struct settings, field)
#define PATH(field) &config_text, OF(field), .most = SETTINGS_PATH
#define RULE(class) &settings_rule, OF(respond.policy.rule[class]), .live = true

static const char *const modes[] = {
	[BLOCK_OFF] = "off", [BLOCK_DRY_RUN] = "dry-run", [BLOCK_ON] = "on", NULL};

static const struct config_key watch_keys[] = {
	{"interfaces", &settings_interfaces, OF(meter.interfaces)},
	{"flows", &config_number, OF(meter.settings.flows), METER_FLOWS_LEAST, METER_FLOWS_MOST},
	{"outer", &config_flag, OF(meter.settings.outer)},
	{"each-interface", &config_flag, OF(meter.settings.each_interface)},
};

static const struct config_key model_keys[] = {
	{"file", PATH(model), .live = true},
	{"profile", PATH(profile), .live = true},
	{"sensitivity", &settings_sensitivity, OF(sensitivity), .live = true},
	{"kernel", &settings_kernel, OF(kernel), .live = true},
};

static const struct config_key history_keys[] = {
	{"file", PATH(history)},
	{"off", &config_flag, OF(no_history)},
	{"age", &config_time, OF(history_age_ns), 1, 366 * 86400.0},
	{"size", &config_size, OF(history_size)},
};

static const struct config_key output_keys[] = {
	{"eve", PATH(eve), .live = true},
	{"eve-socket", PATH(eve_socket), .live = true},
	{"syslog", &config_flag, OF(syslog), .live = true},
	{"journald", &config_flag, OF(journald), .live = true},
	{"notify", PATH(notify), .live = true},
	{"webhook", PATH(webhook), .live = true},
	{"json", &config_flag, OF(json), .live = true},
	{"pcap-dir", PATH(pcap_dir)},
};

static const struct config_key block_keys[] = {
	{"mode", &config_choice, OF(block), .names = modes},
	{"keep", &config_flag, OF(respond.keep)},
	{"pin", &config_text, OF(respond.pin), .most = RESPOND_PATH},
	{"allow", &settings_allow, OF(respond), .live = true},
	{"entries", &config_number, OF(respond.policy.entries), 1, POLICY_ENTRIES_MOST},
	{"new-a-minute", &config_number, OF(respond.policy.new_a_minute), 0, 1000000, .live = true},
	{"longest", &config_time, OF(respond.policy.longest_ns), 1, 366 * 86400.0, .live = true},
	{"memory", &config_time, OF(respond.policy.memory_ns), 1, 366 * 86400.0, .live = true},
	{"probation", &config_time, OF(respond.policy.probation_ns), 1, 86400, .live = true},
	{"hosts-of-ipv4-net", &config_number, OF(respond.policy.net4), 0, 256, .live = true},
	{"hosts-of-ipv6-net", &config_number, OF(respond.policy.net6), 0, POLICY_ENTRIES_MOST,
		.live = true},
	{"limits", &config_number, OF(respond.policy.limits), 0, 1024},
	{"limit-rate", &config_number, OF(respond.policy.rate), 1, 100000000, .live = true},
	{"limit-burst", &config_number, OF(respond.policy.burst), 1, 100000000, .live = true},
};

static const struct config_key policy_keys[] = {
	{"reconnaissance", RULE(CLASS_RECONNAISSANCE)},
	{"dos", RULE(CLASS_DOS)},
	{"brute-force", RULE(CLASS_BRUTE_FORCE)},
	{"fuzzers", RULE(CLASS_FUZZERS)},
	{"exploits", RULE(CLASS_EXPLOITS)},
	{"analysis", RULE(CLASS_ANALYSIS)},
	{"backdoor", RULE(CLASS_BACKDOOR)},
	{"generic", RULE(CLASS_GENERIC)},
	{"shellcode", RULE(CLASS_SHELLCODE)},
	{"worms", RULE(CLASS_WORMS)},
};

static const struct config_key control_keys[] = {
	{"socket", &config_text, OF(socket), .most = CONTROL_PATH_ROOM},
	{"group", &config_text, OF(group), .most = SETTINGS_NAME},
};

static const struct config_key web_keys[] = {
	{"listen", &config_text, OF(web.listen), .most = WEB_LISTEN_ROOM},
	{"certificate", &config_text, OF(web.certificate), .most = WEB_PATH_ROOM},
	{"key", &config_text, OF(web.key), .most = WEB_PATH_ROOM},
	{"token", &config_text, OF(web.token), .most = WEB_PATH_ROOM},
	{"name", &config_text, OF(web.name), .most = WEB_NAME_ROOM},
};

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))
#define KEYS(keys) keys, COUNT(keys)

static const struct config_section sections[] = {
	{"watch", KEYS(watch_keys)},
	{"model", KEYS(model_keys)},
	{"history", KEYS(history_keys)},
	{"output", KEYS(output_keys)},
	{"block", KEYS(block_keys)},
	{"policy", KEYS(policy_keys)},
	{"control", KEYS(control_keys)},
	{"web", KEYS(web_keys)},
};

/* Each section has fewer keys than would fill it. */
_Static_assert(COUNT(sections) * COUNT(block_keys) <= SETTINGS_KEYS, "more room in settings.h");

struct config settings_config(struct settings *s)
{
	return (struct config){sections, COUNT(sections), s, s->from};
}

/* ---- reading ---- */

int settings_read(struct settings *s, const char *path, struct error *e)
{
	static const char *const usual[] = {
		KARMA_PREFIX "/etc/karma/karma.conf", "/etc/karma/karma.conf"};
	const struct config config = settings_config(s);

	for (size_t i = 0; i < COUNT(usual) && !path; i++)
		if (access(usual[i], F_OK) == 0)
			path = usual[i];
	if (!path)
		return 0;
	snprintf(s->file, sizeof(s->file), "%s", path);
	return config_read(&config, path, e);
}

int settings_finish(struct settings *s, struct error *e)
{
	const struct config config = settings_config(s);

	/* An argument that names a history wants one. */
	if (config_from(&config, "history", "file") == CONFIG_ARGUMENT)
		s->no_history = false;
	s->respond.policy.dry_run = s->block == BLOCK_DRY_RUN;
	if (s->block != BLOCK_ON && config_from(&config, "block", "keep") == CONFIG_ARGUMENT)
		return error_set(e, -EINVAL, "--keep-blocks keeps what --block blocks; add that");
	return 0;
}

void settings_session(const struct settings *s, struct session_options *o)
{
	o->model = *s->model ? s->model : NULL;
	o->profile = *s->profile ? s->profile : NULL;
	o->kernel = lstm_kernel_find(s->kernel, NULL);
	o->eve = *s->eve ? s->eve : NULL;
	o->eve_socket = *s->eve_socket ? s->eve_socket : NULL;
	o->syslog = s->syslog ? OUTPUT_SYSLOG : NULL;
	o->journald = s->journald ? OUTPUT_JOURNALD : NULL;
	o->notify = *s->notify ? s->notify : NULL;
	o->webhook = *s->webhook ? s->webhook : NULL;
	o->history = *s->history && !s->no_history ? s->history : NULL;
	o->pcap_dir = *s->pcap_dir ? s->pcap_dir : NULL;
	o->flows = s->meter.settings.flows;
	o->sensitivity = s->sensitivity;
	o->json = s->json;
	o->limits = history_limits;
	o->limits.seconds = (uint64_t)(s->history_age_ns / second);
	o->limits.bytes = s->history_size;
}
