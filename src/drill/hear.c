/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the health machine of a drill tells becomes the events of its report. */
#include "config.h"

#include "drill/run.h"

#include "base/memory.h"

void run_add_event(struct run *run, enum run_rank rank, bool is_detail, const char *text)
{
    if (run->events_most != 0 && run->event_count >= (is_detail ? run->events_most / 2 : run->events_most)) {
        run->left_out++;
        return;
    }
    run->events = memory_grow(run->events, run->event_count, &run->event_capacity, sizeof *run->events);
    run->events[run->event_count++] =
        (struct run_event){{.at_ms = run->now_ms, .text = text, .is_detail = is_detail}, (int)rank};
}

/* An insertion sort: but for the few objects with a verdict of their own, all are in order already. */
void run_sort_events(struct run *run, size_t first)
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
    run_add_event(run, (enum run_rank)change->kind, change->kind == HEALTH_ENDPOINT, text);
}

/* A change of the decider alone (an endpoint that was down, in a region that now is) is no news. */
static void hear(void *context, const struct health_change *change)
{
    struct run *run = context;
    if (change->observed_after != change->observed_before) {
        hear_verdict(run, change);
    } else if (change->after.state != change->before.state) {
        run_add_event(run, RUN_CONSEQUENCE, change->kind == HEALTH_ENDPOINT,
                      arena_print(run->arena, "%s %s %s (%s)", health_kind_text(change->kind), change->name,
                                  health_state_serves(change->after.state) ? "in" : "out",
                                  health_decider_text(change->after.decided_by)));
    }
}

static void hear_turn(void *context, const struct health_override_turn *turn)
{
    struct run *run = context;
    run_add_event(run, RUN_CONSEQUENCE, false,
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
    run_add_event(run, RUN_CONSEQUENCE, false, text);
}

static void hear_stay(void *context, const struct health_stay_change *change)
{
    struct run *run = context;
    if (run->scenario->document != NULL) {
        run_add_event(run, RUN_CONSEQUENCE, change->kind == HEALTH_ENDPOINT,
                      arena_print(run->arena, "%s %s is well, but stays down (%s)",
                                  health_kind_text(change->kind), change->name,
                                  health_stay_text(change->status.reason)));
    }
}

static void hear_lag(void *context, const struct health_lag_change *change)
{
    struct run *run = context;
    if (change->rpo_before != change->status->rpo && run->now_ms > 0) {
        const char *rpo = health_rpo_text(change->status->rpo);
        run_add_event(run, RUN_CONSEQUENCE, false,
                      arena_print(run->arena, "the RPO of the copy from %s to %s: %s", change->status->from,
                                  change->status->to, rpo == NULL ? "none" : rpo));
    }
}

static void hear_hold(void *context, const struct health_hold_change *change)
{
    struct run *run = context;
    if (run->scenario->document != NULL) {
        run_add_event(run, RUN_CONSEQUENCE, false,
                      arena_print(run->arena, "region %s: leaving it is forbidden (%s)",
                                  change->status.region, health_hold_turn_text(change->turn)));
    }
}

static void hear_vantage(void *context, const struct health_vantage_change *change)
{
    static const char *const texts[] = {[HEALTH_VANTAGE_HEARD] = "is heard again",
                                        [HEALTH_VANTAGE_SILENT] = "does not count any more (silent)",
                                        [HEALTH_VANTAGE_ASIDE] = "does not count any more (set aside)",
                                        [HEALTH_VANTAGE_RETURNED] = "counts again"};
    struct run *run = context;
    if (run_has_vantages(run)) {
        run_add_event(run, RUN_ENDPOINT, false,
                      arena_print(run->arena, "vantage %s %s", change->name, texts[change->turn]));
    }
}

void run_listen(struct run *run)
{
    health_set_listener(run->health, &(struct health_listener){.context = run,
                                                               .changed = hear,
                                                               .turned = hear_turn,
                                                               .braked = hear_brake,
                                                               .stayed = hear_stay,
                                                               .heard = hear_vantage,
                                                               .lagged = hear_lag,
                                                               .held = hear_hold});
}

void run_list_events(const struct run *run, struct drill_report *report)
{
    struct drill_event *events = arena_alloc(run->arena, run->event_count * sizeof *events);
    for (size_t i = 0; i < run->event_count; i++) {
        events[i] = run->events[i].what;
    }
    report->events = events;
    report->event_count = run->event_count;
}
