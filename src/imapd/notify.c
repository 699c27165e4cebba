/* NOTIFY: RFC 5465. */
#include "session.h"

void cmd_notify(void)
{
	bad("unknown command");
}

bool notify_wait(void)
{
	return true;
}
