/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The side that comes: see heir.h. It sets no limits, because the other side does, and kills it then; what it
 * notices itself is that end of the channel. */
#include "config.h"

#include "daemon/heir.h"

#include "daemon/bequest.h"
#include "daemon/channel.h"
#include "daemon/counted.h"
#include "daemon/handed.h"
#include "daemon/invitation.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "daemon/takeover.h"
#include "daemon/transitions.h"
#include "daemon/vantages.h"
#include "admin/admin.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    BEGIN_MS = 60000, /* for the first messages */
    SEND_MS = 10000,
    MOMENT_US = 2000,
    MOMENTS = 5000,
    GONE_MS = 10000,  /* for a process that has been killed to give back its memory, descriptors and locks */
    LEFT_US = 500000, /* a version before this one does not say that it has left */
    FILES = 3,
    ERRORS = 50, /* in a message */
};

struct heir {
    struct server *server;
    int fd;
    struct event *readable, *alone;
    struct serve_socket *sockets;
    size_t socket_count, socket_capacity;
    bool *kept;
    int files[FILES]; /* -1: none */
    int listeners[CONF_DOORS_MAX];
    size_t listener_count;
    bool has_no_commands, has_secret, adopted_admin, has_entered, has_settled;
    bool is_alone; /* the process before has died */
    bool is_owed;  /* the store does not have all of `items` */
    uint8_t secret[CONF_SECRET_SIZE];
    json_t *items; /* overrides and loads that it had */
    size_t overrides;
    bool has_folder;
    int parent; /* the process before, as a descriptor; -1: not known */
    unsigned moments;
    struct heir_turns turns;
};

static const char *const file_names[FILES] = {"state", "admin-lock", "admin"};

/* ---- what is given first ---- */

static void take_sockets(struct heir *heir, struct channel_message *message)
{
    const json_t *list = json_object_get(message->body, "sockets"), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *address = json_string_value(json_object_get(item, "address"));
        struct addr_port at;
        if (i >= message->fd_count || address == NULL || addr_parse_port(address, &at) != 0) {
            continue; /* not kept, so it is drained and closed */
        }
        heir->sockets =
            memory_grow(heir->sockets, heir->socket_count, &heir->socket_capacity, sizeof *heir->sockets);
        heir->sockets[heir->socket_count++] =
            (struct serve_socket){at, json_is_true(json_object_get(item, "tcp")), message->fds[i]};
        message->fds[i] = -1;
    }
}

static void take_secret(struct heir *heir, const char *hex)
{
    heir->has_secret = hex != NULL && hex_read(hex, heir->secret, sizeof heir->secret);
}

static void take_files(struct heir *heir, struct channel_message *message)
{
    const json_t *name;
    size_t i;
    json_array_foreach(json_object_get(message->body, "files"), i, name)
    {
        const char *text = json_string_value(name);
        if (text != NULL && strcmp(text, "admin-listener") == 0 && i < message->fd_count &&
            heir->listener_count < CONF_DOORS_MAX) {
            heir->listeners[heir->listener_count++] = message->fds[i];
            message->fds[i] = -1;
            continue;
        }
        for (size_t f = 0; f < FILES && text != NULL && i < message->fd_count; f++) {
            if (strcmp(text, file_names[f]) == 0 && heir->files[f] == -1) {
                heir->files[f] = message->fds[i];
                message->fds[i] = -1;
            }
        }
    }
    take_secret(heir, json_string_value(json_object_get(message->body, "cookie_secret")));
    heir->has_no_commands = json_is_true(json_object_get(message->body, "has_no_commands"));
}

/* Until "begin". */
static int take_all(struct heir *heir)
{
    struct channel_message message;
    bool has_all = false;
    int error = 0;
    while (!has_all && (error = channel_receive(heir->fd, &message, BEGIN_MS)) == 0) {
        has_all = strcmp(message.say, "begin") == 0;
        if (strcmp(message.say, "sockets") == 0) {
            take_sockets(heir, &message);
        } else if (strcmp(message.say, "files") == 0) {
            take_files(heir, &message);
        }
        channel_free_message(&message);
    }
    return error;
}

static int greet(struct heir *heir)
{
    json_t *hello = bequest_say("hello");
    json_object_set_new(hello, "channel", json_integer(CHANNEL_VERSION));
    json_object_set_new(hello, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(hello, "pid", json_integer((json_int_t)getpid()));
    return channel_send(heir->fd, hello, SEND_MS);
}

/* A descriptor of the process at the other end; -1: it has ended, or (-EACCES) is not seen from here. */
static int open_other(int fd, int *other)
{
    struct ucred who;
    socklen_t len = sizeof who;
    bool is_seen = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid > 0 &&
                   (who.uid == geteuid() || who.uid == 0);
    *other = is_seen ? pidfd_open(who.pid, 0) : -1;
    return *other != -1 || (is_seen && errno == ESRCH) ? 0 : -EACCES;
}

/* The other one has started this process. */
static int find_inherited(const char *text, int *fd, int *other)
{
    *fd = (int)strtol(text, NULL, 10);
    int flags = fcntl(*fd, F_GETFD);
    if (flags == -1) {
        int error = -errno;
        log_error("takeover failed found=\"%s=%s\" why=\"%s\"", TAKEOVER_VARIABLE, text, error_text(error));
        return error;
    }
    (void)unsetenv(TAKEOVER_VARIABLE); /* before there is any other thread that reads it */
    (void)fcntl(*fd, F_SETFD, flags | FD_CLOEXEC);
    (void)open_other(*fd, other); /* not getppid(): another parent has this process once that one is gone */
    return 0;
}

/* Somebody else has, and the other one is asked. Without a descriptor of that process nobody would know
 * whether it is gone. */
static int find_invited(const struct server *server, int *fd, int *other)
{
    int error = invitation_send(server->path, fd);
    if (error == 0 && open_other(*fd, other) != 0) {
        log_error("takeover refused why=\"the process that serves is not seen from here\" hint=\"run as its "
                  "user, in its PID namespace\"");
        (void)close(*fd);
        return -ESRCH;
    }
    return error;
}

static int find_channel(const struct server *server, int *fd, int *other)
{
    const char *text = getenv(TAKEOVER_VARIABLE);
    return text != NULL         ? find_inherited(text, fd, other)
           : server->is_invited ? find_invited(server, fd, other)
                                : ERROR_NOT_FOUND;
}

/* The end of the channel comes before that of its locks. What tells that all of it is gone is its descriptor;
 * another parent comes a moment too early. */
static bool is_gone(const struct heir *heir, int patience_ms)
{
    struct pollfd one = {.fd = heir->parent, .events = POLLIN};
    return heir->parent == -1 || poll(&one, 1, patience_ms) != 0;
}

int heir_open(struct server *server, struct heir **to)
{
    int fd, other = -1, error = find_channel(server, &fd, &other);
    *to = NULL;
    if (error != 0) {
        return error == ERROR_NOT_FOUND ? 0 : error;
    }
    struct heir *heir = memory_alloc(sizeof *heir);
    *heir = (struct heir){
        .server = server, .fd = fd, .files = {-1, -1, -1}, .items = json_array(), .parent = other};
    error = greet(heir);
    error = error == 0 ? take_all(heir) : error;
    if (error == -ECONNRESET || error == -EPIPE) {
        /* it has died. Nobody else would answer: what it gave is used, the rest is opened as at any start */
        (void)is_gone(heir, GONE_MS);
        heir->is_alone = true;
        error = 0;
    }
    if (error != 0) {
        log_error("takeover failed channel=%d why=\"nothing could be taken over: %s\"", fd,
                  error_text(error));
        heir_confess(heir, "the new process could not take the sockets: is the limit of open files too low?",
                     NULL);
        heir_close(heir);
        return error;
    }
    log_info("takeover begins sockets=%zu", heir->socket_count);
    *to = heir;
    return 0;
}

bool heir_is_alone(const struct heir *heir)
{
    return heir != NULL && heir->is_alone;
}

bool heir_has_no_commands(const struct heir *heir)
{
    return heir != NULL && heir->has_no_commands;
}

static void close_fd(int *fd)
{
    if (*fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
}

void heir_close(struct heir *heir)
{
    if (heir == NULL) {
        return;
    }
    if (heir->readable != NULL) {
        event_free(heir->readable);
    }
    if (heir->alone != NULL) {
        event_free(heir->alone);
    }
    for (size_t i = 0; i < heir->socket_count; i++) {
        close_fd(&heir->sockets[i].fd);
    }
    for (size_t i = 0; i < FILES; i++) {
        close_fd(&heir->files[i]);
    }
    for (size_t i = 0; i < heir->listener_count; i++) {
        close_fd(&heir->listeners[i]);
    }
    close_fd(&heir->fd);
    close_fd(&heir->parent);
    json_decref(heir->items);
    free(heir->sockets);
    free(heir->kept);
    free(heir);
}

/* ---- its end ---- */

static json_t *write_item(const struct report_item *item)
{
    json_t *to = json_object();
    const struct report_place *place = &item->place;
    json_object_set_new(to, "message", json_string(item->message));
    json_object_set_new(to, "warning", json_boolean(item->severity == REPORT_WARNING));
    json_object_set_new(to, "file", place->file == NULL ? json_null() : json_string(place->file));
    json_object_set_new(to, "path", place->path == NULL ? json_null() : json_string(place->path));
    json_object_set_new(to, "line", json_integer((json_int_t)place->line));
    json_object_set_new(to, "column", json_integer((json_int_t)place->column));
    return to;
}

static void send_report(struct heir *heir, const struct report *report)
{
    int error = 0;
    for (size_t at = 0; at < report_count(report) && error == 0; at += ERRORS) {
        json_t *failed = bequest_say("failed"), *list = json_array();
        for (size_t i = at; i < at + ERRORS && i < report_count(report); i++) {
            json_array_append_new(list, write_item(report_get(report, i)));
        }
        json_object_set_new(failed, "errors", list);
        error = channel_send(heir->fd, failed, SEND_MS);
    }
}

void heir_confess(struct heir *heir, const char *why, const struct report *report)
{
    if (heir == NULL) {
        return;
    }
    if (report != NULL) {
        send_report(heir, report);
    }
    json_t *failed = bequest_say("failed");
    json_object_set_new(failed, "why", json_string(why));
    (void)channel_send(heir->fd, failed, SEND_MS);
}

/* ---- what is made of it ---- */

void heir_use_files(struct heir *heir, struct view *view)
{
    folders_inherit(view->server, heir->files, &heir->server->folders);
    heir->has_folder = heir->server->folders.locks[0] != -1;
    heir->files[0] = heir->files[1] = -1;
    if (heir->has_secret) {
        memcpy(view->random_secret[0], heir->secret, sizeof heir->secret);
    }
}

void heir_lend_sockets(struct heir *heir)
{
    heir->server->serve_options.inherited = heir->sockets;
    heir->server->serve_options.inherited_count = heir->socket_count;
}

void heir_note_sockets(struct heir *heir)
{
    heir->kept = memory_alloc_array(heir->socket_count, sizeof *heir->kept);
    for (size_t i = 0; i < heir->socket_count; i++) {
        heir->kept[i] = heir->sockets[i].fd == -1;
        close_fd(&heir->sockets[i].fd);
    }
    heir->server->serve_options.inherited = NULL;
    heir->server->serve_options.inherited_count = 0;
}

size_t heir_lend_listeners(struct heir *heir, int **fds)
{
    *fds = heir->listeners;
    return heir->listener_count;
}

int heir_take_admin(struct heir *heir)
{
    int fd = heir->files[2];
    heir->files[2] = -1;
    heir->adopted_admin = fd != -1;
    return fd;
}

bool heir_has_admin(const struct heir *heir)
{
    return heir != NULL && heir->adopted_admin;
}

void heir_give_back_admin(struct heir *heir, int fd)
{
    heir->files[2] = fd;
    heir->adopted_admin = false;
}

bool heir_has_store(const struct heir *heir)
{
    bool is_first = heir->is_alone && json_array_size(heir->items) == 0; /* as at any start */
    return (heir->has_folder || is_first) && !heir->is_owed;
}

void heir_use_state(struct heir *heir, bool with_overrides)
{
    heir->overrides = handed_read(heir->server, heir->items, with_overrides);
}

/* ---- the turns ---- */

static void end(struct heir *heir, int error)
{
    heir->server->start_error = error;
    event_base_loopbreak(heir->server->base);
}

static int send_answering(struct heir *heir)
{
    json_t *answering = bequest_say("answering"), *kept = json_array();
    for (size_t i = 0; i < heir->socket_count; i++) {
        if (heir->kept[i]) {
            json_array_append_new(kept, json_integer((json_int_t)i));
        }
    }
    json_object_set_new(answering, "kept", kept);
    json_object_set_new(answering, "admin", json_boolean(heir->adopted_admin));
    json_object_set_new(answering, "overrides", json_integer((json_int_t)heir->overrides));
    return channel_send(heir->fd, answering, SEND_MS);
}

/* What is ordered from now on is obeyed by every answer. The last turn: this frees the heir. */
static void open_up(struct heir *heir)
{
    struct server *server = heir->server;
    heir->turns.open_up(server);
    server->heir = NULL;
    heir_close(heir);
    if (server->reload_again) {
        server->reload_again = false;
        server_reload_soon(server, false);
    }
}

static void settle(struct heir *heir)
{
    int error = heir->turns.settle(heir->server);
    if (error != 0) {
        heir_confess(heir, "the new process could not go on", NULL);
        end(heir, error);
        return;
    }
    heir->has_settled = true;
    (void)channel_send(heir->fd, bequest_say("committed"), SEND_MS);
}

static void enter(struct heir *heir)
{
    heir->has_entered = true;
    int error = heir->turns.enter(heir->server);
    if (error != 0) {
        heir_confess(heir, error_text(error), NULL);
        end(heir, error);
    }
}

/* Nobody answers any more, and nobody will take over from the one that has died. */
static void go_on_alone(struct heir *heir)
{
    log_error("takeover alone why=\"the process before has ended\" effect=\"%s\"",
              heir->has_entered
                  ? "none"
                  : "what it had not written down is lost, serials begin above what was reserved");
    heir->is_alone = true;
    if (!heir->has_entered) {
        enter(heir);
    }
    if (heir->server->start_error == 0) {
        settle(heir);
    }
    if (heir->has_settled) {
        open_up(heir);
    }
}

static void on_alone(int fd, short events, void *argument)
{
    struct heir *heir = argument;
    const struct timeval moment = {.tv_usec = MOMENT_US};
    (void)fd, (void)events;
    if (heir->has_settled) {
        open_up(heir);
    } else if (is_gone(heir, 0) || ++heir->moments > MOMENTS || event_add(heir->alone, &moment) != 0) {
        go_on_alone(heir);
    }
}

static void hear_vantages(const struct heir *heir, const json_t *items)
{
    size_t i;
    const json_t *item;
    vantages_begin_to_hand(heir->server->vantages);
    json_array_foreach(items, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *value = json_string_value(json_object_get(item, "value"));
        if (name != NULL && value != NULL) {
            vantages_hand(heir->server->vantages, name, value);
        }
    }
}

static void hear_transitions(const struct heir *heir, const json_t *items)
{
    struct server *server = heir->server;
    lock_take(&server->lock);
    transitions_read(server->view->health, items);
    lock_leave(&server->lock);
}

static void hear(struct heir *heir, const struct channel_message *message)
{
    if (strcmp(message->say, "state") == 0 && !heir->has_entered) {
        json_array_extend(heir->items, json_object_get(message->body, "items"));
    } else if (strcmp(message->say, "counters") == 0 && !heir->has_entered) {
        counted_read(heir->server, json_object_get(message->body, "values"));
    } else if (strcmp(message->say, "transitions") == 0 && !heir->has_entered) {
        hear_transitions(heir, json_object_get(message->body, "items"));
    } else if (strcmp(message->say, "vantages") == 0 && !heir->has_entered) {
        hear_vantages(heir, json_object_get(message->body, "items"));
    } else if (strcmp(message->say, "frozen") == 0 && !heir->has_entered) {
        heir->is_owed = json_is_true(json_object_get(message->body, "owed"));
        enter(heir);
        int error = heir->server->start_error == 0 ? send_answering(heir) : 0;
        if (error != 0) {
            log_warning("takeover reply lost error=%s",
                        error_text(error)); /* the end of the channel follows */
        }
    } else if (strcmp(message->say, "commit") == 0 && heir->has_entered) {
        settle(heir);
        if (heir->has_settled && event_add(heir->alone, &(struct timeval){.tv_usec = LEFT_US}) != 0) {
            open_up(heir);
        }
    } else if (strcmp(message->say, "left") == 0 && heir->has_settled) {
        open_up(heir);
    }
}

static void on_readable(int fd, short events, void *argument)
{
    struct heir *heir = argument;
    struct channel_message message;
    int error = channel_try_receive(fd, &message);
    (void)events;
    if (error == 0) {
        hear(heir, &message);
        channel_free_message(&message);
    } else if (error != -EAGAIN) {
        (void)event_del(heir->readable);
        event_active(heir->alone, EV_TIMEOUT, 1);
    }
}

int heir_wait(struct heir *heir, const struct heir_turns *turns)
{
    struct event_base *base = heir->server->base;
    heir->turns = *turns;
    heir->readable = event_new(base, heir->fd, EV_READ | EV_PERSIST, on_readable, heir);
    heir->alone = event_new(base, -1, 0, on_alone, heir);
    if (heir->readable == NULL || heir->alone == NULL || event_add(heir->readable, NULL) != 0) {
        return -ENOMEM;
    }
    if (channel_send(heir->fd, bequest_say("loaded"), SEND_MS) != 0) {
        (void)event_del(heir->readable);
        event_active(heir->alone, EV_TIMEOUT, 1);
    }
    return 0;
}
