#include "capture/packets.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "capture/link.h"
#include "util/clock.h"

enum {
	BUFFER = 8 << 20, /* bytes in the kernel, of each interface */
	BATCH = 16384, /* packets of an interface at a time, so that the others have their turn */
};

static const uint64_t again_ns = 1000000000; /* until an interface is tried again */

struct socket {
	const char *name;
	pcap_t *pcap; /* NULL: down, or gone */
	link_decode decode;
	uint64_t tried_ns; /* monotonic */
	uint64_t dropped;  /* by those before `pcap` */
};

struct packets {
	struct interface_list interfaces;
	uint32_t snap;
	bool outer;
	struct socket socket[INTERFACES_MAX];
	/* During packets_poll(). */
	struct socket *at;
	caught_sink sink;
	void *context;
};

static pcap_t *make_socket(const struct packets *p, const char *name, int *status)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_create(name, text);

	*status = PCAP_ERROR;
	if (!pcap)
		return NULL;
	pcap_set_snaplen(pcap, (int)p->snap);
	pcap_set_promisc(pcap, 0);
	pcap_set_timeout(pcap, 100);
	pcap_set_buffer_size(pcap, BUFFER);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	*status = pcap_activate(pcap);
	if (*status >= 0 && pcap_setnonblock(pcap, 1, text) == 0)
		return pcap;
	pcap_close(pcap);
	return NULL;
}

/* PCAP_ERROR_..., or 0 and more. */
static int open_socket(struct packets *p, struct socket *s)
{
	int status;

	s->tried_ns = clock_now(CLOCK_MONOTONIC);
	s->pcap = make_socket(p, s->name, &status);
	if (s->pcap)
		s->decode = link_of(pcap_datalink(s->pcap));
	return status;
}

int packets_open(struct packets **result, const struct interface_list *interfaces, uint32_t snap,
	bool outer, struct error *e)
{
	struct packets *p = calloc(1, sizeof(*p));

	*result = NULL;
	if (!p)
		return error_set(e, -ENOMEM, "not enough memory to keep packets");
	p->interfaces = *interfaces;
	p->snap = snap;
	p->outer = outer;
	for (unsigned i = 0; i < interfaces->count; i++) {
		struct socket *s = &p->socket[i];

		s->name = p->interfaces.name[i];
		if (open_socket(p, s) != PCAP_ERROR_PERM_DENIED)
			continue;
		error_set(e, -EPERM,
			"%s: its packets cannot be kept: --pcap-dir needs root or CAP_NET_RAW",
			s->name);
		packets_close(p);
		return -EPERM;
	}
	*result = p;
	return 0;
}

static void hand_on(u_char *context, const struct pcap_pkthdr *h, const u_char *data)
{
	struct packets *p = (struct packets *)(void *)context;
	struct caught c = {.data = data,
		.caught = h->caplen,
		.length = h->len,
		.link = pcap_datalink(p->at->pcap),
		/* the field for microseconds has nanoseconds, as was asked for */
		.ns = (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec};
	struct frame f = {.data = data,
		.end = data + h->caplen,
		.length = h->len,
		.segments = 1,
		.ns = (uint64_t)c.ns,
		.outer = p->outer};
	struct packet packet;

	if (!p->at->decode || p->at->decode(&packet, &f) != 0)
		return; /* nobody's: the meter counts it by cause */
	caught_ends(&c, &packet);
	p->sink(p->context, &c);
}

static uint64_t dropped_by(const struct socket *s)
{
	struct pcap_stat stat = {0};

	return s->pcap && pcap_stats(s->pcap, &stat) == 0 ? stat.ps_drop : 0;
}

static void close_socket(struct socket *s)
{
	if (!s->pcap)
		return;
	s->dropped += dropped_by(s);
	pcap_close(s->pcap);
	s->pcap = NULL;
}

void packets_poll(struct packets *p, caught_sink sink, void *context)
{
	p->sink = sink;
	p->context = context;
	for (unsigned i = 0; i < p->interfaces.count; i++) {
		struct socket *s = &p->socket[i];

		if (!s->pcap && clock_now(CLOCK_MONOTONIC) - s->tried_ns >= again_ns)
			open_socket(p, s);
		p->at = s;
		if (s->pcap && pcap_dispatch(s->pcap, BATCH, hand_on, (u_char *)p) < 0)
			close_socket(s);
	}
}

uint64_t packets_dropped(struct packets *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->interfaces.count; i++)
		sum += p->socket[i].dropped + dropped_by(&p->socket[i]);
	return sum;
}

void packets_close(struct packets *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->interfaces.count; i++)
		close_socket(&p->socket[i]);
	free(p);
}
