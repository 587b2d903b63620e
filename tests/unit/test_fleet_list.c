/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the lists of vantages: what each of them gets, by its name; whether it is the same; and addresses
 * that change, at any moment of sending. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "fleet/list.h"

#include <stdio.h>
#include <string.h>

static const struct addr first = {ADDR_V4, {192, 0, 2, 1}}, second = {ADDR_V4, {192, 0, 2, 2}};

struct plan {
    uint64_t generation;
    const char *definition;
    size_t count;
    const char *eu; /* who gets every third target; NULL: all */
    const struct addr *host;
};

/* Every other target is in turn. */
static struct fleet_list *make(const struct plan *plan)
{
    struct fleet_list *list = fleet_list_new(plan->generation);
    (void)fleet_list_add_check(list, &(struct fleet_check){.definition = "{\"type\":\"push\"}"});
    uint32_t check = fleet_list_add_check(list, &(struct fleet_check){.definition = plan->definition});
    for (size_t i = 0; i < plan->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "web-%zu", i);
        bool in_turn = i % 2 == 1;
        fleet_list_add_target(list,
                              &(struct fleet_target){.identity = 1000 + i,
                                                     .check = check,
                                                     .name = name,
                                                     .in_turn = in_turn,
                                                     .addresses = in_turn ? plan->host : &first,
                                                     .address_count = 1},
                              plan->eu == NULL || i % 3 != 0 ? fleet_list_add_scope(list, NULL, 0)
                                                             : fleet_list_add_scope(list, &plan->eu, 1));
    }
    return list;
}

/* What was heard on the other side. */
struct heard {
    struct arena *arena;
    uint64_t generation;
    size_t checks, targets, aims;
    uint64_t identities[2000];
    struct addr addresses[2000];
    bool has_ended;
};

static void hear(struct heard *heard, const struct buffer *line)
{
    struct fleet_message message;
    char why[FLEET_WHY_SIZE];
    assert_int_equal(fleet_read(line->bytes, line->len - 1, heard->arena, &message, why), 0);
    switch (message.kind) {
    case FLEET_LIST: heard->generation = message.list.generation; break;
    case FLEET_CHECK: assert_int_equal(message.check.index, heard->checks++); break;
    case FLEET_TARGETS:
        for (size_t i = 0; i < message.targets.count; i++) {
            const struct fleet_target *target = &message.targets.items[i];
            assert_true(target->check < heard->checks);
            heard->identities[heard->targets] = target->identity;
            heard->addresses[heard->targets++] = target->addresses[0];
        }
        break;
    case FLEET_AIM:
        heard->aims += message.aim.count;
        for (size_t i = 0; i < message.aim.count; i++) {
            heard->addresses[message.aim.items[i].index] = message.aim.items[i].addresses[0];
        }
        break;
    case FLEET_LISTED: heard->has_ended = true; break;
    default: fail_msg("%s", line->bytes);
    }
}

static void step(struct fleet_share *share, struct heard *heard, size_t lines)
{
    struct buffer line;
    buffer_init(&line);
    for (size_t i = 0; i < lines; i++) {
        line.len = 0;
        if (!fleet_share_next(share, &line) && !fleet_share_next_aim(share, &line)) {
            break;
        }
        hear(heard, &line);
    }
    buffer_fini(&line);
}

static void each_gets_what_is_for_it(void **state)
{
    (void)state;
    static struct heard us, eu;
    us = eu = (struct heard){.arena = arena_new(0)};
    struct fleet_list *list = make(&(struct plan){7, "{\"type\":\"tcp\"}", 1200, "eu-*", &first});
    struct fleet_share *a = fleet_share_new(list, "us-1"), *b = fleet_share_new(list, "eu-1");
    step(a, &us, SIZE_MAX);
    step(b, &eu, SIZE_MAX);
    assert_true(us.has_ended && eu.has_ended && us.generation == 7);
    assert_int_equal(eu.targets, 1200);
    assert_int_equal(us.targets, 800);
    assert_true(us.checks == 1 && eu.checks == 1); /* nobody has a target of the other check */
    for (uint32_t i = 0; i < us.targets; i++) {
        uint32_t target, index;
        assert_true(fleet_share_find(a, i, &target));
        assert_int_equal(us.identities[i], fleet_list_identity(list, target));
        assert_true(fleet_share_find_identity(a, us.identities[i], &index) && index == i);
    }
    uint32_t none;
    assert_false(fleet_share_find(a, 800, &none));
    assert_false(fleet_share_find_identity(a, 1000, &none));
    fleet_share_free(a);
    fleet_share_free(b);
    fleet_list_drop(list);
    arena_free(us.arena);
}

static void what_is_the_same_has_the_same_mark(void **state)
{
    (void)state;
    const struct plan plans[] = {{1, "{\"type\":\"tcp\"}", 10, "eu-*", &first},
                                 {2, "{\"type\":\"tcp\"}", 10, "eu-*", &first},
                                 {3, "{\"type\":\"tcp\"}", 10, "eu-*", &second}, /* addresses in turn */
                                 {4, "{\"type\":\"tcp\"}", 10, "as-*", &first},
                                 {5, "{\"type\":\"tcp\",\"port\":1}", 10, "eu-*", &first},
                                 {6, "{\"type\":\"tcp\"}", 11, "eu-*", &first}};
    static const bool same_us[] = {true, true, true, true, false, false};
    static const bool same_eu[] = {true, true, true, false, false, false};
    uint64_t us = 0, eu = 0;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct fleet_list *list = make(&plans[i]);
        struct fleet_share *a = fleet_share_new(list, "us-1"), *b = fleet_share_new(list, "eu-1");
        us = i == 0 ? a->mark : us;
        eu = i == 0 ? b->mark : eu;
        assert_int_equal(a->mark == us, same_us[i]);
        assert_int_equal(b->mark == eu, same_eu[i]);
        fleet_share_free(a);
        fleet_share_free(b);
        fleet_list_drop(list);
    }
}

/* However far the list was sent when addresses change, in the end they are known. */
static void addresses_change_amid_the_list(void **state)
{
    (void)state;
    for (size_t lines = 0; lines < 8; lines++) {
        static struct heard heard;
        heard = (struct heard){.arena = arena_new(0)};
        struct fleet_list *list = make(&(struct plan){1, "{\"type\":\"tcp\"}", 1200, NULL, &first});
        struct fleet_share *share = fleet_share_new(list, "us-1");
        step(share, &heard, lines);
        const struct fleet_aim aims[] = {{0, false, &second, 1},
                                         {1, false, &second, 1},
                                         {1199, false, &second, 1},
                                         {5000, false, &second, 1}};
        fleet_list_aim(list, aims, 4);
        step(share, &heard, SIZE_MAX);
        assert_true(addr_equal(&heard.addresses[0], &first)); /* it is not in turn */
        assert_true(addr_equal(&heard.addresses[1], &second) && addr_equal(&heard.addresses[1199], &second));
        assert_true(addr_equal(&heard.addresses[3], &first));
        fleet_list_aim(list, &(struct fleet_aim){3, false, &second, 1}, 1);
        heard.aims = 0;
        step(share, &heard, SIZE_MAX);
        assert_true(addr_equal(&heard.addresses[3], &second));
        assert_int_equal(heard.aims, 1);
        fleet_share_free(share);
        fleet_list_drop(list);
        arena_free(heard.arena);
    }
}

/* After a `same` all addresses in turn are told: they are no part of what was compared. */
static void a_list_that_is_the_same_tells_addresses(void **state)
{
    (void)state;
    static struct heard heard;
    heard = (struct heard){.arena = arena_new(0)};
    struct fleet_list *list = make(&(struct plan){2, "{\"type\":\"tcp\"}", 600, NULL, &second});
    struct fleet_share *share = fleet_share_new(list, "us-1");
    fleet_share_skip(share);
    step(share, &heard, SIZE_MAX);
    assert_int_equal(heard.aims, 300);
    assert_true(addr_equal(&heard.addresses[1], &second) && addr_equal(&heard.addresses[599], &second));
    assert_int_equal(heard.targets, 0);
    fleet_share_free(share);
    fleet_list_drop(list);
    arena_free(heard.arena);
}

/* Who goes by an older list is told what is new of those that are in it, too. */
static void addresses_change_in_an_older_list(void **state)
{
    (void)state;
    static struct heard heard;
    heard = (struct heard){.arena = arena_new(0)};
    struct fleet_list *older = make(&(struct plan){1, "{\"type\":\"tcp\"}", 600, NULL, &first});
    struct fleet_list *list = make(&(struct plan){2, "{\"type\":\"tcp\"}", 700, NULL, &first});
    struct fleet_share *share = fleet_share_new(older, "us-1");
    step(share, &heard, SIZE_MAX);
    const struct fleet_aim aims[] = {{699, false, &second, 1}, /* it is not in the older one, in any order */
                                     {599, false, &second, 1},
                                     {5000, false, &second, 1},
                                     {2, false, &second, 1},
                                     {1, false, &second, 1}};
    fleet_list_aim_older(older, list, aims, 5);
    step(share, &heard, SIZE_MAX);
    assert_int_equal(heard.aims, 2);
    assert_true(addr_equal(&heard.addresses[1], &second) && addr_equal(&heard.addresses[599], &second));
    assert_true(addr_equal(&heard.addresses[2], &first)); /* it is not in turn */
    fleet_share_free(share);
    fleet_list_drop(older);
    fleet_list_drop(list);
    arena_free(heard.arena);
}

static void expect_room(const char *content, bool has_room)
{
    struct fleet_list *list = fleet_list_new(1);
    const struct fleet_file file = {"ca.pem", content};
    uint32_t check = fleet_list_add_check(
        list, &(struct fleet_check){.definition = "{}", .files = &file, .file_count = 1});
    fleet_list_add_target(
        list, &(struct fleet_target){.check = check, .name = "x", .addresses = &first, .address_count = 1},
        FLEET_EVERYBODY);
    struct fleet_share *share = fleet_share_new(list, "us-1");
    assert_int_equal(share->count, has_room);
    assert_int_equal(fleet_list_has_room(list, check), has_room);
    fleet_share_free(share);
    fleet_list_drop(list);
}

static void a_check_that_fits_into_no_line_is_for_nobody(void **state)
{
    (void)state;
    static char content[FLEET_LINE_MAX];
    memset(content, 'x', sizeof content - 1);
    expect_room(content, false);
    content[FLEET_FILE_MAX + 1] = '\0';
    expect_room(content, false);
    content[FLEET_FILE_MAX] = '\0';
    expect_room(content, true);
    memset(content, '\n', FLEET_LINE_MAX / 2);
    expect_room(content, false);
    memset(content, '\xff', FLEET_FILE_MAX / 2); /* three octets each, there */
    content[FLEET_FILE_MAX / 2] = '\0';
    expect_room(content, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_what_is_for_it),
        cmocka_unit_test(what_is_the_same_has_the_same_mark),
        cmocka_unit_test(addresses_change_amid_the_list),
        cmocka_unit_test(a_list_that_is_the_same_tells_addresses),
        cmocka_unit_test(addresses_change_in_an_older_list),
        cmocka_unit_test(a_check_that_fits_into_no_line_is_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
