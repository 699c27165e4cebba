/*
 * deliver's whole LMTP session, from memory, into a home in memory. The first
 * byte: in what pieces the rest arrives, and whether what is before the first
 * two NULs is alice's .forward.
 */
#include "deliver/box.h"

/* What may be reached is found once in a program. */
static void box_once(const struct config *config)
{
	static bool done;

	if (!done)
		box_enter(config);
	done = true;
}

#define box_enter box_once
#define main program_main
#include "deliver/deliver.c"
#undef main

#include <dirent.h>

#include "fake.h"

#define ALICE "spool/mail/example.test/alice"

static void must_be_empty(const char *path)
{
	DIR *dir = opendir(path);

	MUST(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		MUST(e->d_name[0] == '.');
	closedir(dir);
}

/* A user's forward names no file outside of the mailbox, but by an alias. */
static void forward_check(void)
{
	struct pool pool = {0};
	struct targets all = {.pool = &pool};
	struct address to;

	MUST(address_parse("alice@example.test", &to) == ADDRESS_OK);
	if (resolve(&all, &to, false) == NULL)
		for (size_t i = 0; i < all.count; i++) {
			const struct target *t = &all.target[i];
			MUST(t->kind != TARGET_PIPE);
			if (t->kind == TARGET_MBOX)
				MUST(strcmp(t->what, "/dev/null") == 0 ||
				    (strncmp(t->what, ALICE "/",
				    sizeof ALICE) == 0 &&
				    strstr(t->what, "..") == NULL));
			else if (t->kind == TARGET_MAILDIR)
				MUST(strncmp(t->what, "spool/mail/", 11) == 0 &&
				    strstr(t->what, "..") == NULL);
		}
	pool_reset(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *home;
	static const size_t pieces[] = {0, 1, 7, 64};
	static unsigned count;
	uint8_t mode;

	if (home == NULL)
		home = home_make("message_size_limit 3000\n",
		    "list: alice, bob, far@far.test\nbox: /dev/null\n"
		    "loop: loop2\nloop2: loop\npipe: |x\n@example.test: bob\n");
	if (n == 0)
		return 0;
	mode = *data++;
	n--;
	unlink(ALICE "/.forward");
	if (mode & 4) {
		const uint8_t *end = memmem(data, n, "\0\0", 2);
		size_t len = end != NULL ? (size_t)(end - data) : n;
		file_put(ALICE "/.forward", data, len);
		forward_check();
		data += len;
		n -= len;
	}
	char *argv[] = {"deliver", "-n", "-C", (char *)(uintptr_t)home, NULL};
	memset(&transaction, 0, sizeof transaction);
	optind = 0;
	peer_says(data, n, pieces[mode & 3]);
	program_main(4, argv);
	peer_heard_replies();
	transaction_reset();
	str_free(&transaction.body.partial);
	str_free(&transaction.delivered_to);
	if (++count % 64 == 0) {
		must_be_empty(ALICE "/tmp");
		must_be_empty("spool/mail/example.test/bob/tmp");
		must_be_empty("spool/tmp");
	}
	return 0;
}
