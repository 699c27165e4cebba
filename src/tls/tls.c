/*
 * tls: stands between the network (fd 0 and 1) and a program that knows nothing
 * of TLS (fd 3), and tells it on fd 4 what was agreed on. See tls(8).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "agreed.h"
#include "algorithms.h"
#include "certificate.h"
#include "config.h"
#include "confine.h"
#include "log.h"
#include "outcome.h"
#include "peer.h"
#include "program.h"
#include "relay.h"
#include "str.h"
#include "ticket.h"
#include "tls.h"

#define HANDSHAKE 60000 /* ms; as long as Dovecot and nginx give it */
#define MEMORY_MAX (128u << 20) /* octets; most of it is libraries: 1 is used */
#define FILES_MAX 32    /* descriptors; 5, the log's, a certificate's */
#define AUTHORITIES TLS_CERTIFICATES "/ca.pem" /* besides the system's */

/* Mozilla's intermediate choice, 5.7; those of TLS 1.3 are OpenSSL's own. */
#define CIPHERS \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:" \
	"DHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519:P-256:P-384"
#define SECURITY 2 /* 112 bits, RSA of 2048: SSL_CTX_set_security_level(3) */

static const struct ends ends = {.in = 0, .out = 1, .plain = 3};

static struct {
	struct peer peer;
	const char *alpn;      /* -a; NULL: none */
	const char *connect;   /* -c: we are the client, of this host */
	bool verify;           /* -v */
	char host[NAME_SIZE];  /* whose certificate is the default */
	char asked[NAME_SIZE]; /* by the client's SNI; "": nothing usable */
	bool others;           /* there are other certificates than host's */
	/* NULL before the ClientHello; then why the certificate of that name
	 * cannot be used, or "". */
	const char *bad;
	char who[400];         /* for the log's lines */
} s;

#define USAGE "usage: tls [-C home] [-a protocol | -c host [-v]]"

/* What the process may do: see CONFINEMENT in tls(8). */

static void confine_to(const struct confine_path *paths, unsigned calls)
{
	confine(&(struct confinement){.paths = paths, .calls = calls,
	    .memory = MEMORY_MAX, .files = FILES_MAX});
}

/* Server */

/* RFC 6066 3: a list of names, of which only the type host_name (0) exists. */
static void name_asked(SSL *ssl)
{
	const unsigned char *p;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1
	    || n < 5 || p[2] != TLSEXT_NAMETYPE_host_name ||
	    (size_t)(p[3] << 8 | p[4]) != n - 5)
		return;
	if (!certificate_name((const char *)p + 5, n - 5, s.asked))
		*s.asked = '\0';
}

/* NAME, or _.REST for its wildcard; "" when the default is the right one. */
static const char *name_use(SSL *ssl)
{
	char wildcard[NAME_SIZE + 1];
	const char *dot = strchr(s.asked, '.'), *why;
	bool found;

	if (!s.others || *s.asked == '\0' || strcmp(s.asked, s.host) == 0)
		return "";
	why = certificate_use(ssl, s.asked, &found);
	if (!found && dot != NULL) {
		snprintf(wildcard, sizeof wildcard, "_%s", dot);
		why = certificate_use(ssl, wildcard, &found);
	}
	return found ? why : "";
}

/* After a HelloRetryRequest it comes once more, the same (RFC 8446 4.1.2). */
static int client_hello(SSL *ssl, int *alert, void *unused)
{
	(void)unused;
	if (s.bad == NULL) {
		name_asked(ssl);
		s.bad = name_use(ssl);
		if (s.others)
			confine_to(NULL, 0);
	}
	*alert = SSL_AD_INTERNAL_ERROR;
	return *s.bad == '\0' ? SSL_CLIENT_HELLO_SUCCESS :
	    SSL_CLIENT_HELLO_ERROR;
}

/* RFC 7301 3.2: another protocol than ours was meant for another server. */
static int alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_length, void *unused)
{
	(void)ssl;
	(void)unused;
	for (unsigned i = 0; i < in_length; i += 1u + in[i]) {
		*out = in + i + 1;
		*n = in[i];
		if (*n == strlen(s.alpn) && memcmp(*out, s.alpn, *n) == 0)
			return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void server_rules(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_security_level(ctx, SECURITY);
	if (SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, GROUPS) != 1)
		outcome_failed(EX_SOFTWARE, "%s", openssl_why());
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_hello_cb(ctx, client_hello, NULL);
	if (s.alpn != NULL)
		SSL_CTX_set_alpn_select_cb(ctx, alpn_choose, NULL);
}

static SSL *server(SSL_CTX *ctx)
{
	const struct config *config = config_load();
	const struct confine_path *paths;
	const char *why;
	bool found;
	SSL *ssl;

	if (!certificate_name(config->host, strlen(config->host), s.host))
		outcome_failed(EX_CONFIG, "host %s is no name", config->host);
	server_rules(ctx);
	tickets_use(ctx);
	certificate_clients(ctx);
	if ((ssl = SSL_new(ctx)) == NULL)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	why = certificate_use(ssl, s.host, &found);
	if (*why != '\0')
		outcome_failed(EX_CONFIG, "%s", why);
	SSL_set_accept_state(ssl);
	paths = certificate_paths(s.host);
	s.others = paths != NULL;
	confine_to(paths, s.others ? CALLS_FILES | CALLS_CONFINE : 0);
	return ssl;
}

/* Client */

/* Where OpenSSL has the system's authorities, and where Debian's links lead. */
static const struct confine_path *authorities_paths(void)
{
	static struct confine_path paths[] = {
		{NULL, MAY_READ},
		{NULL, MAY_READ},
		{"/etc/ssl/certs", MAY_READ},
		{"/usr/share/ca-certificates", MAY_READ},
		{"/usr/local/share/ca-certificates", MAY_READ},
		{"/etc/pki", MAY_READ},
		{NULL, 0},
	};

	const char *dir = getenv(X509_get_default_cert_dir_env());

	paths[0].path = dir != NULL ? dir : X509_get_default_cert_dir();
	paths[1].path = X509_get_default_cert_file();
	return paths;
}

/* RFC 9525: the name is a subjectAltName, a wildcard a label of its own. */
static void verify_rules(SSL *ssl, bool address)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	bool good;

	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	good = address ? X509_VERIFY_PARAM_set1_ip_asc(param, s.connect) :
	    X509_VERIFY_PARAM_set1_host(param, s.connect, 0);
	if (!good)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
}

/* A path is meant from where we were started, and that is left. */
static void authorities_named(const char *name)
{
	const char *path = getenv(name);
	char *whole = path != NULL ? realpath(path, NULL) : NULL;

	if (whole != NULL)
		setenv(name, whole, 1);
	free(whole);
}

static void authorities_use(SSL_CTX *ctx)
{
	if (SSL_CTX_set_default_verify_paths(ctx) != 1 ||
	    (access(AUTHORITIES, F_OK) == 0 &&
	    SSL_CTX_load_verify_file(ctx, AUTHORITIES) != 1))
		outcome_failed(EX_CONFIG, AUTHORITIES ": %s", openssl_why());
}

/* Any TLS is better than none, when none would do as well. */
static void opportunistic_rules(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
}

static SSL *client(SSL_CTX *ctx)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool is_address = inet_pton(AF_INET, s.connect, address) == 1 ||
	    inet_pton(AF_INET6, s.connect, address) == 1;
	SSL *ssl;

	if (s.verify)
		authorities_use(ctx);
	else
		opportunistic_rules(ctx);
	if ((ssl = SSL_new(ctx)) == NULL)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	if (s.verify)
		verify_rules(ssl, is_address);
	/* RFC 6066 3: an address is no name. */
	if (!is_address && SSL_set_tlsext_host_name(ssl, s.connect) != 1)
		outcome_failed(EX_USAGE, "%s is no host name", s.connect);
	SSL_set_connect_state(ssl);
	confine_to(s.verify ? authorities_paths() : NULL,
	    s.verify ? CALLS_FILES : 0);
	return ssl;
}

/* Both */

static SSL_CTX *rules(void)
{
	SSL_CTX *ctx = SSL_CTX_new(s.connect != NULL ? TLS_client_method() :
	    TLS_server_method());

	if (ctx == NULL)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static _Noreturn void handshake_failed(SSL *ssl, int error)
{
	long verified = SSL_get_verify_result(ssl);

	if (s.bad != NULL && *s.bad != '\0')
		outcome_failed(EX_CONFIG, "%s", s.bad);
	if (s.verify && verified != X509_V_OK)
		outcome_failed(EX_PROTOCOL, "certificate not good: %s",
		    X509_verify_cert_error_string(verified));
	if (error == SSL_ERROR_SSL)
		outcome_failed(EX_PROTOCOL, "%s", openssl_why());
	if (error == SSL_ERROR_SYSCALL && errno != 0)
		outcome_failed(EX_PROTOCOL, "%s", strerror(errno));
	outcome_failed(EX_PROTOCOL, "connection closed");
}

static void handshake(SSL *ssl)
{
	int64_t due = clock_ms() + HANDSHAKE;

	for (;;) {
		int result, error;
		ERR_clear_error();
		errno = 0;
		result = SSL_do_handshake(ssl);
		if (result == 1)
			return;
		error = SSL_get_error(ssl, result);
		if (error != SSL_ERROR_WANT_READ &&
		    error != SSL_ERROR_WANT_WRITE)
			handshake_failed(ssl, error);
		if (!relay_wait(&ends, error, due))
			outcome_failed(EX_PROTOCOL, "timeout");
	}
}

static void agreed(SSL *ssl)
{
	char client[ADDRESS_SIZE] = "";
	struct str line = {0};

	agreed_words(ssl, &line);
	if (*s.asked != '\0')
		str_printf(&line, " name=%s", s.asked);
	if (s.verify)
		str_puts(&line, " verified=1");
	if (s.connect == NULL)
		agreed_client(ssl, client);
	info("tls %s%s%s %s", line.p, *client != '\0' ? " client=" : "",
	    client, s.who);
	if (*client != '\0')
		str_printf(&line, " verified=1 peer=%s", client);
	agreed_bindings(ssl, &line);
	str_puts(&line, "\n");
	outcome_tell(&line);
	str_free(&line);
}

static void nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		fatal(EX_USAGE, "fd %d: %s", fd, strerror(errno));
}

static void options(int argc, char **argv, const char **home)
{
	int option;

	while ((option = getopt(argc, argv, "C:a:c:v")) != -1)
		switch (option) {
		case 'C':
			*home = optarg;
			break;
		case 'a':
			s.alpn = optarg;
			break;
		case 'c':
			s.connect = optarg;
			break;
		case 'v':
			s.verify = true;
			break;
		default:
			fatal(EX_USAGE, USAGE);
		}
	if (optind < argc || (s.connect != NULL && s.alpn != NULL) ||
	    (s.connect == NULL && s.verify))
		fatal(EX_USAGE, USAGE);
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	SSL_CTX *ctx;
	SSL *ssl;

	program_begin("tls");
	confine_secrets();
	options(argc, argv, &home);
	nonblocking(ends.in);
	nonblocking(ends.out);
	nonblocking(ends.plain);
	if (s.connect != NULL) {
		authorities_named(X509_get_default_cert_file_env());
		authorities_named(X509_get_default_cert_dir_env());
		home_or_root(home);
	} else {
		home_enter(home);
	}
	peer_find(&s.peer);
	snprintf(s.who, sizeof s.who, "%s%s%s", s.peer.who,
	    s.connect != NULL ? " host=" : "",
	    s.connect != NULL ? safe(s.connect) : "");
	outcome_peer(s.who);

	if (!algorithms_begin() || OPENSSL_init_ssl(
	    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_SSL_STRINGS,
	    NULL) != 1)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	ctx = rules();
	ssl = s.connect != NULL ? client(ctx) : server(ctx);
	if (SSL_set_rfd(ssl, ends.in) != 1 || SSL_set_wfd(ssl, ends.out) != 1)
		outcome_failed(EX_OSERR, "%s", openssl_why());
	handshake(ssl);
	agreed(ssl);
	ERR_clear_error();
	relay(ssl, &ends);
	_exit(0); /* what the library would tidy up is the kernel's to forget */
}
