/*
 * smtp-send: sends messages of the queue to one next hop by SMTP (RFC 5321).
 * smtp-send(8) has the limits, the answers, and what is done when.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "confine.h"
#include "delivery.h"
#include "dns.h"
#include "job.h"
#include "local.h"
#include "log.h"
#include "mx.h"
#include "program.h"
#include "route.h"
#include "policy.h"
#include "session.h"
#include "tls.h"
#include "transaction.h"

#define CONNECTS_MAX 5    /* for a message: RFC 5321 5.1 has two at least */
/* queue-run has twice the patience with us. */
#define MESSAGE_TIME 1800 /* s for a message and all its recipients, … */
#define RATE_MIN 1000     /* … and for so many of its octets, one more */

/* In place of "451 4.4.0", when all hosts have said 521. */
#define NEVER "521 5.3.2"

static struct {
	struct route route;
	struct mx mx;     /* its hosts */
	size_t next;      /* the one to try, when a session is needed */
	struct pool pool; /* the above's */
	bool stream;      /* "-": the server is on fd 0 and 1 */
	bool down;        /* no host is to be had */
	char down_reply[REPLY_SIZE];
	struct delivery delivery;
	struct session session;
} s;

/* How one message fares with the hosts. */
struct attempt {
	unsigned connects;
	bool listed;  /* the session is one of its own, with one of the hosts */
	bool reached; /* there was a session */
	bool never;   /* no host of those tried takes mail: RFC 7504 */
	struct reply why; /* there is none now */
};

/* The hosts, from the first on. */
static bool hosts_find(struct attempt *a)
{
	pool_reset(&s.pool);
	s.next = 0;
	a->never = true;
	if (mx_find(&s.mx, &s.pool, &s.route))
		return true;
	a->never = false;
	snprintf(a->why.text, sizeof a->why.text, "%s", s.mx.reply);
	return false;
}

static int64_t deadline(uint64_t size)
{
	return now_ms() + 1000 * (int64_t)(MESSAGE_TIME + size / RATE_MIN);
}

static bool time_is_up(void)
{
	return s.session.deadline <= now_ms();
}

/* A session with the next host that lets us in. */
static bool session_new(struct attempt *a)
{
	while (s.next < s.mx.count && a->connects < CONNECTS_MAX &&
	    !time_is_up()) {
		a->connects++;
		if (session_connect(&s.session, &s.mx.address[s.next++])) {
			a->reached = true;
			return true;
		}
		a->why = s.session.reply;
		if (s.session.again) {
			s.next--;
			continue;
		}
		if (!s.session.never)
			a->never = false;
		info("no session mta=%s reply=%s", s.session.peer,
		    quoted(a->why.text));
	}
	if (s.next < s.mx.count)
		a->never = false;
	return false;
}

/* The one that there is, or a new one. */
static bool session_ready(struct attempt *a)
{
	bool usable = session_usable(&s.session);

	if (usable || s.stream) {
		a->reached = true;
		a->why = s.session.reply;
		return usable;
	}
	if (!a->listed && !hosts_find(a))
		return false;
	a->listed = true;
	return session_new(a);
}

/* There is no host to try any more. */
static void give_up(struct attempt *a)
{
	if (a->never && !a->reached)
		memcpy(a->why.text, NEVER, sizeof NEVER - 1);
	delivery_all_refused(&s.delivery, TODO, "-", a->why.text);
	if (a->reached)
		return;
	/* The same for all that wait for this next hop. */
	s.down = true;
	snprintf(s.down_reply, sizeof s.down_reply, "%s", a->why.text);
	job_down("-", a->why.text);
}

/*
 * Where a host fails before it has the message, the next one is tried; where
 * the session was left over from another message, the same one again.
 */
static void deliver(void)
{
	struct attempt a = {0};

	s.session.deadline = deadline(s.delivery.entry.size);
	while (s.delivery.todo > 0) {
		if (!session_ready(&a)) {
			give_up(&a);
			return;
		}
		transaction_run(&s.session, &s.delivery);
		a.why = s.session.reply;
		if (s.session.phase == READY)
			a = (struct attempt){.reached = true};
	}
}

static void job(const char *id)
{
	log_session(safe(id));
	if (delivery_begin(&s.delivery, id,
	    s.stream ? NULL : s.route.next_hop)) {
		if (s.down)
			delivery_all_refused(&s.delivery, TODO, "-",
			    s.down_reply);
		else if (delivery_read(&s.delivery))
			deliver();
	}
	delivery_end(&s.delivery);
	job_done(id);
}

/* Does nobody hear our answers any more? */
static bool runner_gone(void)
{
	struct pollfd p = {.fd = 1};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

/* The server is on fd 0 and 1: they are its own, and answers go to fd 2. */
static void stream_open(void)
{
	int in = fcntl(0, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(1, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0 || out < 0 || null < 0 || dup2(null, 0) < 0 ||
	    dup2(2, 1) < 0)
		fatal(EX_OSERR, "cannot move the server's descriptors");
	s.stream = true;
	session_adopt(&s.session, in, out);
}

/* What it may do, and tls(8) below it: CONFINEMENT in smtp-send(8). */

#define MEMORY (256u << 20) /* bytes of address space; it takes 10 MiB */
#define FILES 64            /* of which 32 are for questions to name servers */

static char helper[PATH_SIZE];

static const struct confine_path paths[] = {
	{"spool/queue", MAY_READ | MAY_WRITE},
	{"users/smarthost", MAY_READ},
	TLS_HELPER_PATHS(helper),
	{NULL, 0},
};

static void confine_us(void)
{
	if (!program_path("tls", helper))
		*helper = '\0';
	confine(&(struct confinement){
		.paths = paths,
		.calls = CALLS_FILES | CALLS_SOCKETS | CALLS_UNIX |
		    CALLS_PROGRAMS,
		.memory = MEMORY,
		.files = FILES,
	});
}

/*
 * Where mail for it goes, for a person. A domain of ours is looked up all the
 * same: where others send its mail.
 */
static int explain(char *what)
{
	struct address a;
	struct route route;
	const char *domain = what;

	if (*what == '[' && route_parse(&route, what)) {
		policy_explain(&route);
		return mx_explain(route.next_hop);
	}
	if (address_parse(what, &a) == ADDRESS_OK && *a.domain != '\0')
		domain = a.domain;
	if (!domain_valid(domain)) {
		printf("%s is neither an address nor a domain\n", safe(what));
		return EX_USAGE;
	}
	if (domain_is_local(domain)) {
		printf("%s is ours: deliver has its mail\n", domain);
		if (domain != what)
			return EX_OK;
	}
	route_find(&route, domain);
	if (route.line > 0)
		printf("pennypost.conf:%u: %s goes to %s%s\n", route.line,
		    domain, route.next_hop,
		    route.smarthost ? ", the smarthost" : "");
	else
		printf("pennypost.conf: no line sends %s elsewhere\n", domain);
	policy_explain(&route);
	return mx_explain(route.next_hop);
}

int main(int argc, char **argv)
{
	static const char usage[] =
	    "usage: smtp-send [-C home] NEXT_HOP [id ...]\n"
	    "       smtp-send [-C home] -v ADDRESS|DOMAIN";
	const char *home = NULL, *id;
	bool verbose = false;
	int option;

	program_begin("smtp-send");
	while ((option = getopt(argc, argv, "C:v")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'v')
			verbose = true;
		else
			fatal(EX_USAGE, "%s", usage);
	}
	argv += optind;
	if (*argv == NULL || (verbose && argv[1] != NULL))
		fatal(EX_USAGE, "%s", usage);
	home_enter(home);
	s.session.hello = config_load()->host;
	domain_default(); /* what is wrong shows before the first message */
	if (verbose)
		return explain(*argv);
	if (strcmp(*argv, "-") == 0)
		stream_open();
	else if (!route_parse(&s.route, *argv))
		fatal(EX_USAGE, "%s is no next hop", safe(*argv));
	if (s.route.smarthost)
		confine_secrets();
	dns_begin();
	confine_us();
	s.session.smarthost = s.route.smarthost;
	s.session.route = &s.route;
	if (*++argv != NULL)
		while (*argv != NULL)
			job(*argv++);
	else
		while (!runner_gone() && (id = job_next()) != NULL)
			job(id);
	session_quit(&s.session, true);
	return 0;
}
