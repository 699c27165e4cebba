/*
 * mailclient with a hostile server, from memory: a person who logs in, lists,
 * reads and deletes, or sends a letter. The first byte: in what pieces the
 * server's words arrive, which protocol it is, and what the person does. Before
 * the first two NULs is the letter, behind them what the server says.
 */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "fake.h"
#include "mailclient/box.h"
#include "mailclient/remote.h"
#include "mailclient/submit.h"
#include "program.h"
#include "utf8.h"

#define FD 100 /* what the connection is called */

int fuzz_socket(int domain, int type, int protocol);
int fuzz_connect(int fd, const struct sockaddr *a, socklen_t n);
int fuzz_close(int fd);
bool fuzz_part(const unsigned ports[]);

int fuzz_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return FD;
}

int fuzz_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	(void)a;
	MUST(fd == FD && n > 0);
	return 0;
}

int fuzz_close(int fd)
{
	MUST(fd == FD);
	return 0;
}

bool fuzz_part(const unsigned ports[])
{
	MUST(ports[0] == 25 && ports[1] == 110 && ports[2] == 0);
	return true;
}

/* One line of UTF-8 for a terminal. */
static const char *sentence_check(const char *why)
{
	uint32_t c;

	if (why == NULL)
		return why;
	MUST(*why != '\0' && strlen(why) < 1024);
	for (size_t i = 0, n, all = strlen(why); i < all; i += n) {
		n = utf8_read(why + i, all - i, &c);
		MUST(n > 0 || i > 1000); /* its end may be cut */
		MUST(n == 0 || (c >= ' ' && (c < 0x7f || c > 0x9f)));
		n += n == 0;
	}
	return why;
}

/* Each line ends in CRLF. */
static void text_check(const struct str *text, size_t max)
{
	MUST(text->len <= max);
	for (size_t i = 0; i < text->len; i++)
		if (text->p[i] == '\n')
			MUST(i > 0 && text->p[i - 1] == '\r');
}

static void read_all(const struct server *server, const struct account *a,
    bool pages)
{
	struct str text = {0};
	struct box box;
	bool deleted = false;

	if (sentence_check(box_open(&box, server, a)) != NULL) {
		MUST(!box.open && box.mail == NULL && box.remote == NULL);
		return;
	}
	MUST(box.open && box.count <= BOX_MAILS_MAX);
	for (size_t n = 1; n <= box.count; n++) {
		if (pages && n % 5 == 1)
			sentence_check(box_prepare(&box, n, 5));
		if (sentence_check(box_header(&box, n, &text)) == NULL)
			MUST(text.len > 0);
		text_check(&text, BOX_HEADER_MAX);
		if (n % 3 == 1)
			sentence_check(box_message(&box, n, &text));
		text_check(&text, BOX_MESSAGE_MAX);
		if (n % 4 == 2)
			deleted |= sentence_check(box_delete(&box, n)) == NULL;
	}
	MUST(!deleted || memmem(peer_heard, peer_heard_len, "DELE ", 5));
	deleted &= box.open; /* else it was told already */
	if (sentence_check(box_close(&box)) == NULL && deleted)
		MUST(peer_heard_len < 6 || memcmp(peer_heard + peer_heard_len
		    - 6, "QUIT\r\n", 6) == 0);
	str_free(&text);
}

/* The message as it has to be on the wire, plainly made: an octet at a time. */
static size_t wire_make(char *to, const char *p, size_t length)
{
	char last = '\n';
	size_t n = 0;

	memcpy(to, "DATA\r\n", 6);
	to += 6;
	for (size_t i = 0; i < length; i++) {
		bool end = p[i] == '\r' && i + 1 < length && p[i + 1] == '\n';
		char c = p[i] == '\r' ? ' ' : p[i];
		/* A CR at the very end is as good as its line end. */
		if (end || (p[i] == '\r' && i + 1 == length))
			continue;
		if (last == '\n' && c == '.')
			to[n++] = '.';
		if (c == '\n')
			to[n++] = '\r';
		to[n++] = c;
		last = c;
	}
	if (last != '\n' || (length > 0 && p[length - 1] == '\r')) {
		to[n++] = '\r';
		to[n++] = '\n';
	}
	memcpy(to + n, ".\r\n", 3);
	return n + 9;
}

static void send_one(const struct server *server, const struct account *a,
    struct span message, size_t count)
{
	static char wire[65536];
	static const char *const to[] = {"alice@example.test",
	    "bob@example.test"};

	if (sentence_check(submit(server, a, "x@y.test", to, count, message))
	    == NULL)
		MUST(memmem(peer_heard, peer_heard_len, wire,
		    wire_make(wire, message.p, message.n)) != NULL);
}

/* No LF without its CR, and no CR without its LF, was said. */
static void said_check(void)
{
	for (size_t i = 0; i < peer_heard_len; i++) {
		if (peer_heard[i] == '\n')
			MUST(i > 0 && peer_heard[i - 1] == '\r');
		if (peer_heard[i] == '\r')
			MUST(i + 1 < peer_heard_len &&
			    peer_heard[i + 1] == '\n');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t pieces[] = {0, 1, 7, 64};
	struct server server = {.host = "127.0.0.1", .smtp = {"25", 25},
	    .pop3 = {"110", 110}};
	struct account account = {"alice@example.test", "secret"};
	const uint8_t *end;
	size_t length;
	uint8_t mode;

	if (n == 0)
		return 0;
	mode = *data++;
	n--;
	end = memmem(data, n, "\0\0", 2);
	length = end != NULL ? (size_t)(end - data) : 0;
	peer_says(data + length + (end != NULL ? 2 : 0),
	    n - length - (end != NULL ? 2 : 0), pieces[mode & 3]);
	server.teaching = mode & 4;
	server.tls = mode & 8 ? TLS_START : TLS_NONE;
	if (mode & 16)
		account = (struct account){0};
	if (mode & 32)
		send_one(&server, &account, (struct span){(const char *)data,
		    length}, 1 + (mode >> 6 & 1));
	else
		read_all(&server, &account, mode & 64);
	said_check();
	return 0;
}
