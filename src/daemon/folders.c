/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See folders.h. The files stay when the lock goes: removing them would let two servers lock two files of one
 * name. */
#include "config.h"

#include "daemon/folders.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The admin socket may be in either, for a group to connect to; all else there is the server's own. */
enum { FOLDER_MODE = 0750, LOCK_MODE = 0600 };

static int make_folder(const char *path, struct report *report)
{
    if (mkdir(path, FOLDER_MODE) == -1 && errno != EEXIST) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "cannot make this folder: %s",
                   strerror(errno));
        return -errno;
    }
    return 0;
}

int folders_make(const struct conf_server *conf, struct report *report)
{
    int error = conf->state_path == NULL ? 0 : make_folder(conf->state_path, report);
    if (error == 0 && conf->admin_socket != NULL) {
        char *path = memory_copy_text(conf->admin_socket);
        error = make_folder(dirname(path), report);
        free(path);
    }
    return error;
}

static int refuse(int fd, const char *path, const char *what, struct report *report)
{
    char pid[16] = "?";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
    pid[len <= 1 ? 1 : strspn(pid, "0123456789")] = '\0';
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
               "the process %s has this %s; expected one steerd for each: stop that one, or configure "
               "another %s",
               pid, what, what);
    return ERROR_CONFLICT;
}

static void sign(int fd)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    (void)(ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) > 0); /* only told to people */
}

/* As long as the process that has it may be about to end. */
static int wait_for_lock(int fd, int patience_ms)
{
    enum { PAUSE_MS = 5 };
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    int result;
    while ((result = flock(fd, LOCK_EX | LOCK_NB)) == -1 && errno == EWOULDBLOCK && patience_ms > 0) {
        (void)nanosleep(&pause, NULL);
        patience_ms -= PAUSE_MS;
    }
    return result;
}

/* Returns 0 (with or without a lock) or ERROR_CONFLICT. */
static int lock(const char *path, const char *what, int patience_ms, struct report *report, int *to)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, LOCK_MODE), error = 0;
    const char *why = fd == -1 || fstat(fd, &status) == -1 ? strerror(errno)
                      : !S_ISREG(status.st_mode)           ? "found no regular file"
                                                           : NULL;
    if (why == NULL && wait_for_lock(fd, patience_ms) == -1) {
        error = errno == EWOULDBLOCK ? refuse(fd, path, what, report) : 0;
        why = strerror(errno);
    }
    if (why == NULL) {
        sign(fd);
        *to = fd;
        return 0;
    }
    if (error == 0) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = path},
                   "cannot be locked: %s; a second steerd on this %s would not be noticed", why, what);
    }
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

static char *path_of(const struct conf_server *conf, size_t which)
{
    return which == 0 ? conf->state_path == NULL ? NULL : memory_print("%s/lock", conf->state_path)
           : conf->admin_socket == NULL ? NULL
                                        : memory_print("%s.lock", conf->admin_socket);
}

static bool is_file(int fd, const char *path)
{
    struct stat open_one, named;
    return path != NULL && fstat(fd, &open_one) == 0 && stat(path, &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

void folders_inherit(const struct conf_server *conf, const int locks[2], struct folders *folders)
{
    for (size_t i = 0; i < sizeof folders->locks / sizeof *folders->locks; i++) {
        char *path = path_of(conf, i);
        if (locks[i] != -1 && is_file(locks[i], path)) {
            folders->locks[i] = locks[i];
        } else if (locks[i] != -1) {
            (void)close(locks[i]);
        }
        free(path);
    }
}

void folders_sign(const struct folders *folders)
{
    for (size_t i = 0; i < sizeof folders->locks / sizeof *folders->locks; i++) {
        if (folders->locks[i] != -1) {
            sign(folders->locks[i]);
        }
    }
}

/* Others may stand elsewhere. A working folder that is gone leaves the path as it is. */
static char *make_absolute(const char *path)
{
    char here[PATH_MAX];
    if (path == NULL || path[0] == '/' || getcwd(here, sizeof here) == NULL) {
        return memory_copy_text(path);
    }
    return memory_print("%s/%s", here, path);
}

int folders_take(const struct conf_server *conf, int patience_ms, struct report *report,
                 struct folders *folders)
{
    static const char *const what[] = {"state folder", "admin socket"};
    int error = folders_make(conf, report);
    folders->state = make_absolute(conf->state_path);
    for (size_t i = 0; i < sizeof folders->locks / sizeof *folders->locks && error == 0; i++) {
        char *path = path_of(conf, i);
        if (path != NULL && folders->locks[i] == -1) {
            error = lock(path, what[i], patience_ms, report, &folders->locks[i]);
        }
        free(path);
    }
    return error;
}

void folders_leave(struct folders *folders)
{
    for (size_t i = 0; i < sizeof folders->locks / sizeof *folders->locks; i++) {
        if (folders->locks[i] != -1) {
            (void)close(folders->locks[i]);
            folders->locks[i] = -1;
        }
    }
}

void folders_fini(struct folders *folders)
{
    folders_leave(folders);
    free(folders->state);
    folders->state = NULL;
}
