/* usage: services FILE      write a model made by hand that goes by the service alone: log-odds of
 *                           attack of -6, of HTTP 2.5, of SSH 12; it remembers nothing */
#include <math.h>
#include <stdio.h>

#include "detect/traffic.h"
#include "feature/encode.h"
#include "lstm/model.h"

/* The dense input that is 1 for a service. */
static int input_of(const struct encoder *enc, enum service service)
{
	static float none[LSTM_MAX_INPUTS], some[LSTM_MAX_INPUTS];
	struct row row = {0};
	int best = 0;

	encoder_apply(enc, &row, NULL, none, NULL);
	row.value[COL_SERVICE] = service;
	encoder_apply(enc, &row, NULL, some, NULL);
	for (int i = 0; i < (int)enc->inputs; i++)
		if (some[i] - none[i] > some[best] - none[best])
			best = i;
	return best;
}

int main(int argc, char **argv)
{
	const float seen = tanhf(tanhf(3)); /* h of a cell whose service it is */
	struct model m = {.calibration = calibration_none};
	struct encoder enc;
	struct error e = {""};
	int err;

	encoder_init(&enc, SET_LIVE);
	if (argc != 2 ||
		lstm_init(&m.net, (struct lstm_shape){(int)enc.inputs, (int)enc.inputs, 1, 3, 2})) {
		fputs("usage: services FILE\n", stderr);
		return 2;
	}
	for (int cell = 0; cell < 3; cell++) { /* gates i, f, g, o */
		m.net.b[0][0 * 3 + cell] = 20;
		m.net.b[0][1 * 3 + cell] = -20;
		m.net.b[0][3 * 3 + cell] = 20;
	}
	m.net.wx[0][input_of(&enc, SERVICE_HTTP) * 12 + 6] = 3;
	m.net.wx[0][input_of(&enc, SERVICE_SSH) * 12 + 7] = 3;
	m.net.wx[0][input_of(&enc, SERVICE_HTTP) * 12 + 8] = 3; /* what no class looks at */
	m.net.bo[1] = -6;
	m.net.wo[0 * 2 + 1] = 8.5F / seen;
	m.net.wo[1 * 2 + 1] = 18 / seen;
	m.header = json_pack(
		"{s[ss] so}", "classes", "Normal", "Brute Force", "input", encoder_to_json(&enc));
	err = model_save(&m, argv[1], &e);
	if (err)
		fprintf(stderr, "%s\n", e.text);
	model_free(&m);
	return err ? 1 : 0;
}
