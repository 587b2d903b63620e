/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See opening.h. Endpoints are looked at one after the other, each until it has been heard of, so that the
 * whole wait costs one look at each, however often the timer comes. A reload meanwhile begins anew, with all
 * endpoints: which of them its policies use is not worth a walk through all of these. */
#include "config.h"

#include "daemon/opening.h"

#include "daemon/activated.h"
#include "daemon/clustered.h"
#include "daemon/server.h"
#include "daemon/spawn.h"
#include "daemon/withdrawal.h"
#include "base/addr.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "steer/steer.h"
#include "view/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    HEAD_MS = 500,
    TICK_US = 5000,
    TURN = 64,       /* endpoints per turn at the health lock */
    TICK_TURNS = 64, /* per call of the timer */
    WORD_BITS = 64,
};

struct opening {
    struct event *timer;
    int (*answer)(struct server *server);
    uint64_t generation; /* of the view that `used` and `at` are of */
    uint64_t *used;      /* a bit per endpoint; NULL: all of them */
    uint32_t at;         /* all before have been heard of */
    int64_t begun_ms, until_ms;
    bool is_checked; /* nothing more is waited for of the checks */
};

static void note_used(struct opening *opening, const struct view *view)
{
    const struct steer_policy *const *policies = steer_set_policies(view->steer);
    size_t count = steer_set_count(view->steer), words = view->topology->endpoint_count / WORD_BITS + 1;
    opening->used = memory_alloc_array(words, sizeof *opening->used);
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < policies[i]->member_count; m++) {
            uint32_t endpoint = policies[i]->members[m].endpoint;
            opening->used[endpoint / WORD_BITS] |= UINT64_C(1) << (endpoint % WORD_BITS);
        }
    }
}

static bool is_used(const struct opening *opening, uint32_t endpoint)
{
    return opening->used == NULL || (opening->used[endpoint / WORD_BITS] >> (endpoint % WORD_BITS) & 1) != 0;
}

/* For the first time. */
static bool is_looked_up(const struct view_host *host)
{
    return host->loop == NULL &&
           (host->told[VIEW_V4].state == VIEW_HOST_PENDING || host->told[VIEW_V6].state == VIEW_HOST_PENDING);
}

/* Of a host name the first lookup has to have ended, too. */
static bool is_heard_of(const struct view *view, uint32_t endpoint)
{
    size_t count, first = view_find_monitors(view, endpoint, &count);
    const struct conf_host *host = view->topology->endpoints[endpoint].host;
    if (count != 0 && host != NULL && is_looked_up(&view->hosts[host->index])) {
        return false;
    }
    for (size_t m = first; m < first + count; m++) {
        struct health_monitor_status status;
        bool is_made = view->topology->checks[view->monitors[m].check].type != CONF_CHECK_PUSH;
        if (is_made && health_get_monitor(view->health, (uint32_t)m, &status) == 0 && !status.idle &&
            status.outcome == HEALTH_OUTCOME_NONE) {
            return false;
        }
    }
    return true;
}

/* Returns whether there is more to pass. */
static bool pass_some(struct opening *opening, const struct view *view)
{
    uint32_t count = view->topology->endpoint_count, end = opening->at + TURN;
    for (; opening->at < count && opening->at < end; opening->at++) {
        if (is_used(opening, opening->at) && !is_heard_of(view, opening->at)) {
            return false;
        }
    }
    return opening->at < count;
}

/* Has everybody been heard of? */
static bool is_enough(struct server *server)
{
    struct opening *opening = server->opening;
    const struct view *view = server->view; /* this thread is the one that exchanges it */
    if (view->topology == NULL) {
        return true;
    }
    if (view->generation != opening->generation) {
        opening->generation = view->generation;
        opening->at = 0;
        free(opening->used);
        opening->used = NULL;
    }
    bool more = true;
    for (unsigned turn = 0; more && turn < TICK_TURNS; turn++) {
        lock_take(&server->lock);
        more = pass_some(opening, view);
        lock_leave(&server->lock);
    }
    return opening->at >= view->topology->endpoint_count;
}

static uint32_t count_missing(struct server *server)
{
    const struct view *view = server->view;
    uint32_t missing = 0;
    for (uint32_t i = server->opening->at; i < view->topology->endpoint_count; i++) {
        if (i % TURN == 0) {
            lock_pass(&server->lock);
        }
        missing += is_used(server->opening, i) && !is_heard_of(view, i);
    }
    return missing;
}

/* Nobody is told of a wait that did not have to be. */
static void say_late(struct server *server)
{
    lock_take(&server->lock);
    uint32_t missing = count_missing(server);
    lock_leave(&server->lock);
    log_warning(
        "start waited duration_ms=%lld unknown=%u why=\"the first checks of these endpoints have not ended; "
        "they are served\"",
        (long long)(clock_now_ms(&server->clock) - server->opening->begun_ms), missing);
}

/* Answer, for better or worse. */
static void end_wait(struct server *server)
{
    int (*answer)(struct server * server) = server->opening->answer;
    opening_end(server);
    server->start_error = answer(server);
    if (server->start_error != 0) {
        event_base_loopbreak(server->base);
    }
}

/* What was ordered while this node was down is in etcd; but a lost etcd keeps nobody from answering. */
static bool has_head(const struct server *server, int64_t now_ms)
{
    const struct opening *opening = server->opening;
    if (!clustered_is_behind(server->clustered)) {
        return true;
    }
    if (now_ms < opening->begun_ms + HEAD_MS) {
        return false;
    }
    log_warning("cluster not heard duration_ms=%lld why=\"etcd has not said in time what holds\" "
                "effect=\"this node answers by what its own store has\"",
                (long long)(now_ms - opening->begun_ms));
    return true;
}

/* Returns whether there is nothing more to wait for. */
static bool look(struct server *server)
{
    struct opening *opening = server->opening;
    int64_t now_ms = clock_now_ms(&server->clock);
    if (!opening->is_checked) {
        opening->is_checked = is_enough(server);
    }
    if (!opening->is_checked && now_ms >= opening->until_ms) {
        opening->is_checked = true;
        say_late(server);
    }
    return opening->is_checked && has_head(server, now_ms);
}

static void on_tick(evutil_socket_t fd, short events, void *context)
{
    struct server *server = context;
    (void)fd;
    (void)events;
    if (look(server)) {
        end_wait(server);
    }
}

int opening_begin(struct server *server, int (*answer)(struct server *server))
{
    const struct view *view = server->view;
    struct opening *opening = memory_alloc(sizeof *opening);
    opening->answer = answer;
    opening->generation = view->generation;
    opening->begun_ms = clock_now_ms(&server->clock);
    opening->until_ms = opening->begun_ms + view->server->start_wait_ms;
    opening->is_checked = view->server->start_wait_ms == 0 || view->topology == NULL;
    if (!opening->is_checked) {
        note_used(opening, view);
    }
    server->opening = opening;
    if (look(server)) {
        opening_end(server);
        return answer(server);
    }
    opening->timer = event_new(server->base, -1, EV_PERSIST, on_tick, server);
    const struct timeval tick = {.tv_usec = TICK_US};
    if (opening->timer == NULL || event_add(opening->timer, &tick) != 0) {
        opening_end(server);
        return -ENOMEM;
    }
    return 0;
}

void opening_end(struct server *server)
{
    struct opening *opening = server->opening;
    if (opening == NULL) {
        return;
    }
    if (opening->timer != NULL) {
        event_free(opening->timer);
    }
    free(opening->used);
    free(opening);
    server->opening = NULL;
}

void opening_say_ready(struct server *server)
{
    struct buffer list;
    char text[ADDR_TEXT_SIZE];
    buffer_init(&list);
    for (size_t i = 0; i < server->serve_options.listen_count; i++) {
        buffer_print(&list, "%s%s", i == 0 ? "" : ",",
                     addr_write_port(serve_get_address(server->serve, i), text));
    }
    log_info("steerd answers queries version=" PACKAGE_VERSION
             " on=%s zones=%zu steered_names=%zu endpoints=%zu threads=%u admin=%s",
             list.bytes, server->view->zone_count, server->view->name_count,
             server->view->topology == NULL ? 0 : server->view->topology->endpoint_count,
             server->serve_options.threads,
             server->admin == NULL ? "none" : server->view->server->admin_socket);
    buffer_fini(&list);
    withdrawal_settle(server->withdrawal);
}

void opening_tell_supervisor(struct server *server)
{
    spawn_tell_supervisor("READY=1\nMAINPID=%ld", (long)getpid());
    activated_begin(server->activated, server);
}
