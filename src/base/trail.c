/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See trail.h. A frame is u32 length, u64 hash of that and of the octets, octets; numbers in network order.
 */
#include "config.h"

#include "base/trail.h"

#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LENGTH = 4, HEAD = 12 };

#define SIZE_MOST (UINT64_C(4) << 30)

void trail_init(struct trail *trail, const char *path, const char *title)
{
    *trail = (struct trail){.path = memory_copy_text(path),
                            .beside = memory_print("%s.new", path),
                            .title = title,
                            .fd = -1,
                            .beside_fd = -1};
}

static void close_file(int *fd)
{
    if (*fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
}

void trail_abandon(struct trail *trail)
{
    if (trail->beside_fd != -1) {
        close_file(&trail->beside_fd);
        (void)unlink(trail->beside);
    }
}

void trail_fini(struct trail *trail)
{
    trail_abandon(trail);
    close_file(&trail->fd);
    free(trail->path);
    free(trail->beside);
}

/* ---- writing ---- */

static void pass(struct iovec **parts, size_t *count, size_t written)
{
    while (written != 0 && *count != 0) {
        size_t part = written < (*parts)->iov_len ? written : (*parts)->iov_len;
        (*parts)->iov_base = (char *)(*parts)->iov_base + part;
        (*parts)->iov_len -= part;
        written -= part;
        if ((*parts)->iov_len == 0) {
            (*parts)++;
            (*count)--;
        }
    }
}

/* All or nothing. */
static int write_parts(int *fd, uint64_t *size, struct iovec *parts, size_t count)
{
    uint64_t done = 0;
    while (count != 0) {
        ssize_t written = writev(*fd, parts, (int)count);
        if (written == -1 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            int error = written == 0 ? ENOSPC : errno;
            if (done != 0 && ftruncate(*fd, (off_t)*size) == -1) {
                close_file(fd); /* nothing may stand behind what is torn */
            }
            return -error;
        }
        done += (size_t)written;
        pass(&parts, &count, (size_t)written);
    }
    *size += done;
    return 0;
}

int trail_begin(struct trail *trail)
{
    trail_abandon(trail);
    trail->beside_fd = open(trail->beside, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (trail->beside_fd == -1) {
        return -errno;
    }
    trail->beside_size = 0;
    struct iovec title = {.iov_base = (void *)(uintptr_t)trail->title, .iov_len = strlen(trail->title)};
    int error = write_parts(&trail->beside_fd, &trail->beside_size, &title, 1);
    if (error != 0) {
        trail_abandon(trail);
    }
    return error;
}

int trail_resume(struct trail *trail, uint64_t good)
{
    close_file(&trail->fd);
    trail->fd = open(trail->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (trail->fd == -1) {
        return -errno;
    }
    if (ftruncate(trail->fd, (off_t)good) == -1) {
        int error = -errno;
        close_file(&trail->fd);
        return error;
    }
    trail->size = good;
    return 0;
}

static uint64_t hash_frame(const uint8_t head[LENGTH], const void *bytes, size_t len)
{
    return hash_finish(hash_bytes(hash_bytes(HASH_START, head, LENGTH), bytes, len));
}

int trail_add(struct trail *trail, const void *bytes, size_t len)
{
    uint8_t head[HEAD];
    struct cursor cursor = cursor_init(head, sizeof head);
    bool is_beside = trail->beside_fd != -1;
    if ((!is_beside && trail->fd == -1) || len == 0 || len > TRAIL_FRAME_MAX) {
        return len == 0 || len > TRAIL_FRAME_MAX ? -EINVAL : -EBADF;
    }
    cursor_write_u32(&cursor, (uint32_t)len);
    cursor_write_u64(&cursor, hash_frame(head, bytes, len));
    struct iovec parts[] = {{.iov_base = head, .iov_len = sizeof head},
                            {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len}};
    return is_beside ? write_parts(&trail->beside_fd, &trail->beside_size, parts, 2)
                     : write_parts(&trail->fd, &trail->size, parts, 2);
}

int trail_settle(struct trail *trail)
{
    int error = trail->beside_fd == -1 ? -EBADF : fdatasync(trail->beside_fd) == -1 ? -errno : 0;
    if (error == 0 && rename(trail->beside, trail->path) == -1) {
        error = -errno;
    }
    if (error != 0) {
        trail_abandon(trail);
        return error;
    }
    close_file(&trail->fd);
    trail->fd = trail->beside_fd;
    trail->size = trail->beside_size;
    trail->beside_fd = -1;
    return 0;
}

/* ---- reading ---- */

/* The octets of the frame at *at, which moves behind it; NULL: there is none that is good. */
static const uint8_t *next_frame(const uint8_t *bytes, size_t total, size_t *at, size_t *len)
{
    struct cursor cursor = cursor_init_const(bytes + *at, total - *at);
    const uint8_t *head = bytes + *at;
    *len = cursor_read_u32(&cursor);
    uint64_t hash = cursor_read_u64(&cursor);
    if (cursor.failed || *len == 0 || *len > TRAIL_FRAME_MAX || *len > cursor_left(&cursor) ||
        hash != hash_frame(head, head + HEAD, *len)) {
        return NULL;
    }
    *at += HEAD + *len;
    return head + HEAD;
}

void trail_read(const char *path, const char *title,
                int (*take)(void *context, const uint8_t *bytes, size_t len), void *context,
                struct trail_reading *reading)
{
    struct file file;
    size_t total, at = strlen(title), len;
    *reading = (struct trail_reading){.end = TRAIL_UNREAD};
    uint8_t *bytes = (uint8_t *)file_read_all(path, SIZE_MOST, &file, &total, &reading->error);
    if (bytes == NULL) {
        return;
    }
    reading->total = total;
    reading->end = total < at || memcmp(bytes, title, at) != 0 ? TRAIL_FOREIGN : TRAIL_WHOLE;
    while (reading->end == TRAIL_WHOLE) {
        reading->good = at;
        if (at == total) {
            break;
        }
        const uint8_t *frame = next_frame(bytes, total, &at, &len);
        if (frame == NULL || take(context, frame, len) != 0) {
            reading->end = TRAIL_TORN;
        }
    }
    free(bytes);
}
