/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "admin/prefer.h"
#include "tests/unit/unit.h"

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        bool is_async;
        int wait_s; /* -1: not given */
    } cases[] = {
        {"respond-async", true, -1},
        {"Respond-Async , wait=10", true, 10},
        {"wait=10,respond-async", true, 10},
        {" , ,respond-async;a=\"b,c\";d, wait=\"7\"", true, 7},
        {"respond-async;wait=3", true, -1},
        {"wait = 4", false, 4},
        {"wait=1, wait=2", false, 1},
        {"wait=0", false, 0},
        {"wait=61", false, PREFER_WAIT_MAX_S},
        {"wait=99999999999999999999999", false, PREFER_WAIT_MAX_S},
        {"wait", false, -1},
        {"wait=", false, -1},
        {"wait=\"\"", false, -1},
        {"wait=-1", false, -1},
        {"wait=1s, wait=2", false, 2},
        {"waits=1, xwait=2", false, -1},
        {"foo=\"respond-async, wait=3\"", false, -1},
        {"foo=\"a\\\", respond-async", false, -1},
        {"respond-async=no", false, -1},
        {"respond-asyncs, respond", false, -1},
        {"", false, -1},
        {",", false, -1},
        {";", false, -1},
        {"\"", false, -1},
        {"\"\\", false, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prefer prefer = {.is_async = false};
        prefer_add(cases[i].text, &prefer);
        if (prefer.is_async != cases[i].is_async || prefer.has_wait != (cases[i].wait_s >= 0) ||
            (prefer.has_wait && prefer.wait_s != (unsigned)cases[i].wait_s)) {
            fail_msg("%s: %d %d %u", cases[i].text, prefer.is_async, prefer.has_wait, prefer.wait_s);
        }
    }
}

static void test_several_headers(void **state)
{
    struct prefer prefer = {.is_async = false};
    (void)state;
    prefer_add("wait=5", &prefer);
    prefer_add("respond-async, wait=6", &prefer);
    assert_true(prefer.is_async);
    assert_int_equal(prefer.wait_s, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_several_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
