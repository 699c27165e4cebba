#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file_read(char *text, size_t size)
{
	int fd = open(AUTH_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	*text = '\0';
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			close(fd);
		return AUTH_FILE " cannot be read";
	}
	n = read(fd, text, size - 1);
	close(fd);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return AUTH_FILE " is open to others: make it mode 600";
	if (n <= 0)
		return AUTH_FILE " cannot be read";
	text[n] = '\0';
	return NULL;
}

const char *auth_read(struct credentials *l)
{
	char text[2 * AUTH_WORD_SIZE + 2];
	const char *why = file_read(text, sizeof text), *password;
	char *colon;

	*l->user = *l->password = '\0';
	if (why == NULL && *text != '\0') {
		text[strcspn(text, "\r\n")] = '\0';
		colon = strchr(text, ':');
		password = colon != NULL ? colon + 1 : "";
		why = AUTH_FILE " does not begin with user:password";
		if (colon != NULL && colon > text && *password != '\0' &&
		    colon - text < AUTH_WORD_SIZE &&
		    strlen(password) < AUTH_WORD_SIZE) {
			*colon = '\0';
			strcpy(l->user, text);
			strcpy(l->password, password);
			why = NULL;
		}
	}
	explicit_bzero(text, sizeof text);
	return why;
}

void auth_plain(char text[AUTH_TEXT_SIZE], const struct credentials *l)
{
	char response[2 * AUTH_WORD_SIZE + 2];
	int n = snprintf(response, sizeof response, "%c%s%c%s", 0, l->user, 0,
	    l->password);

	base64_encode(text, response, (size_t)n);
	explicit_bzero(response, sizeof response);
}
