#include "transaction.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "smtp.h"

#define LOOP_MAX 65536 /* bytes of Delivered-To lines to remember */

struct transaction transaction;

static struct transaction *const t = &transaction;

void transaction_begin(const struct config *config)
{
	t->config = config;
	t->message.file.fd = -1;
	t->envelope.pool = t->targets.pool = &t->pool;
}

void transaction_reset(void)
{
	message_end(&t->message);
	t->targets = (struct targets){.pool = &t->pool};
	envelope_reset(&t->envelope);
	pool_reset(&t->pool);
}

const char *transaction_rcpt(const struct address *to, struct recipient *r)
{
	const char *refusal = resolve(&t->targets, to, t->config->alias_pipes);

	if (refusal != NULL)
		return refusal;
	r->address = t->targets.rcpt[t->targets.rcpts - 1].recipient;
	envelope_add(&t->envelope, r);
	return NULL;
}

static void on_text(const char *lines, size_t n)
{
	message_lines(&t->message, lines, n);
}

static void on_header(const char *line, size_t n)
{
	if (n == 0)
		return;
	if (header_is(line, n, "Received")) {
		t->hops++;
	} else if (header_is(line, n, "Delivered-To") &&
	    t->delivered_to.len + n < LOOP_MAX) {
		const char *value = (const char *)memchr(line, ':', n) + 1;
		size_t len = n - (size_t)(value - line);
		while (len > 0 && (*value == ' ' || *value == '\t'))
			value++, len--;
		while (len > 0 && strchr("\r\n \t", value[len - 1]) != NULL)
			len--;
		str_add(&t->delivered_to, value, len);
		str_add(&t->delivered_to, "", 1);
	}
	message_lines(&t->message, line, n);
}

static bool looped(const char *recipient)
{
	const char *p = t->delivered_to.p, *end = p + t->delivered_to.len;

	for (; p < end; p += strlen(p) + 1)
		if (strcasecmp(p, recipient) == 0)
			return true;
	return false;
}

void transaction_message(void)
{
	/* All who were written to, also those who have it already. */
	const struct envelope *e = t->message.entry != NULL ?
	    &t->message.entry->envelope : &t->envelope;

	t->hops = 0;
	str_clear(&t->delivered_to);
	t->message.envelope = &t->envelope;
	message_begin(&t->message, &t->targets,
	    e->rcpts == 1 ? t->envelope.rcpt[0].address : NULL);
	body_begin(&t->body, t->config->message_size_limit + TRACE_ROOM,
	    on_header, on_text);
}

const char *transaction_fault(void)
{
	/* Hops before this host: smtpd has added a line of ours. */
	return smtp_body_refusal(&t->body, t->hops > 0 ? t->hops - 1 : 0);
}

const char *transaction_finish(void)
{
	const char *fault = transaction_fault();

	if (fault == NULL)
		message_deliver(&t->message, &t->targets, looped);
	else
		warn("refused from=<%s> to=<%s> recipients=%zu size=%" PRIu64
		    " reply=%s", safe(t->envelope.sender),
		    safe(t->envelope.rcpt[0].address), t->envelope.rcpts,
		    t->body.size, quoted(fault));
	return fault;
}
