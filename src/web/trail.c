#include "web/trail.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IP_ROOM = 46 };

struct point {
	uint32_t at; /* since 1970 */
	float value;
};

struct host {
	char ip[IP_ROOM]; /* "": none */
	uint32_t last;
	unsigned next, count; /* in `point`, a ring */
	struct point *point;
};

struct trail {
	uint32_t at; /* of the step that was taken last */
	struct host host[TRAIL_HOSTS];
};

struct trail *trail_new(void)
{
	return calloc(1, sizeof(struct trail));
}

void trail_clear(struct trail *t)
{
	for (unsigned i = 0; i < TRAIL_HOSTS; i++)
		free(t->host[i].point);
	memset(t, 0, sizeof(*t));
}

void trail_free(struct trail *t)
{
	if (!t)
		return;
	trail_clear(t);
	free(t);
}

/* The host's place, or the one that it may have. */
static struct host *place_of(struct trail *t, const char *ip)
{
	struct host *oldest = &t->host[0];

	for (struct host *h = t->host; h < t->host + TRAIL_HOSTS; h++) {
		if (strcmp(h->ip, ip) == 0)
			return h;
		if (h->last < oldest->last)
			oldest = h;
	}
	oldest->next = oldest->count = 0;
	snprintf(oldest->ip, sizeof(oldest->ip), "%s", ip);
	return oldest;
}

static void put(struct host *h, uint32_t at, double value)
{
	if (!h->point)
		h->point = calloc(TRAIL_POINTS, sizeof(*h->point));
	h->last = at;
	if (!h->point)
		return;
	h->point[h->next] = (struct point){at, (float)value};
	h->next = (h->next + 1) % TRAIL_POINTS;
	h->count += h->count < TRAIL_POINTS;
}

void trail_take(struct trail *t, const json_t *hosts, double now)
{
	uint32_t at = now > 0 && now < UINT32_MAX ? (uint32_t)now : 0;
	const json_t *host;
	size_t i;

	if (!at || (t->at <= at && at - t->at < TRAIL_STEP_S))
		return;
	t->at = at;
	json_array_foreach (hosts, i, host) {
		const char *ip = json_string_value(json_object_get(host, "ip"));

		if (i >= TRAIL_HOSTS)
			break;
		if (ip && *ip && strlen(ip) < IP_ROOM)
			put(place_of(t, ip), at,
				json_number_value(json_object_get(host, "suspicion")));
	}
}

json_t *trail_json(const struct trail *t, const char *ip)
{
	json_t *list = json_array();

	for (const struct host *h = t->host; *ip && h < t->host + TRAIL_HOSTS; h++) {
		if (strcmp(h->ip, ip) != 0)
			continue;
		for (unsigned i = 0; h->point && i < h->count; i++) {
			const struct point *p =
				&h->point[(h->next + TRAIL_POINTS - h->count + i) % TRAIL_POINTS];

			json_array_append_new(
				list, json_pack("[If]", (json_int_t)p->at, (double)p->value));
		}
	}
	return list;
}
