/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Secrets of a configuration, and the same JSON without them. */
#include "config.h"

#include "conf/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[SIPHASH_KEY_SIZE] = "0123456789abcde",
                     other_key[SIPHASH_KEY_SIZE] = "edcba9876543210";

static char *redact(const char *text)
{
    return redact_text(text, strlen(text), key, false);
}

static void test_secrets_go_and_names_stay(void **state)
{
    (void)state;
    char *text = redact("{\"checks\": {\"web\": {\"type\": \"http\", \"path\": \"/health\","
                        "\"headers\": {\"Authorization\": \"hunter2\", \"X-Many\": [\"hunter2\", 17]}, "
                        "\"send\": \"hunter2\"},"
                        "\"run\": {\"command\": [\"/bin/check\", \"-p\", \"hunter2\"], \"environment\": "
                        "{\"PW\": \"hunter2\"}}}}");
    assert_non_null(text);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "17"));
    assert_non_null(strstr(text, "\"Authorization\": {\n"));
    assert_non_null(strstr(text, "\"/health\""));
    assert_non_null(strstr(text, "\"/bin/check\""));
    assert_non_null(strstr(text, "\"PW\""));
    free(text);
}

static void test_what_operators_chose_is_a_name(void **state)
{
    (void)state;
    assert_null(redact("{\"names\": {\"command\": {\"ttl\": 5}, \"url\": {\"endpoints\": [\"*\"]}}, "
                       "\"endpoints\": {\"headers\": "
                       "{\"az\": \"a\"}}}"));
    char *text = redact("{\"checks\": {\"headers\": {\"path\": \"/\", \"headers\": {\"A\": \"hunter2\"}}}}");
    assert_non_null(strstr(text, "\"path\": \"/\""));
    assert_null(strstr(text, "hunter2"));
    free(text);
}

static void test_a_query_is_a_secret(void **state)
{
    (void)state;
    assert_null(redact("{\"checks\": {\"path\": {\"path\": \"/health\"}}}"));
    char *text = redact("{\"checks\": {\"path\": {\"path\": \"/health?token=hunter2\"}}}");
    assert_non_null(text);
    assert_null(strstr(text, "hunter2"));
    free(text);
}

static void test_edits_of_the_journal(void **state)
{
    (void)state;
    char *text =
        redact("{\"sha256\": \"00\", \"edits\": [{\"op\": \"put\", \"kind\": \"check\", \"name\": \"web\", "
               "\"value\": "
               "{\"headers\": {\"A\": \"hunter2\"}}}, {\"op\": \"merge\", \"value\": {\"headers\": null}}]}");
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "\"headers\": null"));
    char *again = redact(text);
    assert_null(again); /* what is redacted is no secret */
    free(text);
}

static void test_the_digest_is_keyed(void **state)
{
    (void)state;
    const char *const texts[] = {"{\"send\": \"one\"}", "{\"send\": \"one\"}", "{\"send\": \"two\"}"};
    char *a = redact(texts[0]), *b = redact(texts[1]), *c = redact(texts[2]),
         *d = redact_text(texts[0], strlen(texts[0]), other_key, false);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_string_not_equal(a, d);
    free(a), free(b), free(c), free(d);
}

static void test_what_is_no_json(void **state)
{
    (void)state;
    assert_null(redact("{\"send\": "));
    assert_null(redact_text("", 0, key, true));
    char *text = redact_text("{\"a\":1}", 7, key, true);
    assert_string_equal(text, "{\n  \"a\": 1\n}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_secrets_go_and_names_stay),
                                       cmocka_unit_test(test_what_operators_chose_is_a_name),
                                       cmocka_unit_test(test_edits_of_the_journal),
                                       cmocka_unit_test(test_a_query_is_a_secret),
                                       cmocka_unit_test(test_the_digest_is_keyed),
                                       cmocka_unit_test(test_what_is_no_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
