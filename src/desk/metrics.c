/* The desk for Prometheus: names and units by its conventions
 * (prometheus.io/docs/practices/naming).
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/inside.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP karma_%s %s\n# TYPE karma_%s %s\n", name, help, name, type);
}

/* One without labels. */
static void count(FILE *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "counter", help);
	fprintf(out, "karma_%s %" PRIu64 "\n", name, value);
}

static void gauge(FILE *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	fprintf(out, "karma_%s %.15g\n", name, value);
}

/* A label with its value escaped; letters beyond ASCII, which may be no UTF-8, are "?": Prometheus
 * would refuse all of it. `between`: "" before the first. */
static void label(FILE *out, const char *between, const char *name, const char *value)
{
	fprintf(out, "%s%s=\"", between, name);
	for (const char *c = value ? value : ""; *c; c++) {
		if (*c == '\\' || *c == '"')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else
			fputc((unsigned char)*c < 0x80 ? *c : '?', out);
	}
	fputc('"', out);
}

/* ---- what is said once ---- */

static void put_info(FILE *out, const struct desk_facts *f)
{
	head(out, "build_info", "gauge", "The version of Karma; always 1.");
	fputs("karma_build_info{", out);
	label(out, "", "version", f->version);
	fputs("} 1\n", out);
	head(out, "model_info", "gauge", "The model that judges; always 1.");
	fputs("karma_model_info{", out);
	label(out, "", "id", f->model_id);
	label(out, ",", "path", f->model);
	label(out, ",", "kernel", f->kernel);
	label(out, ",", "sensitivity", f->sensitivity);
	fputs("} 1\n", out);
	gauge(out, "start_time_seconds", "When this Karma began, since 1970.",
		(double)f->started_ns / 1e9);
	if (f->reloaded_ns)
		gauge(out, "reload_time_seconds", "When it was reloaded last, since 1970.",
			(double)f->reloaded_ns / 1e9);
}

static void put_interfaces(FILE *out, const struct desk_facts *f)
{
	head(out, "interface_up", "gauge", "Is a watched interface there and up?");
	for (unsigned i = 0; i < f->interfaces; i++) {
		fputs("karma_interface_up{", out);
		label(out, "", "interface", f->interface[i].name);
		fprintf(out, "} %d\n", f->interface[i].there && f->interface[i].up);
	}
}

/* ---- traffic ---- */

static void put_traffic(FILE *out, const struct desk *d)
{
	const struct summary *s = &d->facts.figures;
	const uint64_t *n = s->meter.count;

	count(out, "packets_total", "Packets that were metered, as on the wire.", n[COUNT_PACKETS]);
	count(out, "packet_bytes_total", "Their bytes, from the IP header on.", n[COUNT_BYTES]);
	count(out, "flows_total", "Flows that began.", n[COUNT_FLOWS]);
	count(out, "reports_total", "Reports of flows that the kernel sent.", n[COUNT_RECORDS]);
	count(out, "records_judged_total", "Records of flows that the model judged.",
		s->judge.judged);
	gauge(out, "flow_table_flows", "Flows in the kernel's table.", (double)n[COUNT_OPEN]);
	gauge(out, "flow_table_room_flows", "Flows that it has room for.", (double)d->facts.room);
	count(out, "flows_evicted_total",
		"Flows without an open connection that gave way in a full table.",
		n[COUNT_EVICTED]);
	count(out, "packets_by_destination_total",
		"Packets metered by destination alone: the table was full.", n[COUNT_TOTAL]);
	gauge(out, "hosts", "Hosts whose doings are remembered.", s->judge.hosts);
}

static void put_causes(FILE *out, const struct desk *d, bool real, const char *name)
{
	for (unsigned i = 0; i < LOSSES; i++) {
		if (loss_is_real(loss_of(i)) != real)
			continue;
		fprintf(out, "karma_%s{", name);
		label(out, "", "cause", loss_of(i)->name);
		fprintf(out, "} %" PRIu64 "\n", d->lost[i]);
	}
}

static void put_losses(FILE *out, const struct desk *d)
{
	head(out, "losses_total", "counter",
		"What was lost, by cause: packets, records or what the cause names.");
	put_causes(out, d, true, "losses_total");
	head(out, "counted_total", "counter",
		"What is no loss while there is little of it, such as frames that are not IP.");
	put_causes(out, d, false, "counted_total");
	count(out, "suspects_left_out_total",
		"Hosts that gave way to more suspicious ones in the list of suspects.",
		suspects_left_out(d->suspects));
}

/* ---- alerts, and what is done about them ---- */

static void put_alerts(FILE *out, const struct summary *s)
{
	head(out, "alerts_total", "counter",
		"Alerts that arose, by the class that each had then; what it was found to be later "
		"does not count.");
	for (int c = CLASS_NORMAL + 1; c < CLASSES; c++) {
		fputs("karma_alerts_total{", out);
		label(out, "", "class", class_name((enum karma_class)c));
		fprintf(out, "} %" PRIu64 "\n", s->detect.alerts.arose[c]);
	}
	gauge(out, "alerts_active", "Alerts that have not ended.", s->detect.alerts.active);
	count(out, "alerts_muted_total", "Alerts that nobody wanted to be told.", s->muted);
}

static void put_blocking(FILE *out, const struct desk_facts *f)
{
	const struct block_stats *b = &f->figures.block;

	head(out, "block_info", "gauge", "Whether attackers are blocked, and how; always 1.");
	fputs("karma_block_info{", out);
	label(out, "", "mode", f->block);
	label(out, ",", "attached", f->block_attached);
	fputs("} 1\n", out);
	gauge(out, "block_entries", "Entries of the block list.", b->entries);
	head(out, "block_changes_total", "counter", "Changes of the block list.");
	fprintf(out,
		"karma_block_changes_total{change=\"add\"} %" PRIu64
		"\nkarma_block_changes_total{change=\"renew\"} %" PRIu64
		"\nkarma_block_changes_total{change=\"remove\"} %" PRIu64 "\n",
		b->added, b->renewed, b->removed);
	head(out, "block_dropped_packets_total", "counter", "Packets that were dropped.");
	fprintf(out,
		"karma_block_dropped_packets_total{by=\"list\"} %" PRIu64
		"\nkarma_block_dropped_packets_total{by=\"limit\"} %" PRIu64 "\n",
		b->dropped, b->limited);
	count(out, "block_protected_total", "Times that somebody was let be: protected.",
		b->refused_protected);
}

static bool is_same_output(const struct output_stats *a, const struct output_stats *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->path, b->path) == 0;
}

/* What outputs of one kind and path have together: after a reload there may be the old one and the
 * new one, and no two series may have the same labels. False: it stands with an earlier one. */
static bool gather_output(const struct desk_facts *f, unsigned i, struct output_stats *sum)
{
	const struct output_stats *x = f->figures.output;

	*sum = x[i];
	for (unsigned k = 0; k < i; k++)
		if (is_same_output(&x[k], &x[i]))
			return false;
	for (unsigned k = i + 1; k < f->figures.outputs; k++) {
		if (!is_same_output(&x[k], &x[i]))
			continue;
		sum->of.lost += x[k].of.lost;
		sum->of.limited += x[k].of.limited;
		sum->of.waiting += x[k].of.waiting;
		if (!sum->of.failing && x[k].of.failing) {
			sum->of.failing = true;
			sum->of.failing_ns = x[k].of.failing_ns;
			sum->of.code = x[k].of.code;
		}
	}
	return true;
}

static void put_output(FILE *out, const char *name, const struct output_stats *x)
{
	fprintf(out, "karma_%s{", name);
	label(out, "", "output", x->kind);
	label(out, ",", "path", x->path);
}

static double failing_of(const struct desk_facts *f, const struct output_stats *x)
{
	return desk_failing_s(f, x);
}

static double waiting_of(const struct desk_facts *f, const struct output_stats *x)
{
	(void)f;
	return x->of.waiting;
}

static double lost_of(const struct desk_facts *f, const struct output_stats *x)
{
	(void)f;
	return (double)x->of.lost;
}

static double limited_of(const struct desk_facts *f, const struct output_stats *x)
{
	(void)f;
	return (double)x->of.limited;
}

/* What there is of each output. */
static const struct {
	const char *name, *type, *help;
	double (*value)(const struct desk_facts *f, const struct output_stats *x);
} of_output[] = {
	{"output_failing_seconds", "gauge", "How long an output has been failing; 0: it works.",
		failing_of},
	{"output_waiting_lines", "gauge", "Lines that an output has not written yet.", waiting_of},
	{"output_lost_lines_total", "counter", "Lines that an output could not write.", lost_of},
	{"output_limited_lines_total", "counter",
		"Lines that an output kept back: too many a minute.", limited_of},
};

/* The error as a label: by its number, whose names are few. */
static void put_errors(FILE *out, const struct desk_facts *f)
{
	struct output_stats sum;

	head(out, "output_failing_info", "gauge", "Why an output that fails does; always 1.");
	for (unsigned i = 0; i < f->figures.outputs; i++) {
		if (!gather_output(f, i, &sum) || !sum.of.failing)
			continue;
		put_output(out, "output_failing_info", &sum);
		label(out, ",", "error", strerror(sum.of.code));
		fputs("} 1\n", out);
	}
}

static void put_outputs(FILE *out, const struct desk_facts *f)
{
	struct output_stats sum;

	for (size_t m = 0; m < sizeof(of_output) / sizeof(of_output[0]); m++) {
		head(out, of_output[m].name, of_output[m].type, of_output[m].help);
		for (unsigned i = 0; i < f->figures.outputs; i++) {
			if (!gather_output(f, i, &sum))
				continue;
			put_output(out, of_output[m].name, &sum);
			fprintf(out, "} %.15g\n", of_output[m].value(f, &sum));
		}
	}
	put_errors(out, f);
	if (f->history) {
		gauge(out, "history_failing", "Is the history not written at present?",
			f->figures.history.failing);
		count(out, "history_removed_alerts_total",
			"Alerts of the history that gave way to later ones.",
			f->figures.history.removed);
	}
	if (f->figures.keeps) {
		count(out, "kept_packets_total", "Packets of alerts that were kept.",
			f->figures.keeper.packets);
		count(out, "captures_total", "Captures that they were kept in.",
			f->figures.keeper.files);
	}
}

static void put_health(FILE *out, const struct desk *d)
{
	unsigned grave = 0;

	if (d->facts.profile)
		gauge(out, "drifted", "Has the traffic drifted from the profile?",
			d->facts.figures.drifted);
	for (unsigned i = 0; i < d->wrongs; i++)
		grave += d->wrong[i].grave;
	head(out, "problems", "gauge", "How much is wrong at present; karma status says what.");
	fprintf(out,
		"karma_problems{severity=\"error\"} %u\nkarma_problems{severity=\"warning\"} %u\n",
		grave, d->wrongs - grave);
}

/* ---- how long ---- */

/* The edges are powers of two of nanoseconds, which the histogram has exactly: 1 us to 69 s. */
static void put_latency(FILE *out, const struct desk *d)
{
	enum { FIRST = 10, LAST = 36, STEP = 2 };

	head(out, "stage_duration_seconds", "histogram",
		"How long records wait, are judged, alerts and history take, and a turn of the "
		"loop.");
	for (int i = 0; i < DESK_STAGES; i++) {
		const char *stage = desk_stage_name((enum desk_stage)i);
		const struct latency *l = &d->stage[i].all;

		for (int power = FIRST; power <= LAST; power += STEP)
			fprintf(out,
				"karma_stage_duration_seconds_bucket{stage=\"%s\",le=\"%.12g\"} "
				"%" PRIu64 "\n",
				stage, ldexp(1e-9, power), latency_below(l, 1ULL << power));
		fprintf(out,
			"karma_stage_duration_seconds_bucket{stage=\"%s\",le=\"+Inf\"} %" PRIu64
			"\nkarma_stage_duration_seconds_sum{stage=\"%s\"} %.15g\n"
			"karma_stage_duration_seconds_count{stage=\"%s\"} %" PRIu64 "\n",
			stage, l->count, stage, (double)l->sum_ns / 1e9, stage, l->count);
	}
}

char *desk_metrics(const struct desk *d)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_info(out, &d->facts);
	put_interfaces(out, &d->facts);
	put_traffic(out, d);
	put_losses(out, d);
	put_alerts(out, &d->facts.figures);
	put_blocking(out, &d->facts);
	put_outputs(out, &d->facts);
	put_health(out, d);
	put_latency(out, d);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
