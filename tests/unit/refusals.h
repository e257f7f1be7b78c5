/* A network made by hand, of one cell: it calls a record Reconnaissance when its actor was refused
 * often in the last 10 s. */
#ifndef KARMA_TESTS_REFUSALS_H
#define KARMA_TESTS_REFUSALS_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "feature/encode.h"
#include "lstm/model.h"

/* Where a number of the feature table stands among the inputs, by what setting it moves. */
static inline int refusals_input(const struct encoder *enc, const char *name)
{
	struct row row = {0};
	float a[1024], b[1024];
	int f = feature_find(name);

	if (f < 0 || enc->inputs > 1024)
		abort();
	encoder_apply(enc, &row, NULL, a, NULL);
	row.value[f] = 100;
	encoder_apply(enc, &row, NULL, b, NULL);
	for (unsigned i = 0; i < enc->inputs; i++)
		if (a[i] != b[i])
			return (int)i;
	abort();
}

/* c = sigmoid(forget) * c + tanh(log(1 + refused) - 1), h = tanh(c), logits -+ 8 h. `views`: it is
 * shown records in both views, between which it makes no difference. */
static inline struct model refusals_model_in(float forget, bool views)
{
	struct model m = {.calibration = {.temperature = 1}};
	struct encoder enc;

	encoder_init(&enc, SET_LIVE);
	if (views)
		encoder_show_views(&enc);
	if (lstm_init(&m.net, (struct lstm_shape){(int)enc.inputs, (int)enc.inputs, 1, 1, 2}))
		abort();
	m.net.b[0][0] = 20;
	m.net.b[0][1] = forget;
	m.net.b[0][2] = -1;
	m.net.b[0][3] = 20;
	m.net.wx[0][refusals_input(&enc, "src_refused_10s") * 4 + 2] = 1;
	m.net.wo[0] = -8;
	m.net.wo[1] = 8;
	m.header = json_pack("{s[ss] so}", "classes", "Normal", "Reconnaissance", "input",
		encoder_to_json(&enc));
	if (!m.header)
		abort();
	return m;
}

static inline struct model refusals_model(float forget)
{
	return refusals_model_in(forget, false);
}

#endif
