/* How many different ones? Ports are counted exactly, hosts by linear counting: a bitmap of hashes,
 * of which the zeros tell how many went in (Whang, Vander-Zanden, Taylor: "A linear-time
 * probabilistic counting algorithm", TODS 1990). */
#ifndef KARMA_DETECT_DISTINCT_H
#define KARMA_DETECT_DISTINCT_H

#include <stdint.h>

enum { DISTINCT_HOST_BITS = 32768, DISTINCT_PORT_BITS = 65536 };

struct distinct_hosts {
	uint32_t ones;
	uint64_t word[DISTINCT_HOST_BITS / 64];
};

struct distinct_ports {
	uint32_t ones;
	uint64_t word[DISTINCT_PORT_BITS / 64];
};

void distinct_add_host(struct distinct_hosts *d, const uint8_t addr[16]);
void distinct_add_port(struct distinct_ports *d, uint16_t port);

/* Standard error below 0.5 % up to 50,000 hosts; stops at about 340,000. */
uint64_t distinct_host_count(const struct distinct_hosts *d);

#endif
