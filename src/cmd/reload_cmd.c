/* karma reload: a running karma takes up its configuration anew. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/question.h"
#include "cmd/reload.h"

int cmd_reload(int argc, char **argv)
{
	bool json = false;
	json_t *answer;
	int err = question_ask("reload", argc, argv, &json, &answer);

	if (err)
		return err;
	if (json)
		question_print_json(answer, JSON_COMPACT);
	else
		reload_print(answer, "", stdout);
	json_decref(answer);
	err = question_end("reload");
	return err ? err : EXIT_DONE;
}
