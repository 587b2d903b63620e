/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the serials that zones are served with: arithmetic (RFC 1982), policies, and a life of changes,
 * reloads and restarts in virtual time during which no serial ever goes back. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/serial.h"
#include "transfer/keeper.h"

#include <string.h>

static const uint8_t apex[] = "\7example\3com", other[] = "\7example\3net";

static void numbers_go_round(void **state)
{
    (void)state;
    assert_true(serial_is_newer(1, 0));
    assert_true(serial_is_newer(0, UINT32_MAX));
    assert_true(serial_is_newer(0x7fffffff, 0));
    assert_false(serial_is_newer(0, 0));
    assert_false(serial_is_newer(0x80000000, 0)); /* half the circle: neither */
    assert_false(serial_is_newer(0, 0x80000000));
    assert_false(serial_is_newer(0x80000001, 0));
    assert_int_equal(serial_next(5, 5, 5), 6);
    assert_int_equal(serial_next(5, 9, 7), 9);
    assert_int_equal(serial_next(5, 7, 9), 9);
    assert_int_equal(serial_next(5, 3, 0), 6);
    assert_int_equal(serial_next(UINT32_MAX, 0, UINT32_MAX), 0);
    assert_int_equal(serial_next(UINT32_MAX, 7, 3), 7);
    /* a wanted number more than half the circle ahead is behind */
    assert_int_equal(serial_next(10, 0x90000000, 11), 11);
    /* the third may be newer than the second and yet not newer than the last */
    assert_int_equal(serial_next(0, 0x7ffffff0, 0xa0000000), 0x7ffffff0);
}

static struct keeper_decision decide(struct keeper *keeper, enum conf_serial policy, uint32_t file,
                                     uint64_t content, uint32_t now_s)
{
    return keeper_decide(keeper, apex,
                         &(struct keeper_content){
                             .policy = policy, .file_serial = file, .fingerprint = content, .now_s = now_s});
}

static void file_serials_are_kept_as_they_are(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new();
    struct keeper_decision d = decide(keeper, CONF_SERIAL_FILE, 7, 100, 1000);
    assert_int_equal(d.serial, 7);
    assert_true(d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 7, 100, 1001);
    assert_true(d.serial == 7 && !d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 7, 101, 1002);
    assert_true(d.serial == 7 && !d.is_news && d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 8, 102, 1003);
    assert_true(d.serial == 8 && d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 6, 103, 1004);
    assert_true(d.serial == 6 && d.is_news && !d.is_silent && d.is_older);
    struct buffer text;
    buffer_init(&text);
    keeper_write(keeper, &text);
    assert_null(strstr(text.bytes, "example")); /* nothing to be remembered */
    buffer_fini(&text);
    keeper_free(keeper);
}

static void automatic_serials_rise_with_changes_only(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new();
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 100, 1000).serial, 1000);
    struct keeper_decision d = decide(keeper, CONF_SERIAL_AUTO, 7, 100, 2000);
    assert_true(d.serial == 1000 && !d.is_news);
    d = decide(keeper, CONF_SERIAL_AUTO, 7, 101, 2000);
    assert_true(d.serial == 2000 && d.is_news && !d.is_older);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 102, 2000).serial, 2001); /* twice in a second */
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 103, 1990).serial, 2002); /* the clock went back */
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 2026112101, 104, 3000).serial, 2026112101);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 2026112101, 105, 3001).serial, 2026112102);
    keeper_free(keeper);
}

static void unixtime_serials_ignore_the_file(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new();
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112101, 100, 1000).serial, 1000);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112102, 101, 1005).serial, 1005);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112103, 102, 1005).serial, 1006);
    keeper_free(keeper);
}

static struct keeper *restart(struct keeper *keeper)
{
    struct buffer text;
    buffer_init(&text);
    keeper_write(keeper, &text);
    keeper_free(keeper);
    keeper = keeper_new();
    assert_int_equal(keeper_parse(keeper, text.bytes, text.len), 0);
    buffer_fini(&text);
    return keeper;
}

static void restarts_are_remembered(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new();
    (void)decide(keeper, CONF_SERIAL_AUTO, 7, 100, 1000);
    (void)decide(keeper, CONF_SERIAL_AUTO, 7, 0xfedcba9876543210, 1000);
    (void)keeper_decide(keeper, other, &(struct keeper_content){CONF_SERIAL_UNIXTIME, 1, 2, 3});
    keeper = restart(keeper);
    struct keeper_decision d = decide(keeper, CONF_SERIAL_AUTO, 7, 0xfedcba9876543210, 5000);
    assert_int_equal(d.serial, 1001);
    assert_true(d.is_news); /* who copied it may have missed the last word */
    keeper = restart(restart(keeper));
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 101, 900).serial, 1002);
    assert_int_equal(
        keeper_decide(keeper, other, &(struct keeper_content){CONF_SERIAL_UNIXTIME, 1, 2, 9}).serial, 3);
    keeper_free(keeper);
}

static void broken_lines_are_left_out(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n"
                               "example.com. 12 00000000000000aa\n"
                               "example.com.\n"
                               "example.net. x 1\n"
                               "example.net. 4294967296 1\n"
                               "example.net. 5 1 2\n"
                               "example.net. -5 1\n"
                               "example..net. 5 1\n"
                               "\n"
                               "example.net. 55 1"; /* cut: it may have been 5512 */
    struct keeper *keeper = keeper_new();
    assert_int_equal(keeper_parse(keeper, text, sizeof text - 1), 8);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 0xaa, 1).serial, 12);
    assert_int_equal(keeper_decide(keeper, other, &(struct keeper_content){CONF_SERIAL_AUTO, 7, 1, 1}).serial,
                     7);
    keeper_free(keeper);
}

/* Ten years of random changes, quick and slow, of reloads with a new serial in the file, of restarts, and of
 * a clock that is now and then set back: each serial that was served is newer than the one before it. */
static void serials_never_go_back(void **state)
{
    (void)state;
    struct clock clock;
    struct random random;
    uint32_t file = 2026112100, last = 0;
    uint64_t content = 1;
    random_init(&random, 42);
    clock_init_virtual(&clock, 0, INT64_C(1795000000000));
    struct keeper *keeper = keeper_new();
    for (int i = 0; i < 100000; i++) {
        clock_advance(&clock, (int64_t)random_below(&random, 6000000));
        int64_t back_ms = random_below(&random, 50) == 0 ? 86400000 : 0;
        bool changed = random_below(&random, 3) != 0;
        if (random_below(&random, 100) == 0) {
            file += (uint32_t)random_below(&random, 200);
            changed = true;
        }
        if (random_below(&random, 1000) == 0) {
            keeper = restart(keeper);
        }
        content += changed;
        uint32_t now_s = (uint32_t)((clock_wall_ms(&clock) - back_ms) / 1000);
        uint32_t serial = decide(keeper, CONF_SERIAL_AUTO, file, content, now_s).serial;
        assert_true(i == 0 || (changed ? serial_is_newer(serial, last) : serial == last));
        last = serial;
    }
    keeper_free(keeper);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_round),
        cmocka_unit_test(file_serials_are_kept_as_they_are),
        cmocka_unit_test(automatic_serials_rise_with_changes_only),
        cmocka_unit_test(unixtime_serials_ignore_the_file),
        cmocka_unit_test(restarts_are_remembered),
        cmocka_unit_test(broken_lines_are_left_out),
        cmocka_unit_test(serials_never_go_back),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
