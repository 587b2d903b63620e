/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which endpoint of the one topology is which of the other: by addresses, whatever its name; and whether all
 * that policies read of endpoints, places and health is the same on both sides. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct known {
    uint64_t key;
    const char *name;
    uint32_t number;
};

static uint64_t key_of(const struct conf_endpoint *endpoint)
{
    uint64_t hash = COMPARE_HASH_START;
    const struct addr *const addresses[] = {&endpoint->v4, &endpoint->v6};
    for (size_t i = 0; i < 2; i++) {
        hash = compare_hash(hash, &addresses[i]->family, sizeof addresses[i]->family);
        hash = compare_hash(hash, addresses[i]->bytes, sizeof addresses[i]->bytes);
    }
    return endpoint->host == NULL ? hash
                                  : compare_hash(hash, endpoint->host->name, strlen(endpoint->host->name));
}

static int compare_known(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    int by_key = (a->key > b->key) - (a->key < b->key);
    return by_key != 0 ? by_key : strcmp(a->name, b->name);
}

/* Of several with the same addresses the one of the same name, else the first one. */
static const struct known *find_known(const struct known *known, size_t count, const struct known *wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known[middle].key < wanted->key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i < count && known[i].key == wanted->key; i++) {
        if (strcmp(known[i].name, wanted->name) == 0) {
            return &known[i];
        }
    }
    return low < count && known[low].key == wanted->key ? &known[low] : NULL;
}

static void list_keys(struct comparing *c, int side)
{
    const struct conf_topology *topology = c->compare->view[side]->topology;
    c->counts[side] = topology == NULL ? 0 : topology->endpoint_count;
    c->keys[side] = memory_alloc_array(c->counts[side] + 1, sizeof **c->keys);
    for (uint32_t i = 0; i < c->counts[side]; i++) {
        c->keys[side][i] = key_of(&topology->endpoints[i]);
    }
}

/* And to all names alike: words that some names see otherwise say nothing by themselves. */
static bool has_same_words(const _Atomic uint32_t *a, const _Atomic uint32_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word = atomic_load_explicit(&a[i], memory_order_relaxed);
        if (word != atomic_load_explicit(&b[i], memory_order_relaxed) || (word & HEALTH_WORD_SCOPED) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_same_place(const struct steer_place *a, const struct steer_place *b)
{
    return a->az == b->az && a->region == b->region && a->capacity == b->capacity && a->host == b->host;
}

/* Is nothing forbidden that could keep answers where their words would not have them? */
static bool is_free(const struct health_table *table)
{
    return table->bans == NULL || atomic_load_explicit(&table->bans->count, memory_order_relaxed) == 0;
}

/* Endpoints in the same order, with the same places and words. */
static bool is_same_state(const struct comparing *c)
{
    const struct view *const *view = c->compare->view;
    const struct health_table *a = view[0]->table, *b = view[1]->table;
    const struct steer_place *places[] = {steer_set_places(view[0]->steer), steer_set_places(view[1]->steer)};
    if (a == NULL || b == NULL || places[0] == NULL || places[1] == NULL || c->counts[0] != c->counts[1] ||
        a->endpoint_count != b->endpoint_count || a->az_count != b->az_count ||
        a->region_count != b->region_count || !is_free(a) || !is_free(b)) {
        return false;
    }
    for (uint32_t i = 0; i < c->counts[0]; i++) {
        if (c->same[i] != i || !is_same_place(&places[0][i], &places[1][i])) {
            return false;
        }
    }
    return has_same_words(a->endpoints, b->endpoints, a->endpoint_count) &&
           has_same_words(a->azs, b->azs, a->az_count) &&
           has_same_words(a->regions, b->regions, a->region_count);
}

void compare_match_endpoints(struct comparing *c)
{
    const struct conf_topology *before = c->compare->view[0]->topology,
                               *after = c->compare->view[1]->topology;
    list_keys(c, 0);
    list_keys(c, 1);
    struct known *known = memory_alloc_array(c->counts[0] + 1, sizeof *known);
    for (uint32_t i = 0; i < c->counts[0]; i++) {
        known[i] = (struct known){c->keys[0][i], before->endpoints[i].name, i};
    }
    qsort(known, c->counts[0], sizeof *known, compare_known);
    c->same = memory_alloc_array(c->counts[1] + 1, sizeof *c->same);
    for (uint32_t i = 0; i < c->counts[1]; i++) {
        const struct known wanted = {.key = c->keys[1][i], .name = after->endpoints[i].name};
        const struct known *found = find_known(known, c->counts[0], &wanted);
        c->same[i] = found != NULL ? found->number : (uint32_t)(c->counts[0] + i);
    }
    free(known);
    size_t all = c->counts[0] + c->counts[1] + 1;
    c->share[0] = memory_alloc_array(all, sizeof **c->share);
    c->share[1] = memory_alloc_array(all, sizeof **c->share);
    c->notes[0] = memory_alloc_array(all, sizeof **c->notes);
    c->notes[1] = memory_alloc_array(all, sizeof **c->notes);
    c->is_same_state = is_same_state(c);
}
