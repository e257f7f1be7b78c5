#include "util/room.h"

#include <stdint.h>
#include <sys/mman.h>

/* Of a huge page, on nearly all processors. */
static const size_t huge = 2 << 20;

static size_t whole(size_t size)
{
	return (size + huge - 1) & ~(huge - 1);
}

/* Aligned: else its first part would be in small pages. */
void *room_new(size_t size)
{
	size_t wanted = whole(size), mapped = wanted + huge, before;
	char *p;

	if (!size || wanted < size || mapped < wanted)
		return NULL;
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	before = whole((uintptr_t)p) - (uintptr_t)p;
	if (before)
		munmap(p, before);
	munmap(p + before + wanted, huge - before);
	if (size >= huge / 4)
		madvise(p + before, wanted, MADV_HUGEPAGE);
	return p + before;
}

void room_free(void *room, size_t size)
{
	if (room)
		munmap(room, whole(size));
}
