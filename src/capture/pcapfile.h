/* Captures in the classic format of libpcap. They are read here: libpcap copies every packet, which
 * takes longer than to decode it. */
#ifndef KARMA_CAPTURE_PCAPFILE_H
#define KARMA_CAPTURE_PCAPFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/stream.h"

enum { PCAP_PACKET_MAX = 262144 /* bytes; larger ones are no packets */ };

struct pcap_packet {
	const uint8_t *data; /* until the next call */
	uint32_t caught, length;
	uint64_t ns; /* since 1970; UINT64_MAX where the time is none */
};

struct pcapfile {
	struct stream *in;
	bool swapped; /* its byte order is not ours */
	bool nano;    /* times are in nanoseconds, else microseconds */
	bool old;     /* of a version that may have the two lengths in the other order */
	uint32_t snap;
	int link;          /* LINKTYPE_... */
	const char *wrong; /* why it was not opened, or ended before its end */
};

/* Read the header of the file. False: `wrong` says why. */
bool pcapfile_open(struct pcapfile *f, struct stream *in);

/* The next packet: 1; 0 at the end, -1 where it is broken. */
int pcapfile_next(struct pcapfile *f, struct pcap_packet *p);

#endif
