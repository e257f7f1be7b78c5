/* What is new of hosts and minutes, until it is handed over. */
#include <netinet/in.h>
#include <string.h>

#include "output/history_inside.h"

static const int64_t minute = 60 * 1000000000LL;

/* ---- hosts ---- */

static struct batch_host *host_of(struct history *h, const uint8_t addr[16], int64_t at_ns)
{
	uint64_t replaced = lru_replaced(h->hosts);
	struct batch_host *host;
	bool fresh;

	host = lru_use(h->hosts, addr, &fresh);
	if (lru_replaced(h->hosts) != replaced) {
		pthread_mutex_lock(&h->lock);
		h->stats.lost_hosts++;
		pthread_mutex_unlock(&h->lock);
	}
	if (fresh) {
		memcpy(host->addr, addr, 16);
		host->first_ns = at_ns;
	}
	host->last_ns = at_ns > host->last_ns ? at_ns : host->last_ns;
	return host;
}

/* Was it answered? A forged source never completes a handshake. */
static bool is_answered(const struct record *r)
{
	if (!r->side[SRC].packets || !r->side[DST].packets)
		return false;
	return r->proto != IPPROTO_TCP || r->ackdat_ns || r->state == STATE_CON ||
	       r->state == STATE_FIN;
}

void history_record(struct history *h, const struct record *r)
{
	if (r->event != RECORD_FINAL || r->total || !is_answered(r))
		return;
	for (int end = SRC; end <= DST; end++) {
		struct batch_host *host = host_of(h, r->addr[end], r->last_ns);

		host->first_ns = r->first_ns < host->first_ns ? r->first_ns : host->first_ns;
		host->flows[end] += r->part == 0;
		host->bytes[0] += r->side[end].bytes;
		host->bytes[1] += r->side[!end].bytes;
	}
}

void history_suspect(
	struct history *h, const uint8_t addr[16], int64_t at_ns, float sum, bool grave)
{
	struct batch_host *host = grave ? host_of(h, addr, at_ns) : lru_find(h->hosts, addr);

	if (!host || sum <= host->suspicion)
		return;
	host->suspicion = sum;
	host->suspect_ns = at_ns;
}

/* ---- minutes ---- */

static struct batch_minute *minute_of(struct history *h, int64_t number)
{
	struct batch_minute *m = h->minutes ? &h->minute[h->minutes - 1] : NULL;

	if (m && m->minute == number)
		return m;
	if (h->minutes == HISTORY_WAITING) {
		memmove(h->minute, h->minute + 1, (HISTORY_WAITING - 1) * sizeof(*m));
		h->minutes--;
		pthread_mutex_lock(&h->lock);
		h->stats.lost_minutes++;
		pthread_mutex_unlock(&h->lock);
	}
	m = &h->minute[h->minutes++];
	*m = (struct batch_minute){.minute = number};
	return m;
}

void history_figures(struct history *h, const struct summary *s)
{
	if (h->has_figures)
		minute_add(minute_of(h, s->now_ns / minute), &h->figures, s);
	h->figures = *s;
	h->has_figures = true;
}
