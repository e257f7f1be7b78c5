#include "lstm/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/outfile.h"

static const char magic[8] = {'K', 'A', 'R', 'M', 'A', 'C', 'K', 'P'};

enum { CHECKPOINT_VERSION = 1, HEADER_MAX = 64 << 20 };

#define ANEW "leave --resume out to begin anew"

/* ---- numbers that JSON has no place for ---- */

/* All 64 bits, which are more than its integers keep. */
static json_t *from_u64(uint64_t v)
{
	return json_sprintf("%016" PRIx64, v);
}

static uint64_t to_u64(const json_t *v)
{
	return json_is_string(v) ? strtoull(json_string_value(v), NULL, 16) : 0;
}

static json_t *from_double(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static double to_double(const json_t *v)
{
	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* ---- writing ---- */

static json_t *header_of(const struct train_state *s, const json_t *run, const json_t *epochs)
{
	const struct train_progress *p = &s->progress;
	json_t *dropout = json_array();

	for (int i = 0; i < TRAIN_SHARDS; i++)
		json_array_append_new(dropout, from_u64(s->dropout[i]));
	return json_pack("{sO sO si si so so so so so so so so}", "run", run, "epochs", epochs,
		"epoch", p->epoch, "best_epoch", p->best_epoch, "best", from_double(p->best),
		"metric", from_double(p->metric), "epoch_loss", from_double(p->loss), "updates",
		from_u64(s->updates), "loss", from_double(s->loss), "weight",
		from_double(s->weight), "adam_steps", from_u64(s->adam_steps), "dropout", dropout);
}

static bool put(FILE *f, const void *p, size_t size, uint32_t *crc)
{
	*crc = (uint32_t)crc32_z(*crc, p, size);
	return fwrite(p, 1, size, f) == size;
}

static bool put_all(FILE *f, const struct train_state *s, const char *header)
{
	uint32_t crc = 0, prefix[2] = {CHECKPOINT_VERSION, (uint32_t)strlen(header)};
	bool good = put(f, magic, sizeof(magic), &crc) && put(f, prefix, sizeof(prefix), &crc) &&
		    put(f, header, prefix[1], &crc);

	for (int b = 0; good && b < TRAIN_BLOCKS; b++)
		good = put(f, s->block[b].data, s->block[b].count * sizeof(float), &crc);
	return good && fwrite(&crc, sizeof(crc), 1, f) == 1;
}

int checkpoint_save(const char *path, const struct train_state *state, const json_t *run,
	const json_t *epochs, struct error *e)
{
	json_t *header = header_of(state, run, epochs);
	char *text = header ? json_dumps(header, JSON_SORT_KEYS) : NULL;
	struct outfile f;
	int err;

	json_decref(header);
	if (!text)
		return error_set(e, -ENOMEM, "%s: not enough memory to write it", path);
	err = outfile_open(&f, path, e);
	if (!err && put_all(f.stream, state, text)) {
		err = outfile_commit(&f, e);
	} else if (!err) {
		err = error_set(
			e, -EIO, "%s: not written: %s; is the disk full?", path, strerror(errno));
		outfile_abort(&f);
	}
	free(text);
	return err;
}

/* ---- reading ---- */

static int damaged(const char *path, struct error *e)
{
	return error_set(e, -EINVAL, "%s: damaged, or of another karma; " ANEW, path);
}

static bool take(FILE *f, void *p, size_t size, uint32_t *crc)
{
	if (fread(p, 1, size, f) != size)
		return false;
	*crc = (uint32_t)crc32_z(*crc, p, size);
	return true;
}

static json_t *take_header(FILE *f, uint32_t *crc)
{
	char start[sizeof(magic)];
	uint32_t prefix[2];
	json_t *header = NULL;
	char *text;

	if (!take(f, start, sizeof(start), crc) || memcmp(start, magic, sizeof(magic)) != 0 ||
		!take(f, prefix, sizeof(prefix), crc) || prefix[0] != CHECKPOINT_VERSION ||
		prefix[1] > HEADER_MAX)
		return NULL;
	text = malloc(prefix[1] + 1);
	if (text && take(f, text, prefix[1], crc))
		header = json_loadb(text, prefix[1], 0, NULL);
	free(text);
	return header;
}

/* Is it of this run? The line names the first thing that is other. */
static int check_run(const json_t *stored, const json_t *run, const char *path, struct error *e)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)run, key, value) {
		const json_t *other = json_object_get(stored, key);
		char *was, *is;

		if (json_equal(other, value))
			continue;
		if (json_is_object(value) && json_is_object(other))
			return check_run(other, value, path, e);
		was = json_dumps(other, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
		is = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
		if (json_is_array(value) || json_is_object(value) || !was || !is)
			error_set(e, -EPROTO,
				"%s: it is of a run with other %s; give the same data and options, "
				"or " ANEW,
				path, key);
		else
			error_set(e, -EPROTO,
				"%s: it is of a run with %s %s, not %s; give the same data and "
				"options, or " ANEW,
				path, key, was, is);
		free(was);
		free(is);
		return -EPROTO;
	}
	return 0;
}

static int take_numbers(struct train_state *s, const json_t *h)
{
	struct train_progress *p = &s->progress;
	const json_t *dropout = json_object_get(h, "dropout");

	p->epoch = (int)json_integer_value(json_object_get(h, "epoch"));
	p->best_epoch = (int)json_integer_value(json_object_get(h, "best_epoch"));
	p->best = to_double(json_object_get(h, "best"));
	p->metric = to_double(json_object_get(h, "metric"));
	p->loss = to_double(json_object_get(h, "epoch_loss"));
	s->updates = to_u64(json_object_get(h, "updates"));
	s->loss = to_double(json_object_get(h, "loss"));
	s->weight = to_double(json_object_get(h, "weight"));
	s->adam_steps = to_u64(json_object_get(h, "adam_steps"));
	for (size_t i = 0; i < TRAIN_SHARDS; i++)
		s->dropout[i] = to_u64(json_array_get(dropout, i));
	return p->epoch >= 1 && p->epoch <= p->epochs + 1 && p->best_epoch >= 0 &&
			       p->best_epoch <= p->epoch && json_array_size(dropout) == TRAIN_SHARDS
		       ? 0
		       : -EINVAL;
}

static bool take_blocks(FILE *f, struct train_state *s, uint32_t *crc)
{
	uint32_t stored;

	for (int b = 0; b < TRAIN_BLOCKS; b++)
		if (!take(f, s->block[b].data, s->block[b].count * sizeof(float), crc))
			return false;
	return fread(&stored, sizeof(stored), 1, f) == 1 && stored == *crc && getc(f) == EOF;
}

int checkpoint_load(const char *path, struct train_state *state, const json_t *run, json_t **epochs,
	struct error *e)
{
	FILE *f = fopen(path, "rb");
	json_t *header = NULL;
	uint32_t crc = 0;
	int err;

	if (!f)
		return error_set(e, -errno, "%s: %s: there is no run to go on with; " ANEW, path,
			strerror(errno));
	header = take_header(f, &crc);
	if (!header) {
		err = damaged(path, e);
		goto out;
	}
	err = check_run(json_object_get(header, "run"), run, path, e);
	if (err)
		goto out;
	if (take_numbers(state, header) != 0 || !take_blocks(f, state, &crc) ||
		!json_is_array(json_object_get(header, "epochs")))
		err = damaged(path, e);
	else
		*epochs = json_incref(json_object_get(header, "epochs"));
out:
	json_decref(header);
	fclose(f);
	return err;
}
