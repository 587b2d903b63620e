/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading "resolver": recursive servers by address, as the one list that the resolver takes. */
#include "config.h"

#include "conf/resolver.h"

#include "base/arena.h"
#include "base/buffer.h"

enum { SERVERS_MAX = 8, DNS_PORT = 53 };

static bool read_server(const struct doc_node *item, struct addr_port *at)
{
    const char *text = doc_text(item);
    if (addr_parse_port(text, at) == 0 && at->port != 0) {
        return true;
    }
    at->port = DNS_PORT;
    if (addr_parse(text, &at->addr) == 0) {
        return true;
    }
    doc_error_expected(item, "an address such as \"192.0.2.1\", or one with a port");
    return false;
}

void resolver_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"servers", NULL};
    struct doc_node resolver, list, item = {0};
    struct buffer servers;
    struct addr_port at;
    char text[ADDR_TEXT_SIZE];
    if (!doc_find(root, "resolver", &resolver) || !doc_check_object(&resolver, keys) ||
        !doc_find(&resolver, "servers", &list)) {
        return;
    }
    size_t count = 0, issues = doc_count_issues(root->doc);
    buffer_init(&servers);
    while (doc_next_text(&list, "an address or an array of addresses", &item)) {
        if (read_server(&item, &at)) {
            buffer_print(&servers, "%s%s", count++ == 0 ? "" : ",", addr_write_port(&at, text));
        }
    }
    if (issues == doc_count_issues(root->doc) && (count == 0 || count > SERVERS_MAX)) {
        doc_error(&list, "found %zu servers, expected 1 to %d", count, SERVERS_MAX);
    }
    server->resolver_servers = arena_copy_text(server->arena, servers.bytes);
    buffer_fini(&servers);
}
