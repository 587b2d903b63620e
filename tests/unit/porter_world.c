/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See porter_world.h. */
#include "config.h"

#include "porter_world.h"

#include "unit.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, LOOK_NS = 2000000 };

/* ---- links ---- */

static uint64_t get_link(struct net *net, unsigned from, unsigned to)
{
    pthread_mutex_lock(&net->lock);
    uint64_t link = net->links[from][to];
    pthread_mutex_unlock(&net->lock);
    return link;
}

static void ask(void *context, const char *node, uint64_t connection, const struct fleet_message *want)
{
    const struct net_node *from = context;
    unsigned to = (unsigned)strtoul(node + 1, NULL, 10);
    if (get_link(from->net, from->number, to) == connection && !from->net->nodes[to].is_deaf) {
        porter_hear_want(from->net->nodes[to].porter, from->number, connection, want);
    }
}

static void give(void *context, unsigned number, uint64_t connection, const struct fleet_message *message,
                 uint8_t *octets)
{
    const struct net_node *from = context;
    const struct net_node *to = &from->net->nodes[number];
    bool is_linked = get_link(from->net, number, from->number) == connection;
    struct fleet_message boast = *message;
    if (message->kind == FLEET_HAS && from->boasts) {
        boast.bulk.size += FLEET_BLOCK_MAX;
        message = &boast;
    }
    if (octets != NULL && from->lies) {
        octets[message->piece.of / 2] ^= 1;
    }
    if (!is_linked) {
        free(octets);
    } else if (octets != NULL) {
        porter_hear_block(to->porter, from->name, connection, message, octets);
    } else {
        porter_hear(to->porter, from->name, connection, message);
    }
    if (is_linked) {
        porter_hear_given(from->porter, number, connection);
    }
}

static void link_one_way(struct net *net, unsigned from, unsigned to)
{
    pthread_mutex_lock(&net->lock);
    uint64_t link = net->links[from][to] = ++net->last;
    pthread_mutex_unlock(&net->lock);
    porter_hear_link(net->nodes[from].porter, net->nodes[to].name, link, true);
}

void net_link(struct net *net, unsigned from, unsigned to)
{
    link_one_way(net, from, to);
    link_one_way(net, to, from);
}

void net_link_all(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++) {
        for (unsigned k = 0; k < i; k++) {
            net_link(net, i, k);
        }
    }
}

static void cut_one_way(struct net *net, unsigned from, unsigned to)
{
    pthread_mutex_lock(&net->lock);
    net->links[from][to] = 0;
    pthread_mutex_unlock(&net->lock);
    porter_hear_link(net->nodes[from].porter, net->nodes[to].name, 0, false);
    porter_hear_left(net->nodes[to].porter, from);
}

void net_cut(struct net *net, unsigned node)
{
    for (unsigned i = 0; i < net->count; i++) {
        if (i != node) {
            cut_one_way(net, i, node);
            cut_one_way(net, node, i);
        }
    }
}

/* ---- bundles ---- */

static void write_file(const char *path, size_t size, uint64_t seed)
{
    struct random random;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    random_init(&random, seed);
    for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
        uint64_t octets = random_next(&random);
        size_t len = size - done < sizeof octets ? size - done : sizeof octets;
        assert_int_equal(fwrite(&octets, 1, len, file), len);
    }
    assert_int_equal(fclose(file), 0);
}

static void run(const char *command, const char *path)
{
    char text[128];
    snprintf(text, sizeof text, "%s %s", command, path);
    assert_int_equal(system(text), 0); /* NOLINT(cert-env33-c): a folder of our own */
}

static void put_blocks(struct bundle_part *part, const char *folder)
{
    char why[BUNDLE_WHY_SIZE];
    const struct bundle *bundle = bundle_part_get(part);
    uint8_t *octets = memory_alloc(BUNDLE_BLOCK_SIZE);
    for (uint32_t i = 0; i < bundle_count_blocks(bundle->size); i++) {
        assert_int_equal(bundle_read_block(folder, bundle, i, octets, why), 0);
        assert_int_equal(bundle_part_put(part, i, octets, bundle_block_len(bundle->size, i), why), 0);
    }
    assert_int_equal(bundle_part_end(part, why), 0);
    free(octets);
}

void net_put(struct net *net, unsigned node, uint64_t seed, const size_t sizes[8], char id[BUNDLE_ID_SIZE])
{
    char why[BUNDLE_WHY_SIZE], folder[64], path[96];
    struct bundle *bundle;
    struct bundle_part *part;
    snprintf(folder, sizeof folder, "%s/source", net->folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < 8 && sizes[i] != 0; i++) {
        snprintf(path, sizeof path, "%s/file%zu", folder, i);
        write_file(path, sizes[i], seed * 8 + i);
    }
    assert_int_equal(bundle_scan(folder, NULL, &bundle, NULL, why), 0);
    memcpy(id, bundle->id, BUNDLE_ID_SIZE);
    assert_int_equal(bundle_part_begin(net->nodes[node].store, bundle, NULL, &part, why), 0);
    put_blocks(part, folder);
    bundle_part_close(part);
    run("rm -r", folder);
}

/* ---- waiting ---- */

static bool is_time_left(const struct net *net, int64_t since_ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    return clock_now_ms(&net->clock) - since_ms < PATIENCE_MS;
}

void net_wait(struct net *net, unsigned node, const char *id, enum porter_is is)
{
    struct porter_status status;
    int64_t since_ms = clock_now_ms(&net->clock);
    do {
        porter_get_status(net->nodes[node].porter, id, &status);
    } while (status.is != is && is_time_left(net, since_ms));
    if (status.is != is) {
        fail_msg("node %u is %s (%u %%), expected %s: %s", node, porter_is_text(status.is), status.percent,
                 porter_is_text(is), status.why);
    }
}

void net_wait_why(struct net *net, unsigned node, const char *id, const char *says)
{
    struct porter_status status;
    int64_t since_ms = clock_now_ms(&net->clock);
    do {
        porter_get_status(net->nodes[node].porter, id, &status);
    } while (strstr(status.why, says) == NULL && is_time_left(net, since_ms));
    if (strstr(status.why, says) == NULL) {
        fail_msg("node %u is %s, and says \"%s\", expected \"%s\"", node, porter_is_text(status.is),
                 status.why, says);
    }
}

/* ---- life ---- */

void net_open(struct net *net, unsigned count)
{
    *net = (struct net){.count = count, .folder = "test_porter.XXXXXX"};
    assert_non_null(mkdtemp(net->folder));
    clock_init(&net->clock);
    pthread_mutex_init(&net->lock, NULL);
    for (unsigned i = 0; i < count; i++) {
        struct net_node *node = &net->nodes[i];
        node->net = net;
        node->number = i;
        snprintf(node->name, sizeof node->name, "n%u", i);
        snprintf(node->state, sizeof node->state, "%s/%s", net->folder, node->name);
        assert_int_equal(mkdir(node->state, 0700), 0);
        node->store = bundle_store_new(node->state);
        assert_int_equal(
            porter_open(&(struct porter_options){.clock = &net->clock, .ways = {node, ask, give}},
                        &node->porter),
            0);
        porter_use(node->porter, node->store);
    }
}

void net_close(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++) { /* others may be told by it yet */
        struct net_node *node = &net->nodes[i];
        net_cut(net, i);
        porter_use(node->porter, NULL);
    }
    for (unsigned i = 0; i < net->count; i++) {
        porter_close(net->nodes[i].porter);
        bundle_store_free(net->nodes[i].store);
    }
    pthread_mutex_destroy(&net->lock);
    run("rm -r", net->folder);
}
