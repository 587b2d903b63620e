/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening and reading regular files: see file.h. The kind is looked at behind the open, so that nothing can
 * be exchanged in between; O_NONBLOCK makes that harmless and is taken back then. */
#include "config.h"

#include "base/file.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The coarsest times of files there are: those of FAT. */
#define SETTLED_NS (INT64_C(2) * 1000000000)

static const char *kind_text(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a folder";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "no file";
    }
}

static int fail_errno(struct file *file, int error)
{
    snprintf(file->why, sizeof file->why, "%s", error_text(-error));
    return -error;
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static void note(struct file *file, const struct stat *status)
{
    file->mode = (unsigned)status->st_mode & 07777;
    file->size = (uint64_t)status->st_size;
    file->device = (uint64_t)status->st_dev;
    file->inode = (uint64_t)status->st_ino;
    file->modified_ns = nanoseconds(&status->st_mtim);
    file->changed_ns = nanoseconds(&status->st_ctim);
    int64_t latest = file->modified_ns > file->changed_ns ? file->modified_ns : file->changed_ns;
    file->is_settled = (int64_t)clock_precise_wall_ns() - latest > SETTLED_NS;
}

static int check(struct file *file, const struct stat *status, uint64_t max)
{
    if (!S_ISREG(status->st_mode)) {
        snprintf(file->why, sizeof file->why, "found %s, expected a regular file",
                 kind_text(status->st_mode));
        return ERROR_INVALID;
    }
    if (file->size > max) {
        snprintf(file->why, sizeof file->why, "found %llu octets, expected at most %llu",
                 (unsigned long long)file->size, (unsigned long long)max);
        return ERROR_TOO_LARGE;
    }
    return 0;
}

/* A socket cannot be opened at all: say what it is instead of "No such device or address". */
static int fail_open(const char *path, struct file *file, int error)
{
    struct stat status;
    if (error == ENXIO && stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return check(file, &status, 0);
    }
    return fail_errno(file, error);
}

int file_open(const char *path, uint64_t max, struct file *file)
{
    struct stat status;
    *file = (struct file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file->fd == -1) {
        return fail_open(path, file, errno);
    }
    int code = 0;
    if (fstat(file->fd, &status) == -1) {
        code = fail_errno(file, errno);
    } else {
        note(file, &status);
        code = check(file, &status, max);
    }
    if (code == 0 && fcntl(file->fd, F_SETFL, O_RDONLY) == -1) {
        code = fail_errno(file, errno);
    }
    if (code != 0) {
        file_close(file);
    }
    return code;
}

int file_read(struct file *file, void *bytes, size_t size, size_t *len)
{
    uint64_t left = file->size - file->taken;
    size = size < left ? size : (size_t)left;
    *len = 0;
    while (*len < size) {
        ssize_t got = read(file->fd, (char *)bytes + *len, size - *len);
        if (got == -1 && errno == EINTR) {
            continue;
        }
        if (got == -1) {
            return fail_errno(file, errno);
        }
        if (got == 0) {
            break; /* it became shorter */
        }
        *len += (size_t)got;
        file->taken += (size_t)got;
    }
    return 0;
}

void file_close(struct file *file)
{
    if (file->fd != -1) {
        (void)close(file->fd);
        file->fd = -1;
    }
}

char *file_read_all(const char *path, uint64_t max, struct file *file, size_t *len, int *code)
{
    *len = 0;
    *code = file_open(path, max, file);
    if (*code != 0) {
        return NULL;
    }
    char *bytes = memory_try_alloc((size_t)file->size + 1);
    *code = bytes == NULL ? fail_errno(file, ENOMEM) : file_read(file, bytes, (size_t)file->size, len);
    file_close(file);
    if (*code != 0) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

int file_look(const char *path, struct file *file)
{
    struct stat status;
    *file = (struct file){.fd = -1};
    if (stat(path, &status) == -1) {
        return fail_errno(file, errno);
    }
    note(file, &status);
    return 0;
}

bool file_read_kernel(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd == -1 ? -1 : read(fd, text, size - 1);
    if (fd != -1) {
        close(fd);
    }
    text[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

const char *file_read_boot(char text[FILE_BOOT_SIZE])
{
    (void)file_read_kernel("/proc/sys/kernel/random/boot_id", text, FILE_BOOT_SIZE);
    text[strcspn(text, "\n")] = '\0';
    return text;
}
