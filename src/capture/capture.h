/* Where flow records come from: interfaces (live.c, libbpf) or captures (file.c). Both hand each
 * record to a sink and keep the same counters. */
#ifndef KARMA_CAPTURE_H
#define KARMA_CAPTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/caught.h"
#include "capture/interface.h"
#include "flow/counter.h"
#include "flow/record.h"
#include "util/error.h"

/* Called for each record in the order in which it arises. A negative return ends the reading and
 * is passed on. The record is the callee's only during the call. */
typedef int (*record_sink)(void *context, const struct record *r);

enum { METER_FLOWS_DEFAULT = 131072, METER_FLOWS_LEAST = 1024, METER_FLOWS_MOST = 1 << 22 };

struct meter_settings {
	uint32_t flows;      /* most flows at a time; 0: METER_FLOWS_DEFAULT */
	bool outer;          /* meter a tunnel as what it is outside, not the flows in it */
	bool each_interface; /* what is seen on two interfaces is two flows */

	/* Captures alone. */
	bool follow;                       /* a file's end is not the end: more may come */
	const volatile sig_atomic_t *stop; /* not 0: read no more; may be NULL */
	void (*waiting)(void *context, int64_t now_ns); /* for the sink's context; may be NULL */
	caught_sink caught; /* gets each decoded frame, with the sink's context; may be NULL */
};

/* ---- captures ---- */

/* Read a capture ("-": standard input; pcap or pcapng) through the same meter. Looks and closing
 * times follow the capture's own clock. At the end every open flow is closed. `stats` is added to,
 * not set. 0, or a negative errno; a truncated capture gives all its whole packets to the sink,
 * then an error that says so. Where it was stopped: -EINTR.
 *
 * While there is nothing to read, as from a pipe, every packet that has come has been metered, and
 * settings->waiting() is called with the capture's clock, again and again.
 *
 * With settings->follow that clock goes on while there is nothing to read, and a file is read on
 * when it grows, until it is stopped, which then is a good end: open flows are closed. It may end
 * in the midst of a packet at any time. */
int capture_read(const char *path, const struct meter_settings *settings, record_sink sink,
	void *context, struct meter_stats *stats, struct error *e);

/* ---- live ---- */

struct live;

/* Told what becomes of an interface: "eth0 is down; waiting for it". */
typedef void (*live_word)(void *context, const char *line);

/* Load the kernel programs and meter both directions of some interfaces. The programs vanish with
 * the process. One that goes down or away later is waited for; of that `tell` is told. 0, or a
 * negative errno with the remedy in `e`. */
int live_open(struct live **live, const struct interface_list *interfaces,
	const struct meter_settings *settings, live_word tell, void *context, struct error *e);

/* Wait for reports up to `timeout_ms`, follow the interfaces, sweep the flow map when it is time,
 * hand records to the sink: no more than LIVE_RECORDS at a time, so that a flood leaves the caller
 * time for all else. Returns how many, or a negative errno (-EINTR: a signal). */
enum { LIVE_RECORDS = 1024 };
int live_poll(struct live *live, int timeout_ms, record_sink sink, void *context);

/* Let live_poll() return early, too, when this descriptor can be read. */
void live_wake(struct live *live, int fd);

/* Could it be, when live_poll() looked last? */
bool live_is_woken(const struct live *live);

/* Detach, close every open flow and hand it to the sink; for the end of a run. */
int live_drain(struct live *live, record_sink sink, void *context);

/* The counters since live_open(). 0, or a negative errno: then they are not all there. */
int live_stats(const struct live *live, struct meter_stats *stats);

/* "tcx" or "clsact": how the programs are attached. */
const char *live_attachment(const struct live *live);

/* How each interface does. Returns how many. */
unsigned live_interfaces(const struct live *live, struct live_interface out[INTERFACES_MAX]);

/* The interface that a record's ifindex names; NULL: none that was watched. */
const char *live_interface(const struct live *live, uint32_t ifindex);

/* What the kernel holds for it. */
struct live_size {
	uint32_t flows;      /* that there is room for */
	uint64_t flow_bytes; /* each of them */
	uint64_t bytes;      /* all of its maps */
};
void live_size(const struct live *live, struct live_size *size);

/* Detach and free; NULL is fine. */
void live_close(struct live *live);

/* The interface of the default route (IPv4, else IPv6) into `name` (IF_NAMESIZE bytes). */
int live_default_interface(char *name, struct error *e);

#endif
