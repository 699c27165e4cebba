#include "terminal.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "keeper.h"
#include "utf8.h"

#define TAB 8     /* columns */
#define SHOWN_MAX 2000 /* octets of a sentence */
#define COLUMNS_MIN 40 /* narrower than that it is not fitted */
#define ROWS_MIN 6

static bool from_terminal, to_terminal;
static struct termios echoing; /* as the terminal was */

void terminal_begin(void)
{
	from_terminal = isatty(STDIN_FILENO) == 1;
	to_terminal = isatty(STDOUT_FILENO) == 1;
	/* wcwidth(3) of glibc knows nothing without it. */
	setlocale(LC_CTYPE, "C.UTF-8");
}

bool terminal_is(void)
{
	return from_terminal && to_terminal;
}

static struct winsize window(void)
{
	struct winsize w = {0};

	if (terminal_is())
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	return w;
}

size_t terminal_columns(void)
{
	size_t columns = window().ws_col;

	return columns == 0 ? COLUMNS_ELSE :
	    columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
}

size_t terminal_rows(void)
{
	size_t rows = window().ws_row;

	return rows == 0 ? ROWS_ELSE : rows < ROWS_MIN ? ROWS_MIN : rows;
}

/* What is foreign */

/*
 * DEL and C1; line ends of Unicode; what overrides, embeds or isolates a
 * direction of writing (UAX 9), or hides a text (tags).
 */
static bool is_harmful(uint32_t c)
{
	return (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x206f) || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe007f);
}

void text_add(struct str *to, struct span s, bool lines)
{
	while (s.n > 0) {
		uint32_t c = 0;
		size_t n = utf8_read(s.p, s.n, &c);
		char caret[2] = {'^', (char)(*s.p ^ 0x40)};
		if (n == 0 || is_harmful(c))
			str_puts(to, UTF8_REPLACEMENT);
		else if (lines && (c == '\n' || c == '\t'))
			str_add(to, s.p, 1);
		else if (c == '\n' || c == '\t')
			str_add(to, " ", 1);
		else if (c == '\r' && (!lines || s.n == 1 || s.p[1] == '\n'))
			; /* of a line's end */
		else if (c < ' ')
			str_add(to, caret, 2);
		else
			str_add(to, s.p, n);
		span_skip(&s, n > 0 ? n : 1);
	}
}

const char *shown(const char *text)
{
	static struct str ring[4];
	static size_t turn;
	struct str *to = &ring[turn++ % 4];
	size_t n = strlen(text);

	str_clear(to);
	text_add(to, (struct span){text, n < SHOWN_MAX ? n : SHOWN_MAX}, false);
	return to->p != NULL ? to->p : "";
}

void say(const char *sentence)
{
	const char *text = shown(sentence);
	size_t n = strlen(text);
	bool stops = n > 0 && strchr(".?!", text[n - 1]) != NULL;

	if (n > 0)
		printf("%c%s%s\n", *text >= 'a' && *text <= 'z' ?
		    *text - 'a' + 'A' : *text, text + 1, stops ? "" : ".");
}

/* The first character of a harmless text: octets, and columns in *width. */
static size_t character(struct span s, size_t *width)
{
	uint32_t c;
	size_t n = utf8_read(s.p, s.n, &c);
	int columns = n > 0 ? wcwidth((wchar_t)c) : 1;

	*width = columns < 0 ? 1 : (size_t)columns; /* newer than libc */
	return n > 0 ? n : 1;
}

void text_fit(struct str *to, struct span text, size_t columns)
{
	struct str line = {0};
	size_t used = 0, width, n;

	text_add(&line, text, false);
	for (struct span s = {line.p, line.len}; s.n > 0; span_skip(&s, n)) {
		n = character(s, &width);
		if (used + width > columns)
			break;
		used += width;
		str_add(to, s.p, n);
	}
	for (; used < columns; used++)
		str_add(to, " ", 1);
	str_free(&line);
}

/*
 * The octets of the text that stand on the next line of so many columns: to its
 * LF, or to the blank between two words, or as many as there is room for.
 */
static size_t line_break(struct span text, size_t columns)
{
	size_t used = 0, blank = 0, width, n;

	for (struct span s = text; s.n > 0 && *s.p != '\n'; span_skip(&s, n)) {
		n = character(s, &width);
		if (*s.p == '\t')
			width = TAB - used % TAB;
		if (*s.p == ' ' || *s.p == '\t')
			blank = (size_t)(s.p - text.p) + 1;
		else if (used + width > columns)
			return blank > 0 ? blank : (size_t)(s.p - text.p);
		used += width;
	}
	const char *lf = memchr(text.p, '\n', text.n);
	return lf != NULL ? (size_t)(lf - text.p) + 1 : text.n;
}

static void line_write(struct span line)
{
	while (line.n > 0 && (line.p[line.n - 1] == ' ' ||
	    line.p[line.n - 1] == '\n'))
		line.n--;
	printf("%.*s\n", (int)line.n, line.p);
}

void text_page(struct span text)
{
	size_t row = 0, n;
	struct str answer = {0};
	bool more = true;

	for (; text.n > 0 && more; span_skip(&text, n)) {
		if (terminal_is() && ++row == terminal_rows()) {
			ask(&answer, "-- more: Enter, or q to stop -- ");
			more = answer.len == 0 || *answer.p != 'q';
			row = 1;
		}
		if (!more)
			break;
		n = line_break(text, terminal_is() ? terminal_columns() :
		    SIZE_MAX);
		line_write((struct span){text.p, n});
	}
	str_free(&answer);
}

/* What is asked */

static _Noreturn void input_ended(void)
{
	puts("The input has ended: nothing is sent, and nothing deleted.");
	fflush(stdout);
	exit(EX_NOINPUT);
}

bool input_line(struct str *line, size_t max)
{
	int c;

	if (fflush(stdout) != 0)
		exit(EX_IOERR); /* nobody hears us */
	if (keeper_there())
		return keeper_line(line, max);
	str_clear(line);
	while ((c = getchar()) != EOF && c != '\n')
		if (line->len <= max)
			str_add(line, &(char){(char)c}, 1);
	if (c != EOF && line->len > 0 && line->p[line->len - 1] == '\r')
		line->p[--line->len] = '\0';
	if (c != EOF && line->len == 0)
		str_puts(line, "");
	return c != EOF;
}

bool line_read(struct str *line, size_t max)
{
	if (!input_line(line, max))
		input_ended();
	return line->len <= max;
}

static void blanks_strip(struct str *s)
{
	size_t begin = 0;

	while (s->len > 0 && strchr(" \t", s->p[s->len - 1]) != NULL)
		s->len--;
	while (begin < s->len && strchr(" \t", s->p[begin]) != NULL)
		begin++;
	s->len -= begin;
	memmove(s->p, s->p + begin, s->len);
	s->p[s->len] = '\0';
}

static const char *answer_fault(const struct str *s)
{
	if (s->len > LINE_MAX_ASKED)
		return "That is too long.";
	for (size_t i = 0; i < s->len; i++)
		if ((unsigned char)s->p[i] < ' ' && s->p[i] != '\t')
			return "There is a control character in that.";
	if (!utf8_is((struct span){s->p, s->len}))
		return "That is not UTF-8. Is your terminal set to UTF-8?";
	return NULL;
}

bool ask_or_end(struct str *answer, const char *question)
{
	const char *fault;

	do {
		fputs(question, stdout);
		if (!input_line(answer, LINE_MAX_ASKED)) {
			putchar('\n');
			return false;
		}
		fault = answer_fault(answer);
		if (!from_terminal)
			printf("%s\n", fault == NULL ? shown(answer->p) : "");
		if (fault != NULL)
			puts(fault);
	} while (fault != NULL);
	blanks_strip(answer);
	return true;
}

void ask(struct str *answer, const char *question)
{
	if (!ask_or_end(answer, question))
		input_ended();
}

bool ask_yes(const char *question)
{
	struct str answer = {0};
	char c;

	do {
		ask(&answer, question);
		c = (char)(*answer.p | 0x20); /* Y is y */
	} while (c != 'y' && c != 'n');
	str_free(&answer);
	return c == 'y';
}

/* A key that ends the program while nothing is echoed. */
static void give_echo_back(int signal)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &echoing);
	if (write(STDOUT_FILENO, "\n", 1) >= 0)
		raise(signal); /* SA_RESETHAND: it does what it always does */
	_exit(128 + signal);
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/*
 * A job that is stopped would be continued by a shell that has set the echo
 * again: it cannot be stopped here.
 */
static void echo_off(struct sigaction before[])
{
	struct sigaction act = {.sa_handler = give_echo_back,
	    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
	struct termios silent = echoing;

	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &act, &before[i]);
	signal(SIGTSTP, SIG_IGN);
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
}

static void echo_on(const struct sigaction before[])
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &echoing);
	signal(SIGTSTP, SIG_DFL);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &before[i], NULL);
}

bool ask_secret(char *answer, size_t size, const char *question)
{
	struct sigaction before[sizeof ending / sizeof *ending];
	struct str line = {0};
	bool silent, read, fits;

	if (keeper_there()) {
		fflush(stdout);
		return keeper_secret(answer, size, question);
	}
	silent = from_terminal && tcgetattr(STDIN_FILENO, &echoing) == 0;
	if (silent)
		echo_off(before);
	fputs(question, stdout);
	read = input_line(&line, size);
	if (silent)
		echo_on(before);
	if (!silent || !read)
		putchar('\n');
	if (!read)
		input_ended();
	fits = line.len < size && memchr(line.p, '\0', line.len) == NULL;
	if (fits)
		memcpy(answer, line.p, line.len + 1);
	explicit_bzero(line.p, line.cap);
	str_free(&line);
	return fits;
}
