/* hide COMMAND...: runs it in a kernel that knows no Landlock. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct instruction {
	uint16_t code;
	unsigned char yes, no;
	uint32_t value;
};

int main(int argc, char **argv)
{
	static struct instruction code[] = {
		{0x20, 0, 0, 0},
		{0x35, 0, 2, 444},
		{0x35, 1, 0, 447},
		{0x06, 0, 0, 0x00050000 | ENOSYS},
		{0x06, 0, 0, 0x7fff0000},
	};
	struct {
		unsigned short n;
		struct instruction *code;
	} filter = {sizeof code / sizeof *code, code};

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, 1, 0, &filter) != 0) {
		perror("hide");
		return 125;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 126;
}
