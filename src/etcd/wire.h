/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One end of the stream between steerd and steerd-etcd: octets from and to a socket that does not block,
 * frames for whoever reads them. What is on its way out is as much as its owner puts there: it looks at `out`
 * first. */
#pragma once

#include "base/buffer.h"
#include "etcd/frame.h"

struct etcd_wire {
    int fd;            /* borrowed */
    struct buffer in;  /* from in_at on: not looked at */
    struct buffer out; /* from out_at on: not sent */
    size_t in_at, out_at;
};

void etcd_wire_init(struct etcd_wire *wire, int fd);
void etcd_wire_fini(struct etcd_wire *wire);
/* What is there, but a bounded piece of it. Returns 0, or -errno: -EAGAIN: nothing; -EPIPE: there will be
 * nothing more. */
int etcd_wire_receive(struct etcd_wire *wire);
/* The next whole frame, borrowed until the next call of etcd_wire_receive(): 0; -EAGAIN: there is none;
 * -EBADMSG: what comes is no frame. */
int etcd_wire_next(struct etcd_wire *wire, struct etcd_frame *frame);
/* Sends what goes. Returns 0 or -errno; something may be left. */
int etcd_wire_flush(struct etcd_wire *wire);
size_t etcd_wire_count_waiting(const struct etcd_wire *wire); /* octets that are not sent */
