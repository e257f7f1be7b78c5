/* A line with a delay, a rate, losses and disorder between two network namespaces: the range's
 * stand-in for netem, which not every kernel has. It makes a TAP device in each namespace and
 * carries frames from one to the other until it is killed; the devices go with it.
 *
 *   delay NAMESPACE DEVICE NAMESPACE DEVICE DELAY JITTER RATE LOSS DISORDER SEED
 *
 * DELAY and JITTER in microseconds: a frame takes DELAY plus something between 0 and JITTER, each
 * way. RATE in Mbit/s. LOSS: how many of 10,000 frames are lost. DISORDER: how many of 10,000 take
 * a longer way, by up to a quarter of DELAY and a millisecond, so that later ones overtake them;
 * the others stay in order. What is drawn comes from SEED. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 4096, FRAME_MAX = 2048, OF = 10000 };

struct frame {
	int64_t due_ns;
	size_t length;
	char data[FRAME_MAX];
};

/* One direction. `order` is a ring: first the frames under way, by when they are due, then those
 * that are free. Where all are under way, frames are lost as in a router. */
struct lane {
	int from, to; /* TAP devices */
	unsigned head, count;
	int64_t free_ns; /* when the line has sent what it took before */
	int64_t last_ns; /* when the last frame that keeps its place comes out */
	struct frame *order[FRAMES];
	struct frame frame[FRAMES];
};

struct link {
	int64_t delay_ns, jitter_ns;
	double ns_per_byte;
	long loss, disorder;
};

static struct lane lanes[2];

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void die(const char *what, const char *where)
{
	fprintf(stderr, "delay: %s %s: %s\n", what, where, strerror(errno));
	exit(1);
}

/* Make the TAP device in the namespace; the process stays in the namespace. */
static int tap_open(const char *namespace, const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	char path[256];
	int ns, tap;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die("no way into", path);
	close(ns);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0)
		die("cannot open", "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(tap, TUNSETIFF, &request) < 0)
		die("cannot make", device);
	return tap;
}

static void lane_init(struct lane *lane, int from, int to)
{
	lane->from = from;
	lane->to = to;
	for (unsigned i = 0; i < FRAMES; i++)
		lane->order[i] = &lane->frame[i];
}

/* When a frame that came now is due. */
static int64_t lane_due(struct lane *lane, const struct link *link, size_t length)
{
	int64_t due = now_ns();

	if (due < lane->free_ns)
		due = lane->free_ns;
	due += (int64_t)(link->ns_per_byte * (double)length);
	lane->free_ns = due;
	due += link->delay_ns;
	if (link->jitter_ns)
		due += random() % link->jitter_ns;
	if (due < lane->last_ns)
		due = lane->last_ns;
	if (random() % OF < link->disorder)
		return due + random() % (link->delay_ns / 4 + 1000000);
	lane->last_ns = due;
	return due;
}

/* Take every frame that waits at the lane's entry. */
static void lane_take(struct lane *lane, const struct link *link)
{
	struct frame spare, *f;
	ssize_t got;

	for (;;) {
		unsigned at = lane->count;

		f = at < FRAMES ? lane->order[(lane->head + at) % FRAMES] : &spare;
		got = read(lane->from, f->data, FRAME_MAX);
		if (got <= 0)
			return;
		if (f == &spare || random() % OF < link->loss)
			continue;
		f->length = (size_t)got;
		f->due_ns = lane_due(lane, link, f->length);
		for (; at > 0; at--) {
			struct frame *before = lane->order[(lane->head + at - 1) % FRAMES];

			if (before->due_ns <= f->due_ns)
				break;
			lane->order[(lane->head + at) % FRAMES] = before;
		}
		lane->order[(lane->head + at) % FRAMES] = f;
		lane->count++;
	}
}

/* Hand on what is due; returns when the next frame is, or INT64_MAX. */
static int64_t lane_give(struct lane *lane)
{
	while (lane->count) {
		struct frame *f = lane->order[lane->head];

		if (f->due_ns > now_ns())
			return f->due_ns;
		/* A device that is down or full loses the frame, as a wire would. */
		if (write(lane->to, f->data, f->length) < 0 && errno == EBADFD)
			die("lost", "the device");
		lane->head = (lane->head + 1) % FRAMES;
		lane->count--;
	}
	return INT64_MAX;
}

int main(int argc, char **argv)
{
	struct link link;
	int first, second;

	if (argc != 11 || atof(argv[7]) <= 0) {
		fprintf(stderr, "usage: delay NAMESPACE DEVICE NAMESPACE DEVICE DELAY JITTER RATE "
				"LOSS DISORDER SEED\n");
		return 2;
	}
	first = tap_open(argv[1], argv[2]);
	second = tap_open(argv[3], argv[4]);
	lane_init(&lanes[0], first, second);
	lane_init(&lanes[1], second, first);
	link.delay_ns = atol(argv[5]) * 1000;
	link.jitter_ns = atol(argv[6]) * 1000;
	link.ns_per_byte = 8e3 / atof(argv[7]);
	link.loss = atol(argv[8]);
	link.disorder = atol(argv[9]);
	srandom((unsigned)atol(argv[10]));
	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		struct pollfd wait[2] = {{lanes[0].from, POLLIN, 0}, {lanes[1].from, POLLIN, 0}};
		int64_t next = lane_give(&lanes[0]), other = lane_give(&lanes[1]), left;
		struct timespec t;

		next = next < other ? next : other;
		left = next == INT64_MAX ? INT64_C(1000000000) : next - now_ns();
		left = left < 0 ? 0 : left;
		t = (struct timespec){left / 1000000000, left % 1000000000};
		if (ppoll(wait, 2, &t, NULL) < 0 && errno != EINTR)
			die("cannot wait for", "frames");
		lane_take(&lanes[0], &link);
		lane_take(&lanes[1], &link);
	}
}
