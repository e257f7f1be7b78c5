/* The flow record: one flow as the rest of Karma sees it, with its source and destination told
 * apart. Made from a struct flow_report in one place, for the kernel's and for captures alike. */
#ifndef KARMA_FLOW_RECORD_H
#define KARMA_FLOW_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/types.h"

/* Argus's states, as UNSW-NB15 names them. */
enum record_state {
	STATE_REQ, /* SYN unanswered, or a later record of a one-way flow */
	STATE_ACC, /* SYN-ACK seen, not completed */
	STATE_CON, /* established, or both sides spoke, or a lone ACK */
	STATE_FIN, /* any FIN */
	STATE_RST, /* any RST */
	STATE_INT, /* one-way, first record */
	STATE_ECO, /* ping */
	STATE_ECR, /* ping answer without its request */
	STATE_URP, /* ICMP port unreachable */
	STATE_URH, /* ICMP host unreachable */
	STATE_URN, /* ICMP network unreachable */
	STATE_TXD, /* ICMP time exceeded */
	STATE_PAR, /* ICMP parameter problem */
	STATE_MAS, /* ICMP address mask */
	STATE_TST, /* ICMP time stamp */
	STATE_NRS,
	STATE_NRA,
	STATE_RTS,
	STATE_RTA, /* IPv6 neighbour and router messages */
	STATE_RED, /* ICMP redirect */
	STATE_CLO, /* closed by Argus's reckoning; read from files only */
	STATE_NO,  /* unknown state in a file */
	STATES,
};

/* Index 0 is the source, 1 the destination. */
enum { SRC, DST };

struct record {
	uint64_t flow_id;    /* the same for all records of a flow, and for both directions */
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
	uint32_t part; /* 0: first record of its flow */
	uint32_t ifindex;
	int64_t at_ns;    /* when the record was made, since 1970; records come in this order */
	int64_t first_ns; /* since 1970 */
	int64_t last_ns;
	uint64_t synack_ns; /* 0: not seen */
	uint64_t ackdat_ns;
	struct flow_side side[2]; /* first_ns and last_ns in it are since 1970 too, 0 for none */
};

/* Make a record of a report. `clock_ns` is added to every time (the kernel's clock counts from
 * boot; captures pass 0).
 *
 * Source: the sender of the SYN; a leading SYN-ACK makes its sender the source; else the first
 * packet's sender, except that TCP without a SYN swaps when source port < 1024 <= destination
 * port (Argus 3.0.8.2, checked against UNSW-NB15). */
void record_make(struct record *r, const struct flow_report *report, int64_t clock_ns);

/* "REQ" and so on; never NULL. record_state_of() is the inverse, STATE_NO when there is none. */
const char *record_state_name(enum record_state s);
enum record_state record_state_of(const char *name);

/* Argus's name of an IP protocol ("tcp", "udp", "icmp", "ipv6-icmp", "arp", ...), and back: a
 * number, or -1. Names that UNSW-NB15 uses are known in either case. */
const char *record_proto_name(uint8_t net, uint8_t proto);
int record_proto_of(const char *name);

enum { ADDR_TEXT = 46 };
/* "10.0.0.1" or "2001:db8::1"; returns `text`. */
const char *addr_text(const uint8_t addr[16], char text[ADDR_TEXT]);
/* The inverse; false when it is no address. */
bool addr_parse(const char *text, uint8_t addr[16]);

#endif
