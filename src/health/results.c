/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A ring per monitor: a count that is odd while its writer writes, the next check, and results of three words
 * each. Writers store words with release order behind the odd count, readers load them with acquire order
 * before they look at the count again: who sees a word of a write sees that count, too. */
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
    _Atomic int64_t ended[HEALTH_RESULTS_KEPT]; /* ended_ms, of which 48 bits are plenty, before detail */
    _Atomic uint32_t took_us[HEALTH_RESULTS_KEPT];
    _Atomic uint16_t how[HEALTH_RESULTS_KEPT]; /* outcome before vantage */
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

static void write_entry(struct ring *ring, size_t at, const struct health_result *result)
{
    int64_t ended = (int64_t)((uint64_t)result->ended_ms << 16 | result->detail);
    uint16_t how = (uint16_t)(result->outcome << 8 | result->vantage);
    atomic_store_explicit(&ring->ended[at], ended, memory_order_release);
    atomic_store_explicit(&ring->took_us[at], result->duration_us, memory_order_release);
    atomic_store_explicit(&ring->how[at], how, memory_order_release);
}

static struct health_result read_entry(const struct ring *ring, size_t at)
{
    int64_t ended = atomic_load_explicit(&ring->ended[at], memory_order_acquire);
    uint32_t took_us = atomic_load_explicit(&ring->took_us[at], memory_order_acquire);
    uint16_t how = atomic_load_explicit(&ring->how[at], memory_order_acquire);
    return (struct health_result){.ended_ms = ended >> 16,
                                  .duration_us = took_us,
                                  .detail = (uint16_t)ended,
                                  .outcome = (uint8_t)(how >> 8),
                                  .vantage = (uint8_t)how};
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
    atomic_store_explicit(&ring->count, count + 1, memory_order_relaxed);
    write_entry(ring, count / 2 % HEALTH_RESULTS_KEPT, result);
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
            to[i] = read_entry(ring, (count / 2 - 1 - i) % HEALTH_RESULTS_KEPT);
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
        const struct health_result result = read_entry(was, i);
        write_entry(ring, i, &result);
    }
    atomic_store_explicit(&ring->next_ms, atomic_load_explicit(&was->next_ms, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&ring->count, count, memory_order_release);
}
