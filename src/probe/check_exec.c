/* SPDX-License-Identifier: BSD-3-Clause
 *
 * exec: a command of the operator's is run, and what it exits with is the result, as Nagios plugins have it.
 * steerd-exec runs it (exec/frame.h). The socket of the check is one end of a pair: the story of the command
 * comes up there, and when it is closed, because the time is up or nobody wants the check any more, the
 * command is killed.
 *
 * What says nothing of the endpoint is local_error: no command was run, it was killed by somebody else, or it
 * says itself that it could not look (exit code 3). A command that does run and does not end in time is a
 * time-out like any other; one that has ended, which steerd-exec did not tell in time, is none. */
#include "config.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "exec/ask.h"
#include "exec/frame.h"
#include "exec/said.h"
#include "probe/check.h"
#include "probe/document.h"
#include "probe/engine_inside.h"
#include "probe/runner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AGAIN_US = 2000, AGAIN_SHARE = 8, CODE_OK = 0, CODE_WARNING = 1, CODE_UNKNOWN = 3, SECOND_MS = 1000 };

/* ---- targets ---- */

static void fill_constants(const struct probe_target *target, struct buffer *texts)
{
    char port[16], timeout[16];
    const struct probe_exec *exec = target->exec;
    snprintf(port, sizeof port, "%u", target->at.port);
    snprintf(timeout, sizeof timeout, "%u", (target->timeout_ms + SECOND_MS - 1) / SECOND_MS);
    const struct exec_names names = {
        .port = port, .endpoint = exec->endpoint, .host = exec->host, .timeout = timeout};
    for (size_t i = 0; i < exec->ask->word_count; i++) {
        exec_fill(exec->ask->words[i], &names, texts);
        buffer_add(texts, "", 1);
    }
    for (size_t i = 0; i < exec->ask->variable_count; i++) {
        buffer_add(texts, exec->ask->variables[i], strlen(exec->ask->variables[i]) + 1);
    }
}

/* The request is the order, but for the address. */
static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    const struct exec_ask *given = target->exec->ask;
    struct check_exec exec;
    struct buffer texts;
    buffer_init(&texts);
    exec_begin_order(&texts, given->output_max, given->word_count, given->variable_count);
    fill_constants(target, &texts);
    ask->request = arena_share(arena, texts.bytes, texts.len);
    ask->request_len = (uint32_t)texts.len;
    memcpy(&exec.ask, given, sizeof exec.ask);
    exec.ask.words = exec.ask.variables = NULL; /* they are in the request */
    ask->exec = arena_share(arena, &exec, sizeof exec);
    (void)check_make_own(check, arena);
    document_prepare(ask, target, arena);
    buffer_fini(&texts);
}

static bool is_same(const struct check *a, const struct check *b)
{
    return a->ask->exec->ask.warning_fails == b->ask->exec->ask.warning_fails &&
           a->ask->exec->ask.unknown_fails == b->ask->exec->ask.unknown_fails &&
           document_is_same(a->ask, b->ask);
}

static void say(struct check *check, const char *text)
{
    free(check->own->said);
    check->own->said = memory_copy_text(text);
}

static void say_owned(struct check *check, char *text)
{
    say(check, text);
    free(text);
}

static void carry(struct check *from, struct check *to)
{
    to->own->said = from->own->said;
    from->own->said = NULL;
}

static void drop(struct check *check)
{
    free(check->own->said);
    check->own->said = NULL;
}

/* ---- the order ---- */

static void write_order(const struct check *check, struct buffer *order)
{
    char address[ADDR_TEXT_SIZE];
    const struct exec_names names = {.address = addr_write(&check->at.addr, address),
                                     .endpoint = address, /* those that are left have none of their own */
                                     .host = address,
                                     .family = check->at.addr.family == ADDR_V4 ? "4" : "6"};
    const char *at = check->ask->request + sizeof(struct exec_order_head),
               *end = check->ask->request + check->ask->request_len;
    buffer_add(order, check->ask->request, sizeof(struct exec_order_head));
    for (size_t i = 0; at != end; i++, at += strlen(at) + 1) {
        if (i < check->ask->exec->ask.word_count) {
            exec_fill(at, &names, order);
        } else {
            buffer_add_text(order, at);
        }
        buffer_add(order, "", 1);
    }
}

static void trace_order(const struct flight *flight, const struct buffer *order)
{
    struct buffer line;
    const char *at = order->bytes + sizeof(struct exec_order_head);
    buffer_init(&line);
    for (size_t i = 0; i < flight->check->ask->exec->ask.word_count; i++, at += strlen(at) + 1) {
        buffer_print(&line, "%s%s", i == 0 ? "" : " ", at);
    }
    flight_trace(flight, PROBE_STEP_RUN, line.bytes, line.len);
    buffer_fini(&line);
}

/* What is told when the time is up and no command has begun. */
static void judge_unheard(struct flight *flight, enum probe_cause cause, char *text)
{
    flight->stage = FLIGHT_JUDGED;
    flight->end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = cause};
    say_owned(flight->check, text);
}

/* Returns as check_kind.open; -EAGAIN: not yet. */
static int order(struct flight *flight)
{
    struct buffer bytes;
    buffer_init(&bytes);
    write_order(flight->check, &bytes);
    struct engine *engine = flight->engine;
    int error = bytes.len > EXEC_ORDER_MAX ? -E2BIG
                                           : runner_order(&engine->runner, bytes.bytes, bytes.len,
                                                          flight->exec.far, engine_now_us(engine));
    if (error == 0 && flight->traced != NULL) {
        trace_order(flight, &bytes);
    }
    buffer_fini(&bytes);
    return error;
}

static void close_far(struct flight *flight)
{
    if (flight->exec.far > 0) {
        (void)close(flight->exec.far);
        flight->exec.far = 0;
    }
}

/* Returns false when there is nobody to run it. */
static bool try_to_order(struct flight *flight)
{
    int error = order(flight);
    if (error == -EAGAIN) { /* more and more seldom: it may take long */
        int64_t now_us = engine_now_us(flight->engine);
        flight->again_us = now_us + AGAIN_US + (now_us - flight->started_us) / AGAIN_SHARE;
        return true;
    }
    close_far(flight);
    if (error != 0) {
        const char *program = flight->engine->runner.program;
        judge_unheard(flight, PROBE_CAUSE_HELPER,
                      memory_print("%s does not run: %s", program == NULL ? "steerd-exec" : program,
                                   error == -ECHILD ? "it has ended a moment ago" : strerror(-error)));
    }
    return error == 0;
}

static int open_pair(struct flight *flight)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == -1) {
        return -errno;
    }
    flight->fd = ends[0];
    flight->exec.far = ends[1];
    judge_unheard(flight, PROBE_CAUSE_HELPER, memory_copy_text("steerd-exec did not begin in time"));
    return try_to_order(flight) ? -EINPROGRESS : 0; /* 0: advance() finds that the far end is closed */
}

/* ---- its story ---- */

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

static enum check_progress end_locally(struct check_end *end, enum probe_cause cause)
{
    end->cause = cause;
    return end_with(end, HEALTH_OUTCOME_LOCAL_ERROR);
}

static enum check_progress judge_code(const struct flight *flight, int code, struct check_end *end)
{
    const struct exec_ask *ask = &flight->check->ask->exec->ask;
    if (code == CODE_OK || (code == CODE_WARNING && !ask->warning_fails)) {
        return end_with(end, HEALTH_OUTCOME_OK);
    }
    if (code == CODE_UNKNOWN && !ask->unknown_fails) {
        return end_locally(end, PROBE_CAUSE_COMMAND);
    }
    end->detail = (uint16_t)code;
    return end_with(end, HEALTH_OUTCOME_BAD_EXIT);
}

static void trace_end(const struct flight *flight, const char *format, int value, const char *said,
                      size_t len)
{
    char text[64];
    if (len != 0) {
        flight_trace(flight, PROBE_STEP_RECEIVED, said, len);
    }
    int size = snprintf(text, sizeof text, format, value);
    flight_trace(flight, PROBE_STEP_EXITED, text, (size_t)size);
}

static enum check_progress hear_failure(struct flight *flight, int error, struct check_end *end)
{
    struct check *check = flight->check;
    say_owned(check,
              memory_print("%s cannot be run: %s", check->ask->request + sizeof(struct exec_order_head),
                           error == EPROTONOSUPPORT ? "steerd-exec is of another version, restart steerd"
                                                    : strerror(error)));
    trace_end(flight, "not run (error %d)", error, NULL, 0);
    return end_locally(end, error == EPROTONOSUPPORT ? PROBE_CAUSE_HELPER : PROBE_CAUSE_COMMAND);
}

/* Its time counts from now on: that nobody ran it before is not its fault. */
static void hear_start(struct flight *flight, pid_t pid)
{
    flight->stage = FLIGHT_WAITING;
    flight->exec.pid = pid;
    flight->deadline_us = engine_now_us(flight->engine) + (int64_t)flight->check->ask->timeout_ms * MS;
    say(flight->check, "it did not end in time, and was killed");
}

static enum check_progress hear_story(struct flight *flight, const struct exec_story *story, const char *said,
                                      size_t len, struct check_end *end)
{
    switch (story->kind) {
    case EXEC_STARTED: hear_start(flight, story->value); return CHECK_GOES_ON;
    case EXEC_FAILED: return hear_failure(flight, story->value, end);
    case EXEC_EXITED:
        trace_end(flight, "exit code %d", story->value, said, len);
        say_owned(flight->check, exec_find_first_line(said, len, PROBE_TEXT_MAX));
        document_read(flight->check->ask, said, len, end);
        return judge_code(flight, story->value, end);
    case EXEC_KILLED:
        trace_end(flight, "killed by signal %d", story->value, said, len);
        say_owned(flight->check,
                  memory_print("killed by signal %d (%s)", story->value, strsignal(story->value)));
        return end_locally(end, PROBE_CAUSE_COMMAND);
    case EXEC_STUCK:
        trace_end(flight, "not run: %d of it were killed and have not ended", story->value, NULL, 0);
        say_owned(flight->check,
                  memory_print("not run: %d of it were killed and have not ended", story->value));
        return end_with(end, HEALTH_OUTCOME_TIMEOUT); /* as they did */
    default: break;
    }
    return end_locally(end, PROBE_CAUSE_HELPER);
}

/* What the command has said may be long. */
static enum check_progress hear(struct flight *flight, char *bytes, size_t size, struct check_end *end)
{
    ssize_t n = recv(flight->fd, bytes, size, MSG_TRUNC);
    struct exec_story story;
    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return CHECK_GOES_ON;
    }
    if (n < (ssize_t)sizeof story || (size_t)n > size) {
        if (flight->stage != FLIGHT_JUDGED) {
            say(flight->check, "steerd-exec has ended");
        }
        return end_locally(end, PROBE_CAUSE_HELPER);
    }
    memcpy(&story, bytes, sizeof story);
    return hear_story(flight, &story, bytes + sizeof story, (size_t)n - sizeof story, end);
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    enum check_progress progress = CHECK_GOES_ON;
    (void)readable;
    while (progress == CHECK_GOES_ON && flight->exec.far == 0) { /* else it is still to be ordered */
        ssize_t size = recv(flight->fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
        if (size == -1) {
            return errno == EAGAIN || errno == EINTR ? CHECK_GOES_ON : end_locally(end, PROBE_CAUSE_HELPER);
        }
        bool is_large = (size_t)size > sizeof scratch->bytes;
        char *bytes = is_large ? memory_alloc((size_t)size) : (char *)scratch->bytes;
        progress = hear(flight, bytes, is_large ? (size_t)size : sizeof scratch->bytes, end);
        if (is_large) {
            free(bytes);
        }
    }
    return progress;
}

/* steerd-exec may be stopped, or without a processor. */
static bool has_ended(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    bool has = fd == -1 ? errno == ESRCH : poll(&one, 1, 0) == 1;
    if (fd != -1) {
        (void)close(fd);
    }
    return has;
}

static bool judge_late(struct flight *flight, struct check_end *end)
{
    if (flight->exec.pid <= 0 || !has_ended(flight->exec.pid)) {
        return false;
    }
    say(flight->check, "it has ended, and steerd-exec did not tell so in time");
    *end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = PROBE_CAUSE_HELPER};
    return true;
}

static enum check_progress wake(struct flight *flight, struct check_scratch *scratch, struct check_end *end)
{
    (void)try_to_order(flight);
    return advance(flight, true, scratch, end);
}

const struct check_kind check_exec = {.has_own_way = true,
                                      .prepare = prepare,
                                      .is_same = is_same,
                                      .carry = carry,
                                      .drop = drop,
                                      .open = open_pair,
                                      .advance = advance,
                                      .wake = wake,
                                      .judge_late = judge_late,
                                      .close = close_far};
