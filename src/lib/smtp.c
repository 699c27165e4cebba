#include "smtp.h"

#include <stdio.h>
#include <string.h>

const struct protocol smtp_protocol = {
	.line_max = SMTP_LINE_MAX,
	.errors_max = SMTP_ERRORS_MAX,
	.bad_line = "500 5.5.2 Lines end in CRLF, and hold no other CR or LF",
	.long_line = "500 5.5.2 Line too long",
	.unknown = "500 5.5.1 Command not recognized",
	.bad_args = "501 5.5.4 Bad arguments",
	.out_of_order = "503 5.5.1 Bad sequence of commands",
	.too_many_errors = "421 4.7.0 Too many errors, closing",
	.timeout = "421 4.4.2 Timeout, closing",
};

int smtp_reply_read(struct conn *c, char *text, size_t size)
{
	char *line;

	do {
		if (conn_line(c, size, &line) != LINE_OK || strlen(line) < 4)
			return 0;
	} while (line[3] == '-');
	snprintf(text, size, "%s", line);
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

const char *smtp_body_refusal(const struct body *body, unsigned hops)
{
	switch (body->fault) {
	case BODY_BARE:
		return "550 5.6.0 Bare CR or LF in the message";
	case BODY_LONG_LINE:
		return "554 5.6.0 A line of the message is too long";
	case BODY_TOO_BIG:
		return "552 5.3.4 Message too big";
	case BODY_FINE:
		break;
	}
	return hops > HOPS_MAX ? "554 5.4.6 Too many hops" : NULL;
}
