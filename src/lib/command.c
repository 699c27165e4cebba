#include "command.h"

#include <string.h>
#include <strings.h>

static const struct command *find(const struct command *c, const char *verb)
{
	while (c->verb != NULL && strcasecmp(c->verb, verb) != 0)
		c++;
	return c->verb != NULL ? c : NULL;
}

/* Without the blanks around. */
static char *trim(char *args)
{
	size_t n;

	args += strspn(args, " \t");
	n = strlen(args);
	while (n > 0 && (args[n - 1] == ' ' || args[n - 1] == '\t'))
		args[--n] = '\0';
	return args;
}

/* Runs it; or returns the reply that refuses it. */
static const char *refusal(struct dialogue *d, char *line)
{
	const struct protocol *p = d->protocol;
	char *args = line + strcspn(line, " \t");
	const struct command *c;

	if (*args != '\0')
		*args++ = '\0';
	c = find(d->commands, line);
	if (c == NULL)
		return p->unknown;
	if (c->args != RAW_ARGS)
		args = trim(args);
	if (*args == '\0' ? c->args == SOME_ARGS || c->args == RAW_ARGS :
	    c->args == NO_ARGS)
		return p->bad_args;
	if ((c->states & d->state) == 0)
		return p->out_of_order;
	c->run(args);
	return NULL;
}

const char *command_loop(struct dialogue *d)
{
	const struct protocol *p = d->protocol;
	const char *no = NULL;
	char *line;

	while (d->state != 0) {
		switch (conn_line(d->conn, p->line_max, &line)) {
		case LINE_OK:
			no = refusal(d, line);
			break;
		case LINE_LONG:
			no = p->long_line;
			break;
		case LINE_BAD:
			no = p->bad_line;
			break;
		case LINE_EOF:
			return "eof";
		case LINE_TIMEOUT:
			if (p->timeout != NULL)
				conn_reply(d->conn, "%s", p->timeout);
			conn_hang_up(d->conn);
			return "timeout";
		}
		if (no != NULL) {
			conn_reply(d->conn, "%s", no);
			d->errors++;
		}
		if (d->state != 0 && d->errors > p->errors_max) {
			conn_reply(d->conn, "%s", p->too_many_errors);
			conn_hang_up(d->conn);
			return "errors";
		}
	}
	conn_flush(d->conn);
	return d->end != NULL ? d->end : "quit";
}
