/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The notes, in the order of their times: between two of them nothing changes. */
#include "config.h"

#include "observe/tally_inside.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000 };

/* Of requests that go by an answer. */
struct outlook {
    double one, all, misled;
};

struct walk {
    struct tally *tally;
    int64_t until_ms, at_ms; /* what is before at_ms is added up */
    size_t cache_at, service_at, fresh_at;
    bool fails[TALLY_ADDRESSES_MAX];
    size_t failing;                  /* addresses */
    uint32_t *now;                   /* by cache */
    size_t *users;                   /* by answer: caches */
    struct outlook *outlooks, level; /* level: of all users together */
    /* What comes of it. */
    double most;
    int64_t most_ms, moved_ms[TALLY_MOVED];
    bool is_second;        /* the most is known, and who moved when is looked for */
    uint32_t misled_names; /* whose last fresh answer led to what fails, by bit */
    int64_t decided_ms;
    bool is_decided; /* no other fresh answer counts */
};

static struct outlook look(const struct walk *walk, const struct tally_answer *answer)
{
    size_t failing = 0;
    for (size_t i = 0; i < answer->count; i++) {
        failing += walk->fails[answer->addresses[i]];
    }
    if (answer->count == 0) {
        return (struct outlook){.one = 1, .all = 1};
    }
    double share = (double)failing / (double)answer->count;
    return (struct outlook){.one = share, .all = failing == answer->count, .misled = share};
}

static void look_at_all(struct walk *walk)
{
    walk->level = (struct outlook){.one = 0};
    for (size_t i = 0; i < walk->tally->answer_count; i++) {
        struct outlook *own = &walk->outlooks[i];
        *own = look(walk, &walk->tally->answers[i]);
        walk->level.one += (double)walk->users[i] * own->one;
        walk->level.all += (double)walk->users[i] * own->all;
        walk->level.misled += (double)walk->users[i] * own->misled;
    }
}

static void change_users(struct walk *walk, uint32_t answer, int change)
{
    const struct outlook *own = &walk->outlooks[answer];
    walk->users[answer] += (size_t)change;
    walk->level.one += change * own->one;
    walk->level.all += change * own->all;
    walk->level.misled += change * own->misled;
}

/* ---- spans in which nothing changes ---- */

static void add(double *seconds, int64_t from_ms, int64_t to_ms, double value)
{
    while (value > 0 && from_ms < to_ms) {
        int64_t second = from_ms / SECOND_MS, end_ms = (second + 1) * SECOND_MS;
        end_ms = end_ms < to_ms ? end_ms : to_ms;
        seconds[second] += value * (double)(end_ms - from_ms) / SECOND_MS;
        from_ms = end_ms;
    }
}

static void note_moved(struct walk *walk, double misled)
{
    static const double left[TALLY_MOVED] = {0.5, 0.1, 0.01, 0};
    for (size_t i = 0; i < TALLY_MOVED && walk->is_second && walk->at_ms >= walk->most_ms; i++) {
        if (walk->moved_ms[i] < 0 && misled <= left[i] * walk->most + 1e-9) {
            walk->moved_ms[i] = walk->at_ms;
        }
    }
}

static void spend(struct walk *walk, int64_t to_ms, struct tally_sum *sum)
{
    double all = (double)walk->tally->cache_count; /* who has not been answered yet asks for nothing */
    struct outlook level = {walk->level.one / all, walk->level.all / all, walk->level.misled / all};
    to_ms = to_ms < walk->until_ms ? to_ms : walk->until_ms;
    if (to_ms <= walk->at_ms) {
        return;
    }
    if (level.misled > walk->most + 1e-9 && !walk->is_second) {
        walk->most = level.misled;
        walk->most_ms = walk->at_ms;
    }
    note_moved(walk, level.misled);
    if (!walk->is_second && level.one > 1e-9) {
        add(sum->failed_one, walk->at_ms, to_ms, level.one);
        add(sum->failed_all, walk->at_ms, to_ms, level.all);
        add(sum->misled, walk->at_ms, to_ms, level.misled);
        sum->first_ms = sum->first_ms < 0 ? walk->at_ms : sum->first_ms;
        sum->last_ms = to_ms;
    }
    walk->at_ms = to_ms;
}

/* ---- notes ---- */

static void take_cache(struct walk *walk, const struct tally_note *note)
{
    uint32_t before = walk->now[note->who];
    if (before != UINT32_MAX) {
        change_users(walk, before, -1);
    }
    change_users(walk, note->what, 1);
    walk->now[note->who] = note->what;
}

static void take_service(struct walk *walk, const struct tally_note *note, struct tally_sum *sum)
{
    if (walk->fails[note->who] == (note->what != 0)) {
        return;
    }
    walk->fails[note->who] = note->what != 0;
    walk->failing += note->what != 0 ? 1 : (size_t)-1;
    sum->lost_ms = sum->lost_ms < 0 && note->what != 0 ? note->at_ms : sum->lost_ms;
    walk->is_decided = walk->is_decided || (sum->lost_ms >= 0 && walk->failing == 0);
    look_at_all(walk);
}

static void take_fresh(struct walk *walk, const struct tally_note *note)
{
    walk->is_decided =
        walk->is_decided || (walk->decided_ms >= 0 && note->at_ms - walk->decided_ms >= SECOND_MS);
    if (walk->is_decided) {
        return;
    }
    uint32_t name = UINT32_C(1) << (note->who & 31);
    if (walk->outlooks[note->what].misled > 0) {
        walk->misled_names |= name;
        walk->decided_ms = -1;
        return;
    }
    bool was_misled = walk->misled_names != 0;
    walk->misled_names &= ~name;
    if (was_misled && walk->misled_names == 0) {
        walk->decided_ms = note->at_ms;
    }
}

static const struct tally_note *peek(const struct tally_notes *notes, size_t at)
{
    return at < notes->count ? &notes->items[at] : NULL;
}

/* Services first: what fails from a time on fails for whoever asks then. */
static bool take_next(struct walk *walk, struct tally_sum *sum)
{
    const struct tally_note *service = peek(&walk->tally->services, walk->service_at),
                            *cache = peek(&walk->tally->caches, walk->cache_at),
                            *fresh = peek(&walk->tally->fresh, walk->fresh_at), *next = service;
    next = next == NULL || (cache != NULL && cache->at_ms < next->at_ms) ? cache : next;
    next = next == NULL || (fresh != NULL && fresh->at_ms < next->at_ms) ? fresh : next;
    if (next == NULL || next->at_ms >= walk->until_ms) {
        return false;
    }
    spend(walk, next->at_ms, sum);
    if (next == service) {
        walk->service_at++;
        take_service(walk, next, sum);
    } else if (next == cache) {
        walk->cache_at++;
        take_cache(walk, next);
    } else {
        walk->fresh_at++;
        take_fresh(walk, next);
    }
    return true;
}

/* ---- the whole ---- */

static int compare_notes(const void *a, const void *b)
{
    const struct tally_note *one = a, *other = b;
    if (one->at_ms != other->at_ms) {
        return one->at_ms < other->at_ms ? -1 : 1;
    }
    return one->who != other->who ? (one->who < other->who ? -1 : 1)
                                  : (one->what > other->what) - (one->what < other->what);
}

/* From the beginning again. */
static void rewind_walk(struct walk *walk)
{
    walk->at_ms = 0;
    walk->cache_at = walk->service_at = walk->fresh_at = walk->failing = 0;
    walk->is_decided = false;
    walk->misled_names = 0;
    walk->decided_ms = -1;
    memset(walk->fails, 0, sizeof walk->fails);
    memset(walk->now, 0xff, walk->tally->cache_count * sizeof *walk->now);
    memset(walk->users, 0, walk->tally->answer_count * sizeof *walk->users);
    look_at_all(walk);
}

static void go(struct walk *walk, struct tally_sum *sum)
{
    rewind_walk(walk);
    while (take_next(walk, sum)) {
    }
    spend(walk, walk->until_ms, sum);
}

void tally_add_up(struct tally *tally, int64_t duration_ms, struct tally_sum *sum)
{
    size_t seconds = (size_t)((duration_ms + SECOND_MS - 1) / SECOND_MS);
    struct walk walk = {.tally = tally, .until_ms = duration_ms, .moved_ms = {-1, -1, -1, -1}};
    *sum = (struct tally_sum){.second_count = seconds, .lost_ms = -1, .first_ms = -1, .last_ms = -1};
    sum->failed_one = memory_alloc_array(seconds + 1, sizeof(double));
    sum->failed_all = memory_alloc_array(seconds + 1, sizeof(double));
    sum->misled = memory_alloc_array(seconds + 1, sizeof(double));
    walk.now = memory_alloc_array(tally->cache_count, sizeof *walk.now);
    walk.users = memory_alloc_array(tally->answer_count, sizeof *walk.users);
    walk.outlooks = memory_alloc_array(tally->answer_count, sizeof *walk.outlooks);
    if (tally->services.count > 1) { /* they are noted when they end */
        qsort(tally->services.items, tally->services.count, sizeof *tally->services.items, compare_notes);
    }
    go(&walk, sum);
    sum->decided_ms = walk.decided_ms < 0 ? -1 : walk.decided_ms - sum->lost_ms;
    walk.is_second = true;
    if (walk.most > 0) {
        go(&walk, sum);
    }
    for (size_t i = 0; i < TALLY_MOVED; i++) {
        sum->moved_ms[i] = walk.moved_ms[i] < 0 ? -1 : walk.moved_ms[i] - sum->lost_ms;
    }
    for (size_t i = 0; i < seconds; i++) {
        sum->seconds_one += sum->failed_one[i];
        sum->seconds_all += sum->failed_all[i];
    }
    free(walk.now);
    free(walk.users);
    free(walk.outlooks);
}

void tally_sum_fini(struct tally_sum *sum)
{
    free(sum->failed_one);
    free(sum->failed_all);
    free(sum->misled);
}
