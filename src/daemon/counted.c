/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See counted.h. */
#include "config.h"

#include "daemon/counted.h"

#include "daemon/server.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *counted_tcp_end_text(enum serve_tcp_end end)
{
    static const char *const texts[SERVE_TCP_ENDS] = {
        [SERVE_TCP_END_CLIENT] = "client",           [SERVE_TCP_END_IDLE] = "idle",
        [SERVE_TCP_END_CLIENTS] = "clients",         [SERVE_TCP_END_ADDRESS] = "clients_per_address",
        [SERVE_TCP_END_DESCRIPTORS] = "descriptors", [SERVE_TCP_END_WITHDRAWN] = "withdrawn"};
    return texts[end];
}

void counted_get_answers(const struct server *server, uint64_t sums[ANSWER_COUNTERS])
{
    serve_get_counters(server->serve, sums);
    for (int i = 0; i < ANSWER_COUNTERS; i++) {
        sums[i] += server->counted.answers[i];
    }
}

void counted_get_tcp(const struct server *server, struct serve_tcp_stats *stats)
{
    serve_get_tcp_stats(server->serve, stats);
    stats->accepted += server->counted.tcp_accepted;
    for (int i = 0; i < SERVE_TCP_ENDS; i++) {
        stats->ended[i] += server->counted.tcp_ended[i];
    }
}

void counted_get_checks(const struct server *server, struct probe_stats *stats)
{
    prober_get_stats(server->prober, stats);
    stats->started += server->counted.checks_started;
    for (int i = 0; i < HEALTH_OUTCOME_COUNT; i++) {
        stats->ended[i] += server->counted.checks_ended[i];
    }
}

/* ---- from one process to the next ---- */

/* Each number with its name: one walk for both directions. */
typedef void visit_fn(json_t *values, const char *family, const char *name, uint64_t *number);

static void visit_all(struct counted *counted, json_t *values, visit_fn *visit)
{
    for (int i = 0; i < ANSWER_COUNTERS; i++) {
        visit(values, "answers", answer_counter_text((enum answer_counter)i), &counted->answers[i]);
    }
    for (int i = 0; i < SERVE_TCP_ENDS; i++) {
        visit(values, "tcp_ended", counted_tcp_end_text((enum serve_tcp_end)i), &counted->tcp_ended[i]);
    }
    for (int i = HEALTH_OUTCOME_OK; i < HEALTH_OUTCOME_COUNT; i++) {
        visit(values, "checks_ended", health_outcome_text((enum health_outcome)i), &counted->checks_ended[i]);
    }
    visit(values, "tcp", "accepted", &counted->tcp_accepted);
    visit(values, "checks", "started", &counted->checks_started);
    visit(values, "reloads", "ended", &counted->reloads);
    visit(values, "reloads", "failed", &counted->reload_failures);
}

static void write_number(json_t *values, const char *family, const char *name, uint64_t *number)
{
    char *key = memory_print("%s:%s", family, name);
    json_object_set_new(values, key, json_integer((json_int_t)*number));
    free(key);
}

static void read_number(json_t *values, const char *family, const char *name, uint64_t *number)
{
    char *key = memory_print("%s:%s", family, name);
    json_int_t value = json_integer_value(json_object_get(values, key));
    *number = value > 0 ? (uint64_t)value : 0;
    free(key);
}

json_t *counted_write(const struct server *server)
{
    struct counted now;
    struct serve_tcp_stats tcp;
    struct probe_stats checks;
    counted_get_answers(server, now.answers);
    counted_get_tcp(server, &tcp);
    counted_get_checks(server, &checks);
    memcpy(now.tcp_ended, tcp.ended, sizeof now.tcp_ended);
    memcpy(now.checks_ended, checks.ended, sizeof now.checks_ended);
    now.tcp_accepted = tcp.accepted;
    now.checks_started = checks.started;
    now.reloads = server->counted.reloads;
    now.reload_failures = server->counted.reload_failures;
    json_t *values = json_object();
    visit_all(&now, values, write_number);
    return values;
}

void counted_read(struct server *server, json_t *values)
{
    visit_all(&server->counted, values, read_number);
}
