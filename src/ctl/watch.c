/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Regions, azs, checks and the latest events, live in the terminal. The screen is drawn on the terminal's
 * other page, which goes when we go: by Ctrl-C, q, SIGTERM or SIGHUP. Signals are blocked and come up as
 * something to read, so that none meets us half way; a server that hangs is waited for no longer than a
 * moment. */
#include "config.h"

#include "ctl/verbs.h"

#include "base/clock.h"
#include "ctl/spark.h"
#include "ctl/watch_events.h"
#include "ctl/watch_frame.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum {
    EVERY_MS = 1000,
    ANSWER_MS = 2000,
    COLUMNS = 80, /* if the terminal does not say */
    ROWS = 24,
    ONCE_COLUMNS = 400,
    ONCE_CHECKS = 1000,
    DRAW_MS = 100, /* between two frames because of events */
};

struct watch {
    struct steerctl ctl; /* that of the command line, with limits of its own */
    struct watch_memory memory;
    struct watch_events events;
    json_t *status, *regions, *azs, *failing, *checks, *switchovers, *drills;
    bool is_stale;
    int64_t drawn_ms;
    int signals;
    struct termios before; /* of the keyboard, if has_keyboard */
    bool has_keyboard;
    int error_fd; /* where errors went before they had to be kept off the screen */
};

/* ---- what the server says ---- */

static void take(json_t **to, json_t *found)
{
    json_decref(*to);
    *to = found;
}

static enum steerctl_exit fetch_status(const struct steerctl *ctl, json_t **status)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/status", NULL, &json);
    if (code == STEERCTL_OK) {
        take(status, json);
    } else {
        json_decref(json);
    }
    return code;
}

/* All of them, on however many pages. */
static enum steerctl_exit fetch_places(const struct steerctl *ctl, const char *path, const char *region,
                                       json_t **places)
{
    struct buffer target;
    json_t *found;
    buffer_init(&target);
    buffer_add_text(&target, path);
    steerctl_add_query(&target, "region", region);
    enum steerctl_exit code = steerctl_list(ctl, target.bytes, &found);
    buffer_fini(&target);
    if (code == STEERCTL_OK) {
        take(places, found);
    }
    return code;
}

static enum steerctl_exit fetch_checks(const struct steerctl *ctl, const char *verdict, unsigned limit,
                                       json_t **checks)
{
    struct buffer target;
    char text[16];
    json_t *json;
    snprintf(text, sizeof text, "%u", limit);
    buffer_init(&target);
    buffer_add_text(&target, "/v1/checks");
    steerctl_add_query(&target, "limit", text);
    steerctl_add_query(&target, "region", ctl->region);
    steerctl_add_query(&target, "verdict", verdict);
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", target.bytes, NULL, &json);
    buffer_fini(&target);
    if (code == STEERCTL_OK) {
        take(checks, json_incref(json_object_get(json, "items")));
    }
    json_decref(json);
    return code;
}

/* The latest of them: older ones do not go on. */
static enum steerctl_exit fetch_latest(const struct steerctl *ctl, const char *path, json_t **items)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", path, NULL, &json);
    if (code == STEERCTL_OK) {
        take(items, json_incref(json_object_get(json, "items")));
    }
    json_decref(json);
    return code;
}

/* Of all regions the one that is asked for. */
static void choose_region(struct watch *watch)
{
    size_t i;
    json_t *region, *chosen = json_array();
    json_array_foreach(watch->regions, i, region)
    {
        const char *name = text_of(region, "name");
        if (watch->ctl.region == NULL || (name != NULL && strcmp(name, watch->ctl.region) == 0)) {
            json_array_append(chosen, region);
        }
    }
    json_decref(watch->regions);
    watch->regions = chosen;
}

/* So many rows of checks are enough. */
static enum steerctl_exit fetch_all(struct watch *watch, unsigned rows)
{
    enum { MOST = 1000 };
    unsigned most = rows == 0 || rows > MOST ? MOST : rows;
    const struct steerctl *ctl = &watch->ctl;
    enum steerctl_exit code = fetch_status(ctl, &watch->status);
    code = code == STEERCTL_OK ? fetch_places(ctl, "/v1/regions", NULL, &watch->regions) : code;
    code = code == STEERCTL_OK ? fetch_places(ctl, "/v1/azs", ctl->region, &watch->azs) : code;
    code = code == STEERCTL_OK ? fetch_checks(ctl, "unhealthy", most, &watch->failing) : code;
    code = code == STEERCTL_OK ? fetch_checks(ctl, NULL, most, &watch->checks) : code;
    code = code == STEERCTL_OK ? fetch_latest(ctl, "/v1/switchovers", &watch->switchovers) : code;
    code = code == STEERCTL_OK ? fetch_latest(ctl, "/v1/drills", &watch->drills) : code;
    if (code == STEERCTL_OK) {
        choose_region(watch);
    }
    return code;
}

static void draw(struct watch *watch, const struct watch_screen *screen, struct buffer *out)
{
    const json_t *const checks[] = {watch->failing, watch->checks};
    json_t *events = watch_events_choose(&watch->events, watch->ctl.region, watch->azs, checks);
    const struct watch_data data = {.status = watch->status,
                                    .regions = watch->regions,
                                    .azs = watch->azs,
                                    .failing = watch->failing,
                                    .checks = watch->checks,
                                    .switchovers = watch->switchovers,
                                    .drills = watch->drills,
                                    .events = events,
                                    .no_events = watch->is_stale ? NULL : watch->events.why};
    watch_draw(&watch->memory, &data, screen, out);
    json_decref(events);
}

/* ---- once ---- */

static enum steerctl_exit show_once(struct watch *watch)
{
    struct buffer out;
    enum steerctl_exit code = fetch_all(watch, ONCE_CHECKS);
    if (code == STEERCTL_OK) {
        watch_events_tend(&watch->events, &watch->ctl, 0);
        watch_events_read_all(&watch->events, ANSWER_MS);
        const struct watch_screen screen = {.columns = ONCE_COLUMNS,
                                            .colour = watch->ctl.colour,
                                            .bars = spark_has_bars(),
                                            .clear = "",
                                            .end = "\n"};
        buffer_init(&out);
        draw(watch, &screen, &out);
        puts(out.bytes);
        buffer_fini(&out);
    }
    return code == STEERCTL_REFUSED && watch->ctl.region != NULL
               ? target_explain(&watch->ctl, code, "regions", watch->ctl.region)
               : code;
}

/* ---- the terminal ---- */

static void say(const char *bytes, size_t len)
{
    while (len != 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n <= 0) {
            return; /* it is gone: SIGHUP follows */
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void say_text(const char *text)
{
    say(text, strlen(text));
}

/* No echo, and keys at once. */
static void take_keyboard(struct watch *watch)
{
    struct termios raw;
    watch->has_keyboard = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &watch->before) == 0;
    if (watch->has_keyboard) {
        raw = watch->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
}

static bool enter(struct watch *watch)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    watch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (watch->signals == -1) {
        perror("steerctl: signalfd");
        return false;
    }
    take_keyboard(watch);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    watch->error_fd = dup(STDERR_FILENO);
    if (nowhere != -1 && watch->error_fd != -1) {
        dup2(nowhere, STDERR_FILENO);
    }
    if (nowhere != -1) {
        close(nowhere);
    }
    say_text("\033[?1049h\033[?25l\033[?7l");
    return true;
}

static void leave(struct watch *watch)
{
    say_text("\033[?7h\033[?25h\033[?1049l");
    if (watch->has_keyboard) {
        tcsetattr(STDIN_FILENO, TCSANOW, &watch->before);
    }
    if (watch->error_fd != -1) {
        dup2(watch->error_fd, STDERR_FILENO);
        close(watch->error_fd);
    }
    close(watch->signals);
}

static struct watch_screen measure(const struct watch *watch)
{
    struct winsize size = {.ws_col = 0};
    struct clock clock;
    clock_init(&clock);
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return (struct watch_screen){.columns = is_known && size.ws_col != 0 ? size.ws_col : COLUMNS,
                                 .rows = is_known && size.ws_row != 0 ? size.ws_row : ROWS,
                                 .colour = watch->ctl.colour,
                                 .bars = spark_has_bars(),
                                 .is_stale = watch->is_stale,
                                 .now_ms = clock_now_ms(&clock),
                                 .clear = "\033[K",
                                 .end = "\r\n"};
}

static void show(struct watch *watch)
{
    struct buffer out;
    struct watch_screen screen = measure(watch);
    watch->drawn_ms = screen.now_ms;
    buffer_init(&out);
    buffer_add_text(&out, "\033[H");
    draw(watch, &screen, &out);
    buffer_add_text(&out, "\033[J");
    say(out.bytes, out.len);
    buffer_fini(&out);
}

/* ---- the loop ---- */

/* Returns whether it is over. */
static bool take_signals(const struct watch *watch)
{
    struct signalfd_siginfo info;
    while (read(watch->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGWINCH) {
            return true;
        }
    }
    return false;
}

static bool take_keys(struct watch *watch, short events)
{
    char keys[64];
    ssize_t n = (events & POLLIN) != 0 ? read(STDIN_FILENO, keys, sizeof keys) : 0;
    if (n <= 0) {
        watch->has_keyboard = false; /* nobody sits there */
        return true;
    }
    return memchr(keys, 'q', (size_t)n) != NULL;
}

/* Something to read, for so long at most. Returns whether it is over; *is_new: it has to be drawn again. */
static bool wait_once(struct watch *watch, int ms, int64_t now_ms, bool *is_new)
{
    struct pollfd fds[] = {{.fd = watch->signals, .events = POLLIN},
                           {.fd = watch->has_keyboard ? STDIN_FILENO : -1, .events = POLLIN},
                           {.fd = watch->events.tail.fd, .events = POLLIN}};
    if (poll(fds, 3, ms) <= 0) {
        return false;
    }
    if (fds[2].revents != 0) {
        watch_events_read(&watch->events, now_ms);
    }
    *is_new = fds[0].revents != 0 || fds[1].revents != 0; /* the size may be another one */
    return (fds[0].revents != 0 && take_signals(watch)) ||
           (fds[1].revents != 0 && take_keys(watch, fds[1].revents));
}

/* Until the next look is due; events are shown as they come. Returns whether it is over. */
static bool wait(struct watch *watch)
{
    struct clock clock;
    clock_init(&clock);
    int64_t now_ms = clock_now_ms(&clock), until_ms = now_ms + EVERY_MS;
    while (now_ms < until_ms) {
        bool is_new = false;
        int64_t draw_ms = watch->events.has_news ? watch->drawn_ms + DRAW_MS : until_ms;
        int64_t left_ms = (draw_ms < until_ms ? draw_ms : until_ms) - now_ms;
        if (wait_once(watch, left_ms > 0 ? (int)left_ms : 0, now_ms, &is_new)) {
            return true;
        }
        now_ms = clock_now_ms(&clock);
        if (is_new || (watch->events.has_news && now_ms >= watch->drawn_ms + DRAW_MS)) {
            show(watch);
        }
    }
    return false;
}

static void follow(struct watch *watch)
{
    struct clock clock;
    clock_init(&clock);
    do {
        watch->is_stale = fetch_all(watch, measure(watch).rows) != STEERCTL_OK;
        watch_events_tend(&watch->events, &watch->ctl, clock_now_ms(&clock));
        show(watch);
    } while (!wait(watch));
}

/* For programs: what changes, an object in a line each. */
static enum steerctl_exit follow_changes(const struct steerctl *ctl)
{
    struct steerctl events = *ctl;
    if ((ctl->given & (OPTION_ONCE | OPTION_REGION)) != 0) {
        return steerctl_usage("watch --json tells all that changes, as it does: see regions, azs and checks");
    }
    events.given |= OPTION_FOLLOW;
    return run_events(&events);
}

enum steerctl_exit run_watch(const struct steerctl *ctl)
{
    struct watch watch = {.ctl = *ctl, .signals = -1, .error_fd = -1};
    bool once = (ctl->given & OPTION_ONCE) != 0 || isatty(STDOUT_FILENO) != 1;
    enum steerctl_exit code;
    if (ctl->json) {
        return follow_changes(ctl);
    }
    watch_events_init(&watch.events);
    if (once) {
        code = show_once(&watch);
    } else {
        watch.ctl.answer_ms = ANSWER_MS;
        code = fetch_all(&watch, ROWS); /* what is wrong is said before the screen is taken */
        if (code == STEERCTL_OK && enter(&watch)) {
            follow(&watch);
            leave(&watch);
        } else if (code == STEERCTL_REFUSED && ctl->region != NULL) {
            code = target_explain(ctl, code, "regions", ctl->region);
        }
    }
    watch_events_fini(&watch.events);
    watch_forget(&watch.memory);
    json_decref(watch.status);
    json_decref(watch.regions);
    json_decref(watch.azs);
    json_decref(watch.failing);
    json_decref(watch.checks);
    json_decref(watch.switchovers);
    json_decref(watch.drills);
    return code;
}
