#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "keeper.h"
#include "str.h"
#include "terminal.h"

/* The octets into a new file: 0, or errno, and then it is not there. */
static int file_write_new(const char *path, struct span octets, bool lines)
{
	static struct file f;

	file_adopt(&f, open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600));
	if (f.fd < 0)
		return errno;
	if (lines)
		file_lines(&f, octets.p, octets.n);
	else
		file_write(&f, octets.p, octets.n);
	file_sync(&f);
	close(f.fd);
	if (f.error != 0)
		unlink(path);
	return f.error;
}

/* The person has said that what is there may go. */
static int file_replace(const char *path, struct span octets, bool lines)
{
	char new[FILE_PATH_SIZE + 8];
	int error;

	snprintf(new, sizeof new, "%s.new", path);
	error = file_write_new(new, octets, lines);
	if (error == 0 && rename(new, path) != 0) {
		error = errno;
		unlink(new);
	}
	return error;
}

static bool may_replace(const char *path)
{
	struct stat st;
	struct str question = {0};
	bool yes;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		printf("%s is there already, and is no ordinary file.\n",
		    shown(path));
		return false;
	}
	str_printf(&question, "%s is there already. Replace it? (y/n) ",
	    shown(path));
	yes = ask_yes(question.p);
	str_free(&question);
	return yes;
}

static void save_as(const char *path, struct span octets, bool lines)
{
	int error = strlen(path) < FILE_PATH_SIZE ?
	    file_write_new(path, octets, lines) : ENAMETOOLONG;

	if (error == EEXIST) {
		if (!may_replace(path)) {
			puts("Nothing is saved.");
			return;
		}
		error = file_replace(path, octets, lines);
	}
	if (error != 0)
		printf("Not saved: %s: %s.\n", shown(path), strerror(error));
	else
		printf("Saved in %s.\n", shown(path));
}

void save(const char *file, const char *proposed, struct span octets,
    bool lines)
{
	struct str question = {0}, answer = {0};

	if (keeper_there()) {
		fflush(stdout);
		keeper_save(file, proposed, octets, lines);
		return;
	}
	if (*file == '\0') {
		str_puts(&question, "File");
		if (*proposed != '\0')
			str_printf(&question, " [%s]", shown(proposed));
		str_puts(&question, ": ");
		ask(&answer, question.p);
		file = answer.len > 0 ? answer.p : proposed;
	}
	if (*file == '\0')
		puts("Nothing is saved.");
	else
		save_as(file, octets, lines);
	str_free(&question);
	str_free(&answer);
}
