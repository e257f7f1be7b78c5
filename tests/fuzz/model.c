/* The model file's decoder on arbitrary bytes. The check sum is put right first: it would keep the
 * fuzzer from ever reaching what lies behind it. What is accepted must also run. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lstm/kernel.h"
#include "lstm/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct model *m)
{
	const struct lstm *net = &m->net;
	float *x = lstm_floats((size_t)net->shape.inputs), *work = lstm_floats(lstm_work_size(net));
	float *state = lstm_floats(lstm_state_size(net)), p[LSTM_MAX_CLASSES];
	struct lstm_entry last = {(uint32_t)net->shape.inputs - 1, 0.5f};
	struct lstm_input in = {x, &last, 1};

	lstm_step(net, &in, state, p, work);
	calibration_apply(&m->calibration, p, net->shape.classes, p);
	for (int i = 0; lstm_kernels[i]; i++) {
		struct lstm_batch *b;

		if (!lstm_kernels[i]->runs_here())
			continue;
		b = lstm_batch_new(net, lstm_kernels[i], 1);
		lstm_batch_step(b, 1, &in, &state, p);
		lstm_batch_free(b);
	}
	free(x);
	free(state);
	free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct model m;
	struct error e;

	memcpy(copy, data, size);
	if (size >= 4) {
		uint32_t crc = (uint32_t)crc32(0, copy, (uInt)(size - 4));

		memcpy(copy + size - 4, &crc, 4);
	}
	if (model_decode(&m, copy, size, "fuzz", &e) == 0) {
		run(&m);
		model_free(&m);
	}
	free(copy);
	return 0;
}
