/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serials on disk: see keeping.h. The text is made and what was kept is noted slice by slice, so that nobody
 * waits for the lock longer than a slice takes. */
#include "config.h"

#include "daemon/keeping.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "base/scribe.h"
#include "base/statefile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLICE = 128, PATIENCE_MS = 500 * SANITIZER_SLOWNESS };

struct keeping {
    struct clock clock;    /* its own: the thread that writes may outlive everything else */
    char *path;            /* of the file; NULL: there is none */
    struct scribe *scribe; /* NULL: likewise */
    pthread_mutex_t lock;  /* of the keeper and what follows */
    struct keeper *keeper;
    bool is_given;             /* the file is another process's */
    bool is_frozen, is_needed; /* needed: a reservation that is not kept yet */
    bool has_blocks;
    uint64_t seen;           /* saves, by keeping_tick() */
    _Atomic uint32_t kept_s; /* wall time of the latest save */
    _Atomic uint64_t failures;
};

static uint32_t now_s(const struct keeping *keeping)
{
    return (uint32_t)(clock_wall_ms(&keeping->clock) / 1000);
}

/* ---- the file ---- */

static void load(struct keeping *keeping)
{
    char *text;
    size_t len;
    struct file file;
    if (statefile_read(keeping->path, &file, &text, &len) != 0) {
        log_warning("serials not read file=%s error=%s effect=\"serials begin anew with the Unix time\"",
                    keeping->path, file.why);
        return;
    }
    size_t bad = keeper_parse(keeping->keeper, text, len, now_s(keeping));
    if (bad != 0) {
        log_warning("serials partly read file=%s bad_lines=%zu expected=\"zone serial fingerprint\"",
                    keeping->path, bad);
    }
    free(text);
}

/* Says when it begins to fail and when that is over. */
static void tell(struct keeping *keeping, int error)
{
    uint64_t failures = atomic_load_explicit(&keeping->failures, memory_order_relaxed);
    if (error != 0 && scribe_error(keeping->scribe) == 0) {
        log_warning("serials not kept file=%s error=%s effect=\"zones use up the numbers that are kept, then "
                    "their serials wait; tried again every second\"",
                    keeping->path, error_text(error));
    } else if (error == 0 && scribe_error(keeping->scribe) != 0) {
        log_info("serials kept file=%s failures=%lu", keeping->path, (unsigned long)failures);
    }
}

/* On the thread of the scribe. */
static int save(void *argument)
{
    struct keeping *keeping = argument;
    struct buffer text;
    size_t at = 0;
    bool more = true;
    uint32_t begun_s = now_s(keeping);
    pthread_mutex_lock(&keeping->lock);
    bool is_given = keeping->is_given;
    pthread_mutex_unlock(&keeping->lock);
    if (is_given) {
        return 0;
    }
    buffer_init(&text);
    while (more) {
        pthread_mutex_lock(&keeping->lock);
        more = keeper_write(keeping->keeper, &at, SLICE, begun_s, &text);
        pthread_mutex_unlock(&keeping->lock);
    }
    int error = statefile_write(keeping->path, 0600, text.bytes, text.len);
    buffer_fini(&text);
    for (at = 0, more = error == 0; more;) {
        pthread_mutex_lock(&keeping->lock);
        more = keeper_kept(keeping->keeper, &at, SLICE);
        pthread_mutex_unlock(&keeping->lock);
    }
    if (error == 0) {
        atomic_store_explicit(&keeping->kept_s, begun_s, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&keeping->failures, 1, memory_order_relaxed);
    }
    tell(keeping, error);
    return error;
}

static void ask(struct keeping *keeping)
{
    if (keeping->scribe != NULL) {
        scribe_ask(keeping->scribe);
    }
}

/* ---- open and close ---- */

struct keeping *keeping_open(const char *folder, const struct clock *clock)
{
    struct keeping *keeping = memory_alloc(sizeof *keeping);
    keeping->clock = *clock;
    pthread_mutex_init(&keeping->lock, NULL);
    if (folder != NULL) {
        keeping->path = memory_print("%s/serials", folder);
        keeping->scribe = scribe_open(save, keeping);
    }
    keeping->keeper = keeper_new(keeping->scribe != NULL);
    if (keeping->path != NULL) {
        load(keeping);
    }
    if (keeping->path != NULL && keeping->scribe == NULL) {
        log_warning("serials not kept file=%s error=%s", keeping->path, "no thread could be started");
    }
    return keeping;
}

void keeping_hurry(struct keeping *keeping)
{
    if (keeping->scribe != NULL) {
        scribe_hurry(keeping->scribe);
    }
}

static void destroy(struct keeping *keeping)
{
    keeper_free(keeping->keeper);
    pthread_mutex_destroy(&keeping->lock);
    free(keeping->path);
    free(keeping);
}

void keeping_close(struct keeping *keeping)
{
    if (keeping == NULL) {
        return;
    }
    bool is_idle = true;
    if (keeping->scribe != NULL) {
        pthread_mutex_lock(&keeping->lock);
        keeper_seal(keeping->keeper);
        pthread_mutex_unlock(&keeping->lock);
        ask(keeping);
        is_idle = scribe_close(keeping->scribe, PATIENCE_MS);
    }
    if (is_idle) {
        destroy(keeping);
    } else { /* its thread goes on with what is left of the process */
        log_warning("serials not kept file=%s error=%s effect=%s", keeping->path, "the disk takes too long",
                    "serials begin above what was reserved");
    }
}

/* ---- a takeover ---- */

void keeping_give(struct keeping *keeping)
{
    pthread_mutex_lock(&keeping->lock);
    keeping->is_frozen = true;
    keeper_seal(keeping->keeper);
    pthread_mutex_unlock(&keeping->lock);
    ask(keeping);
}

bool keeping_is_given(struct keeping *keeping)
{
    pthread_mutex_lock(&keeping->lock);
    /* under the lock of `is_given`: a save that begins later finds it */
    bool is_idle = keeping->scribe == NULL || keeping->is_given || scribe_is_idle(keeping->scribe);
    keeping->is_given = is_idle;
    pthread_mutex_unlock(&keeping->lock);
    return is_idle;
}

void keeping_take_back(struct keeping *keeping)
{
    pthread_mutex_lock(&keeping->lock);
    keeping->is_given = keeping->is_frozen = false;
    keeper_unseal(keeping->keeper);
    pthread_mutex_unlock(&keeping->lock);
    ask(keeping);
}

bool keeping_has_file(const struct keeping *keeping)
{
    return keeping->path != NULL;
}

/* ---- deciding ---- */

void keeping_reserve(struct keeping *keeping, const uint8_t *apex, struct keeper_content content,
                     bool in_blocks)
{
    content.now_s = now_s(keeping);
    pthread_mutex_lock(&keeping->lock);
    keeping->is_needed |= keeper_reserve(keeping->keeper, apex, &content, in_blocks);
    keeping->has_blocks |= in_blocks;
    pthread_mutex_unlock(&keeping->lock);
}

void keeping_wait(struct keeping *keeping)
{
    pthread_mutex_lock(&keeping->lock);
    bool is_needed = keeping->is_needed;
    keeping->is_needed = false;
    pthread_mutex_unlock(&keeping->lock);
    if (is_needed && keeping->scribe != NULL) {
        (void)scribe_wait(keeping->scribe);
    }
}

static void set_frozen(struct keeping *keeping, bool is_frozen)
{
    pthread_mutex_lock(&keeping->lock);
    keeping->is_frozen = is_frozen;
    pthread_mutex_unlock(&keeping->lock);
}

void keeping_freeze(struct keeping *keeping)
{
    set_frozen(keeping, true);
}

void keeping_thaw(struct keeping *keeping)
{
    set_frozen(keeping, false);
}

struct keeper_decision keeping_decide(struct keeping *keeping, const uint8_t *apex,
                                      struct keeper_content content)
{
    content.now_s = now_s(keeping);
    pthread_mutex_lock(&keeping->lock);
    struct keeper_decision decision = keeper_decide(keeping->keeper, apex, &content);
    pthread_mutex_unlock(&keeping->lock);
    if (decision.is_low) {
        ask(keeping);
    }
    return decision;
}

bool keeping_decide_flip(struct keeping *keeping, const uint8_t *apex, struct keeper_content content,
                         struct keeper_decision *decision)
{
    content.now_s = now_s(keeping);
    pthread_mutex_lock(&keeping->lock);
    bool may = !keeping->is_frozen;
    if (may) {
        *decision = keeper_decide(keeping->keeper, apex, &content);
    }
    pthread_mutex_unlock(&keeping->lock);
    if (may && decision->is_low) {
        ask(keeping);
    }
    return may;
}

/* ---- as time goes on ---- */

bool keeping_tick(struct keeping *keeping)
{
    if (keeping->scribe == NULL) {
        return false;
    }
    uint32_t age_s = now_s(keeping) - atomic_load_explicit(&keeping->kept_s, memory_order_relaxed);
    uint64_t saves = scribe_count(keeping->scribe);
    pthread_mutex_lock(&keeping->lock);
    bool is_due = keeping->has_blocks && age_s >= KEEPER_BLOCK / 2 && age_s < UINT32_C(0x80000000) &&
                  scribe_error(keeping->scribe) == 0; /* else it is tried again anyway */
    bool may_go_on =
        saves != keeping->seen && keeper_count_waiting(keeping->keeper) != 0 && !keeping->is_frozen;
    keeping->seen = may_go_on || keeper_count_waiting(keeping->keeper) == 0 ? saves : keeping->seen;
    pthread_mutex_unlock(&keeping->lock);
    if (is_due) {
        ask(keeping);
    }
    return may_go_on;
}

bool keeping_go_on(struct keeping *keeping, const uint8_t *apex, struct keeper_decision *decision)
{
    pthread_mutex_lock(&keeping->lock);
    bool goes = !keeping->is_frozen && keeper_go_on(keeping->keeper, apex, now_s(keeping), decision);
    pthread_mutex_unlock(&keeping->lock);
    return goes;
}

bool keeping_hear(struct keeping *keeping, const uint8_t *apex, const struct keeper_heard *heard,
                  struct keeper_decision *decision)
{
    *decision = (struct keeper_decision){.serial = 0};
    pthread_mutex_lock(&keeping->lock);
    bool is_other =
        !keeping->is_frozen && keeper_hear(keeping->keeper, apex, heard, now_s(keeping), decision);
    pthread_mutex_unlock(&keeping->lock);
    if (decision->is_low) {
        ask(keeping);
    }
    return is_other;
}

void keeping_get_stats(struct keeping *keeping, struct keeping_stats *stats)
{
    pthread_mutex_lock(&keeping->lock);
    stats->waiting = keeper_count_waiting(keeping->keeper);
    pthread_mutex_unlock(&keeping->lock);
    stats->saves = keeping->scribe == NULL ? 0 : scribe_count(keeping->scribe);
    stats->failures = atomic_load_explicit(&keeping->failures, memory_order_relaxed);
}
