/* Where flow records come from: an interface (live.c, libbpf) or captures (file.c, libpcap). Both
 * hand each record to a sink and keep the same counters. */
#ifndef KARMA_CAPTURE_H
#define KARMA_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/counter.h"
#include "flow/record.h"
#include "util/error.h"

/* Called for each record in the order in which it arises. A negative return ends the reading and
 * is passed on. The record is the callee's only during the call. */
typedef int (*record_sink)(void *context, const struct record *r);

struct meter_settings {
	uint32_t flows; /* most flows at a time; 0: the default, 131072 */
	bool outer;     /* meter a tunnel as what it is outside, not the flows in it */
};

/* ---- captures ---- */

/* Read a capture ("-": standard input; pcap or pcapng) through the same meter. Looks and closing
 * times follow the capture's own clock. At the end every open flow is closed. `stats` is added to,
 * not set. 0, or a negative errno; a truncated capture gives all its whole packets to the sink,
 * then an error that says so. */
int capture_read(const char *path, const struct meter_settings *settings, record_sink sink,
	void *context, struct meter_stats *stats, struct error *e);

/* ---- live ---- */

struct live;

/* Load the kernel programs and meter both directions of an interface. The programs vanish with
 * the process. 0, or a negative errno with the remedy in `e`. */
int live_open(struct live **live, const char *interface, const struct meter_settings *settings,
	struct error *e);

/* Wait for reports up to `timeout_ms`, sweep the flow map when it is time, hand the records to the
 * sink. Returns how many, or a negative errno (-EINTR: a signal). */
int live_poll(struct live *live, int timeout_ms, record_sink sink, void *context);

/* Close every open flow and hand it to the sink; for the end of a run. */
int live_drain(struct live *live, record_sink sink, void *context);

/* The counters since live_open(). */
int live_stats(const struct live *live, struct meter_stats *stats);

/* "tcx" or "clsact": how the programs are attached. */
const char *live_attachment(const struct live *live);

/* Detach and free; NULL is fine. */
void live_close(struct live *live);

/* The interface of the default route (IPv4, else IPv6) into `name` (IF_NAMESIZE bytes). */
int live_default_interface(char *name, struct error *e);

#endif
