/* MITRE ATT&CK (attack.mitre.org): the technique that an alert shows, as far as its class and the
 * flow behind it tell. It names what was reported and decides nothing. */
#ifndef KARMA_DETECT_TECHNIQUE_H
#define KARMA_DETECT_TECHNIQUE_H

#include "detect/alert.h"

struct technique {
	const char *id,
		*name; /* "T1110", "Brute_Force": words joined, as Suricata's rules have them */
	const char *tactic_id, *tactic;
};

/* NULL: the class is too broad for one. */
const struct technique *alert_technique(const struct alert *a);

#endif
