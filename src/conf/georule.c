/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See georule.h. */
#include "config.h"

#include "conf/georule.h"

#include "base/error.h"
#include "base/hash.h"
#include "conf/keytable.h"
#include "conf/value.h"

#include <string.h>

enum { TEXT_MAX = 255 };
#define RULES "an array of rules, such as {\"when\": {\"country\": \"US\"}, \"tiers\": [...]}"
static const char rules_expected[] = RULES;
static const char rules_or_name_expected[] = RULES ", or the name of such in \"geo_rules\"";
static const uint32_t city_range[2] = {1, INT32_MAX}, asn_range[2] = {1, UINT32_MAX};

/* ---- one value ---- */

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void add_text(struct conf_geo_values *values, const char *text, struct arena *arena)
{
    values->texts[values->text_count++] = arena_copy_text(arena, text);
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

static bool add_country(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena)
{
    const char *code = doc_is_text(item) ? copy_code(doc_text(item), arena) : NULL;
    if (code == NULL) {
        return false;
    }
    values->texts[values->text_count++] = code;
    return true;
}

static bool add_continent(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena)
{
    static const char *const known[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    const char *code = doc_is_text(item) ? copy_code(doc_text(item), arena) : NULL;
    for (size_t i = 0; code != NULL && i < sizeof known / sizeof *known; i++) {
        if (strcmp(code, known[i]) == 0) {
            values->texts[values->text_count++] = known[i];
            return true;
        }
    }
    return false;
}

static bool add_subdivision(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena)
{
    const char *text = doc_text(item);
    if (text == NULL || !is_letter(text[0]) || !is_letter(text[1]) || text[2] != '-' || text[3] == '\0' ||
        strlen(text) > TEXT_MAX) {
        return false;
    }
    add_text(values, text, arena);
    return true;
}

static bool read_number(const struct doc_node *item, const uint32_t range[2], struct conf_geo_values *values)
{
    return !doc_is_text(item) && !doc_is_array(item) && !doc_is_object(item) &&
           doc_read_number(item, range, &values->numbers[values->number_count]) &&
           ++values->number_count != 0;
}

static bool add_city(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena)
{
    const char *text = doc_text(item);
    if (text == NULL) {
        return read_number(item, city_range, values);
    }
    if (text[0] == '\0' || strlen(text) > TEXT_MAX) {
        return false;
    }
    add_text(values, text, arena);
    return true;
}

/* 64496 or "AS64496" */
static bool add_asn(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena)
{
    (void)arena;
    const char *text = doc_text(item);
    if (text == NULL) {
        return read_number(item, asn_range, values);
    }
    uint64_t asn = 0;
    size_t digits = (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 's' ? strspn(text + 2, "0123456789") : 0;
    for (size_t i = 0; i < digits && asn <= UINT32_MAX; i++) {
        asn = asn * 10 + (uint64_t)(text[2 + i] - '0');
    }
    if (digits == 0 || text[2 + digits] != '\0' || asn == 0 || asn > UINT32_MAX) {
        return false;
    }
    values->numbers[values->number_count++] = (uint32_t)asn;
    return true;
}

/* ---- conditions ---- */

static const struct condition {
    const char *key, *list, *expected; /* for messages */
    /* Adds the value of a node, or returns false: it is not acceptable, and may have been reported. */
    bool (*add)(struct conf_geo_values *values, const struct doc_node *item, struct arena *arena);
} conditions[CONF_GEO_KINDS] = {
    [CONF_GEO_CONTINENT] = {"continent", "a continent or an array of continents",
                            "one of \"AF\", \"AN\", \"AS\", \"EU\", \"NA\", \"OC\", \"SA\"", add_continent},
    [CONF_GEO_COUNTRY] = {"country", "a country or an array of countries",
                          "an ISO 3166-1 country code of two letters, such as \"US\"", add_country},
    [CONF_GEO_SUBDIVISION] = {"subdivision", "a subdivision or an array of subdivisions",
                              "an ISO 3166-2 code, such as \"US-CA\"", add_subdivision},
    [CONF_GEO_CITY] = {"city", "a city or an array of cities",
                       "the name of a city, such as \"Paris\", or its GeoNames id, such as 2988507",
                       add_city},
    [CONF_GEO_ASN] = {"asn", "an autonomous system or an array of them",
                      "the number of an autonomous system, such as 64496 or \"AS64496\"", add_asn},
};

/* The next value of a list that may be written as one value. */
static bool next_value(const struct doc_node *list, struct doc_node *item)
{
    if (doc_is_array(list)) {
        return doc_next(list, item);
    }
    bool is_first = item->value == NULL;
    *item = *list;
    return is_first;
}

static void report_empty(const struct doc_node *node)
{
    if (doc_is_array(node) && doc_count(node) == 0) {
        doc_error(node, "the array is empty, expected at least one value: without any, no client matches");
    }
}

static void read_condition(const struct doc_node *node, const struct condition *condition,
                           struct conf_geo_values *values, struct arena *arena)
{
    struct doc_node item = {0};
    size_t count = doc_count_texts(node);
    values->texts = arena_alloc(arena, count * sizeof *values->texts);
    values->numbers = arena_alloc(arena, count * sizeof *values->numbers);
    if (doc_is_object(node)) {
        doc_error_expected(node, condition->list);
        return;
    }
    while (next_value(node, &item)) {
        size_t issues = doc_count_issues(node->doc);
        if (!condition->add(values, &item, arena) && issues == doc_count_issues(node->doc)) {
            doc_error_expected(&item, condition->expected);
        }
    }
    report_empty(node);
}

/* Host bits are the commonest mistake, and the right prefix is known then. */
static void report_prefix(const struct doc_node *item)
{
    struct addr_prefix prefix;
    char text[ADDR_TEXT_SIZE];
    if (addr_parse_prefix(doc_text(item), &prefix) == ERROR_INVALID) {
        addr_mask(&prefix.addr, prefix.len);
        doc_error(item, "found \"%.100s\" with bits set behind the prefix; did you mean \"%s/%u\"?",
                  doc_text(item), addr_write(&prefix.addr, text), prefix.len);
    } else {
        doc_error_expected(item, "an address prefix, such as \"192.0.2.0/24\" or \"2001:db8::/32\"");
    }
}

static void read_prefixes(const struct doc_node *node, struct conf_geo_rule *rule, struct arena *arena)
{
    struct doc_node item = {0};
    rule->prefixes = arena_alloc(arena, doc_count_texts(node) * sizeof *rule->prefixes);
    while (doc_next_text(node, "a prefix or an array of prefixes", &item)) {
        if (addr_parse_prefix(doc_text(&item), &rule->prefixes[rule->prefix_count]) != 0) {
            report_prefix(&item);
        } else {
            rule->prefix_count++;
        }
    }
    report_empty(node);
}

static void read_when(const struct doc_node *when, struct conf_geo_rule *rule, struct arena *arena)
{
    static const char *const keys[] = {"cidr", "asn", "city", "subdivision", "country", "continent", NULL};
    struct doc_node node, any = {0};
    if (!doc_check_object(when, keys)) {
        return;
    }
    if (!doc_next(when, &any)) {
        doc_error(when,
                  "found no condition, expected \"cidr\", \"asn\", \"city\", \"subdivision\", \"country\" or "
                  "\"continent\"; for all other clients there is \"tiers\" of the name");
    }
    for (int kind = 0; kind < CONF_GEO_KINDS; kind++) {
        if (doc_find(when, conditions[kind].key, &node)) {
            read_condition(&node, &conditions[kind], &rule->values[kind], arena);
        }
    }
    if (doc_find(when, "cidr", &node)) {
        read_prefixes(&node, rule, arena);
    }
}

/* ---- sets ---- */

/* A set while it is read. */
struct reading {
    struct refs_reader *refs;
    struct arena *arena, *scratch;
    struct conf_geo *geo;
    struct keytable *outcomes; /* what makes an outcome -> it */
};

static uint32_t add_outcome(struct reading *reading, const struct conf_geo_outcome *outcome)
{
    struct conf_geo *geo = reading->geo;
    const uintptr_t key[] = {(uintptr_t)outcome->tiers, (uintptr_t)outcome->fallback,
                             (uintptr_t)outcome->spill, outcome->fence};
    struct conf_geo_outcome *known = keytable_find(reading->outcomes, key, sizeof key);
    if (known == NULL) {
        known = &geo->outcomes[geo->outcome_count++];
        *known = *outcome;
        geo->has_pools |= outcome->fallback != NULL && outcome->fallback->pool != NULL;
        (void)keytable_add(reading->outcomes, arena_copy(reading->scratch, key, sizeof key), sizeof key,
                           known);
    }
    return (uint32_t)(known - geo->outcomes);
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_bytes(hash, &number, sizeof number);
}

static uint64_t identify(const struct conf_geo *geo)
{
    uint64_t hash = hash_number(HASH_START, geo->rule_count);
    for (size_t r = 0; r < geo->rule_count; r++) {
        const struct conf_geo_rule *rule = &geo->rules[r];
        hash = hash_number(hash, rule->outcome);
        for (int kind = 0; kind < CONF_GEO_KINDS; kind++) {
            const struct conf_geo_values *values = &rule->values[kind];
            hash = hash_number(hash, (uint64_t)values->text_count << 32 | values->number_count);
            for (size_t i = 0; i < values->text_count; i++) {
                hash = hash_bytes(hash, values->texts[i], strlen(values->texts[i]) + 1);
            }
            hash = hash_bytes(hash, values->numbers, values->number_count * sizeof *values->numbers);
        }
        hash = hash_number(hash, rule->prefix_count);
        for (size_t p = 0; p < rule->prefix_count; p++) {
            const struct addr *addr = &rule->prefixes[p].addr;
            hash = hash_bytes(hash, addr->bytes, addr_len(addr));
            hash = hash_number(hash, (uint64_t)addr->family << 8 | rule->prefixes[p].len);
        }
    }
    return hash_finish(hash);
}

enum conf_spill georule_get_spill(const struct doc_node *node, enum conf_spill otherwise)
{
    static const char *const spills[] = {"next", "capacity", NULL};
    struct doc_node spill;
    if (!doc_find(node, "spill", &spill)) {
        return otherwise;
    }
    return doc_get_choice(node, "spill", spills, 0) == 0 ? CONF_SPILL_NEXT : CONF_SPILL_CAPACITY;
}

static void read_rule(struct reading *reading, const struct doc_node *node)
{
    static const char *const keys[] = {"when", "tiers", "spill", "fence", "fallback", NULL};
    struct doc_node part;
    uint32_t number = (uint32_t)reading->geo->rule_count++;
    struct conf_geo_rule *rule = &reading->geo->rules[number];
    if (!doc_check_object(node, keys)) {
        return;
    }
    if (doc_require(node, "when", &part)) {
        read_when(&part, rule, reading->arena);
    }
    if (doc_require(node, "tiers", &part)) {
        struct conf_geo_outcome outcome = {.tiers = refs_read(reading->refs, &part),
                                           .fallback = refs_read_fallback(reading->refs, node),
                                           .spill = georule_get_spill(node, CONF_SPILL_DEFAULT),
                                           .fence = doc_get_bool(node, "fence", false),
                                           .first_rule = number};
        rule->outcome = add_outcome(reading, &outcome);
    }
}

static void read_rules(struct reading *reading, const struct doc_node *node)
{
    struct doc_node child = {0};
    struct conf_geo *geo = reading->geo;
    size_t count = doc_count(node);
    reading->scratch = arena_new(0);
    reading->outcomes = keytable_new(reading->scratch);
    geo->rules = arena_alloc(reading->arena, count * sizeof *geo->rules);
    geo->outcomes = arena_alloc(reading->arena, count * sizeof *geo->outcomes);
    while (doc_next(node, &child)) {
        read_rule(reading, &child);
    }
    arena_free(reading->scratch);
}

const struct conf_geo *georule_read(struct refs_reader *refs, const struct doc_node *node, const char *name,
                                    struct arena *arena)
{
    struct conf_geo *geo = arena_alloc(arena, sizeof *geo);
    geo->is_shared = name != NULL;
    geo->label = geo->is_shared ? name : "geo";
    if (!doc_check_array(node, geo->is_shared ? rules_expected : rules_or_name_expected)) {
        return geo;
    }
    if (doc_count(node) > GEORULE_MAX) {
        doc_error(node, "found %zu rules, expected at most %d", doc_count(node), GEORULE_MAX);
        return geo;
    }
    read_rules(&(struct reading){.refs = refs, .arena = arena, .geo = geo}, node);
    geo->identity = identify(geo);
    return geo;
}

void georule_read_sets(struct refs_reader *refs, const struct doc_node *root, struct arena *arena,
                       struct keytable *sets, const struct keytable *taken)
{
    struct doc_node list, node = {0};
    if (!doc_find(root, "geo_rules", &list) || !doc_check_object(&list, NULL)) {
        return;
    }
    while (doc_next(&list, &node)) {
        if (!value_is_name(node.key)) {
            doc_error_at_key(&node, "found the name \"%.100s\", expected %s", node.key, VALUE_NAME_RULE);
        }
        if (taken != NULL && keytable_find(taken, node.key, strlen(node.key)) != NULL) {
            doc_error_at_key(&node, "the topology has geo rules \"%.100s\" already", node.key);
        }
        const char *name = arena_copy_text(arena, node.key);
        const struct conf_geo *geo = georule_read(refs, &node, name, arena);
        (void)keytable_add(sets, name, strlen(name), (void *)(uintptr_t)geo);
    }
}
