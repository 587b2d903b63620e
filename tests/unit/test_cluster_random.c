/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Histories by seed: nodes that are given orders and emergencies, are cut off, lose requests and replies,
 * crash with what their disks had not taken yet, lose their leases, and come back. Whatever happened: all
 * apply the same entries, what was acknowledged is among them once and what was refused is not, an order was
 * judged on what it was written on, and when everything is well again all agree and nothing that held
 * provisionally is lost. CLUSTER_SEEDS=5000 CLUSTER_SEED=7 for more, from there on. */
#include "config.h"

#include "unit.h"

#include "cluster_world.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 2000, SEEDS = 150 };

static const char *const values[] = {"{\"state\":\"drain\"}", "{\"state\":\"drain\",\"share\":25}",
                                     "{\"state\":\"up\"}", "{\"state\":\"down\"}", NULL};

struct told { /* an order, and what the test knows of it */
    struct world_order order;
    uint64_t judged_seq, turn;
    unsigned long counter;
    bool has_counter;
    struct told *next;
};

struct history {
    struct world world;
    char *entries[ENTRIES_MAX];
    struct told *orders;
    uint64_t last;
    unsigned acknowledged, refused, open, emergencies, crashes, told;
    bool has_links; /* nodes tell each other what is pending */
};

static void note_put(void *context, const char *key, const char *value)
{
    struct history *history = context;
    if (strncmp(key, "/steerd/prod/entry/", 19) == 0) {
        unsigned long seq = strtoul(key + 19, NULL, 10);
        assert_true(seq == history->last + 1 && seq < ENTRIES_MAX); /* one after the other, each once */
        history->entries[seq] = memory_copy_text(value);
        history->last = seq;
    }
}

/* ---- orders ---- */

static struct told *new_told(struct history *history)
{
    struct told *told = memory_alloc(sizeof *told);
    told->next = history->orders;
    history->orders = told;
    return told;
}

static void done_with_turn(struct cluster_write *write)
{
    struct world_order *order = (struct world_order *)write;
    world_written(write);
    if (order->node->is_up && write->error != ERROR_CANCELLED) {
        cluster_give_turn(order->node->cluster);
    }
}

/* Counts up what it finds: two that were judged on the same would show. */
static void have_turn(void *context, int error)
{
    struct told *told = context;
    struct world_node *node = told->order.node;
    char value[32];
    if (error != 0) {
        told->order.is_done = true;
        told->order.write.error = error;
        return;
    }
    const char *before = world_find(&node->memory, "override", "counter");
    told->counter = (before == NULL ? 0 : strtoul(before, NULL, 10)) + 1;
    told->has_counter = true;
    told->judged_seq = node->memory.at.seq;
    snprintf(value, sizeof value, "%lu", told->counter);
    world_prepare(node, &told->order, "counter", value);
    told->order.write.needs_turn = true;
    told->order.write.mark = random_next(&node->world->random) | 1;
    told->order.write.done = done_with_turn;
    cluster_submit(node->cluster, &told->order.write);
}

static void give_order(struct history *history, struct world_node *node)
{
    struct told *told = new_told(history);
    told->order.node = node;
    cluster_take_turn(node->cluster, 1500, have_turn, told);
}

static void give_emergency(struct history *history, struct world_node *node)
{
    static const char *const keys[] = {"region:a", "region:b", "az:c"};
    struct random *random = &history->world.random;
    const char *key = keys[random_below(random, 3)], *value = values[random_below(random, 5)];
    history->emergencies++;
    world_emergency(node, &new_told(history)->order, key, value);
}

/* ---- what happens ---- */

static void disturb(struct history *history, struct world_node *node)
{
    struct random *random = &history->world.random;
    struct etcd_way *way = etcd_model_way(node->etcd);
    switch (random_below(random, 8)) {
    case 0: way->is_cut = true; break;
    case 1: way->is_refused = true; break;
    case 2: way->lost = 300; break;
    case 3: way->lost_reply = 300; break;
    case 4: way->straggles = 400; break;
    case 5: way->is_deaf = true; break;
    default: *way = (struct etcd_way){.delay_ms = 1 + (int64_t)random_below(random, 40)}; break;
    }
}

/* Over all links that are up at this moment, each of which may be down as well. */
static void link_up(struct history *history)
{
    struct world *world = &history->world;
    for (size_t i = 0; i < world->count; i++) {
        for (size_t k = 0; k < world->count; k++) {
            struct world_node *from = &world->nodes[i], *to = &world->nodes[k];
            if (from != to && from->is_up && to->is_up && random_below(&world->random, 3) != 0) {
                history->told += world_tell(from, to);
            }
        }
    }
}

static void act(struct history *history)
{
    struct world *world = &history->world;
    struct random *random = &world->random;
    struct world_node *node = &world->nodes[random_below(random, world->count)];
    uint64_t what = random_below(random, 100);
    if (!node->is_up) {
        if (what < 60) {
            world_start(node);
            etcd_model_way(node->etcd)->delay_ms = 5;
        }
        return;
    }
    if (what < 35) {
        give_order(history, node);
    } else if (what < 60) {
        give_emergency(history, node);
    } else if (what < 85) {
        disturb(history, node);
    } else if (what < 92) {
        history->crashes++;
        world_crash(node);
    } else if (what < 95) {
        etcd_model_expire(world->model, 0);
    } else if (what < 97) {
        etcd_model_compact(world->model);
    } else {
        world_stop(node);
    }
}

static void heal(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct world_node *node = &world->nodes[i];
        if (!node->is_up) {
            world_start(node);
        }
        *etcd_model_way(node->etcd) = (struct etcd_way){.delay_ms = 5};
    }
}

/* ---- what has to be so ---- */

static uint64_t find_mark(const struct history *history, uint64_t mark, unsigned *times)
{
    char digits[24];
    uint64_t found = 0;
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)mark);
    *times = 0;
    for (uint64_t seq = 1; seq <= history->last; seq++) {
        if (strstr(history->entries[seq], digits) != NULL) {
            found = seq;
            (*times)++;
        }
    }
    return found;
}

/* Only its own node's between what it was judged on and itself. */
static void expect_judged(const struct history *history, const struct told *told, uint64_t seq)
{
    for (uint64_t at = told->judged_seq + 1; at < seq; at++) {
        struct arena *arena = arena_new(0);
        struct cluster_entry entry;
        const char *why;
        assert_int_equal(
            cluster_read_entry(history->entries[at], strlen(history->entries[at]), arena, &entry, &why), 0);
        assert_string_equal(entry.node, told->order.node->name);
        arena_free(arena);
    }
}

static void expect_order(struct history *history, const struct told *told)
{
    const struct cluster_write *write = &told->order.write;
    unsigned times;
    uint64_t seq = write->mark == 0 ? 0 : find_mark(history, write->mark, &times);
    if (write->mark == 0) {
        return; /* it never had the turn */
    }
    assert_true(times <= 1);
    if (told->order.is_done && write->error == 0) {
        history->acknowledged++;
        assert_true(seq == write->at.seq && seq != 0);
    } else if (told->order.is_done && write->error != ERROR_CANCELLED && !told->order.is_pended) {
        history->refused++;
        assert_int_equal(seq, 0);
    } else {
        history->open++;
    }
    if (told->order.is_safe) {
        assert_true(seq != 0); /* it was told to hold, and was on the disk */
    }
    if (told->has_counter && seq != 0) {
        expect_judged(history, told, seq);
    }
}

/* Each count is the one before and one more. */
static void expect_counted(const struct history *history)
{
    unsigned long count = 0;
    for (uint64_t seq = 1; seq <= history->last; seq++) {
        const char *at = strstr(history->entries[seq], "\"key\":\"counter\",\"value\":\"");
        if (at != NULL) {
            unsigned long found = strtoul(at + strlen("\"key\":\"counter\",\"value\":\""), NULL, 10);
            assert_int_equal(found, count + 1);
            count = found;
        }
    }
}

static bool is_settled(struct world *world)
{
    bool settled = world_follows(world);
    for (size_t i = 0; i < world->count; i++) {
        settled = settled && world->nodes[i].memory.pending == NULL && world->nodes[i].disk.pending == NULL;
    }
    return settled;
}

static void end(struct history *history)
{
    world_fini(&history->world);
    while (history->orders != NULL) {
        struct told *told = history->orders;
        history->orders = told->next;
        free(told);
    }
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        free(history->entries[i]);
    }
    free(history);
}

static void run(uint64_t seed, unsigned totals[5])
{
    struct history *history = memory_alloc(sizeof *history);
    struct world *world = &history->world;
    world_init(world, 3 + seed % 3, seed);
    history->has_links = seed % 4 != 0;
    etcd_model_listen(world->model, note_put, history);
    for (size_t i = 0; i < world->count; i++) {
        world->nodes[i].disk_ms = (int64_t)random_below(&world->random, 60);
        world->nodes[i].applies_late = random_below(&world->random, 2) == 0;
        world_start(&world->nodes[i]);
        etcd_model_way(world->nodes[i].etcd)->delay_ms = (int64_t)random_below(&world->random, 30);
    }
    world_run(world, 500);
    unsigned steps = 20 + (unsigned)random_below(&world->random, 60);
    for (unsigned i = 0; i < steps; i++) {
        act(history);
        if (history->has_links) {
            link_up(history);
        }
        int64_t most = random_below(&world->random, 10) == 0 ? 8000 : 600;
        world_run(world, (int64_t)random_below(&world->random, (uint64_t)most));
    }
    heal(world);
    world_run(world, 8000); /* what straggles has come through by then */
    heal(world);
    assert_true(world_wait(world, is_settled, 60000));
    assert_true(world_agrees(world));
    for (const struct told *told = history->orders; told != NULL; told = told->next) {
        expect_order(history, told);
    }
    expect_counted(history);
    totals[0] += history->acknowledged;
    totals[1] += history->refused;
    totals[2] += history->open;
    totals[3] += history->emergencies;
    totals[4] += history->told;
    end(history);
}

/* ---- an etcd that is not what it was ---- */

static bool is_well(const struct world_node *node)
{
    struct cluster_status status;
    cluster_get_status(node->cluster, &status);
    return status.phase == CLUSTER_FOLLOWING || status.phase == CLUSTER_CATCHING;
}

static void ignore_mend(void *context, int error, const char *why)
{
    (void)context;
    (void)error;
    (void)why;
}

static struct world_node *find_highest(struct world *world)
{
    struct world_node *best = &world->nodes[0];
    for (size_t i = 1; i < world->count; i++) {
        struct world_node *node = &world->nodes[i];
        best = node->memory.at.seq > best->memory.at.seq ? node : best;
    }
    return best;
}

/* As the page says: refill on one, adopt on who cannot follow that. */
static void mend(struct world *world)
{
    world_run(world, 8000);
    struct world_node *best = find_highest(world);
    if (!is_well(best)) {
        (void)cluster_refill(best->cluster, true, ignore_mend, NULL);
        world_run(world, 8000);
    }
    for (size_t i = 0; i < world->count; i++) {
        if (!is_well(&world->nodes[i])) {
            (void)cluster_adopt(world->nodes[i].cluster, ignore_mend, NULL);
        }
    }
    world_run(world, 4000);
}

static void some_acts(struct history *history, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        act(history);
        world_run(&history->world, (int64_t)random_below(&history->world.random, 500));
    }
}

static void run_restored(uint64_t seed)
{
    struct history *history = memory_alloc(sizeof *history);
    struct world *world = &history->world;
    world_init(world, 3, seed);
    for (size_t i = 0; i < world->count; i++) {
        world->nodes[i].disk_ms = (int64_t)random_below(&world->random, 60);
        world_start(&world->nodes[i]);
    }
    world_run(world, 500);
    some_acts(history, 15);
    struct etcd_backup *backup = etcd_model_save(world->model);
    some_acts(history, 15);
    if (random_below(&world->random, 3) == 0) {
        etcd_model_delete(world->model, "/steerd/prod/");
    } else {
        etcd_model_restore(world->model, backup);
    }
    some_acts(history, 15);
    heal(world);
    mend(world);
    assert_true(world_wait(world, is_settled, 60000));
    assert_true(world_agrees(world));
    etcd_backup_free(backup);
    end(history);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void whatever_happens(void **state)
{
    (void)state;
    uint64_t from = from_environment("CLUSTER_SEED", 1), count = from_environment("CLUSTER_SEEDS", SEEDS);
    unsigned totals[5] = {0};
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (getenv("CLUSTER_LOUD") != NULL) {
            fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
        }
        run(seed, totals);
    }
    print_message("# %u acknowledged, %u refused, %u open, %u emergencies, told %u times\n", totals[0],
                  totals[1], totals[2], totals[3], totals[4]);
    assert_true(totals[0] > count && totals[3] > count && totals[4] > count);
}

static void though_etcd_is_another(void **state)
{
    (void)state;
    uint64_t from = from_environment("CLUSTER_SEED", 1), count = from_environment("CLUSTER_SEEDS", SEEDS);
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (getenv("CLUSTER_LOUD") != NULL) {
            fprintf(stderr, "# restored, seed %llu\n", (unsigned long long)seed);
        }
        run_restored(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_happens),
                                       cmocka_unit_test(though_etcd_is_another)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
