/* The flow record: one flow as the rest of Karma sees it, with its source and destination told
 * apart. Made from a struct flow_report in one place, for the kernel's and for captures alike. */
#ifndef KARMA_FLOW_RECORD_H
#define KARMA_FLOW_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "flow/types.h"

/* Argus's states, as UNSW-NB15 names them. */
enum record_state {
	STATE_REQ, /* SYN unanswered, or later record in which the source alone spoke */
	STATE_ACC, /* SYN-ACK seen, not completed */
	STATE_CON, /* established, or both sides spoke, or a lone ACK */
	STATE_FIN, /* any FIN */
	STATE_RST, /* any RST */
	STATE_INT, /* one-way, first record; ARP: any */
	STATE_RSP, /* one-way, the destination alone spoke */
	STATE_ECO, /* ping */
	STATE_ECR, /* ping answer without its request */
	/* ICMP unreachable: */
	STATE_URN,   /* network */
	STATE_URH,   /* host, IPv6: address */
	STATE_URP,   /* port */
	STATE_URO,   /* protocol */
	STATE_URF,   /* fragmentation needed, IPv6: packet too big */
	STATE_URFIL, /* filtered: administratively prohibited */
	STATE_UR,    /* any other */
	STATE_TXD,   /* ICMP time exceeded */
	STATE_PAR,   /* ICMP parameter problem */
	STATE_RED,   /* ICMP redirect */
	STATE_SRC,   /* ICMP source quench */
	STATE_MAS,   /* ICMP address mask */
	STATE_TST,   /* ICMP time stamp */
	STATE_IRQ,   /* ICMP information request */
	STATE_RTA,   /* router advertisement */
	STATE_RTS,   /* router solicitation */
	STATE_NRS,   /* IPv6 router solicitation and its answer */
	STATE_NNS,   /* IPv6 neighbour solicitation and its answer */
	STATE_MRQ,   /* IPv6 multicast listener query and its answers */
	STATE_MHR,   /* IPv6 multicast listener report, version 2 */
	STATE_UNK,   /* any other ICMP */
	STATE_CLO,   /* closed by Argus's reckoning; read from files only */
	STATE_NO,    /* unknown state in a file */
	STATES,
};

/* Index 0 is the source, 1 the destination. */
enum { SRC, DST };

struct record {
	uint64_t flow_id;    /* of key and start: the same in all records of a flow, never 0; below
				2^53, so that JSON readers keep it whole */
	uint8_t addr[2][16]; /* network order, IPv4 v4-mapped */
	uint16_t port[2];    /* host order; 0 for ICMP, ARP and protocols without ports */
	uint8_t proto;       /* IP protocol; 0 for ARP */
	uint8_t net;         /* enum flow_net */
	uint8_t event;       /* enum record_event */
	uint8_t state;       /* enum record_state */
	uint8_t icmp_type, icmp_code;
	bool news;  /* has packets that no earlier record of the flow has shown */
	bool again; /* an earlier record of the flow has been shown */
	bool fragments;
	bool total; /* all traffic to dst whose flows found no room: its other end is the address 0
		     */
	uint32_t part; /* 0: first record of its flow */
	uint32_t ifindex;
	int64_t at_ns;    /* when the record was made, since 1970; records come in this order */
	int64_t start_ns; /* first packet of the flow, since 1970 */
	int64_t first_ns; /* first and last packet of this record, since 1970 */
	int64_t last_ns;
	uint64_t synack_ns; /* SYN to SYN-ACK, SYN-ACK to ACK; 0: not seen */
	uint64_t ackdat_ns;
	struct flow_side side[2]; /* first_ns and last_ns in it are since 1970 too, 0: no packets */
};

/* Make a record of a report. `clock_ns` is added to every time (the kernel's clock counts from
 * boot; captures pass 0).
 *
 * Source: the sender of the SYN; a leading SYN-ACK makes its sender the source; else the first
 * packet's sender, except that TCP without a SYN swaps when source port < 1024 <= destination
 * port (Argus 3.0.8.2, checked against UNSW-NB15), and that an ICMP answer whose request was not
 * seen goes to its source. */
void record_make(struct record *r, const struct flow_report *report, int64_t clock_ns);

/* Does its protocol have ports? */
bool record_has_ports(const struct record *r);

/* "REQ" and so on; never NULL. record_state_of() is the inverse, in either case, and knows the
 * finer names that Argus has for ICMP errors; STATE_NO when there is none. */
const char *record_state_name(enum record_state s);
enum record_state record_state_of(const char *name);

/* Argus's name of an IP protocol ("tcp", "udp", "icmp", "ipv6-icmp", "arp", ...), and back, in
 * either case: a number, PROTO_ARP, or -1. What Argus leaves unnamed is "unas" both ways (255). */
enum { PROTO_ARP = 256 };
const char *record_proto_name(uint8_t net, uint8_t proto);
int record_proto_of(const char *name);

/* memcmp() without its call. */
static inline bool addr_same(const uint8_t a[16], const uint8_t b[16])
{
	uint64_t x[2], y[2];

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	return x[0] == y[0] && x[1] == y[1];
}

enum { ADDR_TEXT = 46 };
/* "10.0.0.1" or "2001:db8::1"; returns `text`. */
const char *addr_text(const uint8_t addr[16], char text[ADDR_TEXT]);
/* The inverse; false when it is no address. */
bool addr_parse(const char *text, uint8_t addr[16]);

#endif
