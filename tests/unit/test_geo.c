/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of geo with databases that MaxMind's own writer made (tests/data/geo, by contrib/mkgeo): both
 * layouts, all record sizes, aliases; large trees; files that change under an open database. Rules are in
 * test_geo_rules.c. */
#include "config.h"

#include "unit.h"

#include "geo/geo.h"

#include "mmdb_make.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct geo_db *open_good(const char *name, size_t warnings)
{
    char *path = memory_print("%s/%s.mmdb", GEO_DATA, name);
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(path, report);
    if (db == NULL || report_warnings(report) != warnings) {
        report_write(report, stdout);
        fail_msg("%s did not open as expected", path);
    }
    report_free(report);
    free(path);
    return db;
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

/* What a database should say: "" for nothing. */
struct expected {
    const char *addr, *country, *continent;
    unsigned prefix_len;
};

static void expect_places(const char *name, const struct expected *expected, size_t count)
{
    struct geo_db *db = open_good(name, 0);
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < count; i++) {
        struct addr addr = address(expected[i].addr);
        struct geo_place place;
        bool known = geo_find_place(&db, 1, &addr, arena, &place);
        if (strcmp(place.country, expected[i].country) != 0 ||
            strcmp(place.continent, expected[i].continent) != 0 ||
            place.prefix_len != expected[i].prefix_len) {
            fail_msg("%s %s: found %s %s /%u", name, expected[i].addr, place.country, place.continent,
                     place.prefix_len);
        }
        assert_int_equal(known, expected[i].country[0] != 0 || expected[i].continent[0] != 0);
    }
    arena_free(arena);
    geo_close_db(db);
}

#define EXPECT_PLACES(name, expected) expect_places(name, expected, sizeof(expected) / sizeof *(expected))

static void maxmind_layout(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"192.0.2.0", "US", "NA", 25},
        {"192.0.2.127", "US", "NA", 25},
        {"192.0.2.128", "CA", "NA", 26},
        {"192.0.2.192", "", "", 26},
        {"198.51.100.77", "DE", "EU", 24},
        {"203.0.113.1", "JP", "AS", 24}, /* registered there, used nobody knows where */
        {"10.1.2.3", "", "EU", 16},      /* a continent alone is a place */
        {"10.2.2.3", "", "", 15},
        {"255.255.255.255", "", "", 3},
        {"2001:db8::1", "FR", "EU", 48},
        {"2001:db8:1:ffff::", "BR", "SA", 48},
        {"2001:db8:ff::5", "ZA", "AF", 64},
        {"2001:db8:ff:1::5", "", "", 64},
        {"::192.0.2.1", "US", "NA", 121},
        {"::ffff:192.0.2.1", "US", "NA", 121},
        {"2002:c000:0201::1", "US", "NA", 41},
        {"ffff::", "", "", 1},
    };
    EXPECT_PLACES("country", expected);
}

static void flat_layout(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"192.0.2.9", "US", "NA", 24},   {"198.51.100.1", "DE", "EU", 25}, {"198.51.100.128", "", "", 25},
        {"203.0.113.9", "AU", "OC", 24}, /* written in lower case there */
        {"10.9.9.9", "", "", 1},         {"2001:db8::1", "XK", "EU", 32},  {"2001:db9::1", "", "", 32},
    };
    EXPECT_PLACES("flat", expected);
}

static void ipv4_only(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"192.0.2.9", "MX", "NA", 24},
        {"198.51.100.1", "EG", "AF", 24},
        {"10.0.0.1", "ZZ", "", 8},
        {"11.0.0.1", "", "", 8},
        {"2001:db8::1", "", "", 0},
        /* as IPv6 spells them: compatible, mapped, SIIT, NAT64, 6to4, Teredo */
        {"::192.0.2.9", "MX", "NA", 120},
        {"::ffff:192.0.2.9", "MX", "NA", 120},
        {"::ffff:0:192.0.2.9", "MX", "NA", 120},
        {"64:ff9b::192.0.2.9", "MX", "NA", 120},
        {"2002:c000:209::1", "MX", "NA", 40},
        {"2001:0:1:2:3:4:3fff:fdf6", "MX", "NA", 120},
        {"2001:0:c000:209:3:4:ffff:ffff", "", "", 101},
        {"::1", "", "", 101},
    };
    EXPECT_PLACES("v4", expected);
}

static void city_layout(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"192.0.2.1", "US", "NA", 25},
        {"192.0.2.200", "US", "NA", 25},
        {"198.51.100.1", "IE", "EU", 24},
        {"2001:db8::1", "AU", "OC", 32},
    };
    EXPECT_PLACES("city", expected);
}

/* Everything that is known of an address, in one line. */
static void expect_facts(struct geo_db *const *dbs, size_t count, const char *text, const char *expected)
{
    struct arena *arena = arena_new(0);
    struct addr addr = address(text);
    struct geo_place place;
    struct buffer line;
    buffer_init(&line);
    bool known = geo_find_place(dbs, count, &addr, arena, &place);
    buffer_print(&line, "%s %s", place.continent, place.country);
    for (size_t i = 0; i < place.subdivision_count; i++) {
        buffer_print(&line, " %s", place.subdivisions[i]);
    }
    buffer_print(&line, "; %s %u; AS%u", place.city == NULL ? "" : place.city, place.city_id, place.asn);
    if (place.has_location) {
        buffer_print(&line, "; %.1f %.1f", place.latitude, place.longitude);
    }
    assert_string_equal(line.bytes, expected);
    assert_int_equal(known, strcmp(expected, " ;  0; AS0") != 0);
    buffer_fini(&line);
    arena_free(arena);
}

static void both_layouts_hold_cities(void **state)
{
    (void)state;
    struct geo_db *city = open_good("city", 0), *flat = open_good("flat-city", 0), *asn = open_good("asn", 0);
    const unsigned all =
        GEO_KNOWS_LOCATION | 1u << GEO_CITY | 1u << GEO_SUBDIVISION | 1u << GEO_COUNTRY | 1u << GEO_CONTINENT;
    assert_int_equal(geo_get_info(city)->knows, all);
    assert_int_equal(geo_get_info(flat)->knows, all);
    assert_int_equal(geo_get_info(asn)->knows, 1u << GEO_ASN);
    expect_facts(&city, 1, "192.0.2.1", "NA US US-VA US-Virginia; Ashburn 4744870; AS0; 38.9 -77.5");
    expect_facts(&city, 1, "10.1.0.1",
                 "EU GB GB-ENG GB-LND GB-England GB-London; London 2643743; AS0; 51.5 -0.1");
    expect_facts(&city, 1, "10.2.0.1",
                 "SA BR BR-SP BR-S\xc3\xa3o Paulo; S\xc3\xa3o Paulo 3448439; AS0; -23.5 -46.6");
    expect_facts(&city, 1, "10.3.0.1", " ;  0; AS0");
    expect_facts(&flat, 1, "192.0.2.1",
                 "NA US US-California US-Santa Clara; Mountain View 0; AS0; 37.4 -122.1");
    expect_facts(&flat, 1, "198.51.100.9", "EU DE DE-Hesse; Frankfurt 0; AS0; 50.1 8.7");
    expect_facts(&flat, 1, "10.9.0.1", "AS JP;  0; AS0"); /* half a coordinate is none */
    expect_facts(&asn, 1, "10.9.0.1", " ;  0; AS64500");  /* written "AS64500" there */
    expect_facts(&asn, 1, "198.51.100.1", " ;  0; AS64498");
    geo_close_db(city);
    geo_close_db(flat);
    geo_close_db(asn);
}

/* The first file that knows a thing decides, but finer things only come from files that mean the same
 * country. */
static void databases_fill_each_other(void **state)
{
    (void)state;
    struct geo_db *country = open_good("country", 0), *city = open_good("city", 0),
                  *flat = open_good("flat-city", 0), *asn = open_good("asn", 0);
    struct geo_db *dbs[] = {country, city, flat, asn};
    expect_facts(dbs, 4, "192.0.2.1", "NA US US-VA US-Virginia; Ashburn 4744870; AS64496; 38.9 -77.5");
    expect_facts(dbs, 4, "192.0.2.129", "NA CA;  0; AS64496"); /* the others say Oregon and California */
    expect_facts(dbs, 4, "198.51.100.1", "EU DE DE-Hesse; Frankfurt 0; AS64498; 50.1 8.7"); /* city: Dublin */
    expect_facts(dbs, 4, "10.9.9.9", "AS JP;  0; AS64500");
    expect_facts(dbs, 4, "10.1.0.1", /* country knows the continent only */
                 "EU GB GB-ENG GB-LND GB-England GB-London; London 2643743; AS64500; 51.5 -0.1");
    expect_facts(dbs + 1, 2, "192.0.2.1", "NA US US-VA US-Virginia; Ashburn 4744870; AS0; 38.9 -77.5");
    expect_facts(dbs, 0, "192.0.2.1", " ;  0; AS0");
    for (size_t i = 0; i < 4; i++) {
        geo_close_db(dbs[i]);
    }
}

static void what_a_database_says_of_itself(void **state)
{
    (void)state;
    struct geo_db *db = open_good("country", 0);
    const struct geo_db_info *info = geo_get_info(db);
    assert_string_equal(info->path, GEO_DATA "/country.mmdb");
    assert_string_equal(info->type, "steerd-test");
    assert_int_equal(info->ip_version, 6);
    assert_int_equal(info->knows, 1u << GEO_COUNTRY | 1u << GEO_CONTINENT);
    assert_int_equal(info->networks, 8);
    assert_int_equal(info->places, 8);
    assert_true(info->build_epoch > 1700000000 && info->memory > 0);
    struct geo_signature now = geo_sign_file(info->path), none = geo_sign_file("/nonexistent/a.mmdb");
    assert_int_equal(info->file_size, now.size);
    assert_true(geo_signature_equal(geo_get_signature(db), &now));
    assert_false(geo_signature_equal(geo_get_signature(db), &none));
    geo_hold_db(db);
    geo_close_db(db);
    assert_string_equal(geo_get_info(db)->type, "steerd-test");
    geo_close_db(db);
    geo_hold_db(NULL);
}

static void a_useless_database_warns(void **state)
{
    (void)state;
    struct mmdb_network network = {.prefix = prefix("192.0.2.0/24")};
    struct mmdb_file file = mmdb_make(
        &(struct mmdb_plan){.ip_version = 6, .record_size = 28, .networks = &network, .network_count = 1});
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    assert_non_null(db);
    assert_int_equal(report_warnings(report), 1);
    assert_non_null(strstr(report_get(report, 0)->message, "no rule can match"));
    expect_facts(&db, 1, "192.0.2.1", " ;  0; AS0");
    geo_close_db(db);
    close(fd);
    report_free(report);
    free(file.bytes);
}

static void continents(void **state)
{
    (void)state;
    static const struct {
        const char *country, *continent;
    } cases[] = {{"AD", "EU"}, {"ZW", "AF"}, {"US", "NA"}, {"BR", "SA"}, {"AQ", "AN"},
                 {"NZ", "OC"}, {"RU", "EU"}, {"TR", "AS"}, {"XK", "EU"}, {"ZZ", ""},
                 {"us", ""},   {"", ""},     {"AA", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char country[3] = {0};
        memcpy(country, cases[i].country, strlen(cases[i].country));
        assert_string_equal(geo_get_continent(country), cases[i].continent);
    }
    /* The search needs the table sorted; then all 249 codes of ISO 3166-1 and XK are found. */
    unsigned found = 0;
    for (int a = 'A'; a <= 'Z'; a++) {
        for (int b = 'A'; b <= 'Z'; b++) {
            const char *continent = geo_get_continent((const char[3]){(char)a, (char)b, 0});
            found += continent[0] != 0;
            assert_true(continent[0] == 0 || strstr("AF AN AS EU NA OC SA", continent) != NULL);
        }
    }
    assert_int_equal(found, 250);
}

/* Large enough for the table of first bits: /24s and /48s, every other one listed. */
static void large_trees(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    struct addr_prefix *prefixes = memory_alloc_array(COUNT, sizeof *prefixes);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t block = i / 2 * 2; /* an even block: its odd neighbour stays free */
        struct addr_prefix *p = &prefixes[i];
        if (i % 2 == 0) {
            *p = (struct addr_prefix){
                .addr = {ADDR_V4, {(uint8_t)(block >> 16 | 0x10), (uint8_t)(block >> 8), (uint8_t)block}},
                .len = 24};
        } else {
            *p = (struct addr_prefix){
                .addr = {ADDR_V6, {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(block >> 8), (uint8_t)block}},
                .len = 48};
            p->addr.bytes[3] ^= (uint8_t)(block >> 16);
        }
    }
    struct geo_rule rule = {.prefixes = prefixes, .prefix_count = COUNT, .target = 9};
    struct geo_atlas *atlas = geo_atlas_new(NULL, 0);
    struct geo_tree *tree =
        geo_build_tree(&(struct geo_plan){.rules = &rule, .rule_count = 1, .class_count = 10}, atlas);
    geo_atlas_free(atlas);
    assert_true(geo_tree_size(tree) > 524288);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct addr addr = prefixes[i].addr;
        addr.bytes[addr_len(&addr) - 1] = 0xff;
        struct geo_match match = geo_find_class(tree, &addr);
        assert_int_equal(match.class_id, 9);
        assert_int_equal(match.scope, prefixes[i].len);
        addr.bytes[prefixes[i].len / 8 - 1] ^= 1;
        match = geo_find_class(tree, &addr);
        assert_int_equal(match.class_id, 0);
        assert_int_equal(match.scope, prefixes[i].len);
    }
    struct addr zero = address("0.0.0.1"), far = address("8000::");
    assert_int_equal(geo_find_class(tree, &zero).scope, 4);
    assert_int_equal(geo_find_class(tree, &far).scope, 1);
    geo_free_tree(tree);
    free(prefixes);
}

/* Many sites seen from many places make more orders than there may be classes: fewer nearest ones are told
 * apart then, and each client still gets the nearest one. */
static void orders_are_bounded(void **state)
{
    (void)state;
    enum { PLACES = 12000, SITES = 300 };
    struct mmdb_network *networks = memory_alloc_array(PLACES, sizeof *networks);
    struct geo_site *sites = memory_alloc_array(SITES, sizeof *sites);
    struct random random;
    random_init(&random, 5);
    for (uint32_t i = 0; i < PLACES; i++) {
        networks[i] = (struct mmdb_network){.prefix = {{ADDR_V4, {10, (uint8_t)(i >> 8), (uint8_t)i}}, 24},
                                            .has_location = true,
                                            .latitude = (double)random_below(&random, 1600) / 10 - 80,
                                            .longitude = (double)random_below(&random, 3600) / 10 - 180};
    }
    for (size_t i = 0; i < SITES; i++) {
        sites[i] = (struct geo_site){networks[i * 7].latitude, networks[i * 7].longitude};
    }
    struct mmdb_file file = mmdb_make(&(struct mmdb_plan){
        .ip_version = 4, .record_size = 24, .networks = networks, .network_count = PLACES});
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    assert_non_null(db);
    struct geo_nearest nearest = {sites, SITES, 8};
    struct geo_atlas *atlas = geo_atlas_new(&db, 1);
    struct geo_tree *tree = geo_build_tree(
        &(struct geo_plan){
            .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1},
        atlas);
    const struct geo_order *orders;
    size_t count = geo_get_orders(tree, &orders);
    unsigned kept = geo_get_nearest_count(tree, 0);
    assert_true(kept >= 1 && kept < 8 && count <= GEO_ORDERS_MAX && count >= SITES);
    for (uint32_t i = 0; i < SITES; i++) { /* a client at a site */
        struct addr addr = networks[i * 7].prefix.addr;
        unsigned class_id = geo_find_class(tree, &addr).class_id;
        size_t first = class_id == 0 ? 0 : orders[class_id - 1].sites[0];
        assert_true(class_id == 0 || orders[class_id - 1].count == kept);
        assert_true(sites[first].latitude == sites[i].latitude &&
                    sites[first].longitude == sites[i].longitude);
    }
    geo_free_tree(tree);
    geo_atlas_free(atlas);
    geo_close_db(db);
    report_free(report);
    close(fd);
    free(file.bytes);
    free(networks);
    free(sites);
}

/* ---- files ---- */

static void expect_refusal(const char *path, const char *text)
{
    struct report *report = report_new();
    assert_null(geo_open_db(path, report));
    assert_int_equal(report_errors(report), 1);
    const struct report_item *item = report_get(report, 0);
    assert_string_equal(item->place.file, path);
    if (strstr(item->message, text) == NULL) {
        fail_msg("%s: expected \"%s\" in \"%s\"", path, text, item->message);
    }
    report_free(report);
}

static void what_is_no_database(void **state)
{
    (void)state;
    expect_refusal("/nonexistent/country.mmdb", "No such file");
    expect_refusal("/", "found a folder, expected a regular file");
    expect_refusal("/dev/null", "found a device, expected a regular file");
    int fd;
    char path[MMDB_PATH_SIZE];
    expect_refusal(mmdb_path((const uint8_t *)"", 0, &fd, path), "found 0 bytes whose metadata is missing");
    close(fd);
    expect_refusal(mmdb_path((const uint8_t *)"{\"US\": 1}", 9, &fd, path), "found 9 bytes");
    close(fd);
}

/* Rewriting or cutting the file in place must neither kill the reader nor change what it says. */
static void files_may_change_under_an_open_database(void **state)
{
    (void)state;
    struct mmdb_network network = {.prefix = prefix("192.0.2.0/24"), .country = "US", .continent = "NA"};
    struct mmdb_file file = mmdb_make(
        &(struct mmdb_plan){.ip_version = 6, .record_size = 28, .networks = &network, .network_count = 1});
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    assert_non_null(db);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    expect_facts(&db, 1, "192.0.2.1", "NA US;  0; AS0");
    geo_close_db(db);
    report_free(report);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maxmind_layout),
        cmocka_unit_test(flat_layout),
        cmocka_unit_test(ipv4_only),
        cmocka_unit_test(city_layout),
        cmocka_unit_test(both_layouts_hold_cities),
        cmocka_unit_test(databases_fill_each_other),
        cmocka_unit_test(what_a_database_says_of_itself),
        cmocka_unit_test(a_useless_database_warns),
        cmocka_unit_test(continents),
        cmocka_unit_test(large_trees),
        cmocka_unit_test(orders_are_bounded),
        cmocka_unit_test(what_is_no_database),
        cmocka_unit_test(files_may_change_under_an_open_database),
    };
    return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
