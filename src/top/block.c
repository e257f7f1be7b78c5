/* Keys that act in the kernel: they ask the daemon. */
#include <stdio.h>
#include <string.h>

#include "top/act.h"
#include "util/when.h"

const char *act_address(struct top *t)
{
	const struct top_alert *a = rows_alert(t);
	const struct top_host *h = rows_host(t);
	const struct top_block *b = rows_block(t);
	const struct top_allowed *w = rows_allowed(t);

	if (t->view != VIEW_ALERT && t->view > VIEW_BLOCKS) {
		top_say(t, LOOK_WARN, "nothing is chosen here");
		return "";
	}
	if (a && !*a->who)
		top_say(t, LOOK_WARN,
			"the alert names no attacker: its sources are many, or forged");
	else if (!a && !h && !b && !w)
		top_say(t, LOOK_WARN, "nothing is chosen");
	return a ? a->who : h ? h->ip : b ? b->what : w ? w->what : "";
}

/* Is there somebody to act? `blocking`: who blocks. It is said why not. */
static bool can_act(struct top *t, bool blocking)
{
	if (!t->options.socket)
		top_say(t, LOOK_BAD,
			"a history file was opened: nothing can be blocked or allowed from here; "
			"attach to a karma (karma top without --history)");
	else if (t->link.fd < 0)
		top_say(t, LOOK_BAD, "nothing can be done: %s", t->link.why);
	else if (blocking && t->state.blocking <= BLOCKING_OFF)
		top_say(t, LOOK_BAD, "blocking is off: start karma run with --block");
	else
		return true;
	return false;
}

static void send_request(struct top *t, const char *command, const char *said)
{
	struct link_note note = {.kind = NOTE_ACT};
	json_t *request = json_pack("{ss ss}", "command", command, "address", t->pending.address);

	if (t->pending.seconds)
		json_object_set_new(request, "for", json_integer((json_int_t)t->pending.seconds));
	snprintf(note.text, sizeof(note.text), "%s", said);
	if (!link_ask(&t->link, &note, request))
		top_say(t, LOOK_BAD, "karma does not answer; nothing was done");
	else
		top_say(t, LOOK_PLAIN, "asked ...");
}

static void take_address(struct top *t, const char *address)
{
	t->pending = (struct pending){.seconds = 0};
	snprintf(t->pending.address, sizeof(t->pending.address), "%.63s", address);
}

/* ---- block ---- */

static void block_confirmed(struct top *t, const char *answer)
{
	if (*answer == 'y')
		send_request(t, "block.add", "blocked");
	else
		top_say(t, LOOK_PLAIN, "%s is not blocked", t->pending.address);
}

static void take_time(struct top *t, const char *text)
{
	if (*text && !duration_parse(text, &t->pending.seconds)) {
		top_say(t, LOOK_BAD, "'%s' is no time: 90s, 10m, 1h or 2d", text);
		return;
	}
	prompt_choice(t, "yn", block_confirmed, "block %s %s%s: (y)es or (n)o?", t->pending.address,
		*text ? "for " : "until it is unblocked", text);
}

static void ask_time(struct top *t, const char *address)
{
	if (!*address)
		return;
	take_address(t, address);
	prompt_text(t, "10m", take_time, "block %s for (empty: until it is unblocked):", address);
}

void act_block(struct top *t)
{
	if (can_act(t, true))
		ask_time(t, act_address(t));
}

void act_block_typed(struct top *t)
{
	if (can_act(t, true))
		prompt_text(t, "", ask_time, "address or prefix to block:");
}

/* ---- unblock, allow ---- */

static void unblock_confirmed(struct top *t, const char *answer)
{
	if (*answer == 'y')
		send_request(t, "block.del", "unblocked");
	else
		top_say(t, LOOK_PLAIN, "nothing was done");
}

static void disallow_confirmed(struct top *t, const char *answer)
{
	if (*answer == 'y')
		send_request(t, "allow.del", "off the allow list");
	else
		top_say(t, LOOK_PLAIN, "nothing was done");
}

static void allow_confirmed(struct top *t, const char *answer)
{
	if (*answer == 'y')
		send_request(t, "allow.add", "allowed");
	else
		top_say(t, LOOK_PLAIN, "nothing was done");
}

void act_unblock(struct top *t)
{
	const struct top_allowed *w = rows_allowed(t);
	bool allowed = w && t->view == VIEW_BLOCKS;
	const char *address;

	if (!can_act(t, !allowed))
		return;
	if (allowed && w->fixed) {
		top_say(t, LOOK_WARN, "%s is allowed by the configuration: change it there",
			w->what);
		return;
	}
	address = act_address(t);
	if (!*address)
		return;
	take_address(t, address);
	prompt_choice(t, "yn", allowed ? disallow_confirmed : unblock_confirmed,
		allowed ? "take %s off the allow list: (y)es or (n)o?"
			: "unblock %s: (y)es or (n)o?",
		address);
}

void act_allow(struct top *t)
{
	const char *address;

	if (!can_act(t, false))
		return;
	address = act_address(t);
	if (!*address)
		return;
	take_address(t, address);
	prompt_choice(t, "yn", allow_confirmed,
		"allow %s, so that it is never blocked: (y)es or (n)o?", address);
}
