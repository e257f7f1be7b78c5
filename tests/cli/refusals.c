/* usage: refusals FILE      write the network of tests/unit/refusals.h as a model file */
#include <stdio.h>

#include "../unit/refusals.h"

int main(int argc, char **argv)
{
	struct model m = refusals_model(-20);
	struct error e;
	int err;

	json_object_set_new(
		m.header, "detection", json_pack("{sf sf}", "margin", 0.0, "threshold", 1.0));
	err = argc == 2 ? model_save(&m, argv[1], &e) : -1;
	if (err)
		fputs(argc == 2 ? e.text : "usage: refusals FILE", stderr);
	model_free(&m);
	return err ? 1 : 0;
}
