/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "admin/condition.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void lists_are_read(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        uint64_t first;
    } good[] = {
        {"\"12\"", 1, 12},
        {" \"1\",\"2\"\t, \"3\" ", 3, 1},
        {",, \"7\" ,,", 1, 7},
        {"W/\"7\", \"8\"", 1, 8},
        {"\"\", \"x\", \"0\", \"012\", \"12x\", \"!#[]~\xff\"", 0, 0},
        {"\"12-0123456789abcdef\"", 1, 12},
        {"\"9999999999999999999\"", 1, 9999999999999999999u},
        {"\"99999999999999999999\"", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct condition condition = {.has_match = false};
        assert_int_equal(condition_add_match(good[i].text, &condition), 0);
        assert_true(condition.has_match && !condition.match_any);
        assert_int_equal(condition.count, good[i].count);
        assert_true(condition.revisions[0] == good[i].first);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const bad[] = {"",       " ",           ",",         "12",       "\"12",
                                      "12\"",   "\"1\" \"2\"", "w/\"1\"",   "W/ \"1\"", "W\"1\"",
                                      "\"1\"x", "\"a\tb\"",    "\"a\x7f\"", "\"1\", *", "*, *",
                                      "**",     "\"1\";",      "\"1\", 2"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct condition condition = {.has_match = false};
        assert_int_equal(condition_add_match(bad[i], &condition), ERROR_SYNTAX);
    }
}

static void there_may_be_so_many(void **state)
{
    char text[8 * (CONDITION_TAGS_MAX + 2)] = "";
    struct condition condition = {.has_match = false};
    (void)state;
    for (unsigned i = 0; i < CONDITION_TAGS_MAX; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "\"%u\",", i + 1);
    }
    assert_int_equal(condition_add_match(text, &condition), 0);
    assert_int_equal(condition.count, CONDITION_TAGS_MAX);
    assert_int_equal(condition_add_match("\"9\"", &condition), ERROR_TOO_LARGE); /* a second header */
    strcat(text, "\"x\"");
    condition = (struct condition){.has_match = false};
    assert_int_equal(condition_add_match(text, &condition), ERROR_TOO_LARGE);
}

static bool holds(const char *match, const char *none_match, bool is_there, uint64_t revision)
{
    struct condition condition = {.has_match = false};
    assert_true(match == NULL || condition_add_match(match, &condition) == 0);
    assert_true(none_match == NULL || condition_add_none_match(none_match, &condition) == 0);
    return condition_holds(&condition, is_there, revision);
}

static void conditions_hold_or_not(void **state)
{
    (void)state;
    assert_true(holds(NULL, NULL, false, 0) && holds(NULL, NULL, true, 5));
    assert_true(holds("\"4\", \"5\"", NULL, true, 5));
    assert_false(holds("\"4\"", NULL, true, 5));
    assert_false(holds("\"5\"", NULL, false, 5));
    assert_false(holds("\"5\"", NULL, true, 0)); /* it is not known which one it is */
    assert_true(holds("*", NULL, true, 0));
    assert_false(holds("*", NULL, false, 0));
    assert_true(holds(NULL, "*", false, 0));
    assert_false(holds(NULL, " * ", true, 5));
    assert_false(holds("\"5\"", "*", true, 5));
}

static void tags_are_compared_weakly(void **state)
{
    (void)state;
    assert_true(condition_lists("\"12\"", "\"12\"") && condition_lists("\"x\", W/\"12\"", "\"12\""));
    assert_true(condition_lists("*", "\"12\""));
    assert_false(condition_lists("\"1\", \"123\"", "\"12\"") || condition_lists("12", "\"12\"") ||
                 condition_lists("", "\"12\""));
}

static void tags_are_written(void **state)
{
    char tag[CONDITION_TAG_SIZE];
    uint64_t hash = UINT64_C(0xabc);
    (void)state;
    condition_write_tag(12, NULL, tag);
    assert_string_equal(tag, "\"12\"");
    condition_write_tag(UINT64_MAX, &hash, tag);
    assert_string_equal(tag, "\"18446744073709551615-0000000000000abc\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),           cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(there_may_be_so_many),     cmocka_unit_test(conditions_hold_or_not),
        cmocka_unit_test(tags_are_compared_weakly), cmocka_unit_test(tags_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
