/* How each feature is computed from a record: the getters that the table's rows name. Formulas of
 * the flow columns are those of Argus as checked against UNSW-NB15 (docs/features.md). */
#ifndef KARMA_FEATURE_VALUE_H
#define KARMA_FEATURE_VALUE_H

#include "feature/dissect.h"
#include "feature/feature.h"

/* The windows in which things are counted. */
enum { WINDOWS = 3 };
extern const int window_seconds[WINDOWS]; /* 2, 10, 60 */

/* What is counted. Of the actor: */
enum window_count {
	COUNT_FLOWS_OF,   /* flows begun */
	COUNT_PORTS_OF,   /* distinct (protocol, destination port) */
	COUNT_HOSTS_OF,   /* distinct destinations */
	COUNT_REFUSED_OF, /* connections refused: RST without data, ICMP unreachable */
	COUNT_SILENT_OF,  /* requests without an answer */
	/* Of the other end: */
	COUNT_FLOWS_TO,   /* flows begun */
	COUNT_SOURCES_TO, /* distinct sources */
	COUNT_HALF_TO,    /* connections whose handshake was not completed */
	/* Of the two, to the same destination port: */
	COUNT_FLOWS_PAIR,
	WINDOW_COUNTS,
};

struct feature_source {
	const struct record *r;
	uint32_t count[WINDOW_COUNTS][WINDOWS]; /* the record's own flow included */
	double gap;                             /* s since the actor's previous record */
	struct naming name;                     /* of the flow */
};

/* Each is of the record alone, but where `count`, `gap` or `name` say more. `arg`: SRC or DST where
 * a value has sides (`side`), the window (0, 1, 2) where it is a share (`w`), whether a time is in
 * whole seconds (`whole`), what the line says, or nothing. */

/* Categories: their numbers; NAN: it is none of the feature's. */
double value_proto(const struct feature_source *s, int arg);
double value_state(const struct feature_source *s, int arg);
double value_service(const struct feature_source *s, int arg);

/* The record: its kind (RECORD_LOOK: 0), its number in its flow (0: the first); 1: it has new
 * packets, an earlier one was shown. */
double value_event(const struct feature_source *s, int arg);
double value_part(const struct feature_source *s, int arg);
double value_news(const struct feature_source *s, int arg);
double value_again(const struct feature_source *s, int arg);

/* Ends: a port; 1: both are one and the same. */
double value_port(const struct feature_source *s, int side);
double value_same_ends(const struct feature_source *s, int arg);

/* Times, s: how long; a handshake's two parts and their sum (0: not seen); since 1970. */
double value_dur(const struct feature_source *s, int arg);
double value_synack(const struct feature_source *s, int arg);
double value_ackdat(const struct feature_source *s, int arg);
double value_rtt(const struct feature_source *s, int arg);
double value_first(const struct feature_source *s, int whole);
double value_last(const struct feature_source *s, int whole);
double value_at(const struct feature_source *s, int arg);

/* How much: packets/s, after the first and of both sides; packets; bytes; bytes of payload; bit/s;
 * whole bytes a packet; segments lost. 0 where there is too little to divide by. */
double value_rate(const struct feature_source *s, int arg);
double value_packets(const struct feature_source *s, int side);
double value_bytes(const struct feature_source *s, int side);
double value_payload(const struct feature_source *s, int side);
double value_load(const struct feature_source *s, int side);
double value_mean(const struct feature_source *s, int side);
double value_loss(const struct feature_source *s, int side);

/* Between packets, ms: mean and standard deviation; 0: there is no gap. */
double value_gap(const struct feature_source *s, int side);
double value_jitter(const struct feature_source *s, int side);

/* As the packets had them; the last is the number that UNSW-NB15 gives a state with its TTLs. */
double value_ttl(const struct feature_source *s, int side);
double value_window(const struct feature_source *s, int side);
double value_seq(const struct feature_source *s, int side);
double value_state_ttl(const struct feature_source *s, int arg);

/* Of the first bytes of payload: requests; bytes that the answer announces; 1: a user logged in,
 * there was a command. NAN: what tells is not among those bytes. */
double value_http_requests(const struct feature_source *s, int arg);
double value_http_body(const struct feature_source *s, int arg);
double value_ftp_login(const struct feature_source *s, int arg);
double value_ftp_command(const struct feature_source *s, int arg);

/* Packets with a flag, packets of a size. */
double value_flag(const struct feature_source *s, int arg); /* arg: side * FLAGS + flag */
double value_size(const struct feature_source *s, int arg); /* arg: side * FLOW_SIZES + nth */

/* What happened lately: s since the actor's previous record; a count; of the actor's flows those
 * refused, those silent; its ports a host; of the flows to the other end those half open. 0 where
 * there are none. */
double value_actor_gap(const struct feature_source *s, int arg);
double value_count(const struct feature_source *s, int arg); /* arg: what * WINDOWS + window */
double value_refused_share(const struct feature_source *s, int w); /* arg: window */
double value_silent_share(const struct feature_source *s, int w);
double value_ports_per_host(const struct feature_source *s, int w);
double value_half_share(const struct feature_source *s, int w);

#endif
