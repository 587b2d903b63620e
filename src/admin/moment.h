/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions about the past, as plain data: what an answer would have been at a moment, and what differs
 * between two. The application fills in what it finds, and what it cannot know; this is how that is told, by
 * the API and by a steerd without a server. Texts live in the arena of the question. */
#pragma once

#include "base/arena.h"
#include "base/progress.h"
#include "operate/compare.h"
#include "operate/operate.h"
#include "past/whole.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_moment {
    const char *text; /* as it was asked for: base/when.h, or the ID of a recovery point; NULL: now */
    struct progress *progress; /* NULL: nobody calls it off */
    /* Set by the verb: */
    const char *bad;           /* there is no such moment, and why; else NULL */
    const char *why;           /* of any other error */
    const struct whole *whole; /* what can be had, if the configuration of then cannot; else NULL */
    int64_t wall_ms;
    bool is_now;       /* what serves now, as it is */
    uint64_t seq;      /* of the journal: all that is known of objects is from its entries up to this one */
    const char *point; /* the ID, if it was asked for by that; else NULL */
    const char *main;  /* steerd.json */
    const char *manifest;  /* the SHA-256 of the list of its files; NULL: what the files say now was used */
    uint64_t generation;   /* that this configuration was; 0: not known */
    int64_t configured_ms; /* wall: since when; 0: not known */
    const char *segment;   /* the file that health comes from; NULL: nothing is known of health */
    int64_t health_ms;     /* wall: what is known of health is from then; 0: likewise */
    const char **missing;  /* what cannot be known, in words */
    size_t missing_count;
    const char **steps; /* what held then, in words */
    size_t step_count;
};

/* ---- what differs ---- */

struct admin_kind_count {
    const char *kind;
    uint64_t entries;
};

/* Of the store. */
struct admin_changed_object {
    const char *kind, *key;
    const char *before, *after; /* JSON; NULL: it was not there */
    /* The last entry that changed it: */
    int64_t time_ms;
    const char *actor, *reason; /* "": not known */
};

struct admin_changed_file {
    const char *path;
    bool is_there[2]; /* before, after */
    uint64_t size[2];
    const char *sha256[2]; /* NULL: not kept */
    const char *text;      /* unified diff; NULL: of files that are large, secret or no text */
    const char *why;       /* there is none; NULL: there is */
};

struct admin_changed_health {
    enum health_kind kind;
    const char *name;
    const char *before, *after; /* effective state; NULL: it was not there */
    int64_t since_ms;           /* of `after`; 0: not known */
    bool follows;               /* from its az or region, of which the same is told */
};

struct admin_difference {
    struct admin_moment moments[2]; /* from, to */
    size_t limit;                   /* items of each list */
    struct progress *progress;
    /* Set by the verb: */
    uint64_t entries; /* of the journal in between */
    struct admin_kind_count *kinds;
    size_t kind_count;
    struct admin_changed_object *objects;
    size_t object_count, object_total;
    struct admin_changed_file *files;
    size_t file_count, file_total;
    struct operate_comparison *changes; /* for traffic: answers, names, settings */
    struct admin_changed_health *health;
    size_t health_count, health_total;
    const char **steps; /* the whole in sentences; none: nothing differs */
    size_t step_count;
};

/* As the API answers; returns owned text, indented. */
char *admin_write_explained(const struct operate_explanation *explanation, const struct admin_moment *moment);
char *admin_write_difference(const struct admin_difference *difference);
