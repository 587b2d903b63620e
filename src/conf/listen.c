/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the listen addresses: "address:port", or an object that says who may ask there and how, or an array
 * of both. */
#include "config.h"

#include "conf/listen.h"

#include "base/arena.h"
#include "conf/access.h"

/* Many addresses cost threads each, so lists are short and compared pairwise. */
enum { LISTEN_MAX = 1024 };

static bool is_listed(const struct conf_server *server, const struct addr_port *at)
{
    for (size_t i = 0; i < server->listen_count; i++) {
        const struct addr_port *other = &server->listen[i];
        if (at->port != 0 && other->port == at->port && addr_equal(&other->addr, &at->addr)) {
            return true;
        }
    }
    return false;
}

static void read_address(const struct doc_node *item, const struct conf_listener *listener,
                         struct conf_server *server)
{
    struct addr_port at;
    if (!doc_is_text(item) || addr_parse_port(doc_text(item), &at) != 0) {
        doc_error_expected(item, "an address and a port, such as \"192.0.2.1:53\" or \"[2001:db8::1]:53\"");
    } else if (is_listed(server, &at)) {
        doc_error(item, "\"%.100s\" is listed twice", doc_text(item));
    } else {
        server->listeners[server->listen_count] = *listener;
        server->listen[server->listen_count++] = at;
    }
}

static void read_item(const struct doc_node *item, struct conf_server *server)
{
    static const char *const keys[] = {"address", "allow", "client_subnet", "proxies", NULL};
    static const char *const subnets[] = {
        [CONF_SUBNETS_USE] = "use", [CONF_SUBNETS_IGNORE] = "ignore", [CONF_SUBNETS_OFF] = "off", NULL};
    struct conf_listener listener = {.allow = NULL};
    struct doc_node address;
    if (!doc_is_object(item)) {
        read_address(item, &listener, server);
    } else if (doc_check_object(item, keys) && doc_require(item, "address", &address)) {
        listener.allow = access_read(item, "allow", server->arena);
        listener.proxies = access_read(item, "proxies", server->arena);
        listener.subnets =
            (enum conf_subnets)doc_get_choice(item, "client_subnet", subnets, CONF_SUBNETS_USE);
        read_address(&address, &listener, server);
    }
}

void listen_read(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node list, item = {0};
    if (!doc_require(root, "listen", &list)) {
        return;
    }
    size_t count = doc_is_array(&list) ? doc_count(&list) : 1;
    if (count > LISTEN_MAX) {
        doc_error(&list, "found %zu addresses, expected at most %d", count, LISTEN_MAX);
        return;
    }
    server->listen = arena_alloc(server->arena, count * sizeof *server->listen);
    server->listeners = arena_alloc(server->arena, count * sizeof *server->listeners);
    if (doc_is_text(&list) || doc_is_object(&list)) {
        read_item(&list, server);
    } else if (!doc_is_array(&list)) {
        doc_error_expected(&list, "\"address:port\" or an array of them");
    } else if (count == 0) {
        doc_error(&list, "found no address, expected at least one");
    }
    while (doc_is_array(&list) && doc_next(&list, &item)) {
        read_item(&item, server);
    }
}
