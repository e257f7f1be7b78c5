/* Which application protocol a flow speaks, told by its first payload bytes, not by its port. */
#ifndef KARMA_FEATURE_SERVICE_H
#define KARMA_FEATURE_SERVICE_H

#include "flow/record.h"

/* The pairs of hosts that hold an FTP control connection, so that the data connections between
 * them are known for what they are (their bytes are the file's and say nothing). A table of fixed
 * size: a pair takes the place of another one with the same hash. */
enum { SERVICE_PAIRS = 4096 };

struct service_pair {
	uint8_t addr[2][16];
	int64_t seen_ns; /* 0: empty */
};

struct service_memory {
	struct service_pair pair[SERVICE_PAIRS];
};

/* UNSW-NB15's name of the service: "dns", "http", "smtp", "ftp", "ftp-data", "ssh", "pop3", "ssl",
 * "snmp", "dhcp", "irc", "radius" or "-". An FTP control connection is remembered in `m`, which
 * starts zeroed. */
const char *service_name(struct service_memory *m, const struct record *r);

#endif
