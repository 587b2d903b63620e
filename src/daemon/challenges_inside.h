/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of challenges share: life and orders (challenges.c), the table and what is published of it
 * (challenges_kept.c), and where names lie (challenges_place.c). Private to src/daemon. */
#pragma once

#include "daemon/challenge.h"
#include "daemon/challenges.h"

#include <stdatomic.h>

struct event;
struct view;

struct challenge_item {
    char *name;
    struct challenge_value what;
    bool has_ended; /* its time is over: it is not in force, and goes out of the store */
    unsigned begun; /* changes of it that are on their way there */
};

struct challenges {
    struct server *server;
    struct challenge_item **items; /* by name, then value */
    size_t count, capacity;
    struct event *timer;
    bool is_stale; /* what is published is not what there is */
    struct answer_challenge_slot slot;
    atomic_size_t names, values; /* in force */
};

/* ---- challenges_kept.c ---- */

/* Of the name and this value, or the first of the name (value NULL); NULL: there is none. Ended ones count.
 */
struct challenge_item *challenges_find(const struct challenges *challenges, const char *name,
                                       const char *value);
/* The number of the first one of the name, where it is or would be. */
size_t challenges_seek(const struct challenges *challenges, const char *name, const char *value);
void challenges_put(struct challenges *challenges, const char *name, const struct challenge_value *what);
void challenges_take_out(struct challenges *challenges, const char *name, const char *value);
/* Something has changed: it is published soon, and its end is waited for. */
void challenges_touch(struct challenges *challenges);

/* ---- challenges_place.c ---- */

void challenges_find_place(const struct view *view, const char *text, struct arena *arena,
                           struct admin_challenge_place *place);
