/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A file that is written on and on: a first line that says what it is, then frames, each with its length and
 * a checksum. Now and then it is begun anew beside the old one, and takes its place when it is whole.
 * Whatever ends the writer, or tears the file, what is read is a beginning of what was written: frames up to
 * the first one that is not as it was.
 *
 * Nothing is synced but a file that takes the place of another one: what was written survives the process,
 * and after a loss of power there is an older beginning. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRAIL_FRAME_MAX = 16 << 20 };

struct trail {
    char *path, *beside;        /* owned */
    const char *title;          /* borrowed: the first line, with its newline */
    int fd, beside_fd;          /* -1: not open */
    uint64_t size, beside_size; /* octets */
};

void trail_init(struct trail *trail, const char *path, const char *title);
/* What is not in its place yet goes away. */
void trail_fini(struct trail *trail);

/* All of these return 0 or -errno. Begin anew, beside what there is, which stays what it is for now. */
int trail_begin(struct trail *trail);
/* Go on with what is in its place and was read (trail_read) up to `good`: what stands behind that goes. */
int trail_resume(struct trail *trail, uint64_t good);
/* One more frame, of what was begun, else of what is in its place. If that fails the file is what it was. */
int trail_add(struct trail *trail, const void *bytes, size_t len);
/* What was begun is whole, and takes its place. Waits for the disk. If that fails it is given up. */
int trail_settle(struct trail *trail);
/* What was begun is given up, and the one in its place goes on. */
void trail_abandon(struct trail *trail);

enum trail_end {
    TRAIL_WHOLE,   /* up to its end */
    TRAIL_TORN,    /* there is something behind the last good frame */
    TRAIL_FOREIGN, /* no such first line */
    TRAIL_UNREAD,  /* it could not be read: see `error` */
};

struct trail_reading {
    enum trail_end end;
    int error;      /* -ENOENT: there is none */
    uint64_t good;  /* octets up to the end of the last good frame */
    uint64_t total; /* of the file */
};

/* Calls take() with each frame; what it refuses (not 0) is not good. */
void trail_read(const char *path, const char *title,
                int (*take)(void *context, const uint8_t *bytes, size_t len), void *context,
                struct trail_reading *reading);
