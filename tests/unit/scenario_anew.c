/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scenario_world.h: a reload, and a restart with what was written down of health, as daemon/install.c,
 * daemon/last.c and daemon/last_restore.c do them, but that the disk is a buffer. */
#include "config.h"

#include "scenario_world.h"

#include "base/buffer.h"
#include "health/record.h"

#include <string.h>

/* ---- what goes over ---- */

static const char *name_of(const struct scenario_world *w, enum health_kind kind, uint32_t index)
{
    struct health_status status;
    return health_get_status(w->health, kind, index, &status) == 0 ? status.name : "";
}

/* That answers move by a reload is a change like any other. */
static void keep_changes(struct scenario_world *to, const struct scenario_world *from)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(to->health, kind); i++) {
            struct health_status now, was;
            ptrdiff_t old = health_find(from->health, kind, name_of(to, kind, i));
            if (old >= 0 && health_get_status(to->health, kind, i, &now) == 0 &&
                health_get_status(from->health, kind, (uint32_t)old, &was) == 0) {
                to->changes[kind][i] =
                    from->changes[kind][old] + (now.effective.state != was.effective.state);
            }
        }
    }
}

static bool is_same_monitor(const struct scenario_world *a, size_t i, const struct scenario_world *b,
                            size_t j)
{
    const struct view_monitor *x = &a->monitors[i], *y = &b->monitors[j];
    return x->family == y->family &&
           strcmp(a->topology->endpoints[x->endpoint].name, b->topology->endpoints[y->endpoint].name) == 0 &&
           strcmp(a->topology->checks[x->check].name, b->topology->checks[y->check].name) == 0;
}

static void keep_checks(struct scenario_world *to, const struct scenario_world *from)
{
    for (size_t i = 0; i < to->monitor_count; i++) {
        size_t old = 0;
        while (old < from->monitor_count && !is_same_monitor(to, i, from, old)) {
            old++;
        }
        if (old < from->monitor_count) {
            to->checks[i] = from->checks[old];
        } else if (to->runs) {
            scenario_begin_checks(to, i);
        }
    }
}

static void change_over(struct scenario_world *w, const struct scenario_world *next)
{
    struct scenario_world old = *w;
    *w = *next;
    scenario_unload(&old);
    scenario_listen(w);
    scenario_follow(w);
}

bool scenario_reload(struct scenario_world *w, const char *const *words)
{
    struct scenario_world next = *w;
    if (words[0] != NULL || w->step->topology == NULL) {
        return scenario_break(w, "expected \"reload {\", and a topology up to a line with nothing but }");
    }
    if (!scenario_load(&next, w->step->topology)) {
        w->end = next.end;
        return false;
    }
    health_carry(next.health, w->health, scenario_wall(w));
    keep_changes(&next, w);
    keep_checks(&next, w);
    change_over(w, &next);
    return true;
}

/* ---- from one process to the next ---- */

static void write_down(struct health *health, int64_t wall_ms, struct buffer *to)
{
    const struct health_sizes sizes = health_get_sizes(health);
    struct health_writer *writer = health_writer_new(&sizes);
    health_writer_begin(writer, health);
    while (health_writer_step(writer, SIZE_MAX, to)) {
    }
    while (health_writer_add_ages(writer, wall_ms, to)) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
}

static struct health_reader *read_all(const struct buffer *from)
{
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next((const uint8_t *)from->bytes, from->len, &at, &record) == 0) {
        (void)health_reader_take(reader, &record);
    }
    return reader;
}

/* The store has them. */
static void restore_overrides(struct scenario_world *to, const struct scenario_world *from)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(from->health, kind); i++) {
            struct health_status status;
            const struct health_override *override = health_get_override(from->health, kind, i);
            if (override != NULL && health_get_status(from->health, kind, i, &status) == 0) {
                (void)health_restore_override(to->health, kind, status.name, override, status.planned,
                                              scenario_wall(to));
            }
        }
    }
}

/* What `from` wrote down, at the time of `to`. */
static void begin_with(struct scenario_world *to, const struct scenario_world *from,
                       const struct buffer *written)
{
    struct health_reader *reader = read_all(written);
    struct health *was =
        health_reader_finish(reader, &(struct health_reading){.wall_ms = scenario_wall(to),
                                                              .now_ms = to->now_ms,
                                                              .gap_ms = to->now_ms - from->now_ms,
                                                              .is_restored = true});
    health_carry(to->health, was, scenario_wall(to));
    health_follow_time(to->health, to->now_ms);
    restore_overrides(to, from);
    health_reader_put_right(reader, to->health);
    health_free(was);
    health_reader_free(reader);
    if (to->has_quorums) {
        health_set_vantages(to->health, to->vantages, to->vantage_count, to->now_ms);
        health_await_vantages(to->health, to->now_ms);
    }
    health_begin(to->health);
}

/* "restart", "restart after 30s": for so long there is no server */
bool scenario_restart(struct scenario_world *w, const char *const *words)
{
    struct scenario_world next = *w;
    struct buffer written = {.len = 0};
    int64_t away_ms = 0;
    if (words[0] != NULL && (strcmp(words[0], "after") != 0 || words[1] == NULL || words[2] != NULL ||
                             scenario_read_time(words[1], &away_ms) != 0)) {
        return scenario_break(w, "expected \"restart\" or \"restart after TIME\"");
    }
    next.now_ms += away_ms;
    if (!scenario_load(&next, w->document)) {
        w->end = next.end;
        return false;
    }
    write_down(w->health, scenario_wall(w), &written);
    begin_with(&next, w, &written);
    buffer_fini(&written);
    keep_changes(&next, w);
    for (size_t i = 0; i < next.monitor_count; i++) {
        next.checks[i].meets = w->checks[i].meets;
        if (next.runs) {
            scenario_begin_checks(&next, i);
        }
    }
    change_over(w, &next);
    return true;
}
