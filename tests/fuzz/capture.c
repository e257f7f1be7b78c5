/* libFuzzer's entry: the bytes are a capture, and whatever they are, what comes out are sane
 * records, and each has a name or none. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"
#include "feature/service.h"

#define SANE(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct sum {
	struct services *services;
	uint64_t records, packets;
	int64_t at;
};

static int check_record(void *context, const struct record *r)
{
	struct sum *sum = context;
	uint64_t packets = r->side[SRC].packets + r->side[DST].packets;
	char text[ADDR_TEXT];

	SANE(packets > 0);
	SANE(r->event >= RECORD_LOOK && r->event <= RECORD_FINAL);
	SANE(r->event == RECORD_FINAL || r->news);
	SANE(r->start_ns > 0 && r->start_ns <= r->first_ns && r->first_ns <= r->last_ns);
	SANE(r->last_ns <= r->at_ns && r->at_ns >= sum->at);
	SANE(r->last_ns - r->first_ns < 60000000000);
	SANE(r->state < STATE_NO);
	SANE(r->flow_id > 0 && r->flow_id < 1ULL << 53);
	SANE(record_proto_name(r->net, r->proto)[0] != '\0');
	for (unsigned s = 0; s < 2; s++) {
		const struct flow_side *side = &r->side[s];

		SANE(addr_text(r->addr[s], text)[0] != '\0');
		SANE(side->payload <= side->bytes);
		SANE(side->data_len <= FLOW_PAYLOAD && side->data_len <= side->payload);
		SANE(side->packets || (!side->bytes && !side->first_ns && !side->last_ns));
		SANE(side->sizes <= FLOW_SIZES && side->gaps <= side->packets);
	}
	SANE(service_name(sum->services, r).service < SERVICES);
	sum->records++;
	sum->at = r->at_ns;
	if (r->event == RECORD_FINAL)
		sum->packets += packets;
	return 0;
}

/* A file of memory with these bytes; its name. */
static int memory_file(const uint8_t *data, size_t size, char *name, size_t room)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	SANE(fd >= 0);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, data + done, size - done);

		SANE(n > 0);
		done += (size_t)n;
	}
	snprintf(name, room, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct meter_settings settings = {
		.flows = 16, .outer = size & 1, .each_interface = size & 2};
	struct meter_stats stats = {0};
	struct error e = {""};
	static struct services *services;
	struct sum sum = {0};
	char name[64];
	int fd = memory_file(data, size, name, sizeof(name));
	int err;

	/* Kept: what one capture taught must not trouble the next. */
	if (!services)
		services = services_new();
	SANE(services);
	sum.services = services;
	err = capture_read(name, &settings, check_record, &sum, &stats, &e);

	close(fd);
	SANE((err < 0) == (e.text[0] != '\0'));
	SANE(!strchr(e.text, '\n'));
	SANE(sum.records == stats.count[COUNT_RECORDS]);
	SANE(sum.packets == stats.count[COUNT_PACKETS]);
	SANE(stats.count[COUNT_OPEN] == 0);
	return 0;
}
