/* Captures in pcapng. libpcap refuses those whose interfaces differ in link type or snap length,
 * and does not say which interface a packet came from; so they are read here. */
#ifndef KARMA_CAPTURE_PCAPNG_H
#define KARMA_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/stream.h"

enum {
	PCAPNG_FIRST_BYTE = 0x0a,      /* of such a capture, and of no pcap */
	PCAPNG_BLOCK_MAX = 16 << 20,   /* bytes; larger ones are no blocks */
	PCAPNG_INTERFACES_MAX = 65536, /* of a section */
};

struct pcapng_interface {
	uint16_t link;  /* LINKTYPE_... */
	uint32_t snap;  /* 0: no limit */
	uint64_t ticks; /* of a second: a power of 10, or of 2 */
	int64_t offset; /* seconds to be added */
};

struct pcapng_packet {
	const uint8_t *data; /* until the next call */
	uint32_t caught, length;
	uint32_t interface; /* its number in the section */
	bool outbound;      /* it is said to have left there */
	uint16_t link;
	uint64_t ns; /* since 1970; UINT64_MAX where it is beyond what that can say */
};

struct pcapng {
	struct stream *in;
	bool swapped; /* the section's byte order is not ours */
	struct pcapng_interface *interface;
	uint32_t interfaces, interfaces_room;
	const uint8_t *block; /* the present one, without its type and lengths */
	uint32_t size;
	const char *wrong; /* why it ended before its end */
};

/* Read from `in`, which is not taken over; pcapng_close() frees what was taken. */
void pcapng_open(struct pcapng *ng, struct stream *in);
void pcapng_close(struct pcapng *ng);

/* The next packet: 1; 0 at the end, -1 where it is broken (ng->wrong). */
int pcapng_next(struct pcapng *ng, struct pcapng_packet *p);

#endif
