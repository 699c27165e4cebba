/* IDLE: RFC 2177. */
#include <string.h>
#include <strings.h>

#include "load.h"
#include "news.h"
#include "section.h"
#include "session.h"

#define SIGN_OF_LIFE 120 /* s; routers forget silent connections in five minutes */

static void idle_end(void)
{
	char *line;

	switch (conn_line(&session.conn, session.input.line_max, &line)) {
	case LINE_OK:
		if (strcasecmp(line, "DONE") == 0) {
			ok("no longer idle");
			return;
		}
		/* fall through */
	case LINE_LONG:
	case LINE_BAD:
		bad("only DONE ends IDLE");
		return;
	case LINE_EOF:
		session.input.end = "eof";
		break;
	case LINE_TIMEOUT:
		session.input.end = "timeout";
	}
	session.input.gone = true;
}

void cmd_idle(void)
{
	int64_t due = conn_due(&session.conn), quiet = now_ms();

	if (!input_end(&session.input))
		return;
	load_free(); /* who idles needs no message in memory */
	section_forget();
	put("+ idling\r\n");
	while (!news_wait(SIGN_OF_LIFE) && now_ms() < due &&
	    !session.conn.broken) {
		news_tell(true);
		if (session.state == 0)
			return; /* the mailbox has been deleted */
		if (session.conn.out_len > 0)
			quiet = now_ms();
		else if (now_ms() - quiet >= SIGN_OF_LIFE * 1000)
			untagged("OK still here");
	}
	idle_end();
}
