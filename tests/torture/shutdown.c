/*
 * shutdown MOUNTPOINT: stops a file system as a power cut would. What its
 * journal has not written yet is gone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same number. */
#define GOING_DOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv)
{
	uint32_t how = NO_LOG_FLUSH;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || ioctl(fd, GOING_DOWN, &how) != 0) {
		perror("shutdown");
		return 1;
	}
	return 0;
}
