#define OPENSSL_SUPPRESS_DEPRECATED /* what loads texts one library at a time */

#include "outcome.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define STATUS 4 /* the descriptor that the handler reads */

static const char *peer = "";

void outcome_peer(const char *words)
{
	peer = words;
}

void outcome_tell(const struct str *line)
{
	ssize_t n;

	do
		n = write(STATUS, line->p, line->len);
	while (n < 0 && errno == EINTR);
	close(STATUS);
}

void outcome_failed(int status, const char *fmt, ...)
{
	struct str line = {0};
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	str_printf(&line, "error %s\n", why);
	outcome_tell(&line);
	warn("tls failed %s why=%s", peer, quoted(why));
	_exit(status);
}

/* Not at the start: they are many, and hardly ever needed. */
static void texts_load(void)
{
	ERR_load_ASN1_strings();
	ERR_load_EVP_strings();
	ERR_load_PEM_strings();
	ERR_load_SSL_strings();
	ERR_load_X509_strings();
}

const char *openssl_why(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text;

	if (code == 0)
		return "no reason given";
	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	texts_load();
	text = ERR_reason_error_string(code);
	return text != NULL ? text : "unknown reason";
}
