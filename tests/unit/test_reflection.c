/* A flood that others send in answer to forged requests: whom the alert names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "detect/detect.h"
#include "detect/technique.h"

static const struct evidence_settings settings = {
	.margin = 2, .share = 0.25F, .clip = 3, .threshold = 10, .half_life_s = 60};
static const uint8_t client = 1;

static struct alert last;
static unsigned flows, of_client;

static void remember(void *context, const struct alert *a, enum alert_stage stage)
{
	(void)context;
	(void)stage;
	last = *a;
}

static void count(void *context, const struct alert *a, const struct alert_flow *f)
{
	(void)context;
	(void)a;
	flows++;
	of_client += f->addr[f->actor][15] == client;
}

/* Twenty requests of the client to so many servers over UDP, each a denial of service to the model.
 */
static void ask(uint8_t servers, uint64_t sent, uint64_t answered, uint8_t proto)
{
	struct detector *d = detector_new(&settings, NULL, remember, NULL);

	detector_tell_flows(d, count);
	memset(&last, 0, sizeof(last));
	flows = of_client = 0;
	for (unsigned i = 0; i < 20; i++) {
		struct record r = {.flow_id = i + 1,
			.proto = proto,
			.net = NET_IPV4,
			.port = {(uint16_t)(40000 + i), 53},
			.news = true,
			.at_ns = 1000 + i};
		struct verdict v = {.probability = {[CLASS_NORMAL] = 0.01F, [CLASS_DOS] = 0.99F}};

		r.addr[SRC][15] = client;
		r.addr[DST][15] = (uint8_t)(100 + i % servers);
		r.side[SRC].payload = sent;
		r.side[DST].payload = answered;
		memcpy(v.actor, r.addr[SRC], sizeof(v.actor));
		detector_weigh(d, &r, &v);
	}
	detector_finish(d);
	detector_free(d);
}

static void of_several_that_answer_with_more_the_asker_is_the_target(void **state)
{
	(void)state;
	ask(4, 30, 500, IPPROTO_UDP);
	assert_true(last.many && last.reflected);
	assert_int_equal(last.target[15], client);
	assert_int_equal(last.attackers, 4);
	assert_int_equal(last.ports, 1);
	assert_int_equal(last.record.addr[!last.actor][15], client);
	assert_string_equal(alert_technique(&last)->id, "T1498.002");
	assert_false(last.sure); /* of no server there is enough to block it */
	assert_int_equal(flows, 20);
	assert_int_equal(of_client, 0);
}

static void else_the_asker_is_the_attacker(void **state)
{
	static const struct {
		uint64_t sent, answered;
		uint8_t servers, proto;
	} asked[] = {
		{30, 500, 1, IPPROTO_UDP}, /* one server alone: a flood of requests */
		{500, 30, 4, IPPROTO_UDP}, {500, 0, 4, IPPROTO_UDP},
		{30, 500, 4, IPPROTO_TCP}, /* who connects has the address */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		ask(asked[i].servers, asked[i].sent, asked[i].answered, asked[i].proto);
		assert_false(last.many || last.reflected);
		assert_int_equal(last.attacker[15], client);
		assert_int_equal(flows, 20);
		assert_int_equal(of_client, 20);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_several_that_answer_with_more_the_asker_is_the_target),
		cmocka_unit_test(else_the_asker_is_the_attacker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
