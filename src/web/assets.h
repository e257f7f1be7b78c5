/* The files of the dashboard, deflated (gzip): web/build.sh makes them from web/. */
#ifndef KARMA_WEB_ASSETS_H
#define KARMA_WEB_ASSETS_H

#include <stddef.h>

struct web_asset {
	const char *path; /* "/style.css"; "/": the page, for all paths that are one's */
	const char *type;
	const char *etag; /* in quotes */
	const unsigned char *data;
	size_t size;
};

extern const struct web_asset web_assets[];
extern const size_t web_assets_count;

#endif
