/* usage: web_serve ADDRESS:PORT SOCKET HISTORY TOKEN-FILE: the dashboard alone, over any history.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "web/web.h"

int main(int argc, char **argv)
{
	struct web_settings s = {.socket = argv[2], .history = argv[3]};
	struct error e = {""};
	struct web *w;

	if (argc != 5)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	snprintf(s.listen, sizeof(s.listen), "%s", argv[1]);
	snprintf(s.token, sizeof(s.token), "%s", argv[4]);
	if (web_open(&w, &s, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	puts(web_url(w));
	fflush(stdout);
	pause();
	web_close(w);
	return 0;
}
