/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An event as it is told elsewhere: its JSON, and what tells it from all others. Immutable and counted, since
 * it waits in the queues of several receivers, and a thread writes it down meanwhile. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct change;

struct letter {
    _Atomic uint32_t holders;
    uint64_t run, seq; /* of the stream that it comes from */
    int64_t wall_ms;
    size_t len;
    char text[]; /* JSON, and a NUL */
};

struct letter *letter_new(uint64_t run, const struct change *change); /* held once */
/* Of one that was written down. */
struct letter *letter_make(uint64_t run, uint64_t seq, int64_t wall_ms, const char *text, size_t len);
struct letter *letter_hold(struct letter *letter); /* returns it */
void letter_release(struct letter *letter);

/* A list of held ones, the oldest first. */
struct letters {
    struct letter **items;
    size_t count, capacity;
};

void letters_add(struct letters *letters, struct letter *letter); /* takes */
/* The first ones go: to others (held as they are), or away (to: NULL). */
void letters_move(struct letters *letters, size_t count, struct letters *to);
/* `count` from the place `first` on go away. */
void letters_drop(struct letters *letters, size_t first, size_t count);
/* All of `from` come before what is there. */
void letters_put_before(struct letters *letters, struct letters *from);
void letters_fini(struct letters *letters);
