/* The block list over the control socket: what a person may ask for and do.
 *
 *   block.list  ["after": N]                          "entries": up to 500, "next": N or null
 *   block.add   "address": A[/L] ["for": S] ["dry_run": true]
 *   block.del   "address": A[/L]                      or as block.list names a limited port
 *   block.flush
 *
 *   allow.list                                        "allow": whom the configuration and people
 * name allow.add   "address": A[/L] allow.del   "address": A[/L]                      what a person
 * named
 */
#ifndef KARMA_RESPOND_COMMANDS_H
#define KARMA_RESPOND_COMMANDS_H

#include "control/control.h"
#include "respond/respond.h"

enum { RESPOND_COMMANDS = 4 };

/* Their context is a struct respond. */
extern const struct control_command respond_commands[RESPOND_COMMANDS];

enum { ALLOW_COMMANDS = 3 };

/* The context of the commands about the allow list. */
struct allow_hand {
	struct allowed *allowed;
	const struct respond_settings *settings;                     /* with the configuration's */
	void (*change)(void *context, const struct block_change *c); /* done: by whom and when */
	void *context;
};

extern const struct control_command allow_commands[ALLOW_COMMANDS];

/* An entry as the list shows it: NULL when memory is short. */
json_t *respond_entry_json(const struct policy_entry *e, const struct filter_counts *counts);

#endif
