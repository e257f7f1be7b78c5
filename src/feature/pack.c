#include "feature/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_packed(unsigned feature)
{
	return features[feature].sets & SET_LIVE;
}

unsigned pack_count(void)
{
	static unsigned count;

	if (!count)
		for (unsigned i = 0; i < feature_count; i++)
			count += is_packed(i);
	return count;
}

void pack_row(const struct row *row, float *packed)
{
	for (unsigned i = 0; i < feature_count; i++)
		if (is_packed(i))
			*packed++ = (float)row->value[i];
}

const char *pack_form(void)
{
	static char form[8192];
	char *at = form;

	if (*form)
		return form;
	for (unsigned i = 0; i < feature_count; i++) {
		const char *const *value = features[i].values;

		if (!is_packed(i))
			continue;
		if (at > form)
			*at++ = ' ';
		at = stpcpy(at, features[i].name);
		for (const char *between = "="; value && *value; value++, between = "|")
			at = stpcpy(stpcpy(at, between), *value);
	}
	return form;
}

/* "proto=tcp|udp": its place in the table, and its values'. */
static bool read_place(struct unpacking *u, char *name)
{
	int feature, values = 0;
	char *list = strchr(name, '='), *rest = NULL;

	if (u->count == FEATURE_MAX)
		return false;
	if (list)
		*list++ = '\0';
	feature = feature_find(name);
	if (feature >= 0 && (features[feature].kind == KIND_CATEGORY) != (list != NULL))
		feature = -1;
	u->place[u->count].feature = feature;
	memset(u->place[u->count].value, -1, sizeof(u->place[0].value));
	for (char *v = list ? strtok_r(list, "|", &rest) : NULL; v;
		v = strtok_r(NULL, "|", &rest)) {
		if (values == sizeof(u->place[0].value))
			return false;
		if (feature >= 0)
			u->place[u->count].value[values] =
				(int8_t)feature_category(&features[feature], v);
		values++;
	}
	u->count++;
	return true;
}

bool unpacking_of(struct unpacking *u, const char *form)
{
	char *copy = strdup(form), *rest = NULL;
	bool good = copy != NULL;

	u->count = 0;
	for (char *name = good ? strtok_r(copy, " ", &rest) : NULL; name && good;
		name = strtok_r(NULL, " ", &rest))
		good = read_place(u, name);
	free(copy);
	return good && u->count > 0;
}

void unpack_row(const struct unpacking *u, const float *packed, struct row *row)
{
	for (int i = 0; i < FEATURE_MAX; i++)
		row->value[i] = NAN;
	for (unsigned i = 0; i < u->count; i++) {
		int feature = u->place[i].feature;
		double value = (double)packed[i];

		if (feature < 0 || isnan(value))
			continue;
		if (features[feature].kind != KIND_CATEGORY)
			row->value[feature] = value;
		else if (value >= 0 && value < sizeof(u->place[i].value) &&
			 u->place[i].value[(int)value] >= 0)
			row->value[feature] = u->place[i].value[(int)value];
	}
}
