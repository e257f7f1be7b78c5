#include "cmd/bench_detect.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd/bench.h"
#include "detect/detect.h"
#include "detect/judge.h"
#include "feature/encode.h"

enum { LAYERS = 2, HIDDEN = 128, RECORDS_PER_SECOND = 20000 };

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A network of the default size that has learned nothing: it costs what a trained one costs. */
static int make_model(struct model *m, struct error *e)
{
	struct encoder enc;
	json_t *classes = json_array();
	uint64_t seed = 1;
	int err;

	memset(m, 0, sizeof(*m));
	encoder_init(&enc, SET_LIVE);
	encoder_show_views(&enc);
	for (int c = 0; c < CLASSES; c++)
		json_array_append_new(classes, json_string(class_name((enum karma_class)c)));
	m->calibration = calibration_none;
	m->header = json_pack("{so so}", "classes", classes, "input", encoder_to_json(&enc));
	err = lstm_init(&m->net,
		(struct lstm_shape){(int)enc.inputs, (int)enc.dense, LAYERS, HIDDEN, CLASSES});
	if (err || !m->header)
		return error_set(e, err ? err : -ENOMEM, "not enough memory for a network");
	for (size_t i = 0; i < m->net.count; i++)
		m->net.data[i] = (float)((double)(next_random(&seed) >> 40) / (1 << 24) - 0.5) / 5;
	return 0;
}

static void put_host(uint8_t addr[16], uint32_t host)
{
	uint32_t ip = htonl(0x0a000000 + host);

	memset(addr, 0, 16);
	addr[10] = addr[11] = 0xff;
	memcpy(addr + 12, &ip, sizeof(ip));
}

/* What a side says first, with something in it that no other flow has: a TLS hello, or DNS. */
static void put_data(struct flow_side *s, bool tls, bool answer, uint64_t random)
{
	static const uint8_t hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
	static const uint8_t server_hello[] = {0x16, 3, 3, 0, 0x7a, 2, 0, 0, 0x76, 3, 3};
	static const uint8_t question[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 7,
		'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0, 1};

	if (tls) {
		memcpy(s->data, answer ? server_hello : hello, sizeof(hello));
		for (size_t i = sizeof(hello); i < FLOW_PAYLOAD; i += sizeof(random))
			memcpy(s->data + i, &random,
				FLOW_PAYLOAD - i < 8 ? FLOW_PAYLOAD - i : sizeof(random));
		s->data_len = FLOW_PAYLOAD;
		s->size[0] = answer ? 1400 : 517;
	} else {
		memcpy(s->data, question, sizeof(question));
		memcpy(s->data, &random, 2);
		s->data[2] |= answer ? 0x80 : 0;
		s->data_len = sizeof(question);
		s->size[0] = s->data_len;
	}
	s->sizes = 1;
}

/* One of: a web connection, a look-up, a refused connection, a forged SYN. Half of the records are
 * of 64 busy hosts, the rest of so many that hosts have to give way, and so are their targets. */
void bench_detect_record(struct record *r, uint64_t n, uint64_t *seed)
{
	uint64_t x = next_random(seed);
	unsigned kind = (unsigned)(x & 3);
	int64_t at = 1700000000LL * 1000000000LL + (int64_t)n * (1000000000 / RECORDS_PER_SECOND);

	memset(r, 0, sizeof(*r));
	r->flow_id = n + 1;
	put_host(r->addr[SRC], (uint32_t)(x & 4 ? x >> 8 & 63 : 64 + (x >> 8) % 50000));
	put_host(r->addr[DST],
		(uint32_t)(100000 + (x & 16 ? x >> 40 & 63 : 64 + (x >> 40) % 50000)));
	r->port[SRC] = (uint16_t)(32768 + (x >> 32 & 16383));
	r->port[DST] = (uint16_t)(kind == 0 ? 443 : kind == 1 ? 53 : x >> 48);
	r->proto = kind == 1 ? IPPROTO_UDP : IPPROTO_TCP;
	r->net = NET_IPV4;
	r->event = kind == 3 ? RECORD_LOOK : RECORD_CLOSED;
	r->state = kind == 0   ? STATE_FIN
		   : kind == 1 ? STATE_CON
		   : kind == 2 ? STATE_RST
			       : STATE_REQ;
	r->news = true;
	r->at_ns = r->last_ns = at;
	r->start_ns = r->first_ns = at - (int64_t)(x >> 44);
	for (int i = 0; i < 2; i++) {
		struct flow_side *s = &r->side[i];

		if (i == DST && kind == 3)
			break;
		s->packets = kind == 0 ? 5 + (x >> 52 & 15) : 1;
		s->payload = kind == 0 ? s->packets * 600 : kind == 1 ? 80 : 0;
		s->bytes = s->packets * 40 + s->payload;
		s->first_ns = (uint64_t)r->first_ns;
		s->last_ns = (uint64_t)r->last_ns;
		if (kind < 2)
			put_data(s, kind == 0, i == DST, x);
	}
}

static void ignore_alert(void *context, const struct alert *a, enum alert_stage stage)
{
	(void)context;
	(void)a;
	(void)stage;
}

static void weigh(void *detector, const struct record *r, const struct verdict *v)
{
	detector_tick(detector, r->at_ns);
	detector_weigh(detector, r, v);
}

static void judge_all(struct judge *j, struct detector *d, uint64_t records)
{
	uint64_t seed = 2;
	struct record r;

	for (uint64_t n = 0; n < records; n++) {
		bench_detect_record(&r, n, &seed);
		judge_record(j, &r, weigh, d);
	}
	judge_flush(j, weigh, d);
}

int bench_detect(struct bench_detect *result, uint64_t records, const struct lstm_kernel *kernel,
	struct error *e)
{
	struct evidence_settings settings;
	struct judge *judge = NULL;
	struct detector *d = NULL;
	struct judge_stats stats;
	struct rusage usage;
	struct model m;
	double took;
	int err = make_model(&m, e);

	if (!err)
		err = evidence_settings_read(&settings, m.header, "bench", e);
	if (!err)
		err = judge_new(&judge, &m, "bench", kernel, 0, 0, e);
	if (err)
		goto out;
	d = detector_new(&settings, judge, ignore_alert, NULL);
	if (!d) {
		err = error_set(e, -ENOMEM, "not enough memory to detect");
		goto out;
	}
	took = bench_clock();
	judge_all(judge, d, records);
	took = bench_clock() - took;
	judge_stats(judge, &stats);
	getrusage(RUSAGE_SELF, &usage);
	*result = (struct bench_detect){.records = records,
		.records_per_s = (double)records / fmax(took, 1e-9),
		.hosts = stats.hosts,
		.rss_bytes = (uint64_t)usage.ru_maxrss * 1024};
out:
	detector_free(d);
	judge_free(judge);
	model_free(&m);
	return err;
}
