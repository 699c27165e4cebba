#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "log.h"
#include "peer.h"
#include "str.h"

#define FILE_NAME "pennypost.conf"
#define FILE_MAX 65536

static struct config config = {
	.relay_from = "127.0.0.0/8 ::1",
	.message_size_limit = 50u << 20, /* what the big providers take */
	.imap_hide = "",
};

/* Each returns NULL, or what is wrong with the value. */

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-." \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *set_host(char *value)
{
	if (value[strspn(value, NAME_LETTERS)] != '\0' || strlen(value) > 255)
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

unsigned host_port(char *text, char **host, unsigned port)
{
	char *colon = strrchr(text, ':'), *end = text + strlen(text);
	uint64_t n = port;

	*host = text;
	if (*text == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return 0;
		*host = text + 1;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL; /* a name, or an IPv6 address of many colons */
	}
	if (colon != NULL && (!number_parse(colon + 1, 65535, &n) || n == 0))
		return 0;
	if (end == *host || end - *host > 253)
		return 0;
	*end = '\0';
	return (unsigned)n;
}

/* One address, and not a list of networks? */
static bool is_address(const char *host)
{
	return strpbrk(host, "/ \t") == NULL && networks_check(host) == NULL;
}

/* What may be connected to: a name, as real hosts have them, or an address. */
static bool is_host(const char *host)
{
	if (strchr(host, ':') != NULL)
		return is_address(host);
	return host[strspn(host, NAME_LETTERS "_")] == '\0' && *host != '.' &&
	    strstr(host, "..") == NULL;
}

bool domain_matches(const char *pattern, const char *domain)
{
	size_t n = strlen(domain), tail = strlen(pattern);

	if (strcmp(pattern, "*") == 0)
		return true;
	if (*pattern == '.')
		return n > tail && strcasecmp(domain + n - tail, pattern) == 0;
	return strcasecmp(domain, pattern) == 0;
}

#define ROUTES_MAX 1000

static SELDOM struct config_route routes[ROUTES_MAX];
static struct config_route *routes_first;
static unsigned line_number;

/* A smarthost line may stand anywhere, and is asked last. */
static const char *route_add(const char *domain, char *where)
{
	static size_t count;
	struct config_route *r = &routes[count], **link = &routes_first;
	char *host;

	if (count == ROUTES_MAX)
		return "more than 1000 routes";
	r->port = host_port(where, &host, 25);
	if (r->port == 0 || !is_host(host))
		return "not HOST[:PORT]";
	r->host = host;
	r->domain = domain;
	r->line = line_number;
	while (*link != NULL && strcmp((*link)->domain, "*") != 0)
		link = &(*link)->next;
	if (*link != NULL && strcmp(domain, "*") == 0)
		return "there is a smarthost already";
	r->next = *link;
	*link = r;
	count++;
	config.routes = routes_first;
	return NULL;
}

static const char *set_route(char *value)
{
	char *domain = text_word(&value), *where = text_word(&value);

	if (where == NULL || text_word(&value) != NULL ||
	    strpbrk(domain, "@/,") != NULL || strstr(domain, "..") != NULL)
		return "not DOMAIN HOST[:PORT]";
	return route_add(domain, where);
}

static const char *set_smarthost(char *value)
{
	char *where = text_word(&value);

	if (text_word(&value) != NULL)
		return "not HOST[:PORT]";
	return route_add("*", where);
}

#define TLS_LINES_MAX 1000

static struct config_tls *tls_first;

static bool tls_level(const char *word, enum tls_level *level)
{
	static const char *const words[] = {"none", "may", "encrypt", "verify"};

	for (unsigned i = 0; i < 4; i++)
		if (strcmp(word, words[i]) == 0) {
			*level = (enum tls_level)i;
			return true;
		}
	return false;
}

static const char *set_tls(char *value)
{
	static SELDOM struct config_tls lines[TLS_LINES_MAX];
	static struct config_tls **link = &tls_first;
	static size_t count;
	struct config_tls *t = &lines[count];
	char *whom = text_word(&value), *level = text_word(&value), *host;

	if (count == TLS_LINES_MAX)
		return "more than 1000 tls lines";
	t->name = text_word(&value);
	t->port = host_port(whom, &host, TLS_ANY_PORT);
	t->whom = host;
	t->line = line_number;
	if (level == NULL || text_word(&value) != NULL || t->port == 0 ||
	    strpbrk(host, "@/,") != NULL || strstr(host, "..") != NULL)
		return "not DOMAIN|HOST[:PORT] LEVEL [NAME]";
	if (!tls_level(level, &t->level))
		return "none of none, may, encrypt, verify";
	if (t->name != NULL && (t->level != TLS_VERIFY || !is_host(t->name)))
		return "a name is what verify has, and a host's";
	*link = t;
	link = &t->next;
	count++;
	config.tls = tls_first;
	return NULL;
}

/*
 * A line for a domain says nothing when a route takes its mail elsewhere: who
 * wrote it believes in TLS that is not there.
 */
static void tls_check(void)
{
	const struct config_route *by, *r;

	for (const struct config_tls *t = config.tls; t != NULL; t = t->next) {
		by = NULL;
		for (r = config.routes; r != NULL; r = r->next) {
			if (strcasecmp(r->host, t->whom) == 0)
				break;
			if (by == NULL && domain_matches(r->domain, t->whom))
				by = r;
		}
		if (r == NULL && by != NULL && strcmp(t->whom, "*") != 0 &&
		    *t->whom != '.')
			fatal(EX_CONFIG, "%s:%u: tls: mail for %s goes to %s, "
			    "by line %u: name that host", FILE_NAME, t->line,
			    safe(t->whom), safe(by->host), by->line);
	}
}

/* Would host_port() take it? It cuts its text, and ours is still needed. */
static bool is_host_port(const char *value, bool address)
{
	char copy[300], *host;

	return (size_t)snprintf(copy, sizeof copy, "%s", value) < sizeof copy &&
	    host_port(copy, &host, 1) != 0 &&
	    (address ? is_address(host) : is_host(host));
}

static const char *set_resolver(char *value)
{
	if (!is_host_port(value, true))
		return "not ADDRESS[:PORT]";
	config.resolver = value;
	return NULL;
}

static const char *set_imap_hide(char *value)
{
	config.imap_hide = value; /* imapd(8) knows the names */
	return NULL;
}

static const char *set_submit(char *value)
{
	if (*value != '/' && !is_host_port(value, false))
		return "neither /SOCKET nor HOST[:PORT]";
	config.submit = value;
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
	{"route", set_route},
	{"smarthost", set_smarthost},
	{"tls", set_tls},
	{"resolver", set_resolver},
	{"imap_hide", set_imap_hide},
	{"submit", set_submit},
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
		line_number = n;
		const char *wrong = set(key, line + strspn(line, " \t"));
		if (wrong != NULL)
			fatal(EX_CONFIG, "%s:%u: %s: %s", FILE_NAME, n,
			    safe(key), wrong);
	}
	if (config.host == NULL)
		fatal(EX_CONFIG, "%s: no host line", FILE_NAME);
	tls_check();
	return &config;
}
