#include "agreed.h"

#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

void agreed_words(SSL *ssl, struct str *line)
{
	str_printf(line, "protocol=%s cipher=%s", SSL_get_version(ssl),
	    SSL_get_cipher_name(ssl));
	if (SSL_session_reused(ssl))
		str_puts(line, " resumed=1");
}

static void hex(struct str *line, const char *key, const unsigned char *p,
    size_t n)
{
	str_printf(line, " %s=", key);
	for (size_t i = 0; i < n; i++)
		str_printf(line, "%02x", p[i]);
}

/*
 * With a context of no octets (RFC 9266 2), which in TLS 1.2 is not the same as
 * none (RFC 5705 4).
 */
static void exporter(SSL *ssl, struct str *line)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char key[32];

	if (SSL_export_keying_material(ssl, key, sizeof key, label,
	    sizeof label - 1, (const unsigned char *)"", 0, 1) == 1)
		hex(line, "exporter", key, sizeof key);
}

/* The first Finished of the handshake: in a resumption that of the server. */
static void unique(SSL *ssl, struct str *line)
{
	unsigned char finished[EVP_MAX_MD_SIZE];
	bool ours = (bool)SSL_is_server(ssl) == (bool)SSL_session_reused(ssl);
	size_t n = ours ? SSL_get_finished(ssl, finished, sizeof finished) :
	    SSL_get_peer_finished(ssl, finished, sizeof finished);

	if (n > 0 && n <= sizeof finished)
		hex(line, "unique", finished, n);
}

/*
 * The server certificate's hash, by the hash of its signature: SHA-256 in place
 * of MD5 and SHA-1, and undefined where the signature has none of its own, as
 * Ed25519 (RFC 5929 4.1).
 */
static void endpoint(SSL *ssl, struct str *line)
{
	X509 *server = SSL_is_server(ssl) ? SSL_get_certificate(ssl) :
	    SSL_get0_peer_certificate(ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;
	int nid;

	if (server == NULL ||
	    X509_get_signature_info(server, &nid, NULL, NULL, NULL) != 1 ||
	    nid == NID_undef)
		return;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	const EVP_MD *md = EVP_get_digestbynid(nid);
	if (md != NULL && X509_digest(server, md, digest, &n) == 1)
		hex(line, "endpoint", digest, n);
}

void agreed_bindings(SSL *ssl, struct str *line)
{
	bool tls13 = SSL_version(ssl) >= TLS1_3_VERSION;

	/* Without it a man in the middle can have two sessions with the same
	 * bindings (RFC 7627 1, RFC 9266 3). */
	if (tls13 || SSL_get_extms_support(ssl) == 1) {
		exporter(ssl, line);
		if (!tls13)
			unique(ssl, line);
	}
	endpoint(ssl, line);
}

/* False unless it is an address that fits the status line. */
static bool address_from(const ASN1_STRING *s, char to[ADDRESS_SIZE])
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s);
	struct address a;

	if (n <= 0 || n >= ADDRESS_SIZE)
		return false;
	for (int i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return false;
	memcpy(to, p, (size_t)n);
	to[n] = '\0';
	return address_parse(to, &a) == ADDRESS_OK && *a.domain != '\0';
}

static bool alternative_name(X509 *x, char to[ADDRESS_SIZE])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		found = name->type == GEN_EMAIL &&
		    address_from(name->d.rfc822Name, to);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool subject(X509 *x, char to[ADDRESS_SIZE])
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_pkcs9_emailAddress, -1);

	return at >= 0 && address_from(X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(name, at)), to);
}

void agreed_client(SSL *ssl, char address[ADDRESS_SIZE])
{
	X509 *x = SSL_get0_peer_certificate(ssl);

	/* A resumed session tells what was verified when it began. */
	if (x == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
	    X509_cmp_current_time(X509_get0_notAfter(x)) < 0 ||
	    (!alternative_name(x, address) && !subject(x, address)))
		*address = '\0';
}
