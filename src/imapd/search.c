/* SEARCH (RFC 3501 6.4.4, RFC 9051 6.4.4). */
#include "criteria.h"
#include "results.h"
#include "session.h"

static void found(void *context, size_t at, const struct summary *summary)
{
	(void)summary;
	results_add(context, at);
}

static void run(const struct request *r)
{
	struct results results = {0};

	if (criteria_run(&r->criteria, NULL, found, &results)) {
		results_tell(r, "SEARCH", &results);
		ok("found %zu", results.count);
	}
	results_free(&results);
	index_flush(session.index);
}

void cmd_search(void)
{
	struct request r = {.criteria = {.charset = "UTF-8"}};
	struct input *in = &session.input;

	request_return(&r);
	if (input_word(in, "CHARSET")) {
		if (session.utf8) /* RFC 6855 3 */
			input_fault(in, "no CHARSET after ENABLE UTF8=ACCEPT");
		input_space(in);
		request_charset(&r);
		input_space(in);
	}
	if (criteria_parse(&r.criteria))
		run(&r);
	request_failed(&r);
	criteria_free(&r.criteria);
}
