/* The keys, of their table. */
#include "top/keys.h"
#include "top/view.h"

void view_help(struct top *t, int y, int rows)
{
	struct page p;

	page_begin(&p, t, y, rows);
	for (unsigned i = 0; i < key_count; i++)
		page_line(&p, keys[i].name, LOOK_PLAIN, "%s", keys[i].what);
	page_line(&p, "", LOOK_PLAIN, "%s", "");
	page_line(&p, "", LOOK_DIM, "%s", "man karma-top says more; Esc leaves this.");
	page_end(&p, t);
}
