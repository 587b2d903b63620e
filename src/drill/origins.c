/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See origins.h. The databases are walked once for all countries, and once for all ASNs; each tree is asked
 * once, however many policies share it. */
#include "config.h"

#include "drill/origins.h"

#include "base/memory.h"
#include "base/progress.h"

#include <stdlib.h>
#include <string.h>

enum { FAMILIES = 2 };

/* Of one origin and family. */
struct networks {
    struct addr_prefix *items;
    size_t count, capacity;
    double size; /* of all, as a part of the family's addresses */
};

struct origins {
    const struct drill_clients *clients;
    struct progress *progress;
    struct networks (*networks)[FAMILIES]; /* of each */
    double known;                          /* share of clients of which it is known where they are */
};

/* ---- networks ---- */

static double size_of(const struct addr_prefix *network)
{
    double size = 1;
    for (unsigned i = 0; i < network->len; i++) {
        size /= 2;
    }
    return size;
}

/* The upper half of what the other is the lower half of. */
static bool is_sibling(const struct addr_prefix *lower, const struct addr_prefix *upper)
{
    struct addr addr = upper->addr;
    if (lower->len != upper->len || upper->len == 0) {
        return false;
    }
    unsigned bit = upper->len - 1u;
    bool is_upper = (addr.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
    addr.bytes[bit / 8] &= (uint8_t) ~(1u << (7 - bit % 8));
    return is_upper && addr_equal(&lower->addr, &addr);
}

/* They come in order, cut up by other things that are known of them. */
static void add_network(struct networks *to, const struct addr_prefix *network)
{
    struct addr_prefix added = *network;
    while (to->count != 0 && is_sibling(&to->items[to->count - 1], &added)) {
        added = to->items[--to->count];
        added.len--;
    }
    to->items = memory_grow(to->items, to->count, &to->capacity, sizeof *to->items);
    to->items[to->count++] = added;
}

/* A country or an AS that is looked for. */
struct wanted {
    uint32_t value;
    size_t origin;
};

struct search {
    struct origins *origins;
    struct wanted *wanted; /* by value: there may be a thousand, and ten million networks */
    size_t count, visited;
};

static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *one = a, *other = b;
    return one->value != other->value ? (one->value > other->value) - (one->value < other->value)
                                      : (one->origin > other->origin) - (one->origin < other->origin);
}

static bool take_network(void *context, uint32_t value, const struct addr_prefix *network)
{
    enum { LOOKS = 4096 };
    struct search *search = context;
    size_t low = 0, high = search->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (search->wanted[middle].value < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < search->count && search->wanted[low].value == value; low++) {
        add_network(&search->origins->networks[search->wanted[low].origin][network->addr.family == ADDR_V6],
                    network);
    }
    search->visited++;
    return search->visited % LOOKS != 0 || !progress_is_cancelled(search->origins->progress);
}

static void find_of_kind(struct origins *origins, const struct view *view, int kind)
{
    static const enum geo_kind kinds[] = {[DRILL_FROM_COUNTRY] = GEO_COUNTRY, [DRILL_FROM_ASN] = GEO_ASN};
    const struct drill_clients *clients = origins->clients;
    struct search search = {.origins = origins,
                            .wanted = memory_alloc_array(clients->origin_count, sizeof *search.wanted)};
    for (size_t i = 0; i < clients->origin_count; i++) {
        if ((int)clients->origins[i].kind == kind) {
            search.wanted[search.count++] = (struct wanted){clients->origins[i].value, i};
        }
    }
    if (search.count != 0) {
        qsort(search.wanted, search.count, sizeof *search.wanted, compare_wanted);
        geo_visit_networks(view->geo, view->geo_count, kinds[kind],
                           &(struct geo_network_visitor){take_network, &search});
    }
    free(search.wanted);
}

static void find_networks(struct origins *origins, const struct view *view)
{
    for (size_t i = 0; i < origins->clients->origin_count; i++) {
        const struct drill_clients_from *own = &origins->clients->origins[i];
        if (own->kind == DRILL_FROM_PREFIX) {
            add_network(&origins->networks[i][own->prefix.addr.family == ADDR_V6], &own->prefix);
        }
    }
    for (int kind = DRILL_FROM_COUNTRY; kind <= DRILL_FROM_ASN; kind++) {
        find_of_kind(origins, view, kind);
    }
}

static void measure(struct origins *origins)
{
    for (size_t i = 0; i < origins->clients->origin_count; i++) {
        for (size_t f = 0; f < FAMILIES; f++) {
            struct networks *own = &origins->networks[i][f];
            for (size_t n = 0; n < own->count; n++) {
                own->size += size_of(&own->items[n]);
            }
        }
        bool is_known = origins->networks[i][0].count + origins->networks[i][1].count != 0;
        origins->known += is_known ? origins->clients->origins[i].share : 0;
    }
}

/* ---- classes ---- */

/* As steer_find_class() has it, a class that the policy does not have is the first. */
static void add_weights(const struct origins *origins, const struct steer_policy *policy, double *weights)
{
    for (size_t i = 0; i < origins->clients->origin_count && !progress_is_cancelled(origins->progress); i++) {
        const struct networks *own = origins->networks[i];
        double share = origins->clients->origins[i].share;
        share /= own[0].count != 0 && own[1].count != 0 ? 2 : 1;
        for (size_t f = 0; f < FAMILIES; f++) {
            for (size_t n = 0; n < own[f].count; n++) {
                geo_weigh_classes(policy->geo, &own[f].items[n],
                                  share * size_of(&own[f].items[n]) / own[f].size, weights,
                                  policy->class_count);
            }
        }
    }
}

static const double *weigh_policy(const struct origins *origins, const struct steer_policy *policy,
                                  struct arena *arena)
{
    double *weights = arena_alloc(arena, policy->class_count * sizeof *weights);
    double rest = 1 - origins->known;
    for (size_t c = 0; c < policy->class_count; c++) {
        weights[c] = rest > 1e-9 ? rest / policy->class_count : 0;
    }
    if (policy->geo == NULL) {
        weights[0] += origins->known;
    } else {
        add_weights(origins, policy, weights);
    }
    return weights;
}

static int compare_policies(const void *a, const void *b)
{
    const struct steer_policy *one = *(const struct steer_policy *const *)a,
                              *other = *(const struct steer_policy *const *)b;
    return one->geo != other->geo
               ? ((uintptr_t)one->geo < (uintptr_t)other->geo ? -1 : 1)
               : (one->class_count > other->class_count) - (one->class_count < other->class_count);
}

static const double **weigh_policies(const struct origins *origins, const struct steer_set *set,
                                     struct arena *arena)
{
    size_t count = steer_set_count(set);
    const double **weights = arena_alloc(arena, count * sizeof *weights), *last = NULL;
    const struct steer_policy **policies = memory_alloc_array(count, sizeof *policies);
    for (size_t i = 0; i < count; i++) {
        policies[i] = steer_set_get(set, (uint32_t)i);
    }
    if (count > 1) {
        qsort(policies, count, sizeof *policies, compare_policies);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_policies(&policies[i - 1], &policies[i]) != 0) {
            last = weigh_policy(origins, policies[i], arena);
        }
        weights[policies[i]->id] = last;
    }
    free(policies);
    return weights;
}

const double *const *drill_weigh_classes(const struct view *view, const struct drill_clients *clients,
                                         struct progress *progress, struct arena *arena)
{
    struct origins origins = {.clients = clients, .progress = progress};
    origins.networks = memory_alloc_array(clients->origin_count, sizeof *origins.networks);
    find_networks(&origins, view);
    measure(&origins);
    const double **weights = weigh_policies(&origins, view->steer, arena);
    for (size_t i = 0; i < clients->origin_count; i++) {
        free(origins.networks[i][0].items);
        free(origins.networks[i][1].items);
    }
    free(origins.networks);
    return weights;
}
