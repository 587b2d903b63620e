/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of who vantages are, as the store has it, and of their tokens. */
#include "config.h"

#include "unit.h"

#include "daemon/vantage_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t ours[TLS_FINGERPRINT_SIZE] = {0xab, 0xcd};

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct vantage_member read,
        members[] = {
            {.name = "fra-1", .number = 1, .weight = 1},
            {.name = "a.b", .number = 31, .weight = 100, .drained = true, .made_ms = 1000},
            {.name = "x",
             .number = 2,
             .weight = 3,
             .is_enrolled = true,
             .enrolled_ms = 5000,
             .fingerprint = {1, 2, 0xff}},
            {.name = "x",
             .number = 2,
             .weight = 3,
             .has_token = true,
             .token_until_ms = 6000,
             .token_hash = {9}},
        };
    char why[VANTAGE_WHY_SIZE];
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char *text = vantage_write_member(&members[i]);
        assert_int_equal(vantage_read_member(members[i].name, text, &read, why), 0);
        char *again = vantage_write_member(&read);
        assert_string_equal(text, again);
        assert_string_equal(read.name, members[i].name);
        free(text);
        free(again);
    }
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define MEMBER(number, weight, drained)                                                                      \
    "{\"number\":" number ",\"weight\":" weight ",\"drained\":" drained "}"

static void what_is_not_understood_is_nobody(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      MEMBER("0", "1", "false"),
                                      MEMBER("32", "1", "false"),
                                      MEMBER("1", "101", "false"),
                                      MEMBER("1", "1", "0"),
                                      MEMBER("1", "1", "false,\"fingerprint\":\"ab\""),
                                      MEMBER("1", "1", "false,\"made\":\"then\""),
                                      MEMBER("1", "1", "false,\"token_sha256\":\"" ZEROS "\""),
                                      MEMBER("1", "1", "false,\"zone\":\"eu\"")};
    struct vantage_member member;
    char why[VANTAGE_WHY_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(vantage_read_member("x", bad[i], &member, why), 0);
        assert_true(why[0] != '\0');
    }
    assert_int_not_equal(vantage_read_member("local", MEMBER("1", "1", "false"), &member, why), 0);
}

static void a_token_is_good_for_its_name_and_time(void **state)
{
    (void)state;
    struct vantage_member member = {.name = "a.b-1", .number = 1, .weight = 1}, other = member;
    char token[VANTAGE_TOKEN_SIZE], longer[VANTAGE_TOKEN_SIZE + 8], second[VANTAGE_TOKEN_SIZE];
    vantage_make_token(&member, ours, 5000, token);
    assert_int_equal(strlen(token), 3 + 5 + 1 + 32 + 1 + 64);
    assert_memory_equal(token, "v1.a.b-1.", 9);
    assert_memory_equal(token + 9 + 32, ".abcd0000", 9);
    assert_null(vantage_judge_token(&member, token, 4999));
    assert_non_null(vantage_judge_token(&member, token, 5000));
    assert_non_null(vantage_judge_token(&other, token, 4999));
    for (size_t i = 0; i < strlen(token) - 65; i++) { /* what follows is about us */
        char c = token[i];
        token[i] = c == 'z' ? 'y' : 'z';
        assert_non_null(vantage_judge_token(&member, token, 4999));
        token[i] = c;
    }
    snprintf(longer, sizeof longer, "%s.x", token);
    assert_non_null(vantage_judge_token(&member, longer, 4999));
    assert_non_null(vantage_judge_token(&member, "", 4999));
    assert_non_null(vantage_judge_token(&member, "v1.", 4999));
    assert_non_null(vantage_judge_token(&member, ".", 4999));
    vantage_make_token(&member, ours, 5000, second);
    assert_non_null(vantage_judge_token(&member, token, 4999)); /* the later one counts */
    assert_null(vantage_judge_token(&member, second, 4999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(what_is_not_understood_is_nobody),
        cmocka_unit_test(a_token_is_good_for_its_name_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
