#include "ticket.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define NEW_KEYS TICKET_KEYS ".new"
#define VERSION 1

/* As it stands in the file; the newest is the first. */
struct key {
	uint64_t made; /* s since the epoch, big-endian */
	unsigned char name[16], cipher[32], mac[32];
};

struct keys {
	unsigned char magic[8];
	struct key key[TICKET_KEYS_MAX]; /* made = 0: none */
};

static const unsigned char magic[8] = {'t', 'i', 'c', 'k', 'e', 't', 's',
    VERSION};
static struct keys keys;
static int count; /* of keys that are good */

static uint64_t made(int i)
{
	return be64toh(keys.key[i].made);
}

/* False for what is not ours alone, not whole, or from the future. */
static bool keys_good(int fd, uint64_t now)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
	    read(fd, &keys, sizeof keys) != sizeof keys ||
	    st.st_size != sizeof keys ||
	    memcmp(keys.magic, magic, sizeof magic) != 0)
		return false;
	for (int i = 0; i < TICKET_KEYS_MAX; i++)
		if (made(i) > (i == 0 ? now : made(i - 1)))
			return false;
	return true;
}

/* Counts those that still decrypt: for TICKET_LIFE after their last ticket. */
static void keys_read(uint64_t now)
{
	int fd = open(TICKET_KEYS, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool good = fd >= 0 && keys_good(fd, now);

	if (fd < 0 && errno != ENOENT)
		warn(TICKET_KEYS ": %s", strerror(errno));
	else if (fd >= 0 && !good)
		warn(TICKET_KEYS ": damaged or open to others, made anew");
	if (fd >= 0)
		close(fd);
	if (!good)
		memset(&keys, 0, sizeof keys);
	for (count = 0; count < TICKET_KEYS_MAX; count++)
		if (now - made(count) >= TICKET_KEY_AGE + TICKET_LIFE)
			break;
}

static bool current(uint64_t now)
{
	return count > 0 && now - made(0) < TICKET_KEY_AGE;
}

static bool key_add(uint64_t now)
{
	struct key *k = keys.key;

	if (count == TICKET_KEYS_MAX)
		count--;
	memmove(k + 1, k, (size_t)count * sizeof *k);
	memset(k + 1 + count, 0,
	    (size_t)(TICKET_KEYS_MAX - 1 - count) * sizeof *k);
	memcpy(keys.magic, magic, sizeof magic);
	k->made = htobe64(now);
	count++;
	return RAND_bytes(k->name, sizeof k->name) == 1 &&
	    RAND_priv_bytes(k->cipher, sizeof k->cipher) == 1 &&
	    RAND_priv_bytes(k->mac, sizeof k->mac) == 1;
}

/*
 * The new file is the lock too. Whoever waited for nothing goes on with the old
 * keys; a file that a crash has left is not locked, and written again.
 */
static bool new_locked(int fd)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat ours, there;

	return fcntl(fd, F_SETLK, &all) == 0 && fstat(fd, &ours) == 0 &&
	    stat(NEW_KEYS, &there) == 0 && ours.st_ino == there.st_ino &&
	    fchmod(fd, 0600) == 0;
}

/* Not synced to the disk: what a power cut damages is made anew. */
static void keys_rotate(uint64_t now)
{
	int fd = open(NEW_KEYS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);

	if (fd < 0) {
		warn(NEW_KEYS ": %s", strerror(errno));
		return;
	}
	if (new_locked(fd)) {
		keys_read(now); /* another process may have been faster */
		if (!current(now) && (!key_add(now) || ftruncate(fd, 0) != 0 ||
		    write(fd, &keys, sizeof keys) != sizeof keys ||
		    rename(NEW_KEYS, TICKET_KEYS) != 0)) {
			warn(NEW_KEYS ": %s", strerror(errno));
			count = 0;
		}
	}
	close(fd);
}

static int encrypts(unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher)
{
	memcpy(name, keys.key[0].name, sizeof keys.key[0].name);
	return RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1
	    && EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL,
	    keys.key[0].cipher, iv) == 1;
}

static int mac_init(EVP_MAC_CTX *mac, struct key *k)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, k->mac,
		    sizeof k->mac),
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_END,
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 no such key, 2 renew. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	if (encrypt)
		return encrypts(name, iv, cipher) &&
		    mac_init(mac, &keys.key[0]) ? 1 : -1;
	for (int i = 0; i < count; i++) {
		struct key *k = &keys.key[i];
		if (memcmp(name, k->name, sizeof k->name) != 0)
			continue;
		if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL,
		    k->cipher, iv) != 1 || !mac_init(mac, k))
			return -1;
		/* A ticket serves once in TLS 1.3 (RFC 8446 C.4). */
		return i > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
	}
	return 0;
}

void tickets_use(SSL_CTX *ctx)
{
	uint64_t now = (uint64_t)time(NULL);

	keys_read(now);
	if (!current(now))
		keys_rotate(now);
	if (count == 0) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
		return;
	}
	SSL_CTX_set_timeout(ctx, TICKET_LIFE);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
}
