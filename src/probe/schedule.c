/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See schedule.h. Jitter is added to the grid and never kept, so that it does not add up to a drift. Jitter
 * and shift are at most a twentieth of the interval each, which together keeps a gap within 10 % of the
 * interval. */
#include "config.h"

#include "probe/schedule.h"

enum { FIRST_SPREAD_US = 1000000, FIRST_SPREAD_EACH_US = 1000, PART = 20 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void schedule_init(struct schedule *schedule, int64_t now_us, int64_t interval_us, size_t index, size_t count)
{
    int64_t spread_us = smaller(interval_us, FIRST_SPREAD_US);
    spread_us = smaller(spread_us, (int64_t)count * FIRST_SPREAD_EACH_US);
    double share = count == 0 ? 0 : (double)index / (double)count;
    schedule->grid_us = now_us + (int64_t)(share * (double)spread_us);
    /* share s is to end up at phase s x interval (mod interval, and the same constant for all): earlier ones
     * have further to go. Moving to earlier times never checks less often than the operator asked for. */
    schedule->shift_us = count <= 1 ? 0 : (int64_t)((1 - share) * (double)(interval_us - spread_us));
}

int64_t schedule_next(struct schedule *schedule, int64_t now_us, int64_t interval_us, struct random *random)
{
    int64_t step_us = smaller(schedule->shift_us, interval_us / PART);
    schedule->shift_us -= step_us;
    schedule->grid_us += interval_us - step_us;
    if (schedule->grid_us <= now_us) {
        schedule->grid_us += ((now_us - schedule->grid_us) / interval_us + 1) * interval_us;
    }
    return schedule->grid_us + (int64_t)random_below(random, (uint64_t)(interval_us / PART) + 1);
}

void pace_init(struct pace *pace)
{
    *pace = (struct pace){.wake_us = PACE_NEVER};
}

void pace_sleep(struct pace *pace, int64_t wake_us)
{
    pace->wake_us = wake_us;
}

int64_t pace_now(struct pace *pace, int64_t clock_us)
{
    int64_t now_us = clock_us - pace->lost_us;
    if (pace->wake_us == PACE_NEVER || now_us - pace->wake_us <= PACE_STALL_US) {
        return now_us;
    }
    pace->lost_us += now_us - pace->wake_us;
    return pace->wake_us;
}
