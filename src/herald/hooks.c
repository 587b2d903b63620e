/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hooks.h: who there is, what comes, and whose turn it is. A run is hook_run.c's. */
#include "config.h"

#include "herald/hooks.h"

#include "base/arena.h"
#include "base/memory.h"
#include "events/bell.h"
#include "events/stream.h"
#include "herald/hook_run.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In the next turn of the loop: who activates an event has it in this one. */
static const struct timeval at_once = {.tv_sec = 0};

enum { TURN_CHANGES = 64 };

struct hook {
    struct hook *next;
    struct arena *arena; /* owns conf */
    struct conf_hook conf;
    struct letters queue;
    struct run *runs; /* under way */
    size_t running;
    uint64_t outcomes[HOOKS_OUTCOMES], dropped;
    struct hooks_past past[HOOKS_HISTORY];
    size_t past_count; /* of all that there were */
};

/* A switch that waits for its hooks. */
struct round {
    struct hooks *hooks;
    struct arena *arena; /* of the occasion's texts */
    struct hooks_occasion occasion;
    hooks_done *done; /* NULL: nobody waits any more */
    void *argument;
    size_t pending;         /* runs that have not ended */
    const char *hook, *why; /* of those that undo: the first that has failed; in the arena, NULL: none has */
};

struct hooks {
    struct event_base *base;
    struct clock clock;
    struct bell *bell;
    struct event *rung, *more;
    struct stream_reader reader;
    struct runner runner;
    struct hook *hooks;
    bool has_begun, has_left;
};

const char *hooks_outcome_text(enum hooks_outcome outcome)
{
    static const char *const texts[HOOKS_OUTCOMES] = {[HOOKS_OK] = "ok",
                                                      [HOOKS_FAILED] = "failed",
                                                      [HOOKS_TIMEOUT] = "timeout",
                                                      [HOOKS_NOT_STARTED] = "not_started",
                                                      [HOOKS_CALLED_OFF] = "called_off"};
    return texts[outcome];
}

/* ---- ends ---- */

/* For the event: the first line is enough. */
static void tell(const struct hooks *hooks, const struct hook *hook, const struct hooks_past *past)
{
    enum { LINE_SIZE = 161 };
    char name[CHANGE_NAME_MAX + 1], line[LINE_SIZE];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "outcome", hooks_outcome_text(past->outcome));
    change_body_add(&body, "about", past->about);
    if (past->seq != 0) {
        change_body_add_number(&body, "event", (int64_t)past->seq);
    }
    if (past->exit_code >= 0) {
        change_body_add_number(&body, "exit", past->exit_code);
    }
    if (past->signal != 0) {
        change_body_add_number(&body, "signal", past->signal);
    }
    change_body_add_number(&body, "duration_ms", past->duration_ms);
    const char *last = strrchr(past->output, '\n');
    (void)snprintf(line, sizeof line, "%.*s", LINE_SIZE - 1, last == NULL ? past->output : last + 1);
    change_body_add(&body, "output", line[0] == '\0' ? NULL : line);
    (void)snprintf(name, sizeof name, "hook:%s", hook->conf.name);
    stream_publish(hooks->reader.stream,
                   &(struct change){.kind = CHANGE_HOOK, .name = name, .body = body.text});
}

static void go(struct hooks *hooks, struct hook *hook);
static void go_on(struct round *round, const struct hook *hook, const struct hooks_past *past);

/* Of a run: it is over, and freed by who calls. */
static void on_end(struct run *run, const struct hooks_past *past)
{
    struct hook *hook = run->hook;
    struct hooks *hooks = run->hooks;
    struct run **at = &hook->runs;
    while (*at != run) {
        at = &(*at)->next;
    }
    *at = run->next;
    hook->running--;
    hook->outcomes[past->outcome]++;
    hook->past[hook->past_count++ % HOOKS_HISTORY] = *past;
    tell(hooks, hook, past);
    if (run->round != NULL) {
        go_on(run->round, hook, past);
    }
    if (past->outcome != HOOKS_CALLED_OFF) {
        go(hooks, hook);
    }
}

static void begin(struct hooks *hooks, struct hook *hook, const struct run_occasion *occasion,
                  struct round *round)
{
    struct run *run = run_new(&hook->conf, occasion);
    run->hooks = hooks;
    run->hook = hook;
    run->round = round;
    run->ended = on_end;
    run->next = hook->runs;
    hook->runs = run;
    hook->running++;
    run_begin(run, hooks->base, &hooks->runner);
}

/* ---- events ---- */

/* As many as may run at once. */
static void go(struct hooks *hooks, struct hook *hook)
{
    while (hook->queue.count != 0 && hook->running < hook->conf.at_once) {
        struct letters one = {.items = NULL};
        letters_move(&hook->queue, 1, &one);
        begin(hooks, hook, &(struct run_occasion){.letter = one.items[0]}, NULL);
        letters_fini(&one);
    }
}

static void take_change(struct hooks *hooks)
{
    const struct change *change = &hooks->reader.change;
    for (struct hook *hook = hooks->hooks; hook != NULL; hook = hook->next) {
        if (hook->conf.filter != NULL && filter_passes(hook->conf.filter, change)) {
            if (hook->queue.count == HOOKS_QUEUE_MAX) {
                letters_drop(&hook->queue, 0, 1);
                hook->dropped++;
            }
            letters_add(&hook->queue, letter_new(stream_get_run(hooks->reader.stream), change));
        }
    }
}

static void go_round(struct hooks *hooks)
{
    for (int i = 0; i < TURN_CHANGES && !hooks->has_left; i++) {
        uint64_t missed;
        enum stream_result result = stream_read(&hooks->reader, &missed);
        if (result == STREAM_CHANGE) {
            take_change(hooks);
        } else if (result == STREAM_NOTHING) {
            break;
        }
        for (struct hook *hook = hooks->hooks; result == STREAM_GAP && hook != NULL; hook = hook->next) {
            hook->dropped += hook->conf.filter == NULL ? 0 : missed;
        }
        if (i + 1 == TURN_CHANGES) {
            event_add(hooks->more, &at_once);
        }
    }
    for (struct hook *hook = hooks->hooks; hook != NULL; hook = hook->next) {
        go(hooks, hook);
    }
}

static void on_rung(evutil_socket_t fd, short what, void *argument)
{
    struct hooks *hooks = argument;
    (void)fd, (void)what;
    bell_take(hooks->bell);
    go_round(hooks);
}

static void on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    go_round(argument);
}

/* ---- switches ---- */

/* The first one from there on. */
static struct hook *find_from(struct hook *hook, enum conf_hook_when when)
{
    while (hook != NULL && (!hook->conf.is_about_switches || hook->conf.when != when)) {
        hook = hook->next;
    }
    return hook;
}

bool hooks_are_asked(const struct hooks *hooks)
{
    return hooks != NULL && find_from(hooks->hooks, CONF_HOOK_BEFORE) != NULL;
}

bool hooks_can_undo(const struct hooks *hooks)
{
    return hooks != NULL && find_from(hooks->hooks, CONF_HOOK_UNDO) != NULL;
}

bool hooks_can_stop(const struct hooks *hooks)
{
    return hooks_can_undo(hooks) && find_from(hooks->hooks, CONF_HOOK_STOP) != NULL;
}

static void say(struct round *round, const char *hook, const char *why)
{
    if (round->done != NULL) {
        round->done(round->argument,
                    &(struct hooks_verdict){.may_go_on = hook == NULL, .hook = hook, .why = why});
        round->done = NULL;
    }
}

static void free_round(struct round *round)
{
    arena_free(round->arena);
    free(round);
}

static void begin_next(struct round *round, struct hook *hook)
{
    round->pending++;
    begin(round->hooks, hook, &(struct run_occasion){.switchover = &round->occasion}, round);
}

/* "failed with exit 3: the replica is not there" */
static void write_why(const struct hook *hook, const struct hooks_past *past, char *why, size_t size)
{
    char how[64] = "";
    if (past->exit_code > 0) {
        (void)snprintf(how, sizeof how, " with exit %d", past->exit_code);
    } else if (past->signal != 0) {
        (void)snprintf(how, sizeof how, " by signal %d", past->signal);
    } else if (past->outcome == HOOKS_TIMEOUT) {
        (void)snprintf(how, sizeof how, " after %" PRIu32 " ms", hook->conf.timeout_ms);
    }
    (void)snprintf(why, size, "%s%s%s%s", hooks_outcome_text(past->outcome), how,
                   past->output[0] == '\0' ? "" : ": ", past->output);
}

/* One has ended. After a reload those go on that stand behind it now. */
static void go_on(struct round *round, const struct hook *hook, const struct hooks_past *past)
{
    enum conf_hook_when when = round->occasion.when;
    bool is_before = when == CONF_HOOK_BEFORE || when == CONF_HOOK_STOP;
    struct hook *next = NULL;
    char why[HOOKS_OUTPUT_SIZE + 64];
    round->pending--;
    if (when == CONF_HOOK_UNDO) {
        write_why(hook, past, why, sizeof why);
        bool is_first = past->outcome != HOOKS_OK && round->hook == NULL;
        round->hook = is_first ? arena_copy_text(round->arena, hook->conf.name) : round->hook;
        round->why = is_first ? arena_copy_text(round->arena, why) : round->why;
        next = find_from(hook->next, when);
    } else if (is_before && past->outcome != HOOKS_OK && !round->occasion.is_emergency) {
        write_why(hook, past, why, sizeof why);
        say(round, hook->conf.name, why);
    } else if (is_before && !round->occasion.is_emergency) {
        next = find_from(hook->next, when);
    }
    if (next != NULL) {
        begin_next(round, next);
    } else if (round->pending == 0) {
        say(round, round->hook, round->why);
        free_round(round);
    }
}

void hooks_run(struct hooks *hooks, const struct hooks_occasion *occasion, hooks_done *done, void *argument)
{
    struct round *round = memory_alloc(sizeof *round);
    struct arena *arena = arena_new(0);
    *round = (struct round){
        .hooks = hooks, .arena = arena, .occasion = *occasion, .done = done, .argument = argument};
    struct hooks_occasion *copy = &round->occasion;
    copy->id = arena_copy_text(arena, occasion->id);
    copy->phase = arena_copy_text(arena, occasion->phase);
    copy->target = arena_copy_text(arena, occasion->target);
    copy->actor = arena_copy_text(arena, occasion->actor);
    copy->peer = arena_copy_text(arena, occasion->peer);
    copy->reason = arena_copy_text(arena, occasion->reason);
    copy->json = arena_copy_text(arena, occasion->json);
    bool is_one_by_one = occasion->when != CONF_HOOK_AFTER && !occasion->is_emergency;
    if (occasion->is_emergency) {
        say(round, NULL, NULL);
    }
    round->pending = 1; /* until all have begun */
    struct hook *hook = find_from(hooks->hooks, occasion->when);
    while (hook != NULL) {
        begin_next(round, hook);
        hook = is_one_by_one ? NULL : find_from(hook->next, occasion->when);
    }
    if (--round->pending == 0) {
        say(round, NULL, NULL);
        free_round(round);
    }
}

/* ---- errands ---- */

static void on_errand_end(struct run *run, const struct hooks_past *past)
{
    run->told(run->argument, past);
}

struct run *hooks_send(struct hooks *hooks, const struct conf_hook *conf, const char *word, hooks_told *told,
                       void *argument)
{
    struct run *run = run_new(conf, &(struct run_occasion){.word = word});
    run->hooks = hooks;
    run->ended = on_errand_end;
    run->told = told;
    run->argument = argument;
    run_begin(run, hooks->base, &hooks->runner);
    return run;
}

void hooks_call_off(struct run *run)
{
    run_call_off(run);
}

/* ---- who there is ---- */

static void configure(struct hook *hook, const struct conf_hook *conf)
{
    struct arena *arena = arena_new(0);
    struct exec_ask *ask = arena_copy(arena, conf->ask, sizeof *ask);
    const char **words = arena_alloc(arena, (ask->word_count + 1) * sizeof *words);
    const char **variables = arena_alloc(arena, (ask->variable_count + 1) * sizeof *variables);
    for (size_t i = 0; i < ask->word_count; i++) {
        words[i] = arena_copy_text(arena, ask->words[i]);
    }
    for (size_t i = 0; i < ask->variable_count; i++) {
        variables[i] = arena_copy_text(arena, ask->variables[i]);
    }
    ask->words = words;
    ask->variables = variables;
    struct conf_hook copy = *conf;
    copy.name = arena_copy_text(arena, conf->name);
    copy.ask = ask;
    copy.filter = conf->filter == NULL ? NULL : arena_copy(arena, conf->filter, sizeof *conf->filter);
    arena_free(hook->arena);
    hook->arena = arena;
    hook->conf = copy;
}

static void free_hook(struct hook *hook)
{
    letters_fini(&hook->queue);
    while (hook->runs != NULL) {
        run_call_off(hook->runs); /* which takes it off the list */
    }
    arena_free(hook->arena);
    free(hook);
}

void hooks_follow(struct hooks *hooks, const struct conf_hook *confs, size_t count)
{
    struct hook *old = hooks->hooks, **last = &hooks->hooks;
    bool had_any = old != NULL;
    hooks->hooks = NULL;
    for (size_t i = 0; i < count; i++) {
        struct hook **at = &old;
        while (*at != NULL && strcmp((*at)->conf.name, confs[i].name) != 0) {
            at = &(*at)->next;
        }
        struct hook *hook = *at;
        if (hook != NULL) {
            *at = hook->next;
        } else {
            hook = memory_alloc(sizeof *hook);
        }
        configure(hook, &confs[i]);
        hook->next = NULL;
        *last = hook;
        last = &hook->next;
    }
    while (old != NULL) {
        struct hook *hook = old;
        old = hook->next;
        free_hook(hook);
    }
    if (!hooks->has_begun) {
        stream_reader_init_at(&hooks->reader, hooks->reader.stream, 1);
    } else if (!had_any) {
        stream_reader_init(&hooks->reader, hooks->reader.stream);
    }
    hooks->has_begun = true;
    bell_listen(hooks->bell, hooks->hooks != NULL);
    if (hooks->hooks != NULL) {
        event_add(hooks->more, &at_once);
    }
}

void hooks_leave(struct hooks *hooks)
{
    hooks->has_left = true;
}

bool hooks_are_idle(const struct hooks *hooks)
{
    for (const struct hook *hook = hooks->hooks; hook != NULL; hook = hook->next) {
        if (hook->running != 0 || hook->queue.count != 0) {
            return false;
        }
    }
    return true;
}

/* ---- life ---- */

struct hooks *hooks_open(const struct hooks_options *options)
{
    struct hooks *hooks = memory_alloc(sizeof *hooks);
    hooks->base = options->base;
    hooks->bell = options->bell;
    hooks->reader.stream = options->stream;
    clock_init(&hooks->clock);
    runner_init(&hooks->runner, options->program);
    hooks->rung = event_new(options->base, options->bell->fd, EV_READ | EV_PERSIST, on_rung, hooks);
    hooks->more = evtimer_new(options->base, on_more, hooks);
    if (hooks->rung == NULL || hooks->more == NULL || event_add(hooks->rung, NULL) != 0) {
        hooks_close(hooks);
        return NULL;
    }
    return hooks;
}

void hooks_close(struct hooks *hooks)
{
    if (hooks == NULL) {
        return;
    }
    bell_listen(hooks->bell, false);
    while (hooks->hooks != NULL) {
        struct hook *hook = hooks->hooks;
        hooks->hooks = hook->next;
        free_hook(hook);
    }
    if (hooks->rung != NULL) {
        event_free(hooks->rung);
    }
    if (hooks->more != NULL) {
        event_free(hooks->more);
    }
    runner_fini(&hooks->runner);
    free(hooks);
}

/* ---- looking ---- */

size_t hooks_count(const struct hooks *hooks)
{
    size_t count = 0;
    for (const struct hook *hook = hooks->hooks; hook != NULL; hook = hook->next) {
        count++;
    }
    return count;
}

void hooks_get(const struct hooks *hooks, size_t i, struct hooks_status *status)
{
    const struct hook *hook = hooks->hooks;
    while (i-- != 0) {
        hook = hook->next;
    }
    *status = (struct hooks_status){.conf = &hook->conf,
                                    .running = hook->running,
                                    .waiting = hook->queue.count,
                                    .dropped = hook->dropped};
    memcpy(status->outcomes, hook->outcomes, sizeof status->outcomes);
    while (status->past_count < HOOKS_HISTORY && status->past_count < hook->past_count) {
        size_t at = (hook->past_count - 1 - status->past_count) % HOOKS_HISTORY;
        status->past[status->past_count++] = &hook->past[at];
    }
}
