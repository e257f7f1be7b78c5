/* Where one is in a list whose rows come, go and change places: at a row, by its name. */
#ifndef KARMA_TOP_LIST_H
#define KARMA_TOP_LIST_H

enum { LIST_KEY = 64 };

struct list {
	char key[LIST_KEY]; /* of the row that is chosen; "": whatever is at the top */
	int at;             /* its place, as it was drawn last */
	int first;          /* the first row that is shown */
	int count, rows;    /* of the list; that are shown */
};

/* Before it is drawn: `key` names the rows, of which there are `count`; `rows` have room. A row
 * that is gone gives its place to the one that came into it. */
typedef const char *(*list_key)(const void *context, int row);
void list_settle(struct list *l, int count, int rows, list_key key, const void *context);

/* Move by so many rows; to the top the choice is of whatever is there from then on. */
void list_move(struct list *l, int by, list_key key, const void *context);

#endif
