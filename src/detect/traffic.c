#include "detect/traffic.h"

#include <netinet/in.h>
#include <string.h>

#include "feature/service.h"

enum traffic traffic_of(const struct record *r, enum service service)
{
	if (service != SERVICE_NONE)
		return (enum traffic)service;
	switch (r->proto) {
	case IPPROTO_TCP:
		return TRAFFIC_TCP;
	case IPPROTO_UDP:
		return TRAFFIC_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return TRAFFIC_ICMP;
	default:
		return TRAFFIC_OTHER;
	}
}

const char *traffic_name(enum traffic t)
{
	switch (t) {
	case TRAFFIC_OTHER:
		return "other";
	case TRAFFIC_TCP:
		return "tcp";
	case TRAFFIC_UDP:
		return "udp";
	case TRAFFIC_ICMP:
		return "icmp";
	default:
		return service_names[t];
	}
}

int traffic_find(const char *name)
{
	for (int t = 0; t < TRAFFICS; t++)
		if (strcmp(traffic_name((enum traffic)t), name) == 0)
			return t;
	return -1;
}
