/* Link layers of captures: where the network header is, and what it is. */
#ifndef KARMA_CAPTURE_LINK_H
#define KARMA_CAPTURE_LINK_H

#include "flow/decode.h"

/* Decode a frame: 0, or the meter_counter under which it is lost. It may take a header off the
 * frame (data, length). Where f->next is not 0 afterwards, the frame holds another packet: call
 * again. */
typedef int (*link_decode)(struct packet *p, struct frame *f);

/* Of a link type as libpcap numbers it (DLT_..., LINKTYPE_...); NULL: not understood. */
link_decode link_of(int type);

/* The understood ones, for a message. */
#define LINK_NAMES "Ethernet, raw IP, loopback, Linux cooked, 802.11, PPP, HDLC"

/* 802.11 without a header before it, and behind radiotap, AVS and Prism headers (wifi.c). */
int wifi_decode(struct packet *p, struct frame *f);
int wifi_decode_radiotap(struct packet *p, struct frame *f);
int wifi_decode_avs(struct packet *p, struct frame *f);
int wifi_decode_prism(struct packet *p, struct frame *f);

/* Take the first `size` bytes off a frame. */
static inline void frame_strip(struct frame *f, __u32 size)
{
	f->data += size;
	f->length -= size;
}

#endif
