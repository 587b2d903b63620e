/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of exec: what stands for what in arguments, and orders. What becomes of processes is for the
 * functional tests. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "exec/ask.h"
#include "exec/frame.h"

#include <errno.h>
#include <string.h>

static const struct exec_names all = {.address = "2001:db8::1",
                                      .family = "6",
                                      .port = "443",
                                      .endpoint = "web",
                                      .host = "%PORT%",
                                      .timeout = "2"};

static void expect_filled(const struct exec_names *names, const char *word, const char *expected)
{
    struct buffer out;
    buffer_init(&out);
    exec_fill(word, names, &out);
    buffer_add(&out, "", 1);
    assert_string_equal(out.bytes, expected);
    buffer_fini(&out);
}

static void names_are_filled_in_once(void **state)
{
    (void)state;
    expect_filled(&all, "", "");
    expect_filled(&all, "[%ADDRESS%]:%PORT%", "[2001:db8::1]:443");
    expect_filled(&all, "%HOST%", "%PORT%");
    expect_filled(&all, "%ENDPOINT%%FAMILY%%TIMEOUT%", "web62");
    expect_filled(&all, "%%ADDRESS%%", "%2001:db8::1%");
    expect_filled(&all, "100% %d %H%M %address% %ADDRESS", "100% %d %H%M %address% %ADDRESS");
    const struct exec_names some = {.port = "80"};
    expect_filled(&some, "%ADDRESS%:%PORT%", "%ADDRESS%:80");
}

static void strange_names_are_found(void **state)
{
    (void)state;
    size_t len;
    const char *word = "x%ADDRESS%%ADRESS%";
    assert_ptr_equal(exec_find_strange(word, &len), word + 10);
    assert_int_equal(len, 8);
    assert_null(exec_find_strange("%ADDRESS%%PORT% 50% %H%M% %x% %", &len));
    assert_true(exec_has_name("-p=%PORT%", "PORT"));
    assert_false(exec_has_name("-p=%PORTS%", "PORT"));
}

static void an_order_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct buffer order;
    struct exec_order read;
    buffer_init(&order);
    exec_begin_order(&order, 4096, 3, 1);
    buffer_add(&order, "/bin/true\0\0a b\0PATH=/bin", sizeof "/bin/true\0\0a b\0PATH=/bin");
    assert_int_equal(exec_parse_order(order.bytes, order.len, &read), 0);
    assert_int_equal(read.output_max, 4096);
    assert_string_equal(read.words[0], "/bin/true");
    assert_string_equal(read.words[1], "");
    assert_string_equal(read.words[2], "a b");
    assert_null(read.words[3]);
    assert_string_equal(read.variables[0], "PATH=/bin");
    assert_null(read.variables[1]);
    exec_free_order(&read);
    for (size_t len = 0; len < order.len; len++) {
        assert_int_equal(exec_parse_order(order.bytes, len, &read), -EBADMSG);
    }
    buffer_add(&order, "x", 1);
    assert_int_equal(exec_parse_order(order.bytes, order.len, &read), -EBADMSG);
    order.bytes[0] = EXEC_VERSION + 1;
    assert_int_equal(exec_parse_order(order.bytes, order.len, &read), -EPROTONOSUPPORT);
    buffer_fini(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_filled_in_once),
        cmocka_unit_test(strange_names_are_found),
        cmocka_unit_test(an_order_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
