/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The way to steerd-etcd: the process is started when it is first wanted and again whenever it has died, and
 * killed when it does not answer any more (stopped, say); frames go and come. Nothing waits for it. On one
 * loop. Private to src/etcd. */
#pragma once

#include "etcd/wire.h"

struct etcd_link;

struct etcd_link_options {
    struct event_base *base;
    const char *program; /* borrowed for good; NULL: there is none */
    void *context;
    void (*up)(void *context);
    void (*took)(void *context, const struct etcd_frame *frame);
    /* It was up, or could not be started: -errno. */
    void (*down)(void *context, int error, const char *why);
};

struct etcd_link *etcd_link_open(const struct etcd_link_options *options); /* NULL: no memory */
void etcd_link_close(struct etcd_link *link);
void etcd_link_want(struct etcd_link *link); /* from now on */
bool etcd_link_is_up(const struct etcd_link *link);
/* Frames are written there, while it is up; then etcd_link_send(). */
struct buffer *etcd_link_get_out(struct etcd_link *link);
void etcd_link_send(struct etcd_link *link);
/* Takes what comes within that time. False: nothing did, or it is down. */
bool etcd_link_wait(struct etcd_link *link, int ms);
/* What came is no frame, or not the one that it should be: it begins anew. */
void etcd_link_break(struct etcd_link *link, const char *why);
uint64_t etcd_link_count_starts(const struct etcd_link *link);
