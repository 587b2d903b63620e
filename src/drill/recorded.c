/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See recorded.h. Queries are counted by name and network of the client, each network is looked up in the
 * tree of each name once. What tells queries and what tells answers is counted apart: the larger of both is
 * how often was asked, whichever of them a recording has. */
#include "config.h"

#include "drill/recorded.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "drill/recording.h"
#include "geo/geo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024 };

struct owner {
    const char *text; /* lower case; owned */
    uint32_t name;    /* of the view */
};

/* Queries and answers. BIND tells the one by whether recursion is desired as AUTH or CLIENT, and the other by
 * whether it is authoritative: so these are one. */
struct tally {
    uint32_t told[2];
};

struct key {
    uint32_t name;
    struct addr_prefix client;
    struct tally tally;
};

struct counting {
    struct owner *owners; /* sorted */
    size_t owner_count;
    struct key *keys;
    size_t key_count, key_capacity;
    uint32_t *slots; /* a power of two: number of a key, from 1 on; 0: none */
    size_t slot_count;
    uint64_t seed;
    struct tally others, nameless;
};

static uint64_t sum_tally(const struct tally *tally)
{
    return tally->told[tally->told[1] > tally->told[0]];
}

/* ---- names ---- */

static int compare_owners(const void *a, const void *b)
{
    return strcmp(((const struct owner *)a)->text, ((const struct owner *)b)->text);
}

static void list_owners(struct counting *counting, const struct view *view)
{
    counting->owner_count = view->name_count;
    counting->owners = memory_alloc_array(view->name_count, sizeof *counting->owners);
    for (size_t i = 0; i < view->name_count; i++) {
        char *text = memory_copy_text(view->names[i].owner);
        for (char *at = text; *at != '\0'; at++) {
            *at = (char)tolower((unsigned char)*at);
        }
        counting->owners[i] = (struct owner){text, (uint32_t)i};
    }
    if (view->name_count > 1) {
        qsort(counting->owners, view->name_count, sizeof *counting->owners, compare_owners);
    }
}

static const struct owner *find_owner(const struct counting *counting, const char *text)
{
    struct owner wanted = {.text = text};
    return counting->owner_count == 0
               ? NULL
               : bsearch(&wanted, counting->owners, counting->owner_count, sizeof wanted, compare_owners);
}

/* Behind the first label and its dot; NULL: there is none. */
static const char *find_parent(const char *name)
{
    for (; *name != '\0' && *name != '.'; name++) {
        name += *name == '\\' && name[1] != '\0';
    }
    return *name == '.' && name[1] != '\0' ? name + 1 : NULL;
}

/* Itself, or the wildcard that answers for it. */
static const struct owner *find_asked(const struct counting *counting, const char *name)
{
    char wildcard[2 + DNS_NAME_TEXT_SIZE] = "*.";
    const struct owner *owner = find_owner(counting, name);
    for (const char *at = find_parent(name); owner == NULL && at != NULL; at = find_parent(at)) {
        strcpy(wildcard + 2, at); /* shorter than the name, by a label */
        owner = find_owner(counting, wildcard);
        if (owner == NULL && find_owner(counting, at) != NULL) {
            break;
        }
    }
    return owner;
}

/* ---- counting ---- */

static bool is_key(const struct key *key, uint32_t name, const struct addr_prefix *client)
{
    return key->name == name && key->client.len == client->len &&
           addr_equal(&key->client.addr, &client->addr);
}

static uint64_t hash_key(const struct counting *counting, uint32_t name, const struct addr_prefix *client)
{
    uint64_t hash = hash_bytes(counting->seed, &name, sizeof name);
    hash = hash_bytes(hash, client->addr.bytes, sizeof client->addr.bytes);
    return hash_finish(hash_bytes(hash, &client->len, sizeof client->len));
}

/* Where it is, or may be put. */
static uint32_t *find_slot(const struct counting *counting, uint32_t name, const struct addr_prefix *client)
{
    size_t at = hash_key(counting, name, client) & (counting->slot_count - 1);
    while (counting->slots[at] != 0 && !is_key(&counting->keys[counting->slots[at] - 1], name, client)) {
        at = (at + 1) & (counting->slot_count - 1);
    }
    return &counting->slots[at];
}

static void widen(struct counting *counting)
{
    free(counting->slots);
    counting->slot_count *= 2;
    counting->slots = memory_alloc_array(counting->slot_count, sizeof *counting->slots);
    for (size_t i = 0; i < counting->key_count; i++) {
        *find_slot(counting, counting->keys[i].name, &counting->keys[i].client) = (uint32_t)i + 1;
    }
}

/* NULL: there is no room for it. */
static struct tally *find_tally(struct counting *counting, uint32_t name, const struct addr_prefix *client)
{
    uint32_t *slot = find_slot(counting, name, client);
    if (*slot != 0) {
        return &counting->keys[*slot - 1].tally;
    }
    if (counting->key_count == DRILL_RECORDED_MAX) {
        return NULL;
    }
    counting->keys =
        memory_grow(counting->keys, counting->key_count, &counting->key_capacity, sizeof *counting->keys);
    counting->keys[counting->key_count++] = (struct key){.name = name, .client = *client};
    *slot = (uint32_t)counting->key_count;
    if (counting->key_count * 2 > counting->slot_count) {
        widen(counting);
    }
    return &counting->keys[counting->key_count - 1].tally;
}

static bool take_query(void *context, const struct recording_query *query)
{
    struct counting *counting = context;
    const struct owner *owner = query->name == NULL ? NULL : find_asked(counting, query->name);
    struct tally *tally = query->name == NULL ? &counting->nameless
                          : owner == NULL     ? &counting->others
                                              : find_tally(counting, owner->name, &query->client);
    if (tally != NULL) {
        tally->told[query->is_reply]++;
    }
    return tally != NULL;
}

/* ---- shares ---- */

/* Returns how many queries are for names of the configuration. */
static uint64_t share_out(const struct counting *counting, const struct view *view, struct arena *arena,
                          struct drill_recorded *to)
{
    double **shares = arena_alloc(arena, view->name_count * sizeof *shares);
    uint64_t all = 0;
    for (size_t i = 0; i < counting->key_count; i++) {
        all += sum_tally(&counting->keys[i].tally);
    }
    for (size_t i = 0; i < counting->key_count; i++) {
        const struct key *key = &counting->keys[i];
        const struct steer_policy *policy = steer_set_get(view->steer, view->names[key->name].policy);
        double share = (double)sum_tally(&key->tally) / (double)all;
        if (shares[key->name] == NULL) {
            shares[key->name] = arena_alloc(arena, policy->class_count * sizeof **shares);
        }
        if (policy->geo == NULL) {
            shares[key->name][0] += share;
        } else {
            geo_weigh_classes(policy->geo, &key->client, share, shares[key->name], policy->class_count);
        }
    }
    to->shares = (const double *const *)shares;
    return all;
}

/* ---- the whole ---- */

static void free_counting(struct counting *counting)
{
    for (size_t i = 0; i < counting->owner_count; i++) {
        free((void *)(uintptr_t)counting->owners[i].text);
    }
    free(counting->owners);
    free(counting->keys);
    free(counting->slots);
}

int drill_load_recorded(const struct view *view, struct drill_clients *clients, struct arena *arena,
                        struct report *report)
{
    struct counting counting = {.slot_count = FIRST_SLOTS, .seed = random_seed()};
    struct recording_fault fault;
    if (clients->recorded == NULL) {
        return 0;
    }
    struct drill_recorded *found = arena_alloc(arena, sizeof *found);
    list_owners(&counting, view);
    counting.slots = memory_alloc_array(counting.slot_count, sizeof *counting.slots);
    int error = recording_read(clients->recorded, &(struct recording_visitor){take_query, &counting}, &fault);
    if (error != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = clients->recorded}, "%s", fault.why);
    } else {
        found->path = clients->recorded;
        found->queries = share_out(&counting, view, arena, found);
        found->others = sum_tally(&counting.others);
        found->nameless = sum_tally(&counting.nameless);
        clients->recording = found;
    }
    if (error == 0 && found->queries == 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = clients->recorded},
                   "found no query for a name of the configuration, and %llu for other names",
                   (unsigned long long)found->others);
        error = ERROR_INVALID;
    }
    free_counting(&counting);
    return error;
}
