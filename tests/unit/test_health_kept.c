/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health that is written down while it goes on: whatever comes in between, what is read is as good
 * as the machine that was written, and goes on alike. */
#include "config.h"

#include "health_random.h"

#include "base/buffer.h"
#include "health/record.h"

static struct health *read_all(const struct buffer *stream, int64_t wall_ms)
{
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next((const uint8_t *)stream->bytes, stream->len, &at, &record) == 0) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    struct health *health = health_reader_finish(reader, &(struct health_reading){.wall_ms = wall_ms});
    assert_non_null(health);
    health_reader_free(reader);
    return health;
}

/* All of a machine, in steps, while it goes on; then what changes, to the end or not. */
static void write_in_steps(struct scene *s, struct health *from, struct buffer *to)
{
    struct health_sizes sizes = health_get_sizes(from);
    struct health_writer *writer = health_writer_new(&sizes);
    let_happen(s, from, 8);
    health_writer_begin(writer, from);
    while (health_writer_step(writer, 1 + roll(s, 12), to)) {
        let_happen(s, from, 8);
    }
    for (uint64_t n = roll(s, 6); n > 0; n--) {
        let_happen(s, from, 40);
        (void)health_writer_catch_up(writer, roll(s, 10), to);
        (void)health_writer_add_ages(writer, s->now_ms, to);
    }
    while (health_writer_catch_up(writer, 1 + roll(s, 10), to) != 0) {
    }
    while (health_writer_add_ages(writer, s->now_ms, to)) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
}

/* A report of load that moved no weight under the plan it came under may be missing for a quarter of its
 * time: what another plan makes of it is not compared then. Returns the bits of the word that are. */
static uint32_t compare_loads(const struct health_load_status *x, const struct health_load_status *y)
{
    assert_int_equal(x->source, y->source);
    if (x->source == HEALTH_LOAD_NONE) {
        return UINT32_MAX;
    }
    assert_in_range(x->reported_ms - y->reported_ms, 0, (x->until_ms - x->reported_ms) / 4);
    return x->value == y->value ? UINT32_MAX : ~(uint32_t)HEALTH_WORD_SHED;
}

/* Whatever may decide something. Times of results that say what the one before said are a second off. */
static void expect_as_good(const struct health *a, const struct health *b)
{
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < health_count(a, kind); i++) {
            struct health_status x, y;
            (void)(health_get_status(a, kind, i, &x) + health_get_status(b, kind, i, &y));
            uint32_t bits = kind == HEALTH_ENDPOINT ? compare_loads(&x.load, &y.load) : UINT32_MAX;
            assert_int_equal(word(a, kind, i) & bits, word(b, kind, i) & bits);
            assert_true(x.since_ms == y.since_ms);
            const struct health_outage *one = outage(a, kind, i, HEALTH_ANY),
                                       *other = outage(b, kind, i, HEALTH_ANY);
            assert_true(one->left_ms == other->left_ms && one->back_ms == other->back_ms);
        }
    }
    for (uint32_t i = 0; i < health_monitor_count(a); i++) {
        struct health_monitor_status x = {.endpoint = 0}, y = {.endpoint = 0};
        (void)(health_get_monitor(a, i, &x) + health_get_monitor(b, i, &y));
        assert_true(x.verdict == y.verdict && x.outcome == y.outcome && x.idle == y.idle &&
                    x.inherited == y.inherited && x.held == y.held);
        assert_in_range(x.checked_ms - y.checked_ms, 0, 2000);
    }
}

static void run_records(struct scene *s)
{
    struct health *from = make_old(s);
    struct buffer stream;
    buffer_init(&stream);
    write_in_steps(s, from, &stream);
    struct health *read = read_all(&stream, s->now_ms);
    struct random before = s->random;
    struct health *to = make(s), *expected;
    s->random = before; /* the same plan once more */
    expected = make(s);
    health_carry(to, read, s->now_ms);
    health_carry(expected, from, s->now_ms);
    expect_as_good(expected, to);
    for (int i = 0; i < 100 && s->has_no_loads; i++) { /* and they go on alike */
        struct random here = s->random;
        int64_t now_ms = s->now_ms;
        let_something_happen(s, to);
        s->random = here;
        s->now_ms = now_ms;
        let_something_happen(s, expected);
        expect_as_good(expected, to);
    }
    buffer_fini(&stream);
    health_free(from);
    health_free(read);
    health_free(to);
    health_free(expected);
}

static void records_are_as_good_as_the_machine(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct scene scene = {.arena = arena_new(0),
                              .now_ms = 1000000,
                              .has_no_overrides = true,
                              .has_no_loads = seed % 2 == 0};
        random_init(&scene.random, seed);
        run_records(&scene);
        arena_free(scene.arena);
    }
}

/* Both go on; then what the other one has found out counts, where it looks at the same. */
static void run_adoption(struct scene *s)
{
    struct health *from = make_old(s);
    struct random before = s->random;
    struct health *to = make(s), *expected;
    s->random = before; /* the same plan once more */
    expected = make(s);
    health_carry(to, from, s->now_ms);
    let_happen(s, to, 40);
    let_happen(s, from, 40);
    health_adopt(to, from, s->now_ms);
    health_carry(expected, from, s->now_ms);
    for (uint32_t i = 0; i < health_monitor_count(to); i++) {
        struct health_monitor_status x = {.endpoint = 0}, y = {.endpoint = 0};
        (void)(health_get_monitor(to, i, &x) + health_get_monitor(expected, i, &y));
        bool is_new = y.checked_ms == 0;
        assert_true(is_new || x.idle != y.idle || (x.verdict == y.verdict && x.outcome == y.outcome));
        s->adopted += !is_new && y.verdict != HEALTH_OBSERVED_UNKNOWN;
    }
    health_free(from);
    health_free(to);
    health_free(expected);
}

static void what_another_one_has_found_out_counts(void **state)
{
    uint64_t adopted = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct scene scene = {.arena = arena_new(0), .now_ms = 1000000, .has_no_overrides = true};
        random_init(&scene.random, seed);
        run_adoption(&scene);
        adopted += scene.adopted;
        arena_free(scene.arena);
    }
    assert_true(adopted > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_as_good_as_the_machine),
        cmocka_unit_test(what_another_one_has_found_out_counts),
    };
    return cmocka_run_group_tests_name("health_kept", tests, NULL, NULL);
}
