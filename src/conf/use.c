/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See use.h. One address is asked for every family that the check speaks for; of two each is asked for its
 * own. */
#include "config.h"

#include "conf/use.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/check_file.h"
#include "conf/suggest.h"

#include <stdlib.h>
#include <string.h>

enum { V4 = 1, V6 = 2 };

/* Is the check in the list already? Lists are short: at most all checks of the topology. */
static bool has_check(const struct conf_endpoint *endpoint, uint32_t check)
{
    size_t i = 0;
    while (i < endpoint->check_count && endpoint->uses[i].check != check) {
        i++;
    }
    return i < endpoint->check_count;
}

/* Returns whether it is there, and not for the second time. */
static bool read_name(const struct conf_topology *topology, const struct doc_node *node,
                      const struct conf_endpoint *endpoint, uint32_t *check)
{
    ptrdiff_t index = doc_is_text(node) ? conf_find_check(topology, doc_text(node)) : -1;
    if (!doc_is_text(node)) {
        doc_error_expected(node, "the name of a check");
    } else if (index < 0) {
        struct suggest_list checks = {topology->checks, topology->check_count, sizeof *topology->checks};
        suggest_report(node, "check", &checks);
    } else if (topology->checks[index].lag != NULL) {
        doc_error(node,
                  "check \"%.100s\" asks how far a copy lags behind, which is no verdict of an endpoint: "
                  "expected it in \"replicates_to\" of a region or az",
                  doc_text(node));
    } else if (has_check(endpoint, (uint32_t)index)) {
        doc_error(node, "check \"%.100s\" is listed twice", doc_text(node));
    } else {
        *check = (uint32_t)index;
        return true;
    }
    return false;
}

static void read_family(const struct doc_node *node, const struct conf_endpoint *endpoint,
                        struct conf_use *use)
{
    static const char *const choices[] = {"ipv4", "ipv6", NULL};
    struct doc_node family;
    if (!doc_find(node, "family", &family)) {
        return;
    }
    use->families = doc_get_choice(node, "family", choices, 0) == 0 ? V4 : V6;
    const struct addr *own = use->families == V6 ? &endpoint->v6 : &endpoint->v4;
    if (endpoint->host != NULL) {
        doc_error_at_key(&family,
                         "found \"family\" of a check of a host name, whose families are those that it "
                         "resolves to");
    } else if (own->family == ADDR_NONE) {
        doc_error(&family, "found %s, but the endpoint has no such address",
                  use->families == V6 ? "\"ipv6\"" : "\"ipv4\"");
    }
}

static void read_addresses(const struct conf_topology *topology, const struct doc_node *node,
                           struct conf_use *use)
{
    struct doc_node list, item = {0};
    struct addr found[2] = {{.family = ADDR_NONE}, {.family = ADDR_NONE}}, addr;
    size_t count = 0, issues = doc_count_issues(node->doc);
    if (!doc_find(node, "address", &list)) {
        return;
    }
    while (doc_next_text(&list, "an address or an array of addresses", &item)) {
        if (addr_parse(doc_text(&item), &addr) != 0) {
            doc_error_expected(&item, "an IPv4 or IPv6 address");
        } else if (found[addr.family == ADDR_V6].family != ADDR_NONE) {
            doc_error(&item, "found a second %s address, expected at most one IPv4 and one IPv6 address",
                      addr.family == ADDR_V6 ? "IPv6" : "IPv4");
        } else {
            found[addr.family == ADDR_V6] = addr;
            count++;
        }
    }
    if (issues != doc_count_issues(node->doc)) {
        return;
    }
    if (count == 0) {
        doc_error(&list, "found no address, expected an IPv4 address, an IPv6 address or one of each");
    } else if (topology->checks[use->check].type == CONF_CHECK_PUSH) {
        doc_error_at_key(&list, "found \"address\" for a check of type \"push\", which asks nobody");
    } else {
        const struct addr both[2] = {found[found[0].family == ADDR_NONE],
                                     found[found[1].family != ADDR_NONE]};
        use->addresses = arena_copy(topology->arena, both, sizeof both);
    }
}

/* What the endpoint is called in a file. */
static void read_key(const struct conf_topology *topology, const struct doc_node *node, struct conf_use *use)
{
    struct doc_node key;
    if (!doc_find(node, "key", &key)) {
        return;
    }
    if (topology->checks[use->check].type != CONF_CHECK_FILE) {
        doc_error_at_key(&key,
                         "found \"key\" for a check of type \"%s\", which has a meaning for \"file\" only",
                         conf_check_type_text(topology->checks[use->check].type));
        return;
    }
    use->key = check_file_read_key(node, topology->arena);
}

static void read_one(const struct conf_topology *topology, const struct doc_node *item,
                     struct conf_endpoint *endpoint)
{
    static const char *const keys[] = {"check", "address", "family", "key", NULL};
    struct conf_use use;
    struct doc_node name;
    memset(&use, 0, sizeof use); /* with what lies between its members: equal ones are equal octets */
    use.families = V4 | V6;
    if (doc_is_object(item)) {
        if (!doc_check_object(item, keys) || !doc_require(item, "check", &name) ||
            !read_name(topology, &name, endpoint, &use.check)) {
            return;
        }
        read_family(item, endpoint, &use);
        read_addresses(topology, item, &use);
        read_key(topology, item, &use);
    } else if (!doc_is_text(item)) {
        doc_error_expected(item, "the name of a check, or an object with \"check\"");
        return;
    } else if (!read_name(topology, item, endpoint, &use.check)) {
        return;
    }
    endpoint->uses[endpoint->check_count++] = use;
}

void use_read(const struct conf_topology *topology, const struct doc_node *node,
              struct conf_endpoint *endpoint)
{
    struct doc_node list, item = {0};
    if (!doc_find(node, "checks", &list)) {
        return;
    }
    bool is_list = doc_is_array(&list);
    endpoint->uses = memory_alloc_array(is_list ? doc_count(&list) : 1, sizeof *endpoint->uses);
    if (is_list) {
        while (doc_next(&list, &item)) {
            read_one(topology, &item, endpoint);
        }
    } else if (doc_is_text(&list) || doc_is_object(&list)) {
        read_one(topology, &list, endpoint);
    } else {
        doc_error_expected(&list, "the name of a check, an object with \"check\", or an array of them");
    }
}

void use_share(const struct conf_topology *topology, struct conf_endpoint *endpoint)
{
    struct conf_use *uses = endpoint->uses;
    if (uses != NULL) {
        const void *shared = arena_share(topology->arena, uses, endpoint->check_count * sizeof *uses);
        endpoint->uses = (struct conf_use *)(uintptr_t)shared; /* nobody changes them any more */
        free(uses);
    }
}
