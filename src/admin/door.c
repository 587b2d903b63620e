/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See door.h. That an address cannot be listened to holds up nothing: it is said once, and tried again. */
#include "config.h"

#include "admin/door.h"

#include "admin/call.h"
#include "admin/gate.h"
#include "admin/head.h"
#include "admin/peers.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "tls/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 65536,
    /* of all; what is too long for what is asked for is known when that is (admin.c) */
    BODY_MAX = BUNDLE_MANIFEST_MAX,
    IDLE_S = 60, /* of evhttp; our own deadline is shorter */
    BACKLOG = 512,
    ALL_METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                  EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH,
};

_Static_assert((int)BODY_MAX == (int)HEAD_BODY_MAX,
               "a client that sends Expect gets the same limit as others");

/* As of a refusal for other reasons: whoever looks for these finds it with them. */
static void on_refused(void *context, const struct connection_refusal *refusal)
{
    const struct door *door = context;
    const struct admin_verbs *verbs = &door->admin->verbs;
    char peer[HEALTH_PEER_SIZE];
    if (refusal->guest != NULL) {
        snprintf(peer, sizeof peer, "%s", refusal->guest->address);
    } else {
        peers_write(door->admin->peers, refusal->fd, peer, sizeof peer);
    }
    if (verbs->access.note_refusal != NULL) {
        verbs->access.note_refusal(
            verbs->context,
            &(struct admin_refusal){
                .cause = refusal->cause, .peer = peer, .method = "?", .resource = "?", .why = refusal->why});
    }
}

struct door *door_new(struct admin *admin, void (*on_request)(struct evhttp_request *request, void *door))
{
    struct door *door = memory_alloc(sizeof *door);
    *door = (struct door){.admin = admin, .http = evhttp_new(admin->base), .fd = -1};
    if (door->http == NULL || connection_set_init(&door->connections, admin->base) != 0) {
        door_free(door);
        return NULL;
    }
    door->connections.refused = on_refused;
    door->connections.context = door;
    evhttp_set_bevcb(door->http, connection_accept, &door->connections);
    evhttp_set_gencb(door->http, on_request, door);
    evhttp_set_allowed_methods(door->http, ALL_METHODS);
    evhttp_set_max_headers_size(door->http, HEADERS_MAX);
    evhttp_set_max_body_size(door->http, BODY_MAX);
    evhttp_set_timeout(door->http, IDLE_S);
    /* a body that is too long is read to its end, so that the client hears so instead of a reset */
    (void)evhttp_set_flags(door->http, EVHTTP_SERVER_LINGERING_CLOSE);
    return door;
}

int door_listen(struct door *door, int fd)
{
    enum { LISTENS_ALREADY = 0 };
    struct evconnlistener *listener = evconnlistener_new(
        door->admin->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, LISTENS_ALREADY, fd);
    if (listener == NULL) {
        close(fd);
        return ERROR_LIBRARY;
    }
    struct evhttp_bound_socket *bound = evhttp_bind_listener(door->http, listener);
    if (bound == NULL) {
        evconnlistener_free(listener);
        return ERROR_LIBRARY;
    }
    if (door->bound != NULL) {
        evhttp_del_accept_socket(door->http, door->bound);
    }
    door->bound = bound;
    door->fd = fd;
    connection_set_listener(&door->connections, listener);
    return 0;
}

void door_shut(struct door *door)
{
    door->is_closed = true;
    connection_set_listener(&door->connections, NULL);
    if (door->bound != NULL) {
        evhttp_del_accept_socket(door->http, door->bound); /* closes it */
        door->bound = NULL;
        door->fd = -1;
    }
    connection_set_send_home(&door->connections);
}

void door_free(struct door *door)
{
    if (door == NULL) {
        return;
    }
    connection_set_fini(&door->connections);
    if (door->http != NULL) {
        evhttp_free(door->http);
    }
    tls_context_drop(door->connections.shown);
    free(door);
}

/* ---- those from elsewhere ---- */

/* A listening socket, or -errno. */
static int listen_at(const struct addr_port *at)
{
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(at, &to);
    int on = 1, fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        (at->addr.family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == -1) ||
        bind(fd, (struct sockaddr *)&to, len) == -1 || listen(fd, BACKLOG) == -1) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static bool is_same(const struct addr_port *a, const struct addr_port *b)
{
    return addr_equal(&a->addr, &b->addr) && a->port == b->port;
}

/* One of the process before; -1: it had none there. */
static int take_inherited(const struct addr_port *at, int *inherited, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_storage bound;
        struct addr_port had;
        socklen_t len = sizeof bound;
        int fd = inherited[i];
        if (fd != -1 && getsockname(fd, (struct sockaddr *)&bound, &len) == 0) {
            addr_from_sockaddr((const struct sockaddr *)&bound, &had);
            if (is_same(&had, at)) {
                inherited[i] = -1;
                return fd;
            }
        }
    }
    return -1;
}

static void try_to_listen(struct door *door)
{
    char text[ADDR_TEXT_SIZE];
    if (door->bound != NULL || door->is_closed || door->connections.shown == NULL) {
        return;
    }
    int fd = listen_at(&door->at), error = fd < 0 ? fd : door_listen(door, fd);
    if (error != 0 && !door->is_lost) {
        log_error("admin listener failed address=%s error=\"%s\" effect=\"it is tried again\"",
                  addr_write_port(&door->at, text), error_text(error));
    } else if (error == 0) {
        log_info("admin listens address=%s", addr_write_port(&door->at, text));
    }
    door->is_lost = error != 0;
}

static void use_context(struct door *door, struct tls_context *context)
{
    char text[ADDR_TEXT_SIZE];
    if (context != NULL) {
        tls_context_drop(door->connections.shown);
        door->connections.shown = tls_context_hold(context);
    } else {
        log_error("admin certificate unusable address=%s effect=\"%s\"", addr_write_port(&door->at, text),
                  door->connections.shown == NULL ? "nobody can come there" : "the one before is shown");
    }
}

static struct door *find(struct admin *admin, const struct addr_port *at)
{
    for (struct door *door = admin->remotes; door != NULL; door = door->next) {
        if (!door->is_closed && is_same(&door->at, at)) {
            return door;
        }
    }
    return NULL;
}

static bool open_gates(struct admin *admin)
{
    const size_t max = (size_t)2 * CONF_DOORS_MAX * CONNECTION_REMOTE_MAX;
    admin->gate = admin->gate == NULL ? gate_open(max, false) : admin->gate;
    admin->late_gate = admin->late_gate == NULL ? gate_open(max, true) : admin->late_gate;
    return admin->gate != NULL && admin->late_gate != NULL;
}

static struct door *add(struct admin *admin, const struct addr_port *at)
{
    struct door *door = open_gates(admin) ? door_new(admin, admin->on_request) : NULL;
    if (door == NULL) {
        log_error("admin listener failed error=\"%s\"", error_text(-ENOMEM));
        return NULL;
    }
    door->is_remote = true;
    door->at = *at;
    door->connections.gate = admin->gate;
    door->connections.late_gate = admin->late_gate;
    door->connections.precedence = &admin->precedence;
    door->connections.max = CONNECTION_REMOTE_MAX;
    door->connections.is_paused = admin->is_paused;
    door->next = admin->remotes;
    admin->remotes = door;
    return door;
}

static bool is_wanted(const struct door *door, const struct conf_door *doors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same(&doors[i].at, &door->at)) {
            return true;
        }
    }
    return false;
}

void doors_follow(struct admin *admin, const struct conf_door *doors, size_t count, int *inherited,
                  size_t inherited_count)
{
    for (struct door *door = admin->remotes; door != NULL; door = door->next) {
        if (!door->is_closed && !is_wanted(door, doors, count)) {
            door_shut(door);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct door *door = find(admin, &doors[i].at);
        door = door == NULL ? add(admin, &doors[i].at) : door;
        if (door != NULL) {
            int fd = door->bound == NULL ? take_inherited(&door->at, inherited, inherited_count) : -1;
            use_context(door, doors[i].context);
            if (fd != -1) {
                (void)door_listen(door, fd);
            }
            try_to_listen(door);
        }
    }
}

void doors_look(struct admin *admin)
{
    for (struct door **at = &admin->remotes; *at != NULL;) {
        struct door *door = *at;
        if (door->is_closed && door->connections.count == 0 && !admin->is_leaving) {
            *at = door->next;
            door_free(door);
        } else {
            try_to_listen(door);
            at = &door->next;
        }
    }
}
