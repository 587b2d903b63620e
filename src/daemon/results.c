/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See results.h. */
#include "config.h"

#include "daemon/results.h"

#include "daemon/certificates.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/targets.h"
#include "health/results.h"
#include "probe/probe.h"
#include "view/content.h"
#include "view/view.h"

/* The prober gets its list after the view is exchanged: until then targets have their old numbers. -1: nobody
 * asks that any more. */
static ptrdiff_t find_monitor(const struct view *view, const struct probe_result *result)
{
    return result->generation == view->generation ? (ptrdiff_t)result->target
                                                  : view_find_monitor(view, result->identity);
}

/* The view may be another one after each turn. */
static void follow_brake(struct server *server, int64_t now)
{
    while (health_follow_brake(server->view->health, VIEW_TURN, now)) {
        lock_pass(&server->lock);
    }
}

/* When the next check is due, if the verdict hangs on it or not. */
static int64_t find_next(const struct view *view, uint32_t monitor, const struct probe_result *result,
                         bool hangs)
{
    int64_t recheck_ms = view->topology->checks[view->monitors[monitor].check].recheck_ms;
    int64_t next_us = result->next_in_us, soon_us = recheck_ms * 1000 - result->duration_us;
    next_us = hangs && soon_us < next_us ? soon_us : next_us;
    return next_us < 0 ? 0 : next_us / 1000;
}

/* For those who look; the verdict counts it by itself. Returns whether that hangs on the next one. */
static bool note_result(const struct view *view, uint32_t monitor, const struct probe_result *result,
                        int64_t now_ms)
{
    bool hangs = targets_hang(view, monitor);
    health_note_result(view->health, monitor,
                       &(struct health_result){.ended_ms = now_ms,
                                               .duration_us = result->duration_us,
                                               .detail = result->detail,
                                               .outcome = (uint8_t)result->outcome,
                                               .vantage = HEALTH_VANTAGE_LOCAL},
                       now_ms + find_next(view, monitor, result, hangs));
    health_note_text(view->health, monitor, result->text);
    return hangs;
}

/* Of what is no monitor: a control target, or who is asked how far a copy lags. */
static void note_other(const struct server *server, const struct probe_result *result, int64_t wall_ms,
                       int64_t now_ms)
{
    const struct view *view = server->view;
    uint32_t number = result->target - (uint32_t)view->monitor_count;
    size_t controls = view_count_controls(view);
    if (number < controls) {
        health_observe_control(view->health, number, result->outcome);
        return;
    }
    size_t lag = view_find_asked(view, number - controls);
    const struct conf_check *check = &view->topology->checks[view->topology->replications[lag].check];
    bool has_lag = result->outcome == HEALTH_OUTCOME_OK && result->has_load;
    health_note_lag_asked(view->health, lag, result->outcome, has_lag, wall_ms);
    if (has_lag) {
        const struct health_lag_report report = {.value = result->load,
                                                 .unit = targets_lag_unit(check->lag->unit),
                                                 .stage = targets_told_stage(result->told),
                                                 .source = HEALTH_LAG_FROM_CHECK};
        (void)health_report_lag(view->health, lag, &report, wall_ms, now_ms);
        shadows_take_lag(server->shadows, lag, &report, wall_ms);
    }
}

bool results_take(void *context, const struct probe_result *result)
{
    struct server *server = context;
    int64_t now = clock_wall_ms(&server->clock);
    lock_take(&server->lock);
    const struct view *view = server->view;
    health_follow_time(view->health, clock_now_ms(&server->clock));
    if (result->generation == view->generation && result->target >= view->monitor_count) {
        note_other(server, result, now, clock_now_ms(&server->clock));
        if (result->target - view->monitor_count < view_count_controls(view)) {
            shadows_take_control(server->shadows, (uint32_t)(result->target - view->monitor_count), result);
        }
        follow_brake(server, now);
        lock_leave(&server->lock);
        return false;
    }
    ptrdiff_t monitor = find_monitor(view, result);
    bool hangs = false;
    if (monitor != -1) {
        health_observe(view->health, (uint32_t)monitor, result->outcome, now, result->duration_us,
                       result->detail);
        hangs = note_result(view, (uint32_t)monitor, result, now);
        shadows_take_result(server->shadows, (uint32_t)monitor, result, now);
        checked_note(&server->checked, view->topology->checks[view->monitors[monitor].check].type, result);
        certificates_note(server->changes, view, (size_t)monitor, result, now);
    }
    if (monitor != -1 && result->has_load) {
        struct health_load_report report = {.load = result->load, .source = HEALTH_LOAD_FROM_CHECK};
        health_report_load(view->health, view->monitors[monitor].endpoint, &report, now,
                           clock_now_ms(&server->clock));
    }
    follow_brake(server, now);
    lock_leave(&server->lock);
    return hangs;
}
