/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A line on stderr that is written over again and again. Whoever interrupts gives the work up, as if the
 * connection that waits for it had been closed. */
#include "config.h"

#include "ctl/progress.h"

#include "ctl/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 250, PAUSE_FAR_MS = 1000, LINE = 70, PATH_SIZE = 128 };

static volatile sig_atomic_t interrupted;

const char *progress_choose(const char *target)
{
    static const char *const long_ones[] = {"/v1/drills",        "/v1/what-if",     "/v1/journal:verify",
                                            "/v1/reload",        "/v1/restore",     "/v1/import",
                                            "/v1/diff",          "/v1/explain",     "/v1/config:apply",
                                            "/v1/config:import", "/v1/config/drift"};
    size_t len = strcspn(target, "?");
    bool is_long = false;
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        is_long |= strlen(long_ones[i]) == len && strncmp(long_ones[i], target, len) == 0;
    }
    return is_long && isatty(STDERR_FILENO) == 1 ? "Prefer: respond-async, wait=1\r\n" : "";
}

static void on_signal(int number)
{
    interrupted = number;
}

/* Until the end of the process, or watch_signals(false). */
static void watch_signals(bool watched)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = watched ? on_signal : SIG_DFL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}

static void write_line(const char *text)
{
    fprintf(stderr, "\r%-*.*s\r%s", LINE, LINE, "", text);
    (void)fflush(stderr);
}

static void show(const struct steerctl *ctl, const json_t *operation, const struct timespec *since)
{
    const json_t *progress = json_object_get(operation, "progress");
    json_int_t done = json_integer_value(json_object_get(progress, "done")),
               of = json_integer_value(json_object_get(progress, "of"));
    const char *state = text_of(operation, "state");
    struct timespec now;
    char text[2 * LINE], part[LINE], clean[LINE];
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (of > 0) {
        snprintf(part, sizeof part, "%d %%", (int)(100.0 * (double)done / (double)of));
    } else {
        snprintf(part, sizeof part, "%s", state == NULL ? "?" : text_clean(state, clean, sizeof clean));
    }
    snprintf(text, sizeof text, "%.30s: %.20s, %lld s", ctl->words[0], part,
             (long long)(now.tv_sec - since->tv_sec) + 1); /* it was waited for already */
    write_line(text);
}

static void forget(struct steerctl_reply *reply)
{
    json_decref(reply->json);
    buffer_fini(&reply->body);
}

/* The signal as if it had not been caught. */
static void give_up(const struct steerctl *ctl, steerctl_asker *ask, const char *path)
{
    struct steerctl_reply reply;
    int number = interrupted;
    watch_signals(false); /* who is in a hurry interrupts once more */
    bool asked = ask(ctl, "DELETE", path, NULL, &reply);
    if (asked && reply.status == 409) {
        fprintf(stderr, "steerctl: it is carried out all the same, as operation %s\n",
                strrchr(path, '/') + 1);
    }
    forget(&reply);
    (void)raise(number);
    _exit(STEERCTL_BROKEN);
}

static bool has_ended(const json_t *operation)
{
    return json_is_string(json_object_get(operation, "ended"));
}

static void put_answer(struct http_answer *answer, int status, const char *text)
{
    buffer_remove_front(&answer->body, SIZE_MAX);
    buffer_add_text(&answer->body, text);
    buffer_add_text(&answer->body, "\n");
    answer->status = status;
}

/* What was answered. False: it is not kept, or there is none. */
static bool take_answer(const json_t *operation, struct http_answer *answer)
{
    const json_t *result = json_object_get(operation, "result"),
                 *problem = json_object_get(operation, "problem");
    const json_t *told = json_is_object(result) ? result : problem;
    const char *state = text_of(operation, "state");
    if (state != NULL && strcmp(state, "cancelled") == 0) {
        put_answer(answer, 409,
                   "{ \"type\": \"urn:steerd:problem:conflict\", \"title\": \"Somebody has cancelled it\", "
                   "\"status\": 409 }");
        return true;
    }
    char *text = json_is_object(told) ? json_dumps(told, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    if (text == NULL) {
        return false;
    }
    put_answer(answer, (int)json_integer_value(json_object_get(operation, "status")), text);
    free(text);
    return true;
}

static json_t *look(const struct steerctl *ctl, steerctl_asker *ask, const char *path)
{
    struct steerctl_reply reply;
    json_t *operation = NULL;
    if (ask(ctl, "GET", path, NULL, &reply) && reply.status == 200) {
        operation = json_incref(reply.json);
    }
    forget(&reply);
    return operation;
}

static void pause_a_while(const struct steerctl *ctl)
{
    long ms = ctl->url == NULL ? PAUSE_MS : PAUSE_FAR_MS;
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

bool progress_follow(const struct steerctl *ctl, steerctl_asker *ask, struct http_answer *answer)
{
    char path[PATH_SIZE];
    struct timespec since;
    json_t *operation = text_read_json(answer->body.bytes, answer->body.len, true);
    const char *id = text_of(operation, "id");
    (void)clock_gettime(CLOCK_MONOTONIC, &since);
    snprintf(path, sizeof path, "/v1/operations/%.64s", id == NULL ? "" : id);
    watch_signals(true);
    while (operation != NULL && !has_ended(operation)) {
        show(ctl, operation, &since);
        pause_a_while(ctl);
        json_decref(operation);
        operation = interrupted != 0 ? NULL : look(ctl, ask, path);
    }
    write_line("");
    if (interrupted != 0) {
        give_up(ctl, ask, path);
    }
    watch_signals(false);
    bool good = operation != NULL && take_answer(operation, answer);
    json_decref(operation);
    return good;
}
