#include "trace.h"

#include <string.h>
#include <time.h>

void trace_time(struct str *s, int64_t seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t when = (time_t)seconds;
	struct tm t = {0};

	gmtime_r(&when, &t);
	str_printf(s, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
	    days + 3 * t.tm_wday, t.tm_mday, months + 3 * t.tm_mon,
	    t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

void trace_received(struct str *s, const struct trace *t)
{
	str_printf(s, "Received: from %s (", t->helo);
	if (t->local)
		str_printf(s, "uid %u", t->uid);
	else if (*t->peer == '\0')
		str_puts(s, "unknown");
	else
		str_printf(s, "[%s%s]", strchr(t->peer, ':') ? "IPv6:" : "",
		    t->peer);
	str_printf(s, ")\r\n\tby %s with %s id %s", t->host, t->protocol,
	    t->id);
	if (t->recipient != NULL)
		str_printf(s, "\r\n\tfor <%s>", t->recipient);
	str_puts(s, ";\r\n\t");
	trace_time(s, time(NULL));
	str_puts(s, "\r\n");
}

void trace_date(struct str *s)
{
	str_puts(s, "Date: ");
	trace_time(s, time(NULL));
	str_puts(s, "\r\n");
}
