/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of base/regex: what matches, what is refused, and that random expressions match what those of the C
 * library match, in pieces of any size. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "base/regex.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const struct regex *regex, const char *text, size_t piece)
{
    struct regex_scan scan;
    size_t len = strlen(text);
    enum regex_progress progress = regex_begin(regex, &scan);
    for (size_t at = 0; at < len; at += piece) {
        progress = regex_feed(regex, &scan, (const uint8_t *)text + at, len - at < piece ? len - at : piece);
    }
    assert_true(progress != REGEX_FOUND || regex_end(regex, &scan));
    assert_true(progress != REGEX_ABSENT || !regex_end(regex, &scan));
    return regex_end(regex, &scan);
}

static void expressions_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"ok", "all is ok here", true},
        {"ok", "all is o k", false},
        {"^ok$", "ok", true},
        {"^ok$", "ok\n", false},
        {"^ok\n?$", "ok\n", true},
        {"^(ok|up)$", "up", true},
        {"^(ok|up)$", "down", false},
        {"\"status\": *\"(ok|up)\"", "{\"status\":  \"up\"}", true},
        {"\\{\"a\"\\}", "{\"a\"}", true},
        {"a.c", "xa\nc", true},
        {"[0-9]{3}", "12", false},
        {"[0-9]{3}", "x123", true},
        {"^[^0-9]{2,}$", "ab\n", true},
        {"^a{0}b$", "b", true},
        {"^(ab){2,3}$", "ababab", true},
        {"^(ab){2,3}$", "abababab", false},
        {"^(ab){2,}c$", "ababababc", true},
        {"a||b", "", true},
        {"()", "", true},
        {"", "x", true},
        {"^$", "", true},
        {"^$", "x", false},
        {"$^", "", true},
        {"x$y", "xy", false},
        {"x^y", "xy", false},
        {"(^a|b)c", "xac", false},
        {"(^a|b)c", "xbc", true},
        {"(a$|b)", "xa", true},
        {"[]x]", "]", true},
        {"[^]x]", "]x", false},
        {"[a-]", "-", true},
        {"[\\d.]+%", "12.5%", true},
        {"^\\w+\\s\\S$", "abc \\", true},
        {"\\.", "a", false},
        {"[[:digit:][:space:]]$", "a\t", true},
        {"^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9", true},
        {"(?:ab)+$", "abab", true},
        {"(x+x+)+y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false},
        {"(a?){20}a{20}", "aaaaaaaaaaaaaaaaaaaaaaaa", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[REGEX_WHY_SIZE];
        struct regex *regex = regex_new(cases[i].pattern, why);
        assert_non_null(regex);
        assert_string_equal(regex_get_text(regex), cases[i].pattern);
        for (size_t piece = 1; piece <= 50; piece += 7) {
            if (matches(regex, cases[i].text, piece) != cases[i].matches) {
                fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
            }
        }
        regex_drop(regex_hold(regex));
        regex_drop(regex);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"*a", "found \"*\" at character 1, with nothing to repeat before it"},
        {"a(+b)", "found \"+\" at character 3, with nothing to repeat before it"},
        {"^*", "found \"*\" at character 2, with nothing to repeat before it"},
        {"(a", "found \"(\" without \")\", expected as many of both"},
        {"a)", "found \")\" at character 2, with no \"(\" before it"},
        {"x[a", "found \"[\" at character 2, with no \"]\" behind it"},
        {"[", "found \"[\" at character 1, with no \"]\" behind it"},
        {"[z-a]", "found a range at character 2 that ends before it begins"},
        {"[a-\\d]", "found a range at character 2 that ends before it begins"},
        {"[[:word:]]", "found \"[:\" at character 2, expected [:alpha:], [:digit:] or another known class"},
        {"[\xc3\xa9]", "found a character at 2 that is no ASCII, which a set cannot hold: write (a|b)"},
        {"a{2,1}",
         "found \"{\" at character 2, expected {n}, {n,} or {n,m} with 0 <= n <= m <= 255, or \"\\{\""},
        {"a{256}",
         "found \"{\" at character 2, expected {n}, {n,} or {n,m} with 0 <= n <= m <= 255, or \"\\{\""},
        {"{\"a\"", "found \"{\" at character 1, with nothing to repeat before it"},
        {"(a)\\1", "found \"\\\" at character 4, expected one of d w s D W S n r t or punctuation behind it"},
        {"a\\", "found \"\\\" at character 2, expected one of d w s D W S n r t or punctuation behind it"},
        {"(a{100}){100}",
         "found more than 1024 octets, sets and repetitions when those of {n,m} are written out"},
        {"a.{30}b",
         "found an expression that needs a table of more than 2000 states or 65536 cells, expected a "
         "simpler one"},
        {"((((((((((((((((((((((((((((((((x))))))))))))))))))))))))))))))))",
         "found \"(\" within 31 others at character 32, expected less of them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[REGEX_WHY_SIZE];
        assert_null(regex_new(cases[i][0], why));
        assert_string_equal(why, cases[i][1]);
    }
}

static void fill_random(struct random *random, const char *signs, char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        text[at] = signs[random_below(random, strlen(signs))];
    }
    text[len] = '\0';
}

static void compare(const struct regex *ours, const regex_t *theirs, struct random *random)
{
    for (size_t piece = 1; piece <= 8; piece++) {
        char text[12];
        fill_random(random, "abcx", text, random_below(random, sizeof text));
        if (matches(ours, text, piece) != (regexec(theirs, text, 0, NULL, 0) == 0)) {
            fail_msg("\"%s\" and \"%s\"", regex_get_text(ours), text);
        }
    }
}

/* The C library takes some of what is refused here, and \d and the like mean nothing to it. */
static void random_expressions_match_as_those_of_the_library(void **state)
{
    (void)state;
    struct random random;
    size_t compared = 0;
    random_init(&random, 11);
    for (int i = 0; i < 60000; i++) {
        char pattern[16], why[REGEX_WHY_SIZE];
        regex_t theirs;
        fill_random(&random, "aaabbcc..()()|*+?^$[]{}12,-", pattern,
                    1 + random_below(&random, sizeof pattern - 1));
        struct regex *ours = regex_new(pattern, why);
        if (ours != NULL && regcomp(&theirs, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
            compare(ours, &theirs, &random);
            regfree(&theirs);
            compared++;
        }
        regex_drop(ours);
    }
    assert_true(compared > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_match),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(random_expressions_match_as_those_of_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
