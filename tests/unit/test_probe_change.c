/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A list that changes, from a server to a vantage: whatever has come, gone, moved or become another one, and
 * however far addresses were told, the vantage has in the end what it would have of the whole list; and was
 * told of what differs only. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "fleet/list.h"
#include "steerprobe/assignment.h"

#include <stdio.h>

enum { POOL = 40, CHECKS = 5, STEPS = 400 };

/* What there may be to check. */
struct subject {
    bool is_listed, is_for_others, in_turn, idle;
    uint32_t check, address, name;
};

struct scene {
    struct random random;
    struct subject subjects[POOL];
    uint32_t order[POOL];
    uint32_t ports[CHECKS];
    uint64_t generation;
};

static bool happens(struct scene *s, uint64_t one_in)
{
    return random_below(&s->random, one_in) == 0;
}

static struct addr make_addr(uint32_t number)
{
    return (struct addr){ADDR_V4, {192, 0, 2, (uint8_t)number}};
}

static struct fleet_list *make_list(struct scene *s)
{
    static const char *const others = "other-*";
    struct fleet_list *list = fleet_list_new(++s->generation);
    for (uint32_t i = 0; i < CHECKS; i++) {
        char definition[64];
        snprintf(definition, sizeof definition, "{\"type\":\"tcp\",\"port\":%u}", s->ports[i]);
        (void)fleet_list_add_check(list, &(struct fleet_check){.definition = definition});
    }
    for (size_t i = 0; i < POOL; i++) {
        const struct subject *subject = &s->subjects[s->order[i]];
        struct addr addr = make_addr(subject->address);
        char name[32];
        snprintf(name, sizeof name, "web-%u-%u", s->order[i], subject->name);
        if (subject->is_listed) {
            fleet_list_add_target(list,
                                  &(struct fleet_target){.identity = 1000 + s->order[i],
                                                         .check = subject->check,
                                                         .name = name,
                                                         .in_turn = subject->in_turn,
                                                         .idle = subject->idle,
                                                         .addresses = &addr,
                                                         .address_count = 1},
                                  fleet_list_add_scope(list, &others, subject->is_for_others));
        }
    }
    return list;
}

/* Some of it becomes another one. */
static void move_on(struct scene *s)
{
    for (uint32_t i = 0; i < POOL; i++) {
        struct subject *subject = &s->subjects[i];
        subject->is_listed ^= happens(s, 15);
        subject->is_for_others ^= happens(s, 30);
        subject->check = happens(s, 20) ? (uint32_t)random_below(&s->random, CHECKS) : subject->check;
        subject->address += happens(s, 20);
        subject->name += happens(s, 40);
        subject->idle ^= happens(s, 30);
    }
    s->ports[random_below(&s->random, CHECKS)] += happens(s, 6);
    for (uint32_t i = 0; i < POOL && happens(s, 4); i++) {
        uint32_t to = (uint32_t)random_below(&s->random, POOL), was = s->order[i];
        s->order[i] = s->order[to];
        s->order[to] = was;
    }
}

/* ---- the vantage ---- */

struct vantage {
    struct arena *arena;
    struct assignment *list, *coming;
    size_t told; /* targets, with all that there is to say */
};

static void take_list(struct vantage *v)
{
    char why[FLEET_WHY_SIZE] = "";
    if (!assignment_finish(v->coming, why)) {
        fail_msg("%s", why);
    }
    assignment_drop(v->list);
    v->list = v->coming;
    v->coming = NULL;
}

static void hear(struct vantage *v, const struct buffer *line)
{
    struct fleet_message m;
    char why[FLEET_WHY_SIZE] = "";
    bool good = fleet_read(line->bytes, line->len - 1, v->arena, &m, why) == 0;
    switch (m.kind) {
    case FLEET_LIST: v->coming = assignment_new(m.list.generation, m.list.count, 0); break;
    case FLEET_CHANGE:
        assert_int_equal(m.change.from, assignment_generation(v->list));
        v->coming = assignment_new(m.change.generation, m.change.count, 0);
        break;
    case FLEET_CHECK: good = good && assignment_add_check(v->coming, &m.check, why); break;
    case FLEET_KEEP:
        good = good && assignment_keep(v->coming, v->list, m.keep.items, m.keep.count, why);
        break;
    case FLEET_TARGETS:
        v->told += m.targets.count;
        good = good && assignment_add_targets(v->coming, m.targets.items, m.targets.count, why);
        break;
    case FLEET_AIM: good = good && assignment_aim(v->list, m.aim.items, m.aim.count, why); break;
    case FLEET_LISTED: take_list(v); break;
    default: good = false;
    }
    if (!good) {
        fail_msg("%s%s", line->bytes, why);
    }
}

/* All lines, and what addresses there are to tell behind it. */
static void play(struct vantage *v, struct fleet_share *share)
{
    struct buffer line;
    buffer_init(&line);
    while (fleet_share_next(share, &line) || fleet_share_next_aim(share, &line)) {
        hear(v, &line);
        line.len = 0;
    }
    buffer_fini(&line);
}

static void expect_same(const struct assignment *a, const struct assignment *b)
{
    struct arena *arena = arena_new(0);
    assert_int_equal(assignment_count(a), assignment_count(b));
    assert_int_equal(assignment_count_checks(a), assignment_count_checks(b));
    for (size_t i = 0; i < assignment_count(a); i++) {
        struct probe_target one = assignment_describe(a, i, arena), other = assignment_describe(b, i, arena);
        assert_int_equal(one.identity, other.identity);
        assert_string_equal(assignment_name(a, i), assignment_name(b, i));
        assert_int_equal(one.at.port, other.at.port);
        assert_true(one.in_turn == other.in_turn && one.idle == other.idle);
        assert_int_equal(one.address_count, other.address_count);
        assert_true(one.in_turn ? addr_equal(&one.addresses[0], &other.addresses[0])
                                : addr_equal(&one.at.addr, &other.at.addr));
        assert_int_equal(assignment_find(a, one.identity), i);
    }
    arena_free(arena);
}

/* Of a host name; the list knows it, and maybe the vantage does not yet. */
static void aim_some(struct scene *s, struct fleet_list *list, struct vantage *v, struct fleet_share *share)
{
    uint32_t index = 0;
    for (size_t i = 0; i < POOL; i++) {
        struct subject *subject = &s->subjects[s->order[i]];
        if (!subject->is_listed) {
            continue;
        }
        if (subject->in_turn && happens(s, 8)) {
            struct addr addr = make_addr(++subject->address);
            fleet_list_aim(list,
                           &(struct fleet_aim){
                               .index = index, .idle = subject->idle, .addresses = &addr, .address_count = 1},
                           1);
        }
        index++;
    }
    if (happens(s, 2)) {
        play(v, share);
    }
}

static void set_up(struct scene *s, uint64_t seed)
{
    *s = (struct scene){.generation = 6};
    random_init(&s->random, seed);
    for (uint32_t i = 0; i < POOL; i++) {
        s->order[i] = i;
        s->subjects[i] = (struct subject){.is_listed = happens(s, 2),
                                          .in_turn = happens(s, 3),
                                          .check = (uint32_t)random_below(&s->random, CHECKS),
                                          .address = 1};
    }
    for (uint32_t i = 0; i < CHECKS; i++) {
        s->ports[i] = 1 + i;
    }
}

static void a_change_leads_to_what_the_whole_would(void **state)
{
    (void)state;
    struct scene s;
    struct vantage v = {.arena = arena_new(0)};
    set_up(&s, 1);
    struct fleet_list *list = make_list(&s);
    struct fleet_share *share = fleet_share_new(list, "fra-1");
    play(&v, share);
    for (int step = 0; step < STEPS; step++) {
        aim_some(&s, list, &v, share);
        move_on(&s);
        struct fleet_list *next = make_list(&s);
        struct fleet_share *change = fleet_share_new(next, "fra-1"), *whole = fleet_share_new(next, "fra-1");
        fleet_share_change(change, share);
        fleet_list_drop(list);
        list = next;
        aim_some(&s, list, &v, share);
        fleet_share_free(share);
        play(&v, change);
        struct vantage other = {.arena = v.arena};
        play(&other, whole);
        expect_same(v.list, other.list);
        assignment_drop(other.list);
        fleet_share_free(whole);
        share = change;
    }
    fleet_share_free(share);
    fleet_list_drop(list);
    assignment_drop(v.list);
    arena_free(v.arena);
}

/* One that is new in front of all shifts all others, and its check shifts theirs. */
static void only_what_differs_is_told(void **state)
{
    (void)state;
    struct scene s;
    struct vantage v = {.arena = arena_new(0)};
    set_up(&s, 2);
    for (uint32_t i = 0; i < POOL; i++) {
        s.subjects[i] = (struct subject){.is_listed = i != 0, .in_turn = i % 3 == 0, .check = 1 + i % 4};
    }
    s.subjects[0].check = 0;
    struct fleet_list *lists[] = {make_list(&s), NULL, NULL};
    s.subjects[0].is_listed = true;
    lists[1] = make_list(&s);
    s.subjects[7].is_listed = false;
    s.subjects[3].address++;
    lists[2] = make_list(&s);
    struct fleet_share *shares[3];
    static const size_t told[] = {POOL - 1, 1, 1};
    for (int i = 0; i < 3; i++) {
        shares[i] = fleet_share_new(lists[i], "fra-1");
        if (i != 0) {
            fleet_share_change(shares[i], shares[i - 1]);
        }
        v.told = 0;
        play(&v, shares[i]);
        assert_int_equal(v.told, told[i]);
    }
    assert_int_equal(assignment_count(v.list), POOL - 1);
    for (int i = 0; i < 3; i++) {
        fleet_share_free(shares[i]);
        fleet_list_drop(lists[i]);
    }
    assignment_drop(v.list);
    arena_free(v.arena);
}

static void expect_refused(const struct assignment *from, struct fleet_range range, const char *expected)
{
    char why[FLEET_WHY_SIZE] = "";
    struct assignment *to = assignment_new(9, 3, 0);
    const struct fleet_check check = {.index = 0, .definition = "{\"type\":\"tcp\",\"port\":1}"};
    assert_true(assignment_add_check(to, &check, why));
    assert_false(assignment_keep(to, from, &range, 1, why));
    assert_string_equal(why, expected);
    assignment_drop(to);
}

static void ranges_of_what_is_not_there_are_refused(void **state)
{
    (void)state;
    char why[FLEET_WHY_SIZE] = "";
    struct assignment *from = assignment_new(7, 5, 0);
    const struct fleet_check check = {.index = 0, .definition = "{\"type\":\"tcp\",\"port\":1}"};
    const struct addr addr = make_addr(1);
    assert_true(assignment_add_check(from, &check, why));
    for (uint64_t i = 0; i < 5; i++) {
        const struct fleet_target target = {
            .identity = i, .name = "x", .addresses = &addr, .address_count = 1};
        assert_true(assignment_add_targets(from, &target, 1, why));
    }
    assert_true(assignment_finish(from, why));
    expect_refused(from, (struct fleet_range){6, 0, 0}, "found 0 targets from 6 on, of 5");
    expect_refused(from, (struct fleet_range){4, 2, 0}, "found 2 targets from 4 on, of 5");
    expect_refused(from, (struct fleet_range){UINT32_MAX, 1, 0}, "found 1 targets from 4294967295 on, of 5");
    expect_refused(from, (struct fleet_range){0, 4, 0}, "found more than the 3 that were announced");
    expect_refused(from, (struct fleet_range){0, 1, 1}, "\"x\" has a check 1 behind that of before, of 1");
    expect_refused(from, (struct fleet_range){0, 1, -1}, "\"x\" has a check -1 behind that of before, of 1");
    assignment_drop(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_leads_to_what_the_whole_would),
        cmocka_unit_test(only_what_differs_is_told),
        cmocka_unit_test(ranges_of_what_is_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
