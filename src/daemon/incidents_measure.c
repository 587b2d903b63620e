/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of answers after a loss: when they were to leave (at once, or when safety rules let them),
 * when every DNS thread answered so, and how resolvers leave. Of the latter what is reached is written down
 * as soon as it is seen, so that it outlives this process, which alone has seen it. */
#include "config.h"

#include "daemon/incidents_inside.h"

#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "daemon/witness.h"
#include "traffic/drain.h"

#include <stdio.h>
#include <string.h>

enum {
    SLACK_MS = 20,        /* between the clocks of who changes and who tells */
    LOOK_MS = 1000,       /* at drains, in the first minute; */
    LATER_LOOK_MS = 5000, /* then */
    FIRST_MS = 60000,
};

#define TOLD_STEP 0.05 /* of all resolvers: worth an entry of the journal */

/* ---- decided, published ---- */

static void write_target(const struct incident *what, bool is_region, const struct view *view, char *to,
                         size_t size)
{
    const char *name = what->name;
    ptrdiff_t az = what->kind == HEALTH_AZ ? health_find(view->health, HEALTH_AZ, what->name) : -1;
    if (is_region && az >= 0) {
        name = view->topology->regions[view->topology->azs[az].region].name;
    }
    snprintf(to, size, "%s:%s", health_kind_text(is_region ? HEALTH_REGION : what->kind), name);
}

bool incidents_measure(struct kept_incident *kept)
{
    struct server *server = kept->all->server;
    struct incident_course *course = &kept->what.course;
    const struct incident_course before = *course;
    char own[CHANGE_NAME_MAX + 1], region[CHANGE_NAME_MAX + 1];
    struct witness_note note;
    if (kept->what.was_overridden || kept->what.back_ms != 0 || course->published_ms != 0) {
        return false;
    }
    course->was_held |= kept->is_held;
    if (kept->is_held) {
        return course->was_held != before.was_held;
    }
    write_target(&kept->what, false, server->view, own, sizeof own);
    write_target(&kept->what, true, server->view, region, sizeof region);
    if (course->was_held && witness_find(server->witness, CHANGE_HOLD, region, kept->what.lost_ms, &note)) {
        course->decided_ms = note.at_ms;
        course->published_ms = note.published_ms;
    } else if (course->was_held && course->decided_ms == 0) {
        course->decided_ms = clock_wall_ms(&server->clock); /* it was let go while nobody looked */
    } else if (!course->was_held) {
        course->decided_ms = kept->what.lost_ms;
        if (witness_find(server->witness, CHANGE_HEALTH, own, kept->what.lost_ms - SLACK_MS, &note)) {
            course->published_ms = note.published_ms;
        }
    }
    return course->decided_ms != before.decided_ms || course->published_ms != before.published_ms;
}

/* ---- objectives once more ---- */

static void prepare(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    kept->reader = reader_open(kept->all->server);
    kept->found = kept->what;
}

static void judge(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    struct arena *arena = arena_new(0);
    const struct view *view = reader_begin(kept->reader);
    if (view->topology != NULL) {
        incident_look_again(&kept->found, view, arena);
    }
    reader_end(kept->reader);
    reader_close(kept->reader);
    kept->reader = NULL;
    arena_free(arena);
}

static void on_judged(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    kept->is_judging = false;
    kept->what.own = kept->found.own;
    kept->what.own_late = kept->found.own_late;
    incidents_tell(kept->all, &kept->what, "let_go");
}

/* The job has to be free: a prediction may be under way. */
static void begin_to_judge(struct kept_incident *kept)
{
    struct worker *lane = lanes_get(kept->all->server->lanes, ADMIN_QUICK);
    kept->job = (struct worker_job){.name = "incident", .prepare = prepare, .run = judge, .done = on_judged};
    kept->found = kept->what;
    kept->is_to_judge = false;
    kept->is_judging = true;
    if (lane == NULL || worker_submit(lane, &kept->job) != 0) {
        on_judged(&kept->job);
    }
}

static void follow_decision(struct kept_incident *kept)
{
    bool was_undecided = kept->what.course.decided_ms == 0;
    if (kept->is_looking) {
        return; /* it is measured when it is told of */
    }
    if (incidents_measure(kept)) {
        kept->is_to_judge |= was_undecided && kept->what.course.decided_ms != 0;
        if (!kept->is_to_judge) {
            incidents_write_down(kept->all, &kept->what, kept->is_held ? "held" : "published");
        }
    }
    if (kept->is_to_judge && !kept->is_predicting && !kept->is_judging) {
        begin_to_judge(kept);
    }
}

/* ---- drains ---- */

static void measure_drains(struct worker_job *job)
{
    struct incident_drains *drains = (struct incident_drains *)job;
    struct traffic *traffic = drains->all->server->traffic;
    for (size_t i = 0; i < drains->count; i++) {
        struct traffic_drain_progress seen;
        struct incident_drain *found = &drains->items[i].found;
        *found = (struct incident_drain){.began_ms = 0};
        if (traffic_measure_drain(traffic, drains->items[i].target, drains->items[i].span_ms, &seen)) {
            *found = (struct incident_drain){.began_ms = seen.at_ms,
                                             .members = seen.members,
                                             .asked = seen.asked,
                                             .expired = seen.expired,
                                             .is_over = seen.is_over};
            memcpy(found->marks_ms, seen.marks_ms, sizeof found->marks_ms);
        }
    }
}

static double share_of(const struct incident_drain *drain)
{
    return drain->members == 0 ? 0 : (double)(drain->asked + drain->expired) / drain->members;
}

static void take_drain(struct kept_incident *kept, const struct incident_drain *found)
{
    struct incident_drain *known = &kept->what.course.drain;
    double share = share_of(found);
    bool is_news = known->began_ms == 0 || found->is_over || share - kept->told_share >= TOLD_STEP;
    for (int i = 0; i < INCIDENT_MARKS; i++) {
        is_news |= known->began_ms != 0 && found->marks_ms[i] != known->marks_ms[i];
    }
    bool has_moved = found->marks_ms[INCIDENT_MARKS - 1] >= 0 &&
                     (known->began_ms == 0 || known->marks_ms[INCIDENT_MARKS - 1] < 0);
    *known = *found;
    if (is_news) {
        kept->told_share = share;
        (has_moved ? incidents_tell : incidents_write_down)(kept->all, &kept->what,
                                                            has_moved ? "drained" : "drain");
    }
}

static void on_measured(struct worker_job *job)
{
    struct incident_drains *drains = (struct incident_drains *)job;
    drains->all->is_measuring = false;
    for (size_t i = 0; i < drains->count && !drains->all->server->is_frozen; i++) {
        struct kept_incident *kept = incidents_find(drains->all, drains->items[i].id);
        if (kept != NULL && drains->items[i].found.began_ms != 0) {
            take_drain(kept, &drains->items[i].found);
        }
    }
}

/* Is there more to see of it? */
static bool is_draining(const struct kept_incident *kept, int64_t wall_ms)
{
    const struct incident_course *course = &kept->what.course;
    return course->decided_ms != 0 && !kept->is_looking && !course->drain.is_over && !course->drain.is_cut &&
           wall_ms - course->decided_ms < TRAFFIC_DRAIN_OPEN_MS + 2 * FIRST_MS;
}

static void follow_drains(struct incidents *all)
{
    struct incident_drains *drains = &all->drains;
    int64_t now_ms = clock_now_ms(&all->server->clock), wall_ms = clock_wall_ms(&all->server->clock);
    int64_t latest_ms = 0;
    struct worker *lane = lanes_get(all->server->lanes, ADMIN_QUICK);
    if (all->is_measuring || now_ms < all->measure_due_ms || lane == NULL) {
        return;
    }
    drains->count = 0;
    for (struct kept_incident *kept = all->first; kept != NULL && drains->count < INCIDENT_DRAINS_MAX;
         kept = kept->next) {
        if (is_draining(kept, wall_ms)) {
            const struct incident *what = &kept->what;
            int64_t from_ms = what->course.decided_ms;
            memcpy(drains->items[drains->count].id, what->id, sizeof what->id);
            (void)snprintf(drains->items[drains->count].target, sizeof drains->items->target, "%s:%s",
                           health_kind_text(what->kind), what->name);
            drains->items[drains->count].span_ms[0] = from_ms - SLACK_MS;
            drains->items[drains->count].span_ms[1] = what->back_ms == 0 ? INT64_MAX : what->back_ms;
            drains->count++;
            latest_ms = from_ms > latest_ms ? from_ms : latest_ms;
        }
    }
    all->measure_due_ms = now_ms + (wall_ms - latest_ms < FIRST_MS ? LOOK_MS : LATER_LOOK_MS);
    drains->all = all;
    drains->job = (struct worker_job){.name = "incident", .run = measure_drains, .done = on_measured};
    all->is_measuring = drains->count != 0 && worker_submit(lane, &drains->job) == 0;
}

void incidents_follow_course(struct incidents *all)
{
    for (struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        follow_decision(kept);
    }
    follow_drains(all);
}
