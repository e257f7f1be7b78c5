/* The dashboard's parsers of what a request brings: Host, Origin and Authorization, an address to
 * listen at, the arguments of a search, an alert's id; and a field of CSV. The first byte says
 * which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/auth.h"
#include "web/inside.h"
#include "web/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The names and values of a query, set apart by '&' and '='. */
static const char *value_of(const void *text, const char *name)
{
	const char *at = strstr(text, name);

	return at && at[strlen(name)] == '=' ? at + strlen(name) + 1 : NULL;
}

static void search(char *text)
{
	char words[HISTORY_WORDS_ROOM];
	struct history_query q;
	const char *wrong = NULL;

	if (!query_parse(value_of, text, 1700000000000000000LL, &q, words, &wrong) && !wrong)
		abort();
	if (q.words > HISTORY_WORDS || q.limit > WEB_PAGE || q.order >= HISTORY_ORDERS)
		abort();
}

static void fields(const char *text)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&line, &size);

	csv_field(f, text, '\n');
	fclose(f);
	if (size && strchr("=+-@", line[0]))
		abort();
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth a = {
		.token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.loopback = true,
		.name = "karma.example"};
	struct sockaddr_storage at;
	socklen_t length;
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		if (auth_host(&a, text) && strpbrk(text, "/@ "))
			abort();
		break;
	case 1:
		auth_origin(&a, "127.0.0.1:7766", text);
		if (auth_bearer(&a, text) && !strstr(text, a.token))
			abort();
		break;
	case 2:
		auth_listen_parse(text, &at, &length);
		break;
	case 3:
		search(text);
		break;
	case 4:
		if (is_alert_id(text) && strpbrk(text, "/.\"<>"))
			abort();
		break;
	default:
		fields(text);
	}
	free(text);
	return 0;
}
