/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was kept of health goes into the first view: see last.h. The records make a machine of the old plan,
 * and the new one takes over from it what it would have taken over in a reload. So a restart is a reload
 * after which nothing was heard for a while.
 *
 * For how long is measured by the clock that runs on in sleep, if the machine has not been switched off
 * since; else by the wall clock, and if that is behind what was written it is not known: then nothing has
 * aged. */
#include "config.h"

#include "daemon/last.h"

#include "daemon/server.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/trail.h"
#include "health/record.h"
#include "past/known.h"
#include "past/last_kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- times ---- */

struct ages {
    int64_t down_ms;  /* 0 if that is not known */
    int64_t shift_ms; /* what makes its monotonic times ours */
    bool is_back;     /* the wall clock is behind it */
};

static struct ages find_ages(const struct known *r, const struct clock *clock)
{
    char boot[FILE_BOOT_SIZE];
    struct known_moment moment = known_get_moment(r);
    int64_t wall_ms = clock_wall_ms(clock);
    struct ages ages = {.is_back = wall_ms < moment.wall_ms};
    file_read_boot(boot);
    if (boot[0] != '\0' && strcmp(boot, known_get_boot(r)) == 0) {
        ages.down_ms = clock_boot_ms() - moment.boot_ms;
        ages.down_ms = ages.down_ms < 0 ? 0 : ages.down_ms;
        return ages;
    }
    ages.down_ms = ages.is_back ? 0 : wall_ms - moment.wall_ms;
    ages.shift_ms = clock_now_ms(clock) - ages.down_ms - moment.now_ms;
    return ages;
}

/* ---- all of it ---- */

static uint32_t count_restored(const struct health *health, uint32_t *unhealthy)
{
    struct health_monitor_status status;
    uint32_t count = 0;
    for (size_t i = 0; i < health_monitor_count(health); i++) {
        bool is_restored = health_get_monitor(health, (uint32_t)i, &status) == 0 && status.restored;
        count += is_restored;
        *unhealthy += is_restored && status.verdict == HEALTH_OBSERVED_UNHEALTHY;
    }
    return count;
}

static void put_into(struct known *r, const struct server *server, struct health *from, struct view *view,
                     struct last_outcome *outcome)
{
    int64_t wall_ms = clock_wall_ms(&server->clock);
    health_carry(view->health, from, wall_ms);
    health_follow_time(view->health, clock_now_ms(&server->clock));
    outcome->hosts = known_put_hosts(r, view, wall_ms, "not looked up since the start");
    outcome->monitors = count_restored(view->health, &outcome->unhealthy);
}

static void restore(const struct server *server, struct known *r, struct view *view, const char *path,
                    struct last_outcome *outcome)
{
    struct ages ages = find_ages(r, &server->clock);
    outcome->down_ms = ages.down_ms;
    if (ages.down_ms > view->server->last_health_ms) {
        outcome->state = LAST_OLD;
        log_warning("last health too old file=%s age_ms=%lld limit_ms=%u effect=\"nothing is known of "
                    "endpoints before their first checks\"",
                    path, (long long)ages.down_ms, view->server->last_health_ms);
        return;
    }
    const struct health_reading reading = {.wall_ms = clock_wall_ms(&server->clock),
                                           .now_ms = clock_now_ms(&server->clock),
                                           .shift_ms = ages.shift_ms,
                                           .gap_ms = ages.down_ms,
                                           .is_restored = true};
    struct health *from = known_make_health(r, &reading);
    if (from == NULL) {
        return;
    }
    size_t done = 0;
    while (ages.is_back && health_forget_outages(from, &done)) {
    }
    put_into(r, server, from, view, outcome);
    health_free(from);
    outcome->state = LAST_RESTORED;
    log_info("last health restored file=%s age_ms=%lld checks=%u unhealthy=%u hosts=%u", path,
             (long long)ages.down_ms, outcome->monitors, outcome->unhealthy, outcome->hosts);
    if (ages.is_back) {
        log_warning("last health is of the future file=%s why=\"the wall clock was set back\" effect=\"times "
                    "of changes that are yet to come are those of the start\"",
                    path);
    }
}

static void tell_broken(const char *path, const struct trail_reading *reading, bool is_used)
{
    static const char *const reasons[] = {[TRAIL_WHOLE] = "it is not complete",
                                          [TRAIL_TORN] = "it is torn",
                                          [TRAIL_FOREIGN] = "it is not of this version of steerd"};
    log_warning("last health %s file=%s good=%llu of=%llu why=\"%s\" effect=\"%s\"",
                is_used ? "torn" : "not read", path, (unsigned long long)reading->good,
                (unsigned long long)reading->total,
                reading->end == TRAIL_UNREAD ? error_text(reading->error) : reasons[reading->end],
                is_used ? "what is known is from a moment before"
                        : "nothing is known of endpoints before their first checks");
}

static bool is_wanted(const struct view *view)
{
    return view->server->state_path != NULL && view->server->last_health_ms != 0 && view->topology != NULL;
}

struct known *last_restore(const struct server *server, struct view *view, struct last_outcome *outcome)
{
    *outcome = (struct last_outcome){.state = LAST_NONE};
    if (!is_wanted(view)) {
        return NULL;
    }
    struct trail_reading reading;
    char *path = memory_print("%s/" LAST_FILE, view->server->state_path);
    struct known *r = known_read(path, &reading);
    bool is_there = reading.end != TRAIL_UNREAD || reading.error != -ENOENT;
    outcome->state = is_there ? LAST_UNREAD : LAST_NONE;
    if (known_is_whole(r)) {
        restore(server, r, view, path, outcome);
    }
    if (is_there && (reading.end != TRAIL_WHOLE || outcome->state == LAST_UNREAD)) {
        tell_broken(path, &reading, outcome->state != LAST_UNREAD);
    }
    free(path);
    if (outcome->state != LAST_RESTORED) {
        known_free(r);
        r = NULL;
    }
    return r;
}

void last_adopt(struct server *server)
{
    const struct view *view = server->view;
    if (!is_wanted(view)) {
        return;
    }
    struct trail_reading reading;
    char *path = memory_print("%s/" LAST_FILE, view->server->state_path);
    struct known *r = known_read(path, &reading);
    int64_t wall_ms = clock_wall_ms(&server->clock);
    struct ages ages = find_ages(r, &server->clock);
    struct health *from =
        !known_is_whole(r) || ages.down_ms > view->server->last_health_ms
            ? NULL
            : known_make_health(r, &(struct health_reading){.wall_ms = wall_ms,
                                                            .now_ms = clock_now_ms(&server->clock),
                                                            .shift_ms = ages.shift_ms,
                                                            .gap_ms = ages.down_ms,
                                                            .is_restored = true});
    if (from != NULL) {
        lock_take(&server->lock);
        health_adopt(view->health, from, wall_ms);
        lock_leave(&server->lock);
        health_free(from);
    }
    known_free(r);
    free(path);
}

void last_settle(struct known *memory, struct view *view)
{
    if (memory != NULL) {
        known_put_right(memory, view);
        known_free(memory);
    }
}
