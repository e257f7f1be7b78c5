/* The model file: see model.h for its form. Everything that a foreign or damaged file says is
 * checked before it is believed, and no more is allocated than the file has bytes for. */
#include "lstm/model.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/outfile.h"

static const char magic[8] = {'K', 'A', 'R', 'M', 'A', 'L', 'S', 'M'};

enum {
	PREFIX = 16,          /* magic, version, header length */
	HEADER_MAX = 4 << 20, /* far above any header that karma train writes */
	FILE_MAX = 256 << 20, /* above the largest network within the limits */
	READ_STEP = 1 << 20,
};

#define RETRAIN "make it again with 'karma train', or take models/default.karma"

static uint32_t get_u32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* ---- reading ---- */

static int check_prefix(const unsigned char *p, size_t size, const char *name, struct error *e)
{
	if (size < PREFIX || memcmp(p, magic, sizeof(magic)) != 0)
		return error_set(e, -EINVAL, "%s: not a Karma model; " RETRAIN, name);
	if (get_u32(p + 8) != MODEL_VERSION)
		return error_set(e, -EINVAL,
			"%s: model version %u, this karma reads version %d; " RETRAIN, name,
			get_u32(p + 8), MODEL_VERSION);
	return 0;
}

static int header_int(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	return n >= 0 && n <= INT32_MAX ? (int)n : -1;
}

/* A number of the header from `low` to `high`. */
static bool header_number(
	const json_t *object, const char *key, double low, double high, float *value)
{
	const json_t *v = json_object_get(object, key);

	*value = (float)json_number_value(v);
	return json_is_number(v) && *value >= (float)low && *value <= (float)high;
}

static int read_calibration(struct model *m, int classes, const char *name, struct error *e)
{
	struct calibration *c = &m->calibration;
	const json_t *attack = json_object_get(m->header, "attack"),
		     *first = json_array_get(json_object_get(m->header, "classes"), 0);

	*c = calibration_none;
	if (!header_number(m->header, "temperature", 1e-3, 1e3, &c->temperature))
		return error_set(
			e, -EINVAL, "%s: its header has no usable temperature; " RETRAIN, name);
	if (!attack)
		return 0;
	c->attack_apart = true;
	if (!header_number(attack, "slope", 1e-3, 1e3, &c->slope) ||
		!header_number(attack, "offset", -1e3, 1e3, &c->offset))
		return error_set(e, -EINVAL,
			"%s: its header has no usable slope and offset of attack or not; " RETRAIN,
			name);
	if (classes < 2 || strcmp(json_string_value(first), "Normal") != 0)
		return error_set(e, -EINVAL,
			"%s: attack or not is calibrated, but its first class is not "
			"'Normal'; " RETRAIN,
			name);
	return 0;
}

/* Shape, calibration and class names; the shape is within the limits when 0 is returned. */
static int read_header(struct model *m, struct lstm_shape *shape, const char *name, struct error *e)
{
	const json_t *s = json_object_get(m->header, "shape"), *classes;

	shape->inputs = header_int(s, "inputs");
	shape->dense = json_object_get(s, "dense") ? header_int(s, "dense") : shape->inputs;
	shape->layers = header_int(s, "layers");
	shape->hidden = header_int(s, "hidden");
	shape->classes = header_int(s, "classes");
	if (lstm_count(*shape) == 0)
		return error_set(e, -EINVAL,
			"%s: its header gives no shape of a network that karma can run; " RETRAIN,
			name);
	classes = json_object_get(m->header, "classes");
	if (json_array_size(classes) != (size_t)shape->classes)
		return error_set(e, -EINVAL, "%s: %zu class names for %d classes; " RETRAIN, name,
			json_array_size(classes), shape->classes);
	for (size_t c = 0; c < json_array_size(classes); c++)
		if (!json_is_string(json_array_get(classes, c)))
			return error_set(
				e, -EINVAL, "%s: class %zu has no name; " RETRAIN, name, c);
	return read_calibration(m, shape->classes, name, e);
}

static int read_weights(struct model *m, const unsigned char *p, const char *name, struct error *e)
{
	for (size_t i = 0; i < m->net.count; i++) {
		uint32_t bits = get_u32(p + 4 * i);

		memcpy(&m->net.data[i], &bits, sizeof(bits));
		if (!isfinite(m->net.data[i]))
			return error_set(
				e, -EINVAL, "%s: weight %zu is not a number; " RETRAIN, name, i);
	}
	return 0;
}

static int decode(
	struct model *m, const unsigned char *p, size_t size, const char *name, struct error *e)
{
	struct lstm_shape shape;
	json_error_t why;
	size_t header;
	int err = check_prefix(p, size, name, e);

	if (err)
		return err;
	header = get_u32(p + 12);
	if (header > HEADER_MAX)
		return error_set(e, -EINVAL, "%s: damaged: a header of %zu bytes; copy it again",
			name, header);
	if (size < PREFIX + header + 4)
		return error_set(e, -EINVAL,
			"%s: truncated in its header (%zu bytes); copy it again", name, size);
	if (crc32(0, p, (uInt)(size - 4)) != get_u32(p + size - 4))
		return error_set(e, -EINVAL,
			"%s: damaged or truncated: the check sum is wrong; copy it again", name);
	m->header = json_loadb((const char *)p + PREFIX, header, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(m->header))
		return error_set(e, -EINVAL, "%s: its header is not JSON; " RETRAIN, name);
	err = read_header(m, &shape, name, e);
	if (err)
		return err;
	if (size != PREFIX + header + 4 * lstm_count(shape) + 4)
		return error_set(e, -EINVAL, "%s: %zu bytes, but its shape calls for %zu; " RETRAIN,
			name, size, PREFIX + header + 4 * lstm_count(shape) + 4);
	err = lstm_init(&m->net, shape);
	if (err)
		return error_set(e, err, "%s: not enough memory for its weights", name);
	return read_weights(m, p + PREFIX + header, name, e);
}

int model_decode(struct model *m, const void *data, size_t size, const char *name, struct error *e)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = data ? decode(m, data, size, name, e)
		   : error_set(e, -EINVAL, "%s: empty; " RETRAIN, name);
	if (err)
		model_free(m);
	return err;
}

/* The whole file; the buffer grows with what is really there. */
static int read_file(FILE *f, unsigned char **data, size_t *size, const char *name, struct error *e)
{
	size_t room = 0, got;
	int err;

	do {
		if (*size == room) {
			unsigned char *more = realloc(*data, room + READ_STEP);

			if (!more) {
				error_set(e, -ENOMEM, "%s: not enough memory to read it", name);
				return -ENOMEM;
			}
			*data = more;
			room += READ_STEP;
		}
		got = fread(*data + *size, 1, room - *size, f);
		if (*size == 0) { /* a large foreign file is not read whole only to refuse it */
			err = check_prefix(*data, got, name, e);
			if (err && !ferror(f))
				return err;
		}
		*size += got;
		if (*size > FILE_MAX)
			return error_set(e, -EFBIG, "%s: too large for a model; " RETRAIN, name);
	} while (got > 0);
	if (ferror(f))
		return error_set(e, -errno ? -errno : -EIO,
			"%s: cannot be read: %s; give a model file with -m", name, strerror(errno));
	return 0;
}

int model_load(struct model *m, const char *path, struct error *e)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	FILE *f = name == path ? fopen(path, "rb") : stdin;
	unsigned char *data = NULL;
	size_t size = 0;
	int err;

	memset(m, 0, sizeof(*m));
	if (!f)
		return error_set(e, -errno,
			"%s: %s; give a model with -m, or make one with 'karma train'", name,
			strerror(errno));
	err = read_file(f, &data, &size, name, e);
	if (!err)
		err = model_decode(m, data, size, name, e);
	free(data);
	if (f != stdin)
		fclose(f);
	return err;
}

/* ---- writing ---- */

static json_t *full_header(const struct model *m)
{
	struct lstm_shape s = m->net.shape;
	json_t *header = json_copy(m->header ? m->header : json_null());

	if (!json_is_object(header))
		header = json_object();
	json_object_set_new(header, "shape",
		json_pack("{si si si si si}", "inputs", s.inputs, "dense", s.dense, "layers",
			s.layers, "hidden", s.hidden, "classes", s.classes));
	json_object_set_new(header, "temperature", json_real((double)m->calibration.temperature));
	if (m->calibration.attack_apart)
		json_object_set_new(header, "attack",
			json_pack("{sf sf}", "slope", (double)m->calibration.slope, "offset",
				(double)m->calibration.offset));
	else
		json_object_del(header, "attack");
	return header;
}

/* Everything but the check sum; `crc` runs along. */
static bool put(FILE *f, const void *p, size_t size, uint32_t *crc)
{
	*crc = (uint32_t)crc32(*crc, p, (uInt)size);
	return fwrite(p, 1, size, f) == size;
}

static bool put_u32(FILE *f, uint32_t v, uint32_t *crc)
{
	v = htole32(v);
	return put(f, &v, sizeof(v), crc);
}

static bool put_model(FILE *f, const struct model *m, const char *header)
{
	size_t length = strlen(header);
	uint32_t crc = (uint32_t)crc32(0, NULL, 0);
	bool good = put(f, magic, sizeof(magic), &crc) && put_u32(f, MODEL_VERSION, &crc) &&
		    put_u32(f, (uint32_t)length, &crc) && put(f, header, length, &crc);

	for (size_t i = 0; good && i < m->net.count; i++) {
		uint32_t bits;

		memcpy(&bits, &m->net.data[i], sizeof(bits));
		good = put_u32(f, bits, &crc);
	}
	return good && put_u32(f, crc, &(uint32_t){0});
}

bool model_remembers(const struct model *m)
{
	const json_t *settings = json_object_get(m->header, "settings");

	return json_integer_value(json_object_get(settings, "memory")) != 1;
}

int model_save(const struct model *m, const char *path, struct error *e)
{
	json_t *header = full_header(m);
	char *text = json_dumps(header, JSON_SORT_KEYS | JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	struct outfile f;
	int err;

	json_decref(header);
	if (!text || strlen(text) > HEADER_MAX) {
		free(text);
		return error_set(e, -EINVAL, "%s: its header cannot be written as JSON", path);
	}
	err = outfile_open(&f, path, e);
	if (err)
		goto out;
	if (put_model(f.stream, m, text)) {
		err = outfile_commit(&f, e);
	} else {
		err = error_set(
			e, -EIO, "%s: not written: %s; is the disk full?", path, strerror(errno));
		outfile_abort(&f);
	}
out:
	free(text);
	return err;
}

void model_free(struct model *m)
{
	lstm_free(&m->net);
	json_decref(m->header);
	memset(m, 0, sizeof(*m));
}
