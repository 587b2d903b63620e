/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hold.h. */
#include "config.h"

#include "past/hold.h"

#include "base/memory.h"
#include "past/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static const char *const folders[] = {"depot", "documents", SEGMENTS_FOLDER};

static int open_folder(const char *state, const char *folder)
{
    char *path = memory_print("%s/%s", state, folder);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    return fd;
}

void hold_take(const char *state, struct hold *hold)
{
    enum { TRIES = 6000, PAUSE_MS = 10 };
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    int left = TRIES;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        hold->fds[i] = open_folder(state, folders[i]);
        while (hold->fds[i] != -1 && flock(hold->fds[i], LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK &&
               left-- > 0) {
            (void)nanosleep(&pause, NULL);
        }
    }
}

void hold_release(struct hold *hold)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        hold_end_sweep(hold->fds[i]);
        hold->fds[i] = -1;
    }
}

bool hold_begin_sweep(const char *state, const char *folder, int *fd)
{
    *fd = open_folder(state, folder);
    if (*fd == -1 || flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    bool is_held = errno == EWOULDBLOCK;
    (void)close(*fd);
    *fd = -1;
    return !is_held;
}

void hold_end_sweep(int fd)
{
    if (fd != -1) {
        (void)close(fd);
    }
}
