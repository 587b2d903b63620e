/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "admin/receipts.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_name(unsigned number, char name[RECEIPTS_NAME_SIZE])
{
    snprintf(name, RECEIPTS_NAME_SIZE, "%064x", number);
}

static struct receipt *add(struct receipts *receipts, unsigned number, int64_t wall_ms)
{
    char name[RECEIPTS_NAME_SIZE];
    write_name(number, name);
    return receipts_add(receipts, name, name, wall_ms);
}

static void end(struct receipts *receipts, struct receipt *receipt, size_t len)
{
    char *body = memory_alloc(len + 1);
    memset(body, 'x', len);
    receipts_end(receipts, receipt, 200, "application/json", body, len);
}

static void keys_are_strings(void **state)
{
    char key[RECEIPTS_KEY_MAX + 1], text[RECEIPTS_KEY_MAX + 4];
    (void)state;
    assert_int_equal(receipts_parse_key(" \"a b\\\"\\\\\" ", key), 0);
    assert_string_equal(key, "a b\"\\");
    static const char *const bad[] = {"",        "\"",   "\"\"",   "a",        "\"a",    "\"a\"b",
                                      "\"\\a\"", "\"\\", "\"\t\"", "\"\x80\"", "\"a\";b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(receipts_parse_key(bad[i], key), ERROR_SYNTAX);
    }
    memset(text, 'k', sizeof text);
    text[0] = text[RECEIPTS_KEY_MAX + 1] = '"';
    text[RECEIPTS_KEY_MAX + 2] = '\0';
    assert_int_equal(receipts_parse_key(text, key), 0);
    text[RECEIPTS_KEY_MAX + 1] = 'k';
    text[RECEIPTS_KEY_MAX + 2] = '"';
    text[RECEIPTS_KEY_MAX + 3] = '\0';
    assert_int_equal(receipts_parse_key(text, key), ERROR_TOO_LARGE);
}

static void the_oldest_goes(void **state)
{
    struct receipts receipts = {.first = NULL};
    (void)state;
    struct receipt *under_way = add(&receipts, 0, 500);
    for (unsigned i = 1; i < RECEIPTS_MAX; i++) {
        end(&receipts, add(&receipts, i, 1000 + i), 10);
    }
    assert_null(receipts_find_surplus(&receipts, 5000));
    end(&receipts, add(&receipts, RECEIPTS_MAX, 4000), 10);
    struct receipt *surplus = receipts_find_surplus(&receipts, 5000);
    assert_true(surplus != under_way && surplus->made_ms == 1001);
    receipts_remove(&receipts, surplus);
    assert_null(receipts_find_surplus(&receipts, 5000));
    assert_int_equal(receipts_find_surplus(&receipts, 1002 + RECEIPTS_KEPT_MS)->made_ms, 1002);
    assert_int_equal(receipts.octets, 10 * (RECEIPTS_MAX - 1));
    receipts_fini(&receipts);
    assert_int_equal(receipts.octets, 0);
}

static void so_much_is_kept(void **state)
{
    struct receipts receipts = {.first = NULL};
    (void)state;
    for (unsigned i = 0; i < RECEIPTS_OCTETS_MAX / RECEIPTS_BODY_MAX; i++) {
        end(&receipts, add(&receipts, i, i), RECEIPTS_BODY_MAX);
    }
    assert_null(receipts_find_surplus(&receipts, 1));
    end(&receipts, add(&receipts, 1000, 1000), 1);
    assert_int_equal(receipts_find_surplus(&receipts, 1)->made_ms, 0);
    receipts_fini(&receipts);
}

static void they_are_written_and_read(void **state)
{
    struct receipts receipts = {.first = NULL}, others = {.first = NULL};
    (void)state;
    struct receipt *one = add(&receipts, 1, 1234);
    char *mark = receipts_write(one);
    assert_int_equal(receipts_read(&others, one->name, mark), 0);
    assert_true(others.first->body == NULL && !others.first->is_under_way && others.first->made_ms == 1234);
    receipts_fini(&others);
    receipts_end(&receipts, one, 201, "application/json", memory_copy_text("{\"a\": \"\\u00e9\"}\n"), 16);
    char *whole = receipts_write(one);
    assert_int_equal(receipts_read(&others, one->name, whole), 0);
    assert_int_equal(receipts_read(&others, one->name, mark), 0); /* what is known stays */
    const struct receipt *read = receipts_find(&others, one->name);
    assert_true(read->status == 201 && read->body_len == 16 && others.count == 1);
    assert_string_equal(read->body, one->body);
    assert_string_equal(read->content, one->content);
    static const char *const bad[] = {"", "{}", "[]", "{\"content\":\"x\",\"made_ms\":1}",
                                      "{\"content\":1,\"made_ms\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(receipts_read(&others, one->name, bad[i]), ERROR_SYNTAX);
    }
    assert_int_equal(receipts_read(&others, "nonsense", mark), ERROR_SYNTAX);
    free(mark);
    free(whole);
    receipts_fini(&receipts);
    receipts_fini(&others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_strings), cmocka_unit_test(the_oldest_goes),
                                       cmocka_unit_test(so_much_is_kept),
                                       cmocka_unit_test(they_are_written_and_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
