/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several vantages in a simulation. Each looks at the pace of the checks, all of them from the worst moment
 * on, and counts by itself, as steerprobe does: with a machine in which every lookout is an endpoint of its
 * own. What it thinks anew it says at once, unless it is silent; the machine of the drill judges. Lookouts
 * are there only where something ever happens: what others think stays as it is. */
#include "config.h"

#include "drill/run.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct drill_look run_find_look(const struct run *run, uint32_t number)
{
    bool is_lookout = number >= run->monitor_count;
    const struct run_lookout *lookout =
        is_lookout ? &run->vantages.lookouts[number - run->monitor_count] : NULL;
    uint32_t target = is_lookout ? lookout->target : number, vantage = is_lookout ? lookout->vantage : 0;
    if (target >= run->monitor_count) {
        uint32_t control = target - (uint32_t)run->monitor_count;
        return (struct drill_look){vantage, DRILL_CONTROL, run->topology->brake.controls[control].check};
    }
    return (struct drill_look){vantage, run->monitors[target].endpoint, run->monitors[target].check};
}

static size_t count_targets(const struct run *run)
{
    return run->monitor_count + run->topology->brake.control_count;
}

static uint8_t *thought_of(const struct run *run, size_t vantage)
{
    return &run->vantages.thought[vantage * count_targets(run)];
}

static const struct drill_vantage *find_vantage(const struct run *run, uint32_t number, size_t *index)
{
    for (*index = 0; *index < run->vantages.count; (*index)++) {
        if (run->vantages.items[*index].number == number) {
            return &run->vantages.items[*index];
        }
    }
    return NULL;
}

/* ---- what they say ---- */

static void follow_all(struct run *run)
{
    while (health_follow_vantages(run->health, run->now_ms, run->began_ms + run->now_ms)) {
    }
}

/* All that one thinks of everything. */
static void say_all(struct run *run, size_t vantage)
{
    struct health_heard heard[HEALTH_HEAR_MAX];
    const uint8_t *thought = thought_of(run, vantage);
    size_t count = 0, all = count_targets(run);
    for (size_t i = 0; i < all; i++) {
        bool is_up = thought[i] == HEALTH_OBSERVED_HEALTHY, is_none = thought[i] == HEALTH_OBSERVED_UNKNOWN;
        heard[count++] = (struct health_heard){.monitor = (uint32_t)i,
                                               .opinion = {.verdict = (enum health_observed)thought[i],
                                                           .outcome = is_none ? HEALTH_OUTCOME_NONE
                                                                      : is_up ? HEALTH_OUTCOME_OK
                                                                              : HEALTH_OUTCOME_TIMEOUT,
                                                           .streak = 1}};
        if (count == HEALTH_HEAR_MAX || i + 1 == all) {
            health_hear(run->health, run->vantages.items[vantage].number, heard, count, run->now_ms,
                        run->began_ms + run->now_ms);
            count = 0;
        }
    }
}

static bool is_silent(const struct run *run, uint32_t number)
{
    return (run->vantages.silent >> number & 1) != 0;
}

/* ---- the start ---- */

void run_introduce_vantages(struct run *run)
{
    if (!run_has_vantages(run)) {
        health_assume_answers(run->health);
        return;
    }
    if (!run->scenario->from_live) {
        struct health_vantage_plan plans[HEALTH_VANTAGES_MAX];
        for (size_t i = 0; i < run->vantages.count; i++) {
            const struct drill_vantage *own = &run->vantages.items[i];
            plans[i] = (struct health_vantage_plan){
                .name = own->name, .number = own->number, .weight = own->weight, .drained = own->is_drained};
        }
        health_set_vantages(run->health, plans, run->vantages.count, 0);
    }
    health_assume_opinions(run->health);
}

/* What one that is enrolled thinks now; what it thinks of control targets is known from that it counts. */
static void learn(struct run *run, size_t vantage)
{
    struct health_opinion_status list[HEALTH_VANTAGES_MAX];
    struct health_vantage_status status;
    uint32_t number = run->vantages.items[vantage].number;
    uint8_t *thought = thought_of(run, vantage);
    (void)health_get_vantage(run->health, number, run->began_ms, &status);
    run->vantages.silent |= status.is_fresh ? 0 : 1u << number;
    for (uint32_t i = 0; i < run->monitor_count; i++) {
        size_t count = health_list_opinions(run->health, i, run->began_ms, list);
        for (size_t n = 0; n < count; n++) {
            bool says = list[n].number == number && list[n].discount != HEALTH_COUNTS_NOT_OLD &&
                        list[n].discount != HEALTH_COUNTS_NOT_AWAITED;
            thought[i] = says ? (uint8_t)list[n].opinion.verdict : thought[i];
        }
    }
    for (uint32_t i = 0; i < run->topology->brake.control_count; i++) {
        bool is_v6 = run->topology->brake.controls[i].addr.family == ADDR_V6;
        thought[run->monitor_count + i] =
            status.aside[is_v6] ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
    }
}

/* Does anything ever happen to it? */
static bool is_touched(const struct run *run, uint32_t vantage, uint32_t target)
{
    bool is_control = target >= run->monitor_count;
    const struct drill_look look = {
        .vantage = vantage,
        .endpoint = is_control ? DRILL_CONTROL : run->monitors[target].endpoint,
        .check = is_control ? run->topology->brake.controls[target - run->monitor_count].check
                            : run->monitors[target].check};
    bool is = false;
    for (size_t i = 0; i < run->causes.count && !is; i++) {
        is = run->causes.items[i].how != DRILL_SILENT &&
             drill_cause_touches_look(&run->causes, &run->causes.items[i], &look);
    }
    return is;
}

static void add_lookouts(struct run *run, uint32_t vantage, uint32_t from, size_t *capacity)
{
    struct run_vantages *v = &run->vantages;
    for (uint32_t target = from; target < count_targets(run); target++) {
        bool counts = target >= run->monitor_count || health_is_in_scope(run->health, vantage, target);
        if (counts && is_touched(run, vantage, target)) {
            v->lookouts = memory_grow(v->lookouts, v->lookout_count, capacity, sizeof *v->lookouts);
            v->lookouts[v->lookout_count++] = (struct run_lookout){vantage, target};
        }
    }
}

/* As those of the monitors; of control targets as of their checks. */
static struct health_monitor_plan plan_eye(const struct run *run, uint32_t index, uint8_t *window)
{
    const struct conf_check *check =
        &run->topology->checks[run_find_look(run, (uint32_t)run->monitor_count + index).check];
    bool is_monitor = run->vantages.lookouts[index].target < run->monitor_count;
    *window = is_monitor ? check->window.of : 0;
    return (struct health_monitor_plan){.endpoint = index,
                                        .rise = check->rise,
                                        .fall = *window != 0 ? check->window.fail : check->fall,
                                        .identity = (uint64_t)index + 1};
}

static struct health *make_eyes(const struct run *run)
{
    const struct health_region_plan region = {.name = "region", .lost_at = 1};
    const struct health_az_plan az = {.name = "az", .lost_at = 1};
    size_t count = run->vantages.lookout_count;
    struct health_endpoint_plan *endpoints = memory_alloc_array(count, sizeof *endpoints);
    struct health_monitor_plan *monitors = memory_alloc_array(count, sizeof *monitors);
    uint8_t *windows = memory_alloc_array(count, sizeof *windows);
    for (uint32_t i = 0; i < count; i++) {
        endpoints[i].name = "lookout"; /* nobody asks for one by its name */
        monitors[i] = plan_eye(run, i, &windows[i]);
    }
    const struct health_rules rules = {.windows = windows};
    struct health *eyes = health_new(&(struct health_plan){.regions = &region,
                                                           .region_count = 1,
                                                           .azs = &az,
                                                           .az_count = 1,
                                                           .endpoints = endpoints,
                                                           .endpoint_count = count,
                                                           .monitors = monitors,
                                                           .monitor_count = count,
                                                           .rules = &rules},
                                     0);
    free(windows);
    free(monitors);
    free(endpoints);
    return eyes;
}

static void open_eyes(struct run *run)
{
    run->vantages.eyes = make_eyes(run);
    for (uint32_t i = 0; i < run->vantages.lookout_count; i++) {
        health_observe(run->vantages.eyes, i, HEALTH_OUTCOME_OK, 0, 0, 0);
    }
}

void run_open_lookouts(struct run *run)
{
    struct run_vantages *v = &run->vantages;
    size_t capacity = 0;
    v->beat_ms = v->due_ms = INT64_MAX;
    if (!run_has_vantages(run)) {
        return;
    }
    v->thought = memory_alloc_array(v->count * count_targets(run), 1);
    memset(v->thought, run->scenario->from_live ? HEALTH_OBSERVED_UNKNOWN : HEALTH_OBSERVED_HEALTHY,
           v->count * count_targets(run));
    add_lookouts(run, DRILL_LOCAL, (uint32_t)run->monitor_count, &capacity);
    for (size_t i = 0; i < v->count; i++) {
        if (run->scenario->from_live) {
            learn(run, i);
        } else {
            say_all(run, i);
        }
        add_lookouts(run, v->items[i].number, 0, &capacity);
    }
    follow_all(run);
    open_eyes(run);
    v->beat_ms = run->view->server->vantages.heartbeat_ms;
    if (run->scenario->from_live) { /* nobody who begins anew is awaited for longer */
        v->due_ms = run->view->server->vantages.expires_ms + 1;
    }
}

void run_open_sights(struct run *run)
{
    struct run_vantages *v = &run->vantages;
    size_t capacity = 0;
    if (!run_has_vantages(run)) {
        return;
    }
    for (size_t i = 0; i < v->count; i++) {
        add_lookouts(run, v->items[i].number, 0, &capacity);
    }
    v->sights = memory_alloc_array(v->lookout_count + 1, sizeof *v->sights);
    open_eyes(run);
    run->states = memory_alloc_array(run->monitor_count + v->lookout_count, sizeof *run->states);
    run->heap = memory_alloc_array(v->lookout_count + 1, sizeof *run->heap);
    for (size_t i = 0; i < run->monitor_count; i++) {
        run->states[i].is_left_out = true; /* the real prober checks them */
    }
}

void run_close_lookouts(struct run *run)
{
    health_free(run->vantages.eyes);
    free(run->vantages.lookouts);
    free(run->vantages.thought);
    free(run->vantages.sights);
}

bool run_looks(const struct run *run, size_t lookout)
{
    const struct run_lookout *own = &run->vantages.lookouts[lookout];
    size_t index;
    return find_vantage(run, own->vantage, &index) == NULL ||
           thought_of(run, index)[own->target] == HEALTH_OBSERVED_HEALTHY;
}

/* ---- looks ---- */

void run_get_sight(const struct run *run, uint32_t number, struct health_monitor_status *status)
{
    struct health_judgement judgement;
    *status = (struct health_monitor_status){.idle = true};
    if (number >= run->monitor_count) {
        (void)health_get_monitor(run->vantages.eyes, number - (uint32_t)run->monitor_count, status);
        return;
    }
    (void)health_get_monitor(run->health, number, status);
    if (run_has_vantages(run)) {
        health_get_judgement(run->health, number, &judgement);
        if (judgement.is_by_quorum) { /* what is judged may never follow what we see ourselves */
            status->verdict = judgement.own;
            status->stay.reason = HEALTH_STAY_NONE;
        }
    }
}

/* What is thought of it anew is said. */
static void say(struct run *run, const struct run_lookout *lookout,
                const struct health_monitor_status *status)
{
    size_t index;
    if (find_vantage(run, lookout->vantage, &index) == NULL) {
        return;
    }
    uint8_t *thought = &thought_of(run, index)[lookout->target];
    if (*thought == status->verdict) {
        return;
    }
    *thought = (uint8_t)status->verdict;
    if (!is_silent(run, lookout->vantage)) {
        const struct health_heard heard = {
            .monitor = lookout->target,
            .opinion = {.verdict = status->verdict, .outcome = status->outcome, .streak = status->streak}};
        size_t first_event = run->event_count;
        health_hear(run->health, lookout->vantage, &heard, 1, run->now_ms, run->began_ms + run->now_ms);
        follow_all(run);
        run_sort_events(run, first_event);
    }
}

void run_end_look(struct run *run, const struct run_check *check)
{
    uint32_t number = check->monitor - (uint32_t)run->monitor_count;
    const struct run_lookout *lookout = &run->vantages.lookouts[number];
    const struct drill_look look = run_find_look(run, check->monitor);
    struct health_monitor_status status;
    size_t index;
    const struct drill_vantage *vantage = find_vantage(run, lookout->vantage, &index);
    if (look.endpoint != DRILL_CONTROL && !is_silent(run, lookout->vantage)) {
        run_note_look(run, look.endpoint, vantage->name, &check->result);
    }
    health_follow_time(run->vantages.eyes, run->now_ms);
    health_observe(run->vantages.eyes, number, check->result.outcome, run->now_ms, 0, 0);
    run_get_sight(run, check->monitor, &status);
    if (run->vantages.sights != NULL) {
        run_think(run, number, &status);
    } else if (vantage == NULL) { /* the server itself counts control targets otherwise */
        health_follow_time(run->health, run->began_ms + run->now_ms);
        health_observe_control(run->health, lookout->target - (uint32_t)run->monitor_count,
                               check->result.outcome);
        follow_all(run);
    } else {
        say(run, lookout, &status);
    }
}

/* ---- silence, and that they are alive ---- */

static void beat(struct run *run)
{
    for (size_t i = 0; i < run->vantages.count; i++) {
        if (!is_silent(run, run->vantages.items[i].number)) {
            health_hear_vantage(run->health, run->vantages.items[i].number, run->began_ms + run->now_ms);
        }
    }
}

/* Since the start: when the next one that is silent has been so for too long. */
static int64_t find_expiry(const struct run *run)
{
    int64_t expires_ms = run->view->server->vantages.expires_ms, due_ms = INT64_MAX;
    for (size_t i = 0; i < run->vantages.count; i++) {
        struct health_vantage_status status;
        uint32_t number = run->vantages.items[i].number;
        if (is_silent(run, number) &&
            health_get_vantage(run->health, number, run->began_ms + run->now_ms, &status) &&
            status.is_fresh) {
            int64_t own_ms = run->now_ms + expires_ms - status.silent_ms + 1;
            due_ms = own_ms < due_ms ? own_ms : due_ms;
        }
    }
    return due_ms;
}

void run_turn_silence(struct run *run)
{
    struct run_vantages *v = &run->vantages;
    if (!run_has_vantages(run)) {
        return;
    }
    uint32_t silent = drill_causes_find_silent(&run->causes, run->now_ms);
    uint32_t back = 0;
    for (size_t i = 0; i < run->causes.count; i++) { /* who is silent in reality is not woken by anything */
        const struct drill_cause *cause = &run->causes.items[i];
        back |= cause->how == DRILL_SILENT ? cause->from & v->silent & ~silent : 0;
    }
    beat(run); /* at the latest moment */
    v->silent = (v->silent | silent) & ~back;
    int64_t due_ms = find_expiry(run);
    v->due_ms = due_ms < v->due_ms ? due_ms : v->due_ms;
    for (size_t i = 0; i < v->count; i++) {
        if ((back >> v->items[i].number & 1) != 0) {
            health_hear_vantage(run->health, v->items[i].number, run->began_ms + run->now_ms);
            say_all(run, i);
        }
    }
    follow_all(run);
    run_follow_answers(run, 0, &(struct drill_decider){.failed_ms = -1});
}

int64_t run_find_beat(const struct run *run)
{
    return run->vantages.beat_ms < run->vantages.due_ms ? run->vantages.beat_ms : run->vantages.due_ms;
}

void run_follow_beat(struct run *run)
{
    struct run_vantages *v = &run->vantages;
    run->now_ms = run_find_beat(run);
    health_follow_time(run->health, run->began_ms + run->now_ms);
    beat(run);
    if (v->beat_ms == run->now_ms) {
        v->beat_ms += run->view->server->vantages.heartbeat_ms;
    }
    if (v->due_ms == run->now_ms) {
        follow_all(run);
        v->due_ms = find_expiry(run);
        run_follow_answers(run, 0, &(struct drill_decider){.failed_ms = -1});
    }
}
