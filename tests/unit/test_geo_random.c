/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random rules over random databases against brute force: what a look-up says is computed a second time from
 * the lists of networks and rules by linear search, at the first address of every stretch in which nothing
 * changes. So "all addresses within the scope have this class, and with one bit less they do not" is proven
 * over all addresses of both families, aliases included; and explaining names the rule that decided. Seeds
 * are fixed. */
#include "config.h"

#include "unit.h"

#include "geo_case.h"

#include "base/arena.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { POINTS = 4096 };

struct points {
    number at[POINTS];
    unsigned class_id[POINTS];
    size_t count;
};

static void add_stretch(struct points *points, number first, unsigned bits, unsigned len)
{
    assert_true(points->count + 2 <= POINTS);
    points->at[points->count++] = first;
    number last = first | (len == 128 ? 0 : ~(number)0 >> len >> (128 - bits));
    last = len >= bits ? first : last;
    if (last != ~(number)0 >> (128 - bits)) {
        points->at[points->count++] = last + 1;
    }
}

/* Both ends of a prefix, and of its images where a database looks into its IPv4 part. */
static void add_prefix(struct points *points, const struct addr_prefix *prefix, uint8_t family)
{
    number n = geo_to_number(&prefix->addr);
    if (prefix->addr.family == family) {
        add_stretch(points, n, geo_family_bits(family), prefix->len);
    } else if (family == ADDR_V6) {
        add_stretch(points, n, 128, prefix->len + 96u);
        add_stretch(points, n | (number)0xffff << 32, 128, prefix->len + 96u);
        add_stretch(points, n << 80 | (number)0x2002 << 112, 128, prefix->len + 16u);
        add_stretch(points, n | (number)0xffff << 48, 128, prefix->len + 96u);
        add_stretch(points, n | (number)0x0064ff9b << 96, 128, prefix->len + 96u);
        number flipped = geo_mask(~n & 0xffffffff, 32, prefix->len);
        add_stretch(points, flipped | (number)0x20010000 << 96, 128, prefix->len + 96u);
        add_stretch(points, flipped | (number)0x20010000fedcba98 << 64 | (number)0x76543210 << 32, 128,
                    prefix->len + 96u);
    } else if (n >> 32 == 0 && prefix->len >= 96) {
        add_stretch(points, n, 32, prefix->len - 96u);
    }
}

static void add_networks(struct points *points, const struct mmdb_plan *plan, uint8_t family)
{
    for (size_t i = 0; i < plan->network_count; i++) {
        const struct addr_prefix *prefix = &plan->networks[i].prefix;
        number n = geo_to_number(&prefix->addr);
        add_prefix(points, prefix, family);
        /* IPv6 networks inside ::/96 show in the aliases, too. */
        if (prefix->addr.family == ADDR_V6 && n >> 32 == 0 && prefix->len >= 96) {
            add_prefix(points, &(struct addr_prefix){geo_to_addr(n, ADDR_V4), (uint8_t)(prefix->len - 96)},
                       family);
        }
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const number *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void list_points(struct points *points, const struct geo_case *c, uint8_t family)
{
    points->count = 0;
    points->at[points->count++] = 0;
    add_stretch(points, 0, geo_family_bits(family), family == ADDR_V4 ? 32 : 96);
    if (family == ADDR_V6) {
        add_stretch(points, (number)0xffff << 32, 128, 96);
        add_stretch(points, (number)0x2002 << 112, 128, 16);
        add_stretch(points, (number)0xffff << 48, 128, 96);
        add_stretch(points, (number)0x0064ff9b << 96, 128, 96);
        add_stretch(points, (number)0x20010000 << 96, 128, 32);
        add_stretch(points, (number)0x20010000fedcba98 << 64 | (number)0x76543210 << 32, 128, 96);
    }
    for (size_t i = 0; i < c->db_count; i++) {
        add_networks(points, &c->plans[i], family);
    }
    for (size_t i = 0; i < c->plan.rule_count; i++) {
        for (size_t p = 0; p < c->rules[i].prefix_count; p++) {
            add_prefix(points, &c->prefixes[i][p], family); /* too many points do no harm */
        }
    }
    qsort(points->at, points->count, sizeof *points->at, compare_numbers);
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = geo_to_addr(points->at[i], family);
        points->class_id[i] = geo_true_class(c, &addr);
    }
}

/* Do all stretches that meet the prefix have this class? */
static bool is_uniform(const struct points *points, unsigned bits, number first, unsigned len,
                       unsigned class_id)
{
    number last = len >= bits ? first : first | (~(number)0 >> (128 - bits) >> len);
    for (size_t i = 0; i < points->count; i++) {
        bool begins_inside = points->at[i] >= first && points->at[i] <= last;
        bool holds_first = points->at[i] <= first && (i + 1 == points->count || points->at[i + 1] > first);
        if ((begins_inside || holds_first) && points->class_id[i] != class_id) {
            return false;
        }
    }
    return true;
}

/* Teredo has the same borders in each of its 2^64 parts: they are listed for two of these. */
static bool is_between(number n, uint8_t family)
{
    number part = n >> 32 & ~(uint64_t)0;
    return family == ADDR_V6 && n >> 96 == 0x20010000 && part != 0 && part != 0xfedcba9876543210;
}

static void check_family(const struct geo_case *c, uint8_t family, struct points *points)
{
    unsigned bits = geo_family_bits(family);
    list_points(points, c, family);
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = geo_to_addr(points->at[i], family);
        struct geo_match match = geo_find_class(c->tree, &addr);
        char text[ADDR_TEXT_SIZE];
        if (match.class_id != points->class_id[i]) {
            fail_msg("%s: class %u, expected %u", addr_write(&addr, text), match.class_id,
                     points->class_id[i]);
        }
        if (!is_uniform(points, bits, geo_mask(points->at[i], bits, match.scope), match.scope,
                        match.class_id)) {
            fail_msg("%s/%u: other classes within the scope", addr_write(&addr, text), match.scope);
        }
        if (match.scope > 0 && !is_between(points->at[i], family) &&
            is_uniform(points, bits, geo_mask(points->at[i], bits, match.scope - 1u), match.scope - 1u,
                       match.class_id)) {
            fail_msg("%s/%u: the scope could be wider", addr_write(&addr, text), match.scope);
        }
    }
}

static void check_places(const struct geo_case *c, const struct points *points, uint8_t family)
{
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = geo_to_addr(points->at[i], family), client = geo_true_client(NULL, &addr);
        struct geo_truth truth = geo_find_truth(c, &client);
        struct geo_place place;
        (void)geo_find_place(c->dbs, c->db_count, &addr, arena, &place);
        assert_string_equal(place.country, truth.country);
        assert_string_equal(place.continent, truth.continent);
        assert_string_equal(place.city == NULL ? "" : place.city, truth.city == NULL ? "" : truth.city);
        assert_int_equal(place.asn, truth.asn);
        assert_int_equal(place.has_location, truth.location != NULL);
        assert_true(place.prefix_len <= geo_family_bits(family));
    }
    arena_free(arena);
}

static void check_case(struct random *random, struct points *points)
{
    struct geo_case c;
    memset(&c, 0, sizeof c);
    geo_case_make(&c, random);
    check_family(&c, ADDR_V4, points);
    check_places(&c, points, ADDR_V4);
    check_family(&c, ADDR_V6, points);
    check_places(&c, points, ADDR_V6);
    geo_case_free(&c);
}

static void scopes_are_exact(void **state)
{
    (void)state;
    struct points *points = memory_alloc(sizeof *points);
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct random random;
        random_init(&random, seed);
        check_case(&random, points);
    }
    free(points);
}

/* ---- two trees at once ---- */

enum { CLASSES = 512 };

struct table {
    bool expected[CLASSES][CLASSES], told[CLASSES][CLASSES];
};

static void mark_told(void *context, uint16_t a, uint16_t b)
{
    struct table *table = context;
    assert_true(a < CLASSES && b < CLASSES);
    table->told[a][b] = true;
}

/* Wherever the class of either changes; a tree of NULL has class 0 only. */
static void mark_expected(struct table *table, const struct points *points, const struct geo_case *a,
                          const struct geo_case *b, uint8_t family)
{
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = geo_to_addr(points->at[i], family);
        uint16_t right = b == NULL ? 0 : geo_find_class(b->tree, &addr).class_id;
        table->expected[geo_find_class(a->tree, &addr).class_id][right] = true;
    }
}

static void check_pair(const struct geo_case *a, const struct geo_case *b, struct points *points)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    struct table *table = memory_alloc(sizeof *table);
    for (size_t i = 0; i < sizeof families; i++) {
        list_points(points, a, families[i]);
        mark_expected(table, points, a, b, families[i]);
        if (b != NULL) {
            list_points(points, b, families[i]);
            mark_expected(table, points, a, b, families[i]);
        }
    }
    geo_pair_classes(a->tree, b == NULL ? NULL : b->tree, mark_told, table);
    assert_memory_equal(table->told, table->expected, sizeof table->told);
    free(table);
}

/* Whoever is at a border of something that rules or databases say has one of the classes that there are. */
static void check_examples(const struct geo_case *c, struct points *points)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    struct addr examples[CLASSES];
    bool is_there[CLASSES] = {false}, by_v4[CLASSES] = {false};
    for (size_t f = 0; f < sizeof families; f++) {
        list_points(points, c, families[f]);
        for (size_t i = 0; i < points->count; i++) {
            struct addr addr = geo_to_addr(points->at[i], families[f]);
            uint16_t class_id = geo_find_class(c->tree, &addr).class_id;
            assert_true(class_id < CLASSES);
            is_there[class_id] = true;
            by_v4[class_id] |= families[f] == ADDR_V4;
        }
    }
    geo_find_examples(c->tree, examples, CLASSES);
    for (unsigned i = 0; i < CLASSES; i++) {
        assert_int_equal(examples[i].family, by_v4[i] ? ADDR_V4 : is_there[i] ? ADDR_V6 : ADDR_NONE);
        assert_true(!is_there[i] || geo_find_class(c->tree, &examples[i]).class_id == i);
    }
}

static void examples_are_of_their_class(void **state)
{
    (void)state;
    struct points *points = memory_alloc(sizeof *points);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct geo_case c;
        struct random random;
        memset(&c, 0, sizeof c);
        random_init(&random, seed);
        geo_case_make(&c, &random);
        check_examples(&c, points);
        geo_case_free(&c);
    }
    free(points);
}

static void pairs_are_those_of_clients(void **state)
{
    (void)state;
    struct points *points = memory_alloc(sizeof *points);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct geo_case a, b;
        struct random random;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        random_init(&random, seed);
        geo_case_make(&a, &random);
        geo_case_make(&b, &random);
        check_pair(&a, &b, points);
        check_pair(&a, &a, points);
        check_pair(&b, NULL, points);
        geo_case_free(&a);
        geo_case_free(&b);
    }
    free(points);
}

/* ---- many clients at once ---- */

enum { VISITED = 1 << 14 };

struct visited {
    struct addr_prefix networks[VISITED];
    uint32_t values[VISITED];
    size_t count;
};

static bool note_network(void *context, uint32_t value, const struct addr_prefix *network)
{
    struct visited *visited = context;
    assert_true(visited->count < VISITED);
    visited->networks[visited->count] = *network;
    visited->values[visited->count++] = value;
    return true;
}

static uint32_t find_visited(const struct visited *visited, const struct addr *addr)
{
    uint32_t found = 0;
    for (size_t i = 0; i < visited->count; i++) {
        if (addr_in_prefix(addr, &visited->networks[i])) {
            assert_int_equal(found, 0); /* each address once */
            found = visited->values[i];
        }
    }
    return found;
}

static bool is_translated(const struct addr *addr)
{
    number n = geo_to_number(addr);
    return addr->family == ADDR_V6 && (n >> 64 == 0 || n >> 112 == 0x2002);
}

/* At the first address of every stretch in which nothing changes. */
static void check_networks(const struct geo_case *c, const struct points *points, uint8_t family,
                           struct visited *visited)
{
    static const enum geo_kind kinds[] = {GEO_COUNTRY, GEO_ASN};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        visited->count = 0;
        geo_visit_networks(c->dbs, c->db_count, kinds[k],
                           &(struct geo_network_visitor){note_network, visited});
        for (size_t i = 0; i < visited->count; i++) {
            assert_true(geo_knows(c->dbs, c->db_count, kinds[k], visited->values[i]));
        }
        assert_false(geo_knows(c->dbs, c->db_count, kinds[k], 4000000000u));
        for (size_t i = 0; i < points->count; i++) {
            struct addr addr = geo_to_addr(points->at[i], family);
            struct geo_truth truth = geo_find_truth(c, &addr);
            uint32_t expected = kinds[k] == GEO_ASN          ? truth.asn
                                : strlen(truth.country) == 2 ? geo_number_country(truth.country)
                                                             : 0;
            if (!is_translated(&addr)) {
                assert_int_equal(find_visited(visited, &addr), expected);
            }
        }
    }
}

/* Not all of its borders are among the points. */
static bool has_part_of_teredo(const struct addr_prefix *network)
{
    const struct addr_prefix teredo = {{ADDR_V6, {0x20, 0x01}}, 32};
    return network->len > 1 && network->addr.family == ADDR_V6 &&
           (addr_in_prefix(&network->addr, &teredo) || addr_in_prefix(&teredo.addr, network));
}

/* The part of a network that each class has, stretch by stretch. */
static void check_weights(const struct geo_case *c, const struct points *points,
                          const struct addr_prefix *network)
{
    if (has_part_of_teredo(network)) {
        return;
    }
    enum { CLASSES_MAX = UINT16_MAX + 1 };
    unsigned bits = geo_family_bits(network->addr.family);
    number first = geo_to_number(&network->addr), all = ~(number)0 >> (128 - bits);
    number last = network->len >= bits ? first : first | all >> network->len;
    double *expected = memory_alloc_array(CLASSES_MAX, sizeof *expected),
           *found = memory_alloc_array(CLASSES_MAX, sizeof *found);
    for (size_t i = 0; i < points->count; i++) {
        number from = points->at[i] < first ? first : points->at[i];
        number to = i + 1 == points->count ? all : points->at[i + 1] - 1;
        to = to > last ? last : to;
        bool is_last = i + 1 == points->count || points->at[i + 1] > points->at[i];
        if (is_last && from <= to) {
            expected[points->class_id[i]] += ((double)(to - from) + 1) / ((double)(last - first) + 1);
        }
    }
    geo_weigh_classes(c->tree, network, 1, found, CLASSES_MAX);
    for (size_t i = 0; i < CLASSES_MAX; i++) {
        assert_float_equal(found[i], expected[i], 1e-9);
    }
    free(expected);
    free(found);
}

static void check_crowd(struct random *random, struct points *points, struct visited *visited)
{
    static const uint8_t families[] = {ADDR_V4, ADDR_V6};
    struct geo_case c;
    memset(&c, 0, sizeof c);
    geo_case_make(&c, random);
    for (size_t f = 0; f < 2; f++) {
        list_points(points, &c, families[f]);
        check_networks(&c, points, families[f], visited);
        check_weights(&c, points, &(struct addr_prefix){{families[f], {0}}, 0});
        for (size_t i = 0; i < points->count; i += 1 + points->count / 8) {
            uint8_t len = (uint8_t)random_below(random, geo_family_bits(families[f]) + 1);
            struct addr_prefix network = {geo_to_addr(points->at[i], families[f]), len};
            addr_mask(&network.addr, len);
            check_weights(&c, points, &network);
        }
    }
    geo_case_free(&c);
}

static void crowds_are_those_of_all_addresses(void **state)
{
    (void)state;
    struct points *points = memory_alloc(sizeof *points);
    struct visited *visited = memory_alloc(sizeof *visited);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct random random;
        random_init(&random, seed);
        check_crowd(&random, points, visited);
    }
    free(visited);
    free(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_are_exact), cmocka_unit_test(examples_are_of_their_class),
        cmocka_unit_test(pairs_are_those_of_clients), cmocka_unit_test(crowds_are_those_of_all_addresses)};
    return cmocka_run_group_tests_name("geo_random", tests, NULL, NULL);
}
