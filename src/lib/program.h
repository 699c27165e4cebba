/* Being one of Pennypost's programs, and starting another. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#define PATH_SIZE 1024
#define ID_SIZE 40

/*
 * What every program does first: the log, signals as we need them whatever was
 * inherited (SIGPIPE and SIGXFSZ ignored: write() tells), files for us alone.
 */
void program_begin(const char *name);

/*
 * Enters the home directory: `dir` (from -C), else PENNYPOST_HOME, else the one
 * that was compiled in. All paths are relative to it from then on. fatal() when
 * there is none. Root becomes the user who owns spool: nothing here needs root,
 * and what root writes nobody else could read.
 */
void home_enter(const char *dir);

/*
 * The same for who serves persons too, who have none: "/" where no home was
 * named, and the one that was compiled in cannot be entered.
 */
void home_or_root(const char *dir);

/*
 * Where the program of this name is: beside the one that runs. False when that
 * cannot be found out.
 */
bool program_path(const char *name, char path[PATH_SIZE]);

/*
 * Starts argv[0] (a path) with the descriptors in and out as 0 and 1, and those
 * of `extra` as 3 and 4 (-1: none; NULL: neither); stderr is shared, everything
 * else is closed (close-on-exec), and the environment holds PATH,
 * PENNYPOST_HOME and PENNYPOST_LOG (it logs where we do), then the
 * NULL-terminated `more` (may be NULL). Returns the pid, or -1 with errno.
 */
pid_t program_start(char *const argv[], int in, int out, const int extra[2],
    char *const more[]);

/* The same in our place, with our fd 0, 1 and 2. Returns with errno. */
void program_become(char *const argv[], char *const more[]);

/* Waits for it; its exit status, or 128 and the signal that ended it. */
int program_wait(pid_t);

/* A name that no other message or session has: time, process, count. */
void id_make(char id[ID_SIZE]);

/* May this be a queue file's name? (Else it is not ours.) */
bool id_valid(const char *id);

#endif
