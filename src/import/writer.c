#include "writer.h"

#include <stdio.h>

bool writer_run(struct stream *s, const struct target *target)
{
	for (;;)
		switch (stream_next(s)) {
		case STREAM_FOLDER:
			fprintf(stderr, "%s: folder \"%s\"\n", target->address,
			    s->folder.name);
			break;
		case STREAM_MESSAGE:
			fprintf(stderr, "message %s %s %s\n",
			    s->message.unique, s->message.flags,
			    s->message.from);
			break;
		case STREAM_TEXT:
			fwrite(s->text, 1, s->size, stderr);
			break;
		case STREAM_END:
		case STREAM_DROP:
			break;
		case STREAM_FAULT:
		case STREAM_NOTE:
			fprintf(stderr, "%s\n", s->text);
			break;
		case STREAM_FINISH:
			return true;
		case STREAM_BROKEN:
			return false;
		}
}
