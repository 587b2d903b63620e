/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See wire.h. */
#include "config.h"

#include "etcd/wire.h"

#include "base/cursor.h"

#include <errno.h>
#include <sys/socket.h>

enum { PIECE = 65536 };

void etcd_wire_init(struct etcd_wire *wire, int fd)
{
    *wire = (struct etcd_wire){.fd = fd};
}

void etcd_wire_fini(struct etcd_wire *wire)
{
    buffer_fini(&wire->in);
    buffer_fini(&wire->out);
}

/* What was dealt with. */
static void drop(struct buffer *buffer, size_t *at)
{
    if (*at != 0) {
        buffer_remove_front(buffer, *at);
        *at = 0;
        buffer_shrink(buffer);
    }
}

int etcd_wire_receive(struct etcd_wire *wire)
{
    char piece[PIECE];
    ssize_t n = recv(wire->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n == -1) {
        return errno == EINTR ? -EAGAIN : -errno;
    }
    if (n == 0) {
        return -EPIPE;
    }
    drop(&wire->in, &wire->in_at);
    buffer_add(&wire->in, piece, (size_t)n);
    return 0;
}

int etcd_wire_next(struct etcd_wire *wire, struct etcd_frame *frame)
{
    size_t left = wire->in.len - wire->in_at;
    if (left < ETCD_FRAME_HEAD) {
        return -EAGAIN;
    }
    const char *head = wire->in.bytes + wire->in_at;
    struct cursor at = cursor_init_const((const uint8_t *)head, ETCD_FRAME_HEAD);
    frame->len = cursor_read_u32(&at);
    frame->kind = cursor_read_u32(&at);
    frame->number = cursor_read_u64(&at);
    frame->bytes = head + ETCD_FRAME_HEAD;
    if (frame->len > ETCD_FRAME_MAX) {
        return -EBADMSG;
    }
    if (left - ETCD_FRAME_HEAD < frame->len) {
        return -EAGAIN;
    }
    wire->in_at += ETCD_FRAME_HEAD + frame->len;
    return 0;
}

size_t etcd_wire_count_waiting(const struct etcd_wire *wire)
{
    return wire->out.len - wire->out_at;
}

int etcd_wire_flush(struct etcd_wire *wire)
{
    while (etcd_wire_count_waiting(wire) != 0) {
        ssize_t n = send(wire->fd, wire->out.bytes + wire->out_at, etcd_wire_count_waiting(wire),
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        if (n == -1) {
            break;
        }
        wire->out_at += (size_t)n;
    }
    if (wire->out_at >= wire->out.len / 2) {
        drop(&wire->out, &wire->out_at);
    }
    return 0;
}
