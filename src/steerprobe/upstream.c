/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See upstream.h. From the attempt to the end of a connection; what is said in it is in session.c. Whatever
 * goes wrong ends the connection with a reason, which is said once in the log as long as it is the same, and
 * leads to the next attempt. */
#include "config.h"

#include "steerprobe/upstream.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/memory.h"
#include "steerprobe/lookup.h"
#include "steerprobe/pause.h"
#include "steerprobe/session.h"

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

struct upstream {
    const struct world *world;
    size_t slot;
    struct enrolment enrolment;
    char server[STATE_PLACE_SIZE];
    struct tls_context *context;
    struct random random;
    struct pause pause;
    enum upstream_state state;
    struct lookup *lookup;
    struct addr_port addresses[LOOKUP_MAX];
    size_t address_count, address_next;
    int fd;
    struct event *io, *timer;
    struct session *session;
    char why[FLEET_WHY_SIZE], logged[FLEET_WHY_SIZE];
    int64_t since_ms;
    uint64_t connections, attempts, told;
};

const char *upstream_state_text(enum upstream_state state)
{
    static const char *const texts[] = {"waiting", "looking_up", "connecting", "greeting", "connected"};
    return texts[state];
}

static void connect_next(struct upstream *upstream);

/* ---- timers ---- */

static void set_timer(struct upstream *upstream, uint32_t ms)
{
    const struct timeval after = {.tv_sec = ms / MS, .tv_usec = (suseconds_t)(ms % MS) * MS};
    (void)evtimer_add(upstream->timer, &after);
}

/* ---- ends ---- */

static void close_socket(struct upstream *upstream)
{
    if (upstream->session != NULL) {
        upstream->told += session_count_told(upstream->session);
        session_close(upstream->session);
        upstream->session = NULL;
    }
    if (upstream->io != NULL) {
        event_free(upstream->io);
        upstream->io = NULL;
    }
    if (upstream->fd != -1) {
        close(upstream->fd);
        upstream->fd = -1;
    }
}

static void log_end(struct upstream *upstream, bool was_connected, uint32_t pause_ms)
{
    if (was_connected) {
        log_warning("server lost server=%s why=%s again_in_ms=%u checks=\"go on\"", upstream->server,
                    upstream->why, pause_ms);
    } else if (strcmp(upstream->why, upstream->logged) != 0) {
        log_warning("server not reached server=%s why=%s again_in_ms=%u", upstream->server, upstream->why,
                    pause_ms);
    }
    snprintf(upstream->logged, sizeof upstream->logged, "%s", upstream->why);
}

/* Until the next attempt. */
static void fail(struct upstream *upstream, const char *why)
{
    bool was_connected = upstream->state == UPSTREAM_CONNECTED;
    if (why != upstream->why) {
        snprintf(upstream->why, sizeof upstream->why, "%s", why);
    }
    close_socket(upstream);
    if (was_connected) {
        upstream->since_ms = clock_now_ms(upstream->world->clock);
    }
    uint32_t pause_ms = pause_next(&upstream->pause, &upstream->random);
    upstream->state = UPSTREAM_WAITING;
    set_timer(upstream, pause_ms);
    log_end(upstream, was_connected, pause_ms);
}

/* ---- a connection ---- */

static void watch_socket(struct upstream *upstream, short events, event_callback_fn on_ready)
{
    if (upstream->io != NULL && (event_get_events(upstream->io) & (EV_READ | EV_WRITE)) == events &&
        event_get_callback(upstream->io) == on_ready) {
        return;
    }
    if (upstream->io != NULL) {
        event_free(upstream->io);
    }
    upstream->io =
        event_new(upstream->world->base, upstream->fd, (short)(events | EV_PERSIST), on_ready, upstream);
    if (upstream->io == NULL || event_add(upstream->io, NULL) != 0) {
        log_error("server cannot be waited for server=%s", upstream->server);
    }
}

static void on_ready(int fd, short events, void *argument);

static void go_on(struct upstream *upstream)
{
    enum session_state state = session_go_on(upstream->session);
    if (state == SESSION_ENDED) {
        fail(upstream, session_why(upstream->session));
        return;
    }
    if (state == SESSION_CONNECTED && upstream->state == UPSTREAM_GREETING) {
        upstream->state = UPSTREAM_CONNECTED;
        upstream->since_ms = clock_now_ms(upstream->world->clock);
        upstream->connections++;
        upstream->why[0] = upstream->logged[0] = '\0';
        pause_reset(&upstream->pause);
        log_info("server connected server=%s calls_itself=%s name=%s", upstream->server,
                 session_server(upstream->session), upstream->enrolment.name);
        set_timer(upstream, session_beat_ms(upstream->session));
    }
    if (session_has_more(upstream->session)) { /* what came already wakes nobody */
        watch_socket(upstream, EV_READ, on_ready);
        event_active(upstream->io, EV_READ, 0);
        return;
    }
    unsigned wants = session_wants(upstream->session);
    watch_socket(upstream,
                 (short)(((wants & FLEET_WANTS_READ) != 0 ? EV_READ : 0) |
                         ((wants & FLEET_WANTS_WRITE) != 0 ? EV_WRITE : 0)),
                 on_ready);
}

static void on_ready(int fd, short events, void *argument)
{
    (void)fd, (void)events;
    go_on(argument);
}

static void greet(struct upstream *upstream)
{
    const struct session_plan plan = {.world = upstream->world,
                                      .slot = upstream->slot,
                                      .server = upstream->server,
                                      .enrolment = &upstream->enrolment,
                                      .context = upstream->context,
                                      .fd = upstream->fd,
                                      .number = random_next(&upstream->random)};
    upstream->session = session_open(&plan);
    if (upstream->session == NULL) {
        fail(upstream, "there is no memory for TLS");
        return;
    }
    upstream->state = UPSTREAM_GREETING;
    set_timer(upstream, GREET_MS);
    go_on(upstream);
}

static void on_connected(int fd, short events, void *argument)
{
    struct upstream *upstream = argument;
    int error = 0;
    socklen_t len = sizeof error;
    (void)events;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
        error = errno;
    }
    if (error == 0) {
        greet(upstream);
    } else {
        snprintf(upstream->why, sizeof upstream->why, "%s", strerror(error));
        connect_next(upstream);
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
static void connect_next(struct upstream *upstream)
{
    close_socket(upstream);
    while (upstream->address_next < upstream->address_count) {
        upstream->fd = open_socket(&upstream->addresses[upstream->address_next++]);
        if (upstream->fd != -1) {
            upstream->state = UPSTREAM_CONNECTING;
            watch_socket(upstream, EV_WRITE, on_connected);
            set_timer(upstream, CONNECT_MS);
            return;
        }
        snprintf(upstream->why, sizeof upstream->why, "%s", strerror(errno));
    }
    fail(upstream, upstream->why);
}

static void on_found(void *context, const struct addr_port *addresses, size_t count, const char *why)
{
    struct upstream *upstream = context;
    upstream->lookup = NULL;
    if (count == 0 && upstream->address_count == 0) {
        snprintf(upstream->why, sizeof upstream->why, "its name cannot be looked up: %s", why);
        fail(upstream, upstream->why);
        return;
    }
    if (count != 0) { /* else it is sought where it was */
        memcpy(upstream->addresses, addresses, count * sizeof *addresses);
        upstream->address_count = count;
    }
    upstream->address_next = 0;
    connect_next(upstream);
}

static void attempt(struct upstream *upstream)
{
    const struct lookup_hooks hooks = {.context = upstream, .found = on_found};
    upstream->attempts++;
    upstream->state = UPSTREAM_LOOKING_UP;
    upstream->lookup = lookup_start(upstream->world->base, &upstream->enrolment.place, &hooks);
    if (upstream->lookup == NULL) {
        fail(upstream, "there is no thread to look up its name");
    }
}

static void on_time(int fd, short events, void *argument)
{
    struct upstream *upstream = argument;
    (void)fd, (void)events;
    switch (upstream->state) {
    case UPSTREAM_WAITING: attempt(upstream); break;
    case UPSTREAM_LOOKING_UP: break; /* the system's resolver knows when to give up */
    case UPSTREAM_CONNECTING:
        snprintf(upstream->why, sizeof upstream->why, "%s", strerror(ETIMEDOUT));
        connect_next(upstream);
        break;
    case UPSTREAM_GREETING: fail(upstream, "it does not greet in time"); break;
    case UPSTREAM_CONNECTED:
        set_timer(upstream, session_beat_ms(upstream->session));
        session_beat(upstream->session);
        go_on(upstream);
        break;
    }
}

/* ---- from outside ---- */

void upstream_tell(struct upstream *upstream)
{
    if (upstream->state == UPSTREAM_CONNECTED) {
        session_tell(upstream->session);
        go_on(upstream);
    }
}

bool upstream_say(struct upstream *upstream, uint64_t session, const struct fleet_message *message)
{
    if (upstream->session == NULL || session_number(upstream->session) != session) {
        return false;
    }
    session_say(upstream->session, message);
    go_on(upstream);
    return true;
}

static uint32_t find_round_trip(int fd)
{
    struct tcp_info info = {.tcpi_rtt = 0};
    socklen_t len = sizeof info;
    return fd != -1 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_rtt : 0;
}

void upstream_get_status(const struct upstream *upstream, struct upstream_status *status)
{
    struct crew *crew = upstream->world->crew;
    const struct assignment *list = crew_get(crew, upstream->slot);
    const struct session *session = upstream->session;
    *status = (struct upstream_status){.state = upstream->state,
                                       .server = upstream->server,
                                       .name = upstream->enrolment.name,
                                       .says_to_be = session == NULL ? "" : session_server(session),
                                       .why = upstream->why,
                                       .declined = session == NULL ? "" : session_declined(session),
                                       .since_ms = upstream->since_ms,
                                       .heard_ms = session == NULL ? 0 : session_heard_ms(session),
                                       .connections = upstream->connections,
                                       .attempts = upstream->attempts,
                                       .told = upstream->told,
                                       .round_trip_us = find_round_trip(upstream->fd),
                                       .has_list = list != NULL};
    status->told += session == NULL ? 0 : session_count_told(session);
    if (list != NULL) {
        status->generation = assignment_generation(list);
        status->targets = assignment_count(list);
        status->checks = assignment_count_checks(list);
        (void)assignment_refused(list, &status->refused);
        status->counts = crew_sum_up(crew, upstream->slot);
    }
}

const struct enrolment *upstream_get_enrolment(const struct upstream *upstream)
{
    return &upstream->enrolment;
}

/* ---- life ---- */

static struct tls_context *make_context(const struct enrolment *enrolment, const char **why)
{
    char said[TLS_WHY_SIZE];
    enum tls_part part;
    const struct tls_plan plan = {.use = TLS_USE_PINNED_CLIENT,
                                  .certificate = {enrolment->certificate, strlen(enrolment->certificate)},
                                  .key = {enrolment->key, strlen(enrolment->key)}};
    struct tls_context *context = tls_context_new(&plan, &part, said);
    *why = context != NULL        ? NULL
           : part == TLS_PART_KEY ? "its key is none, or not that of its certificate"
                                  : "its certificate is none";
    return context;
}

struct upstream *upstream_open(const struct world *world, size_t slot, struct enrolment *enrolment,
                               const char **why)
{
    struct upstream *upstream = memory_alloc(sizeof *upstream);
    *upstream = (struct upstream){.world = world, .slot = slot, .enrolment = *enrolment, .fd = -1};
    *enrolment = (struct enrolment){.name = NULL};
    (void)state_write_place(&upstream->enrolment.place, upstream->server);
    random_init(&upstream->random, random_seed());
    upstream->since_ms = clock_now_ms(world->clock);
    upstream->context = make_context(&upstream->enrolment, why);
    upstream->timer = evtimer_new(world->base, on_time, upstream);
    if (upstream->context == NULL || upstream->timer == NULL) {
        upstream_close(upstream);
        return NULL;
    }
    attempt(upstream);
    return upstream;
}

void upstream_close(struct upstream *upstream)
{
    if (upstream == NULL) {
        return;
    }
    close_socket(upstream);
    lookup_cancel(upstream->lookup);
    if (crew_get(upstream->world->crew, upstream->slot) != NULL) {
        crew_assign(upstream->world->crew, upstream->slot, NULL, NULL, 0);
    }
    crew_limit(upstream->world->crew, upstream->slot, NULL);
    (void)wall_note(upstream->world->wall, upstream->slot, 0, clock_offset_ms(upstream->world->clock));
    if (upstream->timer != NULL) {
        event_free(upstream->timer);
    }
    tls_context_drop(upstream->context);
    state_fini_enrolment(&upstream->enrolment);
    free(upstream);
}
