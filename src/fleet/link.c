/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See link.h. From the attempt to the end of a connection; what is said in it is in client.c. */
#include "config.h"

#include "fleet/link.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "fleet/pause.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    CONNECT_MS = 3000, /* for each address */
    GREET_MS = 10000,
    MS = 1000,
};

struct fleet_link {
    struct fleet_link_plan plan;
    struct random random;
    struct pause pause;
    enum fleet_link_state state;
    struct addr_port addresses[FLEET_PLACES_MAX];
    size_t address_count, address_next;
    int fd;
    struct event *io, *timer;
    struct fleet_client *client;
    uint64_t connection;
    char why[FLEET_WHY_SIZE], said[FLEET_WHY_SIZE]; /* said: by the hook */
    int64_t since_ms;
    uint64_t connections, attempts, told;
};

const char *fleet_link_state_text(enum fleet_link_state state)
{
    static const char *const texts[] = {"waiting", "looking_up", "connecting", "greeting", "connected"};
    return texts[state];
}

static void connect_next(struct fleet_link *link);

static void set_timer(struct fleet_link *link, uint32_t ms)
{
    const struct timeval after = {.tv_sec = ms / MS, .tv_usec = (suseconds_t)(ms % MS) * MS};
    (void)evtimer_add(link->timer, &after);
}

/* ---- ends ---- */

static void close_socket(struct fleet_link *link)
{
    if (link->client != NULL) {
        link->told += fleet_client_count_told(link->client);
        fleet_client_close(link->client);
        link->client = NULL;
    }
    if (link->io != NULL) {
        event_free(link->io);
        link->io = NULL;
    }
    if (link->fd != -1) {
        close(link->fd);
        link->fd = -1;
    }
}

/* Until the next attempt. */
static void fail(struct fleet_link *link, const char *why)
{
    bool was_connected = link->state == FLEET_LINK_CONNECTED;
    if (why != link->why) {
        snprintf(link->why, sizeof link->why, "%s", why);
    }
    close_socket(link);
    if (was_connected) {
        link->since_ms = clock_now_ms(link->plan.clock);
    }
    struct fleet_link_end end = {.why = link->why,
                                 .was_connected = was_connected,
                                 .is_new = strcmp(link->why, link->said) != 0,
                                 .pause_ms = pause_next(&link->pause, &link->random)};
    link->state = FLEET_LINK_WAITING;
    set_timer(link, end.pause_ms);
    snprintf(link->said, sizeof link->said, "%s", link->why);
    link->plan.hooks.ended(link->plan.hooks.context, &end);
}

/* ---- a connection ---- */

static void watch_socket(struct fleet_link *link, short events, event_callback_fn on_ready)
{
    if (link->io != NULL && (event_get_events(link->io) & (EV_READ | EV_WRITE)) == events &&
        event_get_callback(link->io) == on_ready) {
        return;
    }
    if (link->io != NULL) {
        event_free(link->io);
    }
    link->io = event_new(link->plan.base, link->fd, (short)(events | EV_PERSIST), on_ready, link);
    if (link->io == NULL || event_add(link->io, NULL) != 0) {
        log_error("a server cannot be waited for name=%s", link->plan.name);
    }
}

static void on_ready(int fd, short events, void *argument);

static void go_on(struct fleet_link *link)
{
    enum fleet_client_state state = fleet_client_go_on(link->client);
    if (state == FLEET_CLIENT_ENDED) {
        snprintf(link->why, sizeof link->why, "%s", fleet_client_why(link->client));
        fail(link, link->why);
        return;
    }
    if (state == FLEET_CLIENT_CONNECTED && link->state == FLEET_LINK_GREETING) {
        link->state = FLEET_LINK_CONNECTED;
        link->since_ms = clock_now_ms(link->plan.clock);
        link->connections++;
        link->why[0] = link->said[0] = '\0';
        pause_reset(&link->pause);
        set_timer(link, fleet_client_beat_ms(link->client));
        link->plan.hooks.connected(link->plan.hooks.context);
    }
    if (fleet_client_has_more(link->client)) { /* what came already wakes nobody */
        watch_socket(link, EV_READ, on_ready);
        event_active(link->io, EV_READ, 0);
        return;
    }
    unsigned wants = fleet_client_wants(link->client);
    watch_socket(link,
                 (short)(((wants & FLEET_WANTS_READ) != 0 ? EV_READ : 0) |
                         ((wants & FLEET_WANTS_WRITE) != 0 ? EV_WRITE : 0)),
                 on_ready);
}

static void on_ready(int fd, short events, void *argument)
{
    (void)fd, (void)events;
    go_on(argument);
}

static void greet(struct fleet_link *link)
{
    const struct fleet_client_plan plan = {.clock = link->plan.clock,
                                           .name = link->plan.name,
                                           .run = link->plan.run,
                                           .fingerprint = link->plan.fingerprint,
                                           .hooks = &link->plan.list};
    link->connection = random_next(&link->random);
    link->client = fleet_client_open(&plan, link->plan.context, link->fd);
    if (link->client == NULL) {
        fail(link, "there is no memory for TLS");
        return;
    }
    link->state = FLEET_LINK_GREETING;
    set_timer(link, GREET_MS);
    go_on(link);
}

static void on_connected(int fd, short events, void *argument)
{
    struct fleet_link *link = argument;
    int error = 0;
    socklen_t len = sizeof error;
    (void)events;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
        error = errno;
    }
    if (error == 0) {
        greet(link);
    } else {
        snprintf(link->why, sizeof link->why, "%s", strerror(error));
        connect_next(link);
    }
}

static int open_socket(const struct addr_port *at)
{
    struct sockaddr_storage to;
    const int yes = 1;
    socklen_t len = addr_to_sockaddr(at, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* a change is told at once */
    if (connect(fd, (struct sockaddr *)&to, len) == -1 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* The next of its addresses; when none is left, the reason of the last one counts. */
static void connect_next(struct fleet_link *link)
{
    close_socket(link);
    while (link->address_next < link->address_count) {
        link->fd = open_socket(&link->addresses[link->address_next++]);
        if (link->fd != -1) {
            link->state = FLEET_LINK_CONNECTING;
            watch_socket(link, EV_WRITE, on_connected);
            set_timer(link, CONNECT_MS);
            return;
        }
        snprintf(link->why, sizeof link->why, "%s", strerror(errno));
    }
    fail(link, link->why);
}

void fleet_link_found(struct fleet_link *link, const struct addr_port *addresses, size_t count,
                      const char *why)
{
    if (count == 0 && link->address_count == 0) {
        fail(link, why);
        return;
    }
    if (count != 0) { /* else it is sought where it was */
        count = count < FLEET_PLACES_MAX ? count : FLEET_PLACES_MAX;
        memcpy(link->addresses, addresses, count * sizeof *addresses);
        link->address_count = count;
    }
    link->address_next = 0;
    connect_next(link);
}

static void attempt(struct fleet_link *link)
{
    link->attempts++;
    link->state = FLEET_LINK_LOOKING_UP;
    link->plan.hooks.find(link->plan.hooks.context);
}

static void on_time(int fd, short events, void *argument)
{
    struct fleet_link *link = argument;
    (void)fd, (void)events;
    switch (link->state) {
    case FLEET_LINK_WAITING: attempt(link); break;
    case FLEET_LINK_LOOKING_UP: break; /* who looks knows when to give up */
    case FLEET_LINK_CONNECTING:
        snprintf(link->why, sizeof link->why, "%s", strerror(ETIMEDOUT));
        connect_next(link);
        break;
    case FLEET_LINK_GREETING: fail(link, "it does not greet in time"); break;
    case FLEET_LINK_CONNECTED:
        set_timer(link, fleet_client_beat_ms(link->client));
        fleet_client_beat(link->client);
        go_on(link);
        break;
    }
}

/* ---- from outside ---- */

void fleet_link_tell(struct fleet_link *link)
{
    if (link->state == FLEET_LINK_CONNECTED) {
        fleet_client_tell(link->client);
        go_on(link);
    }
}

bool fleet_link_say(struct fleet_link *link, uint64_t connection, const struct fleet_message *message)
{
    if (link->client == NULL || link->connection != connection) {
        return false;
    }
    bool fits = fleet_client_say(link->client, message);
    go_on(link);
    return fits;
}

bool fleet_link_answer(struct fleet_link *link, const struct fleet_message *message)
{
    return link->client != NULL && fleet_client_say(link->client, message);
}

void fleet_link_refuse_run(struct fleet_link *link, uint32_t id, const char *why)
{
    (void)fleet_link_answer(
        link,
        &(struct fleet_message){.kind = FLEET_TRACE, .trace = {.id = id, .step = "refused", .text = why}});
    (void)fleet_link_answer(
        link,
        &(struct fleet_message){.kind = FLEET_RAN, .ran = {.id = id, .outcome = HEALTH_OUTCOME_LOCAL_ERROR}});
}

uint64_t fleet_link_connection(const struct fleet_link *link)
{
    return link->connection;
}

uint32_t fleet_link_expires_ms(const struct fleet_link *link)
{
    return link->client == NULL ? 0 : fleet_client_expires_ms(link->client);
}

static uint32_t find_round_trip(int fd)
{
    struct tcp_info info = {.tcpi_rtt = 0};
    socklen_t len = sizeof info;
    return fd != -1 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_rtt : 0;
}

void fleet_link_get_status(const struct fleet_link *link, struct fleet_link_status *status)
{
    const struct fleet_client *client = link->client;
    *status = (struct fleet_link_status){.state = link->state,
                                         .says_to_be = client == NULL ? "" : fleet_client_server(client),
                                         .why = link->why,
                                         .declined = client == NULL ? "" : fleet_client_declined(client),
                                         .since_ms = link->since_ms,
                                         .heard_ms = client == NULL ? 0 : fleet_client_heard_ms(client),
                                         .connections = link->connections,
                                         .attempts = link->attempts,
                                         .told = link->told,
                                         .round_trip_us = find_round_trip(link->fd)};
    status->told += client == NULL ? 0 : fleet_client_count_told(client);
}

/* ---- life ---- */

struct fleet_link *fleet_link_open(const struct fleet_link_plan *plan)
{
    struct fleet_link *link = memory_alloc(sizeof *link);
    *link = (struct fleet_link){.plan = *plan, .fd = -1, .since_ms = clock_now_ms(plan->clock)};
    link->plan.context = tls_context_hold(plan->context);
    random_init(&link->random, random_seed());
    link->timer = evtimer_new(plan->base, on_time, link);
    if (link->timer == NULL) {
        fleet_link_close(link);
        return NULL;
    }
    set_timer(link, 0); /* hooks are called when the owner has the link */
    return link;
}

void fleet_link_close(struct fleet_link *link)
{
    if (link != NULL) {
        close_socket(link);
        if (link->timer != NULL) {
            event_free(link->timer);
        }
        tls_context_drop(link->plan.context);
        free(link);
    }
}
