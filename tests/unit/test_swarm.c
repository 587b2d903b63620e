/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of how nodes come by blocks: nobody sends more than twice the whole, whoever dies, is deaf or comes
 * late, and each request is one that may be made. SWARM_SEEDS=500 SWARM_SEED=7 for more, from there on. */
#include "config.h"

#include "unit.h"

#include "swarm_world.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 1024, MANY_BLOCKS = 4096, PATIENCE_MS = 1000000, SEEDS = 20 };

static void run(struct world *world)
{
    while (!world_is_done(world)) {
        world_tick(world);
        assert_in_range(world->now_ms, 0, PATIENCE_MS);
    }
}

static void tell_result(const char *what, const struct world *world)
{
    if (getenv("SWARM_LOUD") != NULL) {
        uint64_t refused = 0;
        for (unsigned i = 0; i < world->plan.nodes; i++) {
            refused += world->nodes[i].refused;
        }
        print_message("%s: %u nodes, %u blocks, seed %llu: most %.3f, first %.3f, refused %llu, %lld ms\n",
                      what, world->plan.nodes, world->plan.blocks, (unsigned long long)world->plan.seed,
                      world_most_sent(world), (double)world->nodes[0].sent / world->plan.blocks,
                      (unsigned long long)refused, (long long)world->now_ms);
    }
}

/* ---- many nodes ---- */

static void twenty_nodes_get_it_and_none_sends_more_than_twice(void **state)
{
    (void)state;
    const unsigned sizes[] = {2, 3, 7, 31, 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct world *world = world_new(&(struct world_plan){.nodes = sizes[i],
                                                             .origins = 1,
                                                             .blocks = sizes[i] == 20 ? MANY_BLOCKS : BLOCKS,
                                                             .says_every_ms = 100,
                                                             .seed = i});
        run(world);
        tell_result("all", world);
        assert_true(world_most_sent(world) <= 2.0);
        world_free(world);
    }
}

/* It could give everything to everybody by itself. */
static void a_fast_one_does_not_do_it_all(void **state)
{
    (void)state;
    struct world *world = world_new(&(struct world_plan){
        .nodes = 20, .origins = 1, .blocks = BLOCKS, .says_every_ms = 100, .speed = 20, .seed = 9});
    run(world);
    tell_result("fast", world);
    assert_true(world_most_sent(world) <= 2.0);
    world_free(world);
}

static void a_few_blocks_are_no_exception(void **state)
{
    (void)state;
    for (uint32_t blocks = 1; blocks < 12; blocks += 5) {
        struct world *world = world_new(&(struct world_plan){
            .nodes = 20, .origins = 1, .blocks = blocks, .says_every_ms = 100, .seed = 3});
        run(world);
        tell_result("few", world);
        assert_true(world_most_sent(world) <= 2.0);
        world_free(world);
    }
}

static void nodes_that_die_are_done_without(void **state)
{
    (void)state;
    struct world *world = world_new(
        &(struct world_plan){.nodes = 20, .origins = 1, .blocks = BLOCKS, .says_every_ms = 100, .seed = 4});
    for (unsigned i = 0; i < 6; i++) {
        for (int k = 0; k < 500; k++) {
            world_tick(world);
        }
        world_kill(world, 3 + i);
    }
    run(world);
    tell_result("dying", world);
    for (unsigned i = 0; i < 6; i++) {
        world_start(world, 3 + i);
    }
    run(world);
    tell_result("back", world);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(world_has_all(world, i));
    }
    assert_true(world_most_sent(world) <= 2.0);
    world_free(world);
}

/* What it alone had is gone, or everybody has it among them. */
static void when_the_first_one_dies_late_the_others_have_it_all(void **state)
{
    (void)state;
    struct world *world = world_new(
        &(struct world_plan){.nodes = 20, .origins = 1, .blocks = BLOCKS, .says_every_ms = 100, .seed = 5});
    while (world->nodes[0].sent < BLOCKS * 3 / 2 && !world_is_done(world)) {
        world_tick(world);
    }
    for (unsigned i = 1; i < 20; i++) {
        assert_true(swarm_count_unknown(world->nodes[i].swarm) == 0);
    }
    world_kill(world, 0);
    run(world);
    tell_result("first dies", world);
    world_free(world);
}

static void who_is_silent_holds_nobody_up(void **state)
{
    (void)state;
    struct world *world = world_new(
        &(struct world_plan){.nodes = 20, .origins = 2, .blocks = BLOCKS, .says_every_ms = 100, .seed = 6});
    world->nodes[0].is_deaf = world->nodes[7].is_deaf = true;
    run(world);
    tell_result("deaf", world);
    assert_true(world_most_sent(world) <= 2.0);
    world_free(world);
}

static void who_comes_when_all_have_given_enough_gets_it_still(void **state)
{
    (void)state;
    struct world *world = world_new(
        &(struct world_plan){.nodes = 3, .origins = 1, .blocks = 512, .says_every_ms = 100, .seed = 7});
    run(world);
    for (unsigned i = 0; i < 4; i++) { /* each time anew */
        world_kill(world, 2);
        world_start(world, 2);
        run(world);
    }
    tell_result("again", world);
    world_free(world);
}

/* ---- one node ---- */

static void what_fewest_have_is_asked_for_first(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(100, 1);
    for (unsigned i = 0; i < 3; i++) {
        swarm_come(swarm, i);
        swarm_hear_has(swarm, i, 0, 100);
    }
    swarm_come(swarm, 3);
    swarm_hear_has(swarm, 3, 0, 40);
    for (int i = 0; i < 12; i++) {
        assert_true(swarm_next(swarm, 0, &ask));
        assert_true(ask.peer == 3 || ask.block >= 40);
        assert_false(ask.scarce);
    }
    swarm_free(swarm);
}

static void nobody_is_asked_for_more_than_it_is_to_be(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(1000, 1);
    unsigned asked = 0;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        swarm_come(swarm, i);
        swarm_hear_has(swarm, i, 0, 1000);
    }
    while (swarm_next(swarm, 0, &ask)) {
        asked++;
    }
    assert_int_equal(asked, SWARM_WAITS_MAX);
    swarm_free(swarm);
    swarm = swarm_new(1000, 1);
    swarm_come(swarm, 5);
    swarm_hear_has(swarm, 5, 990, 1000); /* beyond the end */
    for (asked = 0; swarm_next(swarm, 0, &ask); asked++) {
        assert_in_range(ask.block, 990, 999);
    }
    assert_int_equal(asked, SWARM_ASKED_MAX);
    swarm_free(swarm);
}

static void who_was_refused_by_all_says_so(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(1, 1);
    swarm_come(swarm, 0);
    swarm_come(swarm, 1);
    swarm_hear_has(swarm, 0, 0, 1);
    swarm_hear_has(swarm, 1, 0, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(swarm_next(swarm, 0, &ask));
        assert_false(ask.scarce);
        assert_false(swarm_next(swarm, 0, &ask));
        swarm_hear_none(swarm, ask.peer, 0, false, i * 10);
    }
    assert_false(swarm_next(swarm, 10, &ask)); /* others may have it soon */
    assert_int_equal(swarm_follow_time(swarm, 10), 10 + SWARM_SCARCE_MS);
    assert_true(swarm_next(swarm, 10 + SWARM_SCARCE_MS, &ask));
    assert_true(ask.scarce);
    swarm_hear_none(swarm, ask.peer, 0, true, 10 + SWARM_SCARCE_MS); /* it has it no more */
    unsigned gone = ask.peer;
    assert_true(swarm_next(swarm, 10 + SWARM_SCARCE_MS, &ask));
    assert_int_not_equal(ask.peer, gone);
    assert_true(ask.scarce);
    assert_true(swarm_hear_block(swarm, ask.peer, 0, 0));
    assert_false(swarm_hear_block(swarm, ask.peer, 0, 0));
    assert_int_equal(swarm_count_missing(swarm), 0);
    swarm_free(swarm);
}

static void who_gives_nothing_is_left_alone_for_a_while(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(32, 1);
    swarm_come(swarm, 0);
    swarm_hear_has(swarm, 0, 0, 32);
    while (swarm_next(swarm, 1000, &ask)) {
    }
    assert_int_equal(swarm_follow_time(swarm, 1000), 1000 + SWARM_SILENT_MS);
    swarm_come(swarm, 1);
    swarm_hear_has(swarm, 1, 0, 32);
    int64_t now_ms = swarm_follow_time(swarm, 1000);
    unsigned of[2] = {0, 0};
    uint32_t asked[64];
    size_t count = 0;
    while (swarm_next(swarm, 1000, &ask)) {
        of[ask.peer]++;
        asked[count++] = ask.block;
    }
    assert_int_equal(of[1], SWARM_ASKED_MAX);
    assert_int_equal(swarm_follow_time(swarm, now_ms), now_ms + SWARM_SILENT_MS);
    for (size_t i = 0; i < count; i++) { /* the other one gives what it was asked for, some of it twice */
        (void)swarm_hear_block(swarm, 1, asked[i], now_ms);
        while (swarm_next(swarm, now_ms, &ask)) {
            assert_int_equal(ask.peer, 1);
            asked[count++] = ask.block;
        }
    }
    assert_int_equal(swarm_count_missing(swarm), 0);
    swarm_free(swarm);
}

static void what_was_no_good_is_had_of_one_alone(void **state)
{
    (void)state;
    struct swarm_ask ask;
    unsigned of[3] = {0, 0, 0};
    struct swarm *swarm = swarm_new(20, 1);
    for (unsigned i = 0; i < 3; i++) {
        swarm_come(swarm, i);
        swarm_hear_has(swarm, i, 0, 20);
    }
    while (swarm_next(swarm, 0, &ask)) {
        assert_true(swarm_hear_block(swarm, ask.peer, ask.block, 0));
        of[ask.peer]++;
    }
    assert_true(of[0] != 0 && of[1] != 0 && of[2] != 0);
    for (unsigned turn = 0; turn < 5; turn++) {
        for (uint32_t i = 0; i < 20; i++) {
            swarm_lose(swarm, i, turn);
            assert_false(swarm_has(swarm, i));
        }
        while (swarm_next(swarm, 0, &ask)) {
            assert_int_equal(ask.peer, turn % 3);
            assert_false(ask.scarce);
            assert_true(swarm_hear_block(swarm, ask.peer, ask.block, 0));
        }
        assert_int_equal(swarm_count_missing(swarm), 0);
    }
    swarm_lose(swarm, 0, 1);
    swarm_leave(swarm, 1);
    assert_true(swarm_next(swarm, 0, &ask)); /* there is no better one */
    assert_true(ask.scarce);
    swarm_free(swarm);
}

static void a_block_is_given_twice_unless_it_is_scarce(void **state)
{
    (void)state;
    struct swarm_giver giver;
    swarm_giver_init(&giver, 2);
    assert_true(swarm_giver_may(&giver, 1, false, 1));
    assert_true(swarm_giver_may(&giver, 1, false, 1));
    assert_false(swarm_giver_may(&giver, 1, false, 1));
    assert_true(swarm_giver_may(&giver, 1, true, 1));
    assert_false(swarm_giver_may(&giver, 1, false, 1));
    assert_true(swarm_giver_may(&giver, 0, false, 1));
    assert_false(swarm_giver_may(&giver, 2, true, 1));
    assert_true(swarm_giver_may(&giver, 1, false, 1 + SWARM_FORGETS_MS));
    swarm_giver_fini(&giver);
}

/* ---- any order of events, beside a model that remembers everything ---- */

enum { MODEL_BLOCKS = 24, MODEL_PEERS = 5 };

struct model {
    bool is_here[MODEL_PEERS], has[MODEL_PEERS][MODEL_BLOCKS], refuses[MODEL_PEERS][MODEL_BLOCKS];
    bool here[MODEL_BLOCKS], may_come[MODEL_PEERS][MODEL_BLOCKS];
    int asked_of[MODEL_BLOCKS]; /* -1: nobody */
    int64_t refused_ms[MODEL_BLOCKS], now_ms;
};

static unsigned count_holders(const struct model *model, uint32_t block, bool willing)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        count += model->is_here[i] && model->has[i][block] && !(willing && model->refuses[i][block]);
    }
    return count;
}

static unsigned count_asked(const struct model *model, unsigned peer)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        count += model->asked_of[i] == (int)peer;
    }
    return count;
}

static unsigned get_most(const struct model *model)
{
    unsigned peers = 0;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        peers += model->is_here[i];
    }
    unsigned each = peers == 0 ? SWARM_WAITS_MAX : SWARM_WAITS_MAX / peers;
    return each < SWARM_ASKED_LEAST ? SWARM_ASKED_LEAST : each < SWARM_ASKED_MAX ? each : SWARM_ASKED_MAX;
}

static bool has_room(const struct model *model)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        count += count_asked(model, i);
    }
    return count < SWARM_WAITS_MAX;
}

static bool has_all(const struct model *model, unsigned peer)
{
    bool all = model->is_here[peer];
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        all = all && model->has[peer][i];
    }
    return all;
}

/* Others have it, and enough is awaited. */
static bool is_spared(const struct model *model, unsigned peer, uint32_t block)
{
    unsigned here = 0, whole = 0, asked = 0;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        here += model->is_here[i];
        whole += has_all(model, i);
        asked += count_asked(model, i);
    }
    return here >= 3 && asked >= 4 && has_all(model, peer) && count_holders(model, block, false) > whole;
}

static bool may_ask(const struct model *model, unsigned peer, uint32_t block)
{
    return model->is_here[peer] && model->has[peer][block] && !model->here[block] &&
           !is_spared(model, peer, block) && model->asked_of[block] == -1 &&
           count_asked(model, peer) < get_most(model) && has_room(model) &&
           (!model->refuses[peer][block] || (count_holders(model, block, true) == 0 &&
                                             model->now_ms >= model->refused_ms[block] + SWARM_SCARCE_MS));
}

static bool may_ask_any(const struct model *model)
{
    bool may = false;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        for (uint32_t k = 0; k < MODEL_BLOCKS; k++) {
            may = may || may_ask(model, i, k);
        }
    }
    return may;
}

static void hold_ask(struct model *model, const struct swarm_ask *ask)
{
    assert_true(may_ask(model, ask->peer, ask->block));
    assert_int_equal(ask->scarce, model->refuses[ask->peer][ask->block]);
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        assert_true(!may_ask(model, ask->peer, i) ||
                    count_holders(model, i, false) >= count_holders(model, ask->block, false));
    }
    model->asked_of[ask->block] = (int)ask->peer;
    model->may_come[ask->peer][ask->block] = true;
}

static void drop_asked(struct model *model, unsigned peer)
{
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        model->asked_of[i] = model->asked_of[i] == (int)peer ? -1 : model->asked_of[i];
    }
}

static void forget(struct model *model, unsigned peer)
{
    drop_asked(model, peer);
    memset(model->has[peer], 0, sizeof model->has[peer]);
    memset(model->refuses[peer], 0, sizeof model->refuses[peer]);
}

static void lose(struct model *model, uint32_t block, unsigned turn)
{
    unsigned here[MODEL_PEERS], count = 0, first = 0;
    if (!model->here[block]) {
        return;
    }
    model->here[block] = false;
    model->refused_ms[block] = -SWARM_SCARCE_MS;
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        here[count] = i;
        count += model->is_here[i];
    }
    while (first < count && !model->has[here[(turn + first) % count]][block]) {
        first++;
    }
    for (unsigned i = 0; i < MODEL_PEERS; i++) {
        model->may_come[i][block] = false;
    }
    for (unsigned i = 0; i < count; i++) {
        model->refuses[here[(turn + i) % count]][block] = i != first;
    }
}

static void step_block(struct swarm *swarm, struct model *model, struct random *random)
{
    unsigned peer = (unsigned)random_below(random, MODEL_PEERS);
    uint32_t block = (uint32_t)random_below(random, MODEL_BLOCKS);
    switch (random_below(random, 4)) {
    case 0: { /* it may come late, of whoever was asked */
        bool may_come = model->may_come[peer][block];
        assert_int_equal(swarm_hear_block(swarm, peer, block, 0), may_come && !model->here[block]);
        model->here[block] = model->here[block] || may_come;
        model->asked_of[block] = may_come ? -1 : model->asked_of[block];
        model->may_come[peer][block] = false;
        break;
    }
    case 1: {
        bool is_gone = random_below(random, 2) == 0;
        swarm_hear_none(swarm, peer, block, is_gone, model->now_ms);
        if (model->is_here[peer]) {
            model->refused_ms[block] = is_gone ? model->refused_ms[block] : model->now_ms;
            model->asked_of[block] = model->asked_of[block] == (int)peer ? -1 : model->asked_of[block];
            model->has[peer][block] = model->has[peer][block] && !is_gone;
            model->refuses[peer][block] = model->refuses[peer][block] || !is_gone;
        }
        break;
    }
    case 2:
        swarm_lose(swarm, block, (unsigned)model->now_ms);
        lose(model, block, (unsigned)model->now_ms);
        break;
    default:
        swarm_hear_has(swarm, peer, block, 3);
        for (uint32_t i = block; i < block + 3 && i < MODEL_BLOCKS; i++) {
            model->has[peer][i] = model->is_here[peer];
        }
        break;
    }
}

static void step_peer(struct swarm *swarm, struct model *model, struct random *random)
{
    unsigned peer = (unsigned)random_below(random, MODEL_PEERS);
    switch (random_below(random, 6)) {
    case 0:
        swarm_come(swarm, peer);
        model->is_here[peer] = true;
        forget(model, peer);
        memset(model->may_come[peer], 0, sizeof model->may_come[peer]);
        break;
    case 1:
        swarm_leave(swarm, peer);
        forget(model, peer);
        memset(model->may_come[peer], 0, sizeof model->may_come[peer]);
        model->is_here[peer] = false;
        break;
    case 2:
        swarm_hear_anew(swarm, peer);
        forget(model, peer);
        break;
    default:
        swarm_hear_has(swarm, peer, 0, MODEL_BLOCKS);
        for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
            model->has[peer][i] = model->is_here[peer];
        }
        break;
    }
}

static void run_random(uint64_t seed)
{
    struct swarm_ask ask;
    struct random random;
    struct model *model = memory_alloc(sizeof *model);
    struct swarm *swarm = swarm_new(MODEL_BLOCKS, seed);
    random_init(&random, seed);
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        model->asked_of[i] = -1;
        model->refused_ms[i] = -SWARM_SCARCE_MS;
    }
    for (int i = 0; i < 3000; i++) {
        random_below(&random, 20) == 0 ? step_peer(swarm, model, &random) : step_block(swarm, model, &random);
        model->now_ms += (int64_t)random_below(&random, SWARM_SCARCE_MS / 4);
        while (random_below(&random, 3) != 0 && swarm_next(swarm, model->now_ms, &ask)) {
            hold_ask(model, &ask);
        }
        uint32_t missing = 0, unknown = 0;
        for (uint32_t k = 0; k < MODEL_BLOCKS; k++) {
            assert_int_equal(swarm_has(swarm, k), model->here[k]);
            missing += !model->here[k];
            unknown += !model->here[k] && count_holders(model, k, false) == 0;
        }
        assert_int_equal(swarm_count_missing(swarm), missing);
        assert_int_equal(swarm_count_unknown(swarm), unknown);
    }
    while (swarm_next(swarm, model->now_ms, &ask)) {
        hold_ask(model, &ask);
    }
    assert_false(may_ask_any(model));
    swarm_free(swarm);
    free(model);
}

static uint64_t read_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void each_request_may_be_made_and_all_are_that_may(void **state)
{
    (void)state;
    uint64_t first = read_number("SWARM_SEED", 1), count = read_number("SWARM_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_random(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_nodes_get_it_and_none_sends_more_than_twice),
        cmocka_unit_test(a_fast_one_does_not_do_it_all),
        cmocka_unit_test(a_few_blocks_are_no_exception),
        cmocka_unit_test(nodes_that_die_are_done_without),
        cmocka_unit_test(when_the_first_one_dies_late_the_others_have_it_all),
        cmocka_unit_test(who_is_silent_holds_nobody_up),
        cmocka_unit_test(who_comes_when_all_have_given_enough_gets_it_still),
        cmocka_unit_test(what_fewest_have_is_asked_for_first),
        cmocka_unit_test(nobody_is_asked_for_more_than_it_is_to_be),
        cmocka_unit_test(who_was_refused_by_all_says_so),
        cmocka_unit_test(who_gives_nothing_is_left_alone_for_a_while),
        cmocka_unit_test(what_was_no_good_is_had_of_one_alone),
        cmocka_unit_test(a_block_is_given_twice_unless_it_is_scarce),
        cmocka_unit_test(each_request_may_be_made_and_all_are_that_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
