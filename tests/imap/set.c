/*
 * Lines of STAR and a sequence set: what it is, or "no set". Then as many random
 * ranges as argv[1] says go into a set and into an array, which must agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/set.h"
#include "lib/str.h"

#define NUMBERS 500

static void line(char *text)
{
	uint32_t star = (uint32_t)strtoul(text, &text, 10);
	struct set set = {0};
	struct str out = {0};

	text[strcspn(text, "\n")] = '\0';
	str_clear(&out);
	if (!set_parse(&set, text + (*text == ' '), star)) {
		puts("no set");
	} else {
		set_print(&out, &set);
		printf("%zu: %s\n", set_size(&set), out.p);
	}
	set_free(&set);
	str_free(&out);
}

static void compare(const struct set *set, const bool *in)
{
	size_t n = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		if (set_has(set, i) != in[i])
			exit(1);
		n += in[i];
	}
	for (size_t i = 1; i < set->count; i++)
		if (set->ranges[i].first <= set->ranges[i - 1].last + 1)
			exit(2);
	if (set_size(set) != n)
		exit(3);
}

static void try(void)
{
	bool in[NUMBERS] = {false};
	struct set set = {0};

	for (int i = 0; i < 60; i++) {
		uint32_t first = (uint32_t)(rand() % NUMBERS);
		uint32_t last = first + (uint32_t)(rand() % 9);
		if (last >= NUMBERS)
			last = NUMBERS - 1;
		set_add(&set, first, last);
		memset(in + first, 1, last + 1 - first);
		compare(&set, in);
	}
	set_free(&set);
}

int main(int argc, char **argv)
{
	char text[4096];

	while (fgets(text, sizeof text, stdin) != NULL)
		line(text);
	srand(1);
	for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; i--)
		try();
	return 0;
}
