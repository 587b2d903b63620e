/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was written down of health, read back: by a start, which goes on from what the process before knew
 * (daemon/last.h), and by who asks what held at a past moment. Both read the same records (last_kinds.h),
 * make the machine of the plan of then out of them, and let a view take over what it would have taken over in
 * a reload.
 *
 * The state folder keeps health in segments (segments.h): each is whole when it is begun, then says what
 * changed, and at least every KNOWN_BEAT_MS that somebody was there. So "who wrote last before that moment,
 * and who next" tells where nobody ran. The wall clock may have been set: a moment may be there twice, and
 * then the one that came later counts.
 *
 * Waits for the disk; no lock. Not for the control thread. */
#pragma once

#include "base/clock.h"
#include "base/trail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health;
struct known;
struct view;

enum {
    KNOWN_BEAT_MS = 5000,    /* of who writes and has nothing to say */
    KNOWN_GAP_MS = 15000,    /* between two moments of one process: for so long nothing was written */
    KNOWN_RESTART_MS = 2500, /* between one process and the next */
    KNOWN_NOTE_SIZE = 256,
};

/* A moment as its writer saw it. */
struct known_moment {
    int64_t wall_ms, now_ms, boot_ms;
};

/* ---- one file ---- */

/* All of a file. Returns owned, whatever became of it. */
struct known *known_read(const char *path, struct trail_reading *reading);
void known_free(struct known *known); /* NULL is fine */

/* There is a machine in it. */
bool known_is_whole(const struct known *known);
/* The last one that was taken. */
struct known_moment known_get_moment(const struct known *known);
/* The boot in which that was, as the kernel calls it. */
const char *known_get_boot(const struct known *known);

struct health_reading;
/* The machine of the plan of then. Returns owned; NULL: it is not complete. */
struct health *known_make_health(struct known *known, const struct health_reading *reading);
/* What hosts of the view led to, of which nothing is known yet. `error`, a constant, says of those that
 * failed why nothing newer is known. Returns how many lead to something. */
uint32_t known_put_hosts(struct known *known, struct view *view, int64_t wall_ms, const char *error);
/* Overrides are in force in the view: what is as it was is so since it was. */
void known_put_right(const struct known *known, struct view *view);

/* ---- a past moment ---- */

enum known_state {
    KNOWN_FOUND,
    KNOWN_BEFORE, /* nothing so old is kept, see oldest_ms */
    KNOWN_NONE,   /* nothing is kept */
    KNOWN_UNREAD, /* what there is could not be read: see `error` */
};

struct known_about {
    enum known_state state;
    int64_t as_of_ms;  /* wall: it was so then, and nothing else was written until that moment */
    int64_t oldest_ms; /* wall: what is kept begins there; 0: nothing is */
    /* Nobody wrote in between, and the moment is in there: what is known is from before. `until` 0: nobody
     * has since. Both 0: somebody was there. */
    int64_t gap_from_ms, gap_until_ms;
    bool is_twice;              /* the wall clock was set back, and the moment came again */
    int error;                  /* UNREAD: of the file, -errno or ERROR_SYNTAX */
    char file[64];              /* it is from there, in the state folder */
    char note[KNOWN_NOTE_SIZE]; /* in words, what is to be said of all that; "": nothing */
};

/* What was known of health at a wall time, from the state folder of a server that runs or not. Returns owned
 * if it was FOUND, else NULL. */
struct known *known_find(const char *state, int64_t at_ms, struct known_about *about);

/* A view that nobody else has yet, and that knows nothing, knows now what was known then, as of then: ages
 * and times are what they were at that moment, and nothing is too old. Overrides are to be put after that,
 * and then known_put_right(). Returns the monotonic time of the view at that moment, which its brake and
 * loads go by. ERROR_INVALID: what was read makes no machine. */
int known_put_into(struct known *known, struct view *view, int64_t at_ms, int64_t *now_ms);
