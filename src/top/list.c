#include "top/list.h"

#include <stdio.h>
#include <string.h>

static int within(int value, int least, int most)
{
	return value > most ? (most < least ? least : most) : value < least ? least : value;
}

static void take_key(struct list *l, list_key key, const void *context)
{
	snprintf(l->key, sizeof(l->key), "%s", key(context, l->at));
}

void list_settle(struct list *l, int count, int rows, list_key key, const void *context)
{
	int at = 0;

	l->count = count;
	l->rows = rows > 0 ? rows : 0;
	if (*l->key) {
		while (at < count && strcmp(key(context, at), l->key) != 0)
			at++;
		l->at = within(at < count ? at : l->at, 0, count - 1);
		if (count && at == count)
			take_key(l, key, context);
	} else {
		l->at = 0;
	}
	l->first = within(l->first, l->at - l->rows + 1, l->at);
	l->first = within(l->first, 0, count - l->rows);
}

void list_move(struct list *l, int by, list_key key, const void *context)
{
	if (!l->count)
		return;
	l->at = within(l->at + by, 0, l->count - 1);
	if (l->at)
		take_key(l, key, context);
	else
		l->key[0] = '\0';
}
