/* libFuzzer's entry: the bytes are a frame of some link type, and whatever they are, it is packets
 * within its bounds, or lost by a cause.
 *
 * The first two bytes choose the link type and whether tunnels are looked into, the next two say
 * how much longer the frame was than what was caught of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/dlt.h>

#include "capture/link.h"

#define SANE(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum { HEAD = 4 };

static const int links[] = {DLT_EN10MB, DLT_RAW, DLT_NULL, DLT_LOOP, DLT_LINUX_SLL, DLT_LINUX_SLL2,
	DLT_IEEE802_11, DLT_IEEE802_11_RADIO, DLT_IEEE802_11_RADIO_AVS, DLT_PRISM_HEADER, DLT_PPP,
	DLT_PPP_SERIAL, DLT_PPP_PPPD, DLT_PPP_WITH_DIR, DLT_PPP_ETHER, DLT_C_HDLC, DLT_MPLS,
	DLT_PPI};

static void check_packet(const struct packet *p, const struct frame *f)
{
	SANE(p->length > 0 && p->length <= f->length);
	SANE(p->payload < p->length && p->payload_offset + p->payload <= f->length);
	SANE(p->data_len <= FLOW_PAYLOAD && p->data_len <= p->payload);
	SANE(p->from <= 1 && p->segments == 1 && p->ns == f->ns);
	SANE(p->key.net == NET_IPV4 || p->key.net == NET_IPV6 || p->key.net == NET_ARP);
	SANE(addr_order(&p->key.addr[0], &p->key.addr[1]) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct packet p; /* as in a batch: not cleared between frames */
	struct frame f = {.segments = 1, .ns = 7};
	__u32 from = 0;

	if (size < HEAD)
		return 0;
	f.data = data + HEAD;
	f.end = data + size;
	f.length = (__u32)(size - HEAD) + (data[2] | data[3] << 8);
	f.outer = data[1] & 1;
	do {
		link_decode decode = link_of(links[data[0] % (sizeof(links) / sizeof(links[0]))]);
		int lost = decode(&p, &f);

		SANE(lost >= 0 && lost < METER_COUNTERS);
		SANE(!f.next || (f.next > from && f.next < f.length));
		from = f.next;
		if (lost)
			continue;
		packet_copy_data(&p, &f);
		check_packet(&p, &f);
	} while (f.next);
	return 0;
}
