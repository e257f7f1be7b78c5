/* A POST of each alert's EVE event to a URL, through libcurl, from a thread of its own. What the
 * other end cannot take now is tried again for some minutes, in order; what it refuses is lost. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/eve.h"

enum {
	PER_MINUTE = 30,
	WAITING = 128,
	WAITING_BYTES = 4 << 20,
	TRIES = 6, /* of an alert: within a minute, if each is refused at once */
	CONNECT_S = 10,
	LIMIT_S = 15,
	ANSWER_BYTES = 64 << 10, /* that are listened to */
};

struct webhook {
	char *url;
	CURL *curl;
	struct curl_slist *headers;
	char said[CURL_ERROR_SIZE];
	size_t answer;
};

static void release(void *webhook)
{
	struct webhook *w = webhook;

	curl_easy_cleanup(w->curl);
	curl_slist_free_all(w->headers);
	free(w->url);
	free(w);
	curl_global_cleanup();
}

/* ---- a request ---- */

static size_t take_answer(char *data, size_t size, size_t count, void *webhook)
{
	struct webhook *w = webhook;

	(void)data;
	w->answer += size * count;
	return w->answer > ANSWER_BYTES ? 0 : size * count;
}

static int stop_at_end(
	void *courier, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return courier_is_over(courier);
}

/* Errors that another attempt cannot mend. */
static bool is_final(CURLcode code)
{
	return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
	       code == CURLE_WRITE_ERROR;
}

/* Too many, too early, or its own fault: later. All else that is no success was our fault. */
static int judge_status(long status, struct error *why)
{
	bool later = status == 408 || status == 425 || status == 429 || status >= 500;

	if (status >= 200 && status < 300)
		return 0;
	return error_set(why, later ? EIO : -EIO, "HTTP status %ld", status);
}

static int deliver(
	void *webhook, struct courier *c, const char *text, size_t length, struct error *why)
{
	struct webhook *w = webhook;
	CURLcode code;
	long status = 0;

	w->said[0] = '\0';
	w->answer = 0;
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFODATA, c);
	code = curl_easy_perform(w->curl);
	if (code != CURLE_OK)
		return error_set(why, is_final(code) ? -EIO : EIO, "%s",
			w->said[0] ? w->said : curl_easy_strerror(code));
	curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
	return judge_status(status, why);
}

/* ---- the output ---- */

/* The rest of a URL may be a secret: only scheme and host are shown. */
static int show_host(struct output *o, const char *url, struct error *e)
{
	char *scheme = NULL, *host = NULL;
	CURLU *u = curl_url();
	bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	if (good)
		snprintf(o->path, sizeof(o->path), "%s://%.200s/", scheme, host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return good ? 0
		    : error_set(e, -EINVAL,
			      "--webhook takes a URL, such as https://host/path, not '%s'", url);
}

static bool prepare(struct webhook *w)
{
	w->curl = curl_easy_init();
	w->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!w->url || !w->curl || !w->headers)
		return false;
	curl_easy_setopt(w->curl, CURLOPT_URL, w->url);
	curl_easy_setopt(w->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(w->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, w->headers);
	curl_easy_setopt(w->curl, CURLOPT_USERAGENT, "karma");
	curl_easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(w->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(w->curl, CURLOPT_TIMEOUT, (long)LIMIT_S);
	curl_easy_setopt(w->curl, CURLOPT_ERRORBUFFER, w->said);
	curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFOFUNCTION, stop_at_end);
	curl_easy_setopt(w->curl, CURLOPT_NOPROGRESS, 0L);
	return true;
}

static int webhook_open(struct output *o, const char *url, struct error *e)
{
	static const struct courier_settings settings = {.name = "webhook",
		.threads = 1,
		.messages = WAITING,
		.bytes = WAITING_BYTES,
		.per_minute = PER_MINUTE,
		.tries = TRIES,
		.deliver = deliver,
		.release = release};
	struct webhook *w;
	int err = show_host(o, url, e);

	if (err)
		return err;
	w = calloc(1, sizeof(*w));
	if (!w || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(w);
		return error_set(e, -ENOMEM, "not enough memory for the outputs");
	}
	w->url = strdup(url);
	if (!prepare(w)) {
		release(w);
		return error_set(e, -ENOMEM, "not enough memory for the outputs");
	}
	return courier_open(&o->courier, &settings, w, e);
}

static void webhook_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	size_t length = 0;
	char *text;

	if (stage != ALERT_NEW || (from && from->muted))
		return;
	text = eve_alert_line(a, stage, from, &length);
	courier_send(o->courier, text, length);
}

const struct output_kind output_webhook = {
	.name = "webhook", .open = webhook_open, .alert = webhook_alert};
