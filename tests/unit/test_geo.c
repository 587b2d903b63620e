/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of geo with databases that MaxMind's own writer made (tests/data/geo, by contrib/mkgeo): both
 * layouts, all record sizes, aliases; the order of rules; large trees; files that change under an open
 * database. */
#include "config.h"

#include "unit.h"

#include "geo/geo.h"

#include "mmdb_make.h"

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

/* What a database should say: "" for nothing. */
struct expected {
    const char *addr, *country, *continent;
    unsigned prefix_len;
};

static void expect_places(const char *name, const struct expected *expected, size_t count)
{
    struct geo_db *db = open_good(name, 0);
    for (size_t i = 0; i < count; i++) {
        struct addr addr = address(expected[i].addr);
        struct geo_place place;
        bool known = geo_find_place(db, &addr, &place);
        if (strcmp(place.country, expected[i].country) != 0 ||
            strcmp(place.continent, expected[i].continent) != 0 ||
            place.prefix_len != expected[i].prefix_len) {
            fail_msg("%s %s: found %s %s /%u", name, expected[i].addr, place.country, place.continent,
                     place.prefix_len);
        }
        assert_int_equal(known, expected[i].country[0] != 0 || expected[i].continent[0] != 0);
    }
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
        {"10.2.2.3", "", "", 16},
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
        {"10.9.9.9", "", "", 8},         {"2001:db8::1", "XK", "EU", 32},  {"2001:db9::1", "", "", 32},
    };
    EXPECT_PLACES("flat", expected);
}

static void ipv4_only(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"192.0.2.9", "MX", "NA", 24}, {"198.51.100.1", "EG", "AF", 24}, {"10.0.0.1", "ZZ", "", 8},
        {"11.0.0.1", "", "", 8},       {"::192.0.2.9", "", "", 0},       {"2001:db8::1", "", "", 0},
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

static void a_database_without_places_warns(void **state)
{
    (void)state;
    struct geo_db *db = open_good("asn", 1);
    struct addr addr = address("192.0.2.1");
    struct geo_place place;
    assert_false(geo_find_place(db, &addr, &place));
    assert_int_equal(place.prefix_len, 24);
    geo_close_db(db);
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

/* ---- rules ---- */

static struct addr_prefix prefix(const char *text)
{
    struct addr_prefix p;
    assert_int_equal(addr_parse_prefix(text, &p), 0);
    return p;
}

static void expect_class(const struct geo_tree *tree, const char *text, unsigned class_id, unsigned scope)
{
    struct addr addr = address(text);
    struct geo_match match = geo_find_class(tree, &addr);
    if (match.class_id != class_id || match.scope != scope) {
        fail_msg("%s: class %u /%u, expected %u /%u", text, match.class_id, match.scope, class_id, scope);
    }
}

static void rules_in_order(void **state)
{
    (void)state;
    struct geo_db *db = open_good("country", 0);
    const char *const north[] = {"NA"}, *const canada[] = {"CA"}, *const europe[] = {"EU"},
                      *const germany[] = {"DE"};
    struct addr_prefix office[] = {prefix("192.0.2.64/28"), prefix("2001:db8::/40")};
    struct addr_prefix desk[] = {prefix("192.0.2.66/32"), prefix("198.51.100.0/24")};
    const struct geo_rule rules[] = {
        {.continents = north, .continent_count = 1, .class_id = 1},
        {.countries = canada, .country_count = 1, .class_id = 2}, /* never: North America came first */
        {.prefixes = office, .prefix_count = 2, .class_id = 3},
        {.prefixes = desk, .prefix_count = 2, .class_id = 4, .countries = germany, .country_count = 1},
        {.countries = germany, .country_count = 1, .continents = north, .continent_count = 1, .class_id = 5},
        {.continents = europe, .continent_count = 1, .class_id = 6},
    };
    struct geo_tree *tree = geo_build_tree(rules, 6, &db, 1);
    geo_close_db(db);
    expect_class(tree, "192.0.2.1", 1, 26);
    expect_class(tree, "192.0.2.129", 1, 26);
    expect_class(tree, "192.0.2.64", 3, 28);
    expect_class(tree, "192.0.2.66", 3, 28); /* the desk is not in Germany */
    expect_class(tree, "198.51.100.1", 4, 24);
    expect_class(tree, "10.1.0.1", 6, 16);
    expect_class(tree, "8.8.8.8", 0, 7);
    expect_class(tree, "2001:db8::1", 3, 40);
    expect_class(tree, "2001:db8:ff::", 3, 40); /* one of ours, though South Africa is in it */
    expect_class(tree, "2001:db9::", 0, 32);
    geo_free_tree(tree);
}

static void no_rules_and_no_databases(void **state)
{
    (void)state;
    struct geo_tree *tree = geo_build_tree(NULL, 0, NULL, 0);
    expect_class(tree, "192.0.2.1", 0, 0);
    expect_class(tree, "2001:db8::1", 0, 0);
    geo_hold_tree(tree);
    geo_free_tree(tree);
    expect_class(tree, "192.0.2.1", 0, 0);
    assert_true(geo_tree_size(tree) > 0);
    geo_free_tree(tree);
    geo_hold_tree(NULL);
    geo_free_tree(NULL);
    geo_close_db(NULL);
    /* A rule without conditions is for everybody. */
    tree = geo_build_tree(&(struct geo_rule){.class_id = 7}, 1, NULL, 0);
    expect_class(tree, "192.0.2.1", 7, 0);
    geo_free_tree(tree);
    struct addr_prefix everything = prefix("0.0.0.0/0");
    tree = geo_build_tree(&(struct geo_rule){.prefixes = &everything, .prefix_count = 1, .class_id = 65535},
                          1, NULL, 0);
    expect_class(tree, "192.0.2.1", 65535, 0);
    expect_class(tree, "2001:db8::1", 0, 0);
    geo_free_tree(tree);
}

static void the_first_database_that_knows_decides(void **state)
{
    (void)state;
    struct geo_db *dbs[] = {open_good("v4", 0), open_good("country", 0), open_good("flat", 0)};
    const char *const countries[] = {"MX", "US", "DE", "EG", "FR", "XK"};
    struct geo_rule rules[6];
    for (size_t i = 0; i < 6; i++) {
        rules[i] =
            (struct geo_rule){.countries = &countries[i], .country_count = 1, .class_id = (uint16_t)(i + 1)};
    }
    struct geo_tree *tree = geo_build_tree(rules, 6, dbs, 3);
    expect_class(tree, "192.0.2.1", 1, 24);
    expect_class(tree, "198.51.100.1", 4, 24);
    expect_class(tree, "2001:db8::1", 5, 48);
    expect_class(tree, "2001:db8:ffff::1", 6, 33);
    geo_free_tree(tree);
    tree = geo_build_tree(rules, 6, (struct geo_db *[]){dbs[2], dbs[1]}, 2);
    expect_class(tree, "192.0.2.1", 2, 24);
    expect_class(tree, "198.51.100.1", 3, 24);
    expect_class(tree, "198.51.100.129", 3, 24); /* flat knows only one half, country the other */
    geo_free_tree(tree);
    for (size_t i = 0; i < 3; i++) {
        geo_close_db(dbs[i]);
    }
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
    struct geo_rule rule = {.prefixes = prefixes, .prefix_count = COUNT, .class_id = 9};
    struct geo_tree *tree = geo_build_tree(&rule, 1, NULL, 0);
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
    expect_class(tree, "0.0.0.1", 0, 4);
    expect_class(tree, "8000::", 0, 1);
    geo_free_tree(tree);
    free(prefixes);
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
    expect_refusal("/", "not a regular file");
    expect_refusal("/dev/null", "not a regular file");
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
    struct mmdb_network network = {prefix("192.0.2.0/24"), "US", "NA"};
    struct mmdb_file file = mmdb_make(
        &(struct mmdb_plan){.ip_version = 6, .record_size = 28, .networks = &network, .network_count = 1});
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    assert_non_null(db);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    struct addr addr = address("192.0.2.1");
    struct geo_place place;
    assert_true(geo_find_place(db, &addr, &place));
    assert_string_equal(place.country, "US");
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
        cmocka_unit_test(a_database_without_places_warns),
        cmocka_unit_test(continents),
        cmocka_unit_test(rules_in_order),
        cmocka_unit_test(no_rules_and_no_databases),
        cmocka_unit_test(the_first_database_that_knows_decides),
        cmocka_unit_test(large_trees),
        cmocka_unit_test(what_is_no_database),
        cmocka_unit_test(files_may_change_under_an_open_database),
    };
    return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
