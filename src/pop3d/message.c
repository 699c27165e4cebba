#include "message.h"

#include <string.h>
#include <unistd.h>

struct sending {
	struct conn *conn;
	bool line_begins; /* nothing of the line was sent yet */
	bool cr;          /* one is held back, perhaps half of a CRLF */
	bool in_header;
	uint64_t body_lines; /* that may still be sent */
};

/* Part of a line, or (lf) its end. False when enough lines were sent. */
static bool send_part(struct sending *to, const char *p, size_t n, bool lf)
{
	if (to->line_begins && !to->in_header && to->body_lines == 0)
		return false;
	if (to->cr && n > 0) { /* it ends no line */
		conn_write(to->conn, "\r", 1);
		to->cr = to->line_begins = false;
	}
	if (to->line_begins && n > 0 && *p == '.')
		conn_write(to->conn, ".", 1);
	if (n > 0 && p[n - 1] == '\r') {
		to->cr = true;
		n--;
	}
	conn_write(to->conn, p, n);
	if (n > 0)
		to->line_begins = false;
	if (!lf)
		return true;
	conn_write(to->conn, "\r\n", 2);
	if (!to->in_header)
		to->body_lines--;
	else if (to->line_begins)
		to->in_header = false;
	to->cr = false;
	to->line_begins = true;
	return true;
}

bool message_send(struct conn *conn, int fd, uint64_t body_lines)
{
	struct sending to = {conn, true, false, true, body_lines};
	char block[32768];
	bool more = true;
	ssize_t n = 0;

	while (more && !conn->broken &&
	    (n = read(fd, block, sizeof block)) > 0) {
		const char *p = block, *end = block + n;
		while (more && p < end) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));
			more = send_part(&to, p, (size_t)((lf ? lf : end) - p),
			    lf != NULL);
			p = lf != NULL ? lf + 1 : end;
		}
	}
	if (n < 0)
		return false;
	if (!to.line_begins || to.cr)
		conn_puts(conn, "\r\n");
	conn_puts(conn, ".\r\n");
	return true;
}
