/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what lies in etcd: entries, heads, nodes, what holds, who has what, conflicts, whose names are,
 * bundles. Whatever is read can be written, and is the same then. The first octet says what it is taken for.
 */
#include "config.h"

#include "base/arena.h"
#include "base/error.h"
#include "cluster/member.h"
#include "cluster/rollout.h"
#include "cluster/values.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void try_entry(const char *text, size_t len, struct arena *arena)
{
    struct cluster_entry first, second;
    struct cluster_position at = {0};
    const char *why = NULL;
    int error = cluster_read_entry(text, len, arena, &first, &why);
    expect((error == 0) == (why == NULL));
    if (error != 0) {
        return;
    }
    at.seq = first.seq - 1;
    memcpy(at.hash, first.before, sizeof at.hash);
    expect(cluster_follows(&at, &first) && cluster_judge_ops(first.ops, first.op_count) == NULL);
    char *written = cluster_write_entry(&at, &first);
    if (written == NULL) {
        return; /* spaces are left out, but what was escaped in fewer octets may be longer */
    }
    expect(cluster_read_entry(written, strlen(written), arena, &second, &why) == 0);
    expect(memcmp(first.hash, second.hash, sizeof first.hash) == 0); /* of what was written */
    expect(first.op_count == second.op_count && first.mark == second.mark);
    free(written);
}

static void try_head(const char *text, size_t len)
{
    struct cluster_position first, second;
    char written[CLUSTER_HEAD_SIZE];
    const char *why;
    if (cluster_read_head(text, len, &first, &why) == 0) {
        (void)cluster_write_head(&first, written);
        expect(cluster_read_head(written, strlen(written), &second, &why) == 0);
        expect(cluster_is_at(&first, &second));
    }
}

static void try_node(const char *text, size_t len)
{
    struct cluster_node first, second;
    const char *why;
    if (cluster_read_node(text, len, &first, &why) == 0) {
        char *written = cluster_write_node(&first);
        expect(cluster_read_node(written, strlen(written), &second, &why) == 0);
        char *again = cluster_write_node(&second);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
    }
}

static void try_record(const char *text, size_t len, struct arena *arena)
{
    struct cluster_record first, second;
    if (cluster_read_record(text, len, arena, &first) == 0) {
        char *written = cluster_write_record(&first);
        expect(cluster_read_record(written, strlen(written), arena, &second) == 0);
        expect(strcmp(first.value, second.value) == 0 && first.seq == second.seq);
        (void)cluster_compare_safety(first.value, NULL, 1795000000000);
        free(written);
    }
}

static void try_holder(const char *text, size_t len)
{
    struct cluster_holder first, second;
    struct cluster_mark mark;
    char written[CLUSTER_HOLDER_SIZE];
    if (cluster_read_holder(text, len, &first) == 0) {
        (void)cluster_write_holder(&first, written);
        expect(cluster_read_holder(written, strlen(written), &second) == 0);
        expect(first.run == second.run && first.take == second.take);
    }
    if (cluster_read_mark(text, len, &mark) == 0) {
        (void)cluster_write_mark(&mark, written);
        expect(cluster_read_mark(written, strlen(written), &mark) == 0);
    }
}

static void try_conflict(const char *text, size_t len, struct arena *arena)
{
    struct cluster_conflict first, second;
    if (cluster_read_conflict(text, len, arena, &first) == 0) {
        first.earlier = text; /* as who adds to it does */
        char *written = cluster_write_conflict(&first);
        expect(cluster_read_conflict(written, strlen(written), arena, &second) == 0);
        expect(first.ours_holds == second.ours_holds);
        free(written);
    }
}

static void try_member(const char *text, size_t len)
{
    struct cluster_member first, second;
    struct cluster_invite invite;
    if (cluster_read_member(text, len, &first) == 0) {
        char *written = cluster_write_member(&first);
        expect(cluster_read_member(written, strlen(written), &second) == 0);
        expect(first.id == second.id && first.is_removed == second.is_removed);
        free(written);
    }
    if (cluster_read_invite(text, len, &invite) == 0) {
        char *written = cluster_write_invite(&invite);
        expect(cluster_read_invite(written, strlen(written), &invite) == 0);
        free(written);
    }
}

static void try_rollout(const char *text, size_t len)
{
    struct rollout first, second;
    const char *why;
    if (rollout_read(text, len, &first, &why) == 0) {
        char *written = rollout_write(&first);
        expect(rollout_read(written, strlen(written), &second, &why) == 0);
        char *again = rollout_write(&second);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
        struct rollout_node node = {.name = "ns1", .is_fresh = true};
        (void)rollout_decide(&second,
                             &(struct rollout_look){.nodes = &node, .count = 1, .now_ms = INT64_MAX});
        expect(second.next.id[0] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct arena *arena = arena_new(0);
    size_t len = size - 1;
    char *text = malloc(len + 1);
    if (text != NULL) {
        memcpy(text, data + 1, len);
        text[len] = '\0';
        switch (data[0]) {
        case 'e': try_entry(text, len, arena); break;
        case 'h': try_head(text, len); break;
        case 'n': try_node(text, len); break;
        case 'o': try_record(text, len, arena); break;
        case 't': try_holder(text, len); break;
        case 'c': try_conflict(text, len, arena); break;
        case 'm': try_member(text, len); break;
        case 'b': try_rollout(text, len); break;
        default: break;
        }
    }
    free(text);
    arena_free(arena);
    return 0;
}
