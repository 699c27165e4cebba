/*
 * deliver: the local delivery agent. Without arguments, LMTP on fd 0 and 1 (RFC
 * 2033); with recipients as arguments, one message on fd 0; with -q, messages
 * from the queue; with -v, where mail would go. deliver(8) has the states that a
 * delivery can be in, and what each of these may do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "box.h"
#include "config.h"
#include "conn.h"
#include "lmtp.h"
#include "log.h"
#include "nudge.h"
#include "program.h"
#include "transaction.h"
#include "work.h"

#define USAGE \
    "usage: deliver [-C home] [-n | -q | -v address | " \
    "[-f sender] recipient ...]"

#define NUDGES 3 /* the fd that takes our nudges with -n */

static struct transaction *const t = &transaction;

static struct conn in; /* the message */

/* Says why on stderr, and returns what <sysexits.h> calls it. */
static int complain(const char *recipient, const char *refusal)
{
	fprintf(stderr, "deliver: <%s>: %s\n", safe(recipient), refusal);
	if (*refusal == '4')
		return EX_TEMPFAIL;
	if (strncmp(refusal + 4, "5.1.1", 5) == 0)
		return EX_NOUSER;
	if (strncmp(refusal + 4, "5.1.2", 5) == 0)
		return EX_NOHOST;
	return strncmp(refusal + 4, "5.7", 3) == 0 ? EX_NOPERM :
	    t->body.fault != BODY_FINE ? EX_DATAERR : EX_UNAVAILABLE;
}

/* "From SENDER DATE" of an mbox comes before the message: cut it off. */
static void skip_from_line(bool take_sender)
{
	struct address from;
	char *line, *end, *word;

	do {
		line = in.buf + in.start;
		end = memchr(line, '\n', in.end - in.start);
	} while (end == NULL && conn_fill(&in, INT64_MAX) == LINE_OK);
	if (end == NULL || end - line < 5 || memcmp(line, "From ", 5) != 0)
		return;
	*end = '\0';
	in.start += (size_t)(end - line) + 1;
	line += 5;
	word = text_word(&line);
	if (take_sender && word != NULL &&
	    address_parse(word, &from) == ADDRESS_OK && *from.domain != '\0')
		strcpy(t->envelope.sender, from.text);
}

static void take_sender(const char *sender)
{
	struct address from;

	if (*sender == '\0' || strcmp(sender, "<>") == 0)
		return;
	if (address_parse(sender, &from) != ADDRESS_OK)
		fatal(EX_USAGE, "bad sender %s", safe(sender));
	strcpy(t->envelope.sender, from.text);
}

static int command_line(char **recipients, const char *sender)
{
	int status = EX_OK, one;
	enum line got;
	const char *fault;

	conn_open(&in, 0, 1, 0, 0);
	if (sender != NULL)
		take_sender(sender);
	for (; *recipients != NULL; recipients++) {
		struct recipient r = {0};
		struct address to;
		const char *refusal = address_parse(*recipients, &to) ==
		    ADDRESS_OK ? transaction_rcpt(&to, &r) :
		    "501 5.1.3 Bad address";
		if (refusal != NULL &&
		    (one = complain(*recipients, refusal)) != EX_OK)
			status = status == EX_OK ? one : status;
	}
	if (status != EX_OK)
		return status; /* all or nobody: the caller will try again */
	skip_from_line(sender == NULL);
	transaction_message();
	do {
		body_lines(&t->body, in.buf + in.start,
		    in.end - in.start, false);
		in.start = in.end = 0;
	} while ((got = conn_fill(&in, INT64_MAX)) == LINE_OK);
	if (got != LINE_EOF || in.error != 0) {
		fprintf(stderr, "deliver: cannot read the message: %s\n",
		    strerror(in.error));
		transaction_reset();
		return EX_TEMPFAIL;
	}
	body_lines(&t->body, NULL, 0, true);
	fault = transaction_finish();
	for (size_t i = 0; i < t->envelope.rcpts; i++) {
		const char *text = fault ? fault :
		    message_verdict(&t->targets, i);
		if (*text != '2' && (status == EX_OK || *text == '4'))
			status = complain(t->envelope.rcpt[i].address, text);
	}
	transaction_reset();
	return status;
}

/* Tabs divide, so nothing else may. */
static void print_what(const char *what)
{
	for (; *what != '\0'; what++)
		putchar((unsigned char)*what < ' ' ? '?' : *what);
}

/* A line for each target: what it is, where it is, and why. */
static int explain(const char *recipient)
{
	struct recipient r = {0};
	struct address to;
	const char *refusal = "501 5.1.3 Bad address";

	t->targets.explain = true;
	if (address_parse(recipient, &to) == ADDRESS_OK)
		refusal = transaction_rcpt(&to, &r);
	if (refusal != NULL)
		return complain(recipient, refusal);
	for (size_t i = 0; i < t->targets.count; i++) {
		const struct target *one = &t->targets.target[i];
		printf("%s\t", target_kind(one));
		print_what(one->what);
		printf("\t%s\n", one->why);
	}
	transaction_reset();
	return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
}

int main(int argc, char **argv)
{
	const char *home = NULL, *sender = NULL;
	int option, mode = 0;

	program_begin("deliver");
	while ((option = getopt(argc, argv, "C:f:nqv")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'f')
			sender = optarg;
		else if (option != '?' && mode == 0)
			mode = option;
		else
			fatal(EX_USAGE, USAGE);
	}
	argc -= optind;
	argv += optind;
	if (mode != 0 && mode != 'n' &&
	    (sender != NULL || argc != (mode == 'v' ? 1 : 0)))
		fatal(EX_USAGE, USAGE);
	if ((mode == 0 || mode == 'n') && argc == 0)
		log_last_words("421 4.3.0 Out of service, try later\r\n");
	home_enter(home);
	transaction_begin(config_load());
	if (mode == 'n')
		nudge_through(NUDGES);
	else if (mode == 0 && !nudge_helper())
		fatal(EX_OSERR, "no process for nudges: %s", strerror(errno));
	box_enter(t->config);
	if (mode == 'v')
		return explain(argv[0]);
	if (argc > 0)
		return command_line(argv, sender);
	if (mode == 'q')
		work_run();
	else
		lmtp_serve();
	return EX_OK;
}
