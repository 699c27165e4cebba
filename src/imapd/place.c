#include "place.h"

#include <errno.h>
#include <unistd.h>

#include "directory.h"
#include "lock.h"

enum mailbox_result place_open(struct place *p, struct mailbox *box)
{
	enum mailbox_result result = mailbox_refresh(box);

	*p = (struct place){box, -1, false};
	if (result != MAILBOX_OK)
		return result;
	p->fd = directory_open(box, "cur");
	if (p->fd < 0)
		return errno == ENOENT ? MAILBOX_NONE :
		    uids_failed(box->path, "open", errno);
	p->in_accord = directory_mtime(p->fd) == box->uids->state.cur.mtime;
	return MAILBOX_OK;
}

void place_close(struct place *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void place_changed(const struct place *p, struct batch *b)
{
	if (p->in_accord)
		b->state.cur.mtime = directory_mtime(p->fd);
}

enum mailbox_result change_begin(struct mailbox *box)
{
	enum mailbox_result result = mailbox_load(box);

	if (result == MAILBOX_OK && !lock_take())
		result = MAILBOX_IN_USE;
	return result;
}

void mailbox_each(struct mailbox *box, const struct set *uids, void *context,
    void (*act)(struct message *, void *context))
{
	for (size_t i = 0; i < uids->count; i++) {
		const struct range *r = &uids->ranges[i];
		size_t at = mailbox_at(box, r->first);
		for (; at < box->count && box->messages[at].uid <= r->last;
		    at++)
			if (!box->messages[at].expunged)
				act(&box->messages[at], context);
	}
}
