/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See combine.h. All that is needed of each check is known afterwards: a check is required, one of those that
 * are counted, or only watched. What says the same in other words becomes the same. */
#include "config.h"

#include "conf/combine.h"

#include <string.h>

static const char name_list[] = "the name of a check, or an array of them";

/* Each check of the list, which is one of the endpoint's, has this role; none has one already. */
static void read_roles(const struct conf_topology *topology, const struct doc_node *object, const char *key,
                       enum conf_role role, struct conf_endpoint *endpoint)
{
    struct doc_node list, item = {0};
    if (!doc_find(object, key, &list)) {
        return;
    }
    while (doc_next_text(&list, name_list, &item)) {
        ptrdiff_t check = conf_find_check(topology, doc_text(&item));
        size_t i = 0;
        while (i < endpoint->check_count && (ptrdiff_t)endpoint->uses[i].check != check) {
            i++;
        }
        if (i == endpoint->check_count) {
            doc_error(&item, "found \"%.100s\", expected one of the endpoint's checks", doc_text(&item));
        } else if (endpoint->uses[i].role != CONF_COUNTED) {
            doc_error(&item, "check \"%.100s\" is named twice", doc_text(&item));
        } else {
            endpoint->uses[i].role = (uint8_t)role;
        }
    }
}

static void set_counted(struct conf_endpoint *endpoint, enum conf_role role)
{
    for (size_t i = 0; i < endpoint->check_count; i++) {
        endpoint->uses[i].role =
            endpoint->uses[i].role == CONF_COUNTED ? (uint8_t)role : endpoint->uses[i].role;
    }
}

static uint32_t count_voters(const struct conf_endpoint *endpoint)
{
    uint32_t count = 0;
    for (size_t i = 0; i < endpoint->check_count; i++) {
        count += endpoint->uses[i].role != CONF_WATCHED;
    }
    return count;
}

static void read_object(const struct conf_topology *topology, const struct doc_node *node,
                        struct conf_endpoint *endpoint)
{
    static const char *const keys[] = {"at_least", "must_be_healthy", "monitoring_only", NULL};
    static const uint32_t range[2] = {1, UINT16_MAX};
    struct doc_node at_least, required;
    size_t issues = doc_count_issues(node->doc);
    if (!doc_check_object(node, keys)) {
        return;
    }
    bool is_given = doc_find(node, "at_least", &at_least);
    uint32_t count = doc_get_number(node, "at_least", range, 0);
    bool has_required = doc_find(node, "must_be_healthy", &required);
    read_roles(topology, node, "must_be_healthy", CONF_REQUIRED, endpoint);
    read_roles(topology, node, "monitoring_only", CONF_WATCHED, endpoint);
    uint32_t voters = count_voters(endpoint);
    if (doc_count_issues(node->doc) != issues) {
        return;
    }
    if (is_given && count > voters) {
        doc_error(&at_least, "found %u, expected at most %u, which is how many checks count", count, voters);
    } else if (!is_given && has_required) {
        doc_error_at_key(&required,
                         "found \"must_be_healthy\" without \"at_least\": then all checks must be");
    } else if (!is_given || count == voters) {
        set_counted(endpoint, CONF_REQUIRED);
    } else {
        endpoint->at_least = (uint16_t)count;
    }
}

void combine_read(const struct conf_topology *topology, const struct doc_node *node,
                  struct conf_endpoint *endpoint)
{
    struct doc_node rule;
    if (!doc_find(node, "healthy_if", &rule)) {
        return;
    }
    if (endpoint->check_count == 0) {
        doc_error_at_key(&rule, "found \"healthy_if\" of an endpoint without checks");
        return;
    }
    const char *text = doc_is_text(&rule) ? doc_text(&rule) : "";
    if (strcmp(text, "all") == 0) {
        return;
    }
    for (size_t i = 0; i < endpoint->check_count; i++) {
        endpoint->uses[i].role = CONF_COUNTED;
    }
    if (strcmp(text, "any") == 0 && endpoint->check_count > 1) {
        endpoint->at_least = 1;
    } else if (strcmp(text, "any") == 0) {
        set_counted(endpoint, CONF_REQUIRED);
    } else if (doc_is_object(&rule)) {
        read_object(topology, &rule, endpoint);
    } else {
        doc_error_expected(&rule, "\"all\", \"any\" or an object such as { \"at_least\": 2 }");
    }
}
