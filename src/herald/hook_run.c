/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hook_run.h. The command lives as long as our end of the story does (exec/frame.h): to close that is to
 * kill all that it has started. */
#include "config.h"

#include "herald/hook_run.h"

#include "base/error.h"
#include "base/memory.h"
#include "exec/frame.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AGAIN_MS = 20 };

/* ---- the end ---- */

static void hang_up(struct run *run)
{
    if (run->heard != NULL) {
        event_free(run->heard);
        run->heard = NULL;
    }
    if (run->story != -1) {
        (void)close(run->story);
        run->story = -1;
    }
    (void)event_del(run->timer);
}

static void end(struct run *run, enum hooks_outcome outcome)
{
    hang_up(run);
    run->past.outcome = outcome;
    run->past.duration_ms = clock_now_ms(&run->clock) - run->begun_ms;
    run->ended(run, &run->past);
    event_free(run->timer);
    buffer_fini(&run->order);
    free(run);
}

/* How it ended is what it said last. */
static void note_output(struct run *run, const char *bytes, size_t len)
{
    size_t count = len < HOOKS_OUTPUT_SIZE - 1 ? len : HOOKS_OUTPUT_SIZE - 1;
    bytes += len - count;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        run->past.output[i] = (c < ' ' && c != '\n') || c >= 127 ? '?' : (char)c;
    }
    while (count != 0 && run->past.output[count - 1] == '\n') {
        count--;
    }
    run->past.output[count] = '\0';
}

static void fail_start(struct run *run, const char *why)
{
    note_output(run, why, strlen(why));
    end(run, HOOKS_NOT_STARTED);
}

void run_call_off(struct run *run)
{
    end(run, HOOKS_CALLED_OFF);
}

static void take_story(struct run *run, const struct exec_story *story, const char *bytes, size_t len)
{
    char why[128];
    switch (story->kind) {
    case EXEC_STARTED: break;
    case EXEC_EXITED:
        note_output(run, bytes, len);
        run->past.exit_code = story->value;
        end(run, story->value == 0 ? HOOKS_OK : HOOKS_FAILED);
        break;
    case EXEC_KILLED:
        note_output(run, bytes, len);
        run->past.signal = story->value;
        end(run, HOOKS_FAILED);
        break;
    case EXEC_STUCK:
        (void)snprintf(why, sizeof why, "%d like it were killed and have not ended", (int)story->value);
        fail_start(run, why);
        break;
    default:
        (void)snprintf(why, sizeof why, "it cannot be run: %s", error_text(-story->value));
        fail_start(run, why);
        break;
    }
}

static void on_heard(evutil_socket_t fd, short what, void *argument)
{
    char bytes[sizeof(struct exec_story) + HOOKS_OUTPUT_SIZE];
    struct run *run = argument;
    struct exec_story story;
    (void)what;
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n < (ssize_t)sizeof story) {
        fail_start(run, "steerd-exec has ended");
        return;
    }
    memcpy(&story, bytes, sizeof story);
    take_story(run, &story, bytes + sizeof story, (size_t)n - sizeof story);
}

/* ---- the start ---- */

static void arm(struct run *run, int64_t ms)
{
    event_add(run->timer, &(const struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void try_to_start(struct run *run)
{
    int ends[2];
    char why[128];
    int error =
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1 ? -errno : 0;
    if (error == 0) {
        error =
            runner_order(run->runner, run->order.bytes, run->order.len, ends[1], clock_now_us(&run->clock));
        (void)close(ends[1]);
        run->heard = error == 0 ? event_new(run->base, ends[0], EV_READ | EV_PERSIST, on_heard, run) : NULL;
        if (run->heard != NULL && event_add(run->heard, NULL) == 0) {
            run->story = ends[0];
            arm(run, run->timeout_ms);
            return;
        }
        (void)close(ends[0]);
    }
    bool is_late = clock_now_ms(&run->clock) - run->begun_ms >= (int64_t)run->timeout_ms;
    if ((error == -EAGAIN || error == -ECHILD) && !is_late) {
        arm(run, AGAIN_MS);
        return;
    }
    (void)snprintf(why, sizeof why, "steerd-exec cannot be started: %s",
                   error_text(error == 0 ? -ENOMEM : error));
    fail_start(run, why);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct run *run = argument;
    (void)fd, (void)what;
    if (run->story != -1) {
        end(run, HOOKS_TIMEOUT);
    } else {
        try_to_start(run);
    }
}

void run_begin(struct run *run, struct event_base *base, struct runner *runner)
{
    run->base = base;
    run->runner = runner;
    run->timer = evtimer_new(base, on_timer, run);
    run->begun_ms = clock_now_ms(&run->clock);
    run->past.begun_wall_ms = clock_wall_ms(&run->clock);
    arm(run, 0);
}

/* ---- what it is told ---- */

static void add_variable(struct buffer *out, size_t *count, const char *name, const char *value)
{
    if (value != NULL) {
        buffer_print(out, "STEERD_%s=%s", name, value);
        buffer_add(out, "", 1);
        ++*count;
    }
}

static const char *get_text(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void add_event(struct run *run, const struct letter *letter, struct buffer *out, size_t *count)
{
    char number[24], id[48];
    json_t *json = json_loadb(letter->text, letter->len, 0, NULL);
    const char *kind = get_text(json, "kind"), *name = get_text(json, "name");
    (void)snprintf(number, sizeof number, "%" PRIu64, letter->seq);
    (void)snprintf(id, sizeof id, "%016" PRIx64 "-%" PRIu64, letter->run, letter->seq);
    (void)snprintf(run->past.about, sizeof run->past.about, "%s %s", kind, name == NULL ? "" : name);
    run->past.seq = letter->seq;
    add_variable(out, count, "KIND", kind);
    add_variable(out, count, "TARGET", name);
    add_variable(out, count, "SEQ", number);
    add_variable(out, count, "ID", id);
    add_variable(out, count, "TIME", get_text(json, "time"));
    add_variable(out, count, "ACTOR", get_text(json, "actor"));
    add_variable(out, count, "PEER", get_text(json, "peer"));
    add_variable(out, count, "REASON", get_text(json, "reason"));
    add_variable(out, count, "EVENT", letter->text);
    json_decref(json);
}

static void add_switchover(struct run *run, const struct hooks_occasion *what, struct buffer *out,
                           size_t *count)
{
    bool is_drill = what->when == CONF_HOOK_STOP || what->when == CONF_HOOK_UNDO;
    (void)snprintf(run->past.about, sizeof run->past.about, "%s %s", is_drill ? "drill" : "switchover",
                   what->phase);
    add_variable(out, count, "KIND", is_drill ? "drill" : "switchover");
    add_variable(out, count, "PHASE", what->phase);
    add_variable(out, count, "TARGET", what->target);
    add_variable(out, count, is_drill ? "DRILL" : "SWITCHOVER", what->id);
    add_variable(out, count, "ACTOR", what->actor);
    add_variable(out, count, "PEER", what->peer);
    add_variable(out, count, "REASON", what->reason);
    add_variable(out, count, "EMERGENCY", what->is_emergency ? "1" : "0");
    add_variable(out, count, "EVENT", strlen(what->json) <= HOOKS_JSON_MAX ? what->json : NULL);
}

/* Those of the configuration come first: whoever sets one of ours there has it as he wants it. */
static void write_order(struct run *run, const struct conf_hook *conf, const char *word,
                        const struct buffer *ours, size_t count)
{
    const struct exec_ask *ask = conf->ask;
    uint32_t kept = ask->output_max < HOOKS_OUTPUT_SIZE ? ask->output_max : HOOKS_OUTPUT_SIZE - 1;
    exec_begin_order(&run->order, kept | EXEC_KEEPS_END, ask->word_count + (word != NULL),
                     ask->variable_count + count);
    for (size_t i = 0; i < ask->word_count; i++) {
        buffer_add(&run->order, ask->words[i], strlen(ask->words[i]) + 1);
    }
    if (word != NULL) {
        buffer_add(&run->order, word, strlen(word) + 1);
    }
    for (size_t i = 0; i < ask->variable_count; i++) {
        buffer_add(&run->order, ask->variables[i], strlen(ask->variables[i]) + 1);
    }
    buffer_add(&run->order, ours->bytes, ours->len);
}

struct run *run_new(const struct conf_hook *conf, const struct run_occasion *occasion)
{
    struct run *run = memory_alloc(sizeof *run);
    struct buffer ours;
    size_t count = 0;
    *run = (struct run){.story = -1, .timeout_ms = conf->timeout_ms, .past = {.exit_code = -1}};
    clock_init(&run->clock);
    buffer_init(&run->order);
    buffer_init(&ours);
    add_variable(&ours, &count, "HOOK", conf->name);
    if (occasion->word != NULL) {
        (void)snprintf(run->past.about, sizeof run->past.about, "%s", occasion->word);
    } else if (occasion->letter != NULL) {
        add_variable(&ours, &count, "WHEN", conf_hook_when_text(conf->when));
        add_event(run, occasion->letter, &ours, &count);
    } else {
        add_variable(&ours, &count, "WHEN", conf_hook_when_text(conf->when));
        add_switchover(run, occasion->switchover, &ours, &count);
    }
    write_order(run, conf, occasion->word, &ours, count);
    buffer_fini(&ours);
    return run;
}
