/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points: what they are as objects of the store (kind "point"), when the next one is due, and which
 * have had their time. Pure: time and seq are arguments.
 *
 *   {"time": "2026-11-22T21:00:00.012Z", "seq": 123, "hash": "…", "kind": "hourly", "objects": "…",
 *    "configuration": "…", "generation": 7, "name": …, "reason": …, "actor": …,
 *    "used": [{"time": …, "actor": …, "reason": …}]}
 *
 * hash is that of the journal at seq; objects a blob of the depot with the lines (lines.h) of all objects
 * right after seq; configuration the blob of the manifest that served then. What is not known is left out. */
#pragma once

#include "base/arena.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POINTS_ID_MAX = 63,          /* octets */
    POINTS_ENTRIES_MAX = 250000, /* of the journal, then one is due */
    POINTS_USES_MAX = 100,       /* the latest are kept */
    POINTS_SHA_LEN = 64,         /* hexadecimal digits */
    POINTS_TEXT_MAX = 1024,      /* octets of a reason or an actor */
    POINTS_ID_SIZE = POINTS_ID_MAX + 1,
};

enum points_kind {
    POINTS_HOURLY,         /* made by itself, however often that is */
    POINTS_NAMED,          /* by hand */
    POINTS_BEFORE_RESTORE, /* by a restore */
    POINTS_KINDS
};

const char *points_kind_text(enum points_kind kind); /* "hourly" … */

struct point_use {
    int64_t time_ms; /* wall */
    const char *actor, *reason;
};

/* Borrowed texts. */
struct point {
    const char *id;  /* the key of the object; of a named one its name */
    int64_t time_ms; /* wall: when it was made */
    uint64_t seq;    /* it is what was right after this entry */
    unsigned char hash[STORE_HASH_SIZE];
    enum points_kind kind;
    const char *reason, *actor;   /* "": not given */
    const char *objects;          /* SHA-256 of the blob, as hexadecimal digits */
    const char *configuration;    /* likewise, of the manifest; NULL: it was not kept */
    uint64_t generation;          /* 0: not known */
    const struct point_use *uses; /* the oldest first */
    size_t use_count;
};

/* Returns owned. */
char *points_write(const struct point *point);
/* 0, or ERROR_SYNTAX and what is wrong with it in *why (static). Texts are in the arena. */
int points_read(const char *id, const char *value, struct arena *arena, struct point *point,
                const char **why);

/* 1 to 63 of a-z, 0-9, '.', '_' and '-', the first one a letter or digit; or T and Z, of a time. */
bool points_is_id(const char *text);
/* Without these; also none of those that points get by themselves ("hourly-…", "restore-…"), nor what reads
 * as a duration. NULL: it may be given to a point; else why it may not, static. */
const char *points_judge_name(const char *text);
/* The ID of one that gets it by itself: "hourly-20261122T210000Z", "restore-…". To the second. */
void points_write_id(enum points_kind kind, int64_t time_ms, char id[POINTS_ID_SIZE]);

/* ---- when ---- */

struct points_rule {
    uint64_t every_ms;   /* 0: none by themselves */
    uint32_t keep_count; /* of each kind that is not named, at least 1 */
    uint32_t keep_days;  /* younger ones are kept beside these; 0: no others are */
};

/* What there is. */
struct points_latest {
    size_t count;
    uint64_t any_seq, hourly_seq; /* of the latest one, by seq: a clock may be set */
    int64_t any_ms, hourly_ms;    /* wall: when that was made */
    bool has_hourly;
};

void points_find_latest(const struct point *points, size_t count, struct points_latest *latest);
void points_note_latest(const struct point *point, struct points_latest *latest); /* one more */

/* Is one due? By time once in each stretch of `every_ms` that begins at a multiple of it (each full hour), so
 * that neither a restart nor a clock that is set doubles one; and when the journal has grown by
 * POINTS_ENTRIES_MAX since the last one of any kind. A clock that was set back by more than a stretch begins
 * anew. */
bool points_is_due(const struct points_rule *rule, const struct points_latest *latest, int64_t now_ms,
                   uint64_t seq);

/* Which go: those that are not named, neither among the latest keep_count of their kind (by seq: a clock may
 * be set) nor younger than keep_days. Sets gone[i]; returns how many. */
size_t points_find_gone(const struct points_rule *rule, const struct point *points, size_t count,
                        int64_t now_ms, bool *gone);

/* What all these need: everything since the oldest of those that go by themselves, for one that was made by
 * hand may stay for years and has what it is of alone; where there are only such, since the oldest of them.
 */
struct points_span {
    uint64_t seq;     /* UINT64_MAX: there are none */
    int64_t since_ms; /* wall, the earliest of them; INT64_MIN: there are none */
    int64_t *named_ms;
    size_t named_count;
};
void points_find_span(const struct point *points, size_t count, struct arena *arena,
                      struct points_span *span);
