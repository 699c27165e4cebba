/*
 * auth: yes or no to a user and a password, by the checkpassword interface
 * (https://cr.yp.to/checkpwd/interface.html): on fd 3 user NUL password NUL
 * timestamp NUL, the answer in the exit status. With -H, makes a hash.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "program.h"
#include "str.h"

#define PASSWD_FILE "users/passwd"
#define PASSWD_MAX (64u << 20)
#define INPUT_MAX 512 /* the interface's */
#define PASSWORD_MAX 240 /* what a login takes: LOGIN_SIZE */
#define PATIENCE 30   /* s */

enum { ACCEPTED = 0, REFUSED = 1, MISUSED = 2, UNAVAILABLE = 111 };

/* The same work for a user who is not there, at the usual cost. */
#define NOBODY "$6$nobodyknowsthis$"

/* Dovecot's files may name the scheme; crypt(3) sees it by itself. */
static char *bare_hash(char *hash)
{
	char *end = *hash == '{' ? strchr(hash, '}') : NULL;

	return end != NULL ? end + 1 : hash;
}

/*
 * The hash of this user; else a setting as dear as that of the file's first
 * user, and *known is false.
 */
static const char *hash_find(struct str *text, const char *user, bool *known)
{
	char *rest = text->p, *line, *hash, *first = NULL;

	while ((line = text_line(&rest)) != NULL) {
		hash = strchr(line, ':');
		if (*line == '#' || hash == NULL)
			continue;
		*hash++ = '\0';
		hash[strcspn(hash, ":")] = '\0';
		hash = bare_hash(hash);
		if (first == NULL && *hash == '$')
			first = hash;
		if (strcasecmp(line, user) == 0) {
			*known = true;
			return hash;
		}
	}
	*known = false;
	return first != NULL ? first : NOBODY;
}

/* Looks at every byte, whatever the first ones say. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char difference = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

static bool check(const char *user, const char *password)
{
	static struct str text;
	const char *hash, *made;
	bool known;

	if (!str_read_file(&text, PASSWD_FILE, PASSWD_MAX))
		fatal(UNAVAILABLE, "%s: %s", PASSWD_FILE, strerror(errno));
	hash = hash_find(&text, user, &known);
	made = crypt(password, hash);
	return known && made != NULL && *made != '*' && *hash == '$' &&
	    same(made, hash);
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

static int answer(char **program)
{
	char text[INPUT_MAX + 2] = {0};
	const char *user, *password;
	bool yes;

	if (!input_read(text, &user, &password))
		fatal(MISUSED, "fd 3 holds no user and password");
	yes = check(user, password);
	explicit_bzero(text, sizeof text);
	if (!yes)
		return REFUSED;
	if (*program == NULL)
		return ACCEPTED;
	alarm(0); /* its time is its own */
	execvp(program[0], program);
	fatal(UNAVAILABLE, "%s: %s", safe(program[0]), strerror(errno));
}

/* A hash of the first line of fd 0, for users/passwd. */
static int hash_print(void)
{
	static const char digits[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char *password = NULL, setting[24] = "$6$";
	unsigned char random[16];
	const char *made;
	size_t room = 0;
	ssize_t len = getline(&password, &room, stdin);

	if (len <= 0)
		fatal(EX_DATAERR, "no password on fd 0");
	if (password[len - 1] == '\n')
		len--;
	if (len > 0 && password[len - 1] == '\r')
		len--;
	password[len] = '\0';
	/* What no login could send must not be set. */
	if (len == 0 || len >= PASSWORD_MAX ||
	    strcspn(password, "\r") != (size_t)len)
		fatal(EX_DATAERR, "the password is empty, longer than %d "
		    "bytes, or has a CR or NUL in it", PASSWORD_MAX - 1);
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		fatal(EX_OSERR, "no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		setting[3 + i] = digits[random[i] % 64];
	strcpy(setting + 3 + sizeof random, "$");
	made = crypt(password, setting);
	explicit_bzero(password, room);
	if (made == NULL || *made != '$')
		fatal(EX_SOFTWARE, "crypt(3) does not know $6$");
	return puts(made) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}

int main(int argc, char **argv)
{
	const char *home = NULL;
	bool make_hash = false;
	int option;

	program_begin("auth");
	alarm(PATIENCE);
	while ((option = getopt(argc, argv, "+C:H")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'H')
			make_hash = true;
		else
			fatal(MISUSED, "usage: auth [-C home] "
			    "[-H | program [argument ...]]");
	}
	if (make_hash)
		return hash_print();
	home_enter(home);
	return answer(argv + optind);
}
