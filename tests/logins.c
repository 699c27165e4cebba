/*
 * logins SOURCE ACCOUNT WORD ...: what a login costs, for tests/logins.bats.
 * SOURCE "-": none. The words: fail, ok, nothing: what comes of a login, after
 * the ms that it took to have its turn were printed ("late": it had none); hold:
 * is under way until fd 0 ends, and then fails; +SECONDS: time that goes by.
 *
 * With -DVIRTUAL the clock is a number in the file clock, and sleeping is to
 * put it forward.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "penalty.h"

#ifdef VIRTUAL
static int64_t now;

int fake_clock(int which, struct timespec *t);
int fake_clock(int which, struct timespec *t)
{
	(void)which;
	t->tv_sec = now / 1000;
	t->tv_nsec = now % 1000 * 1000000;
	return 0;
}

int fake_sleep(const struct timespec *t, struct timespec *rest);
int fake_sleep(const struct timespec *t, struct timespec *rest)
{
	(void)rest;
	now += t->tv_sec * 1000 + t->tv_nsec / 1000000;
	return 0;
}

int64_t now_ms(void)
{
	return now;
}

static void clock_load(void)
{
	FILE *f = fopen("clock", "r");

	now = 1795326814000;
	if (f != NULL && fscanf(f, "%" SCNd64, &now) != 1)
		abort();
	if (f != NULL)
		fclose(f);
}

static void clock_save(void)
{
	FILE *f = fopen("clock", "w");

	fprintf(f, "%" PRId64 "\n", now);
	fclose(f);
}
#else
static void clock_load(void) {}
static void clock_save(void) {}
#endif

static void try(const char *source, const char *account, const char *word)
{
	int64_t began = now_ms();
	struct penalty p;
	char c;

	if (!penalty_begin(&p, source, account)) {
		printf("late\n");
		return;
	}
	printf("%" PRId64 "\n", now_ms() - began);
	fflush(stdout);
	if (strcmp(word, "hold") == 0)
		while (read(0, &c, 1) > 0)
			continue;
	penalty_end(&p, strcmp(word, "ok") == 0 ? LET_IN :
	    strcmp(word, "nothing") == 0 ? UNDECIDED : TURNED_AWAY);
}

int main(int argc, char **argv)
{
	const char *source = strcmp(argv[1], "-") == 0 ? NULL : argv[1];

	clock_load();
	for (int i = 3; i < argc; i++) {
#ifdef VIRTUAL
		if (*argv[i] == '+') {
			now += 1000 * atoll(argv[i] + 1);
			continue;
		}
#endif
		try(source, argv[2], argv[i]);
	}
	clock_save();
	return 0;
}
