/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Time zones: every one of the system's against the C library, and files that are broken. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/file.h"
#include "base/tzif.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct tzif *load(struct arena *arena, const char *name)
{
    char why[TZIF_WHY_SIZE] = "";
    return tzif_load(NULL, name, arena, why);
}

static bool has_database(void)
{
    struct arena *arena = arena_new(0);
    bool has = load(arena, "Europe/Berlin") != NULL;
    arena_free(arena);
    return has;
}

static void expect(const struct tzif *zone, const char *name, int64_t time_s)
{
    struct tm tm;
    time_t time = (time_t)time_s;
    assert_non_null(localtime_r(&time, &tm));
    struct tzif_local local = tzif_find_local(zone, time_s);
    if (tzif_find_offset(zone, time_s) != tm.tm_gmtoff || local.weekday != (unsigned)(tm.tm_wday + 6) % 7 ||
        local.month != (unsigned)tm.tm_mon + 1 || local.day != (unsigned)tm.tm_mday ||
        local.second != (unsigned)(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec)) {
        print_error("%s at %lld: found %d, expected %ld\n", name, (long long)time_s,
                    tzif_find_offset(zone, time_s), tm.tm_gmtoff);
        fail();
    }
}

/* Around every change that the C library knows from 1902 to 2100, and in between. */
static void compare(const char *name)
{
    enum { STEP = 20 * 86400 };
    const int64_t begin = -2145916800, end = 4102444800;
    struct arena *arena = arena_new(0);
    const struct tzif *zone = load(arena, name);
    assert_non_null(zone);
    setenv("TZ", name, 1);
    tzset();
    for (int64_t at = begin; at < end; at += STEP) {
        expect(zone, name, at);
        int64_t low = at, high = at + STEP;
        int32_t before = tzif_find_offset(zone, low);
        while (before != tzif_find_offset(zone, high) && high - low > 1) {
            int64_t middle = low + (high - low) / 2;
            *(tzif_find_offset(zone, middle) == before ? &low : &high) = middle;
        }
        if (high - low == 1) {
            expect(zone, name, low);
            expect(zone, name, high);
        }
    }
    arena_free(arena);
}

static void the_c_library_agrees(void **state)
{
    static const char *const folders[] = {"Africa", "America", "Asia",    "Atlantic",  "Australia",
                                          "Europe", "Indian",  "Pacific", "Antarctica"};
    (void)state;
    size_t count = 0;
    if (!has_database()) {
        skip();
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512], name[320];
        snprintf(path, sizeof path, "%s/%s", TZIF_FOLDER, folders[i]);
        DIR *folder = opendir(path);
        if (folder == NULL) {
            continue;
        }
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            snprintf(name, sizeof name, "%s/%s", folders[i], entry->d_name);
            if (entry->d_type == DT_REG && tzif_is_name(name) && count++ % 8 == 0) {
                compare(name);
            }
        }
        closedir(folder);
    }
    compare("Europe/Berlin");
    compare("America/New_York");
    compare("Australia/Lord_Howe"); /* half an hour */
    compare("Africa/Casablanca");
    unsetenv("TZ");
    tzset();
}

static void utc_needs_no_file(void **state)
{
    (void)state;
    char why[TZIF_WHY_SIZE] = "";
    struct arena *arena = arena_new(0);
    const struct tzif *zone = tzif_load("/nowhere", "UTC", arena, why);
    assert_non_null(zone);
    assert_int_equal(tzif_find_offset(zone, 1795237506), 0);
    struct tzif_local local = tzif_find_local(zone, 0);
    assert_true(local.weekday == 3 && local.second == 0); /* a Thursday */
    local = tzif_find_local(zone, -1);
    assert_true(local.weekday == 2 && local.second == 86399);
    assert_null(tzif_load("/nowhere", "Europe/Berlin", arena, why));
    assert_non_null(strstr(why, "/nowhere/Europe/Berlin: "));
    arena_free(arena);
}

static void names_lead_nowhere_else(void **state)
{
    static const char *const good[] = {
        "UTC",    "Europe/Berlin", "Etc/GMT+5", "America/Port-au-Prince", "America/North_Dakota/New_Salem",
        "EST5EDT"};
    static const char *const bad[] = {"",        "/etc/passwd", "../passwd", "a/../b", "a//b", "a/",
                                      ".hidden", "a/.b",        "a b",       "-x",     "a\n"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(tzif_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(tzif_is_name(bad[i]));
    }
}

/* Without changes, with this rule. */
static int parse_rule(const char *rule, struct arena *arena, const struct tzif **zone)
{
    uint8_t bytes[512] = {0};
    size_t len = 0;
    for (int version = 0; version < 2; version++) {
        memcpy(bytes + len, "TZif2", 5);
        bytes[len + 39] = 1; /* a type, */
        bytes[len + 43] = 1; /* and an octet of names */
        len += 44 + 7;
    }
    len += (size_t)snprintf((char *)bytes + len, sizeof bytes - len, "\n%s\n", rule);
    return tzif_parse(bytes, len, arena, zone);
}

static void rules_are_read(void **state)
{
    static const char *const good[] = {"",
                                       "UTC0",
                                       "<+0330>-3:30",
                                       "EST5EDT,M3.2.0,M11.1.0",
                                       "CET-1CEST,M3.5.0,M10.5.0/3",
                                       "AAA3BBB2:30:15,J60/-1,J365/167",
                                       "AAA3BBB,0/0,365/24:30"};
    static const char *const bad[] = {"C1",
                                      "CET",
                                      "CET-25",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.0.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J5",
                                      "CET-1CEST,366,5",
                                      "CET-1CEST,M3.5.0,M10.5.0/168",
                                      "<+03-3",
                                      "CET-1 ",
                                      "CET-1:60",
                                      "CET-1CEST,M3.5.0,M10.5.0,"};
    (void)state;
    struct arena *arena = arena_new(0);
    const struct tzif *zone;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse_rule(good[i], arena, &zone), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse_rule(bad[i], arena, &zone), ERROR_SYNTAX);
    }
    assert_int_equal(parse_rule("CET-1CEST,M3.5.0,M10.5.0/3", arena, &zone), 0);
    assert_int_equal(tzif_find_offset(zone, 1774745999), 3600); /* 2026-03-29T00:59:59Z */
    assert_int_equal(tzif_find_offset(zone, 1774746000), 7200);
    assert_int_equal(tzif_find_offset(zone, 1792889999), 7200); /* 2026-10-25T00:59:59Z */
    assert_int_equal(tzif_find_offset(zone, 1792890000), 3600);
    arena_free(arena);
}

/* At every length, and with every octet another one. */
static void broken_files_are_refused_or_read(void **state)
{
    (void)state;
    struct file file;
    size_t len;
    int code;
    char *bytes = file_read_all(TZIF_FOLDER "/Europe/Berlin", TZIF_SIZE_MAX, &file, &len, &code);
    if (bytes == NULL) {
        skip();
        return;
    }
    for (size_t i = 0; i < len; i++) {
        struct arena *arena = arena_new(0);
        const struct tzif *zone = NULL;
        uint8_t *cut = malloc(i == 0 ? 1 : i);
        assert_non_null(cut);
        memcpy(cut, bytes, i);
        assert_int_equal(tzif_parse(cut, i, arena, &zone), ERROR_SYNTAX);
        free(cut);
        bytes[i] = (char)(bytes[i] ^ 0x80);
        if (tzif_parse((const uint8_t *)bytes, len, arena, &zone) == 0) {
            int32_t offset = tzif_find_offset(zone, 1795237506);
            assert_true(offset >= -26 * 3600 && offset <= 26 * 3600);
        }
        bytes[i] = (char)(bytes[i] ^ 0x80);
        arena_free(arena);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_c_library_agrees),
        cmocka_unit_test(utc_needs_no_file),
        cmocka_unit_test(names_lead_nowhere_else),
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(broken_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
