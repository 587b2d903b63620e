/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides as objects of the store. */
#include "config.h"

#include "unit.h"

#include "cluster/entry.h"
#include "daemon/override_json.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static struct health_override read_well(const char *text, bool *planned)
{
    struct health_override override;
    const char *why;
    assert_int_equal(override_read_json(text, &override, planned, &why), 0);
    assert_null(why);
    return override;
}

static void refuse(const char *text, const char *expected)
{
    struct health_override override;
    const char *why;
    bool planned;
    assert_int_equal(override_read_json(text, &override, &planned, &why), ERROR_SYNTAX);
    assert_string_equal(why, expected);
}

static void everything_comes_back(void **state)
{
    const struct health_override full = {.desired = HEALTH_DESIRED_DRAIN,
                                         .set_ms = 1795233906789,
                                         .starts_ms = 1795233906790,
                                         .expires_ms = 1795233906791,
                                         .starts_by_duration = true,
                                         .expires_by_duration = true,
                                         .has_ttl = true,
                                         .ttl_s = HEALTH_TTL_MAX_S,
                                         .reason = "fire \"in\" the h\xc3\xb6use\n",
                                         .actor = "alice",
                                         .peer = "uid:1000(alice)"};
    bool planned = false;
    (void)state;
    char *text = override_write_json(&full, true, NULL);
    struct health_override again = read_well(text, &planned);
    assert_true(planned);
    assert_memory_equal(&again, &full, sizeof full);
    free(text);
    const struct health_override least = {.desired = HEALTH_DESIRED_UP, .set_ms = 1795233906000};
    text = override_write_json(&least, false, NULL);
    assert_string_equal(text, "{\"state\":\"up\",\"set\":\"2026-11-21T04:05:06.000Z\"}");
    again = read_well(text, &planned);
    assert_false(planned);
    assert_memory_equal(&again, &least, sizeof least);
    free(text);
}

static void a_duration_says_by_which_clock(void **state)
{
    const struct override_clock then = {"5f1c", 1000000}, later = {"5f1c", 87400000},
                                slewed = {"5f1c", 1000050}, other = {"77aa", 87400000}, none = {"", 87400000};
    struct health_override override = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = 1795233906000};
    bool planned;
    (void)state;
    override.expires_ms = override.set_ms + 1000;
    char *text = override_write_json(&override, false, &then);
    assert_null(strstr(text, "clock")); /* a time is a time */
    assert_int_equal(override_find_step(text, &later), 0);
    free(text);
    override.expires_by_duration = true;
    text = override_write_json(&override, false, &then);
    (void)read_well(text, &planned);
    assert_int_equal(override_find_step(text, &later), 86400000);
    assert_int_equal(override_find_step(text, &slewed), 0);
    assert_int_equal(override_find_step(text, &other), 0); /* the machine was switched off: nobody knows */
    assert_int_equal(override_find_step(text, &none), 0);
    free(text);
    assert_int_equal(override_find_step("{\"clock\":{\"boot\":\"5f1c\"}}", &later), 0);
    assert_int_equal(
        override_find_step("{\"clock\":{\"boot\":\"5f1c\",\"offset_ms\":-9223372036854775807}}", &later), 0);
    assert_int_equal(override_find_step("{\"clock\":7}", &later), 0);
    assert_int_equal(override_find_step("[", &later), 0);
}

/* A plan that has begun keeps its start when its duration goes along with the clock. */
static void a_clock_that_was_set_back(void **state)
{
    enum { HOUR_MS = 3600 * 1000 };
    struct health_override moved = {.desired = HEALTH_DESIRED_DRAIN,
                                    .starts_ms = 1795233906000,
                                    .expires_ms = 1795233906000 + HOUR_MS,
                                    .expires_by_duration = true};
    bool planned = true;
    (void)state;
    assert_true(health_override_shift(&moved, false, -2 * HOUR_MS));
    char *text = override_write_json(&moved, false, NULL);
    struct health_override again = read_well(text, &planned);
    assert_false(planned);
    assert_memory_equal(&again, &moved, sizeof moved);
    free(text);
}

static void peers_that_are_no_text(void **state)
{
    const struct health_override odd = {.desired = HEALTH_DESIRED_DOWN, .peer = "uid:7(\xff)"};
    bool planned;
    (void)state;
    char *text = override_write_json(&odd, false, NULL);
    assert_string_equal(read_well(text, &planned).peer, "?");
    free(text);
}

static void what_a_later_version_adds_is_passed_over(void **state)
{
    bool planned;
    (void)state;
    assert_int_equal(read_well("{\"state\":\"down\",\"colour\":[1]}", &planned).desired, HEALTH_DESIRED_DOWN);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const char states[] = "\"state\": expected \"drain\", \"up\" or \"down\"";
    (void)state;
    refuse("", "expected a JSON object");
    refuse("[]", "expected a JSON object");
    refuse("{\"state\":\"up\",\"state\":\"down\"}", "expected a JSON object");
    refuse("{}", states);
    refuse("{\"state\":\"auto\"}", states);
    refuse("{\"state\":\"sideways\"}", states);
    refuse("{\"state\":1}", states);
    refuse("{\"state\":\"up\",\"set\":5}", "\"set\": expected an RFC 3339 time");
    refuse("{\"state\":\"up\",\"starts\":\"now\"}", "\"starts\": expected an RFC 3339 time");
    refuse("{\"state\":\"up\",\"expires\":null}", "\"expires\": expected an RFC 3339 time");
    refuse("{\"state\":\"up\",\"ttl\":\"30\"}", "\"ttl\": expected seconds from 0 to 2147483647");
    refuse("{\"state\":\"up\",\"ttl\":-1}", "\"ttl\": expected seconds from 0 to 2147483647");
    refuse("{\"state\":\"up\",\"ttl\":2147483648}", "\"ttl\": expected seconds from 0 to 2147483647");
    refuse("{\"state\":\"up\",\"planned\":1}", "\"planned\": expected true or false");
    refuse("{\"state\":\"up\",\"actor\":{}}", "\"actor\": expected a text");
    refuse("{\"state\":\"up\",\"reason\":\"a\\u0000b\"}", "expected a JSON object");
    refuse("{\"state\":\"up\",\"planned\":true,\"starts\":\"2026-11-21T04:05:07Z\",\"expires\":"
           "\"2026-11-21T04:05:06Z\"}",
           "it ends before it starts");
    char text[512] = "{\"state\":\"up\",\"actor\":\"";
    memset(text + strlen(text), 'a', HEALTH_ACTOR_SIZE);
    strcat(text, "\"}");
    refuse(text, "\"actor\": expected a text");
}

/* src/cluster reads by itself what decides that. */
static void a_cluster_knows_which_is_the_safer_one(void **state)
{
    (void)state;
    const int64_t now_ms = 1795000000000, later_ms = now_ms + 3600000;
    const struct override_clock clock = {"a-boot", now_ms};
    struct health_override overrides[] = {{.desired = HEALTH_DESIRED_DOWN},
                                          {.desired = HEALTH_DESIRED_DRAIN},
                                          {.desired = HEALTH_DESIRED_DRAIN, .share = 25},
                                          {.desired = HEALTH_DESIRED_UP}};
    char *texts[4];
    for (size_t i = 0; i < 4; i++) {
        texts[i] = override_write_json(&overrides[i], false, &clock);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(cluster_compare_safety(texts[i], texts[i + 1], now_ms) < 0);
    }
    assert_true(cluster_compare_safety(texts[2], NULL, now_ms) < 0);
    assert_true(cluster_compare_safety(NULL, texts[3], now_ms) < 0);
    struct health_override planned = {.desired = HEALTH_DESIRED_DOWN, .starts_ms = later_ms};
    char *text = override_write_json(&planned, true, &clock);
    assert_int_equal(cluster_compare_safety(text, NULL, now_ms), 0);
    assert_true(cluster_compare_safety(text, NULL, later_ms) < 0);
    free(text);
    struct health_override over = {.desired = HEALTH_DESIRED_DOWN, .expires_ms = later_ms};
    text = override_write_json(&over, false, &clock);
    assert_true(cluster_compare_safety(text, NULL, now_ms) < 0);
    assert_int_equal(cluster_compare_safety(text, NULL, later_ms), 0);
    free(text);
    for (size_t i = 0; i < 4; i++) {
        free(texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(a_cluster_knows_which_is_the_safer_one),
        cmocka_unit_test(a_duration_says_by_which_clock),
        cmocka_unit_test(a_clock_that_was_set_back),
        cmocka_unit_test(peers_that_are_no_text),
        cmocka_unit_test(what_a_later_version_adds_is_passed_over),
        cmocka_unit_test(what_is_not_understood_is_refused),
    };
    return cmocka_run_group_tests_name("override_json", tests, NULL, NULL);
}
