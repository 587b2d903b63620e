/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread of a drill: copies the state, notes how names answer, and then looks whether they answer
 * otherwise, and asks what clients that are not the drill's get, some questions at a time. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "base/limiter.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "health/results.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    QUESTIONS_MAX = 4096, /* of a round of the proof */
    TURN = 64, /* of them, between which others of the processor, and grace periods, have their turn */
    PAUSE_MS = 10,
    BEFORE_MS = 50, /* that a drill waits for its first round */
    BUCKETS = 4096
};

static void tell_control(const struct shadow *shadow)
{
    uint64_t one = 1;
    ssize_t written = write(shadow->all->fd, &one, sizeof one);
    (void)written;
}

/* ---- what it is made of ---- */

/* What comes from now on is in it. */
static void let_results_in(struct shadow *shadow)
{
    lock_take(&shadow->all->server->lock);
    pthread_mutex_lock(&shadow->lock);
    bool ends = shadow->ends;
    pthread_mutex_unlock(&shadow->lock);
    if (!ends) { /* else what serves may be another view by now */
        shadow_begin_feed(shadow);
    }
    lock_leave(&shadow->all->server->lock);
}

static void make_world(struct shadow *shadow)
{
    struct server *server = shadow->all->server;
    struct shadow_world *world = shadow->world;
    world->view = view_finish_copy(world->view, clock_wall_ms(&server->clock), &server->lock);
    view_add_caches(world->view, world->thread_count);
    if (shadow->live == NULL) { /* what drill clients ask, and how often, is no matter of others */
        world->view->guards &= ~(unsigned)VIEW_GUARD_TAP;
        world->limiter = world->view->limiter == NULL ? NULL : limiter_new(BUCKETS);
        world->view->limiter = world->limiter;
    }
    world->seen.view = world->view;
    health_drop_results(world->view->health);
    let_results_in(shadow);
    struct drill_stage *stage =
        drill_stage_new(world->view, shadow->document, &server->lock, &shadow->progress);
    if (shadow->real != NULL) {
        drill_stage_leave_moves(stage);
    }
    shadow->unserved_before = shadow->unserved = drill_stage_count_unserved(stage);
    lock_take(&server->lock);
    shadow->stage = stage;
    lock_leave(&server->lock);
}

/* ---- the proof ---- */

/* Returns whether there is anything to prove still. */
static bool prove(struct shadow *shadow, struct drill_proof *proof, bool *goes_on)
{
    struct server *server = shadow->all->server;
    *goes_on = false;
    if (proof == NULL) {
        return false;
    }
    view_reader_online();
    const struct view *served = view_read(server->slot);
    bool fits = drill_proof_fits(proof, served);
    if (fits) {
        *goes_on = drill_proof_turn(proof, served, answer_read_shadows(&shadow->all->slot),
                                    (uint64_t)clock_wall_ms(&server->clock), TURN);
    }
    view_reader_offline();
    pthread_mutex_lock(&shadow->lock);
    drill_proof_get(proof, &shadow->proved);
    shadow->has_proof = true;
    pthread_mutex_unlock(&shadow->lock);
    return fits;
}

/* One that begins now. Returns whether it came to its end. */
static bool prove_round(struct shadow *shadow, struct drill_proof *proof, int64_t until_ms,
                        struct drill_round *round)
{
    const struct clock *clock = &shadow->all->server->clock;
    bool goes_on = true, fits = true;
    while (fits && goes_on && clock_now_ms(clock) < until_ms) {
        fits = prove(shadow, proof, &goes_on);
    }
    *round = shadow->proved.latest; /* nobody else writes it */
    return fits && !goes_on;
}

/* ---- while it runs ---- */

static int64_t since_ms(const struct shadow *shadow)
{
    return (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
}

static void note_changes(struct shadow *shadow)
{
    int64_t decided_ms;
    size_t changed = drill_stage_count_changes(shadow->stage, &decided_ms);
    if (changed == shadow->changed) { /* nobody else writes it */
        return;
    }
    size_t unserved = drill_stage_count_unserved(shadow->stage);
    pthread_mutex_lock(&shadow->lock);
    shadow->changed = changed;
    shadow->unserved = unserved;
    shadow->times.decided_us = shadow->began_us + decided_ms * 1000;
    shadow->times.followed_us = clock_now_us(&shadow->all->server->clock);
    pthread_mutex_unlock(&shadow->lock);
}

/* What may end one that all see: it is looked at when something has begun or ended, or answers have changed.
 */
static void note_misled(struct shadow *shadow)
{
    size_t misled = drill_stage_count_misled(shadow->stage);
    const char *moved = drill_stage_find_moved(shadow->stage);
    int64_t now_ms = since_ms(shadow);
    pthread_mutex_lock(&shadow->lock);
    shadow->misled_since_ms = misled == 0                     ? -1
                              : shadow->misled_since_ms == -1 ? now_ms
                                                              : shadow->misled_since_ms;
    shadow->misled = misled;
    shadow->moved = moved;
    pthread_mutex_unlock(&shadow->lock);
}

/* What begins or ends until now does so. Returns when something does next. */
static int64_t follow(struct shadow *shadow, int64_t due_ms, bool has_news)
{
    size_t changed = shadow->changed;
    int64_t next_ms = drill_stage_turn(shadow->stage, since_ms(shadow));
    if (next_ms != due_ms) {
        tell_control(shadow); /* vantages look at what has begun */
    }
    if (has_news) {
        drill_stage_follow(shadow->stage);
    }
    note_changes(shadow);
    if (shadow->live != NULL && (next_ms != due_ms || shadow->changed != changed)) {
        note_misled(shadow);
    }
    return next_ms;
}

/* Nobody sees it from then on, whatever the control thread does. */
static void mind_the_time(struct shadow *shadow)
{
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    if (now_us - shadow->began_us >= shadow->duration_ms * 1000) {
        atomic_store_explicit(&shadow->world->seen.is_over, true, memory_order_relaxed);
    }
}

/* Waits for news, but not for long. Returns whether it goes on. */
static bool wait_for_news(struct shadow *shadow, int64_t next_ms, bool *has_news)
{
    int64_t left_ms = next_ms - since_ms(shadow);
    pthread_mutex_lock(&shadow->lock);
    if (!shadow->has_news && !shadow->ends && left_ms > 0) {
        struct timespec until = thread_after_ms(left_ms < PAUSE_MS ? (int)left_ms : PAUSE_MS);
        (void)pthread_cond_timedwait(&shadow->news, &shadow->lock, &until);
    }
    *has_news = shadow->has_news;
    shadow->has_news = false;
    bool goes_on = !shadow->ends;
    pthread_mutex_unlock(&shadow->lock);
    mind_the_time(shadow);
    return goes_on;
}

static void look(struct shadow *shadow, struct drill_proof *proof)
{
    bool has_news = false, goes_on;
    int64_t next_ms = follow(shadow, -1, false);
    while (wait_for_news(shadow, next_ms, &has_news)) {
        next_ms = follow(shadow, next_ms, has_news);
        (void)prove(shadow, proof,
                    &goes_on); /* little by little: it takes processor, and caches, from others */
    }
}

/* Returns whether it begins. */
static bool wait_for_begin(struct shadow *shadow)
{
    pthread_mutex_lock(&shadow->lock);
    shadow->is_ready = true;
    tell_control(shadow);
    while (!shadow->begins && !shadow->ends) {
        pthread_cond_wait(&shadow->news, &shadow->lock);
    }
    bool begins = shadow->begins;
    pthread_mutex_unlock(&shadow->lock);
    return begins;
}

/* ---- the end ---- */

static void end(struct shadow *shadow, struct drill_proof *proof)
{
    enum { AFTER_MS = 2000 };
    int64_t until_ms = clock_now_ms(&shadow->all->server->clock) + AFTER_MS, lasted_ms = since_ms(shadow);
    struct drill_round round;
    view_synchronize();
    pthread_mutex_lock(&shadow->lock);
    shadow->times.returned_us = clock_now_us(&shadow->all->server->clock);
    pthread_mutex_unlock(&shadow->lock);
    bool is_whole = prove_round(shadow, proof, until_ms, &round); /* what was begun before it ended */
    is_whole = is_whole && prove_round(shadow, proof, until_ms, &round);
    char *report = drill_stage_write(shadow->stage, shadow->live == NULL ? "shadow" : "live",
                                     lasted_ms < shadow->duration_ms ? lasted_ms : shadow->duration_ms);
    note_changes(shadow);
    pthread_mutex_lock(&shadow->lock);
    shadow->has_after = is_whole;
    shadow->after = round;
    shadow->report = report;
    pthread_mutex_unlock(&shadow->lock);
}

void *shadow_run(void *argument)
{
    struct shadow *shadow = argument;
    const struct clock *clock = &shadow->all->server->clock;
    (void)pthread_setname_np(pthread_self(), "drill");
    view_reader_register();
    view_reader_offline();
    struct drill_proof *proof = drill_proof_new(shadow->world->without, QUESTIONS_MAX, random_seed());
    shadow->has_before = prove_round(shadow, proof, clock_now_ms(clock) + BEFORE_MS, &shadow->before);
    make_world(shadow);
    if (wait_for_begin(shadow)) {
        look(shadow, proof);
        end(shadow, proof);
    }
    drill_proof_free(proof);
    view_reader_unregister();
    pthread_mutex_lock(&shadow->lock);
    shadow->is_over = true;
    tell_control(shadow);
    pthread_mutex_unlock(&shadow->lock);
    return NULL;
}
