/* CAPABILITY, and ENABLE (RFC 5161). */
#include "capability.h"

#include <string.h>
#include <strings.h>

#include "sasl.h"
#include "session.h"

/* A stranger sees what he may use. */

#define FOR_ALL "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE"
#define FOR_USERS \
    "IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE " \
    "CREATE-SPECIAL-USE CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN SORT " \
    "SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES " \
    "LIST-EXTENDED LIST-STATUS STATUS=SIZE QUOTA QUOTA=RES-STORAGE " \
    "QUOTA=RES-MESSAGE MULTIAPPEND BINARY UTF8=ACCEPT SAVEDATE OBJECTID " \
    "PREVIEW REPLACE NOTIFY PARTIAL INPROGRESS"

static bool hidden(const char *capability, size_t n)
{
	const char *p = session.config->imap_hide;

	while (*p != '\0') {
		size_t k = strcspn(p, " \t");
		if (k == n && strncasecmp(p, capability, n) == 0)
			return true;
		p += k + strspn(p + k, " \t");
	}
	return false;
}

/* A list, without those that pennypost.conf hides. */
static void offer(struct str *to, const char *list)
{
	for (size_t n; *list != '\0'; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (hidden(list, n))
			continue;
		str_puts(to, to->len > 0 ? " " : "");
		str_add(to, list, n);
	}
}

static void offer_logins(struct str *to)
{
	struct str names = {0};
	char *rest, *name;

	if (session.door.tls_offered)
		offer(to, "STARTTLS");
	str_clear(&names);
	sasl_mechanisms(&session.door, &names);
	for (rest = names.p; (name = text_word(&rest)) != NULL;)
		str_printf(to, " AUTH=%s", name);
	if (!door_is_private(&session.door))
		offer(to, "LOGINDISABLED");
	str_free(&names);
}

const char *capabilities(void)
{
	static struct str list;

	str_clear(&list);
	offer(&list, FOR_ALL);
	if (session.state == STRANGER) {
		offer_logins(&list);
		return list.p;
	}
	offer(&list, FOR_USERS);
	if (!hidden("APPENDLIMIT", strlen("APPENDLIMIT")))
		str_printf(&list, " APPENDLIMIT=%llu",
		    (unsigned long long)session.config->message_size_limit);
	return list.p;
}

void cmd_capability(void)
{
	if (!input_end(&session.input))
		return;
	untagged("CAPABILITY %s", capabilities());
	ok("that is all");
}

void cmd_enable(void)
{
	static const struct {
		const char *name;
		bool *on, condstore; /* QRESYNC is, too: RFC 7162 3.2.3 */
	} known[] = {
		{"CONDSTORE", NULL, true},
		{"QRESYNC", &session.qresync, true},
		{"UTF8=ACCEPT", &session.utf8, false},
		{"IMAP4rev2", &session.rev2, false},
	};
	struct input *in = &session.input;
	unsigned wanted = 0;
	bool condstore = false;

	do {
		char *name;
		input_space(in);
		name = input_atom(in);
		for (unsigned i = 0; i < 4; i++)
			if (strcasecmp(name, known[i].name) == 0 &&
			    !hidden(name, strlen(name)))
				wanted |= 1u << i;
	} while (in->fault == NULL && input_peek(in) == ' ');
	if (!input_end(in))
		return;
	put("* ENABLED");
	for (unsigned i = 0; i < 4; i++) {
		if ((wanted & 1u << i) == 0)
			continue;
		if (known[i].on != NULL)
			*known[i].on = true;
		condstore |= known[i].condstore;
		put(" ");
		put(known[i].name);
	}
	put("\r\n");
	if (condstore)
		session_condstore();
	in->utf8 = session_utf8();
	ok("enabled");
}
