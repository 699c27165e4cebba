#include "submit.h"

#include <string.h>

#include "remote.h"
#include "smtp.h"
#include "teaching.h"

/* One line, and nothing that would end it. */
static bool is_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Something that would be read as the next command? */
static const char *refusal(const struct account *account, const char *from,
    const char *const to[], size_t count)
{
	if (!is_line(account->user) || !is_line(account->password))
		return "a user and a password have one line";
	if (!is_line(from))
		return sentence("%s is no address", words(from));
	for (size_t i = 0; i < count; i++)
		if (!is_line(to[i]))
			return sentence("%s is no address", words(to[i]));
	return count == 0 ? "there is no recipient" : NULL;
}

const char *submit(const struct server *server, const struct account *account,
    const char *from, const char *const to[], size_t count, struct span message)
{
	const char *why = refusal(account, from, to, count);
	struct remote *remote;

	if (why == NULL)
		why = remote_open(&remote, server, server->smtp);
	if (why != NULL)
		return why;
	why = server->teaching ?
	    teaching_send(remote, account, from, to, count, message) :
	    smtp_send(remote, account, from, to, count, message);
	remote_close(remote);
	return why;
}
