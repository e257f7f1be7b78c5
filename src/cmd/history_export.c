/* karma history export: the flows behind marked alerts as rows that karma train reads. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/history_cmd.h"
#include "feature/csv.h"
#include "feature/pack.h"
#include "util/outfile.h"

/* Marked alerts, gathered before their flows are read. */
struct marked {
	char (*id)[16];
	int *label;
	size_t count, room;
	bool full; /* memory was short */
};

struct export
{
	FILE *out;
	int label;
	struct unpacking unpacking;
	char *form;                /* that it is of */
	uint64_t rows[2], without; /* rows of work and of attacks; flows without features */
	int err;
};

static bool make_room(struct marked *m)
{
	size_t room = m->room ? 2 * m->room : 64;
	void *id = reallocarray(m->id, room, sizeof(*m->id));
	int *label;

	if (id)
		m->id = id;
	label = id ? reallocarray(m->label, room, sizeof(*m->label)) : NULL;
	if (!label)
		return false;
	m->label = label;
	m->room = room;
	return true;
}

/* A false alarm was work; what was acknowledged is what the alert says. */
static void take_alert(void *context, const struct history_entry *entry)
{
	const json_t *karma = json_object_get(entry->event, "karma");
	struct marked *m = context;
	int label =
		entry->mark == MARK_FALSE
			? CLASS_NORMAL
			: class_of(event_text(json_object_get(entry->event, "alert"), "category"));

	if (entry->mark == MARK_NONE || label < 0)
		return;
	m->full = m->full || (m->count == m->room && !make_room(m));
	if (m->full)
		return;
	snprintf(m->id[m->count], sizeof(*m->id), "%.15s", event_text(karma, "alert_id"));
	m->label[m->count++] = label;
}

/* Where features of this form go; 0: nothing is known of them. */
static const struct unpacking *unpacking_for(struct export *x, const char *form, unsigned count)
{
	if (!count)
		return NULL;
	if (!x->form || strcmp(x->form, form) != 0) {
		free(x->form);
		x->form = unpacking_of(&x->unpacking, form) ? strdup(form) : NULL;
	}
	return x->form && x->unpacking.count == count ? &x->unpacking : NULL;
}

static void put_flow(void *context, const struct alert_flow *f, const char *form, unsigned count)
{
	struct export *x = context;
	const struct unpacking *u = unpacking_for(x, form, count);
	struct record r = {.flow_id = f->flow_id,
		.port = {f->port[SRC], f->port[DST]},
		.proto = f->proto,
		.net = f->net,
		.state = f->state,
		.at_ns = f->at_ns,
		.first_ns = f->first_ns,
		.last_ns = f->last_ns};
	struct row row = {.app = f->app, .label = x->label};

	if (!u) {
		x->without++;
		return;
	}
	memcpy(r.addr, f->addr, sizeof(r.addr));
	unpack_row(u, f->features, &row);
	memcpy(row.actor, f->addr[f->actor], sizeof(row.actor));
	row.value[COL_SPORT] = f->port[SRC];
	row.value[COL_DPORT] = f->port[DST];
	row.value[COL_STIME] = floor((double)f->first_ns / 1e9);
	row.value[COL_LTIME] = floor((double)f->last_ns / 1e9);
	if (!x->err)
		x->err = csv_write_row(x->out, &r, &row);
	x->rows[x->label != CLASS_NORMAL]++;
}

static void tell(const struct export *x, size_t alerts)
{
	fprintf(stderr,
		"karma history: %" PRIu64 " rows of attacks and %" PRIu64
		" of work, of %zu marked alert%s",
		x->rows[1], x->rows[0], alerts, alerts == 1 ? "" : "s");
	if (x->without)
		fprintf(stderr, "; %" PRIu64 " flows behind them are kept without features",
			x->without);
	fputc('\n', stderr);
}

static int write_rows(
	struct history_reader *r, const struct marked *m, struct export *x, struct error *e)
{
	int err = 0;

	x->err = csv_write_header(x->out);
	for (size_t i = 0; i < m->count && !err && !x->err; i++) {
		x->label = m->label[i];
		err = history_flows(r, m->id[i], put_flow, x, e);
	}
	free(x->form);
	if (!err && x->err)
		err = error_set(e, x->err, "the rows cannot be written; is the disk full?");
	if (!err && !x->rows[0] && !x->rows[1])
		err = error_set(e, -ENODATA,
			"nothing to train on: mark alerts with 'karma history ack' and 'karma "
			"history false'");
	return err;
}

int history_export(
	struct history_reader *r, const struct history_query *q, const char *path, struct error *e)
{
	struct marked m = {NULL};
	struct export x = {.label = -1};
	struct outfile file;
	int err = history_search(r, q, take_alert, &m, NULL, e);

	if (!err && m.full)
		err = error_set(e, -ENOMEM, "not enough memory for the alerts");
	if (!err)
		err = outfile_open(&file, path, e);
	if (err)
		goto out;
	x.out = file.stream;
	err = write_rows(r, &m, &x, e);
	if (!err)
		err = outfile_commit(&file, e);
	else
		outfile_abort(&file);
	if (!err)
		tell(&x, m.count);
out:
	free(m.id);
	free(m.label);
	return err;
}
