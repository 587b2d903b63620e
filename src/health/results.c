/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A ring per monitor: a count that is odd while its writer writes, the next check, and results of two words.
 * Writers store words with release order behind the odd count, readers load them with acquire order before
 * they look at the count again: who sees a word of a write sees that count, too. */
#include "config.h"

#include "health/results.h"

#include "base/memory.h"
#include "health/results_inside.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    _Atomic uint64_t count; /* of results, times two; odd: one is being written */
    _Atomic int64_t next_ms;
    _Atomic uint64_t words[HEALTH_RESULTS_KEPT][2];
};

_Static_assert(sizeof(struct ring) == HEALTH_RESULTS_SIZE, "as documented");

/* What few kinds of checks say for people. Made when its monitor first says something. */
struct text {
    _Atomic uint64_t count; /* as that of a ring */
    _Atomic uint64_t words[HEALTH_TEXT_SIZE / 8];
};

struct texts {
    _Atomic(struct text *) of[1]; /* of each monitor; NULL: it has said nothing */
};

struct health_results {
    _Atomic uint32_t holders;
    uint32_t count;
    _Atomic(struct texts *) texts; /* NULL: nobody has said anything */
    struct ring rings[];
};

struct health_results *health_results_new(uint32_t count)
{
    struct health_results *results = memory_alloc(sizeof *results + count * sizeof(struct ring));
    results->count = count;
    atomic_init(&results->holders, 1);
    return results;
}

struct health_results *health_results_hold(struct health_results *results)
{
    if (results != NULL) {
        atomic_fetch_add_explicit(&results->holders, 1, memory_order_relaxed);
    }
    return results;
}

void health_results_release(struct health_results *results)
{
    if (results != NULL && atomic_fetch_sub_explicit(&results->holders, 1, memory_order_acq_rel) == 1) {
        struct texts *texts = atomic_load_explicit(&results->texts, memory_order_relaxed);
        for (uint32_t i = 0; texts != NULL && i < results->count; i++) {
            free(atomic_load_explicit(&texts->of[i], memory_order_relaxed));
        }
        free(texts);
        free(results);
    }
}

static uint64_t pack(const struct health_result *result)
{
    return (uint64_t)result->duration_us << 32 | (uint64_t)result->detail << 16 |
           (uint64_t)result->outcome << 8 | result->vantage;
}

static struct health_result unpack(uint64_t ended, uint64_t rest)
{
    return (struct health_result){.ended_ms = (int64_t)ended,
                                  .duration_us = (uint32_t)(rest >> 32),
                                  .detail = (uint16_t)(rest >> 16),
                                  .outcome = (uint8_t)(rest >> 8),
                                  .vantage = (uint8_t)rest};
}

void health_results_note(struct health_results *results, uint32_t monitor, const struct health_result *result,
                         int64_t next_ms)
{
    if (results == NULL) {
        return;
    }
    assert(monitor < results->count);
    struct ring *ring = &results->rings[monitor];
    uint64_t count = atomic_load_explicit(&ring->count, memory_order_relaxed);
    _Atomic uint64_t *words = ring->words[count / 2 % HEALTH_RESULTS_KEPT];
    atomic_store_explicit(&ring->count, count + 1, memory_order_relaxed);
    atomic_store_explicit(&words[0], (uint64_t)result->ended_ms, memory_order_release);
    atomic_store_explicit(&words[1], pack(result), memory_order_release);
    if (next_ms != HEALTH_RESULTS_SAME_NEXT) {
        atomic_store_explicit(&ring->next_ms, next_ms, memory_order_release);
    }
    atomic_store_explicit(&ring->count, count + 2, memory_order_release);
}

static size_t read_ring(const struct ring *ring, struct health_result *to, size_t max, int64_t *next_ms)
{
    size_t got;
    uint64_t count, after;
    do {
        count = atomic_load_explicit(&ring->count, memory_order_acquire);
        got = count / 2 < HEALTH_RESULTS_KEPT ? (size_t)(count / 2) : HEALTH_RESULTS_KEPT;
        got = got < max ? got : max;
        for (size_t i = 0; i < got; i++) {
            const _Atomic uint64_t *words = ring->words[(count / 2 - 1 - i) % HEALTH_RESULTS_KEPT];
            uint64_t ended = atomic_load_explicit(&words[0], memory_order_acquire);
            to[i] = unpack(ended, atomic_load_explicit(&words[1], memory_order_acquire));
        }
        *next_ms = atomic_load_explicit(&ring->next_ms, memory_order_acquire);
        after = atomic_load_explicit(&ring->count, memory_order_relaxed);
    } while (count != after || count % 2 != 0); /* the writer is done in nanoseconds */
    return got;
}

size_t health_results_read(const struct health_results *results, uint32_t monitor, struct health_result *to,
                           size_t max, int64_t *next_ms)
{
    *next_ms = 0;
    return results == NULL || monitor >= results->count
               ? 0
               : read_ring(&results->rings[monitor], to, max, next_ms);
}

/* ---- texts ---- */

static struct text *find_text(const struct health_results *results, uint32_t monitor)
{
    struct texts *texts = atomic_load_explicit(&results->texts, memory_order_acquire);
    return texts == NULL ? NULL : atomic_load_explicit(&texts->of[monitor], memory_order_acquire);
}

static struct text *get_text(struct health_results *results, uint32_t monitor)
{
    struct texts *texts = atomic_load_explicit(&results->texts, memory_order_relaxed);
    if (texts == NULL) {
        texts = memory_alloc_array(results->count, sizeof texts->of[0]);
        atomic_store_explicit(&results->texts, texts, memory_order_release);
    }
    struct text *text = atomic_load_explicit(&texts->of[monitor], memory_order_relaxed);
    if (text == NULL) {
        text = memory_alloc(sizeof *text);
        atomic_store_explicit(&texts->of[monitor], text, memory_order_release);
    }
    return text;
}

void health_results_note_text(struct health_results *results, uint32_t monitor, const char *said)
{
    uint64_t words[HEALTH_TEXT_SIZE / 8] = {0};
    if (results == NULL || (said == NULL && find_text(results, monitor) == NULL)) {
        return;
    }
    struct text *text = get_text(results, monitor);
    uint64_t count = atomic_load_explicit(&text->count, memory_order_relaxed);
    size_t len = said == NULL ? 0 : strlen(said);
    memcpy(words, said == NULL ? "" : said, len < sizeof words ? len : sizeof words - 1);
    atomic_store_explicit(&text->count, count + 1, memory_order_relaxed);
    for (size_t i = 0; i < HEALTH_TEXT_SIZE / 8; i++) {
        atomic_store_explicit(&text->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&text->count, count + 2, memory_order_release);
}

void health_results_read_text(const struct health_results *results, uint32_t monitor,
                              char said[HEALTH_TEXT_SIZE])
{
    uint64_t words[HEALTH_TEXT_SIZE / 8] = {0}, count, after;
    const struct text *text =
        results == NULL || monitor >= results->count ? NULL : find_text(results, monitor);
    if (text != NULL) {
        do {
            count = atomic_load_explicit(&text->count, memory_order_acquire);
            for (size_t i = 0; i < HEALTH_TEXT_SIZE / 8; i++) {
                words[i] = atomic_load_explicit(&text->words[i], memory_order_acquire);
            }
            after = atomic_load_explicit(&text->count, memory_order_relaxed);
        } while (count != after || count % 2 != 0);
    }
    memcpy(said, words, HEALTH_TEXT_SIZE);
}

static void carry_text(struct health_results *to, uint32_t monitor, const struct health_results *from,
                       uint32_t old)
{
    char said[HEALTH_TEXT_SIZE];
    if (find_text(from, old) != NULL) {
        health_results_read_text(from, old, said);
        health_results_note_text(to, monitor, said);
    }
}

void health_results_carry(struct health_results *to, uint32_t monitor, const struct health_results *from,
                          uint32_t old)
{
    if (to == NULL || from == NULL || to == from) {
        return;
    }
    carry_text(to, monitor, from, old);
    const struct ring *was = &from->rings[old];
    struct ring *ring = &to->rings[monitor];
    uint64_t count = atomic_load_explicit(&was->count, memory_order_relaxed);
    if (count == atomic_load_explicit(&ring->count, memory_order_relaxed)) {
        return; /* as often before */
    }
    for (size_t i = 0; i < HEALTH_RESULTS_KEPT; i++) {
        for (size_t word = 0; word < 2; word++) {
            uint64_t value = atomic_load_explicit(&was->words[i][word], memory_order_relaxed);
            atomic_store_explicit(&ring->words[i][word], value, memory_order_relaxed);
        }
    }
    atomic_store_explicit(&ring->next_ms, atomic_load_explicit(&was->next_ms, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&ring->count, count, memory_order_release);
}
