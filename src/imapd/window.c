#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "str.h"

#define READ_FIRST 16384 /* octets: a record or some */
#define READ_MOST 65536  /* one behind the other: more pages would cost more */

const char *window_at(struct window *w, int fd, uint64_t offset, size_t n)
{
	ssize_t got;

	if (offset >= w->base && offset + n <= w->base + w->n)
		return w->p + (offset - w->base);
	/* Close behind what was read last: somebody goes through it all. */
	if (w->n > 0 && offset >= w->base &&
	    offset <= w->base + w->n + READ_FIRST)
		w->ahead = w->ahead < READ_MOST ? w->ahead * 2 : READ_MOST;
	else
		w->ahead = READ_FIRST;
	if (w->room < n || w->room < w->ahead) {
		w->room = n > w->ahead ? n : w->ahead;
		free(w->p);
		w->p = xrealloc(NULL, w->room);
	}
	w->base = offset;
	w->n = 0;
	while (w->n < n) {
		got = pread(fd, w->p + w->n,
		    (n > w->ahead ? n : w->ahead) - w->n,
		    (off_t)(offset + w->n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return NULL;
		w->n += (size_t)got;
	}
	return w->p;
}

void window_free(struct window *w)
{
	free(w->p);
	*w = (struct window){.p = NULL};
}
