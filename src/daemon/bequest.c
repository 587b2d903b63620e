/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bequest.h. */
#include "config.h"

#include "daemon/bequest.h"

#include "daemon/channel.h"
#include "daemon/counted.h"
#include "daemon/durable.h"
#include "daemon/handed.h"
#include "daemon/outbox.h"
#include "daemon/server.h"
#include "daemon/transitions.h"
#include "daemon/vantages.h"
#include "base/hex.h"
#include "admin/admin.h"

#include <stdio.h>

json_t *bequest_say(const char *what)
{
    json_t *body = json_object();
    json_object_set_new(body, "say", json_string(what));
    return body;
}

void bequest_send_sockets(struct outbox *outbox, const struct serve_socket *sockets, size_t socket_count)
{
    for (size_t at = 0; at < socket_count; at += CHANNEL_FDS_MAX) {
        int fds[CHANNEL_FDS_MAX];
        size_t count = 0;
        json_t *body = bequest_say("sockets"), *list = json_array();
        for (; count < CHANNEL_FDS_MAX && at + count < socket_count; count++) {
            const struct serve_socket *from = &sockets[at + count];
            char text[ADDR_TEXT_SIZE];
            json_t *item = json_object();
            json_object_set_new(item, "address", json_string(addr_write_port(&from->asked, text)));
            json_object_set_new(item, "tcp", json_boolean(from->is_tcp));
            json_array_append_new(list, item);
            fds[count] = from->fd;
        }
        json_object_set_new(body, "sockets", list);
        outbox_send(outbox, body, fds, count);
    }
}

static void add_file(json_t *body, const char *what, int fd, int *fds, size_t *count)
{
    if (fd != -1) {
        json_array_append_new(json_object_get(body, "files"), json_string(what));
        fds[(*count)++] = fd;
    }
}

void bequest_send_files(struct outbox *outbox, const struct server *server)
{
    const uint8_t *secret = server->view->random_secret[0];
    char hex[2 * CONF_SECRET_SIZE + 1];
    int fds[3 + CONF_DOORS_MAX], listeners[CONF_DOORS_MAX];
    size_t count = 0, listener_count = server->admin == NULL
                                           ? 0
                                           : admin_list_listeners(server->admin, listeners, CONF_DOORS_MAX);
    json_t *body = bequest_say("files");
    json_object_set_new(body, "files", json_array());
    add_file(body, "state", server->folders.locks[0], fds, &count);
    add_file(body, "admin-lock", server->folders.locks[1], fds, &count);
    add_file(body, "admin", server->admin == NULL ? -1 : admin_get_socket(server->admin), fds, &count);
    for (size_t i = 0; i < listener_count; i++) {
        add_file(body, "admin-listener", listeners[i], fds, &count);
    }
    json_object_set_new(body, "cookie_secret", json_string(hex_write(secret, CONF_SECRET_SIZE, hex)));
    json_object_set_new(body, "has_no_commands", json_boolean(server->view->server->has_no_commands));
    outbox_send(outbox, body, fds, count);
}

struct state {
    struct outbox *outbox;
    json_t *owed; /* NULL: nothing is */
};

static void send_items(void *context, json_t *items)
{
    const struct state *state = context;
    json_t *body = bequest_say("state");
    if (state->owed != NULL) {
        (void)json_array_extend(state->owed, items);
    }
    json_object_set_new(body, "items", items);
    outbox_send(state->outbox, body, NULL, 0);
}

static void add_vantage(void *context, const char *name, const char *value)
{
    json_t *item = json_object();
    json_object_set_new(item, "name", json_string(name));
    json_object_set_new(item, "value", json_string(value));
    json_array_append_new(context, item);
}

/* They are in the store, which may be unreadable by now. */
static void send_vantages(struct outbox *outbox, const struct server *server)
{
    json_t *body = bequest_say("vantages"), *items = json_array();
    vantages_list_all(server->vantages, add_vantage, items);
    json_object_set_new(body, "items", items);
    outbox_send(outbox, body, NULL, 0);
}

/* There may be thousands of azs, and a message has its limit. */
static void send_transitions(struct outbox *outbox, struct server *server)
{
    size_t at = 0;
    do {
        json_t *body = bequest_say("transitions"), *items = json_array();
        lock_take(&server->lock);
        at = transitions_write(server->view->health, at, items);
        lock_leave(&server->lock);
        json_object_set_new(body, "items", items);
        outbox_send(outbox, body, NULL, 0);
    } while (at != 0);
}

int bequest_send_state(struct outbox *outbox, struct server *server, json_t **owed)
{
    bool is_owed;
    (void)durable_is_calm(server->durable, &is_owed);
    struct state state = {outbox, is_owed ? json_array() : NULL};
    int error = handed_write(server, is_owed, send_items, &state);
    if (error != 0) {
        json_decref(state.owed);
        return error;
    }
    json_t *counters = bequest_say("counters");
    json_object_set_new(counters, "values", counted_write(server));
    outbox_send(outbox, counters, NULL, 0);
    send_transitions(outbox, server);
    send_vantages(outbox, server);
    *owed = state.owed;
    return 0;
}

void bequest_send_end(struct outbox *outbox, bool is_owed)
{
    json_t *body = bequest_say("frozen");
    json_object_set_new(body, "owed", json_boolean(is_owed));
    outbox_send(outbox, body, NULL, 0);
}
