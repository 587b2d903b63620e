/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rehearsal: virtual time from one failing check to the next, the real health machine deciding, the real
 * steering following. Each monitor of what is lost has one pending check in a heap; when its verdict has
 * fallen it leaves, so the run ends by itself. All that ends in the same millisecond is one moment: answers
 * are compared between moments. Overrides that start or end before the last check does, and what has stayed
 * down long enough by then, are moments, too. */
#include "config.h"

#include "drill/drill.h"

#include "base/error.h"
#include "base/memory.h"
#include "drill/answers.h"
#include "drill/reasons.h"

#include <stdlib.h>

struct pending {
    int64_t at_ms;
    uint32_t monitor, round; /* the round-th check after the loss, from 1 */
};

struct run_event {
    struct drill_event what;
    int rank;
};

struct run {
    const struct conf_topology *topology;
    struct health *health;
    struct drill_answers *answers;
    enum health_outcome failure;
    bool *is_lost; /* by endpoint */
    struct view_monitor *monitors;
    struct pending *heap; /* the earliest first */
    size_t pending_count;
    struct drill_decider decider; /* of the last answers that changed */
    int64_t now_ms, wall_ms; /* after the loss; wall time of the loss, by which overrides start and end */
    int64_t began_ms;        /* monotonic, as the machine has it */
    bool braked;             /* the brake came on or off in this moment */
    struct arena *arena;     /* of the report */
    struct run_event *events;
    size_t event_count, event_capacity;
};

/* ---- the heap ---- */

static bool is_earlier(const struct pending *a, const struct pending *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->monitor < b->monitor;
}

static void sink(struct run *run, size_t at)
{
    struct pending moved = run->heap[at];
    for (size_t child = 2 * at + 1; child < run->pending_count; child = 2 * at + 1) {
        if (child + 1 < run->pending_count && is_earlier(&run->heap[child + 1], &run->heap[child])) {
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

/* ---- what happens ---- */

/* Of what happens at once, causes come before consequences. The machine tells regions first. */
enum rank {
    RANK_ENDPOINT = HEALTH_ENDPOINT,
    RANK_AZ = HEALTH_AZ,
    RANK_REGION = HEALTH_REGION,
    RANK_CONSEQUENCE
};

static void add_event(struct run *run, enum rank rank, bool is_detail, const char *text)
{
    run->events = memory_grow(run->events, run->event_count, &run->event_capacity, sizeof *run->events);
    run->events[run->event_count++] =
        (struct run_event){{.at_ms = run->now_ms, .text = text, .is_detail = is_detail}, (int)rank};
}

/* An insertion sort: but for the few objects with a verdict of their own, all are in order already. */
static void sort_events(struct run *run, size_t first)
{
    for (size_t i = first + 1; i < run->event_count; i++) {
        struct run_event moved = run->events[i];
        size_t at = i;
        for (; at > first && run->events[at - 1].rank > moved.rank; at--) {
            run->events[at] = run->events[at - 1];
        }
        run->events[at] = moved;
    }
}

static void hear_verdict(struct run *run, const struct health_change *change)
{
    const char *kind = health_kind_text(change->kind),
               *verdict = health_observed_text(change->observed_after);
    bool is_forced = change->after.state > HEALTH_UNHEALTHY;
    if (change->kind != HEALTH_ENDPOINT && change->observed_after == HEALTH_OBSERVED_UNHEALTHY) {
        verdict = "lost";
    }
    const char *text = is_forced ? arena_print(run->arena, "%s %s %s, but stays %s (%s)", kind, change->name,
                                               verdict, health_state_text(change->after.state),
                                               health_decider_text(change->after.decided_by))
                                 : arena_print(run->arena, "%s %s %s", kind, change->name, verdict);
    add_event(run, (enum rank)change->kind, change->kind == HEALTH_ENDPOINT, text);
}

/* A change of the decider alone (an endpoint that was down, in a region that now is) is no news. */
static void hear(void *context, const struct health_change *change)
{
    struct run *run = context;
    if (change->observed_after != change->observed_before) {
        hear_verdict(run, change);
    } else if (change->after.state != change->before.state) {
        add_event(run, RANK_CONSEQUENCE, change->kind == HEALTH_ENDPOINT,
                  arena_print(run->arena, "%s %s %s (%s)", health_kind_text(change->kind), change->name,
                              health_state_serves(change->after.state) ? "in" : "out",
                              health_decider_text(change->after.decided_by)));
    }
}

static void hear_turn(void *context, const struct health_override_turn *turn)
{
    struct run *run = context;
    add_event(run, RANK_CONSEQUENCE, false,
              arena_print(run->arena, "the %s of %s %s by %s %s",
                          health_desired_text(turn->override->desired), health_kind_text(turn->kind),
                          turn->name, turn->override->actor,
                          turn->turn == HEALTH_TURN_STARTED ? "starts as planned" : "ends"));
}

static void hear_brake(void *context, const struct health_brake_change *change)
{
    struct run *run = context;
    const char *family = change->family == 0 ? "IPv4" : "IPv6";
    const struct health_brake_status *status = &change->status;
    const char *text =
        change->turn == HEALTH_BRAKE_ENGAGED
            ? arena_print(
                  run->arena,
                  "the brake holds: %u of %u targets over %s failed at once; nothing falls for up to %.0f s",
                  status->failing, status->failing + status->answering, family,
                  (double)status->left_ms / 1000)
            : arena_print(run->arena, "the brake lets go over %s (%s)", family,
                          health_brake_turn_text(change->turn));
    run->braked = true;
    add_event(run, RANK_CONSEQUENCE, false, text);
}

static bool takes_its_timeout(enum health_outcome failure)
{
    return failure == HEALTH_OUTCOME_TIMEOUT || failure == HEALTH_OUTCOME_CONNECT_TIMEOUT;
}

static int64_t end_of_check(const struct run *run, uint32_t monitor, uint32_t round)
{
    const struct conf_check *check = &run->topology->checks[run->monitors[monitor].check];
    int64_t took_ms = takes_its_timeout(run->failure) ? check->timeout_ms : 0;
    int64_t step_ms = check->recheck_ms == 0        ? check->interval_ms
                      : check->recheck_ms > took_ms ? check->recheck_ms
                                                    : took_ms;
    return check->interval_ms + (int64_t)(round - 1) * step_ms + took_ms;
}

/* It is down, and not only for as long as it has to stay so. */
static bool is_out(const struct run *run, uint32_t monitor)
{
    struct health_monitor_status status;
    return health_get_monitor(run->health, monitor, &status) != 0 ||
           (status.verdict == HEALTH_OBSERVED_UNHEALTHY && status.stay.reason == HEALTH_STAY_NONE);
}

static bool is_idle(const struct run *run, uint32_t monitor)
{
    struct health_monitor_status status;
    return health_get_monitor(run->health, monitor, &status) != 0 || status.idle;
}

/* Who does not report any more is missed only where that is a failure. */
static bool is_told(const struct run *run, uint32_t monitor)
{
    const struct conf_check *check = &run->topology->checks[run->monitors[monitor].check];
    return check->type != CONF_CHECK_PUSH || check->absent_fails;
}

/* ---- set-up ---- */

static void mark_lost(struct run *run, const struct drill_scenario *scenario)
{
    for (size_t i = 0; i < run->topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &run->topology->endpoints[i];
        for (size_t n = 0; n < scenario->loss_count; n++) {
            const struct drill_loss *loss = &scenario->losses[n];
            uint32_t own = loss->kind == HEALTH_ENDPOINT ? (uint32_t)i
                           : loss->kind == HEALTH_AZ     ? endpoint->az
                                                         : endpoint->region;
            run->is_lost[i] = run->is_lost[i] || own == loss->index;
        }
    }
}

static void start_health(struct run *run, const struct view *view, bool from_live)
{
    if (from_live) {
        run->health = view_copy_health(view, 0, NULL);
        run->began_ms = health_get_time(run->health);
        health_assume_answers(run->health);
        return;
    }
    run->health = view_new_health(view->topology, NULL, 0);
    if (view->health != NULL) { /* names resolve as they do now */
        health_copy_resolved(run->health, view->health);
    }
    for (uint32_t i = 0; i < health_monitor_count(run->health); i++) {
        health_observe(run->health, i, HEALTH_OUTCOME_OK, 0, 0, 0);
    }
    health_assume_answers(run->health);
}

static void start_checks(struct run *run)
{
    size_t count = view_list_monitors(run->topology, &run->monitors);
    run->heap = memory_alloc_array(count, sizeof *run->heap);
    for (uint32_t i = 0; i < count; i++) {
        if (run->is_lost[run->monitors[i].endpoint] && !is_idle(run, i) && is_told(run, i) &&
            !is_out(run, i)) {
            run->heap[run->pending_count++] = (struct pending){end_of_check(run, i, 1), i, 1};
        }
    }
    for (size_t i = run->pending_count / 2; i > 0; i--) {
        sink(run, i - 1);
    }
}

/* ---- the run ---- */

static void note_first_failure(struct run *run, struct drill_report *report)
{
    const struct pending *first = &run->heap[0];
    const char *endpoint = run->topology->endpoints[run->monitors[first->monitor].endpoint].name;
    report->detection_ms = run->now_ms = first->at_ms;
    add_event(run, RANK_CONSEQUENCE, false,
              arena_print(run->arena, "first failed check of %s (%s)", endpoint,
                          health_outcome_text(run->failure)));
}

/* One failed check. Returns whether it made the verdict fall. */
static bool fail_check(struct run *run)
{
    struct pending *top = &run->heap[0];
    size_t first_event = run->event_count;
    uint32_t monitor = top->monitor;
    health_follow_time(run->health, run->began_ms + run->now_ms);
    health_observe(run->health, monitor, run->failure, run->now_ms, 0, 0);
    (void)health_follow_brake(run->health, SIZE_MAX, run->now_ms);
    sort_events(run, first_event);
    bool fallen = is_out(run, monitor);
    if (fallen) {
        run->heap[0] = run->heap[--run->pending_count];
    } else {
        top->round++;
        top->at_ms = end_of_check(run, monitor, top->round);
    }
    sink(run, 0);
    return fallen;
}

/* decider: what made the verdict fall */
static void follow_answers(struct run *run, int64_t interval_ms, const struct drill_decider *decider)
{
    size_t changed = drill_answers_follow(run->answers, run->now_ms, interval_ms);
    if (changed != 0) {
        run->decider = *decider;
        add_event(run, RANK_CONSEQUENCE, false,
                  arena_print(run->arena, "%zu answer%s change%s", changed, changed == 1 ? "" : "s",
                              changed == 1 ? "s" : ""));
    }
}

/* After the loss: when an override starts or ends next, or something that stays down may come back. */
static int64_t find_due(const struct run *run)
{
    int64_t due_ms = health_next_due(run->health), stay_ms = health_next_stay(run->health);
    int64_t at_ms = due_ms == 0 ? INT64_MAX : due_ms > run->wall_ms ? due_ms - run->wall_ms : 0;
    int64_t back_ms = stay_ms == INT64_MAX      ? INT64_MAX
                      : stay_ms > run->began_ms ? stay_ms - run->began_ms
                                                : 0;
    return back_ms < at_ms ? back_ms : at_ms;
}

/* Both, until the next check ends. */
static void follow_dues(struct run *run)
{
    for (;;) {
        int64_t at_ms = find_due(run);
        if (at_ms > run->heap[0].at_ms) {
            return;
        }
        run->now_ms = at_ms;
        health_follow_clock(run->health, run->wall_ms + at_ms);
        while (health_follow_stays(run->health, run->began_ms + at_ms, run->now_ms) != 0) {
        }
        follow_answers(run, 0, &(struct drill_decider){.endpoint = NULL});
    }
}

static struct drill_decider describe_check(const struct run *run, const struct pending *pending)
{
    const struct view_monitor *monitor = &run->monitors[pending->monitor];
    const struct conf_check *check = &run->topology->checks[monitor->check];
    return (struct drill_decider){.endpoint = run->topology->endpoints[monitor->endpoint].name,
                                  .rounds = pending->round,
                                  .interval_ms = check->interval_ms,
                                  .recheck_ms = pending->round > 1 ? check->recheck_ms : 0,
                                  .timeout_ms = takes_its_timeout(run->failure) ? check->timeout_ms : 0};
}

/* Everything that ends at the earliest pending time. */
static void run_moment(struct run *run)
{
    int64_t interval_ms = INT64_MAX;
    struct drill_decider decider = {.endpoint = NULL};
    run->now_ms = run->heap[0].at_ms;
    run->braked = false;
    while (run->pending_count != 0 && run->heap[0].at_ms == run->now_ms) {
        struct drill_decider own = describe_check(run, &run->heap[0]);
        if (fail_check(run)) {
            decider = own;
            interval_ms = own.interval_ms < interval_ms ? own.interval_ms : interval_ms;
        }
    }
    if (decider.endpoint != NULL || run->braked) {
        follow_answers(run, decider.endpoint != NULL ? interval_ms : 0, &decider);
    }
}

/* ---- the report ---- */

static void name_losses(const struct view *view, const struct drill_scenario *scenario, struct arena *arena,
                        struct drill_report *report)
{
    report->lost = arena_alloc(arena, scenario->loss_count * sizeof *report->lost);
    report->lost_count = scenario->loss_count;
    for (size_t i = 0; i < scenario->loss_count; i++) {
        const struct drill_loss *loss = &scenario->losses[i];
        const char *name = loss->kind == HEALTH_REGION ? view->topology->regions[loss->index].name
                           : loss->kind == HEALTH_AZ   ? view->topology->azs[loss->index].name
                                                       : view->topology->endpoints[loss->index].name;
        report->lost[i] = arena_print(arena, "%s:%s", health_kind_text(loss->kind), name);
    }
}

static void list_events(const struct run *run, struct arena *arena, struct drill_report *report)
{
    struct drill_event *events = arena_alloc(arena, run->event_count * sizeof *events);
    for (size_t i = 0; i < run->event_count; i++) {
        events[i] = run->events[i].what;
    }
    report->events = events;
    report->event_count = run->event_count;
}

static void judge(const struct conf_topology *topology, struct drill_report *report)
{
    report->recovery_ms = report->decision_ms < 0 ? -1 : report->decision_ms + report->ttl_ms;
    report->rto_ms = topology->rto_ms;
    report->meets_rto = report->rto_ms != 0 && report->recovery_ms <= report->rto_ms &&
                        report->unserved_count == 0 && report->to_lost_count == 0 && report->late_count == 0;
}

static bool is_valid(const struct view *view, const struct drill_scenario *scenario)
{
    const struct conf_topology *topology = view->topology;
    if (topology == NULL || scenario->loss_count == 0 || (scenario->from_live && view->health == NULL) ||
        (scenario->failure != HEALTH_OUTCOME_NONE && !health_outcome_is_failure(scenario->failure))) {
        return false;
    }
    for (size_t i = 0; i < scenario->loss_count; i++) {
        const struct drill_loss *loss = &scenario->losses[i];
        size_t count = loss->kind == HEALTH_ENDPOINT ? topology->endpoint_count
                       : loss->kind == HEALTH_AZ     ? topology->az_count
                       : loss->kind == HEALTH_REGION ? topology->region_count
                                                     : 0;
        if (loss->index >= count) {
            return false;
        }
    }
    return true;
}

int drill_simulate(const struct view *view, const struct drill_scenario *scenario, struct arena *arena,
                   struct drill_report *report)
{
    *report = (struct drill_report){.detection_ms = -1};
    if (!is_valid(view, scenario)) {
        return ERROR_INVALID;
    }
    struct run run = {.topology = view->topology, .wall_ms = scenario->wall_ms, .arena = arena};
    run.failure = scenario->failure == HEALTH_OUTCOME_NONE ? HEALTH_OUTCOME_TIMEOUT : scenario->failure;
    run.is_lost = memory_alloc_array(view->topology->endpoint_count, sizeof *run.is_lost);
    mark_lost(&run, scenario);
    start_health(&run, view, scenario->from_live);
    start_checks(&run);
    run.answers = drill_answers_new(view, health_get_table(run.health), scenario->progress);
    health_set_listener(run.health,
                        &(struct health_listener){
                            .context = &run, .changed = hear, .turned = hear_turn, .braked = hear_brake});
    while (run.pending_count != 0 && !progress_is_cancelled(scenario->progress)) {
        follow_dues(&run);
        if (report->detection_ms < 0) {
            note_first_failure(&run, report);
        }
        run_moment(&run);
    }
    name_losses(view, scenario, arena, report);
    report->failure = run.failure;
    report->from_live = scenario->from_live;
    report->progress = scenario->progress;
    list_events(&run, arena, report);
    drill_answers_report(run.answers, run.is_lost, arena, report);
    judge(view->topology, report);
    report->decider = run.decider;
    report->decider.endpoint = arena_copy_text(arena, run.decider.endpoint);
    drill_find_reasons(report, arena);
    drill_answers_free(run.answers);
    health_free(run.health);
    free(run.events);
    free(run.heap);
    free(run.monitors);
    free(run.is_lost);
    return progress_is_cancelled(scenario->progress) ? ERROR_CANCELLED : 0;
}
