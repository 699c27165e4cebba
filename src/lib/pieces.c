#include "pieces.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* False: there is no more to be had. */
static bool fill(struct pieces *p)
{
	ssize_t n;

	memmove(p->buf, p->buf + p->at, p->len - p->at);
	p->len -= p->at;
	p->at = 0;
	do
		n = read(p->fd, p->buf + p->len, sizeof p->buf - p->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		p->error = errno;
	else
		p->len += (size_t)n;
	return n > 0;
}

bool piece_next(struct pieces *p, struct span *s, bool *first)
{
	const char *end;

	while ((end = memchr(p->buf + p->at, '\n', p->len - p->at)) == NULL &&
	    p->len - p->at < sizeof p->buf && p->error == 0 && fill(p))
		;
	if (p->at == p->len)
		return false;
	s->p = p->buf + p->at;
	s->n = end != NULL ? (size_t)(end + 1 - s->p) : p->len - p->at;
	*first = !p->middle;
	p->line += *first;
	p->middle = end == NULL;
	p->at += s->n;
	p->offset += s->n;
	return true;
}
