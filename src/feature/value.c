#include "feature/value.h"

#include <ctype.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

const int window_seconds[WINDOWS] = {2, 10, 60};

/* ---- what it is ---- */

static double category(int feature, const char *name)
{
	int index = feature_category(&features[feature], name);

	return index < 0 ? NAN : index;
}

double value_proto(const struct feature_source *s, int arg)
{
	(void)arg;
	return category(COL_PROTO, record_proto_name(s->r->net, s->r->proto));
}

double value_state(const struct feature_source *s, int arg)
{
	(void)arg;
	return category(COL_STATE, record_state_name(s->r->state));
}

double value_service(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->name.service;
}

double value_event(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->r->event - RECORD_LOOK;
}

double value_port(const struct feature_source *s, int side)
{
	return s->r->port[side];
}

double value_part(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->r->part;
}

double value_news(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->r->news;
}

double value_again(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->r->again;
}

double value_same_ends(const struct feature_source *s, int arg)
{
	(void)arg;
	return memcmp(s->r->addr[SRC], s->r->addr[DST], 16) == 0 &&
	       s->r->port[SRC] == s->r->port[DST];
}

/* ---- times, s since 1970 or s ---- */

static double seconds(int64_t ns, int whole)
{
	int64_t s = ns / 1000000000;

	return whole ? (double)s : (double)ns * 1e-9;
}

double value_first(const struct feature_source *s, int whole)
{
	return seconds(s->r->first_ns, whole);
}

double value_last(const struct feature_source *s, int whole)
{
	return seconds(s->r->last_ns, whole);
}

double value_at(const struct feature_source *s, int arg)
{
	(void)arg;
	return (double)s->r->at_ns * 1e-9;
}

double value_dur(const struct feature_source *s, int arg)
{
	(void)arg;
	return (double)(s->r->last_ns - s->r->first_ns) * 1e-9;
}

double value_synack(const struct feature_source *s, int arg)
{
	(void)arg;
	return (double)s->r->synack_ns * 1e-9;
}

double value_ackdat(const struct feature_source *s, int arg)
{
	(void)arg;
	return (double)s->r->ackdat_ns * 1e-9;
}

double value_rtt(const struct feature_source *s, int arg)
{
	return value_synack(s, arg) + value_ackdat(s, arg);
}

/* ---- packets and bytes ---- */

double value_packets(const struct feature_source *s, int side)
{
	return (double)s->r->side[side].packets;
}

double value_bytes(const struct feature_source *s, int side)
{
	return (double)s->r->side[side].bytes;
}

double value_payload(const struct feature_source *s, int side)
{
	return (double)s->r->side[side].payload;
}

double value_rate(const struct feature_source *s, int arg)
{
	double dur = value_dur(s, arg);
	double packets = value_packets(s, SRC) + value_packets(s, DST);

	return dur > 0 ? (packets - 1) / dur : 0;
}

double value_load(const struct feature_source *s, int side)
{
	const struct flow_side *f = &s->r->side[side];
	double dur = value_dur(s, 0);
	uint64_t bits;

	if (f->packets <= 1 || dur <= 0)
		return 0;
	bits = 8 * (f->bytes - f->bytes / f->packets);
	return (double)bits / dur;
}

double value_mean(const struct feature_source *s, int side)
{
	const struct flow_side *f = &s->r->side[side];

	return f->packets ? floor((double)f->bytes / (double)f->packets + 0.5) : 0;
}

double value_gap(const struct feature_source *s, int side)
{
	const struct flow_side *f = &s->r->side[side];

	return f->gaps ? (double)f->gap_us / f->gaps * 1e-3 : 0;
}

double value_jitter(const struct feature_source *s, int side)
{
	const struct flow_side *f = &s->r->side[side];
	double mean, variance;

	if (f->gaps < 2)
		return 0;
	mean = (double)f->gap_us / f->gaps;
	variance = (double)f->gap_us2 / f->gaps - mean * mean;
	return variance > 0 ? sqrt(variance) * 1e-3 : 0;
}

double value_loss(const struct feature_source *s, int side)
{
	return s->r->side[side].lost;
}

double value_flag(const struct feature_source *s, int arg)
{
	const struct flow_side *f = &s->r->side[arg / FLAGS];

	return f->flags[arg % FLAGS];
}

double value_size(const struct feature_source *s, int arg)
{
	const struct flow_side *f = &s->r->side[arg / FLOW_SIZES];

	return f->size[arg % FLOW_SIZES];
}

/* ---- artefacts of hosts and networks: columns, never inputs of the live model ---- */

double value_ttl(const struct feature_source *s, int side)
{
	return s->r->side[side].ttl;
}

double value_window(const struct feature_source *s, int side)
{
	return s->r->side[side].window;
}

double value_seq(const struct feature_source *s, int side)
{
	return s->r->side[side].seq;
}

/* Read off UNSW-NB15's rows: which state and TTLs got which number there. */
double value_state_ttl(const struct feature_source *s, int arg)
{
	int sttl = s->r->side[SRC].ttl, dttl = s->r->side[DST].ttl;
	bool far = dttl == 252 || dttl == 253;

	(void)arg;
	switch (s->r->state) {
	case STATE_FIN:
		return (sttl == 62 || sttl >= 254) && far ? 1 : 0;
	case STATE_INT:
		return (sttl == 0 || sttl == 62 || sttl == 254) && dttl == 0 ? 2 : 0;
	case STATE_CON:
		if ((sttl == 62 && far) || (sttl == 254 && dttl == 60))
			return 3;
		return sttl == 254 && dttl == 252 ? 4 : 0;
	case STATE_ACC:
		return sttl == 254 && dttl == 252 ? 4 : 0;
	case STATE_CLO:
		return sttl == 254 && dttl == 252 ? 5 : 0;
	case STATE_REQ:
		return sttl == 254 && dttl == 0 ? 6 : 0;
	default:
		return 0;
	}
}

/* ---- HTTP and FTP, as far as the first payload bytes carry them ---- */

/* What is held of a side, as text. */
struct said {
	const char *from, *end;
};

static struct said said(const struct feature_source *s, int side)
{
	const char *from = (const char *)s->r->side[side].data;

	return (struct said){from, from + s->r->side[side].data_len};
}

static bool is_cut(struct said t)
{
	return t.end - t.from == FLOW_PAYLOAD;
}

/* `word` in either case; NULL: not there. */
static const char *find(struct said t, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = t.from; (size_t)(t.end - p) >= n; p++)
		if ((*p | 32) == (*word | 32) && strncasecmp(p, word, n) == 0)
			return p;
	return NULL;
}

static bool begins(struct said t, const char *word)
{
	return find(t, word) == t.from;
}

/* Three capitals or more, then a blank: a method of HTTP. */
static bool begins_with_method(struct said t)
{
	const char *p = t.from;

	while (p < t.end && *p >= 'A' && *p <= 'Z')
		p++;
	return p - t.from >= 3 && p < t.end && *p == ' ';
}

double value_http_requests(const struct feature_source *s, int arg)
{
	struct said t = said(s, SRC);
	bool cut_line = begins_with_method(t);
	int lines = 0;

	(void)arg;
	if (s->name.service != SERVICE_HTTP)
		return 0;
	if (strcmp(s->name.app, "http2") == 0)
		return NAN;
	while ((t.from = find(t, " HTTP/1."))) {
		t.from++;
		lines++;
	}
	return lines ? lines : cut_line;
}

/* An answer that has no body by its status, or by its request. */
static bool is_bodiless(struct said request, struct said answer)
{
	const char *status = answer.from + strlen("HTTP/1.1 ");

	if (begins(request, "HEAD "))
		return true;
	return answer.end - status >= 3 &&
	       (*status == '1' || strncmp(status, "204", 3) == 0 || strncmp(status, "304", 3) == 0);
}

double value_http_body(const struct feature_source *s, int arg)
{
	struct said t = said(s, DST);
	const char *p, *head_end;
	double bytes = 0;

	(void)arg;
	if (s->name.service != SERVICE_HTTP || t.from == t.end)
		return 0;
	if (!begins(t, "HTTP/1."))
		return NAN;
	if (is_bodiless(said(s, SRC), t))
		return 0;
	head_end = find(t, "\r\n\r\n");
	if (head_end)
		t.end = head_end + 1;
	p = find(t, "\nContent-Length:");
	if (!p)
		return NAN;
	for (p += strlen("\nContent-Length:"); p < t.end && *p == ' '; p++)
		;
	for (; p < t.end && isdigit((unsigned char)*p); p++)
		bytes = bytes * 10 + (*p - '0');
	return p < t.end ? bytes : NAN; /* a number cut short is none */
}

double value_ftp_login(const struct feature_source *s, int arg)
{
	struct said client = said(s, SRC), server = said(s, DST);

	(void)arg;
	if (s->name.service != SERVICE_FTP)
		return 0;
	if (find(server, "\n230"))
		return 1;
	if (s->r->part) /* the session began before this record */
		return NAN;
	return is_cut(server) && (is_cut(client) || find(client, "USER ")) ? NAN : 0;
}

double value_ftp_command(const struct feature_source *s, int arg)
{
	const char *p = s->r->side[SRC].data_len ? (const char *)s->r->side[SRC].data : "";

	(void)arg;
	return s->name.service == SERVICE_FTP && isalpha((unsigned char)*p);
}

/* ---- what happened lately ---- */

double value_actor_gap(const struct feature_source *s, int arg)
{
	(void)arg;
	return s->gap;
}

double value_count(const struct feature_source *s, int arg)
{
	const uint32_t *count = s->count[arg / WINDOWS];

	return count[arg % WINDOWS];
}

static double share(const struct feature_source *s, int part, int whole, int w)
{
	return s->count[whole][w] ? (double)s->count[part][w] / s->count[whole][w] : 0;
}

double value_refused_share(const struct feature_source *s, int w)
{
	return fmin(1, share(s, COUNT_REFUSED_OF, COUNT_FLOWS_OF, w));
}

double value_silent_share(const struct feature_source *s, int w)
{
	return share(s, COUNT_SILENT_OF, COUNT_FLOWS_OF, w);
}

double value_ports_per_host(const struct feature_source *s, int w)
{
	return share(s, COUNT_PORTS_OF, COUNT_HOSTS_OF, w);
}

double value_half_share(const struct feature_source *s, int w)
{
	return share(s, COUNT_HALF_TO, COUNT_FLOWS_TO, w);
}
