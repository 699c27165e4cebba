#include "name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "mailbox.h"

static const struct {
	char letter;
	uint32_t flag;
} letters[] = {
	{'D', FLAG_DRAFT}, {'F', FLAG_FLAGGED}, {'R', FLAG_ANSWERED},
	{'S', FLAG_SEEN}, {'T', FLAG_DELETED},
};

size_t name_unique(const char *name)
{
	return strcspn(name, ":");
}

uint64_t name_hash(const char *p, size_t n)
{
	uint64_t h = n, word = 0;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	word = 0;
	memcpy(&word, p, n);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint32_t flag_of(char letter)
{
	if (letter >= 'a' && letter <= 'z')
		return (uint32_t)FLAG_KEYWORD << (letter - 'a');
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == letter)
			return letters[i].flag;
	return 0;
}

/* The letters; "" where there are none. */
static const char *info(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL && strncmp(colon, ":2,", 3) == 0 ? colon + 3 :
	    "";
}

uint32_t name_flags(const char *name)
{
	uint32_t flags = 0;

	for (const char *p = info(name); *p != '\0'; p++)
		flags |= flag_of(*p);
	return flags;
}

/* Letters, each once, in ASCII's order, as the Maildir page wants them. */
static size_t letter_put(char *out, size_t n, char letter)
{
	size_t at = n;

	while (at > 0 && (unsigned char)out[at - 1] > (unsigned char)letter)
		at--;
	if (at > 0 && out[at - 1] == letter)
		return n;
	memmove(out + at + 1, out + at, n - at);
	out[at] = letter;
	return n + 1;
}

bool name_with_flags(char out[NAME_SIZE], const char *name, uint32_t flags)
{
	size_t n = name_unique(name), count = 0;
	char put[NAME_SIZE + 32];

	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (flags & letters[i].flag)
			put[count++] = letters[i].letter;
	for (int k = 0; flags >> (5 + k) != 0 && k < KEYWORDS_MAX; k++)
		if (flags & (uint32_t)FLAG_KEYWORD << k)
			put[count++] = (char)('a' + k);
	for (const char *p = info(name); *p != '\0' && count < NAME_SIZE; p++)
		if (flag_of(*p) == 0)
			count = letter_put(put, count, *p);
	if (n + 3 + count + 1 > NAME_SIZE)
		return false;
	memcpy(out, name, n);
	memcpy(out + n, ":2,", 3);
	memcpy(out + n + 3, put, count);
	out[n + 3 + count] = '\0';
	return true;
}

bool name_size(const char *name, char tag, uint64_t *size)
{
	const char *end = name + name_unique(name), *p;
	const char mark[] = {',', tag, '=', '\0'};
	uint64_t n = 0;

	p = strstr(name, mark);
	if (p == NULL || p >= end)
		return false;
	p += 3;
	for (size_t digits = 0; *p >= '0' && *p <= '9'; p++, digits++) {
		if (digits == 18)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p[-1] == '=' || (*p != ',' && *p != ':' && *p != '\0'))
		return false;
	*size = n;
	return true;
}

/* As deliver does: message.c there says why. */
void name_make(char out[NAME_SIZE], uint64_t size, uint64_t octets)
{
	static unsigned random, count;
	char host[65] = "localhost", tail[64];
	struct timespec t;
	size_t n, room;

	while (random == 0)
		if (getrandom(&random, sizeof random, 0) < 0)
			random = (unsigned)getpid() | 1;
	gethostname(host, sizeof host - 1);
	for (char *p = host; *p != '\0'; p++)
		if (*p == '/' || *p == ':' || *p == ',' || *p <= ' ')
			*p = '_';
	clock_gettime(CLOCK_REALTIME, &t);
	n = (size_t)snprintf(out, NAME_SIZE, "%lld.M%06ldP%dQ%uR%08x.%s",
	    (long long)t.tv_sec, t.tv_nsec / 1000, (int)getpid(), ++count,
	    random, host);
	room = (size_t)snprintf(tail, sizeof tail, ",S=%" PRIu64, size);
	if (octets > 0)
		snprintf(tail + room, sizeof tail - room, ",W=%" PRIu64,
		    octets);
	snprintf(out + n, NAME_SIZE - n, "%s", tail);
}
