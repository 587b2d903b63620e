/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the porter with real threads and folders: what one node has, all others have in the end, whoever
 * lies, is deaf, comes late or goes; and what cannot be had says why. */
#include "config.h"

#include "unit.h"

#include "porter_world.h"

#include "daemon/peers_bulk.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static const size_t some[8] = {3 * MIB + 17, 1, 700000, 262144, 5};
static const size_t more[8] = {3 * MIB + 17, 1, 700001, 262144, 9};

static void hold_whole(const struct net *net, unsigned node, const char *id)
{
    char why[BUNDLE_WHY_SIZE], *folder = bundle_locate(net->nodes[node].state, id);
    struct bundle *bundle, *found;
    assert_true(bundle_is_here(net->nodes[node].state, id));
    assert_int_equal(bundle_load(net->nodes[node].state, id, &bundle, why), 0);
    assert_int_equal(bundle_scan(folder, NULL, &found, NULL, why), 0);
    assert_string_equal(found->id, id); /* by what the files have now */
    bundle_free(found);
    bundle_free(bundle);
    free(folder);
}

static bool is_there(const struct net *net, unsigned node, const char *id, const char *what)
{
    char path[160];
    struct stat info;
    snprintf(path, sizeof path, "%s/bundles/%s%s", net->nodes[node].state, id, what);
    return stat(path, &info) == 0;
}

static void all_get_what_one_has(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 8);
    net_put(&net, 0, 1, some, id);
    net_link_all(&net);
    for (unsigned i = 0; i < net.count; i++) {
        porter_fetch(net.nodes[i].porter, id);
    }
    for (unsigned i = 0; i < net.count; i++) {
        struct porter_status status;
        net_wait(&net, i, id, PORTER_HERE);
        porter_get_status(net.nodes[i].porter, id, &status);
        assert_int_equal(status.percent, 100);
        assert_string_equal(status.why, "");
        hold_whole(&net, i, id);
    }
    uint64_t given = 0, got = 0;
    for (unsigned i = 0; i < net.count; i++) {
        struct porter_stats stats;
        porter_get_stats(net.nodes[i].porter, &stats);
        given += stats.given_octets;
        got += stats.got_octets;
        assert_int_equal(stats.fetching, 0);
    }
    assert_true(got >= (uint64_t)7 * 4000000 && given >= got); /* that no one gives it all: test_swarm */
    net_close(&net);
}

/* Each is linked with the next one only: blocks go on before the whole is there. */
static void it_goes_along_a_chain(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 4);
    for (unsigned i = 1; i < net.count; i++) {
        net_link(&net, i - 1, i);
    }
    net_put(&net, 0, 2, some, id);
    for (unsigned i = 1; i < net.count; i++) {
        porter_fetch(net.nodes[i].porter, id);
    }
    net_wait(&net, 3, id, PORTER_HERE);
    hold_whole(&net, 3, id);
    net_close(&net);
}

static void what_nobody_has_is_waited_for(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE] = "8f43000000000000000000000000000000000000000000000000000000000001";
    struct pollfd changes;
    uint64_t rings;
    net_open(&net, 2);
    porter_fetch(net.nodes[1].porter, id);
    net_wait_why(&net, 1, id, "linked with no other one");
    changes = (struct pollfd){.fd = porter_get_fd(net.nodes[1].porter), .events = POLLIN};
    assert_int_equal(poll(&changes, 1, 0), 1);
    assert_int_equal(read(changes.fd, &rings, sizeof rings), sizeof rings);
    net_link_all(&net);
    net_wait_why(&net, 1, id, "no node that this one is linked with has any of it");
    assert_int_equal(poll(&changes, 1, 30000), 1);
    porter_drop(net.nodes[1].porter, id);
    net_wait(&net, 1, id, PORTER_NONE);
    net_put(&net, 0, 3, some, id);
    porter_fetch(net.nodes[1].porter, id);
    net_wait(&net, 1, id, PORTER_HERE);
    net_close(&net);
}

/* It is uploaded while the other one waits for it. */
static void what_comes_later_is_told(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 3);
    net_put(&net, 2, 4, some, id);
    net_link(&net, 0, 1);
    porter_fetch(net.nodes[1].porter, id);
    net_wait_why(&net, 1, id, "no node that this one is linked with has any of it");
    net_put(&net, 0, 4, some, id);
    net_wait(&net, 1, id, PORTER_HERE);
    net_close(&net);
}

static void who_lies_is_found_out(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 3);
    net_put(&net, 0, 5, some, id);
    net_put(&net, 1, 5, some, id);
    net.nodes[0].lies = true;
    net_link_all(&net);
    porter_fetch(net.nodes[2].porter, id);
    net_wait(&net, 2, id, PORTER_HERE);
    hold_whole(&net, 2, id);
    net_close(&net);
}

static void who_boasts_is_passed_over(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 3);
    net_put(&net, 0, 11, some, id);
    net_put(&net, 1, 11, some, id);
    net.nodes[0].boasts = true;
    net_link(&net, 0, 2);
    porter_fetch(net.nodes[2].porter, id);
    net_wait_why(&net, 2, id, "blocks are at no node");
    net_link(&net, 1, 2);
    net_wait(&net, 2, id, PORTER_HERE);
    hold_whole(&net, 2, id);
    net_close(&net);
}

/* Some have nothing of it yet, and are asked in vain before the turn of who tells the truth. */
static void who_lies_is_found_out_among_many(void **state)
{
    (void)state;
    enum { LIAR = 3, TRUE_ONE, ASKER };
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, ASKER + 1);
    net_put(&net, LIAR, 12, some, id);
    net_put(&net, TRUE_ONE, 12, some, id);
    net.nodes[LIAR].lies = true;
    for (unsigned i = 0; i < TRUE_ONE; i++) {
        net_link(&net, i, ASKER);
    }
    porter_fetch(net.nodes[ASKER].porter, id);
    net_wait_why(&net, ASKER, id, "files[2]"); /* it is believed at first */
    net_link(&net, TRUE_ONE, ASKER);
    net_wait(&net, ASKER, id, PORTER_HERE);
    hold_whole(&net, ASKER, id);
    net_close(&net);
}

static void a_lie_of_all_is_a_failure(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 2);
    net_put(&net, 0, 6, some, id);
    net.nodes[0].lies = true;
    net_link_all(&net);
    porter_fetch(net.nodes[1].porter, id);
    net_wait(&net, 1, id, PORTER_FAILED);
    assert_false(is_there(&net, 1, id, ".part"));
    assert_false(is_there(&net, 1, id, ""));
    net.nodes[0].lies = false;
    porter_fetch(net.nodes[1].porter, id); /* once more */
    net_wait(&net, 1, id, PORTER_HERE);
    hold_whole(&net, 1, id);
    net_close(&net);
}

static void who_goes_is_done_without(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 5);
    net_put(&net, 0, 7, some, id);
    net_put(&net, 1, 7, some, id);
    net_link_all(&net);
    net.nodes[0].is_deaf = true;
    for (unsigned i = 2; i < net.count; i++) {
        porter_fetch(net.nodes[i].porter, id);
    }
    net_cut(&net, 4);
    net_cut(&net, 0);
    net_wait(&net, 2, id, PORTER_HERE);
    net_wait(&net, 3, id, PORTER_HERE);
    net_link(&net, 3, 4);
    net_wait(&net, 4, id, PORTER_HERE);
    hold_whole(&net, 4, id);
    net_close(&net);
}

/* Files that another bundle has here already do not come once more. */
static void what_is_here_already_is_not_fetched(void **state)
{
    (void)state;
    struct net net;
    char first[BUNDLE_ID_SIZE], second[BUNDLE_ID_SIZE];
    struct porter_stats before, after;
    net_open(&net, 2);
    net_put(&net, 0, 8, some, first);
    net_put(&net, 0, 8, more, second);
    net_link_all(&net);
    porter_fetch(net.nodes[1].porter, first);
    net_wait(&net, 1, first, PORTER_HERE);
    porter_get_stats(net.nodes[1].porter, &before);
    porter_fetch(net.nodes[1].porter, second);
    net_wait(&net, 1, second, PORTER_HERE);
    hold_whole(&net, 1, second);
    porter_get_stats(net.nodes[1].porter, &after);
    assert_true(after.got_octets - before.got_octets < 2 * MIB);
    porter_fetch(net.nodes[1].porter, first); /* harmless */
    net_wait(&net, 1, first, PORTER_HERE);
    net_close(&net);
}

static void what_is_dropped_goes_away(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 3);
    net_put(&net, 0, 9, some, id);
    net_link(&net, 0, 1);
    porter_fetch(net.nodes[2].porter, id);
    net_wait_why(&net, 2, id, "linked with no other one");
    porter_drop(net.nodes[2].porter, id);
    net_wait(&net, 2, id, PORTER_NONE);
    porter_fetch(net.nodes[1].porter, id);
    net_wait(&net, 1, id, PORTER_HERE);
    porter_drop(net.nodes[1].porter, id); /* which is whole, and stays */
    net_wait(&net, 1, id, PORTER_NONE);
    hold_whole(&net, 1, id);
    porter_fetch(net.nodes[1].porter, "../../x"); /* no name */
    net_close(&net);
}

/* Who had it lost some of it; whoever brings it to this node itself is not in the way of what does not come.
 */
static void what_does_not_come_on_can_be_brought(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE], path[160];
    struct bundle *bundle;
    struct bundle_part *part;
    char why[BUNDLE_WHY_SIZE];
    net_open(&net, 2);
    net_put(&net, 0, 13, some, id);
    snprintf(path, sizeof path, "%s/bundles/%s/file0", net.nodes[0].state, id);
    assert_int_equal(unlink(path), 0);
    net_link_all(&net);
    porter_fetch(net.nodes[1].porter, id);
    net_wait_why(&net, 1, id, "blocks are at no node");
    assert_int_equal(bundle_load(net.nodes[0].state, id, &bundle, why), 0);
    assert_int_equal(bundle_part_begin(net.nodes[1].store, bundle, NULL, &part, why), ERROR_BUSY);
    porter_yield(net.nodes[1].porter, id);
    net_wait_why(&net, 1, id, "brought here by somebody");
    net_put(&net, 1, 13, some, id);
    net_wait(&net, 1, id, PORTER_HERE);
    hold_whole(&net, 1, id);
    net_close(&net);
}

/* Another process has the state folder: what was coming is let go, and begins anew when it is ours again. */
static void without_a_store_it_waits(void **state)
{
    (void)state;
    struct net net;
    char id[BUNDLE_ID_SIZE];
    net_open(&net, 2);
    net_put(&net, 0, 10, some, id);
    porter_use(net.nodes[1].porter, NULL);
    net_link_all(&net);
    porter_fetch(net.nodes[1].porter, id);
    net_wait(&net, 1, id, PORTER_FETCHING);
    porter_use(net.nodes[1].porter, net.nodes[1].store);
    net_wait(&net, 1, id, PORTER_HERE);
    net_close(&net);
}

/* ---- pieces ---- */

static uint8_t *add(struct peer_block *coming, uint32_t number, uint32_t from, uint32_t len)
{
    static const uint8_t octets[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct fleet_message block;
    return peer_block_add(
        coming,
        &(struct fleet_piece){
            .bundle = "8f43", .number = number, .of = 10, .from = from, .len = len, .octets = octets + from},
        &block);
}

static void pieces_in_another_order_are_no_block(void **state)
{
    (void)state;
    struct peer_block coming = {.have = 0};
    assert_null(add(&coming, 1, 5, 5)); /* without its beginning */
    assert_null(add(&coming, 1, 0, 5));
    assert_null(add(&coming, 2, 5, 5)); /* of another one */
    assert_null(add(&coming, 1, 5, 5)); /* which is too late now */
    assert_null(add(&coming, 1, 0, 4));
    assert_null(add(&coming, 1, 0, 4)); /* it begins anew */
    assert_null(add(&coming, 1, 4, 4));
    uint8_t *octets = add(&coming, 1, 8, 2);
    assert_non_null(octets);
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(octets[i], i + 1);
    }
    free(octets);
    assert_null(add(&coming, 3, 0, 3));
    peer_block_drop(&coming);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_get_what_one_has),
        cmocka_unit_test(it_goes_along_a_chain),
        cmocka_unit_test(what_nobody_has_is_waited_for),
        cmocka_unit_test(what_comes_later_is_told),
        cmocka_unit_test(who_lies_is_found_out),
        cmocka_unit_test(who_boasts_is_passed_over),
        cmocka_unit_test(who_lies_is_found_out_among_many),
        cmocka_unit_test(a_lie_of_all_is_a_failure),
        cmocka_unit_test(pieces_in_another_order_are_no_block),
        cmocka_unit_test(who_goes_is_done_without),
        cmocka_unit_test(what_is_here_already_is_not_fetched),
        cmocka_unit_test(what_is_dropped_goes_away),
        cmocka_unit_test(what_does_not_come_on_can_be_brought),
        cmocka_unit_test(without_a_store_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
