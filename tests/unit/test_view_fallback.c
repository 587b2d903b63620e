/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of fallbacks on their way into a view: what "first" looks through behind the tiers, and "static"
 * without static records. */
#include "config.h"

#include "view_folder.h"

#include "view/view.h"

#include <stdio.h>
#include <string.h>

static const char zone_text[] = "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\n@ MX 10 ns\nns A 192.0.2.53\n"
                                "four A 192.0.2.9\nsix AAAA 2001:db8::9\n*.wild AAAA 2001:db8::9\n"
                                "text TXT \"no address\"\nlb MX 10 ns\n";

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json",
        "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}, \"b\": {\"azs\": {\"b1\": {}}}, \"c\": {\"azs\": "
        "{\"c1\": {}}}},"
        "\"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"]},"
        "\"two\": {\"az\": \"b1\", \"addresses\": [\"192.0.2.2\"]},"
        "\"three\": {\"az\": \"c1\", \"addresses\": [\"192.0.2.3\"]},"
        "\"host\": {\"az\": \"a1\", \"host\": \"lb.example.net.\"}},"
        "\"geo_rules\": {\"map\": [{\"when\": {\"cidr\": \"10.0.0.0/8\"}, \"tiers\": [[\"a\"]], "
        "\"fallback\": \"static\"}]}}");
    return 0;
}

/* What the report has to say, as of folder_compile(). */
static struct view *compile(const char *policy, const char *expected)
{
    put("zones/a.test.zone", zone_text);
    put("zones/a.test.json", policy);
    return folder_compile(expected);
}

static void first_goes_on_with_the_rest(void **state)
{
    (void)state;
    struct view *view = compile(
        "{\"names\": {\"www\": {\"endpoints\": [\"one\", \"two\"], \"tiers\": [[\"a\"], [\"b\"]], \"geo\": ["
        "{\"when\": {\"cidr\": \"10.0.0.0/8\"}, \"tiers\": [[\"b\"]]},"
        "{\"when\": {\"cidr\": \"10.1.0.0/16\"}, \"tiers\": [[\"b\"]], \"fence\": true},"
        "{\"when\": {\"cidr\": \"10.2.0.0/16\"}, \"tiers\": [[\"b\"]], \"fallback\": \"all\"},"
        "{\"when\": {\"cidr\": \"10.3.0.0/16\"}, \"tiers\": [[\"b\"]], \"fallback\": {\"pool\": \"three\"}}"
        "]}}}",
        "");
    const struct steer_policy *policy = steer_set_get(view->steer, view->names[0].policy);
    assert_int_equal(policy->class_count, 5);
    assert_int_equal(policy->fallback, STEER_FALLBACK_FIRST);
    assert_null(policy->classes[0].rest); /* its tiers are all there is */
    assert_null(policy->classes[0].offered);
    assert_int_equal(policy->classes[1].rest->count, 2);
    assert_string_equal(policy->classes[1].rest->label, "others");
    assert_null(policy->classes[1].offered);
    assert_null(policy->classes[2].rest);
    assert_null(policy->classes[3].rest);
    assert_int_equal(policy->classes[3].offered_count, 2);
    assert_int_equal(policy->classes[4].fallback, STEER_FALLBACK_FIRST);
    assert_int_equal(policy->classes[4].rest->count, 2); /* without the pool */
    view_free(view);
}

#define STATIC(name, endpoints) "\"" name "\": {\"endpoints\": [" endpoints "], \"fallback\":\n \"static\"}"

static void static_records_have_to_be_there(void **state)
{
    (void)state;
    view_free(
        compile("{\"names\": {\n" STATIC("text", "\"one\"") ",\n" STATIC("none", "\"one\"") "}}",
                "zones/a.test.json:3:2: error: found \"static\", expected records of text.a.test. in "
                "the zone file that could answer: it has none of A, AAAA (at $.names.text.fallback)\n"
                "zones/a.test.json:5:2: error: found \"static\", expected records of none.a.test. in "
                "the zone file that could answer: it has none of A, AAAA (at $.names.none.fallback)\n"));
    view_free(compile("{\"names\": {" STATIC("six", "\"two\"") "}}",
                      "zones/a.test.json:2:2: error: found \"static\", expected records of six.a.test. in "
                      "the zone file that could answer: it has none of A (at $.names.six.fallback)\n"));
    view_free(compile("{\"names\": {" STATIC("lb", "\"host\"") "}}",
                      "zones/a.test.json:2:2: error: found \"static\", expected records of lb.a.test. in the "
                      "zone file that could answer: it has none of A, AAAA (at $.names.lb.fallback)\n"));
}

/* A client that finds no AAAA takes A, and the other way round. */
static void one_family_is_enough(void **state)
{
    (void)state;
    view_free(compile("{\"names\": {" STATIC("four", "\"one\"") ", " STATIC("six", "\"one\"") ", " STATIC(
                          "*.wild", "\"one\"") ", " STATIC("four.a.test.", "\"host\"") "}}",
                      "zones/a.test.json:4:13: error: the name four.a.test. is there already, in line 1 (at "
                      "$.names[\"four.a.test.\"])\n"));
    view_free(compile("{\"names\": {" STATIC("four", "\"one\"") ", " STATIC("six", "\"one\"") ", " STATIC(
                          "*.wild", "\"one\", \"host\"") "}}",
                      ""));
}

static void rules_are_told_by_their_place(void **state)
{
    (void)state;
    view_free(
        compile("{\"names\": {\"www\": {\"endpoints\": [\"one\"], \"geo\": [{\"when\": {\"cidr\": "
                "\"10.0.0.0/8\"},\n\"tiers\": [[\"a\"]], \"fallback\": {\"pool\": \"two\", \"then\":\n"
                "\"static\"}}]}}}",
                "zones/a.test.json:3:1: error: found \"static\", expected records of www.a.test. in the "
                "zone file that could answer: it has none of A, AAAA (at "
                "$.names.www.geo[0].fallback.then)\n"));
    view_free(
        compile("{\"names\": {\"www\": {\"endpoints\": [\"one\"],\n \"geo\": \"map\"}, "
                "\"four\": {\"endpoints\": [\"one\"], \"geo\": \"map\"}}}",
                "zones/a.test.json:2:9: error: found \"static\", expected records of www.a.test. in the "
                "zone file that could answer: it has none of A, AAAA (at $.names.www.geo)\n"));
}

/* Each type for itself, but that clients do without HTTPS. */
static void every_type_has_its_own(void **state)
{
    (void)state;
    static const char https[] = "{\"names\": {\"four\": {\"endpoints\": [\"one\"], \"addresses\": true, "
                                "\"fallback\": \"static\", \"records\": {\"HTTPS\": {\"one\": \"1 .\"}}}}}";
    static const char mail[] = "{\"names\": {\"four\": {\"endpoints\": [\"one\"], \"addresses\": true, "
                               "\"fallback\": \"static\", \"records\": {\"MX\": {\"one\": \"10 ns\"}}}}}";
    static const char apex[] = "{\"names\": {\"@\": {\"endpoints\": [\"one\"], \"fallback\": \"static\", "
                               "\"records\": {\"MX\": {\"one\": \"10 ns\"}, \"NS\": {\"one\": \"ns\"}}}}}";
    view_free(compile(https, ""));
    view_free(compile(mail, "zones/a.test.json:1:74: error: found \"static\", expected records of "
                            "four.a.test. in the zone file that could answer: it has none of MX (at "
                            "$.names.four.fallback)\n"));
    view_free(compile(apex, ""));
}

/* Where the zone file could not be read, nothing is said of what it may lack. */
static void a_broken_zone_file_is_enough_of_an_error(void **state)
{
    (void)state;
    size_t errors;
    char path[160];
    put("zones/a.test.zone", "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\nwww A nonsense\n");
    put("zones/a.test.json", "{\"names\": {" STATIC("www", "\"one\"") "}}");
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct report *report = report_new();
    view_free(view_compile(path, NULL, 1, 0, 0, report));
    errors = report_errors(report);
    assert_int_equal(errors, 1);
    assert_non_null(strstr(report_get(report, 0)->place.file, "a.test.zone"));
    report_free(report);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, folder_close)
    const struct CMUnitTest tests[] = {
        TEST(first_goes_on_with_the_rest), TEST(static_records_have_to_be_there),
        TEST(one_family_is_enough),        TEST(rules_are_told_by_their_place),
        TEST(every_type_has_its_own),      TEST(a_broken_zone_file_is_enough_of_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
