#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "input.h"
#include "log.h"
#include "qp.h"

static struct {
	const char *dir;
	bool spooled; /* into fd, what did not fit; else all of it is in buf */
	int fd;
	size_t len;   /* in buf, behind what is in the file */
	uint64_t line; /* octets of the line that is being read */
	unsigned more; /* octets that a UTF-8 character still needs, */
	unsigned char low, high; /* and between what the next must be */
	char buf[TEXT_MEMORY];
} t;

static void spool_open(void)
{
	t.spooled = true;
	t.fd = t.dir == NULL ? -1 :
	    open(t.dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (t.fd < 0)
		t.fd = memfd_create("sendmail", MFD_CLOEXEC);
	if (t.fd < 0)
		fatal(EX_CANTCREAT, "no room for a large message: %s",
		    strerror(errno));
}

static void spool(void)
{
	size_t done = 0;
	ssize_t n;

	if (!t.spooled)
		spool_open();
	while (done < t.len) {
		n = write(t.fd, t.buf + done, t.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			fatal(EX_IOERR, "no room for a large message: %s",
			    strerror(n == 0 ? EIO : errno));
	}
	t.len = 0;
}

static void add(const char *p, size_t n)
{
	while (n > 0) {
		size_t room = sizeof t.buf - t.len;
		size_t take = n < room ? n : room;
		memcpy(t.buf + t.len, p, take);
		t.len += take;
		p += take;
		n -= take;
		if (t.len == sizeof t.buf)
			spool();
	}
}

/* RFC 3629 4: what may follow a first octet. 0xff: nothing, it is none. */
static void first_octet(unsigned char c)
{
	t.low = 0x80;
	t.high = 0xbf;
	if (c < 0x80)
		t.more = 0;
	else if (c >= 0xc2 && c <= 0xdf)
		t.more = 1;
	else if (c >= 0xe0 && c <= 0xef)
		t.more = 2;
	else if (c >= 0xf0 && c <= 0xf4)
		t.more = 3;
	else
		t.more = 0xff;
	if (c == 0xe0)
		t.low = 0xa0;
	else if (c == 0xed)
		t.high = 0x9f;
	else if (c == 0xf0)
		t.low = 0x90;
	else if (c == 0xf4)
		t.high = 0x8f;
}

static void look(struct text *text, const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;

	for (size_t i = 0; i < n; i++) {
		if (c[i] < 0x80 && t.more == 0)
			continue;
		text->eightbit = true;
		if (!text->utf8)
			return;
		if (t.more == 0) {
			first_octet(c[i]);
		} else {
			if (c[i] < t.low || c[i] > t.high)
				t.more = 0xff;
			else
				t.more--;
			t.low = 0x80;
			t.high = 0xbf;
		}
		text->utf8 = t.more != 0xff;
	}
}

void text_read(struct text *text, const char *dir)
{
	struct piece piece;

	*text = (struct text){.utf8 = true};
	t.dir = dir;
	while (input_next(&piece)) {
		t.line = piece.begins ? piece.n : t.line + piece.n;
		if (t.line > text->longest)
			text->longest = t.line;
		text->size += piece.n + piece.ends;
		if (!text->eightbit || text->utf8)
			look(text, piece.p, piece.n);
		add(piece.p, piece.n);
		if (!piece.ends)
			continue;
		add("\n", 1);
		text->utf8 = text->utf8 && t.more == 0;
	}
	if (t.spooled)
		spool();
}

/* qp: NULL when it goes as it is. */
static void hand_out(struct qp *qp, void (*out)(const char *, size_t),
    size_t n)
{
	if (qp != NULL)
		qp_text(qp, t.buf, n);
	else
		out(t.buf, n);
}

bool text_write(bool quoted_printable, void (*out)(const char *, size_t))
{
	static struct qp coder;
	struct qp *qp = quoted_printable ? &coder : NULL;
	off_t at = 0;
	ssize_t n;

	coder = (struct qp){.out = out};
	if (!t.spooled)
		hand_out(qp, out, t.len);
	while (t.spooled) {
		n = pread(t.fd, t.buf, sizeof t.buf, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		hand_out(qp, out, (size_t)n);
		at += n;
	}
	if (qp != NULL)
		qp_end(qp);
	return true;
}
