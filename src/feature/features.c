/* The table. Order: the 49 columns of UNSW-NB15's raw files as published, the partition's `rate`,
 * then Karma's own. The place of a feature is the place of its column. */
#include "feature/service.h"
#include "feature/value.h"

/* Names within a category that mean the same thing to the network share a value; see
 * feature_category(). The last value takes what is not listed. */
static const char *const protocols[] = {
	"tcp", "udp", "icmp", "arp", "igmp", "ospf", "sctp", "gre", "unas", "other", NULL};
static const char *const states[] = {
	"REQ", "ACC", "CON", "FIN", "RST", "INT", "ECO", "ECR", "UR", "other", NULL};
static const char *const events[] = {"look", "closed", "final", NULL};

/* Reasons; see struct feature. A share has the words of the counter that it is a share of: together
 * they are one reason, and the counter, never the smaller one, is named. */
#define SILENT_WORDS "nothing was sent back||"
#define STATE_WORDS                                                                                \
	"no connection was accepted|the handshake was left open|||the connection was reset|"       \
	"packets in one direction only|pings|answers to pings|the target was unreachable|"
#define SERVICE_WORDS                                                                              \
	"|the service is DNS|the service is HTTP|the service is SMTP|the service is FTP|"          \
	"the service is FTP data|the service is SSH|the service is POP3|the service is TLS|"       \
	"the service is SNMP|the service is DHCP|the service is IRC|the service is RADIUS"
#define PORTS_WORDS "||%s ports tried"
#define REFUSED_WORDS "|one connection refused|%s connections refused"
#define SILENCE_WORDS "|one request unanswered|%s requests unanswered"
#define HALF_WORDS "|one half-open connection at the target|%s half-open connections at the target"

#define BOTH (SET_LIVE | SET_PUBLISHED)
#define NAMES(name_, raw_) .name = name_, .raw = raw_
#define TEXT(unit_) .kind = KIND_TEXT, .unit = unit_
#define NUMBER(unit_) .kind = KIND_NUMBER, .unit = unit_
#define CATEGORY(list) .kind = KIND_CATEGORY, .unit = "", .values = list
#define LOG(step_) .scale = SCALE_LOG, .step = step_
#define LINEAR .scale = SCALE_LINEAR, .step = 1
#define GET(function, arg_) .get = function, .arg = arg_

/* A counter over each of the three windows. */
#define COUNTER(stem, what, meaning_, reason_)                                                     \
	COUNTER_OVER(stem, what, meaning_, reason_, 0, "2"),                                       \
		COUNTER_OVER(stem, what, meaning_, reason_, 1, "10"),                              \
		COUNTER_OVER(stem, what, meaning_, reason_, 2, "60")
#define COUNTER_OVER(stem, what, meaning_, reason_, w, s)                                          \
	{                                                                                          \
		.name = stem "_" s "s", NUMBER(""), LOG(1), .sets = SET_LIVE,                      \
		.busy = (what) != COUNT_PORTS_OF && (what) != COUNT_HOSTS_OF &&                    \
			(what) != COUNT_SOURCES_TO,                                                \
		GET(value_count, (what)*WINDOWS + (w)),                                            \
		.meaning = meaning_ " in the last " s " s.", .reason = reason_                     \
	}
#define SHARE(stem, unit_, scaling, function, meaning_, reason_)                                   \
	SHARE_OVER(stem, unit_, scaling, function, meaning_, reason_, 0, "2"),                     \
		SHARE_OVER(stem, unit_, scaling, function, meaning_, reason_, 1, "10"),            \
		SHARE_OVER(stem, unit_, scaling, function, meaning_, reason_, 2, "60")
#define SHARE_OVER(stem, unit_, scaling, function, meaning_, reason_, w, s)                        \
	{                                                                                          \
		.name = stem "_" s "s", NUMBER(unit_), .scale = scaling, .step = 1,                \
		.sets = SET_LIVE, GET(function, w), .meaning = meaning_ " in the last " s " s.",   \
		.reason = reason_                                                                  \
	}
#define FLAG(stem, side, flag, words)                                                              \
	{                                                                                          \
		.name = stem, NUMBER("packet"), LOG(1), .sets = SET_LIVE,                          \
		GET(value_flag, (side)*FLAGS + (flag)), .meaning = words                           \
	}
#define SIZE(stem, side, nth, words)                                                               \
	{                                                                                          \
		.name = stem, NUMBER("byte"), LOG(16), .sets = SET_LIVE,                           \
		GET(value_size, (side)*FLOW_SIZES + (nth)), .meaning = words                       \
	}

const struct feature features[] = {
	/* ---- the raw files' columns ---- */
	{.name = "srcip",
		TEXT(""),
		.meaning = "Source address: the sender of the SYN, or of the first packet."},
	{.name = "sport", NUMBER(""), GET(value_port, SRC), .meaning = "Source port."},
	{.name = "dstip", TEXT(""), .meaning = "Destination address."},
	{NAMES("dport", "dsport"), NUMBER(""), GET(value_port, DST),
		.meaning = "Destination port."},
	{.name = "proto",
		CATEGORY(protocols),
		.sets = BOTH,
		GET(value_proto, 0),
		.meaning = "Transport protocol."},
	{.name = "state",
		CATEGORY(states),
		.sets = BOTH,
		GET(value_state, 0),
		.meaning = "How far the connection came: REQ asked, ACC accepted, CON established "
			   "or answered, FIN ended, RST reset, INT one-way, ECO and ECR ping, UR "
			   "unreachable.",
		.reason = STATE_WORDS},
	{.name = "dur",
		NUMBER("s"),
		LOG(1e-3),
		.sets = BOTH,
		.delay = DELAY_TIME,
		GET(value_dur, 0),
		.meaning = "Last packet - first packet.",
		.reason = "|lasting %s|lasting %s"},
	{.name = "sbytes",
		NUMBER("byte"),
		LOG(64),
		.sets = BOTH,
		GET(value_bytes, SRC),
		.meaning = "Bytes from the IP header on, sent by the source."},
	{.name = "dbytes",
		NUMBER("byte"),
		LOG(64),
		.sets = BOTH,
		GET(value_bytes, DST),
		.meaning = "Bytes from the IP header on, sent by the destination.",
		.reason = SILENT_WORDS},
	{.name = "sttl",
		NUMBER("hop"),
		GET(value_ttl, SRC),
		.meaning = "Time to live of the source's last packet. An artefact of the test bed "
			   "that UNSW-NB15 was made in."},
	{.name = "dttl",
		NUMBER("hop"),
		GET(value_ttl, DST),
		.meaning = "Time to live of the destination's last packet. An artefact, as sttl."},
	{.name = "sloss",
		NUMBER("packet"),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_loss, SRC),
		.meaning = "Retransmitted packets of the source: repeated data, SYN, SYN-ACK."},
	{.name = "dloss",
		NUMBER("packet"),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_loss, DST),
		.meaning = "Retransmitted packets of the destination."},
	{.name = "service",
		CATEGORY(service_names),
		.sets = BOTH,
		GET(value_service, 0),
		.meaning = "Application protocol by the first payload bytes, as UNSW-NB15 has "
			   "them; '-' "
			   "unknown, or another.",
		.reason = SERVICE_WORDS},
	{NAMES("sload", "Sload"), NUMBER("bit/s"), LOG(1000), .sets = BOTH, .delay = DELAY_RATE,
		GET(value_load, SRC),
		.meaning = "8 * (B - floor(B/n)) / dur of the source's n packets of B bytes; 0 "
			   "where n <= 1 or dur = 0."},
	{NAMES("dload", "Dload"), NUMBER("bit/s"), LOG(1000), .sets = BOTH, .delay = DELAY_RATE,
		GET(value_load, DST), .meaning = "The same of the destination."},
	{NAMES("spkts", "Spkts"), NUMBER("packet"), LOG(1), .sets = BOTH, GET(value_packets, SRC),
		.meaning = "Packets of the source, as on the wire."},
	{NAMES("dpkts", "Dpkts"), NUMBER("packet"), LOG(1), .sets = BOTH, GET(value_packets, DST),
		.meaning = "Packets of the destination.", .reason = SILENT_WORDS},
	{.name = "swin",
		NUMBER("byte"),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_window, SRC),
		.meaning = "Last non-zero TCP window of the source, scaled as it offered; 0 of a "
			   "lone packet. UNSW-NB15 kept at most 255."},
	{.name = "dwin",
		NUMBER("byte"),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_window, DST),
		.meaning = "The same of the destination."},
	{.name = "stcpb",
		NUMBER(""),
		GET(value_seq, SRC),
		.meaning =
			"Initial sequence number of the source, in later parts where they begin: "
			"random, tells nothing."},
	{.name = "dtcpb",
		NUMBER(""),
		GET(value_seq, DST),
		.meaning = "Initial sequence number of the destination."},
	{NAMES("smean", "smeansz"), NUMBER("byte"), LOG(16), .sets = BOTH, GET(value_mean, SRC),
		.meaning = "Mean packet size of the source: floor(B/n + 0.5)."},
	{NAMES("dmean", "dmeansz"), NUMBER("byte"), LOG(16), .sets = BOTH, GET(value_mean, DST),
		.meaning = "Mean packet size of the destination.", .reason = SILENT_WORDS},
	{.name = "trans_depth",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_http_requests, 0),
		.meaning = "HTTP requests among the first payload bytes: later ones are not seen."},
	{NAMES("response_body_len", "res_bdy_len"), NUMBER("byte"), LOG(64), .sets = SET_PUBLISHED,
		GET(value_http_body, 0),
		.meaning = "Bytes of the first HTTP response's body, where Content-Length is among "
			   "the first payload bytes or there is no body by status or request."},
	{NAMES("sjit", "Sjit"), NUMBER("ms"), LOG(1), .sets = SET_PUBLISHED, .delay = DELAY_TIME,
		GET(value_jitter, SRC),
		.meaning = "Standard deviation of the gaps between the source's packets. "
			   "UNSW-NB15's carry a unit error of Argus."},
	{NAMES("djit", "Djit"), NUMBER("ms"), LOG(1), .sets = SET_PUBLISHED, .delay = DELAY_TIME,
		GET(value_jitter, DST), .meaning = "The same of the destination."},
	{.name = "Stime",
		.kind = KIND_TIME,
		.unit = "s",
		GET(value_first, true),
		.meaning = "First packet, whole seconds since 1970."},
	{.name = "Ltime",
		.kind = KIND_TIME,
		.unit = "s",
		GET(value_last, true),
		.meaning = "Last packet, whole seconds since 1970."},
	{NAMES("sinpkt", "Sintpkt"), NUMBER("ms"), LOG(1), .sets = BOTH, .delay = DELAY_TIME,
		GET(value_gap, SRC),
		.meaning = "Mean gap between the source's packets; equal times and gaps of 120 s "
			   "and more do not count."},
	{NAMES("dinpkt", "Dintpkt"), NUMBER("ms"), LOG(1), .sets = BOTH, .delay = DELAY_TIME,
		GET(value_gap, DST), .meaning = "Mean gap between the destination's packets."},
	{.name = "tcprtt",
		NUMBER("s"),
		LOG(1e-3),
		.sets = BOTH,
		.delay = DELAY_TIME,
		GET(value_rtt, 0),
		.meaning = "synack + ackdat."},
	{.name = "synack",
		NUMBER("s"),
		LOG(1e-3),
		.sets = BOTH,
		.delay = DELAY_TIME,
		GET(value_synack, 0),
		.meaning = "First SYN-ACK - last SYN before it."},
	{.name = "ackdat",
		NUMBER("s"),
		LOG(1e-3),
		.sets = BOTH,
		.delay = DELAY_TIME,
		GET(value_ackdat, 0),
		.meaning = "First ACK - last SYN-ACK before it; 0 where that ACK carries data or "
			   "the SYN was not seen."},
	{.name = "is_sm_ips_ports",
		NUMBER(""),
		LINEAR,
		.sets = SET_PUBLISHED,
		GET(value_same_ends, 0),
		.meaning = "1 where source and destination address and port are equal."},
	{.name = "ct_state_ttl",
		NUMBER(""),
		GET(value_state_ttl, 0),
		.meaning = "A function of state, sttl and dttl, read off UNSW-NB15's rows. An "
			   "artefact, as sttl."},
	{.name = "ct_flw_http_mthd",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_http_requests, 0),
		.meaning = "HTTP methods among the first payload bytes; the same as trans_depth."},
	{.name = "is_ftp_login",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_ftp_login, 0),
		.meaning = "1 where an FTP session logged in; known where its answer is among the "
			   "first payload bytes, or all that was answered."},
	{.name = "ct_ftp_cmd",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		GET(value_ftp_command, 0),
		.meaning = "1 where an FTP session has a command, as nearly all of UNSW-NB15 have "
			   "it."},
	{.name = "ct_srv_src",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same service and source in the block of 100 records by "
			   "last time."},
	{.name = "ct_srv_dst",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same service and destination in the block."},
	{.name = "ct_dst_ltm",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same destination and second of last time in the block."},
	{NAMES("ct_src_ltm", "ct_src_ ltm"), NUMBER(""), LOG(1), .sets = SET_PUBLISHED,
		.meaning = "Records of the same source and second of last time in the block."},
	{.name = "ct_src_dport_ltm",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same source, destination port and second of last time "
			   "in the block."},
	{.name = "ct_dst_sport_ltm",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same destination, source port and second of last time "
			   "in the block."},
	{.name = "ct_dst_src_ltm",
		NUMBER(""),
		LOG(1),
		.sets = SET_PUBLISHED,
		.meaning = "Records of the same source, destination and second of last time in the "
			   "block."},
	{.name = "attack_cat",
		.kind = KIND_LABEL,
		.unit = "",
		.meaning = "Class; empty: not known."},
	{NAMES("label", "Label"), .kind = KIND_LABEL, .unit = "",
		.meaning = "0 normal, 1 attack; empty: not known."},

	/* ---- the partition's ---- */
	{.name = "rate",
		NUMBER("1/s"),
		LOG(1),
		.sets = BOTH,
		.delay = DELAY_RATE,
		GET(value_rate, 0),
		.meaning = "(spkts + dpkts - 1) / dur; 0 where dur = 0."},

	/* ---- Karma's: the record ---- */
	{.name = "flow_id", TEXT(""), .meaning = "The same number in all records of a flow."},
	{.name = "event",
		CATEGORY(events),
		.sets = SET_LIVE,
		GET(value_event, 0),
		.meaning = "Why the record was made: a look at an open flow, its close by the "
			   "protocol, or its final account."},
	{.name = "part",
		NUMBER(""),
		LOG(1),
		.sets = SET_LIVE,
		GET(value_part, 0),
		.meaning = "0 for the first record of a flow, one more for each cut after 60 s."},
	{.name = "news",
		NUMBER(""),
		LINEAR,
		.sets = SET_LIVE,
		GET(value_news, 0),
		.meaning = "1 where the record has packets that none before it has shown."},
	{.name = "again",
		NUMBER(""),
		LINEAR,
		.sets = SET_LIVE,
		GET(value_again, 0),
		.meaning = "1 where a record of the flow went before."},
	{.name = "at",
		.kind = KIND_TIME,
		.unit = "s",
		GET(value_at, 0),
		.meaning = "When the record was made, seconds since 1970."},
	{.name = "first",
		.kind = KIND_TIME,
		.unit = "s",
		GET(value_first, false),
		.meaning = "First packet of the record, seconds since 1970."},
	{.name = "last",
		.kind = KIND_TIME,
		.unit = "s",
		GET(value_last, false),
		.meaning = "Last packet of the record, seconds since 1970."},
	{.name = "actor",
		TEXT(""),
		.meaning = "Whose doing the record is: its source; of an ICMP error the host that "
			   "it is sent to."},
	{.name = "app",
		TEXT(""),
		.meaning = "Application protocol, finer than service: by nDPI where it tells one "
			   "from the first payload bytes. Suricata's app_proto where it has a name "
			   "for it; '-' unknown."},
	{.name = "spayload",
		NUMBER("byte"),
		LOG(16),
		.sets = SET_LIVE,
		GET(value_payload, SRC),
		.meaning = "Bytes behind the transport header, sent by the source.",
		.reason = "no data was sent|%s of data sent|%s of data sent"},
	{.name = "dpayload",
		NUMBER("byte"),
		LOG(16),
		.sets = SET_LIVE,
		GET(value_payload, DST),
		.meaning = "Bytes behind the transport header, sent by the destination.",
		.reason = "no data was sent back|%s of data sent back|%s of data sent back"},
	FLAG("sfin", SRC, FLAG_FIN, "Packets of the source with FIN."),
	FLAG("ssyn", SRC, FLAG_SYN, "Packets of the source with SYN."),
	FLAG("srst", SRC, FLAG_RST, "Packets of the source with RST."),
	FLAG("spsh", SRC, FLAG_PSH, "Packets of the source with PSH."),
	FLAG("sack", SRC, FLAG_ACK, "Packets of the source with ACK."),
	FLAG("surg", SRC, FLAG_URG, "Packets of the source with URG."),
	FLAG("dfin", DST, FLAG_FIN, "Packets of the destination with FIN."),
	FLAG("dsyn", DST, FLAG_SYN, "Packets of the destination with SYN."),
	FLAG("drst", DST, FLAG_RST, "Packets of the destination with RST."),
	FLAG("dpsh", DST, FLAG_PSH, "Packets of the destination with PSH."),
	FLAG("dack", DST, FLAG_ACK, "Packets of the destination with ACK."),
	FLAG("durg", DST, FLAG_URG, "Packets of the destination with URG."),
	SIZE("ssize1", SRC, 0, "Payload of the source's first packet that carries any."),
	SIZE("ssize2", SRC, 1, "Payload of the source's second packet with data."),
	SIZE("ssize3", SRC, 2, "Payload of the source's third packet with data."),
	SIZE("ssize4", SRC, 3, "Payload of the source's fourth packet with data."),
	SIZE("dsize1", DST, 0, "Payload of the destination's first packet that carries any."),
	SIZE("dsize2", DST, 1, "Payload of the destination's second packet with data."),
	SIZE("dsize3", DST, 2, "Payload of the destination's third packet with data."),
	SIZE("dsize4", DST, 3, "Payload of the destination's fourth packet with data."),

	/* ---- Karma's: what happened lately, this record's flow included ---- */
	{.name = "gap",
		NUMBER("s"),
		LOG(1e-3),
		.sets = SET_LIVE,
		GET(value_actor_gap, 0),
		.meaning = "Time since the actor's previous record; 60 where there was none for "
			   "that long."},
	COUNTER("src_flows", COUNT_FLOWS_OF, "Flows that the actor began",
		"||%s connections begun"),
	COUNTER("src_ports", COUNT_PORTS_OF,
		"Distinct destination ports (with their protocol) that the actor tried",
		PORTS_WORDS),
	COUNTER("src_hosts", COUNT_HOSTS_OF, "Distinct destinations that the actor tried",
		"||%s hosts tried"),
	COUNTER("src_refused", COUNT_REFUSED_OF,
		"Connections of the actor that were refused (RST without data, ICMP unreachable)",
		REFUSED_WORDS),
	COUNTER("src_unanswered", COUNT_SILENT_OF,
		"Requests of the actor without an answer, those to groups left out", SILENCE_WORDS),
	COUNTER("dst_flows", COUNT_FLOWS_TO, "Flows begun towards the destination",
		"||%s connections to the target"),
	COUNTER("dst_sources", COUNT_SOURCES_TO,
		"Distinct sources of flows towards the destination",
		"||%s hosts sending to the target"),
	COUNTER("dst_half_open", COUNT_HALF_TO,
		"TCP connections towards the destination whose handshake is not completed",
		HALF_WORDS),
	COUNTER("pair_flows", COUNT_FLOWS_PAIR,
		"Flows of the actor to the same destination and port",
		"|the only connection to this service|%s connections to the same service"),
	SHARE("refused_share", "share", SCALE_LINEAR, value_refused_share,
		"src_refused / src_flows", REFUSED_WORDS),
	SHARE("unanswered_share", "share", SCALE_LINEAR, value_silent_share,
		"src_unanswered / src_flows", SILENCE_WORDS),
	SHARE("ports_per_host", "", SCALE_LOG, value_ports_per_host, "src_ports / src_hosts",
		PORTS_WORDS),
	SHARE("half_open_share", "share", SCALE_LINEAR, value_half_share,
		"dst_half_open / dst_flows", HALF_WORDS),
};

const unsigned feature_count = sizeof(features) / sizeof(features[0]);
_Static_assert(sizeof(features) / sizeof(features[0]) <= FEATURE_MAX, "struct row holds them all");
