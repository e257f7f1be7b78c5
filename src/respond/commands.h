/* The block list over the control socket: what a person may ask for and do.
 *
 *   block.list  ["after": N]                          "entries": up to 500, "next": N or null
 *   block.add   "address": A[/L] ["for": S] ["dry_run": true]
 *   block.del   "address": A[/L]                      or as block.list names a limited port
 *   block.flush
 */
#ifndef KARMA_RESPOND_COMMANDS_H
#define KARMA_RESPOND_COMMANDS_H

#include "control/control.h"
#include "respond/respond.h"

enum { RESPOND_COMMANDS = 4 };

/* Their context is a struct respond. */
extern const struct control_command respond_commands[RESPOND_COMMANDS];

/* An entry as the list shows it: NULL when memory is short. */
json_t *respond_entry_json(const struct policy_entry *e, const struct filter_counts *counts);

#endif
