/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/journal: a page is made on a worker. One that is to `wait` is made when the journal has something
 * behind its cursor, when its time is over, or when the store is closed for another process; until then it
 * costs a request that is deferred and a watch, and no thread. Who waits cannot make room for others, so
 * there is a bound to how many do. */
#include "config.h"

#include "admin/follow.h"

#include "admin/call.h"
#include "admin/connection.h"
#include "admin/query.h"
#include "base/error.h"
#include "base/memory.h"

#include <event2/event.h>
#include <stdlib.h>

enum { FOLLOWERS_MAX = CONNECTION_MAX / 4 };

struct follow {
    struct follow *next;
    struct admin *admin;
    struct route route;
    struct arena *arena; /* of the route */
    struct call_pending *pending;
    struct event *timer;
    void *watch; /* NULL: none any more */
};

static void make_page(struct call *call)
{
    call_work(call, ADMIN_QUICK, "journal", handle_journal);
}

/* Not to be used any more; returns whether it is to be answered. */
static bool end(struct follow *follow, struct call *call)
{
    struct follow **at = &follow->admin->follows;
    while (*at != follow) {
        at = &(*at)->next;
    }
    *at = follow->next;
    follow->admin->follow_count--;
    if (follow->watch != NULL) {
        follow->admin->verbs.unwatch_journal(follow->watch);
    }
    event_free(follow->timer);
    bool is_there = call_resume(follow->pending, call);
    if (is_there) {
        call_finish(call);
        call->route = follow->route;
        call->arena = follow->arena;
        problem_init(&call->problem, call->arena);
    } else {
        arena_free(follow->arena);
    }
    free(follow);
    return is_there;
}

static void answer(struct follow *follow)
{
    struct call call;
    if (end(follow, &call)) {
        if (caller_find_again(&call)) { /* it has waited, and its token may be gone */
            make_page(&call);
        } else {
            call_reply_problem(&call);
        }
        call_finish(&call);
    }
}

static void on_news(void *argument, int error, const char *why)
{
    struct follow *follow = argument;
    struct call call;
    follow->watch = NULL;
    if (error == 0 || error == ERROR_CANCELLED) {
        answer(follow);
    } else if (end(follow, &call)) {
        bool is_other = error == ERROR_NOT_FOUND || error == ERROR_CONFLICT;
        problem_set(&call.problem, is_other ? PROBLEM_CONFLICT : PROBLEM_NO_JOURNAL, "%s", why);
        call_reply_problem(&call);
        call_finish(&call);
    }
}

static void on_time(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    answer(argument);
}

/* In a turn of its own: the connection is being taken apart. */
static void on_left(void *argument)
{
    const struct follow *follow = argument;
    event_active(follow->timer, EV_TIMEOUT, 1);
}

static void wait_for(struct call *call, const struct admin_journal *journal)
{
    struct admin *admin = call->admin;
    struct follow *follow = memory_alloc(sizeof *follow);
    const struct timeval time = {.tv_sec = journal->wait_ms / 1000,
                                 .tv_usec = journal->wait_ms % 1000 * 1000};
    *follow =
        (struct follow){.next = admin->follows, .admin = admin, .route = call->route, .arena = call->arena};
    follow->timer = evtimer_new(admin->base, on_time, follow);
    follow->watch = follow->timer == NULL
                        ? NULL
                        : admin->verbs.watch_journal(admin->verbs.context, journal, on_news, follow);
    if (follow->watch == NULL || event_add(follow->timer, &time) != 0) { /* the page says what is wrong */
        if (follow->watch != NULL) {
            admin->verbs.unwatch_journal(follow->watch);
        }
        if (follow->timer != NULL) {
            event_free(follow->timer);
        }
        free(follow);
        make_page(call);
        return;
    }
    admin->follows = follow;
    admin->follow_count++;
    follow->pending = call_defer(call);
    call_watch(follow->pending, on_left, follow);
    call->arena = NULL; /* it goes with what waits */
}

void handle_pages(struct call *call)
{
    struct admin_journal journal;
    if (call->route.parameters[ROUTE_WAIT] == NULL) {
        make_page(call);
    } else if (query_parse_journal(&call->route, clock_wall_ms(&call->admin->clock), &journal,
                                   &call->problem) != 0) {
        call_reply_problem(call);
    } else if (call->admin->follow_count == FOLLOWERS_MAX) {
        problem_set(&call->problem, PROBLEM_BUSY, "%d requests wait for entries already; ask without wait",
                    FOLLOWERS_MAX);
        call_reply_problem(call);
    } else {
        wait_for(call, &journal);
    }
}

void follow_send_home(struct admin *admin)
{
    while (admin->follows != NULL) {
        answer(admin->follows);
    }
}

void follow_drop_all(struct admin *admin) /* after call_drop_all(): there is nobody to be answered */
{
    struct call call;
    while (admin->follows != NULL) {
        (void)end(admin->follows, &call); /* NOLINT(clang-analyzer-unix.Malloc): off the list */
    }
}
