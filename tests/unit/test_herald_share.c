/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "herald/share.h"

#include <stdio.h>
#include <string.h>

enum { AT = 1000000, RUN = 7 };

static struct letter *make(uint64_t run, uint64_t seq, int64_t at_ms, const char *name, const char *state)
{
    char text[256];
    int len = snprintf(text, sizeof text,
                       "{\"seq\":%llu,\"kind\":\"health\",\"name\":\"%s\",\"body\":{\"observed\":\"%s\"}}",
                       (unsigned long long)seq, name, state);
    return letter_make(run, seq, at_ms, text, (size_t)len);
}

static void see(struct share *share, uint64_t run, int64_t at_ms, const char *name, const char *state)
{
    struct letter *letter = make(run, 1 + (uint64_t)at_ms % 1000, at_ms, name, state);
    share_take(share, letter);
    letter_release(letter);
}

/* Two servers, which number and time the same events otherwise. */
static int setup(void **state)
{
    static struct share both[2];
    for (size_t i = 0; i < 2; i++) {
        both[i] = (struct share){.run = RUN};
    }
    *state = both;
    return 0;
}

static int teardown(void **state)
{
    struct share *both = *state;
    share_fini(&both[0]);
    share_fini(&both[1]);
    return 0;
}

static struct buffer record(struct share *share, size_t batch, int64_t wall_ms)
{
    struct buffer text;
    buffer_init(&text);
    assert_true(share_record(share, batch, wall_ms, &text));
    return text;
}

static void what_is_recorded_is_held_nowhere_else(void **state)
{
    struct share *one = *state, *other = one + 1;
    see(one, 1, AT, "region:a", "unhealthy");
    see(one, 1, AT + 1, "az:b", "unhealthy");
    see(other, 2, AT + 40, "az:b", "unhealthy"); /* the region comes behind the record */
    struct buffer text = record(one, 10, AT + 100);
    assert_int_equal(one->held.count, 0);
    assert_int_equal(share_hear(one, text.bytes), 0); /* its own, by the watch */
    assert_int_equal(one->open.count, 2);
    assert_int_equal(share_hear(other, text.bytes), 0);
    assert_int_equal(other->held.count, 0);
    see(other, 2, AT + 300, "region:a", "unhealthy");
    assert_int_equal(other->held.count, 0);
    see(other, 2, AT + 400, "region:a", "unhealthy"); /* once more is news */
    assert_int_equal(other->held.count, 1);
    buffer_fini(&text);
}

static void who_comes_next_sends_the_same(void **state)
{
    struct share *one = *state, *other = one + 1;
    see(one, 1, AT, "region:a", "unhealthy");
    see(other, 2, AT + 5, "region:a", "unhealthy");
    struct buffer text = record(one, 10, AT + 100), over;
    assert_int_equal(share_hear(other, text.bytes), 0);
    assert_int_equal(other->open.count, 1);
    assert_true(other->open.items[0]->run == one->open.items[0]->run &&
                other->open.items[0]->seq == one->open.items[0]->seq);
    assert_string_equal(other->open.items[0]->text, one->open.items[0]->text);
    buffer_init(&over);
    share_end(other, &over);
    assert_int_equal(share_hear(one, over.bytes), 0);
    assert_int_equal(one->open.count, 0);
    buffer_fini(&text);
    buffer_fini(&over);
}

static void numbers_go_on_and_never_come_again(void **state)
{
    struct share *one = *state, *other = one + 1;
    struct buffer over;
    uint64_t last = 0;
    for (int i = 0; i < 5; i++) { /* faster than the clock */
        see(one, 1, AT + i, "region:a", i % 2 == 0 ? "unhealthy" : "healthy");
        see(one, 1, AT + i, "region:b", i % 2 == 0 ? "unhealthy" : "healthy");
        struct buffer text = record(one, 10, AT);
        assert_true(one->open.items[0]->seq > last && one->last == one->open.items[0]->seq + 1);
        last = one->last;
        assert_int_equal(share_hear(other, text.bytes), 0);
        assert_int_equal(other->last, last);
        buffer_init(&over);
        share_end(one, &over);
        assert_int_equal(share_hear(other, over.bytes), 0);
        assert_int_equal(share_hear(other, text.bytes), 0); /* late: heard before */
        assert_int_equal(other->open.count, 0);
        buffer_fini(&text);
        buffer_fini(&over);
    }
}

static void what_was_not_written_is_held_again(void **state)
{
    struct share *one = *state, *other = one + 1;
    see(one, 1, AT, "region:a", "unhealthy");
    see(one, 1, AT + 1, "region:b", "unhealthy");
    struct buffer mine = record(one, 1, AT + 100), theirs;
    assert_int_equal(one->held.count, 1);
    share_undo(one);
    assert_int_equal(one->held.count, 2);
    assert_int_equal(one->last, 0);
    buffer_fini(&mine);
    mine = record(one, 1, AT + 100); /* and now somebody else has come in between */
    see(other, 2, AT + 5, "region:a", "unhealthy");
    theirs = record(other, 10, AT + 50);
    assert_int_equal(share_hear(one, theirs.bytes), 0);
    assert_int_equal(one->open.count, 1);
    assert_int_equal(one->held.count, 1);
    assert_non_null(strstr(one->held.items[0]->text, "region:b"));
    buffer_fini(&mine);
    buffer_fini(&theirs);
}

static void what_nobody_else_sees_is_told_in_the_end(void **state)
{
    enum { LATER_MS = 61000 };
    struct share *one = *state, *other = one + 1;
    struct letters alone = {.items = NULL};
    see(one, 1, AT, "endpoint:x", "unhealthy");
    share_find_alone(one, &alone);
    assert_int_equal(alone.count, 0);
    see(other, 2, AT + LATER_MS, "region:a", "unhealthy");
    struct buffer text = record(other, 10, AT + LATER_MS);
    assert_int_equal(share_hear(one, text.bytes), 0);
    share_find_alone(one, &alone);
    assert_int_equal(alone.count, 1);
    assert_int_equal(alone.items[0]->run, 1);
    letters_fini(&alone);
    buffer_fini(&text);
}

static void rubbish_is_none(void **state)
{
    static const char *const texts[] = {"", "{}", "[]", "{\"first\":1,\"last\":2,\"is\":\"open\"}",
                                        "{\"first\":\"1\",\"last\":2,\"is\":\"open\",\"events\":[]}"};
    struct share *one = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_not_equal(share_hear(one, texts[i]), 0);
    }
    assert_int_equal(
        share_hear(one,
                   "{\"first\":1,\"last\":2,\"is\":\"open\",\"events\":[7,{\"text\":1},{\"key\":\"x\"}]}"),
        0);
    assert_int_equal(one->open.count, 0);
    static const char own[] = "{\"seq\":1,\"kind\":\"node\",\"name\":\"node:ns2\",\"body\":{}}";
    assert_false(share_concerns(own, sizeof own - 1));
    assert_false(share_concerns("x", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_recorded_is_held_nowhere_else, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_next_sends_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_go_on_and_never_come_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_written_is_held_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_else_sees_is_told_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(rubbish_is_none, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
