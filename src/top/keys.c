#include "top/keys.h"

#include <ncurses.h>

#include "top/act.h"

enum { ESCAPE = 27 };

#define IN(view) (1U << (view))
#define LISTS (IN(VIEW_OVERVIEW) | IN(VIEW_ALERTS) | IN(VIEW_HOSTS))
#define ALERTS (IN(VIEW_OVERVIEW) | IN(VIEW_ALERTS) | IN(VIEW_ALERT))
#define EVERYWHERE (~IN(VIEW_HELP))

const struct key keys[] = {
	{'q', 0, "q", "quit", "quit", ~0U, act_quit},
	{'?', 'h', "?  h", "these keys", "help", EVERYWHERE, act_help},
	{KEY_UP, 'k', "Up  k", "a row up", NULL, 0, act_up},
	{KEY_DOWN, 'j', "Down  j", "a row down", NULL, 0, act_down},
	{KEY_PPAGE, 0, "Page Up", "a screen up", NULL, 0, act_page_up},
	{KEY_NPAGE, 0, "Page Down", "a screen down", NULL, 0, act_page_down},
	{KEY_HOME, 'g', "Home  g", "to the top, and stay with what is newest", NULL, 0, act_home},
	{KEY_END, 'G', "End  G", "to the end", NULL, 0, act_end},
	{KEY_LEFT, 0, "Left", "in an alert: to the left; elsewhere: the view before", NULL, 0,
		act_left},
	{KEY_RIGHT, 0, "Right", "in an alert: to the right; elsewhere: the next view", NULL, 0,
		act_right},
	{'\t', 0, "Tab", "the other list of the view", "other list",
		IN(VIEW_OVERVIEW) | IN(VIEW_BLOCKS), act_other},
	{'\r', KEY_ENTER, "Enter", "an alert: reasons, probabilities, flows; a host: its alerts",
		"open", LISTS, act_open},
	{ESCAPE, KEY_BACKSPACE, "Esc", "back; or take the filter away", "back",
		IN(VIEW_ALERT) | IN(VIEW_HELP), act_back},
	{'1', 0, "1", "overview", NULL, 0, act_overview},
	{'2', 0, "2", "alerts", NULL, 0, act_alerts},
	{'3', 0, "3", "hosts by suspicion", NULL, 0, act_hosts},
	{'4', 0, "4", "block list and allow list", NULL, 0, act_blocks},
	{'5', 0, "5", "system: what is wrong, losses, latency", NULL, 0, act_system},
	{'a', 0, "a", "acknowledge the alert: it was an attack", "ack", ALERTS, act_ack},
	{'f', 0, "f", "mark the alert as a false alarm", "false", ALERTS, act_false},
	{'c', 0, "c", "clear the alert's mark", NULL, 0, act_clear},
	{'m', 0, "m", "mute the attacker, of one class or of all, until some time", "mute", ALERTS,
		act_mute},
	{'M', 0, "M", "end the mutes of that address", NULL, 0, act_unmute},
	{'b', 0, "b", "block the attacker or the host, once you have confirmed it", "block",
		LISTS | IN(VIEW_ALERT), act_block},
	{'B', 0, "B", "block an address that you type", "block other", IN(VIEW_BLOCKS),
		act_block_typed},
	{'u', 0, "u", "unblock it; in the allow list: take it off", "unblock",
		LISTS | IN(VIEW_ALERT) | IN(VIEW_BLOCKS), act_unblock},
	{'A', 0, "A", "allow it: it is never blocked", "allow", EVERYWHERE & ~IN(VIEW_SYSTEM),
		act_allow},
	{'/', 0, "/", "filter the lists: words, all of which must be there", "filter",
		LISTS | IN(VIEW_BLOCKS), act_filter},
	{'p', ' ', "p  Space", "pause: nothing on the screen changes; again: go on", "pause",
		EVERYWHERE, act_pause},
	{'z', 0, "z", "a column of the rates is 1, 10 or 60 points", "zoom", IN(VIEW_OVERVIEW),
		act_zoom},
	{'L' & 0x1f, 0, "Ctrl-L", "draw the screen anew", NULL, 0, act_redraw},
};

const unsigned key_count = sizeof(keys) / sizeof(keys[0]);

bool keys_press(struct top *t, int code)
{
	for (unsigned i = 0; i < key_count; i++) {
		if (keys[i].code != code && (!keys[i].also || keys[i].also != code))
			continue;
		keys[i].act(t);
		return true;
	}
	return false;
}
