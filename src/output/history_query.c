/* What a person asks of the history, in words: the command line and the dashboard take the same. */
#include <stdlib.h>
#include <string.h>

#include "output/history_read.h"

static const char *const mark_names[] = {
	[MARK_NONE] = "none", [MARK_ACK] = "ack", [MARK_FALSE] = "false"};

const char *history_mark_name(enum history_mark mark)
{
	return mark_names[mark];
}

bool history_mark_parse(const char *text, int *mark)
{
	for (*mark = MARK_NONE; *mark <= MARK_FALSE; ++*mark)
		if (strcmp(text, mark_names[*mark]) == 0)
			return true;
	return false;
}

bool history_class_parse(const char *text, int *class)
{
	*class = class_of(text);
	return *class > CLASS_NORMAL;
}

bool history_share_parse(const char *text, double *share)
{
	char *end;

	*share = strtod(text, &end);
	if (end == text)
		return false;
	if (strcmp(end, "%") == 0) {
		*share /= 100;
		end++;
	}
	return !*end && *share >= 0 && *share <= 1;
}

bool history_words_parse(const char *text, struct history_query *q, char room[HISTORY_WORDS_ROOM])
{
	static const char between[] = " \t\r\n";
	char *rest = NULL;

	q->words = 0;
	if (strlen(text) >= HISTORY_WORDS_ROOM)
		return false;
	strcpy(room, text);
	for (char *w = strtok_r(room, between, &rest); w; w = strtok_r(NULL, between, &rest)) {
		if (q->words == HISTORY_WORDS)
			return false;
		q->word[q->words++] = w;
	}
	return true;
}
