#include "readers.h"
#include "stream.h"

void read_maildir(const struct source *source)
{
	stream_fault("%s: not yet", source->path);
}
