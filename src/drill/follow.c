/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What follows from what happens: what checks see first, answers that change, and lags that are told. It is
 * put down to the phase that is now. */
#include "config.h"

#include "drill/run.h"

enum { LAGS_PACE_MS = 1000 };

void run_note_look(struct run *run, uint32_t endpoint, const char *vantage, const struct drill_result *result)
{
    enum health_outcome outcome = result->outcome;
    struct drill_phase *phase = &run->phases[run->phase_count - 1];
    bool fails = health_outcome_is_failure(outcome);
    if (phase->detection_ms >= 0 || fails == phase->is_back) {
        return;
    }
    phase->detection_ms = run->now_ms - phase->at_ms;
    phase->failing_ms = phase->detection_ms - result->took_ms;
    const char *name = run->topology->endpoints[endpoint].name;
    const char *by = vantage == NULL ? "" : " by ", *who = vantage == NULL ? "" : vantage;
    const char *text = fails ? arena_print(run->arena, "first failed check of %s%s%s (%s)", name, by, who,
                                           health_outcome_text(outcome))
                             : arena_print(run->arena, "first good check of %s%s%s", name, by, who);
    run_add_event(run, RUN_CONSEQUENCE, false, text);
}

void run_note_check(struct run *run, uint32_t monitor, const struct drill_result *result)
{
    run_note_look(run, run->monitors[monitor].endpoint, NULL, result);
}

void run_follow_answers(struct run *run, int64_t interval_ms, const struct drill_decider *decider)
{
    struct drill_phase *phase = run->phase_count == 0 ? NULL : &run->phases[run->phase_count - 1];
    uint64_t generation = atomic_load(&health_get_table(run->health)->generation);
    if (generation == run->generation || run->answers == NULL) {
        return;
    }
    run->generation = generation;
    size_t changed = drill_answers_follow(run->answers,
                                          &(struct drill_moment){.at_ms = run->now_ms,
                                                                 .since_ms = phase == NULL ? 0 : phase->at_ms,
                                                                 .is_back = phase == NULL || phase->is_back,
                                                                 .interval_ms = interval_ms,
                                                                 .failed_ms = decider->failed_ms});
    if (changed != 0) {
        run_note_change(run, changed, decider);
    }
}

static void tell_change(struct run *run, size_t changed)
{
    run_add_event(run, RUN_CONSEQUENCE, false,
                  arena_print(run->arena, "%zu answer%s change%s", changed, changed == 1 ? "" : "s",
                              changed == 1 ? "s" : ""));
}

void run_note_moved(struct run *run, size_t changed)
{
    tell_change(run, changed);
    run->changed += changed;
    if (run->phase_count != 0) {
        run->phases[run->phase_count - 1].changed += changed;
    }
}

void run_follow_moves(struct run *run)
{
    uint64_t generation = atomic_load(&health_get_table(run->health)->generation);
    if (generation == run->generation) {
        return;
    }
    run->generation = generation;
    size_t changed = drill_answers_follow(
        run->answers, &(struct drill_moment){.at_ms = run->now_ms, .is_back = true, .failed_ms = -1});
    if (changed != 0) {
        run_note_moved(run, changed);
    }
}

void run_note_change(struct run *run, size_t changed, const struct drill_decider *decider)
{
    struct drill_phase *phase = run->phase_count == 0 ? NULL : &run->phases[run->phase_count - 1];
    tell_change(run, changed);
    if (phase == NULL) {
        return;
    }
    phase->decision_ms = run->now_ms - phase->at_ms;
    phase->changed += changed;
    run->changed += changed;
    if (!phase->is_back) {
        run->decider = *decider;
    }
}

void run_tell_lags(struct run *run)
{
    run->now_ms = run->lags_ms;
    health_follow_time(run->health, run->began_ms + run->now_ms);
    for (uint32_t i = 0; i < health_count_lags(run->health); i++) {
        double lag_ms = drill_causes_lag(&run->causes, i, run->now_ms);
        if (lag_ms < 0 && run->scenario->from_live) {
            continue; /* it is as it was said last */
        }
        (void)health_report_lag(run->health, i,
                                &(struct health_lag_report){.value = lag_ms < 0 ? 0 : lag_ms,
                                                            .unit = HEALTH_LAG_MILLISECONDS,
                                                            .source = HEALTH_LAG_PUSHED},
                                run->wall_ms + run->now_ms, run->began_ms + run->now_ms);
    }
    health_follow_lags(run->health, run->wall_ms + run->now_ms, run->began_ms + run->now_ms);
    run_follow_answers(run, 0, &(struct drill_decider){.failed_ms = -1});
    run->lags_ms += LAGS_PACE_MS;
}
