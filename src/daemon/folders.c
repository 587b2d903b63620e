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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(const char *path, struct report *report)
{
    if (mkdir(path, 0750) == -1 && errno != EEXIST) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "cannot make this folder: %s",
                   strerror(errno));
        return -errno;
    }
    return 0;
}

/* Only the last part of the socket's folder is made, too. */
static int make_folders(const struct conf_server *conf, struct report *report)
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

/* Returns 0 (with or without a lock) or ERROR_CONFLICT. */
static int lock(const char *path, const char *what, struct report *report, int *to)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640), error = 0;
    const char *why = fd == -1 || fstat(fd, &status) == -1 ? strerror(errno)
                      : !S_ISREG(status.st_mode)           ? "found no regular file"
                                                           : NULL;
    if (why == NULL && flock(fd, LOCK_EX | LOCK_NB) == -1) {
        error = errno == EWOULDBLOCK ? refuse(fd, path, what, report) : 0;
        why = strerror(errno);
    }
    if (why == NULL) {
        (void)(ftruncate(fd, 0) == 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0); /* only told to people */
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

int folders_take(const struct conf_server *conf, struct report *report, struct folders *folders)
{
    int error = make_folders(conf, report);
    if (error == 0 && conf->state_path != NULL) {
        char *file = memory_print("%s/lock", conf->state_path);
        error = lock(file, "state folder", report, &folders->locks[0]);
        free(file);
    }
    if (error == 0 && conf->admin_socket != NULL) {
        char *file = memory_print("%s.lock", conf->admin_socket);
        error = lock(file, "admin socket", report, &folders->locks[1]);
        free(file);
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
