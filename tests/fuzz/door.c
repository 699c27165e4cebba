/*
 * The doorkeeper, and a talker in somebody's hands. What it sends: packets of
 * the length that stands in front of each, in two octets; the first byte of all
 * says whether TLS is offered, and whether anything may be asked without it.
 */
#define sendmsg fuzz_sendmsg
#define dup2 fuzz_dup2
#define tls_serve fuzz_tls_serve
#define tls_available fuzz_tls_available
#define login_scram_first fuzz_scram_first
#define login_scram_final fuzz_scram_final
#define login_external fuzz_external
#define login_has_scram fuzz_has_scram
#include "lib/door.c"
#undef dup2

#include <fcntl.h>
#include <stdlib.h>

#include "fake.h"

static struct door d;
static bool private; /* in the packet that is served */
static unsigned served;

ssize_t fuzz_sendmsg(int fd, const struct msghdr *m, int flags)
{
	const struct answer *a = m->msg_iov->iov_base;

	MUST(fd == d.fd && (flags & MSG_NOSIGNAL) && m->msg_iovlen == 1);
	MUST(m->msg_iov->iov_len == sizeof *a);
	MUST(memchr(a->text, '\0', sizeof a->text) != NULL);
	MUST((a->result == LOGIN_OK) == (*a->who != '\0') ||
	    *a->tls.protocol != '\0' || *a->who == '\0');
	served++;
	return (ssize_t)m->msg_iov->iov_len;
}

int fuzz_dup2(int from, int to)
{
	MUST(from >= 0 && (to == 0 || to == 1));
	return to;
}

bool fuzz_tls_available(const char *host)
{
	return *host != '\0';
}

bool fuzz_has_scram(const struct config *config)
{
	return config != NULL;
}

int fuzz_tls_serve(int in, int out, const char *service, struct tls *t)
{
	MUST(in == 0 && out == 1 && service == NULL);
	MUST(*t->protocol == '\0'); /* once is all */
	strcpy(t->protocol, "TLSv1.3");
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static enum login_result scram_said(const char *text)
{
	MUST(private);
	/* Its end is within the packet: ASan sees the rest. */
	return strlen(text) % 3 == 0 ? LOGIN_REFUSED : LOGIN_CONTINUE;
}

enum login_result fuzz_scram_first(struct login *l, const char *user,
    const char *first, char text[SCRAM_SIZE])
{
	MUST(l == &d.login && strlen(user) < sizeof(struct request));
	strcpy(text, "challenge");
	return scram_said(first);
}

enum login_result fuzz_scram_final(struct login *l, const char *final,
    char text[SCRAM_SIZE])
{
	MUST(l == &d.login);
	strcpy(text, "final");
	return scram_said(final);
}

enum login_result fuzz_external(struct login *l, const char *authzid)
{
	MUST(l == &d.login);
	return scram_said(authzid);
}

static int give(const char *what)
{
	MUST(strlen(what) < DOOR_TEXT_SIZE);
	return -1;
}

static void hear(const char *text)
{
	MUST(strlen(text) < sizeof(struct request));
}

static struct door_service own = {.give = give, .hear = hear, .fd = -1};

/* One packet, in a room of exactly its size behind the kind. */
static bool packet(const uint8_t *data, size_t n)
{
	struct request *r = malloc(sizeof *r);
	bool done;

	MUST(r != NULL);
	memset(r, 'x', sizeof *r); /* what is behind it is another's */
	memcpy(r, data, n < sizeof *r ? n : sizeof *r);
	private = door_is_private(&d);
	done = serve(&d, r, (n < sizeof *r ? n : sizeof *r) - 1);
	free(r);
	return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct config config = {.host = "mx.example.test"};
	static struct conn conn;
	struct peer peer = {.loopback = true};
	bool done = false;

	if (config.auth == NULL) {
		home_make("", "");
		config.auth = "auth";
	}
	if (n == 0)
		return 0;
	strcpy(peer.address, "192.0.2.1");
	peer.loopback = data[0] & 1;
	served = 0;
	conn_open(&conn, 0, 1, 1, 0);
	door_begin(&d, &config, &peer, &conn, "smtp", true);
	d.tls_offered = data[0] & 2;
	d.own = data[0] & 4 ? &own : NULL;
	for (data++, n--; !done && n > 2;) {
		size_t len = (size_t)data[0] << 8 | data[1];
		data += 2, n -= 2;
		len = len == 0 ? 1 : len < n ? len : n;
		done = packet(data, len);
		data += len, n -= len;
	}
	MUST(!done || *d.login.who.text != '\0');
	MUST(memchr(d.text, '\0', sizeof d.text) != NULL);
	MUST(conn.start == 0 && conn.end <= CONN_BUFFER);
	return 0;
}
