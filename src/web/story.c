#include "web/story.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/eve.h"

enum { OTHERS = 20, CAPTURE_MOST = 64 << 20, NAME_ROOM = 32 };

/* ---- a line ---- */

static void copy(json_t *to, const char *name, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		json_object_set(to, name, value);
}

json_t *story_line(const json_t *event)
{
	static const char *const kept[] = {"first", "last", "confidence", "flows", "attackers",
		"targets", "ports", "refused", "mark", "muted", "ended"};
	const json_t *karma = json_object_get(event, "karma");
	const json_t *alert = json_object_get(event, "alert");
	const json_t *meta = json_object_get(alert, "metadata");
	json_t *line = json_object();

	copy(line, "id", karma, "alert_id");
	copy(line, "class", alert, "category");
	copy(line, "action", alert, "action");
	copy(line, "who", event, "src_ip");
	copy(line, "whom", event, "dest_ip");
	copy(line, "port", event, "dest_port");
	copy(line, "service", event, "app_proto");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		copy(line, kept[i], karma, kept[i]);
	json_object_set(
		line, "technique", json_array_get(json_object_get(meta, "mitre_technique_id"), 0));
	json_object_set(line, "reason", json_array_get(json_object_get(meta, "reasons"), 0));
	return line;
}

json_t *story_brief(const json_t *event)
{
	static const char *const kept[] = {"src_ip", "dest_ip", "dest_port", "karma"};
	const json_t *alert = json_object_get(event, "alert");
	json_t *reason =
		json_array_get(json_object_get(json_object_get(alert, "metadata"), "reasons"), 0);
	json_t *brief = json_object();

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		copy(brief, kept[i], event, kept[i]);
	json_object_del(json_object_get(brief, "karma"), "first_flow");
	json_object_del(json_object_get(brief, "karma"), "last_flow");
	json_object_set_new(brief, "alert",
		json_pack("{sO? sO? s{s[O*]}}", "category", json_object_get(alert, "category"),
			"action", json_object_get(alert, "action"), "metadata", "reasons", reason));
	return brief;
}

void story_add(void *list, const struct history_entry *entry)
{
	json_array_append_new(list, story_line(entry->event));
}

void story_add_first(void *list, const struct history_entry *entry)
{
	json_array_insert_new(list, 0, story_line(entry->event));
}

void tally_add(void *list, const struct history_tally *t)
{
	json_array_append_new(
		list, json_pack("{ss sI sI sI}", "name", t->name, "at", (json_int_t)t->at_s,
			      "count", (json_int_t)t->count, "bytes", (json_int_t)t->bytes));
}

/* ---- all of one ---- */

static void add_flow(void *list, const struct alert_flow *f, const char *form, unsigned count)
{
	(void)form;
	(void)count;
	json_array_append_new(list, eve_flow_json(f));
}

static int tell(struct history_reader *reader, const struct history_entry *entry, const char *id,
	json_t *answer, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = OTHERS};
	json_t *flows = json_array(), *others = json_array();
	bool attacks = false;
	int err = history_flows(reader, id, add_flow, flows, e);

	if (!err && history_party(entry, q.low, &attacks)) {
		memcpy(q.high, q.low, 16);
		q.has_range = true;
		err = history_search(reader, &q, story_add, others, NULL, e);
	}
	json_object_set(answer, "event", entry->event);
	json_object_set_new(answer, "flows", flows);
	json_object_set_new(
		answer, "flows_left_out", json_integer((json_int_t)entry->flows_left_out));
	json_object_set_new(answer, "others", others);
	return err;
}

/* -ENOENT: there is none of that id. */
static struct reply not_found(int err, const struct error *e)
{
	return reply_error(
		err == -ENOENT ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e->text);
}

/* An alert of the history that the URL names. NULL: `reply` says why not. */
static struct history_reader *open_alert(
	const struct request *r, const char **id, struct history_entry *entry, struct reply *reply)
{
	struct history_reader *reader;
	struct error e = {""};
	int err;

	*id = argument(r, "id");
	*entry = (struct history_entry){.event = NULL};
	if (!is_alert_id(*id)) {
		*reply = reply_error(MHD_HTTP_BAD_REQUEST, "'id' takes an alert's id");
		return NULL;
	}
	reader = open_history(r, reply);
	if (!reader)
		return NULL;
	err = history_find(reader, *id, entry, &e);
	if (!err)
		return reader;
	history_reader_close(reader);
	*reply = not_found(err, &e);
	return NULL;
}

/* Where no history is kept, what the daemon still has of it. */
static struct reply live_alert(const struct request *r, const char *id)
{
	struct error e = {""};
	json_t *live = live_all(&r->web->wire, 1, &e);
	const json_t *event;
	json_t *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(live, "alerts"), i, event) {
		const char *own = json_string_value(
			json_object_get(json_object_get(event, "karma"), "alert_id"));

		if (own && strcmp(own, id) == 0)
			found = (json_t *)event;
	}
	found = json_incref(found);
	json_decref(live);
	if (!found)
		return reply_error(MHD_HTTP_NOT_FOUND,
			"no alert '%s': no history is kept, and it is none of the latest", id);
	return reply_json(MHD_HTTP_OK, json_pack("{sb so s[] si s[] sb}", "ok", 1, "event", found,
					       "flows", "flows_left_out", 0, "others", "live", 1));
}

struct reply get_alert(struct request *r)
{
	struct history_reader *reader;
	struct history_entry entry;
	struct error e = {""};
	struct reply reply;
	json_t *answer;
	const char *id = argument(r, "id");

	if (!r->web->settings.history && is_alert_id(id))
		return live_alert(r, id);
	reader = open_alert(r, &id, &entry, &reply);
	if (!reader)
		return reply;
	answer = json_pack("{sb}", "ok", 1);
	if (tell(reader, &entry, id, answer, &e) < 0) {
		json_decref(answer);
		reply = reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	} else {
		reply = reply_json(MHD_HTTP_OK, answer);
	}
	json_decref(entry.event);
	history_reader_close(reader);
	return reply;
}

/* ---- its flows, as CSV ---- */

void csv_field(FILE *to, const char *text, char end)
{
	bool formula = *text && strchr("=+-@\t\r", *text);

	if (formula || strpbrk(text, ",\"\r\n")) {
		fputs(formula ? "\"'" : "\"", to);
		for (; *text; text++) {
			if (*text == '"')
				putc('"', to);
			putc(*text, to);
		}
		putc('"', to);
	} else {
		fputs(text, to);
	}
	putc(end, to);
}

static void put_flow(void *file, const struct alert_flow *f, const char *form, unsigned count)
{
	char at[EVE_TIME_TEXT], src[ADDR_TEXT], dst[ADDR_TEXT];
	FILE *to = file;

	(void)form;
	(void)count;
	fprintf(to, "%" PRIu64 ",%s,%.6f,%s,%u,%s,%u,%s,%s,", f->flow_id, eve_time(f->start_ns, at),
		(double)(f->last_ns - f->start_ns) / 1e9, addr_text(f->addr[SRC], src),
		f->port[SRC], addr_text(f->addr[DST], dst), f->port[DST],
		record_proto_name(f->net, f->proto),
		record_state_name((enum record_state)f->state));
	csv_field(to, f->app ? f->app : "", ',');
	fprintf(to, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.4f,", f->packets[SRC],
		f->packets[DST], f->bytes[SRC], f->bytes[DST], (double)f->score);
	csv_field(to, class_name(f->class), ',');
	fprintf(to, "%.4f\n", (double)f->probability);
}

struct reply get_flows(struct request *r)
{
	struct history_reader *reader;
	struct history_entry entry;
	struct error e = {""};
	struct reply reply;
	char *text = NULL, name[NAME_ROOM];
	const char *id;
	size_t size = 0;
	FILE *to;
	int err;

	reader = open_alert(r, &id, &entry, &reply);
	if (!reader)
		return reply;
	json_decref(entry.event);
	to = open_memstream(&text, &size);
	if (!to) {
		history_reader_close(reader);
		return (struct reply){MHD_HTTP_OK, NULL};
	}
	fputs("flow_id,start,seconds,src_ip,src_port,dest_ip,dest_port,proto,state,service,"
	      "packets_there,packets_back,bytes_there,bytes_back,score,class,probability\n",
		to);
	err = history_flows(reader, id, put_flow, to, &e);
	history_reader_close(reader);
	if (fclose(to) != 0 || err) {
		free(text);
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	}
	snprintf(name, sizeof(name), "karma-%s.csv", id);
	return reply_file(text, size, "text/csv; charset=utf-8", name);
}

/* ---- its packets ---- */

/* The file that karma run --pcap-dir kept of this alert, and no other file that a history might
 * name. */
static bool is_capture_of(const char *path, const char *id)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char name[NAME_ROOM];

	snprintf(name, sizeof(name), "%s.pcap", id);
	return slash && strcmp(slash + 1, name) == 0;
}

static struct reply reply_capture(const char *path, const char *id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct reply reply = {MHD_HTTP_OK, NULL};
	char name[128];
	struct stat st;

	if (fd < 0)
		return reply_error(MHD_HTTP_NOT_FOUND, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > CAPTURE_MOST) {
		close(fd);
		return reply_error(MHD_HTTP_NOT_FOUND, "%s: no capture that Karma made", path);
	}
	reply.response = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
	if (!reply.response) {
		close(fd);
		return reply;
	}
	snprintf(name, sizeof(name), "attachment; filename=\"karma-%s.pcap\"", id);
	MHD_add_response_header(reply.response, "Content-Type", "application/vnd.tcpdump.pcap");
	MHD_add_response_header(reply.response, "Content-Disposition", name);
	return reply;
}

struct reply get_capture(struct request *r)
{
	struct history_entry entry;
	struct reply reply;
	const char *id, *path;
	struct history_reader *reader = open_alert(r, &id, &entry, &reply);

	if (!reader)
		return reply;
	path = json_string_value(json_object_get(entry.event, "capture_file"));
	if (is_capture_of(path, id))
		reply = reply_capture(path, id);
	else
		reply = reply_error(MHD_HTTP_NOT_FOUND, "no packets of this alert were kept");
	json_decref(entry.event);
	history_reader_close(reader);
	return reply;
}
