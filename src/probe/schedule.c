/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See schedule.h. Jitter is added to the grid and never kept, so that it does not add up to a drift. Jitter
 * and shift are at most a twentieth of the interval each, which together keeps a gap within 10 % of the
 * interval. */
#include "config.h"

#include "probe/schedule.h"

enum { FIRST_SPREAD_US = 1000000, FIRST_SPREAD_EACH_US = 1000, PART = 20, BACK_OFF_PART = 10 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void schedule_init(struct schedule *schedule, int64_t now_us, int64_t interval_us, size_t index, size_t count)
{
    int64_t spread_us = smaller(interval_us, FIRST_SPREAD_US);
    spread_us = smaller(spread_us, (int64_t)count * FIRST_SPREAD_EACH_US);
    double share = count == 0 ? 0 : (double)index / (double)count;
    schedule->failing_us = 0;
    schedule->grid_us = now_us + (int64_t)(share * (double)spread_us);
    /* share s is to end up at phase s x interval (mod interval, and the same constant for all): earlier ones
     * have further to go. Moving to earlier times never checks less often than the operator asked for. */
    schedule->shift_us = count <= 1 ? 0 : (int64_t)((1 - share) * (double)(interval_us - spread_us));
}

int64_t schedule_next(struct schedule *schedule, int64_t now_us, int64_t interval_us, struct random *random)
{
    if (schedule->grid_us <= now_us) {
        int64_t step_us = smaller(schedule->shift_us, interval_us / PART);
        schedule->shift_us -= step_us;
        schedule->grid_us += interval_us - step_us;
    }
    if (schedule->grid_us <= now_us) {
        schedule->grid_us += ((now_us - schedule->grid_us) / interval_us + 1) * interval_us;
    }
    return schedule->grid_us + (int64_t)random_below(random, (uint64_t)(interval_us / PART) + 1);
}

int64_t schedule_back_off(struct schedule *schedule, int64_t next_us, int64_t interval_us, int64_t failing_us,
                          int64_t longest_us)
{
    int64_t wanted_us = smaller(failing_us / BACK_OFF_PART, longest_us);
    int64_t more_us = wanted_us <= interval_us ? 0 : (wanted_us / interval_us - 1) * interval_us;
    schedule->grid_us += more_us;
    return next_us + more_us;
}

int64_t schedule_end(struct schedule *schedule, const struct schedule_pace *pace,
                     const struct schedule_end *end)
{
    schedule->failing_us = !end->failed                ? 0
                           : schedule->failing_us == 0 ? end->started_us
                                                       : schedule->failing_us;
    if (end->hangs && pace->recheck_us != 0) {
        int64_t soon_us = end->started_us + pace->recheck_us;
        soon_us = soon_us < end->at_us ? end->at_us : soon_us;
        return smaller(soon_us, end->next_us);
    }
    if (schedule->failing_us != 0 && pace->back_off_us != 0) {
        return schedule_back_off(schedule, end->next_us, pace->interval_us, end->at_us - schedule->failing_us,
                                 pace->back_off_us);
    }
    return end->next_us;
}

int64_t schedule_hurry(struct schedule *schedule, int64_t next_us, int64_t now_us, int64_t interval_us)
{
    int64_t most_us = interval_us + interval_us / PART; /* that a start may be ahead by, with its jitter */
    int64_t over_us = next_us - now_us - most_us;
    int64_t less_us = over_us <= 0 ? 0 : ((over_us - 1) / interval_us + 1) * interval_us;
    schedule->grid_us -= less_us;
    return next_us - less_us;
}

void pace_init(struct pace *pace)
{
    *pace = (struct pace){.wake_us = PACE_NEVER, .excused_us = PACE_NEVER};
}

void pace_sleep(struct pace *pace, int64_t wake_us)
{
    pace->wake_us = wake_us;
}

static int64_t find_begin_of_stall(struct pace *pace)
{
    int64_t first_us = pace->wake_us - PACE_EXCUSE_US;
    if (pace->seen_us >= pace->wake_us || pace->excused_us == pace->wake_us) {
        return pace->wake_us;
    }
    pace->excused_us = pace->wake_us;
    return pace->seen_us < first_us ? first_us : pace->seen_us;
}

int64_t pace_now(struct pace *pace, int64_t clock_us)
{
    int64_t now_us = clock_us - pace->lost_us;
    if (pace->wake_us != PACE_NEVER && now_us - pace->wake_us > PACE_STALL_US) {
        int64_t begin_us = find_begin_of_stall(pace);
        pace->lost_us += now_us - begin_us;
        now_us = begin_us;
    }
    pace->seen_us = now_us;
    return now_us;
}
