/* karma bench: how fast is it here? */
#include "cmd/bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bench_detect.h"
#include "cmd/bench_latency.h"
#include "cmd/bench_meter.h"
#include "cmd/bench_output.h"
#include "cmd/cmd.h"
#include "util/clock.h"

static json_t *detect(const struct bench_options *o, struct error *e)
{
	struct bench_detect r;

	if (bench_detect(&r, 200000, o->kernel, e) != 0)
		return NULL;
	return json_pack("{sI sf sI sf}", "records", (json_int_t)r.records, "records_per_s",
		r.records_per_s, "hosts", (json_int_t)r.hosts, "peak_memory_mb",
		(double)r.rss_bytes / 1e6);
}

/* Detection goes first: it states the process's peak memory. */
static const struct bench benches[] = {
	{"detect", detect, "records judged a second, from the record to the alert"},
	{"kernel", bench_kernel, "a packet in the kernel's meter, the empty program beside it"},
	{"block", bench_block, "a packet at the block list, the empty XDP program beside it"},
	{"latency", bench_latency,
		"from a closed flow's last packet to its record, 10,000 flows/s"},
	{"output", bench_output,
		"all outputs at 10,000 records/s and 10 alerts/s, and with each of them stuck"},
	{"meter", bench_meter, "a packet in the meter of captures"},
	{"desk", bench_desk, "what those who look on cost: a record, an alert, an answer"},
	{"lstm", bench_lstm, "a step of the network, alone and many together"},
	{"train", bench_train, "training: samples a second"},
};

#define BENCHES (sizeof(benches) / sizeof(benches[0]))

double bench_clock(void)
{
	return (double)clock_now(CLOCK_MONOTONIC) * 1e-9;
}

static json_t *machine(void)
{
	char line[256], model[256] = "unknown";
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "model name : %255[^\n]", model) == 1)
			break;
	if (f)
		fclose(f);
	return json_pack(
		"{ss sI}", "processor", model, "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN));
}

/* One figure a line; an object's figures behind its name. */
static void print_figures(json_t *object, const char *before)
{
	const char *key;
	json_t *value;
	char name[128];

	json_object_foreach (object, key, value) {
		snprintf(name, sizeof(name), "%s%s ", before, key);
		for (char *p = name; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		if (json_is_object(value))
			print_figures(value, name);
		else if (json_is_string(value))
			printf("  %-44s %s\n", name, json_string_value(value));
		else if (json_number_value(value) >= 100)
			printf("  %-44s %12.0f\n", name, json_number_value(value));
		else
			printf("  %-44s %12.4g\n", name, json_number_value(value));
	}
}

static int run(const char *which, bool json, const struct bench_options *o)
{
	json_t *all = json_object();
	int status = EXIT_DONE;

	json_object_set_new(all, "machine", machine());
	if (!json) {
		puts("machine");
		print_figures(json_object_get(all, "machine"), "");
	}
	for (size_t i = 0; i < BENCHES; i++) {
		const struct bench *b = &benches[i];
		struct error e = {""};
		json_t *figures;

		if (which && strcmp(which, b->name) != 0)
			continue;
		figures = b->run(o, &e);
		if (!figures) {
			status = fail("bench", e.text);
			continue;
		}
		if (!json) {
			printf("\n%s: %s\n", b->name, b->text);
			print_figures(figures, "");
			fflush(stdout);
		}
		json_object_set_new(all, b->name, figures);
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	json_decref(all);
	return status;
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < BENCHES; i++)
		if (strcmp(benches[i].name, name) == 0)
			return true;
	return false;
}

int cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"model", required_argument, NULL, 'm'},
		{"kernel", required_argument, NULL, 'k'},
		{NULL, 0, NULL, 0},
	};
	const char *which = NULL; /* all */
	struct bench_options o = {0};
	struct error e = {""};
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "m:", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'm':
			o.model = optarg;
			break;
		case 'k':
			o.kernel = lstm_kernel_find(optarg, &e);
			if (!o.kernel)
				return usage_error("bench", "%s", e.text);
			break;
		default:
			return usage_error(
				"bench", "'%s' is no option or lacks its value", argv[optind - 1]);
		}
	}
	if (optind < argc)
		which = argv[optind++];
	if (optind < argc)
		return usage_error("bench", "one benchmark at a time, or none named: all");
	if (which && !is_known(which))
		return usage_error("bench", "there is no benchmark '%s'", which);
	return run(which, json, &o);
}
