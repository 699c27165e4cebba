#include "config.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "peer.h"
#include "str.h"

#define FILE_NAME "pennypost.conf"
#define FILE_MAX 65536

static struct config config = {
	.relay_from = "127.0.0.0/8 ::1",
	.message_size_limit = 50u << 20, /* what the big providers take */
};

/* Each returns NULL, or what is wrong with the value. */

static const char *set_host(char *value)
{
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-."
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0' || strlen(value) > 255)
		return "not a host name";
	config.host = value;
	return NULL;
}

static const char *set_relay_from(char *value)
{
	if (networks_check(value) != NULL)
		return "not a list of ADDRESS[/BITS]";
	config.relay_from = value;
	return NULL;
}

static const char *set_message_size_limit(char *value)
{
	/* 2^40: far from any overflow in sums of sizes. */
	if (!number_parse(value, (uint64_t)1 << 40,
	    &config.message_size_limit) || config.message_size_limit < 65536)
		return "not a number of bytes from 65536 (RFC 5321 4.5.3.1.7)";
	return NULL;
}

static const char *set_auth(char *value)
{
	if (*value != '/')
		return "not the absolute path of a program";
	config.auth = value;
	return NULL;
}

static const char *set_alias_pipes(char *value)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return "neither yes nor no";
	config.alias_pipes = *value == 'y';
	return NULL;
}

static const struct {
	const char *key;
	const char *(*set)(char *value);
} keys[] = {
	{"host", set_host},
	{"relay_from", set_relay_from},
	{"message_size_limit", set_message_size_limit},
	{"auth", set_auth},
	{"alias_pipes", set_alias_pipes},
};

static const char *set(const char *key, char *value)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(key, keys[i].key) == 0)
			return *value == '\0' ? "no value" :
			    keys[i].set(value);
	return "unknown key";
}

const struct config *config_load(void)
{
	static char room[1024];
	static struct str text = STR_ROOM(room);
	char *rest, *line, *key;

	if (config.host != NULL)
		return &config;
	if (!str_read_file(&text, FILE_NAME, FILE_MAX))
		fatal(errno == ENOENT ? EX_CONFIG : EX_TEMPFAIL, "%s: %s",
		    FILE_NAME, strerror(errno));
	rest = text.p;
	for (unsigned n = 1; (line = text_line(&rest)) != NULL; n++) {
		size_t end = strlen(line);
		while (end > 0 && strchr(" \t\r", line[end - 1]) != NULL)
			line[--end] = '\0';
		key = text_word(&line);
		if (key == NULL || *key == '#')
			continue;
		const char *wrong = set(key, line + strspn(line, " \t"));
		if (wrong != NULL)
			fatal(EX_CONFIG, "%s:%u: %s: %s", FILE_NAME, n,
			    safe(key), wrong);
	}
	if (config.host == NULL)
		fatal(EX_CONFIG, "%s: no host line", FILE_NAME);
	return &config;
}
