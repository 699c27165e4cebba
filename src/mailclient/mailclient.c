/*
 * mailclient - a person's mail: read it, send it.
 *
 * The main menu is at the bottom; what its first choice does stands above it:
 * the list, and above that what is done with one mail.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "box.h"
#include "compose.h"
#include "confine.h"
#include "letter.h"
#include "listing.h"
#include "log.h"
#include "program.h"
#include "server.h"
#include "terminal.h"

#define USAGE "usage: " \
    "mailclient [-k] [-s | -t] server_IP smtp_port pop3_port\n" \
    "       mailclient -m [-k] [-t] server_IP port"

static struct {
	struct server server;
	struct account account;
	struct box box;
	struct listing listing;
	struct letter letter;
	int status; /* of the last thing that a server was to do */
} s;

/* A mail */

static void mail_delete(size_t n)
{
	const char *why;

	if (!s.box.can_delete) {
		puts("This server cannot delete.");
		return;
	}
	why = box_delete(&s.box, n);
	if (why != NULL)
		say(why);
	else
		printf("Mail %zu will be deleted when you go back to the main "
		    "menu.\n", n);
}

/* "a 2 FILE" or "a 2" */
static void attachment_choose(char *words)
{
	char *number = text_word(&words);
	uint64_t n;

	if (number == NULL || !number_parse(number, ATTACHMENTS_MAX, &n))
		puts("Which one? Write a, its number, and perhaps the file: "
		    "a 1 FILE");
	else
		attachment_save(&s.letter, (size_t)n, words != NULL ?
		    words + strspn(words, " ") : "");
}

static bool answer_is(const char *answer, const char *one, const char *other)
{
	return strcmp(answer, one) == 0 || strcmp(answer, other) == 0;
}

/* What to do with mail n, which is shown. False: back to the list. */
static bool mail_choose(size_t n)
{
	struct str answer = {0};
	bool stays = true;

	ask(&answer, "d delete, r reply, s save, a NUMBER save attachment, "
	    "Enter list: ");
	char *words = answer.p, *what = text_word(&words);
	if (what == NULL || answer_is(what, "q", "-1")) {
		stays = false;
	} else if (strcmp(what, "d") == 0) {
		mail_delete(n);
		stays = false;
	} else if (strcmp(what, "r") == 0) {
		s.status = compose(&s.server, &s.account, &s.letter) ? EX_OK :
		    EX_UNAVAILABLE;
	} else if (strcmp(what, "s") == 0) {
		letter_save(&s.letter, words != NULL ?
		    words + strspn(words, " ") : "");
	} else if (strcmp(what, "a") == 0) {
		attachment_choose(words);
	} else {
		puts("Write d, r, s, a or nothing.");
	}
	str_free(&answer);
	return stays;
}

static void mail_manage(size_t n)
{
	const char *why;

	if (n < 1 || n > s.box.count) {
		printf("There is no mail %zu.\n", n);
		return;
	}
	if (s.box.mail[n - 1].deleted) {
		printf("Mail %zu will be deleted.\n", n);
		return;
	}
	why = box_message(&s.box, n, &s.letter.raw);
	if (why != NULL) {
		say(why);
		return;
	}
	letter_begin(&s.letter);
	letter_show(&s.letter);
	while (mail_choose(n))
		continue;
	letter_end(&s.letter);
}

/* The list */

/* False: back to the main menu. */
static bool list_choose(void)
{
	struct str answer = {0};
	uint64_t n;
	bool stays = true;

	ask(&answer, "Mail number, n next, p previous page, q main menu: ");
	if (answer_is(answer.p, "q", "-1"))
		stays = false;
	else if (answer_is(answer.p, "n", "next"))
		listing_next(&s.listing, &s.box);
	else if (answer_is(answer.p, "p", "previous"))
		listing_previous(&s.listing);
	else if (number_parse(answer.p, SIZE_MAX, &n))
		mail_manage((size_t)n);
	else if (answer.len > 0)
		puts("Write a number, n, p or q.");
	str_free(&answer);
	return stays;
}

static bool log_in(void)
{
	const char *why;

	if (*s.account.password == '\0' && !account_ask(&s.account))
		return false;
	why = box_open(&s.box, &s.server, &s.account);
	if (why == NULL)
		return true;
	say(why);
	explicit_bzero(s.account.password, sizeof s.account.password);
	return false;
}

static bool leave(void)
{
	size_t deleted = 0;
	bool was_open = s.box.open;
	const char *why;

	for (size_t n = 0; n < s.box.count; n++)
		deleted += s.box.mail[n].deleted;
	why = box_close(&s.box);
	if (why != NULL)
		say(why);
	else if (!was_open && deleted > 0)
		puts("Nothing was deleted.");
	else if (was_open && deleted > 0)
		printf("%zu mail%s deleted.\n", deleted,
		    deleted == 1 ? "" : "s");
	return why == NULL && was_open;
}

static void manage_mail(void)
{
	const char *why;

	s.status = EX_UNAVAILABLE;
	if (!log_in())
		return;
	listing_last(&s.listing, &s.box);
	if (s.box.count == 0)
		puts("There is no mail.");
	else
		do {
			why = listing_show(&s.listing, &s.box);
			if (why != NULL)
				say(why);
		} while (s.box.open && list_choose() && s.box.open);
	if (leave())
		s.status = EX_OK;
}

/* The main menu */

static void send_mail(void)
{
	s.status = compose(&s.server, &s.account, NULL) ? EX_OK :
	    EX_UNAVAILABLE;
}

static void main_menu(void)
{
	struct str answer = {0};
	char c = '\0';

	while (c != '3' && c != 'q') {
		puts("\n1. Manage Mail\n2. Send Mail\n3. Quit");
		if (!ask_or_end(&answer, "Your choice: "))
			break;
		c = answer.len == 1 ? *answer.p : '\0';
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '1' || c == 'm')
			manage_mail();
		else if (c == '2' || c == 's')
			send_mail();
		else if (c != '3' && c != 'q')
			puts("Write 1, 2 or 3.");
	}
	str_free(&answer);
}

static struct port port_find(const char *text)
{
	struct port port = {.text = text};
	const struct servent *service;
	uint64_t n;

	if (number_parse(text, 65535, &n))
		port.number = (unsigned)n;
	else if ((service = getservbyname(text, "tcp")) != NULL)
		port.number = ntohs((uint16_t)service->s_port);
	return port;
}

static void options_read(int argc, char **argv)
{
	struct server *server = &s.server;
	bool tls_first = false, tls_start = false;
	int c;

	while ((c = getopt(argc, argv, "kmst")) != -1) {
		server->any_certificate |= c == 'k';
		server->teaching |= c == 'm';
		tls_start |= c == 's';
		tls_first |= c == 't';
		if (c == '?')
			fatal(EX_USAGE, USAGE);
	}
	argv += optind;
	if (argc - optind != (server->teaching ? 2 : 3) ||
	    (tls_start && (tls_first || server->teaching)))
		fatal(EX_USAGE, USAGE);
	server->tls = tls_first ? TLS_FIRST : tls_start ? TLS_START : TLS_NONE;
	server->host = argv[0];
	server->smtp = port_find(argv[1]);
	server->pop3 = server->teaching ? server->smtp : port_find(argv[2]);
}

int main(int argc, char **argv)
{
	program_begin("mailclient");
	confine_secrets();
	log_caller(false);
	options_read(argc, argv);
	terminal_begin();
	main_menu();
	explicit_bzero(&s.account, sizeof s.account);
	return fflush(stdout) == 0 ? s.status : EX_IOERR;
}
