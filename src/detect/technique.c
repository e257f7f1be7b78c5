#include "detect/technique.h"

#include <netinet/in.h>
#include <string.h>

enum known {
	ACTIVE_SCANNING,
	VULNERABILITY_SCANNING,
	WORDLIST_SCANNING,
	SERVICE_DISCOVERY,
	NETWORK_FLOOD,
	REFLECTION,
	STATE_FLOOD,
	SERVICE_FLOOD,
	PUBLIC_EXPLOIT,
	CLIENT_EXPLOIT,
	REMOTE_EXPLOIT,
	WEB_CONTROL,
	DNS_CONTROL,
	CONTROL,
	RAW_CONTROL,
	BRUTE_FORCE,
	NONE,
};

#define RECONNAISSANCE "TA0043", "Reconnaissance"
#define IMPACT "TA0040", "Impact"
#define COMMAND_AND_CONTROL "TA0011", "Command_and_Control"

static const struct technique techniques[] = {
	[ACTIVE_SCANNING] = {"T1595", "Active_Scanning", RECONNAISSANCE},
	[VULNERABILITY_SCANNING] = {"T1595.002", "Vulnerability_Scanning", RECONNAISSANCE},
	[WORDLIST_SCANNING] = {"T1595.003", "Wordlist_Scanning", RECONNAISSANCE},
	[SERVICE_DISCOVERY] = {"T1046", "Network_Service_Discovery", "TA0007", "Discovery"},
	[NETWORK_FLOOD] = {"T1498", "Network_Denial_of_Service", IMPACT},
	[REFLECTION] = {"T1498.002", "Reflection_Amplification", IMPACT},
	[STATE_FLOOD] = {"T1499.001", "OS_Exhaustion_Flood", IMPACT},
	[SERVICE_FLOOD] = {"T1499.002", "Service_Exhaustion_Flood", IMPACT},
	[PUBLIC_EXPLOIT] = {"T1190", "Exploit_Public_Facing_Application", "TA0001",
		"Initial_Access"},
	[CLIENT_EXPLOIT] = {"T1203", "Exploitation_for_Client_Execution", "TA0002", "Execution"},
	[REMOTE_EXPLOIT] = {"T1210", "Exploitation_of_Remote_Services", "TA0008",
		"Lateral_Movement"},
	[WEB_CONTROL] = {"T1071.001", "Web_Protocols", COMMAND_AND_CONTROL},
	[DNS_CONTROL] = {"T1071.004", "DNS", COMMAND_AND_CONTROL},
	[CONTROL] = {"T1071", "Application_Layer_Protocol", COMMAND_AND_CONTROL},
	[RAW_CONTROL] = {"T1095", "Non_Application_Layer_Protocol", COMMAND_AND_CONTROL},
	[BRUTE_FORCE] = {"T1110", "Brute_Force", "TA0006", "Credential_Access"},
};

static bool app_is(const struct alert *a, const char *name)
{
	return a->app && strcmp(a->app, name) == 0;
}

/* Of a network of one's own: not routed in the Internet. */
static bool is_private(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *v4 = addr + 12;

	if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		return v4[0] == 10 || v4[0] == 127 || (v4[0] == 172 && v4[1] >> 4 == 1) ||
		       (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254) ||
		       (v4[0] == 100 && v4[1] >> 6 == 1);
	return addr[0] >> 1 == 0x7e || (addr[0] == 0xfe && addr[1] >> 6 == 2);
}

/* A scanner inside looks for where to go on; one outside, for a way in. */
static enum known scan(const struct alert *a)
{
	return !a->many && is_private(a->attacker) ? SERVICE_DISCOVERY : ACTIVE_SCANNING;
}

/* What is exhausted: the service, where it was spoken to; the system's table of connections; else
 * the way there. */
static enum known denial(const struct alert *a)
{
	const struct record *r = &a->record;

	if (a->reflected)
		return REFLECTION;
	if (r->proto != IPPROTO_TCP)
		return NETWORK_FLOOD;
	return r->side[a->actor].payload ? SERVICE_FLOOD : STATE_FLOOD;
}

static enum known control(const struct alert *a)
{
	if (app_is(a, "dns"))
		return DNS_CONTROL;
	if (app_is(a, "http") || app_is(a, "tls"))
		return WEB_CONTROL;
	return record_has_ports(&a->record) ? CONTROL : RAW_CONTROL;
}

static enum known technique_of(const struct alert *a)
{
	switch (a->class) {
	case CLASS_RECONNAISSANCE:
		return scan(a);
	case CLASS_DOS:
		return denial(a);
	case CLASS_FUZZERS:
		return app_is(a, "http") ? WORDLIST_SCANNING : VULNERABILITY_SCANNING;
	case CLASS_EXPLOITS:
		return PUBLIC_EXPLOIT;
	case CLASS_ANALYSIS:
		return VULNERABILITY_SCANNING;
	case CLASS_BACKDOOR:
		return control(a);
	case CLASS_SHELLCODE:
		return CLIENT_EXPLOIT;
	case CLASS_WORMS:
		return REMOTE_EXPLOIT;
	case CLASS_BRUTE_FORCE:
		return BRUTE_FORCE;
	default:
		return NONE;
	}
}

const struct technique *alert_technique(const struct alert *a)
{
	enum known t = technique_of(a);

	return t == NONE ? NULL : &techniques[t];
}
