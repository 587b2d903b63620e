/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One stream of all changes, in one order, for any number of readers at their own pace. Bounded: the latest
 * changes are there, older ones are gone.
 *
 * Writers: any thread, under any lock. Publishing neither waits nor allocates nor calls the system by itself;
 * a few hundred nanoseconds. Nothing that a reader does or leaves undone is noticed by a writer.
 * Readers: each has a cursor of its own and belongs to one thread. One that is too slow is told how many
 * changes it missed, and goes on with the oldest that is there. A reader that must not lose any (a journal)
 * sees the gap, and takes the present state instead. Readers that come later (SSE, webhooks, a journal) need
 * nothing but stream_read() and, to be woken, one waker per thread. */
#pragma once

#include "events/change.h"

struct stream;

/* Keeps at least the `least` latest changes, at about 210 octets each, unless some of them are long: what
 * does not fit in 168 octets takes the room of up to eight. Returns owned. */
struct stream *stream_new(size_t least);
void stream_free(struct stream *stream); /* NULL is fine; nobody uses it any more */

/* Be told of changes: `wake` is called after every one, by the thread that published it, so it must not wait,
 * nor take locks (a flag and an eventfd are right). To be called before anything is published, and for good.
 * At most STREAM_WAKERS. */
enum { STREAM_WAKERS = 8 };
void stream_add_waker(struct stream *stream, void (*wake)(void *context), void *context);

/* Tell everybody. Copies. Returns its number. */
uint64_t stream_publish(struct stream *stream, const struct change *change);

/* ---- reading ---- */

struct stream_reader {
    struct stream *stream;
    uint64_t next;        /* the number of the next change */
    struct change change; /* the latest that was read */
    char texts[CHANGE_NAME_MAX + 2 * CHANGE_WHO_MAX + CHANGE_REASON_MAX + CHANGE_BODY_MAX + 5];
};

enum stream_result {
    STREAM_NOTHING, /* new since the last one */
    STREAM_CHANGE,  /* reader->change, until the next read */
    STREAM_GAP,     /* so many changes are lost to this reader */
};

/* Begin with what comes next; or with `seq`, as far as that is still there. */
void stream_reader_init(struct stream_reader *reader, struct stream *stream);
void stream_reader_init_at(struct stream_reader *reader, struct stream *stream, uint64_t seq);
/* `missed` is set for a gap only. */
enum stream_result stream_read(struct stream_reader *reader, uint64_t *missed);

/* ---- counting ---- */

uint64_t stream_get_seq(const struct stream *stream); /* of the latest change; 0: none yet */
/* A random number that tells this stream from all others, those of other processes, too. */
uint64_t stream_get_run(const struct stream *stream);
uint64_t stream_count(const struct stream *stream, enum change_kind kind);
