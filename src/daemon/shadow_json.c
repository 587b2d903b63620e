/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A shadow drill as the API shows it. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/live.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/addr.h"
#include "base/hex.h"
#include "base/memory.h"
#include "dns/name.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *write_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return wall_ms == 0 ? json_null() : json_string(clock_write_rfc3339(wall_ms, text));
}

static json_t *write_text(const char *text)
{
    json_t *value = text == NULL || text[0] == '\0' ? json_null() : json_string(text);
    return value != NULL ? value : json_string("?");
}

static json_t *write_prefixes(const struct addr_prefix *prefixes, size_t count)
{
    json_t *list = json_array();
    char text[ADDR_TEXT_SIZE], whole[ADDR_TEXT_SIZE + 4];
    for (size_t i = 0; i < count; i++) {
        snprintf(whole, sizeof whole, "%s/%u", addr_write(&prefixes[i].addr, text), prefixes[i].len);
        json_array_append_new(list, json_string(whole));
    }
    return list;
}

static json_t *write_clients(const struct admin_shadow_clients *clients, const uint8_t *key)
{
    char text[DNS_NAME_TEXT_SIZE];
    json_t *object = json_object();
    json_object_set_new(object, "prefixes", write_prefixes(clients->sources, clients->source_count));
    json_object_set_new(object, "ecs", write_prefixes(clients->subnets, clients->subnet_count));
    json_t *listen = json_array();
    for (size_t i = 0; i < clients->listen_count; i++) {
        json_array_append_new(listen, json_string(addr_write_port(&clients->listen[i], text)));
    }
    json_object_set_new(object, "listen", listen);
    json_object_set_new(object, "tsig_key",
                        key == NULL ? json_null() : json_string(dns_name_write(key, text)));
    return object;
}

static json_t *write_lose(const struct shadow *shadow)
{
    json_t *list = json_array();
    for (size_t i = 0; i < shadow->lose_count; i++) {
        json_array_append_new(list, json_string(shadow->lose[i]));
    }
    return list;
}

static json_t *write_since(const struct shadow *shadow, int64_t us)
{
    return us == 0 ? json_null() : json_integer((us - shadow->began_us) / 1000);
}

/* With the drill's lock. */
static json_t *write_measured(const struct shadow *shadow)
{
    const struct shadow_times *times = &shadow->times;
    json_t *object = json_object();
    json_object_set_new(object, "detection_ms", write_since(shadow, times->failed_us));
    json_object_set_new(object, "decision_ms", write_since(shadow, times->decided_us));
    json_object_set_new(object, "publication_ms",
                        times->decided_us == 0
                            ? json_null()
                            : json_real((double)(times->followed_us - times->decided_us) / 1000));
    json_object_set_new(object, "return_ms",
                        times->returned_us == 0
                            ? json_null()
                            : json_real((double)(times->returned_us - times->ended_us) / 1000));
    json_object_set_new(object, "answers_changed", json_integer((json_int_t)shadow->changed));
    return object;
}

static json_t *write_hash(const uint8_t hash[SHA256_SIZE])
{
    char text[2 * SHA256_SIZE + 1];
    return json_string(hex_write(hash, SHA256_SIZE, text));
}

static json_t *write_round(const struct drill_round *round, bool is_there)
{
    json_t *object = is_there ? json_object() : json_null();
    if (is_there) {
        json_object_set_new(object, "hash", write_hash(round->hash));
        json_object_set_new(object, "generation", json_integer((json_int_t)round->generation));
    }
    return object;
}

/* Health that did not change in between leaves no other answers. */
static json_t *write_sameness(const struct shadow *shadow)
{
    const struct drill_round *before = &shadow->before, *after = &shadow->after;
    bool says = shadow->has_before && shadow->has_after && before->is_calm && after->is_calm &&
                before->generation == after->generation;
    return says ? json_boolean(memcmp(before->hash, after->hash, sizeof before->hash) == 0) : json_null();
}

/* Likewise. */
static json_t *write_proof(const struct shadow *shadow)
{
    const struct drill_proved *proved = &shadow->proved;
    json_t *object = json_object();
    if (!shadow->has_proof) {
        json_decref(object);
        return json_null();
    }
    json_object_set_new(object, "sampled", json_integer((json_int_t)proved->sampled));
    json_object_set_new(object, "differences", json_integer((json_int_t)proved->differences));
    json_object_set_new(object, "unsettled", json_integer((json_int_t)proved->unsettled));
    json_object_set_new(object, "rounds", json_integer((json_int_t)proved->rounds));
    json_object_set_new(object, "hash", write_hash(proved->hash));
    json_object_set_new(object, "hash_without", write_hash(proved->hash_without));
    json_object_set_new(object, "before", write_round(&shadow->before, shadow->has_before));
    json_object_set_new(object, "after", write_round(&shadow->after, shadow->has_after));
    json_object_set_new(object, "same_after_as_before", write_sameness(shadow));
    return object;
}

void shadow_count_queries(struct shadow *shadow)
{
    const struct shadow_world *world = shadow->world;
    shadow->queries = shadow->steered = 0;
    for (size_t i = 0; i < world->thread_count; i++) {
        const struct answer_counters *of = &world->seen.counters[i];
        shadow->queries += answer_read_counter(of, ANSWER_COUNT_QUERIES_UDP) +
                           answer_read_counter(of, ANSWER_COUNT_QUERIES_TCP);
        shadow->steered += answer_read_counter(of, ANSWER_COUNT_STEERED);
    }
    if (shadow->clients == NULL) {
        shadow->clients = write_clients(&world->clients, world->seen.clients.key);
    }
}

/* How far it is, and what has begun or ended last; null when it has ended. */
static json_t *write_progress(const struct shadow *shadow)
{
    struct lock *lock = &shadow->all->server->lock;
    if (shadow->stage == NULL || shadow->state != SHADOW_RUNNING) {
        return json_null();
    }
    int64_t at_ms = (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
    json_t *object = json_object();
    lock_take(lock);
    const char *step = drill_stage_get_step(shadow->stage);
    json_object_set_new(object, "step", step == NULL ? json_null() : json_string(step));
    lock_leave(lock);
    json_object_set_new(object, "at_ms", json_integer(at_ms));
    json_object_set_new(object, "duration_ms", json_integer(shadow->duration_ms));
    json_object_set_new(object, "percent",
                        json_integer(at_ms >= shadow->duration_ms ? 99 : 100 * at_ms / shadow->duration_ms));
    return object;
}

static const char *state_text(const struct shadow *shadow)
{
    return shadow->state == SHADOW_RUNNING ? "running" : shadow->state == SHADOW_ENDING ? "ending" : "ended";
}

static char *write_past(const struct shadow *shadow, bool is_whole)
{
    json_t *object = json_loads(shadow->past, 0, NULL);
    if (is_whole) {
        json_object_set_new(object, "report", json_null());
    }
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return text;
}

/* Megabytes that are JSON already: they are not read to be written again. Takes the text. */
static char *add_report(char *text, const char *report)
{
    text[strlen(text) - 1] = '\0';
    char *whole = memory_print("%s,\"report\":%s}", text, report);
    free(text);
    return whole;
}

char *shadow_write(struct shadow *shadow, bool is_whole)
{
    if (shadow->past != NULL) {
        return write_past(shadow, is_whole);
    }
    json_t *object = json_object();
    if (shadow->world != NULL) {
        shadow_count_queries(shadow);
    }
    json_object_set_new(object, "id", json_string(shadow->id));
    json_object_set_new(object, "mode", json_string(shadow->live == NULL ? "shadow" : "live"));
    json_object_set_new(object, "live", shadow->live == NULL ? json_null() : live_write(shadow->live));
    json_object_set_new(object, "state", json_string(state_text(shadow)));
    json_object_set_new(object, "because", write_text(shadow->because));
    json_object_set_new(object, "complete",
                        shadow->because == NULL ? json_null() : json_boolean(shadow->is_complete));
    json_object_set_new(object, "lose", write_lose(shadow));
    json_object_set_new(object, "name", write_text(shadow->document->name));
    json_object_set_new(object, "failure", write_text(shadow->failure));
    json_object_set_new(object, "progress", write_progress(shadow));
    json_object_set(object, "clients", shadow->clients);
    json_object_set_new(object, "started", write_time(shadow->started_ms));
    json_object_set_new(object, "ends", write_time(shadow->started_ms + shadow->duration_ms));
    json_object_set_new(object, "ended", write_time(shadow->ended_ms));
    json_object_set_new(object, "actor", write_text(shadow->actor));
    json_object_set_new(object, "peer", write_text(shadow->peer));
    json_object_set_new(object, "reason", write_text(shadow->reason));
    json_object_set_new(object, "stopped_by", write_text(shadow->stopped_by));
    json_object_set_new(object, "queries", json_integer((json_int_t)shadow->queries));
    json_object_set_new(object, "overrides_changed", json_boolean(shadow->overrides_moved));
    pthread_mutex_lock(&shadow->lock);
    json_object_set_new(object, "measured", write_measured(shadow));
    json_object_set_new(object, "proof", write_proof(shadow));
    const char *report = is_whole ? shadow->report : NULL; /* nobody changes it any more */
    if (is_whole && report == NULL) {
        json_object_set_new(object, "report", json_null());
    }
    pthread_mutex_unlock(&shadow->lock);
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return report == NULL ? text : add_report(text, report);
}
