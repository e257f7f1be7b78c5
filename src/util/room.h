/* Memory for large tables that are touched here and there. */
#ifndef KARMA_UTIL_ROOM_H
#define KARMA_UTIL_ROOM_H

#include <stddef.h>

/* `size` bytes of zeros, in huge pages where the system has them: a page fault for each 4 KiB would
 * cost more than the work that causes it. It is the system's until it is touched. NULL when memory
 * is short. */
void *room_new(size_t size);

/* NULL is fine. */
void room_free(void *room, size_t size);

#endif
