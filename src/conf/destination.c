/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading where an endpoint is: addresses that are written down, or a host name that is looked up. Exactly
 * one of both. */
#include "config.h"

#include "conf/destination.h"

#include "base/arena.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "dns/types.h"

#include <string.h>

static void read_addresses(const struct doc_node *list, struct conf_endpoint *endpoint)
{
    struct doc_node item = {0};
    struct addr addr;
    size_t issues = doc_count_issues(list->doc);
    while (doc_next_text(list, "an address or an array of addresses", &item)) {
        if (addr_parse(doc_text(&item), &addr) != 0) {
            doc_error_expected(&item, "an IPv4 or IPv6 address");
            continue;
        }
        struct addr *to = addr.family == ADDR_V4 ? &endpoint->v4 : &endpoint->v6;
        if (to->family != ADDR_NONE) {
            char first[ADDR_TEXT_SIZE];
            doc_error(&item,
                      "found a second %s address \"%.60s\" after \"%s\", expected at most one IPv4 and one "
                      "IPv6 address",
                      addr.family == ADDR_V4 ? "IPv4" : "IPv6", doc_text(&item), addr_write(to, first));
        } else {
            *to = addr;
        }
    }
    if (issues == doc_count_issues(list->doc) && item.value == NULL) {
        doc_error(list, "found no address, expected an IPv4 address, an IPv6 address or one of each");
    }
}

/* ---- host names ---- */

static const char host_expected[] = "a host name such as \"lb-1.example.net\"";

static bool has_wildcard(const uint8_t *wire)
{
    for (size_t at = 0; wire[at] != 0; at += wire[at] + 1u) {
        if (wire[at] == 1 && wire[at + 1] == '*') {
            return true;
        }
    }
    return false;
}

static const struct conf_host *add_host(struct conf_topology *topology, const uint8_t *wire, size_t len)
{
    const struct conf_host *known = keytable_find(topology->host_names, wire, len);
    if (known != NULL) {
        return known;
    }
    char text[DNS_NAME_TEXT_SIZE];
    struct conf_host *host = arena_alloc(topology->arena, sizeof *host);
    (void)dns_name_write(wire, text);
    text[strlen(text) - 1] = '\0'; /* the final dot; it is not the root */
    *host = (struct conf_host){.name = arena_copy_text(topology->arena, text),
                               .wire = arena_copy(topology->arena, wire, len),
                               .wire_len = len,
                               .index = (uint32_t)topology->host_count};
    (void)keytable_add(topology->host_names, host->wire, len, host);
    topology->hosts[topology->host_count++] = host;
    return host;
}

const struct conf_host *destination_read_host(struct conf_topology *topology, const struct doc_node *node)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    const char *text = doc_text(node);
    if (text == NULL) {
        doc_error_expected(node, host_expected);
        return NULL;
    }
    int len = text[0] == '\0' || strcmp(text, "@") == 0 ? -1 : dns_name_parse(text, NULL, wire);
    if (len <= 1 || has_wildcard(wire)) {
        doc_error_expected(node, host_expected);
        return NULL;
    }
    dns_name_lower(wire, (size_t)len);
    return add_host(topology, wire, (size_t)len);
}

static void read_host(struct conf_topology *topology, const struct doc_node *node,
                      struct conf_endpoint *endpoint)
{
    struct addr addr;
    if (doc_is_text(node) && addr_parse(doc_text(node), &addr) == 0) {
        doc_error(node, "\"%.60s\" is an address, expected %s, or \"addresses\" instead of \"host\"",
                  doc_text(node), host_expected);
    } else {
        endpoint->host = destination_read_host(topology, node);
    }
}

size_t destination_count_hosts(const struct doc_node *endpoints)
{
    size_t count = 0;
    struct doc_node endpoint = {0}, host;
    while (doc_next(endpoints, &endpoint)) {
        count += doc_is_object(&endpoint) && doc_find(&endpoint, "host", &host);
    }
    return count;
}

void destination_read(struct conf_topology *topology, const struct doc_node *node,
                      struct conf_endpoint *endpoint)
{
    struct doc_node addresses, host;
    bool has_addresses = doc_find(node, "addresses", &addresses), has_host = doc_find(node, "host", &host);
    if (has_addresses && has_host) {
        doc_error_at_key(&host, "found \"addresses\" and \"host\", expected one of them");
    } else if (has_host) {
        read_host(topology, &host, endpoint);
    } else if (!has_addresses) {
        doc_error(node, "found neither \"addresses\" nor \"host\", expected one of them");
    } else {
        read_addresses(&addresses, endpoint);
    }
}
