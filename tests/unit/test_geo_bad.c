/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Damaged and hostile databases: each kind of damage is refused with a message that names it, and no cut or
 * flipped byte anywhere makes the reader do worse than refuse. */
#include "config.h"

#include "unit.h"

#include "geo/geo.h"

#include "mmdb_make.h"

#include "base/arena.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Networks 0.0.0.0/1 and 128.0.0.0/2 only: node 0 and node 1 of a tree of IPv4. */
static struct mmdb_file two_nodes(const uint8_t *data, size_t data_len)
{
    struct mmdb_network networks[] = {{.prefix = {{ADDR_V4, {0}}, 1}, .country = "US", .continent = "NA"},
                                      {.prefix = {{ADDR_V4, {128}}, 2}, .country = "DE", .continent = "EU"}};
    return mmdb_make(&(struct mmdb_plan){.ip_version = 4,
                                         .record_size = 24,
                                         .networks = networks,
                                         .network_count = 2,
                                         .data = data,
                                         .data_len = data_len});
}

static void expect(const uint8_t *bytes, size_t len, const char *text)
{
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(bytes, len, &fd, path), report);
    if (text == NULL) {
        assert_non_null(db);
    } else {
        assert_null(db);
        assert_int_equal(report_errors(report), 1);
        if (strstr(report_get(report, 0)->message, text) == NULL) {
            fail_msg("expected \"%s\" in \"%s\"", text, report_get(report, 0)->message);
        }
    }
    geo_close_db(db);
    report_free(report);
    close(fd);
}

static void expect_record(size_t node, size_t side, uint32_t record, const char *text)
{
    struct mmdb_file file = two_nodes(NULL, 0);
    assert_int_equal(file.node_count, 2);
    uint8_t *at = file.bytes + node * 6 + side * 3;
    at[0] = (uint8_t)(record >> 16);
    at[1] = (uint8_t)(record >> 8);
    at[2] = (uint8_t)record;
    expect(file.bytes, file.len, text);
    free(file.bytes);
}

static void damaged_records(void **state)
{
    (void)state;
    expect_record(1, 1, 2, NULL);                                   /* nothing there: fine */
    expect_record(1, 1, 0, "record 1 of node 1 points to nowhere"); /* the root again */
    expect_record(1, 0, 1, "in a circle");
    expect_record(0, 1, 0xffffff, "record 1 of node 0 points to nowhere");
    expect_record(1, 1, 3, "ends beyond the data section"); /* into the 16 bytes between tree and data */
    expect_record(1, 1, 2 + 15, "ends beyond the data section");
}

static void expect_data(const void *data, size_t len, const char *text)
{
    /* The metadata follows, so a value that is cut short would read it: some room that is no value. */
    uint8_t bytes[4096];
    assert_true(len + 16 <= sizeof bytes);
    memcpy(bytes, data, len);
    memset(bytes + len, 0, 16);
    struct mmdb_file file = two_nodes(bytes, len + 16);
    expect(file.bytes, file.len, text);
    free(file.bytes);
}

#define EXPECT_DATA(data, text) expect_data(data, sizeof(data) - 1, text)

static void damaged_data(void **state)
{
    (void)state;
    EXPECT_DATA("\xe1\x4c"
                "country_code"
                "\x42"
                "US",
                NULL);
    EXPECT_DATA("\xe1\x4c"
                "country_code"
                "\x20\x10"
                "\x42"
                "US",
                NULL); /* through a pointer */
    EXPECT_DATA("\xe1\x4c"
                "country_code"
                "\x20\x0e",
                "pointer to a pointer"); /* to itself */
    EXPECT_DATA("\x20\x02\x20\x00", "pointer to a pointer");
    EXPECT_DATA("\x38\xff\xff\xff\xff", "ends beyond"); /* 4 bytes of offset */
    EXPECT_DATA("\x5f\xff\xff\xff", "ends beyond");     /* 16 MB of text */
    EXPECT_DATA("\xff\xff\xff\xff", "type that the format does not know");
    EXPECT_DATA("\xe1\xa1\x05\x42"
                "US",
                "key that is not a string");
    EXPECT_DATA("\x64"
                "abcd",
                "size that its type does not allow"); /* a double of 4 bytes */
    EXPECT_DATA("\xc5"
                "abcde",
                "size that its type does not allow");
    EXPECT_DATA("\x00\x05", "type that the format does not know"); /* 12: a container, never in a file */
    EXPECT_DATA("\x00\x00", "type that the format does not know"); /* 7, which is not an extended type */
}

static void bottomless_data(void **state)
{
    (void)state;
    uint8_t nested[4000];
    for (size_t i = 0; i < sizeof nested; i += 2) {
        nested[i] = 1; /* an array of one element */
        nested[i + 1] = 4;
    }
    expect_data(nested, sizeof nested, "more than 32 levels");
    /* Arrays of 28 pointers, each to the next such array: 28 to the power of 20 values. */
    uint8_t fan[20 * 58 + 2];
    size_t at = 0;
    for (size_t level = 0; level < 20; level++) {
        fan[at++] = 28;
        fan[at++] = 4;
        size_t next = (level + 1) * 58;
        for (size_t i = 0; i < 28; i++) {
            fan[at++] = (uint8_t)(0x20 | next >> 8);
            fan[at++] = (uint8_t)next;
        }
    }
    fan[at++] = 0;
    fan[at++] = 4;
    expect_data(fan, at, "more values");
    /* An array that holds itself. */
    EXPECT_DATA("\x01\x04\x20\x00", "more than 32 levels");
}

/* 128 levels of two nodes whose records lead to the next two: 2 to the power of 128 networks in 3 kB. */
static void exploding_tree(void **state)
{
    (void)state;
    struct mmdb_network network = {.prefix = {{ADDR_V6, {0}}, 128}, .country = "US", .continent = "NA"};
    struct mmdb_file file = mmdb_make(
        &(struct mmdb_plan){.ip_version = 6, .record_size = 32, .networks = &network, .network_count = 1});
    assert_int_equal(file.node_count, 128);
    for (size_t node = 0; node < 127; node++) {
        memcpy(file.bytes + node * 8 + 4, file.bytes + node * 8, 4); /* both records lead to the next node */
    }
    expect(file.bytes, file.len, "more networks");
    free(file.bytes);
}

static void damaged_metadata(void **state)
{
    (void)state;
    struct mmdb_file file = two_nodes(NULL, 0);
    file.bytes[file.len - 1] = 0xa0; /* it ends with an empty map, the description: now a number */
    expect(file.bytes, file.len, "\"description\" that is not a map");
    file.bytes[file.len - 1] = 0xe1;
    expect(file.bytes, file.len, "ends beyond the data section");
    file.bytes[file.len - 1] = 0xe0;
    expect(file.bytes, file.len, NULL);
    uint8_t *count = memmem(file.bytes, file.len, "node_count", 10);
    count[11] = 0xff; /* the first of four bytes */
    expect(file.bytes, file.len, "not a usable MaxMind database");
    free(file.bytes);
}

/* What the rules of survives() say, computed from what the database says. */
static unsigned expected_class(const struct geo_place *place)
{
    bool in_state = false;
    for (size_t i = 0; i < place->subdivision_count; i++) {
        in_state |= strcasecmp(place->subdivisions[i], "US-VA") == 0;
    }
    return place->asn == 64496                                                      ? 4
           : place->city != NULL && strcasecmp(place->city, "Paris") == 0           ? 3
           : in_state                                                               ? 2
           : strcmp(place->country, "US") == 0 || strcmp(place->country, "DE") == 0 ? 1
                                                                                    : 0;
}

static void use(struct geo_db *db, struct random *random)
{
    static const char *const countries[] = {"US", "DE"}, *const states[] = {"us-va"},
                             *const cities[] = {"PARIS"};
    static const uint32_t asns[] = {64496};
    const struct geo_rule rules[] = {
        {.values = {[GEO_COUNTRY] = {.texts = countries, .text_count = 2}}, .target = 1},
        {.values = {[GEO_SUBDIVISION] = {.texts = states, .text_count = 1}}, .target = 2},
        {.values = {[GEO_CITY] = {.texts = cities, .text_count = 1}}, .target = 3},
        {.values = {[GEO_ASN] = {.numbers = asns, .number_count = 1}}, .target = 4},
    };
    static const struct geo_site sites[] = {{0, 0}, {50, 8}, {38, -77}};
    static const struct geo_nearest nearest = {sites, 3, 2};
    struct geo_atlas *atlas = geo_atlas_new(&db, 1);
    struct arena *arena = arena_new(0);
    struct geo_tree *tree =
        geo_build_tree(&(struct geo_plan){.rules = rules, .rule_count = 4, .class_count = 5}, atlas);
    geo_free_tree(geo_build_tree(
        &(struct geo_plan){
            .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1},
        atlas));
    for (int i = 0; i < 20; i++) {
        struct addr addr = {.family = i % 2 == 0 ? ADDR_V4 : ADDR_V6};
        for (size_t b = 0; b < addr_len(&addr); b++) {
            addr.bytes[b] = (uint8_t)random_next(random);
        }
        addr.bytes[0] = i % 4 == 0 ? 10 : addr.bytes[0];
        struct geo_place place;
        (void)geo_find_place(&db, 1, &addr, arena, &place);
        unsigned expected = expected_class(&place);
        assert_int_equal(geo_find_class(tree, &addr).class_id, expected);
        assert_int_equal(geo_explain(tree, &db, 1, &addr).rule, (int)expected - 1);
    }
    arena_free(arena);
    geo_atlas_free(atlas);
    geo_free_tree(tree);
}

/* Open what may be damaged and, if it opens, use it as a server would. */
static bool survives(const uint8_t *bytes, size_t len, struct random *random)
{
    char path[MMDB_PATH_SIZE];
    int fd;
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(mmdb_path(bytes, len, &fd, path), report);
    assert_int_equal(db == NULL, report_errors(report) > 0);
    if (db != NULL) {
        use(db, random);
    }
    geo_close_db(db);
    report_free(report);
    close(fd);
    return db != NULL;
}

static struct mmdb_file sample(unsigned record_size)
{
    static const struct mmdb_network networks[] = {
        {.prefix = {{ADDR_V4, {10}}, 8},
         .country = "US",
         .continent = "NA",
         .subdivision_codes = {"VA", "X"},
         .subdivision_names = {"Virginia"},
         .city = "Paris",
         .city_id = 7},
        {.prefix = {{ADDR_V4, {10, 1}}, 16},
         .country = "DE",
         .continent = "EU",
         .asn = 64496,
         .has_location = true,
         .latitude = 50.1,
         .longitude = 8.7},
        {.prefix = {{ADDR_V6, {0x20, 0x01, 0x0d, 0xb8}}, 32}, .country = "DE", .subdivision_codes = {"HE"}},
    };
    return mmdb_make(&(struct mmdb_plan){.ip_version = 6,
                                         .record_size = record_size,
                                         .aliases = true,
                                         .flat = record_size == 32,
                                         .networks = networks,
                                         .network_count = 3});
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3);
    struct mmdb_file file = sample(28);
    assert_true(survives(file.bytes, file.len, &random));
    for (size_t len = 0; len < file.len; len++) {
        assert_false(survives(file.bytes, len, &random));
    }
    free(file.bytes);
}

static void no_flipped_byte_is_fatal(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 4);
    unsigned opened = 0, rounds = 6000;
    for (unsigned round = 0; round < rounds; round++) {
        struct mmdb_file file = sample(24 + round % 3 * 4);
        for (uint64_t flips = 1 + random_below(&random, 3); flips > 0; flips--) {
            /* Half of them behind the tree, where there is more to break per byte. */
            size_t from = random_below(&random, 2) == 0 ? 0 : file.data_at;
            file.bytes[from + random_below(&random, file.len - from)] = (uint8_t)random_next(&random);
        }
        opened += survives(file.bytes, file.len, &random);
        free(file.bytes);
    }
    assert_true(opened > rounds / 100 && opened < rounds - rounds / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_records),          cmocka_unit_test(damaged_data),
        cmocka_unit_test(bottomless_data),          cmocka_unit_test(exploding_tree),
        cmocka_unit_test(damaged_metadata),         cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(no_flipped_byte_is_fatal),
    };
    return cmocka_run_group_tests_name("geo_bad", tests, NULL, NULL);
}
