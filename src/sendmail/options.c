#include "options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static char wrong[160];

static const char *set_mode(struct options *o, const char *mode)
{
	static const struct {
		char letter;
		enum mode mode;
	} modes[] = {
		{'m', MODE_MAIL}, {'a', MODE_MAIL}, {'s', MODE_SMTP},
		{'p', MODE_MAILQ}, {'i', MODE_ALIASES}, {'v', MODE_VERIFY},
		{'t', MODE_VERIFY}, {'h', MODE_NOTHING}, {'H', MODE_NOTHING},
	};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (*mode == modes[i].letter) {
			o->mode = modes[i].mode;
			return NULL;
		}
	if (*mode != '\0' && strchr("dDl", *mode) != NULL)
		return "there is no daemon: smtpd is started by xinetd, "
		    "systemd or listen";
	snprintf(wrong, sizeof wrong, "unknown mode -b%.20s", mode);
	return wrong;
}

/* -oX: what has no meaning here has one elsewhere. */
static void set_o(struct options *o, const char *value)
{
	if (*value == 'i' && strcasecmp(value, "ifalse") != 0)
		o->ignore_dots = true;
	else if (strcmp(value, "dq") == 0)
		o->queue_only = true;
}

/* RFC 3461 4.1, "never" or some of the others. */
static const char *set_notify(struct options *o, const char *words)
{
	static const char *const names[] = {
		"never", "success", "failure", "delay",
	};
	const char *bad = "-N: neither never nor of success,failure,delay";
	size_t n;

	for (;; words += n + 1) {
		unsigned bit = 0;
		n = strcspn(words, ",");
		for (unsigned i = 0; i < 4; i++)
			if (strlen(names[i]) == n &&
			    strncasecmp(words, names[i], n) == 0)
				bit = 1u << i;
		if (bit == 0)
			return bad;
		o->notify |= bit;
		if (words[n] == '\0')
			break;
	}
	return (o->notify & NOTIFY_NEVER) != 0 && o->notify != NOTIFY_NEVER ?
	    bad : NULL;
}

static const char *set_ret(struct options *o, const char *what)
{
	o->ret = strcasecmp(what, "full") == 0 ? 'F' :
	    strcasecmp(what, "hdrs") == 0 ? 'H' : 0;
	return o->ret != 0 ? NULL : "-R: neither full nor hdrs";
}

/* As xtext, RFC 3461 4 and 4.4: printable ASCII is meant. */
static const char *set_envid(struct options *o, const char *id)
{
	size_t n = 0;

	for (; *id != '\0' && n < sizeof o->envid; id++) {
		bool coded = *id == '+' || *id == '=' || *id == ' ';
		if (*id < ' ' || *id > '~')
			return "-V: not printable ASCII";
		n += (size_t)snprintf(o->envid + n, sizeof o->envid - n,
		    coded ? "+%02X" : "%c", (unsigned)*id);
	}
	return n < sizeof o->envid ? NULL : "-V: too long";
}

static void set_queue(struct options *o, const char *how)
{
	bool filter = how != NULL && *how != '\0' &&
	    strchr("IRS", *how) != NULL;

	o->mode = MODE_QUEUE;
	o->filter = filter ? *how : 0;
	o->filter_text = how == NULL ? "" : how + filter;
}

static const char *set_type(struct options *o, const char *type)
{
	o->eightbit = strcasecmp(type, "8BITMIME") == 0;
	return o->eightbit || strcasecmp(type, "7BIT") == 0 ? NULL :
	    "-B: neither 7BIT nor 8BITMIME";
}

static const char *set(struct options *o, int option)
{
	switch (option) {
	case 'b':
		return set_mode(o, optarg);
	case 'B':
		return set_type(o, optarg);
	case 'f':
	case 'r':
		o->sender = optarg;
		return NULL;
	case 'F':
		o->name = optarg;
		return NULL;
	case 'G':
		o->gateway = true;
		return NULL;
	case 'i':
		o->ignore_dots = true;
		return NULL;
	case 'I':
		o->mode = MODE_ALIASES;
		return NULL;
	case 'j': /* of mailq: JSON, as Postfix's postqueue has it */
		o->json = true;
		return NULL;
	case 'N':
		return set_notify(o, optarg);
	case 'o':
		set_o(o, optarg);
		return NULL;
	case 'q':
		set_queue(o, optarg);
		return NULL;
	case 'R':
		return set_ret(o, optarg);
	case 't':
		o->read_recipients = true;
		return NULL;
	case 'v':
		o->verbose = true;
		return NULL;
	case 'V':
		return set_envid(o, optarg);
	case '?':
		snprintf(wrong, sizeof wrong, "unknown option -%c",
		    optopt > ' ' && optopt <= '~' ? optopt : '?');
		return wrong;
	case ':':
		snprintf(wrong, sizeof wrong, "option -%c needs a value",
		    optopt);
		return wrong;
	default: /* one of many that mean nothing here */
		return NULL;
	}
}

static enum mode mode_of_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash != NULL ? slash + 1 : argv0;

	return strcmp(name, "mailq") == 0 ? MODE_MAILQ :
	    strcmp(name, "newaliases") == 0 ? MODE_ALIASES : MODE_MAIL;
}

const char *options_parse(struct options *o, int argc, char **argv)
{
	/* "+": after a recipient nothing is an option. */
	static const char letters[] =
	    "+:A:b:B:C:d:D:E::e:f:F:Gh:iIjJ::L:mM:nN:o:O:p:q::r:R:tUvV:xX:";
	const char *why = NULL;
	int option;

	*o = (struct options){.mode = mode_of_name(argc > 0 ? argv[0] : "")};
	if (o->mode == MODE_MAILQ && argc > 1 &&
	    strcmp(argv[1], "--json") == 0) {
		o->json = true;
		o->words = argv + 2;
		return NULL;
	}
	while (why == NULL && (option = getopt(argc, argv, letters)) != -1)
		why = set(o, option);
	if (why != NULL)
		return why;
	o->words = argv + optind;
	if (optind > 0 && strcmp(argv[optind - 1], "--") == 0)
		return NULL;
	for (char **word = o->words; *word != NULL; word++)
		if (**word == '-' && (*word)[1] != '\0') {
			snprintf(wrong, sizeof wrong, "options come before "
			    "recipients: %.20s", *word);
			return wrong;
		}
	return NULL;
}
