/*
 * auth: yes or no to a user and a password, by the checkpassword interface
 * (https://cr.yp.to/checkpwd/interface.html): on fd 3 user NUL password NUL
 * timestamp NUL, the answer in the exit status. With -S, by SCRAM-SHA-256; with
 * -E, whether there is such a user; with -H, makes a hash.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth.h"
#include "confine.h"
#include "log.h"
#include "passwd.h"
#include "program.h"

#define INPUT_MAX 512 /* the interface's */
#define PATIENCE 30   /* s */
#define MEMORY (64u << 20) /* bytes of address space; in use: 3 */

/* Each mode reads its file, and is then confined to what it has open. */
static const struct confinement nothing = {.memory = MEMORY};

void confine_all(void)
{
	confine(&nothing);
}

/* All that fd 3 holds. False when it is no user, password, timestamp. */
static bool input_read(char *text, const char **user, const char **password)
{
	size_t n = 0;
	ssize_t got;

	while (n < INPUT_MAX &&
	    (got = read(3, text + n, INPUT_MAX - n)) != 0) {
		if (got < 0 && errno != EINTR)
			return false;
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	close(3);
	*user = text;
	*password = text + strlen(text) + 1;
	/* The password's NUL must be one of those that were read. */
	return *user + strlen(*user) < text + n &&
	    *password < text + n && *password + strlen(*password) < text + n;
}

static int check(char **program, bool only_user)
{
	char text[INPUT_MAX + 2] = {0}, hash[PASSWD_LINE];
	const char *user, *password;
	bool yes, known;

	if (!input_read(text, &user, &password))
		fatal(MISUSED, "fd 3 holds no user and password");
	known = passwd_find(user, false, hash);
	if (*program == NULL)
		confine_all();
	yes = only_user || hash_is_of(hash, password);
	explicit_bzero(text, sizeof text);
	explicit_bzero(hash, sizeof hash);
	if (!yes || !known)
		return REFUSED;
	if (*program == NULL)
		return ACCEPTED;
	alarm(0); /* its time is its own */
	execvp(program[0], program);
	fatal(UNAVAILABLE, "%s: %s", safe(program[0]), strerror(errno));
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	bool only_crypt = false;
	int option, mode = 0;

	program_begin("auth");
	confine_secrets();
	alarm(PATIENCE);
	while ((option = getopt(argc, argv, "+C:EHSc")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'c')
			only_crypt = true;
		else if (option != '?' && mode == 0)
			mode = option;
		else
			fatal(MISUSED, "usage: auth [-C home] "
			    "[-E | -S | -H [-c] | program [argument ...]]");
	}
	if (mode == 'H')
		return hash_print(only_crypt);
	home_enter(home);
	if (mode == 'S')
		return dialogue();
	return check(argv + optind, mode == 'E');
}
