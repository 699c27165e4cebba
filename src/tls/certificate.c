#include "certificate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "outcome.h"
#include "str.h"
#include "tls.h"

#define CLIENTS TLS_CERTIFICATES "/clients.pem"
#define CLIENTS_MAX (256u << 10) /* octets; OpenSSL sends 100 KiB of names */

static char why[PATH_MAX + 256];
static unsigned char clients_digest[SHA256_DIGEST_LENGTH];

static bool failed(const char *dir, const char *file, const char *reason)
{
	snprintf(why, sizeof why, TLS_CERTIFICATES "/%s%s: %s", dir, file,
	    reason);
	return false;
}

bool certificate_name(const char *text, size_t n, char name[NAME_SIZE])
{
	char before = '.';

	if (n > 0 && text[n - 1] == '.')
		n--;
	if (n == 0 || n >= NAME_SIZE || text[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && (c != '.' || before == '.'))
			return false;
		name[i] = before = c;
	}
	name[n] = '\0';
	return before != '.';
}

/* Clients */

static size_t authorities_add(SSL_CTX *ctx, const struct str *text)
{
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->len);
	X509 *x;
	size_t n = 0;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 &&
		    SSL_CTX_add_client_CA(ctx, x) == 1)
			n++;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

static int goes_on(int good, X509_STORE_CTX *ctx)
{
	(void)good;
	(void)ctx;
	return 1; /* the result is kept: SSL_get_verify_result() */
}

void certificate_clients(SSL_CTX *ctx)
{
	struct str text = {0};

	if (!str_read_file(&text, CLIENTS, CLIENTS_MAX)) {
		if (errno != ENOENT)
			warn(CLIENTS ": %s", strerror(errno));
	} else if (authorities_add(ctx, &text) == 0) {
		warn(CLIENTS ": no certificate in it");
	} else {
		SHA256((unsigned char *)text.p, text.len, clients_digest);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, goes_on);
	}
	str_free(&text);
}

/* The pair */

static BIO *file_open(const char *name, int dir, const char *file,
    bool secret)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		failed(name, file, fd < 0 ? strerror(errno) : "no file");
		return NULL;
	}
	if (secret && (st.st_mode & 007) != 0)
		warn(TLS_CERTIFICATES "/%s%s: the key is open to others", name,
		    file);
	return BIO_new_fp(fdopen(fd, "r"), BIO_CLOSE);
}

/*
 * A ticket is good as long as the certificate and clients.pem are what they
 * were: RFC 6066 3 and RFC 5929 4 (the client's endpoint is that of the session
 * it resumes) want it, and a CA that was removed.
 */
static bool tickets_bind(SSL *ssl, X509 *x)
{
	unsigned char both[2 * SHA256_DIGEST_LENGTH],
	    context[SHA256_DIGEST_LENGTH];

	memcpy(both, clients_digest, sizeof clients_digest);
	return X509_digest(x, EVP_sha256(), both + sizeof clients_digest,
	    NULL) == 1 &&
	    SHA256(both, sizeof both, context) != NULL &&
	    SSL_set_session_id_context(ssl, context, sizeof context) == 1;
}

static bool chain_add(SSL *ssl, BIO *bio)
{
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool good = x != NULL && SSL_use_certificate(ssl, x) == 1 &&
	    tickets_bind(ssl, x);

	X509_free(x);
	while (good && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		good = SSL_add0_chain_cert(ssl, x) == 1;
	return good &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static int no_passphrase(char *buffer, int size, int writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static bool chain_use(SSL *ssl, const char *name, int dir)
{
	static const char file[] = "fullchain.pem";
	BIO *bio = file_open(name, dir, file, false);
	bool good;

	if (bio == NULL)
		return false;
	good = chain_add(ssl, bio) || failed(name, file, openssl_why());
	BIO_free(bio);
	ERR_clear_error();
	return good;
}

static bool key_use(SSL *ssl, const char *name, int dir)
{
	static const char file[] = "privkey.pem";
	BIO *bio = file_open(name, dir, file, true);
	EVP_PKEY *key;
	bool good;

	if (bio == NULL)
		return false;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	good = (key != NULL || failed(name, file, openssl_why())) &&
	    ((SSL_use_PrivateKey(ssl, key) == 1 &&
	    SSL_check_private_key(ssl) == 1) ||
	    failed(name, file, "not the key of fullchain.pem"));
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return good;
}

/* The directory is opened once: a link that is turned meanwhile is no harm. */
const char *certificate_use(SSL *ssl, const char *name, bool *found)
{
	char path[PATH_MAX];
	int dir;

	snprintf(path, sizeof path, TLS_CERTIFICATES "/%s", name);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*found = dir >= 0 || errno != ENOENT;
	*why = '\0';
	if (dir < 0) {
		failed(name, "", strerror(errno));
		return why;
	}
	SSL_certs_clear(ssl);
	snprintf(path, sizeof path, "%s/", name);
	if (chain_use(ssl, path, dir))
		key_use(ssl, path, dir);
	close(dir);
	return why;
}

/* Where they are */

struct paths {
	struct confine_path *path;
	size_t count;
};

static void path_add(struct paths *to, const char *path)
{
	for (size_t i = 0; i < to->count; i++)
		if (strcmp(to->path[i].path, path) == 0)
			return;
	to->path = xrealloc(to->path, (to->count + 2) * sizeof *to->path);
	to->path[to->count++] = (struct confine_path){
	    strcpy(xrealloc(NULL, strlen(path) + 1), path), MAY_READ};
	to->path[to->count] = (struct confine_path){0};
}

/* The directory in which the file really is, unless it is in `home` anyway. */
static void place_add(struct paths *to, const char *home, const char *name,
    const char *file)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	snprintf(path, sizeof path, TLS_CERTIFICATES "/%s/%s", name, file);
	if (realpath(path, real) == NULL ||
	    (strncmp(real, home, strlen(home)) == 0 &&
	    real[strlen(home)] == '/') || (slash = strrchr(real, '/')) == NULL)
		return;
	*slash = '\0';
	path_add(to, real);
}

const struct confine_path *certificate_paths(const char *host)
{
	static struct paths paths;
	char home[PATH_MAX];
	DIR *dir = opendir(TLS_CERTIFICATES);
	struct dirent *d;
	bool others = false;

	if (dir == NULL || realpath(TLS_CERTIFICATES, home) == NULL)
		return NULL;
	path_add(&paths, TLS_CERTIFICATES);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || d->d_type == DT_REG ||
		    strcmp(d->d_name, host) == 0)
			continue;
		others = true;
		place_add(&paths, home, d->d_name, "fullchain.pem");
		place_add(&paths, home, d->d_name, "privkey.pem");
	}
	closedir(dir);
	return others ? paths.path : NULL;
}
