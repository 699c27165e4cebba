/* Tells what a stream on fd 0 says: an event a line, up to the last. */
#include <inttypes.h>
#include <stdio.h>

#include "stream.h"

static void message(const struct source_message *m)
{
	printf("message %s %s", m->unique, m->flags);
	if (m->dated)
		printf(" %" PRId64, m->time);
	printf("\n");
}

int main(void)
{
	static struct stream s;

	for (;;)
		switch (stream_next(&s)) {
		case STREAM_FOLDER:
			printf("folder %s %" PRIu32 " %" PRIu32 "\n",
			    s.folder.name, s.folder.uidvalidity,
			    s.folder.uidnext);
			break;
		case STREAM_MESSAGE:
			message(&s.message);
			break;
		case STREAM_TEXT:
			printf("text %zu\n", s.size);
			break;
		case STREAM_END:
			printf("end\n");
			break;
		case STREAM_DROP:
			printf("drop\n");
			break;
		case STREAM_FAULT:
		case STREAM_NOTE:
			printf("fault %s\n", s.text);
			break;
		case STREAM_FINISH:
			printf("finish\n");
			return 0;
		case STREAM_BROKEN:
			printf("broken\n");
			return 1;
		}
}
