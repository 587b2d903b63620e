/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of geo rules over the databases of tests/data/geo: which rule wins, what each kind of condition
 * matches, several databases, nearest sites, and that explaining says the same as the compiled tree. */
#include "config.h"

#include "unit.h"

#include "geo/geo.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS(...)                                                                                           \
    {                                                                                                        \
        .texts = (const char *const[]){__VA_ARGS__},                                                         \
        .text_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                      \
    }
#define NUMBERS(...)                                                                                         \
    {                                                                                                        \
        .numbers = (const uint32_t[]){__VA_ARGS__},                                                          \
        .number_count = sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)                           \
    }

enum { DATABASES_MAX = 4 };

struct world {
    struct geo_db *dbs[DATABASES_MAX];
    size_t count;
    struct geo_tree *tree;
};

static void open_world(struct world *world, const char *const *names)
{
    *world = (struct world){.count = 0};
    for (; names[world->count] != NULL; world->count++) {
        char *path = memory_print("%s/%s.mmdb", GEO_DATA, names[world->count]);
        struct report *report = report_new();
        world->dbs[world->count] = geo_open_db(path, report);
        assert_non_null(world->dbs[world->count]);
        report_free(report);
        free(path);
    }
}

static void build(struct world *world, const struct geo_plan *plan)
{
    struct geo_atlas *atlas = geo_atlas_new(world->dbs, world->count);
    geo_free_tree(world->tree);
    world->tree = geo_build_tree(plan, atlas);
    geo_atlas_free(atlas);
}

static void close_world(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        geo_close_db(world->dbs[i]);
    }
    geo_free_tree(world->tree);
}

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

static struct addr_prefix prefix(const char *text)
{
    struct addr_prefix p;
    assert_int_equal(addr_parse_prefix(text, &p), 0);
    return p;
}

/* Rules here have their index + 1 as their target, so that 0 is nobody's. */
static void expect(const struct world *world, const char *text, unsigned class_id, unsigned scope)
{
    struct addr addr = address(text);
    struct geo_match match = geo_find_class(world->tree, &addr);
    if (match.class_id != class_id || match.scope != scope) {
        fail_msg("%s: class %u /%u, expected %u /%u", text, match.class_id, match.scope, class_id, scope);
    }
    struct geo_reason reason = geo_explain(world->tree, world->dbs, world->count, &addr);
    assert_int_equal(reason.rule, (int)class_id - 1);
}

static void expect_reason(const struct world *world, const char *text, int rule, const char *expected)
{
    struct addr addr = address(text);
    char at[ADDR_TEXT_SIZE], found[ADDR_TEXT_SIZE + 8] = "none";
    struct geo_reason reason = geo_explain(world->tree, world->dbs, world->count, &addr);
    if (reason.prefix.addr.family != ADDR_NONE) {
        snprintf(found, sizeof found, "%s/%u", addr_write(&reason.prefix.addr, at), reason.prefix.len);
    }
    assert_int_equal(reason.rule, rule);
    assert_string_equal(found, expected);
}

static void build_rules(struct world *world, struct geo_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rules[i].target = (uint32_t)i + 1;
    }
    build(world,
          &(struct geo_plan){.rules = rules, .rule_count = count, .class_count = (uint16_t)(count + 1)});
}

#define BUILD(world, rules) build_rules(world, rules, sizeof(rules) / sizeof *(rules))

/* ---- which rule wins ---- */

static void the_narrowest_rule_wins(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){"country", NULL});
    struct addr_prefix office[] = {prefix("192.0.2.64/28"), prefix("2001:db8::/40")};
    struct addr_prefix desk[] = {prefix("192.0.2.66/32"), prefix("198.51.100.0/24")};
    struct geo_rule rules[] = {
        {.values = {[GEO_CONTINENT] = TEXTS("NA")}},
        {.values = {[GEO_COUNTRY] = TEXTS("CA", "MX")}}, /* narrower, though it comes later */
        {.prefixes = office, .prefix_count = 2},
        {.prefixes = desk, .prefix_count = 2, .values = {[GEO_COUNTRY] = TEXTS("DE")}},
        {.values = {[GEO_COUNTRY] = TEXTS("DE"), [GEO_CONTINENT] = TEXTS("NA")}}, /* never both */
        {.values = {[GEO_CONTINENT] = TEXTS("EU")}},
        {.values = {[GEO_CONTINENT] = TEXTS("EU", "NA")}}, /* never: the same kind, and later */
    };
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 1, 26);
    expect(&w, "192.0.2.129", 2, 26);
    expect(&w, "192.0.2.64", 3, 28);
    expect(&w, "192.0.2.66", 3, 28); /* the desk is not in Germany */
    expect(&w, "198.51.100.1", 4, 24);
    expect(&w, "10.1.0.1", 6, 16);
    expect(&w, "8.8.8.8", 0, 7);
    expect(&w, "2001:db8::1", 3, 40);
    expect(&w, "2001:db8:ff::", 3, 40); /* one of ours, though South Africa is in it */
    expect(&w, "2001:db9::", 0, 32);
    expect_reason(&w, "192.0.2.66", 2, "192.0.2.64/28");
    expect_reason(&w, "198.51.100.1", 3, "198.51.100.0/24");
    expect_reason(&w, "2001:db8:ff::", 2, "2001:db8::/40");
    expect_reason(&w, "10.1.0.1", 5, "none");
    expect_reason(&w, "8.8.8.8", -1, "none");
    close_world(&w);
}

static void equal_prefixes_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){"country", NULL});
    struct addr_prefix net = prefix("192.0.2.0/24"), half = prefix("192.0.2.128/25");
    struct geo_rule rules[] = {
        {.prefixes = &net, .prefix_count = 1},
        {.prefixes = &net, .prefix_count = 1}, /* never */
        {.prefixes = &net, .prefix_count = 1, .values = {[GEO_COUNTRY] = TEXTS("US")}},
        {.prefixes = &half, .prefix_count = 1, .values = {[GEO_COUNTRY] = TEXTS("US")}}, /* never */
    };
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 3, 25);
    expect(&w, "192.0.2.129", 1, 25);
    expect(&w, "192.0.2.193", 1, 25);
    close_world(&w);
}

static void no_rules_and_no_databases(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){NULL});
    build(&w, &(struct geo_plan){.class_count = 1});
    expect(&w, "192.0.2.1", 0, 0);
    expect(&w, "2001:db8::1", 0, 0);
    assert_int_equal(geo_tree_needs(w.tree), 0);
    geo_hold_tree(w.tree);
    geo_free_tree(w.tree);
    expect(&w, "192.0.2.1", 0, 0);
    assert_true(geo_tree_size(w.tree) > 0);
    geo_hold_tree(NULL);
    geo_free_tree(NULL);
    geo_close_db(NULL);
    geo_atlas_free(NULL);
    /* A rule without conditions is for everybody. */
    struct geo_rule everybody = {.target = 7}, everything = {.prefix_count = 1, .target = 65535};
    build(&w, &(struct geo_plan){.rules = &everybody, .rule_count = 1, .class_count = 8});
    struct addr addr = address("192.0.2.1"), v6 = address("2001:db8::1"), none = {.family = ADDR_NONE};
    assert_int_equal(geo_find_class(w.tree, &addr).class_id, 7);
    assert_int_equal(geo_explain(w.tree, NULL, 0, &none).rule, 0);
    struct addr_prefix all = prefix("0.0.0.0/0");
    everything.prefixes = &all;
    build(&w, &(struct geo_plan){.rules = &everything, .rule_count = 1, .class_count = 65535});
    assert_int_equal(geo_find_class(w.tree, &addr).class_id, 65535);
    assert_int_equal(geo_find_class(w.tree, &addr).scope, 0);
    assert_int_equal(geo_find_class(w.tree, &v6).class_id, 0);
    expect_reason(&w, "192.0.2.1", 0, "0.0.0.0/0");
    close_world(&w);
}

/* ---- kinds of conditions ---- */

static void cities_and_subdivisions(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){"city", NULL});
    struct geo_rule rules[] = {
        {.values = {[GEO_COUNTRY] = TEXTS("US")}},
        {.values = {[GEO_CITY] = TEXTS("PARIS")}}, /* any Paris */
        {.values = {[GEO_CITY] = TEXTS("paris"), [GEO_COUNTRY] = TEXTS("FR")}},
        {.values = {[GEO_SUBDIVISION] = TEXTS("us-tx", "US-VA")}}, /* Paris in Texas is a city first */
        {.values = {[GEO_SUBDIVISION] = TEXTS("GB-LND")}},         /* the second level */
        {.values = {[GEO_SUBDIVISION] = TEXTS("AU-New South Wales")}},
        {.values = {[GEO_CITY] = NUMBERS(3448439, 1)}},
    };
    BUILD(&w, rules);
    assert_int_equal(geo_tree_needs(w.tree), 1u << GEO_COUNTRY | 1u << GEO_CITY | 1u << GEO_SUBDIVISION);
    expect(&w, "192.0.2.1", 4, 25);
    expect(&w, "192.0.2.129", 1, 25);
    expect(&w, "203.0.113.1", 3, 25);
    expect(&w, "203.0.113.129", 2, 25);
    expect(&w, "10.1.0.1", 5, 16);
    expect(&w, "10.2.0.1", 7, 16);
    expect(&w, "2001:db8::1", 6, 32);
    expect(&w, "198.51.100.1", 0, 6); /* Dublin: nobody asks for it */
    /* A place has several subdivisions: of rules for them the first wins, whichever is looked at first. */
    rules[6].values[GEO_CITY].number_count = 0;
    rules[6].values[GEO_SUBDIVISION] = (struct geo_values)TEXTS("GB-ENG");
    BUILD(&w, rules);
    expect(&w, "10.1.0.1", 5, 16);
    rules[6].values[GEO_SUBDIVISION].text_count = 0;
    rules[6].values[GEO_CITY] = (struct geo_values)TEXTS("S\xc3\xa3o paulo");
    BUILD(&w, rules);
    expect(&w, "10.2.0.1", 7, 16);
    close_world(&w);
}

static void the_flat_layout_knows_names_of_subdivisions(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){"flat-city", NULL});
    struct geo_rule rules[] = {
        {.values = {[GEO_SUBDIVISION] = TEXTS("US-California")}},
        {.values = {[GEO_SUBDIVISION] = TEXTS("FR-Paris")}},
        {.values = {[GEO_CITY] = TEXTS("Frankfurt")}},
        {.values = {[GEO_CONTINENT] = TEXTS("AS")}},
        {.values = {[GEO_SUBDIVISION] = TEXTS("FR-IDF")}}, /* a code: this database has none */
    };
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 1, 24);
    expect(&w, "203.0.113.1", 2, 24);
    expect(&w, "198.51.100.1", 3, 24);
    expect(&w, "10.9.1.1", 4, 16);
    expect(&w, "2001:db8::", 4, 32);
    close_world(&w);
}

static void autonomous_systems_come_before_places(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, (const char *const[]){"city", "asn", NULL});
    struct addr_prefix net = prefix("192.0.2.0/28");
    struct geo_rule rules[] = {
        {.values = {[GEO_CITY] = TEXTS("Ashburn", "Dublin")}},
        {.values = {[GEO_ASN] = NUMBERS(64496, 64498)}},
        {.prefixes = &net, .prefix_count = 1},
        {.values = {[GEO_ASN] = NUMBERS(64500), [GEO_COUNTRY] = TEXTS("GB")}},
        {.values = {[GEO_ASN] = NUMBERS(4294967295)}},
    };
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 3, 28);
    expect(&w, "192.0.2.17", 2, 28);
    expect(&w, "192.0.2.129", 2, 25);
    expect(&w, "198.51.100.1", 2, 25);
    expect(&w, "198.51.100.129", 1, 25); /* Dublin, outside of the system */
    expect(&w, "10.1.0.1", 4, 16);
    expect(&w, "10.2.0.1", 0, 15);
    close_world(&w);
}

static void the_first_database_that_knows_decides(void **state)
{
    (void)state;
    static const char *const countries[] = {"MX", "US", "DE", "EG", "FR", "XK"};
    struct world w;
    struct geo_rule rules[6];
    memset(rules, 0, sizeof rules);
    for (size_t i = 0; i < 6; i++) {
        rules[i].values[GEO_COUNTRY] = (struct geo_values){.texts = &countries[i], .text_count = 1};
    }
    open_world(&w, (const char *const[]){"v4", "country", "flat", NULL});
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 1, 24);
    expect(&w, "198.51.100.1", 4, 24);
    expect(&w, "2001:db8::1", 5, 48);
    expect(&w, "2001:db8:ffff::1", 6, 33);
    close_world(&w);
    open_world(&w, (const char *const[]){"flat", "country", NULL});
    BUILD(&w, rules);
    expect(&w, "192.0.2.1", 2, 24);
    expect(&w, "198.51.100.1", 3, 24);
    expect(&w, "198.51.100.129", 3, 24); /* flat knows only one half, country the other */
    close_world(&w);
}

/* ---- nearest sites ---- */

static const struct geo_site virginia = {38.9, -77}, ireland = {53.3, -6.3}, singapore = {1.3, 103.8},
                             sydney = {-33.9, 151.2};

/* "0,2": the sites of an address' class, the nearest first. */
static void expect_sites(const struct world *world, const char *text, unsigned first_class,
                         const char *expected, unsigned scope)
{
    struct addr addr = address(text);
    const struct geo_order *orders;
    char found[64] = "";
    struct geo_match match = geo_find_class(world->tree, &addr);
    size_t count = geo_get_orders(world->tree, &orders);
    if (match.class_id == 0) {
        assert_string_equal("as listed", expected);
        assert_int_equal(match.scope, scope);
        return;
    }
    assert_true(match.class_id >= first_class && match.class_id < first_class + count);
    const struct geo_order *order = &orders[match.class_id - first_class];
    for (size_t i = 0; i < order->count; i++) {
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", i == 0 ? "" : ",",
                 order->sites[i]);
    }
    assert_string_equal(found, expected);
    assert_int_equal(match.scope, scope);
}

static void nearest_by_coordinates(void **state)
{
    (void)state;
    struct world w;
    const struct geo_site sites[] = {virginia, ireland, singapore, sydney};
    struct geo_nearest nearest = {sites, 4, 2};
    const struct geo_plan by_distance = {
        .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1};
    open_world(&w, (const char *const[]){"city", NULL});
    build(&w, &by_distance);
    assert_int_equal(geo_tree_needs(w.tree), GEO_KNOWS_LOCATION);
    expect_sites(&w, "192.0.2.1", 1, "as listed",
                 6); /* all of 192.0.0.0/6 is nearest to Virginia or unknown */
    expect_sites(&w, "198.51.100.1", 1, "1,0", 24);
    expect_sites(&w, "10.2.0.1", 1, "as listed", 15); /* Sao Paulo, and an unknown neighbour */
    expect_sites(&w, "2001:db8::1", 1, "3,2", 32);    /* Sydney */
    expect_sites(&w, "8.8.8.8", 1, "as listed", 7);   /* nobody knows: as listed */
    nearest.count = 8;                                /* more than there are */
    build(&w, &by_distance);
    assert_int_equal(geo_get_nearest_count(w.tree, 0), 4);
    expect_sites(&w, "192.0.2.129", 1, "0,1,3,2", 25); /* Oregon: Sydney is nearer than Singapore */
    close_world(&w);
}

static void centroids_stand_in_for_coordinates(void **state)
{
    (void)state;
    struct world w;
    const struct geo_site sites[] = {virginia, ireland, singapore, sydney};
    struct geo_nearest nearest = {sites, 4, 1};
    const struct geo_plan by_distance = {
        .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1};
    open_world(&w, (const char *const[]){"country", "flat-city", NULL});
    build(&w, &by_distance);
    expect_sites(&w, "192.0.2.1", 1, "as listed", 6);
    expect_sites(&w, "198.51.100.1", 1, "1", 24);
    expect_sites(&w, "203.0.113.1", 1, "2", 24);    /* Japan: the other says Paris, which is not there */
    expect_sites(&w, "10.9.0.1", 1, "2", 16);       /* Japan, by a database without its coordinates */
    expect_sites(&w, "2001:db8:ff::1", 1, "2", 41); /* South Africa, as Singapore around it */
    expect_sites(&w, "2001:db8:1::1", 1, "as listed", 48); /* Brazil */
    close_world(&w);
}

/* A rule may lead to the nearest sites, and so may what no rule matches: to other sites, if it wants. */
static void rules_and_nearest_together(void **state)
{
    (void)state;
    struct world w;
    const struct geo_site all[] = {virginia, ireland, singapore, sydney}, europe[] = {ireland, {50.1, 8.7}};
    const struct geo_nearest lists[] = {{all, 4, 1}, {europe, 2, 2}};
    struct addr_prefix net = prefix("203.0.113.0/24");
    const struct geo_rule rules[] = {
        {.values = {[GEO_CONTINENT] = TEXTS("EU")}, .target = GEO_NEAREST | 1},
        {.values = {[GEO_COUNTRY] = TEXTS("BR")}, .target = 3},
        {.prefixes = &net, .prefix_count = 1, .target = GEO_NEAREST | 0},
    };
    open_world(&w, (const char *const[]){"city", NULL});
    build(&w, &(struct geo_plan){.rules = rules,
                                 .rule_count = 3,
                                 .otherwise = GEO_NEAREST,
                                 .class_count = 4,
                                 .nearest = lists,
                                 .nearest_count = 2});
    struct addr brazil = address("10.2.0.1");
    assert_int_equal(geo_find_class(w.tree, &brazil).class_id, 3);
    expect_sites(&w, "198.51.100.1", 4, "0,1", 24);        /* Dublin, of the European sites */
    expect_sites(&w, "203.0.113.1", 4, "1", 25);           /* Paris, in the prefix */
    expect_sites(&w, "203.0.113.129", 4, "as listed", 25); /* Paris, Texas */
    expect_sites(&w, "2001:db8::1", 4, "3", 32);
    expect_reason(&w, "203.0.113.1", 2, "203.0.113.0/24");
    expect_reason(&w, "198.51.100.1", 0, "none");
    expect_reason(&w, "2001:db8::1", -1, "none");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_narrowest_rule_wins),
        cmocka_unit_test(equal_prefixes_are_told_apart),
        cmocka_unit_test(no_rules_and_no_databases),
        cmocka_unit_test(cities_and_subdivisions),
        cmocka_unit_test(the_flat_layout_knows_names_of_subdivisions),
        cmocka_unit_test(autonomous_systems_come_before_places),
        cmocka_unit_test(the_first_database_that_knows_decides),
        cmocka_unit_test(nearest_by_coordinates),
        cmocka_unit_test(centroids_stand_in_for_coordinates),
        cmocka_unit_test(rules_and_nearest_together),
    };
    return cmocka_run_group_tests_name("geo_rules", tests, NULL, NULL);
}
