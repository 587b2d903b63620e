/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading who may copy a zone and who is told. A peer is a prefix, or an object of a prefix and a key; a
 * secondary an address, or an object of an address and a key. */
#include "config.h"

#include "conf/transfer.h"

#include "base/arena.h"
#include "base/error.h"
#include "conf/access.h"
#include "conf/keys.h"

#include <string.h>

enum { DNS_PORT = 53, SECONDARIES_MAX = 1000 };

#define PEER_RULE                                                                                            \
    "a prefix such as \"192.0.2.0/24\" or \"!2001:db8::1\", or an object with \"prefix\", \"key\" or both"
#define SECONDARY_RULE                                                                                       \
    "an address such as \"192.0.2.1\" or \"[2001:db8::1]:5353\", or an object with \"address\" and \"key\""

/* A list whose items are texts or objects, or one of these without the list. Start with item->value NULL. */
static bool next_item(const struct doc_node *list, struct doc_node *item)
{
    if (doc_is_array(list)) {
        return doc_next(list, item);
    }
    bool first = item->value == NULL;
    *item = *list;
    return first;
}

static size_t count_items(const struct doc_node *list)
{
    return doc_is_array(list) ? doc_count(list) : 1;
}

/* ---- who may copy ---- */

static bool read_prefix(const struct doc_node *node, struct conf_transfer_peer *peer)
{
    struct acl_entry entry;
    if (!access_read_prefix(node, &entry)) {
        return false;
    }
    peer->prefix = entry.prefix;
    peer->deny = entry.deny;
    return true;
}

/* An object without a prefix holds for every address: two peers, one per family. Returns how many. */
static size_t read_peer(const struct doc_node *item, const struct conf_server *server,
                        struct conf_transfer_peer *peers)
{
    static const char *const keys[] = {"prefix", "key", NULL};
    struct doc_node prefix, key;
    peers[0] = (struct conf_transfer_peer){.key = CONF_NO_KEY};
    if (doc_is_text(item)) {
        return read_prefix(item, &peers[0]);
    }
    if (!doc_is_object(item)) {
        doc_error_expected(item, PEER_RULE);
        return 0;
    }
    (void)doc_check_object(item, keys);
    bool has_key = doc_find(item, "key", &key);
    peers[0].key = keys_find(item, server);
    if (has_key && peers[0].key == CONF_NO_KEY) {
        return 0;
    }
    if (doc_find(item, "prefix", &prefix)) {
        return doc_get_text(item, "prefix") != NULL && read_prefix(&prefix, &peers[0]);
    }
    if (!has_key) {
        doc_error_expected(item, PEER_RULE);
        return 0;
    }
    peers[1] = peers[0];
    peers[0].prefix.addr.family = ADDR_V4;
    peers[1].prefix.addr.family = ADDR_V6;
    return 2;
}

static void read_peers(const struct doc_node *object, const struct conf_server *server,
                       struct conf_zone_options *options)
{
    struct doc_node list, item = {0};
    if (!doc_find(object, "transfer_to", &list)) {
        return;
    }
    struct conf_transfer_peer *peers = arena_alloc(server->arena, 2 * count_items(&list) * sizeof *peers);
    options->transfer_to = peers;
    options->transfer_to_count = 0;
    while (next_item(&list, &item)) {
        options->transfer_to_count += read_peer(&item, server, peers + options->transfer_to_count);
    }
}

/* ---- who is told ---- */

static bool read_address(const struct doc_node *node, struct addr_port *at)
{
    const char *text = doc_is_text(node) ? doc_text(node) : "";
    if (addr_parse_port(text, at) == 0 && at->port != 0) {
        return true;
    }
    at->port = DNS_PORT;
    if (addr_parse(text, &at->addr) == 0) {
        return true;
    }
    doc_error_expected(node, SECONDARY_RULE);
    return false;
}

static bool read_secondary(const struct doc_node *item, const struct conf_server *server,
                           struct conf_secondary *secondary)
{
    static const char *const keys[] = {"address", "key", NULL};
    struct doc_node address;
    secondary->key = CONF_NO_KEY;
    if (!doc_is_object(item)) {
        return read_address(item, &secondary->at);
    }
    (void)doc_check_object(item, keys);
    secondary->key = keys_find(item, server);
    return doc_require(item, "address", &address) && read_address(&address, &secondary->at);
}

static bool is_listed(const struct conf_zone_options *options, const struct conf_secondary *one)
{
    for (size_t i = 0; i < options->notify_count; i++) {
        const struct addr_port *at = &options->notify[i].at;
        if (at->port == one->at.port && addr_equal(&at->addr, &one->at.addr)) {
            return true;
        }
    }
    return false;
}

static void read_secondaries(const struct doc_node *object, const struct conf_server *server,
                             struct conf_zone_options *options)
{
    struct doc_node list, item = {0};
    if (!doc_find(object, "notify", &list)) {
        return;
    }
    size_t count = count_items(&list);
    if (count > SECONDARIES_MAX) {
        doc_error(&list, "found %zu secondaries, expected at most %d", count, SECONDARIES_MAX);
        return;
    }
    struct conf_secondary *secondaries = arena_alloc(server->arena, count * sizeof *secondaries);
    options->notify = secondaries;
    options->notify_count = 0;
    while (next_item(&list, &item)) {
        struct conf_secondary *one = &secondaries[options->notify_count];
        if (!read_secondary(&item, server, one)) {
            continue;
        }
        if (is_listed(options, one)) {
            doc_error(&item, "this secondary is listed twice");
        } else {
            options->notify_count++;
        }
    }
}

/* ---- what they copy ---- */

static void read_content(const struct doc_node *object, struct conf_zone_options *options)
{
    static const char *const steered[] = {"static", "rendered", NULL};
    static const char *const serials[] = {
        [CONF_SERIAL_FILE] = "file", [CONF_SERIAL_AUTO] = "auto", [CONF_SERIAL_UNIXTIME] = "unixtime", NULL};
    struct doc_node node;
    options->renders_steered =
        doc_get_choice(object, "transfer_steered", steered, options->renders_steered) == 1;
    if (doc_find(object, "serial", &node)) {
        options->has_serial = true;
        options->serial = (enum conf_serial)doc_get_choice(object, "serial", serials, CONF_SERIAL_FILE);
    } else if (!options->has_serial) {
        options->serial = options->renders_steered ? CONF_SERIAL_AUTO : CONF_SERIAL_FILE;
    }
    if (options->renders_steered && options->serial == CONF_SERIAL_FILE) {
        doc_error(object,
                  "found \"transfer_steered\": \"rendered\" with \"serial\": \"file\", expected \"auto\" "
                  "or \"unixtime\": what is rendered changes without the file");
    }
}

void transfer_read(const struct doc_node *object, const struct conf_server *server,
                   struct conf_zone_options *options)
{
    read_peers(object, server, options);
    read_secondaries(object, server, options);
    read_content(object, options);
}
