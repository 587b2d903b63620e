/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of past health: health/WALL_MS.trail in the state folder, named by the wall time at which they
 * were begun. The newest may still be written to. They are kept for as long as somebody may ask, which is as
 * long as recovery points are, but not more octets of them than there is room for; the oldest go first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENTS_FOLDER "health"

enum {
    SEGMENTS_EVERY_MS = 3600000,
    SEGMENTS_MOST = 16384, /* files */
};
#define SEGMENTS_OCTETS (UINT64_C(256) << 20)

struct segment {
    int64_t begun_ms; /* wall; also its name */
    uint64_t octets;
};

struct segments {
    struct segment *items; /* the oldest first */
    size_t count;
};

/* What there is. 0 or -errno; a folder that is not there has none. */
int segments_list(const char *state, struct segments *list);
void segments_fini(struct segments *list);

/* "health/WALL_MS.trail" in the state folder. Returns owned. */
char *segments_write_path(const char *state, int64_t begun_ms);
/* Of a file's name, without folders: when it was begun; -1: that is none. */
int64_t segments_parse_name(const char *name);

/* Which are to go: those that ended before `keep_ms` and cover none of `moments`, and of what is left the
 * oldest, as many as are more than `octets` or SEGMENTS_MOST. The newest stays. Sets gone[i]; returns how
 * many. Pure. */
struct segments_limits {
    int64_t keep_ms; /* wall; INT64_MIN: none goes for its age */
    const int64_t *moments;
    size_t moment_count;
    uint64_t octets;
    int64_t live_ms; /* what the one is named by that is written to, which stays as well; 0: the newest is */
};
size_t segments_find_surplus(const struct segments *list, const struct segments_limits *limits, bool *gone);
/* Remove them. Returns 0 or -errno of the first that could not be removed; *removed says how many were. */
int segments_sweep(const char *state, const struct segments_limits *limits, size_t *removed);
/* Remove what a process that ended had not finished to begin. By who begins them. */
void segments_tidy(const char *state);
