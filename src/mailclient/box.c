#include "box.h"

#include <stdlib.h>
#include <string.h>

#include "pop3.h"
#include "remote.h"
#include "teaching.h"

static void headers_free(struct box *box)
{
	for (size_t i = 0; i < box->prepared; i++)
		str_free(&box->headers[i]);
	free(box->headers);
	box->headers = NULL;
	box->first = box->prepared = 0;
}

static void disconnect(struct box *box)
{
	remote_close(box->remote);
	box->remote = NULL;
	box->open = false;
}

static void box_free(struct box *box)
{
	disconnect(box);
	headers_free(box);
	free(box->mail);
	*box = (struct box){0};
}

/* What has gone wrong, if anything: the connection may have ended with it. */
static const char *outcome(struct box *box, const char *why)
{
	if (why != NULL && box->remote->broken)
		disconnect(box);
	return why;
}

const char *box_open(struct box *box, const struct server *server,
    const struct account *account)
{
	const char *why;

	*box = (struct box){.teaching = server->teaching,
	    .can_delete = !server->teaching};
	if (strpbrk(account->user, "\r\n") != NULL ||
	    strpbrk(account->password, "\r\n") != NULL)
		return "a user and a password have one line";
	why = remote_open(&box->remote, server, server->pop3);
	if (why == NULL)
		why = server->teaching ? teaching_begin(box, account) :
		    pop3_begin(box, account);
	if (why != NULL)
		box_free(box);
	else
		box->open = true;
	return why;
}

static bool is_prepared(const struct box *box, size_t n)
{
	return n >= box->first && n - box->first < box->prepared;
}

const char *box_prepare(struct box *box, size_t first, size_t n)
{
	if (!box->open || box->teaching || first == 0 || first > box->count ||
	    n == 0)
		return NULL;
	if (n > BOX_PREPARED_MAX)
		n = BOX_PREPARED_MAX;
	if (n > box->count - first + 1)
		n = box->count - first + 1;
	if (is_prepared(box, first) && is_prepared(box, first + n - 1))
		return NULL;
	headers_free(box);
	box->headers = xrealloc(NULL, n * sizeof *box->headers);
	memset(box->headers, 0, n * sizeof *box->headers);
	box->first = first;
	box->prepared = n;
	return outcome(box, pop3_headers(box));
}

/* Why nothing can be said of message n; NULL when there is nothing. */
static const char *refusal(const struct box *box, size_t n)
{
	if (!box->open)
		return "the connection is closed: log in again";
	if (n == 0 || n > box->count)
		return sentence("there is no message %zu", n);
	return box->mail[n - 1].deleted ?
	    sentence("message %zu is deleted", n) : NULL;
}

const char *box_header(struct box *box, size_t n, struct str *text)
{
	const char *why = refusal(box, n);
	const struct str *header;

	str_clear(text);
	if (why == NULL && !is_prepared(box, n))
		why = box_prepare(box, n, 1);
	if (why != NULL)
		return why;
	header = is_prepared(box, n) ? &box->headers[n - box->first] : NULL;
	if (header == NULL || header->len == 0)
		return sentence("the server does not show message %zu", n);
	str_add(text, header->p, header->len);
	return NULL;
}

const char *box_message(struct box *box, size_t n, struct str *text)
{
	const char *why = refusal(box, n);

	str_clear(text);
	if (why != NULL)
		return why;
	return outcome(box, box->teaching ? teaching_message(box, n, text) :
	    pop3_message(box, n, text));
}

const char *box_delete(struct box *box, size_t n)
{
	const char *why = refusal(box, n);

	if (why != NULL)
		return why;
	if (!box->can_delete)
		return "this server cannot delete";
	box->unsure = true;
	why = outcome(box, pop3_delete(box, n));
	if (why == NULL)
		box->mail[n - 1].deleted = true;
	return why;
}

const char *box_close(struct box *box)
{
	const char *why = NULL;

	if (box->open && box->teaching)
		conn_puts(&box->remote->conn, "QUIT\r\n");
	else if (box->open)
		why = pop3_quit(box);
	if (!box->unsure)
		why = NULL; /* it makes no difference */
	else if (why != NULL && box->remote->broken)
		why = sentence("%s. What was deleted may still be there", why);
	box_free(box);
	return why;
}
