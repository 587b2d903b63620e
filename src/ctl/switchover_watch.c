/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A switchover that moves traffic in steps, followed until it stands still: a line for each change; with
 * --json each is an object in a line. It only looks: whoever interrupts it stops nothing. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

enum { PAUSE_MS = 250, PAUSE_FAR_MS = 1000, CELL = 256 };

static bool is_one_of(const json_t *switchover, const char *const *states)
{
    const char *state = text_or_dash(text_of(switchover, "state"));
    bool is = false;
    for (size_t i = 0; states[i] != NULL && !is; i++) {
        is = strcmp(states[i], state) == 0;
    }
    return is;
}

static bool moves(const json_t *switchover)
{
    static const char *const states[] = {"lowering", "moving", "returning", NULL};
    return is_one_of(switchover, states);
}

/* What is told of it: as long as that is the same there is no news. */
static const char *describe(const json_t *switchover, char out[4 * CELL])
{
    const json_t *held = json_object_get(switchover, "held");
    const char *next = text_of(switchover, "next_step");
    char state[64], by[64], why[CELL], when[64];
    bool is_held = json_is_object(held);
    snprintf(out, (size_t)4 * CELL, "%-10s %3lld %%%s%s%s%s%s%s",
             text_clean(text_or_dash(text_of(switchover, "state")), state, sizeof state),
             (long long)json_integer_value(json_object_get(switchover, "share")), is_held ? ", HELD by " : "",
             is_held ? text_clean(text_or_dash(text_of(held, "by")), by, sizeof by) : "", is_held ? ": " : "",
             is_held ? text_clean(text_or_dash(text_of(held, "why")), why, sizeof why) : "",
             next == NULL ? "" : ", the next step at ",
             next == NULL ? "" : text_clean(next, when, sizeof when));
    return out;
}

static void tell(const struct steerctl *ctl, const json_t *switchover, const char *line)
{
    struct clock clock;
    char time[CLOCK_TEXT_SIZE];
    clock_init(&clock);
    if (ctl->json) {
        text_print_json(switchover, JSON_COMPACT | JSON_REAL_PRECISION(12));
    } else {
        printf("%s  %s\n", clock_write_rfc3339(clock_wall_ms(&clock), time), line);
    }
    fflush(stdout);
}

static enum steerctl_exit look(const struct steerctl *ctl, const char *path, json_t **switchover)
{
    json_t *found;
    struct steerctl quiet = *ctl;
    quiet.json = false; /* what has not changed is not printed */
    enum steerctl_exit code = steerctl_ask_json(&quiet, "GET", path, NULL, &found);
    json_decref(*switchover);
    *switchover = found;
    return code;
}

enum steerctl_exit switchover_watch(const struct steerctl *ctl, const json_t *begun)
{
    static const char *const ended[] = {"rolled_back", "cancelled", NULL};
    const long ms = ctl->url == NULL ? PAUSE_MS : PAUSE_FAR_MS;
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    char line[4 * CELL], last[4 * CELL] = "";
    struct buffer path;
    json_t *switchover = json_deep_copy(begun);
    enum steerctl_exit code = STEERCTL_OK;
    bool was_moving = moves(begun);
    buffer_init(&path);
    buffer_add_text(&path, "/v1/switchovers/");
    steerctl_add_encoded(&path, text_or_dash(text_of(begun, "id")));
    while (code == STEERCTL_OK) {
        if (strcmp(describe(switchover, line), last) != 0) {
            tell(ctl, switchover, line);
            memcpy(last, line, sizeof last);
        }
        if (!moves(switchover)) {
            break;
        }
        (void)nanosleep(&pause, NULL);
        code = look(ctl, path.bytes, &switchover);
    }
    if (code == STEERCTL_OK && was_moving && is_one_of(switchover, ended)) {
        code = STEERCTL_REFUSED; /* somebody has turned it back */
    }
    json_decref(switchover);
    buffer_fini(&path);
    return code;
}
