/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that somebody wants to see, now: an engine of their own, on the thread of who asks, so that they are
 * made as the prober makes them and disturb nobody. A timer wakes it now and then, to look whether anybody
 * still waits. */
#include "config.h"

#include "probe/probe.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "probe/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    LOOK_MS = 50,
    LEAVE_LOOKS = 10,      /* for connections to end on good terms */
    INTERVAL_MS = 3600000, /* a second round would be of no use */
};

struct
try {
    const struct probe_hooks *hooks;
    bool *has_ended; /* of targets */
    size_t left;
};

const char *probe_step_text(enum probe_step step)
{
    static const char *const texts[] = {"connect",  "connected", "certificate", "secured", "sent",
                                        "received", "run",       "exited",      "looked"};
    return texts[step];
}

static bool on_ended(void *context, const struct probe_result *result)
{
    struct try *try = context;
    if (!try->has_ended[result->target]) {
        try->has_ended[result->target] = true;
        try->left--;
        (void)try->hooks->ended(try->hooks->context, result);
    }
    return false; /* once is all */
}

static void on_traced(void *context, const struct probe_trace *trace)
{
    const struct try *try = context;
    if (!try->has_ended[trace->target]) {
        try->hooks->traced(try->hooks->context, trace);
    }
}

static int open_timer(void)
{
    const struct itimerspec every = {.it_interval.tv_nsec = LOOK_MS * 1000000L,
                                     .it_value.tv_nsec = LOOK_MS * 1000000L};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd != -1 && timerfd_settime(fd, 0, &every, NULL) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool run(struct engine *engine, int timer)
{
    uint64_t ticks;
    return engine_run(engine) && read(timer, &ticks, sizeof ticks) == sizeof ticks;
}

static void run_all(struct engine *engine, int timer, const struct try *try, const struct progress *progress)
{
    while (try->left != 0 && !progress_is_cancelled(progress)) {
        (void)run(engine, timer);
    }
    for (int looks = 0; looks < LEAVE_LOOKS && engine_is_busy(engine) && !progress_is_cancelled(progress);) {
        looks += run(engine, timer);
    }
}

static struct targets *list_once(const struct probe_target *targets, size_t count)
{
    struct probe_target *once = memory_copy(targets, count * sizeof *targets);
    for (size_t i = 0; i < count; i++) {
        once[i].interval_ms = INTERVAL_MS;
    }
    struct targets *list = prober_make_targets(1, once, count);
    free(once);
    return list;
}

int probe_try(const struct probe_target *targets, size_t count, const struct probe_hooks *hooks,
              const struct progress *progress)
{
    struct try try = {.hooks = hooks, .left = count, .has_ended = memory_alloc_array(count, sizeof(bool))};
    struct probe_hooks own = {.context = &try,
                              .runner = hooks->runner,
                              .sheets = hooks->sheets,
                              .ahead_ms = hooks->ahead_ms,
                              .ended = on_ended,
                              .traced = hooks->traced == NULL ? NULL : on_traced};
    struct engine *engine = NULL;
    int timer = open_timer(), error = timer == -1 ? -errno : engine_open(&own, timer, &engine);
    if (error == 0) {
        engine_replace_targets(engine, list_once(targets, count));
        run_all(engine, timer, &try, progress);
    }
    engine_close(engine);
    if (timer != -1) {
        close(timer);
    }
    free(try.has_ended);
    return error == 0 && try.left != 0 ? ERROR_CANCELLED : error;
}
