#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "imapd/folders.h"
#include "lock.h"
#include "names.h"

#define INDEX "messages/pennypost-index"

static const char *const texts[MESSAGES] = {
	"",
	"Message-ID: <1@x>\nSubject: first\nFrom: Ann <ann@x.test>\n"
	"Date: Mon, 20 Nov 2023 10:00:00 +0000\n\nsome text\n",
	"Message-ID: <2@x>\nReferences: <1@x>\nSubject: Re: first\n"
	"To: a: b@c, d@e;\nCc: \"Q, R\" <q@r>\n\nother text\n",
	"Message-ID: <3@x>\nIn-Reply-To: <2@x>\nSubject: =?utf-8?b?w6TDtg==?=\n"
	"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nin part one\n"
	"--b\nContent-Transfer-Encoding: base64\n\nc2VjcmV0\n--b--\n",
	"no header\n\n\n",
	"Subject: [x] Fwd: [fwd: first] (fwd)\nReferences: <4@x> <1@x> <9@x>\n"
	"Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\n",
};

static struct message all[MESSAGES];
static struct mailbox box;

struct mailbox *messages_make(void)
{
	static const char *const names[MESSAGES] = {"1.a:2,", "1700000000.b:2,S",
	    "3.c,S=9,W=12:2,F", "4.d:2,DRa", "5.e:2,", "6.f,W=x:2,T"};
	char path[64];

	if (all[0].name == NULL) {
		home_make("", "");
		mkdir("messages", 0700);
		for (size_t i = 0; i < MESSAGES; i++) {
			snprintf(path, sizeof path, "messages/%zu", i);
			file_put(path, texts[i], strlen(texts[i]));
		}
	}
	for (size_t i = 0; i < MESSAGES; i++)
		all[i] = (struct message){.uid = (uint32_t)(i * i + 1),
		    .flags = (uint32_t)(i * 37 % 64), .modseq = 10 + i,
		    .name = names[i]};
	box = (struct mailbox){.path = "messages", .uidvalidity = 7,
	    .messages = all, .count = MESSAGES, .loaded = true};
	return &box;
}

void message_put(const uint8_t *p, size_t n)
{
	file_put("messages/0", p, n);
}

void index_put(const void *p, size_t n)
{
	file_put(INDEX, p, n);
}

size_t index_read(void *to, size_t n)
{
	int fd = open(INDEX, O_RDONLY);
	ssize_t got;

	MUST(fd >= 0);
	got = read(fd, to, n);
	close(fd);
	return got > 0 ? (size_t)got : 0;
}

/* In place of mailbox.c and its kin */

int message_open(struct mailbox *m, struct message *message)
{
	char path[64];

	MUST(m == &box || m->messages == all);
	snprintf(path, sizeof path, "messages/%zu", (size_t)(message - all));
	return open(path, O_RDONLY);
}

bool message_octets(const struct message *m, uint64_t *octets)
{
	*octets = 12;
	return m == &all[2];
}

int64_t message_saved(const struct message *m)
{
	return m == &all[1] ? 1700000000 : 0;
}

size_t mailbox_at(const struct mailbox *m, uint32_t uid)
{
	size_t i = 0;

	while (i < m->count && m->messages[i].uid < uid)
		i++;
	return i;
}

int keywords_find(struct keywords *k, const char *folder, const char *name,
    bool make)
{
	(void)k;
	(void)folder;
	MUST(!make);
	return strcmp(name, "$Junk") == 0 ? 0 : -1;
}

bool lock_take(void)
{
	return true;
}

void lock_give(void)
{
}

const char *name_read(char name[FOLDER_NAME_SIZE], const char *said, bool utf8)
{
	(void)name;
	(void)said;
	(void)utf8;
	return "none here";
}

void folder_shown(struct str *to, const char *name, bool utf8)
{
	(void)utf8;
	str_puts(to, name);
}
