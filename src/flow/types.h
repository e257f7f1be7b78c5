/* What the kernel and user space share: the key of a flow, the flow while it is metered, and the
 * counters. Compiled by clang for BPF and by gcc for captures; both lay it out alike.
 *
 * Units: times in nanoseconds, sizes in bytes. Addresses are 16 bytes in network order, IPv4 and
 * ARP as v4-mapped IPv6 (::ffff:a.b.c.d). */
#ifndef KARMA_FLOW_TYPES_H
#define KARMA_FLOW_TYPES_H

#include <linux/types.h>

enum { FLOW_PAYLOAD = 64, FLOW_SIZES = 4, FLOW_PLACES = 31 };
enum { WSCALE_NONE = 255, WSCALE_MAX = 14 };

enum flow_net { NET_IPV4 = 4, NET_IPV6 = 6, NET_ARP = 1 };

struct flow_addr {
	__u64 word[2]; /* the 16 bytes as they stand in memory */
};

/* The two ends in a fixed order (the lesser (address, port) is end 0), so that both directions of
 * a flow have one key. Addresses are compared as words: the order means nothing beyond being one.
 * ICMP: port[0] is the type of the request and port[1] its id (echo and the like, which have an
 * answer), or the type and code (neighbour discovery, which has one too, and all others); ends are
 * ordered by address alone. ARP, other protocols and fragments after the first: ports are 0. A DNS
 * question and its answer are a flow, as in the data: a client that keeps its port would else have
 * one flow for all it asks. So is each IGMP message. */
struct flow_key {
	struct flow_addr addr[2];
	__u16 port[2]; /* host order */
	__u8 proto;    /* IP protocol; 0 for ARP */
	__u8 net : 3;  /* enum flow_net */
	__u8 at : 5;   /* 1 to FLOW_PLACES: the interface, where each has its own flows; else 0 */
	__u16 id; /* DNS over UDP: the question's id; IGMP: the packet's; ARP: the end that asks */
};

enum flow_flag { FLAG_FIN, FLAG_SYN, FLAG_RST, FLAG_PSH, FLAG_ACK, FLAG_URG, FLAGS };

/* Where a packet is seen: an interface and which way it passes. A gateway sees each packet at two
 * hooks or more. 0: not known, as in most captures. */
#define FLOW_HOOK(ifindex, egress) ((__u32)(ifindex) << 1 | ((egress) ? 1 : 0))
#define FLOW_HOOK_INTERFACE(hook) ((hook) >> 1)

/* One direction of a flow. The first cache line is what every packet touches. */
struct flow_side {
	__u64 packets; /* as on the wire: a GSO/GRO super-packet counts as its segments */
	__u64 bytes;   /* from the IP header on (ARP: from the ARP header on) */
	__u64 payload; /* behind the transport header */
	__u64 last_ns; /* kept over a cut: a gap may begin in the record before */
	/* Gaps are taken between time stamps in whole microseconds, as in the data: live time
	 * stamps are finer, and the variance of rounded squares must not go below 0. Equal stamps
	 * and gaps of 120 s and more do not count. */
	__u64 gap_us2;  /* sum of their squares, in microseconds^2 */
	__u32 gap_us;   /* their sum: a record has less than 60 s, and one gap before it */
	__u32 gaps;     /* how many */
	__u32 next_seq; /* highest sequence number seen + 1 */
	__u32 window;   /* last non-zero one of packets other than FIN and RST, not scaled */
	__u8 ttl;       /* of the last packet */
	__u8 wscale;    /* as the SYN gave it; WSCALE_NONE: none given */
	__u8 sizes;     /* of `size` in use */
	__u8 data_len;  /* of `data` in use */
	__u32 hook;     /* whose packets are counted; 0: none yet, or not known */
	/* ---- the second line: TCP, and the first packets */
	__u64 first_ns;         /* of this record; means nothing while packets is 0 */
	__u32 seq;              /* initial sequence number; after a cut where the record began */
	__u32 lost;             /* retransmitted packets: repeated data, SYN, SYN-ACK; not FIN */
	__u16 flags[FLAGS];     /* packets with that flag; stays at 65535 */
	__u16 size[FLOW_SIZES]; /* payload sizes of the first packets that carry any */
	__u32 spare[7];         /* 0 */
	/* ---- the third */
	__u8 data[FLOW_PAYLOAD]; /* the first payload bytes */
};

enum { /* flow.bits: facts that outlast a packet; a cut keeps those about the connection */
	FLOW_SYN = 1 << 0, /* a SYN was seen; FLOW_SYN1 says whose the first one was */
	FLOW_SYNACK = 1 << 1,
	FLOW_ESTABLISHED = 1 << 2, /* the handshake was completed */
	FLOW_FIN0 = 1 << 3,        /* FIN from side 0 / 1 */
	FLOW_FIN1 = 1 << 4,
	FLOW_RST = 1 << 5,
	FLOW_CLOSED = 1 << 6,      /* ended by its protocol; lingers for late packets */
	FLOW_ANSWERED = 1 << 7,    /* both sides have spoken, in this record or one before */
	FLOW_FRAGMENT = 1 << 8,    /* some packet of this record was a fragment */
	FLOW_LEAD_SYNACK = 1 << 9, /* its first packet was a SYN-ACK */
	FLOW_SYN1 = 1 << 10,       /* with FLOW_SYN: side 1 sent the (first) SYN, else side 0 */
	FLOW_SYNACK1 = 1 << 11,    /* with FLOW_SYNACK: side 1 sent it, else side 0 */
	FLOW_SEQ0 = 1 << 12,       /* next_seq of side 0 / 1 is known */
	FLOW_SEQ1 = 1 << 13,
	FLOW_FINACK0 = 1 << 14, /* the FIN of side 0 / 1 was acknowledged */
	FLOW_FINACK1 = 1 << 15,
	FLOW_BEGUN = 1 << 16,  /* not set: room in the map that no packet has filled yet */
	FLOW_GONE = 1 << 17,   /* in the kernel: about to be deleted */
	FLOW_CLOSES = 1 << 18, /* closed by the packet in hand */
	FLOW_FROM1 = 1 << 19,  /* side 0 sends from key end 1, else from end 0 */
	FLOW_NEWS = 1 << 20,   /* this record has packets that no report has shown */
	FLOW_SHOWN = 1 << 21,  /* this record has packets that a report has shown */
	FLOW_TOTAL = 1 << 22,  /* stands for the flows to its destination that found no room */
	/* From bit 24 on: METER_* bits that the packet in hand led to; 0 between packets. */
	FLOW_DONE = 24,
};

#define FLOW_DONE_BITS (~0u << FLOW_DONE)

/* A flow: with its key before it (struct flow_slot) an entry of the kernel's table; in user space's
 * table, too. Side 0 is the side whose packet was seen first; which of the sides is called the
 * source is decided when a record is made. Every packet touches the first 24 bytes, which share a
 * cache line with the key, and the first line of its side. */
struct flow {
	__u32 lock; /* 0: free; only the kernel uses it */
	__u32 bits;
	__u64 last_ns;  /* last packet of the flow, in this record or one before */
	__u64 first_ns; /* first packet of this record; while it has none, of the one before */
	/* ---- the second line */
	__u64 start_ns; /* first packet of the flow: with the key it names the flow over all cuts */
	__u64 look_ns;  /* when the sweep may show it next */
	__u64 syn_ns;   /* last SYN before the first SYN-ACK */
	__u64 synack_ns;  /* last SYN-ACK before the first ACK */
	__u64 synack_gap; /* first SYN-ACK - last SYN before it; 0: not seen */
	__u64 ackdat_gap; /* first ACK - last SYN-ACK before it; 0: not seen */
	__u32 part;       /* 0: first record of the flow, then one more at each cut */
	__u32 ifindex;    /* where it was first seen */
	__u8 icmp_type;   /* of the first packet */
	__u8 icmp_code;
	__u8 pad[6];
	/* ---- */
	struct flow_side side[2];
};

struct flow_slot {
	struct flow_key key;
	struct flow flow;
};

_Static_assert(sizeof(struct flow_slot) == 512, "eight cache lines");

/* Why a record is sent. */
enum record_event {
	RECORD_LOOK =
		1,     /* the flow is open: looked at after 1 s, then every 5 s if it has changed */
	RECORD_CLOSED, /* ended by its protocol; late packets may still be added to it */
	RECORD_FINAL,  /* complete: left the table, or cut after 60 s */
};

/* What the kernel sends to user space, and what the user-space table hands on. */
struct flow_report {
	struct flow_key key;
	__u64 at_ns; /* when the report was made: the packet's time, or the sweep's */
	__u32 event; /* enum record_event */
	__u32 zero;
	struct flow flow; /* FLOW_NEWS and FLOW_SHOWN still as before this report */
};

/* Everything that was counted and everything that was lost, by cause. One table of names for
 * both (flow/counter.c). */
enum meter_counter {
	COUNT_PACKETS,    /* metered, as on the wire */
	COUNT_BYTES,      /* metered, from the IP header on */
	COUNT_FLOWS,      /* flows begun */
	COUNT_RECORDS,    /* reports sent */
	COUNT_OPEN,       /* flows in the table now */
	COUNT_EVICTED,    /* flows without an open connection that gave way in a full table */
	COUNT_TOTAL,      /* packets metered by destination alone: no room for their flows */
	COUNT_SEEN_AGAIN, /* packets that had been metered at another hook: not metered again */
	COUNT_LINK_DOWN,  /* times a watched interface went down or away */
	COUNT_LINK_UP,    /* times one came up */
	LOST_MAP_FULL,    /* packets for which there was no room at all */
	LOST_BUSY,        /* packets whose flow another CPU held too long */
	LOST_RING_FULL,   /* reports that found no room; the flow is shown again later */
	LOST_TRUNCATED,   /* packets cut short before their headers ended (snap length) */
	LOST_BAD_LENGTH,  /* packets whose headers contradict each other */
	LOST_BAD_VERSION, /* IP packets of neither version */
	LOST_EXTENSIONS,  /* more headers before the transport header than are followed */
	LOST_NOT_IP,      /* frames that are neither IP nor ARP: not metered */
	LOST_LINK,        /* captures: frames of a link type that is not understood */
	LOST_ENCRYPTED,   /* captures: 802.11 frames that are encrypted */
	LOST_DAMAGED,     /* captures: 802.11 frames with a wrong checksum */
	/* Of captures: packets stamped before their flow's last one, and metered at that time;
	 * and those that are a second and more behind the latest. */
	LOST_TIME,
	METER_COUNTERS,
};

#endif
