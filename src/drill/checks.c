/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The prober of a simulation. A monitor that something happened to has one check in a heap until its verdict
 * is what its results say, and nothing can change that before something else happens to it. So a drill of
 * hours costs what happens in it, not what is checked meanwhile. */
#include "config.h"

#include "drill/run.h"

/* ---- the heap ---- */

static bool is_earlier(const struct run_check *a, const struct run_check *b)
{
    return a->ends_ms != b->ends_ms ? a->ends_ms < b->ends_ms : a->monitor < b->monitor;
}

static void sink(struct run *run)
{
    struct run_check moved = run->heap[0];
    size_t at = 0;
    for (size_t child = 1; child < run->heap_count; child = 2 * at + 1) {
        if (child + 1 < run->heap_count && is_earlier(&run->heap[child + 1], &run->heap[child])) {
            child++;
        }
        if (!is_earlier(&run->heap[child], &moved)) {
            break;
        }
        run->heap[at] = run->heap[child];
        at = child;
    }
    run->heap[at] = moved;
}

static void rise(struct run *run, size_t at)
{
    struct run_check moved = run->heap[at];
    for (; at > 0 && is_earlier(&moved, &run->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        run->heap[at] = run->heap[(at - 1) / 2];
    }
    run->heap[at] = moved;
}

/* ---- who is checked, and for how long ---- */

static struct run_check make_check(struct run *run, uint32_t monitor, int64_t starts_ms, uint32_t round)
{
    const struct drill_look look = run_find_look(run, monitor);
    struct drill_result result =
        drill_causes_look(&run->causes, &look, starts_ms, run->states[monitor].count++);
    return (struct run_check){.starts_ms = starts_ms,
                              .ends_ms = starts_ms + result.took_ms,
                              .monitor = monitor,
                              .round = round,
                              .result = result};
}

/* Who does not report any more is missed only where that is a failure. */
static bool is_told(const struct run *run, uint32_t monitor)
{
    const struct conf_check *check = &run->topology->checks[run->monitors[monitor].check];
    return check->type != CONF_CHECK_PUSH || check->absent_fails;
}

/* It is down, and not only for as long as it has to stay so. */
static bool is_out(const struct health_monitor_status *status)
{
    return status->verdict == HEALTH_OBSERVED_UNHEALTHY && status->stay.reason == HEALTH_STAY_NONE;
}

void run_start_checks(struct run *run)
{
    for (size_t i = 0; i < run->monitor_count + run->vantages.lookout_count; i++) {
        run->states[i].failed_ms = -1;
    }
    for (uint32_t i = 0; i < run->monitor_count; i++) {
        struct health_monitor_status status;
        run_get_sight(run, i, &status);
        run->states[i].is_left_out = status.idle || is_out(&status) || !is_told(run, i);
    }
    for (size_t i = 0; i < run->vantages.lookout_count; i++) {
        run->states[run->monitor_count + i].is_left_out = !run_looks(run, i);
    }
}

/* The worst moment is right after a check. In real time nobody knows when others check: it is spread. */
static int64_t find_first(const struct run *run, uint32_t number, int64_t interval_ms)
{
    return run->now_ms +
           (run->vantages.sights == NULL ? interval_ms : run_find_delay(run, number, interval_ms));
}

void run_wake_check(struct run *run, uint32_t number, const struct drill_cause *cause)
{
    struct run_monitor *state = &run->states[number];
    const struct drill_look look = run_find_look(run, number);
    if (state->is_left_out || state->is_pending || !drill_cause_touches_look(&run->causes, cause, &look)) {
        return;
    }
    state->is_pending = true;
    int64_t starts_ms = find_first(run, number, run->topology->checks[look.check].interval_ms);
    run->heap[run->heap_count] = make_check(run, number, starts_ms, 1);
    rise(run, run->heap_count++);
}

void run_wake_checks(struct run *run, const struct drill_cause *cause)
{
    for (uint32_t i = 0; i < run->monitor_count + run->vantages.lookout_count; i++) {
        run_wake_check(run, i, cause);
    }
}

/* Can nothing change any more by results like this one, for who counts them? */
static bool is_settled(const struct run_check *check, const struct health_monitor_status *status)
{
    unsigned needed = status->rise > status->window ? status->rise : status->window;
    if (check->result.is_chance) {
        return false;
    }
    return health_outcome_is_failure(check->result.outcome)
               ? is_out(status)
               : status->streak >= needed &&
                     (status->verdict == HEALTH_OBSERVED_HEALTHY || status->stay.reason != HEALTH_STAY_NONE);
}

static int64_t next_start(const struct run *run, const struct run_check *check,
                          const struct health_monitor_status *status)
{
    const struct conf_check *own = &run->topology->checks[run_find_look(run, check->monitor).check];
    bool is_soon = own->recheck_ms != 0 && health_hangs(status, status->verdict);
    int64_t step_ms = is_soon ? own->recheck_ms : own->interval_ms;
    return check->starts_ms + (step_ms > check->result.took_ms ? step_ms : check->result.took_ms);
}

/* ---- checks that end ---- */

/* Of a monitor, by the server itself. */
static void end_own(struct run *run, const struct run_check *check)
{
    run_note_check(run, check->monitor, &check->result);
    size_t first_event = run->event_count;
    health_follow_time(run->health, run->began_ms + run->now_ms);
    health_observe(run->health, check->monitor, check->result.outcome, run->now_ms, 0, 0);
    (void)health_follow_brake(run->health, SIZE_MAX, run->now_ms);
    run_sort_events(run, first_event);
}

/* What is thought of it, by whoever judges; of a control target nobody asks that. */
static bool is_judged_out(const struct run *run, uint32_t number)
{
    struct health_monitor_status status = {.rise = 0};
    uint32_t target =
        number < run->monitor_count ? number : run->vantages.lookouts[number - run->monitor_count].target;
    return health_get_monitor(run->health, target, &status) == 0 && is_out(&status);
}

/* Since when it fails, in this phase. */
static void note_failure(struct run *run, const struct run_check *check)
{
    struct run_monitor *state = &run->states[check->monitor];
    int64_t begin_ms = run->phase_count == 0 ? 0 : run->phases[run->phase_count - 1].at_ms;
    if (!health_outcome_is_failure(check->result.outcome)) {
        state->failed_ms = -1;
    } else if (state->failed_ms < begin_ms) {
        state->failed_ms = run->now_ms;
    }
}

bool run_end_check(struct run *run)
{
    struct run_check check = run->heap[0];
    struct health_monitor_status after;
    bool was_out = is_judged_out(run, check.monitor);
    if (check.monitor < run->monitor_count) {
        end_own(run, &check);
    } else {
        run_end_look(run, &check);
    }
    note_failure(run, &check);
    run_get_sight(run, check.monitor, &after);
    /* Results before the change do not see it: it may be well for one more round. */
    if (is_settled(&check, &after) && drill_causes_next(&run->causes, check.starts_ms) > run->now_ms) {
        run->states[check.monitor].is_pending = false;
        run->heap[0] = run->heap[--run->heap_count];
    } else {
        run->heap[0] = make_check(run, check.monitor, next_start(run, &check, &after), check.round + 1);
    }
    sink(run);
    return is_judged_out(run, check.monitor) != was_out;
}

static bool takes_its_timeout(enum health_outcome outcome)
{
    return outcome == HEALTH_OUTCOME_TIMEOUT || outcome == HEALTH_OUTCOME_CONNECT_TIMEOUT;
}

static struct drill_decider describe_check(const struct run *run, const struct run_check *check)
{
    const struct drill_look look = run_find_look(run, check->monitor);
    const struct conf_check *own = &run->topology->checks[look.check];
    bool is_control = look.endpoint == DRILL_CONTROL;
    return (struct drill_decider){
        .endpoint = is_control ? NULL : run->topology->endpoints[look.endpoint].name,
        .rounds = check->round,
        .interval_ms = own->interval_ms,
        .recheck_ms = check->round > 1 ? own->recheck_ms : 0,
        .timeout_ms = takes_its_timeout(check->result.outcome) ? own->timeout_ms : 0};
}

void run_end_checks(struct run *run)
{
    int64_t interval_ms = INT64_MAX;
    struct drill_decider decider = {.endpoint = NULL, .failed_ms = -1};
    run->now_ms = run->heap[0].ends_ms;
    while (run->heap_count != 0 && run->heap[0].ends_ms == run->now_ms) {
        struct drill_decider own = describe_check(run, &run->heap[0]);
        uint32_t monitor = run->heap[0].monitor;
        if (run_end_check(run)) {
            decider = own;
            decider.failed_ms = run->states[monitor].failed_ms;
            interval_ms = own.interval_ms < interval_ms ? own.interval_ms : interval_ms;
        }
    }
    run_follow_answers(run, decider.endpoint != NULL ? interval_ms : 0, &decider);
}
