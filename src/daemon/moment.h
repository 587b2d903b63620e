/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What answers came from at a moment of the past, made again from a state folder, whether a server runs on it
 * or not: the configuration that was loaded then, what operators had ordered, and what was known of health.
 * Each part says what it was taken from, and what cannot be known is said in words. The view that comes of it
 * is nobody else's; whoever asks it takes the moment for now, so that holds, starts and ends are as they were
 * then.
 *
 * Reads only, but for files that are laid out in STATE/tmp for as long as they are loaded (scratch.h). Takes
 * long and waits for the disk: for workers, and for a steerd that does not serve. Private to src/daemon. */
#pragma once

#include "admin/moment.h"
#include "base/clock.h"

struct manifest;
struct objects;
struct store_reader;
struct view;

struct moment_source {
    const char *folder;         /* the state */
    const char *main;           /* steerd.json as it is now, where none is kept; NULL: there is none */
    const struct view *current; /* serves now: geo databases that are the same are its; NULL: none does */
    int64_t unkept_ms;          /* wall: what serves since then is not kept yet; 0: it is */
    struct clock clock;
    struct progress *progress;  /* NULL: nobody calls it off */
    struct store_reader *store; /* of moment_open_source() */
    struct arena *arena;        /* of what is said */
};

/* What was found of a moment. */
struct moment {
    struct admin_moment *told;
    const struct moment_source *source;
    struct objects *objects;   /* of the store, as they were */
    struct manifest *manifest; /* of the configuration; NULL: none is kept */
    struct view *view;         /* NULL: not made yet, or not of this moment's */
};

/* Opens the store. 0, or an error and why. */
int moment_open_source(struct moment_source *source, const char **why);
void moment_close_source(struct moment_source *source);

/* Which moment is meant by told->text (NULL: now), and what was in the store and the configuration then. To
 * be closed in any case. 0; ERROR_INVALID: told->bad says why there is none; else an error, and told->why. */
int moment_open(const struct moment_source *source, struct admin_moment *told, struct moment *moment);
/* The view, and what held in words. Likewise. */
int moment_make_view(struct moment *moment);
/* Of that view. 0, or ERROR_SYNTAX: the name is none. */
int moment_explain(struct moment *moment, const struct operate_question *question,
                   struct operate_explanation *explanation);
/* What serves now is what answers come from: nothing is to be made. */
void moment_take_view(struct moment *moment, const struct view *view);
void moment_close(struct moment *moment);
