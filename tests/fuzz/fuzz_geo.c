/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a geo database: opening either succeeds or reports an error, and what opened agrees with the
 * trees that are compiled from it at addresses taken from the input itself. */
#include "config.h"

#include "geo/geo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool truth)
{
    if (!truth) {
        abort();
    }
}

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        .texts = (const char *const[]){text}, .text_count = 1                                                \
    }
#define NUMBER(number)                                                                                       \
    {                                                                                                        \
        .numbers = (const uint32_t[]){number}, .number_count = 1                                             \
    }

/* Narrower ones come later, so the last that holds wins. */
static const struct geo_rule rules[] = {
    {.values = {[GEO_CONTINENT] = TEXT("EU")}, .target = 1},
    {.values = {[GEO_COUNTRY] = TEXT("US")}, .target = 2},
    {.values = {[GEO_SUBDIVISION] = TEXT("us-va")}, .target = 3},
    {.values = {[GEO_CITY] = NUMBER(2988507)}, .target = 4},
    {.values = {[GEO_ASN] = NUMBER(64496)}, .target = 5},
};
static const struct geo_site sites[] = {{38.9, -77}, {53.3, -6.3}, {1.3, 103.8}};
static const struct geo_nearest nearest = {sites, 3, 2};
static const struct geo_plan by_rules = {.rules = rules, .rule_count = 5, .class_count = 6};
static const struct geo_plan by_distance = {
    .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1};

/* An IPv6 network may end where addresses stand for IPv4 ones. */
enum { BESIDE_IPV4 = 97 };

static unsigned expected_class(const struct geo_place *place)
{
    unsigned class_id = strcmp(place->continent, "EU") == 0 ? 1 : 0;
    class_id = strcmp(place->country, "US") == 0 ? 2 : class_id;
    for (size_t i = 0; i < place->subdivision_count; i++) {
        class_id = strcasecmp(place->subdivisions[i], "US-VA") == 0 ? 3 : class_id;
    }
    class_id = place->city_id == 2988507 ? 4 : class_id;
    return place->asn == 64496 ? 5 : class_id;
}

static void look_up(struct geo_db *db, const struct geo_tree *tree, const struct addr *addr,
                    struct arena *arena)
{
    struct geo_place place;
    bool known = geo_find_place(&db, 1, addr, arena, &place);
    check(known == (place.country[0] != 0 || place.continent[0] != 0 || place.subdivision_count != 0 ||
                    place.city != NULL || place.city_id != 0 || place.asn != 0 || place.has_location));
    check(!place.has_location || (place.latitude >= -90 && place.latitude <= 90 && place.longitude >= -180 &&
                                  place.longitude <= 180));
    struct geo_match match = geo_find_class(tree, addr);
    check(match.class_id == expected_class(&place));
    unsigned longest = place.prefix_len > BESIDE_IPV4 ? place.prefix_len : BESIDE_IPV4;
    check(match.scope <= addr_len(addr) * 8 &&
          match.scope <= (addr->family == ADDR_V4 ? place.prefix_len : longest));
    check(geo_explain(tree, &db, 1, addr).rule == match.class_id - 1);
}

static void use(struct geo_db *db, const uint8_t *bytes, size_t len)
{
    const struct geo_order *orders;
    struct arena *arena = arena_new(0);
    struct geo_atlas *atlas = geo_atlas_new(&db, 1);
    struct geo_tree *tree = geo_build_tree(&by_rules, atlas), *near = geo_build_tree(&by_distance, atlas);
    size_t order_count = geo_get_orders(near, &orders);
    geo_atlas_free(atlas);
    for (size_t at = 0; at < 16 && at < len; at++) {
        struct addr addr = {.family = at % 2 == 0 ? ADDR_V4 : ADDR_V6};
        for (size_t i = 0; i < addr_len(&addr); i++) {
            addr.bytes[i] = bytes[(at * 37 + i) % len];
        }
        look_up(db, tree, &addr, arena);
        check(geo_find_class(near, &addr).class_id < 1 + order_count);
    }
    geo_free_tree(tree);
    geo_free_tree(near);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(fd != -1);
    check(write(fd, bytes, len) == (ssize_t)len);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(path, report);
    close(fd);
    check((db == NULL) == (report_errors(report) > 0));
    if (db != NULL) {
        use(db, bytes, len);
        geo_close_db(db);
    }
    report_free(report);
    return 0;
}
