/*
 * dns-ask MS TYPE NAME [TYPE NAME ...]: asks all that at once, for MS ms at
 * most, and prints the answers. The home says which server (PENNYPOST_HOME).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dns.h"
#include "program.h"

#define QUESTIONS_MAX 100

static const struct {
	const char *name;
	enum dns_type type;
} types[] = {
	{"A", DNS_A}, {"PTR", DNS_PTR}, {"MX", DNS_MX}, {"TXT", DNS_TXT},
	{"AAAA", DNS_AAAA}, {"TLSA", DNS_TLSA},
};

static const char *const results[] = {
	[DNS_FOUND] = "found", [DNS_NO_DATA] = "no-data",
	[DNS_NO_NAME] = "no-name", [DNS_LATER] = "later",
};

static void octets(const struct dns_record *r)
{
	for (size_t i = 0; i <= r->size; i++) /* and the NUL */
		printf(isprint(r->data[i]) ? "%c" : "\\%03o", r->data[i]);
	putchar('\n');
}

static void print(const struct dns_question *q, const char *type)
{
	char text[INET6_ADDRSTRLEN];

	printf("%s %s %s%s%s%s\n", type, q->ascii, results[q->result],
	    q->secure ? " secure" : "", q->why != NULL ? ": " : "",
	    q->why != NULL ? q->why : "");
	for (size_t i = 0; i < q->count; i++) {
		const struct dns_record *r = &q->record[i];
		if (q->type == DNS_MX)
			printf("  %u <%s>\n", r->preference, r->name);
		else if (q->type == DNS_PTR)
			printf("  <%s>\n", r->name);
		else if (q->type == DNS_A || q->type == DNS_AAAA)
			printf("  %s\n", inet_ntop(q->type == DNS_A ? AF_INET :
			    AF_INET6, r->data, text, sizeof text));
		else
			octets(r);
	}
}

int main(int argc, char *argv[])
{
	static struct dns_question q[QUESTIONS_MAX];
	const char *type[QUESTIONS_MAX];
	struct pool pool = {0};
	size_t count = 0;

	program_begin("dns-ask");
	home_enter(NULL);
	for (int i = 2; i + 1 < argc && count < QUESTIONS_MAX; i += 2) {
		for (size_t t = 0; t < sizeof types / sizeof *types; t++)
			if (strcmp(argv[i], types[t].name) == 0)
				q[count].type = types[t].type;
		type[count] = argv[i];
		q[count++].name = argv[i + 1];
	}
	if (count == 0)
		return EX_USAGE;
	dns_ask(&pool, q, count, atoi(argv[1]));
	for (size_t i = 0; i < count; i++)
		print(&q[i], type[i]);
	pool_reset(&pool);
	return EX_OK;
}
