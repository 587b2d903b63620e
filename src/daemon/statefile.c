/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that survive: see statefile.h. */
#include "config.h"

#include "daemon/statefile.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *text, size_t size, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t got = read(fd, text + *len, size - *len);
        if (got == 0 || (got == -1 && errno != EINTR)) {
            return got == 0 ? 0 : -errno;
        }
        *len += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int statefile_read(const char *path, char **text, size_t *len)
{
    struct stat status = {.st_size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC), error = fd == -1 ? -errno : 0;
    *text = NULL;
    *len = 0;
    if (error == 0 && fstat(fd, &status) == -1) {
        error = -errno;
    }
    if (error == 0 || error == -ENOENT) {
        *text = memory_alloc((size_t)status.st_size + 1);
        error = fd == -1 ? 0 : read_all(fd, *text, (size_t)status.st_size, len);
    }
    if (fd != -1) {
        (void)close(fd);
    }
    if (error != 0) {
        free(*text);
        *text = NULL;
    }
    return error;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done == -1 && errno != EINTR) {
            return -errno;
        }
        text += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return fsync(fd) == -1 ? -errno : 0;
}

/* So that the new name survives, too. */
static int sync_folder(const char *path)
{
    char *copy = memory_copy_text(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = fd == -1 ? -errno : 0;
    if (error == 0 && fsync(fd) == -1) {
        error = -errno;
    }
    if (fd != -1) {
        (void)close(fd);
    }
    free(copy);
    return error;
}

int statefile_write(const char *path, const char *text, size_t len)
{
    char *beside = memory_print("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), error = fd == -1 ? -errno : 0;
    if (error == 0) {
        error = write_all(fd, text, len);
        (void)close(fd);
    }
    if (error == 0 && rename(beside, path) == -1) {
        error = -errno;
    }
    free(beside);
    return error == 0 ? sync_folder(path) : error;
}
