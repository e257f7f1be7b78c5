/* nDPI, behind one function: the application protocol of a flow by its first payload bytes. Only
 * this file's neighbour dissect.c knows nDPI. */
#ifndef KARMA_FEATURE_DISSECT_H
#define KARMA_FEATURE_DISSECT_H

#include "flow/record.h"

/* UNSW-NB15's services, in the order of service_names. */
enum service {
	SERVICE_NONE,
	SERVICE_DNS,
	SERVICE_HTTP,
	SERVICE_SMTP,
	SERVICE_FTP,
	SERVICE_FTP_DATA,
	SERVICE_SSH,
	SERVICE_POP3,
	SERVICE_SSL,
	SERVICE_SNMP,
	SERVICE_DHCP,
	SERVICE_IRC,
	SERVICE_RADIUS,
	SERVICES,
};

struct naming {
	const char *app; /* lower case, Suricata's app_proto where it has one; it lives as long as
			    the process. NULL: not known */
	enum service service;
};

/* Of TCP and UDP with payload. The same record has the same name whatever came before it. The first
 * call loads nDPI for the rest of the process: some 20 ms, 8 MB. Not for two threads at once. */
struct naming dissect(const struct record *r);

#endif
