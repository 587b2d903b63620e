/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading groups of names: which steered names an order may be about alone. */
#include "config.h"

#include "conf/name_groups.h"

#include "base/arena.h"
#include "base/hash.h"
#include "conf/keytable.h"
#include "conf/value.h"
#include "dns/name.h"

#include <stdio.h>
#include <string.h>

static bool is_wild(const char *text)
{
    return text[0] == '*' && text[1] == '.';
}

/* Absolute and in lower case, as names of the view are; NULL: it is none. */
static const char *read_name(const struct conf_topology *topology, const char *text)
{
    uint8_t wire[255];
    char name[DNS_NAME_TEXT_SIZE];
    int len = strcmp(text, "@") == 0 ? -1 : dns_name_parse(text, NULL, wire);
    if (len < 0) {
        return NULL;
    }
    dns_name_lower(wire, (size_t)len);
    return arena_copy_text(topology->arena, dns_name_write(wire, name));
}

static void read_pattern(struct conf_topology *topology, const struct doc_node *item, uint32_t *group)
{
    const char *text = doc_text(item);
    const char *name = read_name(topology, text);
    if (name == NULL) {
        doc_error(item,
                  "found \"%.100s\", expected a name such as \"www.example.com\", or \"*.example.com\" for "
                  "all below",
                  text);
        return;
    }
    const uint32_t *known = keytable_find(topology->grouped, name, strlen(name));
    if (known != NULL) {
        doc_error(item, "\"%.100s\" is in group \"%.63s\" already", text, topology->name_groups[*known].name);
        return;
    }
    topology->has_wild_names |= is_wild(name);
    (void)keytable_add(topology->grouped, name, strlen(name), group);
    topology->name_groups[*group].digest += hash_finish(hash_bytes(HASH_START, name, strlen(name)));
}

static void read_group(struct conf_topology *topology, const struct doc_node *node)
{
    struct doc_node item = {0};
    uint32_t *index = arena_alloc(topology->arena, sizeof *index);
    *index = (uint32_t)topology->name_group_count++;
    struct conf_name_group *group = &topology->name_groups[*index];
    group->name = arena_copy_text(topology->arena, node->key);
    if (!value_is_name(node->key)) {
        doc_error_at_key(node, "found the name \"%.100s\", expected %s", node->key, VALUE_NAME_RULE);
    }
    if (!doc_check_array(node, "an array of names such as [\"shop.example.com\", \"*.pay.example.com\"]")) {
        return;
    }
    while (doc_next_text(node, "a name such as \"www.example.com\"", &item)) {
        read_pattern(topology, &item, index);
    }
}

void name_groups_read(struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node groups, item = {0};
    topology->grouped = keytable_new(topology->arena);
    if (!doc_find(root, "name_groups", &groups) || !doc_check_object(&groups, NULL)) {
        return;
    }
    if (doc_count(&groups) > CONF_NAME_GROUPS_MAX) {
        doc_error(&groups, "found more than %d groups of names", CONF_NAME_GROUPS_MAX);
        return;
    }
    topology->name_groups =
        arena_alloc(topology->arena, CONF_NAME_GROUPS_MAX * sizeof *topology->name_groups);
    while (doc_next(&groups, &item)) {
        read_group(topology, &item);
    }
}

/* The name behind the first label: labels are told apart by dots that no backslash is before. */
static const char *skip_label(const char *name)
{
    while (*name != '\0' && *name != '.') {
        name += name[0] == '\\' && name[1] != '\0' ? 2 : 1;
    }
    return *name == '.' && name[1] != '\0' ? name + 1 : NULL;
}

uint32_t conf_find_name_group(const struct conf_topology *topology, const char *name)
{
    const uint32_t *found = NULL;
    char wild[DNS_NAME_TEXT_SIZE + 2];
    if (topology == NULL || topology->name_group_count == 0) {
        return 0;
    }
    found = keytable_find(topology->grouped, name, strlen(name));
    for (const char *rest = name;
         found == NULL && topology->has_wild_names && (rest = skip_label(rest)) != NULL;) {
        int len = snprintf(wild, sizeof wild, "*.%s", rest);
        found = keytable_find(topology->grouped, wild, (size_t)len);
    }
    return found == NULL ? 0 : *found + 1;
}
