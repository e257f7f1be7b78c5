#include "cmd/manager.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "util/clock.h"

void manager_ready(struct manager *s, const char *status)
{
	uint64_t limit_us = 0;

	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
	/* Twice in the time after which it would be given up. */
	s->every_ns = sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us * 1000 / 2 : 0;
	s->given_ns = clock_now(CLOCK_MONOTONIC);
}

void manager_alive(struct manager *s)
{
	uint64_t now_ns = clock_now(CLOCK_MONOTONIC);

	if (!s->every_ns || now_ns - s->given_ns < s->every_ns)
		return;
	s->given_ns = now_ns;
	sd_notify(0, "WATCHDOG=1");
}

void manager_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now(CLOCK_MONOTONIC) / 1000);
}

void manager_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void manager_ends(void)
{
	sd_notify(0, "STOPPING=1");
}
