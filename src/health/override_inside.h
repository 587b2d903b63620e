/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the machine keeps of overrides, of those that lie dormant, and of when something happens to them; for
 * the files of src/health only. */
#pragma once

#include "base/arena.h"
#include "health/health.h"

#include <stdatomic.h>
#include <stdbool.h>

struct health_override_entry {
    enum health_kind kind;
    uint32_t index;
    struct health_override what;
    uint64_t hash; /* health_hash_override() */
    bool turned;   /* started in the change under way */
};

/* When something happens to an override. */
struct health_due {
    int64_t at_ms;
    enum health_kind kind;
    uint32_t index;
    bool starts; /* else it ends */
};

struct health_dues {
    struct health_due *items;
    size_t count, capacity;
};

/* Overrides whose target is gone: a block of those whose names have one hash, exchanged as a whole. */
struct health_dormants {
    _Atomic uint32_t holders;
    struct health_dormant *items;
    size_t count, capacity;
    int64_t next_due_ms; /* 0: nothing ever happens to them */
    uint64_t stamp;      /* another one after each change, of one machine */
    uint64_t hashes;     /* health_hash_override() of each, added up */
    struct arena *texts;
};

enum { HEALTH_DORMANT_BLOCKS = 1024 };

/* Forget the override of an object, and its bits; without telling anybody. */
void health_drop_override(struct health *health, enum health_kind kind, uint32_t index);

/* Record an override and its bits; without telling anybody. Planned: its time is yet to come. */
void health_put_override(struct health *health, enum health_kind kind, uint32_t index,
                         const struct health_override *override, bool planned);

/* ---- due.c ---- */

void health_due_add(struct health *health, const struct health_override_entry *entry);
/* All anew, a piece at a time: room for all, then each entry, then they take the place of the others. */
void health_due_renew_begin(struct health *health);
void health_due_renew(struct health *health, const struct health_override_entry *entry);
void health_due_renew_end(struct health *health);
/* The first entry, if there is one, is one that holds. After every change. */
void health_due_tidy(struct health *health);
/* Take out the first that is due by then. */
bool health_due_take(struct health *health, int64_t wall_ms, struct health_due *due);

/* ---- dormant.c ---- */

size_t health_dormant_block(enum health_kind kind, const char *name); /* where it lies */
uint64_t health_dormants_hash(const struct health *health);           /* of all of them, added up */
/* One more, or in the place of that of its name. Copied. */
void health_lay_dormant(struct health *health, const struct health_dormant *dormant);
/* Of a block, those that have not become dormant in this machine go. */
void health_dormants_drop_old(struct health *health, size_t block);
void health_dormants_drop(struct health *health); /* all */
/* All of them, instead of what it has. */
void health_dormants_share(struct health *to, const struct health *from);
/* Another one whenever the block has changed. */
uint64_t health_dormants_stamp(const struct health *health, size_t block);
/* Some blocks of those in which something is due; returns what started or ended, 0: nothing is due. */
size_t health_dormants_follow(struct health *health, int64_t wall_ms);
void health_dormants_shift(struct health *health, size_t block, int64_t by_ms);
