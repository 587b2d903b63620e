/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The object that says which configuration serves, and since when:
 *
 *     configuration/current → {"main": "/etc/steerd/steerd.json", "manifest": "8f43…", "generation": 7,
 *                              "since": "2026-11-22T21:00:00.012Z"}
 *
 * with "gap_since" in it where something served between that time and `since` that was replaced before it
 * could be copied. Where nothing is kept, main and manifest are null, and if it cannot be "why" is there:
 * until it can, and the same `since` comes with a manifest. It is written when the files have been copied, or
 * could not be, and so later than `since`. Only served_find() waits for a disk. */
#pragma once

#include "base/arena.h"
#include "past/objects.h"

#include <stdint.h>

#define SERVED_KIND "configuration"
#define SERVED_KEY  "current"

struct served {
    const char *main;     /* NULL: not known */
    const char *manifest; /* a name in the depot; NULL: it was not kept, */
    const char *why;      /* because; NULL: nobody wanted it, or it is */
    uint64_t generation;
    int64_t since_ms; /* wall */
    /* Wall: between them something served that is lost; 0: nothing did. Of served_find(): in between lies the
     * moment. The second one is not written: it is since_ms. */
    int64_t gap_ms, gap_until_ms;
};

/* Returns owned; NULL: there is no memory for it. */
char *served_write(const struct served *served);
/* What cannot be read is not known; since_ms is written_ms, the time of the entry, then. Texts are in the
 * arena. value NULL: nothing is known. */
void served_read(const char *value, int64_t written_ms, struct arena *arena, struct served *served);

/* What served at a moment: of the objects right after entry `seq`, or by the first entry behind it, which may
 * be of what served already. Where nothing is known of that time it is the first one that is, whose since_ms
 * is later then; 0: there is none. 0, or what the reader says. */
struct served_ask {
    struct store_reader *reader;
    const struct objects *objects;
    uint64_t seq;
    int64_t wall_ms;
};
int served_find(const struct served_ask *ask, struct arena *arena, struct served *served);
