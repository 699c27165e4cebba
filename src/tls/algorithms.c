#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD */

#include "algorithms.h"

#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "str.h"

/* By the first of the names that OpenSSL's default provider gives them. */
static const char *const used[] = {
	/* digests: signatures, names of CA files, sessions without any EMS */
	"SHA1", "SHA2-256", "SHA2-384", "SHA2-512", "MD5", "MD5-SHA1",
	/* those of our list; CBC for tickets, and for old servers */
	"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CBC",
	"AES-256-CBC",
	"HMAC", "HKDF", "TLS13-KDF", "TLS1-PRF",
	/* keys, their exchange, signatures, and how they are written */
	"DH", "RSA", "RSA-PSS", "EC", "X25519", "ED25519", "ECDH", "ECDSA",
};

/* OpenSSL's own, in a place where nothing looks for an algorithm. */
static OSSL_PROVIDER *whole;

static bool is_used(const char *names)
{
	size_t n = strcspn(names, ":");

	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		if (strlen(used[i]) == n &&
		    strncasecmp(used[i], names, n) == 0)
			return true;
	return false;
}

/*
 * Of what decodes keys only those for a certificate's: for our own one OpenSSL
 * still has the older code, which need not ask twenty decoders.
 */
static bool is_chosen(const OSSL_ALGORITHM *a, int operation)
{
	return is_used(a->algorithm_names) &&
	    (operation != OSSL_OP_DECODER || strstr(a->property_definition,
	    "structure=SubjectPublicKeyInfo") != NULL);
}

static const OSSL_ALGORITHM *choose(const OSSL_ALGORITHM *from, int operation)
{
	OSSL_ALGORITHM *to = NULL;
	size_t n = 0;

	for (;; from++) {
		if (from->algorithm_names != NULL &&
		    !is_chosen(from, operation))
			continue;
		to = xrealloc(to, (n + 1) * sizeof *to);
		to[n++] = *from;
		if (from->algorithm_names == NULL)
			return to;
	}
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM *chosen[OSSL_OP__HIGHEST + 1];

	(void)context;
	*no_cache = 0;
	if (operation < 0 || operation > OSSL_OP__HIGHEST ||
	    operation == OSSL_OP_ENCODER || operation == OSSL_OP_STORE)
		return NULL;
	if (chosen[operation] == NULL) {
		const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(
		    whole, operation, no_cache);
		if (all != NULL)
			chosen[operation] = choose(all, operation);
	}
	return chosen[operation];
}

static int capabilities(void *context, const char *name, OSSL_CALLBACK *tell,
    void *to)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(whole, name, tell, to);
}

static int begin(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *theirs,
    const OSSL_DISPATCH **ours, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
		    (void (*)(void))capabilities},
		{0, NULL},
	};

	(void)core;
	(void)theirs;
	*ours = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

/* The kernel's: OpenSSL would seed three generators with it, of 17 KiB. */
static int random_bytes(unsigned char *to, int n)
{
	while (n > 0) {
		ssize_t got = getrandom(to, (size_t)n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return 0;
		to += got;
		n -= (int)got;
	}
	return 1;
}

bool algorithms_begin(void)
{
	static const RAND_METHOD from_kernel = {.bytes = random_bytes};
	OSSL_LIB_CTX *apart;

	/* No names from before OpenSSL 3 but those that certificates use. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
	    OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
	    NULL) != 1 ||
	    EVP_add_digest(EVP_sha1()) != 1 ||
	    EVP_add_digest(EVP_sha256()) != 1 ||
	    EVP_add_digest(EVP_sha384()) != 1 ||
	    EVP_add_digest(EVP_sha512()) != 1)
		return false;
	apart = OSSL_LIB_CTX_new();
	return apart != NULL && RAND_set_rand_method(&from_kernel) == 1 &&
	    (whole = OSSL_PROVIDER_load(apart, "default")) != NULL &&
	    OSSL_PROVIDER_add_builtin(NULL, "tls", begin) == 1 &&
	    OSSL_PROVIDER_load(NULL, "tls") != NULL;
}
