/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Building prefix trees bottom-up. The overlay walks two trees at once in post-order, with its own stack (a
 * path is never longer than an address). What a pair of references gives is remembered, so a part that
 * several parents share is walked once and shared again in the result.
 *
 * Cannot fail: running out of memory ends the process (memory.h). Used while loading only. */
#include "config.h"

#include "geo/trie.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/report.h"

#include <assert.h>
#include <stdlib.h>

enum { DEPTH_MAX = 128 };

uint32_t geo_trie_add(struct geo_trie *trie, uint32_t zero, uint32_t one)
{
    assert(trie->count < GEO_LEAF);
    trie->nodes = memory_grow(trie->nodes, trie->count, &trie->capacity, sizeof *trie->nodes);
    trie->nodes[trie->count] = (struct geo_node){{zero, one}};
    return (uint32_t)trie->count++;
}

uint32_t geo_trie_join(struct geo_trie *trie, uint32_t zero, uint32_t one)
{
    return zero == one && geo_is_leaf(zero) ? zero : geo_trie_add(trie, zero, one);
}

void geo_trie_fini(struct geo_trie *trie)
{
    free(trie->nodes);
    *trie = (struct geo_trie){0};
}

uint32_t geo_trie_skip_zeros(const struct geo_trie *trie, uint32_t ref, unsigned bits)
{
    while (bits > 0 && !geo_is_leaf(ref)) {
        ref = trie->nodes[ref].child[0];
        bits--;
    }
    return ref;
}

/* ---- what a pair gave before ---- */

static struct geo_memo_slot *find_slot(const struct geo_overlay *overlay, uint64_t key)
{
    /* One multiplication: keys are pairs of small numbers, not hostile in a way that matters here. */
    size_t at = (size_t)hash_finish(key * 0x9e3779b97f4a7c15u) & (overlay->memo_room - 1);
    while (overlay->memo[at].used && overlay->memo[at].key != key) {
        at = (at + 1) & (overlay->memo_room - 1);
    }
    return &overlay->memo[at];
}

static void grow_memo(struct geo_overlay *overlay)
{
    struct geo_memo_slot *old = overlay->memo;
    size_t old_room = overlay->memo_room;
    overlay->memo_room = old_room == 0 ? 1024 : old_room * 2;
    overlay->memo = memory_alloc_array(overlay->memo_room, sizeof *overlay->memo);
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].used) {
            *find_slot(overlay, old[i].key) = old[i];
        }
    }
    free(old);
}

static void remember(struct geo_overlay *overlay, uint64_t key, uint32_t value)
{
    if (overlay->memo_used * 2 >= overlay->memo_room) {
        grow_memo(overlay);
    }
    *find_slot(overlay, key) = (struct geo_memo_slot){key, value, true};
    overlay->memo_used++;
}

/* ---- the walk ---- */

struct frame {
    uint32_t upper, lower; /* at least one is a node */
    uint32_t result[2];    /* of the children */
    uint8_t done;          /* children */
};

static uint64_t pair_key(uint32_t upper, uint32_t lower)
{
    return (uint64_t)upper << 32 | lower;
}

static void count_parent(uint8_t *parents, uint32_t ref)
{
    if (!geo_is_leaf(ref) && parents[ref] < 2) {
        parents[ref]++;
    }
}

static uint8_t *count_parents(const struct geo_trie *trie)
{
    uint8_t *parents = memory_alloc(trie->count);
    for (size_t i = 0; i < trie->count; i++) {
        count_parent(parents, trie->nodes[i].child[0]);
        count_parent(parents, trie->nodes[i].child[1]);
    }
    return parents;
}

/* Only below something with several parents a pair can be met again; so it is enough to remember there. */
static bool may_recur(const struct geo_overlay *overlay, uint32_t upper, uint32_t lower)
{
    return (!geo_is_leaf(upper) && overlay->upper_parents[upper] > 1) ||
           (!geo_is_leaf(lower) && overlay->lower_parents[lower] > 1);
}

/* Without walking, if that is possible. */
static bool find_result(struct geo_overlay *overlay, uint32_t upper, uint32_t lower, uint32_t *result)
{
    if (geo_is_leaf(upper)) {
        uint32_t value = upper & ~GEO_LEAF;
        if (geo_is_leaf(lower) || overlay->decides(overlay->context, value)) {
            uint32_t below = geo_is_leaf(lower) ? lower & ~GEO_LEAF : 0;
            *result = GEO_LEAF | overlay->combine(overlay->context, value, below);
            return true;
        }
    }
    if (overlay->memo_room == 0 || !may_recur(overlay, upper, lower)) {
        return false;
    }
    const struct geo_memo_slot *slot = find_slot(overlay, pair_key(upper, lower));
    *result = slot->value;
    return slot->used;
}

static uint32_t walk(struct geo_overlay *overlay, uint32_t upper, uint32_t lower)
{
    struct frame stack[DEPTH_MAX + 1];
    size_t depth = 0;
    uint32_t result = 0;
    stack[depth++] = (struct frame){.upper = upper, .lower = lower};
    while (depth > 0) {
        struct frame *top = &stack[depth - 1];
        if (overlay->report != NULL && report_is_cancelled(overlay->report)) {
            return GEO_LEAF | 0;
        }
        if (top->done < 2) {
            uint32_t next_upper = geo_trie_child(overlay->upper, top->upper, top->done);
            uint32_t next_lower = geo_trie_child(overlay->lower, top->lower, top->done);
            if (!find_result(overlay, next_upper, next_lower, &result)) {
                assert(depth <= DEPTH_MAX);
                stack[depth++] = (struct frame){.upper = next_upper, .lower = next_lower};
                continue;
            }
        } else {
            result = geo_trie_join(overlay->out, top->result[0], top->result[1]);
            if (may_recur(overlay, top->upper, top->lower)) {
                remember(overlay, pair_key(top->upper, top->lower), result);
            }
            if (--depth == 0) {
                break;
            }
            top = &stack[depth - 1];
        }
        top->result[top->done++] = result;
    }
    return result;
}

uint32_t geo_overlay_run(struct geo_overlay *overlay, uint32_t upper, uint32_t lower)
{
    if (overlay->upper_parents == NULL) {
        overlay->upper_parents = count_parents(overlay->upper);
        overlay->lower_parents = count_parents(overlay->lower);
    }
    /* This run comes to them from outside, one more parent. */
    count_parent(overlay->upper_parents, upper);
    count_parent(overlay->lower_parents, lower);
    uint32_t result;
    return find_result(overlay, upper, lower, &result) ? result : walk(overlay, upper, lower);
}

void geo_overlay_fini(struct geo_overlay *overlay)
{
    free(overlay->memo);
    free(overlay->upper_parents);
    free(overlay->lower_parents);
    overlay->memo = NULL;
    overlay->upper_parents = overlay->lower_parents = NULL;
    overlay->memo_room = overlay->memo_used = 0;
}
