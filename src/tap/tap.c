/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tap.h. */
#include "config.h"

#include "tap/tap.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 300, CACHE_LINE = 64 };

/* Of one DNS thread. */
struct tap_thread {
    struct answer_tap tap;
    struct tap_lane lanes[TAPS_OUTPUTS];
} __attribute__((aligned(CACHE_LINE)));

struct taps {
    struct tap_thread *threads;
    struct answer_tap **list;
    size_t thread_count;
    struct tap_channel *channels[TAPS_OUTPUTS];
};

const char *taps_output_text(enum taps_output output)
{
    return output == TAPS_DNSTAP ? "dnstap" : "query_log";
}

/* ---- DNS threads ---- */

/* All queries of one client of so many: the same clients on every server, and after every start. */
static bool is_of_sample(const struct sockaddr *client, uint32_t one_of)
{
    struct addr_port from;
    if (client == NULL) {
        return false;
    }
    addr_from_sockaddr(client, &from);
    return hash_finish(hash_bytes(HASH_START, from.addr.bytes, addr_len(&from.addr))) % one_of == 0;
}

static bool is_drawn(struct tap_lane *lane, const struct answer_request *request)
{
    uint32_t one_of = atomic_load_explicit(&lane->one_of, memory_order_relaxed);
    if (one_of != 0 && atomic_load_explicit(&lane->by_client, memory_order_relaxed)) {
        return is_of_sample(request->client, one_of);
    }
    return tap_lane_draws(lane);
}

static void put(struct tap_lane *lane, const struct answer_seen *seen, const struct addr_port *local,
                struct tap_wants wants)
{
    struct ring *ring = atomic_load_explicit(&lane->ring, memory_order_acquire);
    if (ring != NULL && !tap_record_write(ring, seen, local, wants)) {
        uint64_t dropped = atomic_load_explicit(&lane->dropped, memory_order_relaxed);
        atomic_store_explicit(&lane->dropped, dropped + 1, memory_order_relaxed);
    }
}

static unsigned draw(struct answer_tap *tap, const struct answer_request *request)
{
    struct tap_thread *thread = (struct tap_thread *)(void *)tap;
    return (unsigned)is_drawn(&thread->lanes[TAPS_DNSTAP], request) << TAPS_DNSTAP |
           (unsigned)is_drawn(&thread->lanes[TAPS_QUERY_LOG], request) << TAPS_QUERY_LOG;
}

static void tell(struct answer_tap *tap, const struct answer_seen *seen)
{
    struct tap_thread *thread = (struct tap_thread *)(void *)tap;
    if ((seen->drawn & 1u << TAPS_DNSTAP) != 0) {
        put(&thread->lanes[TAPS_DNSTAP], seen, tap->local,
            (struct tap_wants){.reply = true, .steering = true});
    }
    if ((seen->drawn & 1u << TAPS_QUERY_LOG) != 0) {
        put(&thread->lanes[TAPS_QUERY_LOG], seen, tap->local, (struct tap_wants){.steering = true});
    }
}

/* ---- whoever has them ---- */

struct taps *taps_new(size_t thread_count)
{
    static const struct tap_sink *const sinks[TAPS_OUTPUTS] = {&tap_dnstap_sink, &tap_lines_sink};
    struct taps *taps = memory_alloc(sizeof *taps);
    struct tap_lane **lanes = memory_alloc_array(thread_count, sizeof *lanes);
    taps->threads = aligned_alloc(CACHE_LINE, thread_count * sizeof *taps->threads);
    assert(taps->threads != NULL);
    memset(taps->threads, 0, thread_count * sizeof *taps->threads);
    taps->list = memory_alloc_array(thread_count, sizeof(struct answer_tap *));
    taps->thread_count = thread_count;
    for (size_t i = 0; i < thread_count; i++) {
        taps->threads[i].tap = (struct answer_tap){.draw = draw, .tell = tell};
        taps->list[i] = &taps->threads[i].tap;
    }
    for (int output = 0; output < TAPS_OUTPUTS; output++) {
        for (size_t i = 0; i < thread_count; i++) {
            lanes[i] = &taps->threads[i].lanes[output];
            random_init(&lanes[i]->random, i * TAPS_OUTPUTS + (unsigned)output + 1);
        }
        taps->channels[output] =
            tap_channel_new(taps_output_text((enum taps_output)output), sinks[output], lanes, thread_count);
    }
    free(lanes);
    return taps;
}

struct answer_tap *const *taps_list(const struct taps *taps)
{
    return taps->list;
}

void taps_configure(struct taps *taps, const struct conf_server *server)
{
    struct tap_options *options[TAPS_OUTPUTS] = {tap_options_of_dnstap(server->dnstap),
                                                 tap_options_of_query_log(server->query_log)};
    for (int output = 0; output < TAPS_OUTPUTS; output++) {
        int error = tap_channel_configure(taps->channels[output], options[output]);
        if (error != 0) {
            log_error("%s not started error=\"%s\"", taps_output_text((enum taps_output)output),
                      strerror(-error));
        }
    }
}

void taps_reopen(struct taps *taps)
{
    for (int output = 0; output < TAPS_OUTPUTS; output++) {
        tap_channel_reopen(taps->channels[output]);
    }
}

struct tap_lane *taps_get_lane(const struct taps *taps, size_t thread, enum taps_output output)
{
    return &taps->threads[thread].lanes[output];
}

void taps_get_stats(const struct taps *taps, enum taps_output output, struct tap_stats *stats)
{
    tap_channel_get_stats(taps->channels[output], stats);
}

void taps_close(struct taps *taps)
{
    bool has_ended = true;
    if (taps == NULL) {
        return;
    }
    for (int output = 0; output < TAPS_OUTPUTS; output++) {
        tap_channel_end(taps->channels[output]);
    }
    for (int output = 0; output < TAPS_OUTPUTS; output++) {
        has_ended &= tap_channel_free(taps->channels[output], PATIENCE_MS);
    }
    if (has_ended) { /* else somebody still uses the lanes */
        free(taps->threads);
    }
    free(taps->list);
    free(taps);
}
