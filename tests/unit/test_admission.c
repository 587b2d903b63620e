/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tokens of who joins, and what is said with them. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "fleet/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINT  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET "00112233445566778899aabbccddeeff"
#define PLACE  PRINT "@10.0.0.1/5308"

static void test_tokens_come_back(void **state)
{
    static const char *const good[] = {"join1.prod.ns4.0." SECRET "." PLACE,
                                       "join1.prod.ns4.c." SECRET "." PLACE "," PRINT "@2001:db8::1/1",
                                       "join1.a.b.p." SECRET "." PLACE "," PLACE "," PLACE,
                                       "join1.prod.ns-4.cp." SECRET "." PRINT "@::1/65535"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct admission_token token;
        assert_true(admission_is_token(good[i]));
        assert_int_equal(admission_read_token(good[i], &token), 0);
        char *text = admission_write_token(&token);
        assert_string_equal(text, good[i]);
        free(text);
    }
    struct admission_token token;
    assert_int_equal(admission_read_token(good[1], &token), 0);
    assert_string_equal(token.cluster, "prod");
    assert_string_equal(token.node, "ns4");
    assert_string_equal(token.secret, SECRET);
    assert_true(token.brings_certificate && !token.brings_password);
    assert_int_equal(token.place_count, 2);
    assert_int_equal(token.places[0].fingerprint[31], 31);
    assert_int_equal(token.places[0].at.port, 5308);
}

static void test_what_is_no_token(void **state)
{
    static const char *const bad[] = {"",
                                      "join1.",
                                      "join2.prod.ns4.0." SECRET "." PLACE,
                                      "join1.prod.ns4.0." SECRET ".",
                                      "join1.prod.ns4.0." SECRET,
                                      "join1.prod.ns4.x." SECRET "." PLACE,
                                      "join1.prod.ns4..." SECRET "." PLACE,
                                      "join1..ns4.0." SECRET "." PLACE,
                                      "join1.prod.-ns4.0." SECRET "." PLACE,
                                      "join1.prod.n_4.0." SECRET "." PLACE,
                                      "join1.prod.ns4.0.0011." PLACE,
                                      "join1.prod.ns4.0.0011223344556677889900112233445G." PLACE,
                                      "join1.prod.ns4.0." SECRET "." PLACE ",",
                                      "join1.prod.ns4.0." SECRET "." PLACE "," PLACE "," PLACE "," PLACE,
                                      "join1.prod.ns4.0." SECRET ".00@10.0.0.1/5308",
                                      "join1.prod.ns4.0." SECRET "." PRINT "10.0.0.1/5308",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@10.0.0.1",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@10.0.0.1/",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@10.0.0.1/0",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@10.0.0.1/65536",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@10.0.0.1/53x",
                                      "join1.prod.ns4.0." SECRET "." PRINT "@host/53"};
    struct admission_token token;
    char longer[3000];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(admission_read_token(bad[i], &token), 0);
    }
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer, "join1.", 6);
    assert_int_not_equal(admission_read_token(longer, &token), 0);
}

static void test_questions(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"cluster\":\"prod\"}",
        "{\"cluster\":\"prod\",\"node\":\"ns4\",\"secret\":\"" SECRET
        "\",\"has_certificate\":false,\"has_password\":false,\"time\":1,\"more\":1}",
        "{\"cluster\":\"pr od\",\"node\":\"ns4\",\"secret\":\"" SECRET
        "\",\"has_certificate\":false,\"has_password\":false,\"time\":1}",
        "{\"cluster\":\"prod\",\"node\":\"ns4\",\"secret\":\"" SECRET
        "\",\"has_certificate\":0,\"has_password\":false,\"time\":1}"};
    struct admission_ask ask = {.cluster = "prod", .node = "ns4", .secret = SECRET, .wall_ms = 123}, read;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(admission_read_ask(bad[i], &read), 0);
    }
    ask.has_password = true;
    char *text = admission_write_ask(&ask);
    assert_int_equal(admission_read_ask(text, &read), 0);
    assert_string_equal(read.secret, SECRET);
    assert_true(read.has_password && !read.has_certificate && read.wall_ms == 123);
    free(text);
}

static void test_answers(void **state)
{
    static const char begin[] =
        "{\"member\":\"00000000000000ab\",\"etcd\":[\"http://a:1\"],\"acknowledge\":\"all\","
        "\"deadline_ms\":1000,\"uses_certificate\":false";
    static const char *const bad[] = {"}x", ",\"certificate\":\"c\"}",
                                      ",\"certificate\":\"c\",\"key\":\"k\"}", ",\"password\":\"p\"}",
                                      ",\"more\":1}"};
    struct admission_grant grant = {.member = 171,
                                    .etcd = {"https://10.0.0.1:2379", "https://10.0.0.2:2379"},
                                    .etcd_count = 2,
                                    .acknowledge = "majority",
                                    .deadline_ms = 1000,
                                    .ca = "a\nb\n",
                                    .certificate = "c",
                                    .key = "k",
                                    .uses_certificate = true,
                                    .user = "u"},
                           read;
    struct arena *arena = arena_new(0);
    char whole[1000];
    (void)state;
    snprintf(whole, sizeof whole, "%s}", begin);
    assert_int_equal(admission_read_grant(whole, arena, &read), 0);
    assert_true(read.member == 171 && read.ca == NULL && read.user == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(whole, sizeof whole, "%s%s", begin, bad[i]);
        assert_int_not_equal(admission_read_grant(whole, arena, &read), 0);
    }
    char *text = admission_write_grant(&grant);
    assert_int_equal(admission_read_grant(text, arena, &read), 0);
    assert_string_equal(read.etcd[1], grant.etcd[1]);
    assert_string_equal(read.ca, grant.ca);
    assert_string_equal(read.key, "k");
    assert_true(read.password == NULL && read.uses_certificate);
    free(text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_come_back),
        cmocka_unit_test(test_what_is_no_token),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
