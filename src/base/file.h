/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one way to open a file for reading. An operator's path may lead to anything: a FIFO that nobody writes
 * to, a device, a folder, 10 GB of holes. So opening never waits (O_NONBLOCK), only regular files are taken,
 * and every file has a size that is too large for it. What was found and what was expected is said in words.
 * Nothing else in src/ opens files for reading (tests/lint/layers).
 *
 * Called by whoever loads: documents, zones, databases, keys, state. Not for the data path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_WHY_SIZE = 128 };

struct file {
    int fd;        /* -1: not open */
    unsigned mode; /* permissions */
    uint64_t size, device, inode;
    int64_t modified_ns;
    int64_t changed_ns;      /* by the kernel's clock: content, name or owner; nobody sets it back */
    bool is_settled;         /* that was a while ago: what is written from now on shows in its times */
    uint64_t taken;          /* octets read so far */
    char why[FILE_WHY_SIZE]; /* of a failure: "found a FIFO, expected a regular file" */
};

/* Open a regular file of at most `max` octets. 0; else -errno, ERROR_INVALID (not a regular file) or
 * ERROR_TOO_LARGE, why it failed in file->why, and nothing to close. */
int file_open(const char *path, uint64_t max, struct file *file);
/* The next octets; fewer than `size` only at the end, which is where the file ended when it was opened. 0, or
 * -errno and file->why. */
int file_read(struct file *file, void *bytes, size_t size, size_t *len);
void file_close(struct file *file); /* also one that is not open */

/* All of a file: returns owned octets with a NUL behind them, or NULL; then *code says why, and file->why.
 * The file is closed; what was found out about it stays in `file`. */
char *file_read_all(const char *path, uint64_t max, struct file *file, size_t *len, int *code);

/* Whether the path still leads to a file that was seen before: identity, size and time of change of what is
 * there now, without opening it. 0 or -errno. */
int file_look(const char *path, struct file *file);

/* A file of the kernel (/proc, /sys), whose size says nothing: up to size - 1 octets of it, as text. false:
 * it is not there. */
bool file_read_kernel(const char *path, char *text, size_t size);

/* Which boot of the machine this is, as the kernel names it; "": that is not known. */
enum { FILE_BOOT_SIZE = 40 };
const char *file_read_boot(char text[FILE_BOOT_SIZE]);
