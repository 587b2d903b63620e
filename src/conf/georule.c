/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading geo rules: conditions are texts and prefixes here, their meaning is found in src/geo. */
#include "config.h"

#include "conf/georule.h"

#include "base/error.h"

#include <string.h>

/* One kind of condition: reads one text into the rule; false: it is not acceptable. */
struct condition {
    const char *key, *list, *expected; /* for messages */
    bool (*add)(struct conf_geo_rule *rule, const char *text, struct arena *arena);
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Two letters, in upper case; NULL if it is anything else. */
static char *copy_code(const char *text, struct arena *arena)
{
    if (!is_letter(text[0]) || !is_letter(text[1]) || text[2] != '\0') {
        return NULL;
    }
    char *code = arena_copy_text(arena, text);
    code[0] = (char)(code[0] & ~0x20);
    code[1] = (char)(code[1] & ~0x20);
    return code;
}

static bool add_country(struct conf_geo_rule *rule, const char *text, struct arena *arena)
{
    const char *code = copy_code(text, arena);
    if (code == NULL) {
        return false;
    }
    rule->countries[rule->country_count++] = code;
    return true;
}

static bool add_continent(struct conf_geo_rule *rule, const char *text, struct arena *arena)
{
    static const char *const known[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    const char *code = copy_code(text, arena);
    for (size_t i = 0; code != NULL && i < sizeof known / sizeof *known; i++) {
        if (strcmp(code, known[i]) == 0) {
            rule->continents[rule->continent_count++] = known[i];
            return true;
        }
    }
    return false;
}

static bool add_prefix(struct conf_geo_rule *rule, const char *text, struct arena *arena)
{
    (void)arena;
    if (addr_parse_prefix(text, &rule->prefixes[rule->prefix_count]) != 0) {
        return false;
    }
    rule->prefix_count++;
    return true;
}

static const struct condition conditions[] = {
    {"country", "a country or an array of countries",
     "an ISO 3166-1 country code of two letters, such as \"US\"", add_country},
    {"continent", "a continent or an array of continents",
     "one of \"AF\", \"AN\", \"AS\", \"EU\", \"NA\", \"OC\", \"SA\"", add_continent},
    {"cidr", "a prefix or an array of prefixes",
     "an address prefix, such as \"192.0.2.0/24\" or \"2001:db8::/32\"", add_prefix},
};

/* Host bits are the commonest mistake, and the right prefix is known then. */
static void report_value(const struct doc_node *item, const struct condition *condition)
{
    struct addr_prefix prefix;
    char text[ADDR_TEXT_SIZE];
    if (condition->add == add_prefix && addr_parse_prefix(doc_text(item), &prefix) == ERROR_INVALID) {
        addr_mask(&prefix.addr, prefix.len);
        doc_error(item, "found \"%.100s\" with bits set behind the prefix; did you mean \"%s/%u\"?",
                  doc_text(item), addr_write(&prefix.addr, text), prefix.len);
    } else {
        doc_error_expected(item, condition->expected);
    }
}

static void read_condition(const struct doc_node *node, const struct condition *condition,
                           struct conf_geo_rule *rule, struct arena *arena)
{
    struct doc_node item = {0};
    while (doc_next_text(node, condition->list, &item)) {
        if (!condition->add(rule, doc_text(&item), arena)) {
            report_value(&item, condition);
        }
    }
    if (doc_is_array(node) && doc_count(node) == 0) {
        doc_error(node, "the array is empty, expected at least one value: without any, no client matches");
    }
}

static void read_when(const struct doc_node *when, struct conf_geo_rule *rule, struct arena *arena)
{
    static const char *const keys[] = {"country", "continent", "cidr", NULL};
    struct doc_node node, any = {0};
    if (!doc_check_object(when, keys)) {
        return;
    }
    if (!doc_next(when, &any)) {
        doc_error(
            when,
            "found no condition, expected \"country\", \"continent\" or \"cidr\"; for all other clients "
            "there is \"tiers\" of the name");
    }
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        if (!doc_find(when, conditions[i].key, &node)) {
            continue;
        }
        size_t count = doc_count_texts(&node);
        if (conditions[i].add == add_prefix) {
            rule->prefixes = arena_alloc(arena, count * sizeof *rule->prefixes);
        } else if (conditions[i].add == add_country) {
            rule->countries = arena_alloc(arena, count * sizeof *rule->countries);
        } else {
            rule->continents = arena_alloc(arena, count * sizeof *rule->continents);
        }
        read_condition(&node, &conditions[i], rule, arena);
    }
}

enum conf_spill georule_get_spill(const struct doc_node *node, enum conf_spill otherwise)
{
    static const char *const spills[] = {
        [CONF_SPILL_NEXT] = "next", [CONF_SPILL_CAPACITY] = "capacity", NULL};
    return (enum conf_spill)doc_get_choice(node, "spill", spills, otherwise);
}

void georule_read(struct selector *selector, const struct doc_node *node,
                  const struct selector_members *members, struct arena *arena, struct conf_name *name)
{
    static const char *const keys[] = {"when", "tiers", "spill", "fence", "fallback", NULL};
    struct doc_node child = {0}, part;
    if (!doc_check_array(node,
                         "an array of rules, such as {\"when\": {\"country\": \"US\"}, \"tiers\": [...]}")) {
        return;
    }
    if (doc_count(node) > GEORULE_MAX) {
        doc_error(node, "found %zu rules, expected at most %d", doc_count(node), GEORULE_MAX);
        return;
    }
    name->geo = arena_alloc(arena, doc_count(node) * sizeof *name->geo);
    while (doc_next(node, &child)) {
        struct conf_geo_rule *rule = &name->geo[name->geo_count++];
        if (!doc_check_object(&child, keys)) {
            continue;
        }
        if (doc_require(&child, "when", &part)) {
            read_when(&part, rule, arena);
        }
        if (doc_require(&child, "tiers", &part)) {
            rule->tiers = selector_read_tiers(selector, &part, members);
        }
        rule->spill = georule_get_spill(&child, name->spill);
        rule->fence = doc_get_bool(&child, "fence", false);
        rule->has_fallback = selector_read_fallback(selector, &child, members, &rule->fallback);
    }
}
