/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that survive: see statefile.h. */
#include "config.h"

#include "base/statefile.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE_MAX_READ = 256 << 20 }; /* of serials: 100 octets per zone */

int statefile_read(const char *path, struct file *file, char **text, size_t *len)
{
    int code;
    *text = file_read_all(path, SIZE_MAX_READ, file, len, &code);
    if (code == -ENOENT) {
        *text = memory_alloc(1);
        code = 0;
    }
    return code;
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

int statefile_write(const char *path, unsigned mode, const char *text, size_t len)
{
    char *beside = memory_print("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), error = fd == -1 ? -errno : 0;
    if (error == 0) {
        error = write_all(fd, text, len);
        (void)close(fd);
    }
    if (error == 0 && rename(beside, path) == -1) {
        error = -errno;
    }
    if (error != 0 && fd != -1) {
        (void)unlink(beside); /* half of it is of no use, and may be what made the disk full */
    }
    free(beside);
    return error == 0 ? sync_folder(path) : error;
}
