#include "dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "conn.h"

/* 0, or errno. */
static int outcome(int fd, int64_t due)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = ETIMEDOUT, n;
	socklen_t size = sizeof error;
	int64_t left;

	do {
		left = due - now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return errno;
	return error;
}

int dial(const struct sockaddr *to, socklen_t size, int64_t due)
{
	int fd = socket(to->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, error = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, to, size) != 0)
		error = errno;
	if (error == EINPROGRESS || error == EINTR)
		error = outcome(fd, due);
	if (error == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		return fd;
	}
	close(fd);
	errno = error;
	return -1;
}

bool dial_loopback(const struct sockaddr *a)
{
	const struct in6_addr *v6 =
	    &((const struct sockaddr_in6 *)a)->sin6_addr;

	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr)
		    >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(v6) ||
	    (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}
