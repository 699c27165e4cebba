#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"
#include "log.h"
#include "program.h"
#include "str.h"

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, char *out, size_t size, size_t *len)
{
	size_t n = strlen(text), made = 0;

	if (n % 4 != 0)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		size_t pad = i + 4 < n ? 0 :
		    (size_t)(text[i + 3] == '=') + (text[i + 3] == '=' &&
		    text[i + 2] == '=');
		unsigned long bits = 0;
		for (size_t k = 0; k < 4; k++) {
			int digit = k >= 4 - pad ? 0 :
			    base64_digit(text[i + k]);
			if (digit < 0)
				return false;
			bits = bits << 6 | (unsigned)digit;
		}
		for (size_t k = 0; k < 3 - pad; k++) {
			if (made + 1 >= size)
				return false;
			out[made++] = (char)(bits >> (16 - 8 * k) & 0xff);
		}
	}
	out[made] = '\0';
	if (len != NULL)
		*len = made;
	return len != NULL || strlen(out) == made;
}

bool login_plain(struct login *l, const char *base64)
{
	char text[3 * LOGIN_SIZE];
	const char *user, *password;
	size_t len;
	bool ok = false;

	/* authzid NUL authcid NUL passwd */
	if (base64_decode(base64, text, sizeof text, &len) &&
	    strlen(text) < len) {
		user = text + strlen(text) + 1;
		password = user + strlen(user) + 1;
		ok = password <= text + len &&
		    password + strlen(password) == text + len &&
		    (*text == '\0' || strcmp(text, user) == 0) &&
		    strlen(user) < LOGIN_SIZE &&
		    strlen(password) < LOGIN_SIZE;
		if (ok) {
			strcpy(l->user, user);
			strcpy(l->password, password);
		}
	}
	explicit_bzero(text, sizeof text);
	return ok;
}

/* The whole address; false for what can be nobody's. */
static bool complete(struct login *l, struct address *who)
{
	size_t n = strlen(l->user);

	if (strchr(l->user, '@') == NULL)
		snprintf(l->user + n, sizeof l->user - n, "@%s",
		    domain_default());
	fold(l->user);
	return address_parse(l->user, who) == ADDRESS_OK &&
	    *who->domain != '\0';
}

/* Starts the auth command with the reading end of a pipe as fd 3. */
static pid_t start(const struct config *config, int fd)
{
	static struct str command;
	char own[PATH_SIZE], *rest, **argv;
	size_t n = 0;
	int null;
	pid_t pid;

	str_clear(&command);
	if (config->auth != NULL)
		str_puts(&command, config->auth);
	else if (!program_path("auth", own))
		return -1;
	argv = xrealloc(NULL, (command.len / 2 + 3) * sizeof *argv);
	rest = command.p;
	if (config->auth == NULL)
		argv[n++] = own;
	while ((argv[n] = text_word(&rest)) != NULL)
		n++;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid = program_start(argv, null, null, (int[]){fd, -1}, NULL);
	if (null >= 0)
		close(null);
	free(argv);
	return pid;
}

enum login_result login_check(struct login *l, const struct config *config,
    struct address *who)
{
	char text[512];
	size_t user, password, len;
	int fds[2], status = 111;
	bool possible = complete(l, who);
	pid_t pid;

	if (!possible) /* ask all the same: the time must not tell */
		strcpy(l->user, "nobody@invalid");
	user = strlen(l->user) + 1;
	password = strlen(l->password) + 1;
	len = user + password + 2;
	memcpy(text, l->user, user);
	memcpy(text + user, l->password, password);
	memcpy(text + user + password, "0", 2); /* no APOP timestamp */
	explicit_bzero(l->password, sizeof l->password);
	if (pipe2(fds, O_CLOEXEC) == 0) {
		pid = start(config, fds[0]);
		close(fds[0]);
		/* 512 bytes always fit into an empty pipe. */
		bool told = write(fds[1], text, len) == (ssize_t)len;
		close(fds[1]);
		if (pid > 0)
			status = program_wait(pid);
		if (!told)
			status = 111;
	}
	explicit_bzero(text, sizeof text);
	if (status == 0 || status == 1)
		return status == 0 && possible ? LOGIN_OK : LOGIN_REFUSED;
	warn("auth failed status=%d", status);
	return LOGIN_UNAVAILABLE;
}
