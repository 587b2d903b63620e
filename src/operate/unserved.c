/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See unserved.h. It stands between an operator in an emergency and what he wants, so it does no more than it
 * has to: the policies that have a member in the target first, then those of them that a moment changes, and
 * their names in the end. Works on copies of the words, so that other threads may store meanwhile. */
#include "config.h"

#include "operate/unserved.h"

#include "base/error.h"
#include "base/memory.h"
#include "dns/types.h"
#include "operate/choice.h"
#include "operate/moments.h"

#include <stdlib.h>

enum { BEFORE, AFTER, SIDES };

/* What is found of a policy. */
struct found {
    uint16_t types, class_id, class_count;
    uint16_t moment; /* the first one */
};

struct search {
    const struct operate_unserved_ask *ask;
    const struct steer_set *set;
    const struct conf_topology *topology;
    struct health_spell old;     /* of the target: what is accepted now */
    struct health_spell *others; /* that may make a difference to policies of the target */
    size_t other_count;
    struct moments moments;
    struct health_table *tables[MOMENTS_MAX][SIDES];
    uint16_t *inside;  /* by endpoint: 1: of the target */
    uint16_t *moved;   /* by endpoint: a bit per moment: in another state than a moment before */
    uint32_t *touched; /* policies with somebody inside */
    size_t touched_count;
    struct found *found; /* by policy */
    struct steer_choice choice;
    void *memory; /* of the choice */
};

_Static_assert(MOMENTS_MAX <= 16, "a bit for each");

/* ---- who is concerned ---- */

/* Of all kinds. */
struct related {
    bool *marks[HEALTH_REGION + 1];
};

static void mark_inside(struct search *search)
{
    const struct health_spell *wish = search->ask->wish;
    for (uint32_t i = 0; i < search->topology->endpoint_count; i++) {
        if (wish == NULL) {
            search->inside[i] = 1;
            continue;
        }
        const struct conf_endpoint *conf = &search->topology->endpoints[i];
        const uint32_t at[] = {[HEALTH_ENDPOINT] = i, [HEALTH_AZ] = conf->az, [HEALTH_REGION] = conf->region};
        search->inside[i] = at[wish->kind] == wish->index;
    }
}

/* What the members are marked with, or-ed, of `all` that is asked about. Branches only now and then: there
 * may be ten million members. */
static unsigned gather_marks(const struct steer_policy *policy, const uint16_t *marks, unsigned all)
{
    enum { PIECE = 16 };
    unsigned found = 0;
    for (size_t i = 0; i < policy->member_count && found != all; i += PIECE) {
        size_t end = i + PIECE < policy->member_count ? i + PIECE : policy->member_count;
        for (size_t m = i; m < end; m++) {
            found |= marks[policy->members[m].endpoint];
        }
    }
    return found;
}

static void add_touched(struct search *search, uint32_t policy, struct steer_room *room)
{
    search->touched[search->touched_count++] = policy;
    steer_widen_room(room, steer_set_get(search->set, policy));
}

/* Of an endpoint it is known; of an az or a region the first members of a policy tell. */
static void find_touched(struct search *search)
{
    const struct steer_policy *const *policies = steer_set_policies(search->set);
    const struct health_spell *wish = search->ask->wish;
    struct steer_room room = {.members = 0};
    size_t count = steer_set_count(search->set), known = 0, found = 0;
    const uint32_t *of_endpoint = wish == NULL || wish->kind != HEALTH_ENDPOINT
                                      ? NULL
                                      : view_find_policies(search->ask->view, wish->index, &found, &known);
    search->touched = memory_alloc_array(count, sizeof *search->touched);
    for (size_t i = 0; i < found; i++) {
        add_touched(search, of_endpoint[i], &room);
    }
    for (size_t i = known; i < count && !progress_is_cancelled(search->ask->progress); i++) {
        if (gather_marks(policies[i], search->inside, 1) != 0) {
            add_touched(search, (uint32_t)i, &room);
        }
    }
    search->memory = memory_alloc(steer_room_size(room));
    steer_choice_init(&search->choice, room, search->memory);
}

/* What is in a policy with somebody inside. */
static void mark_related(const struct search *search, struct related *related)
{
    for (size_t i = 0; i < search->touched_count && !progress_is_cancelled(search->ask->progress); i++) {
        const struct steer_policy *policy = steer_set_get(search->set, search->touched[i]);
        for (size_t m = 0; m < policy->member_count; m++) {
            related->marks[HEALTH_ENDPOINT][policy->members[m].endpoint] = true;
        }
    }
    for (uint32_t i = 0; i < search->topology->endpoint_count; i++) {
        if (related->marks[HEALTH_ENDPOINT][i]) {
            related->marks[HEALTH_AZ][search->topology->endpoints[i].az] = true;
            related->marks[HEALTH_REGION][search->topology->endpoints[i].region] = true;
        }
    }
}

/* Whoever is drained in part serves all of his names. */
static void drop_share(struct health_spell *spell)
{
    spell->groups = spell->share != 0 ? 0 : spell->groups;
    spell->share = 0;
}

static void find_old(struct search *search)
{
    const struct operate_unserved_ask *ask = search->ask;
    search->old = (struct health_spell){
        .kind = ask->wish->kind, .index = ask->wish->index, .desired = HEALTH_DESIRED_AUTO};
    for (size_t i = 0; i < ask->spell_count; i++) {
        if (ask->spells[i].kind == ask->wish->kind && ask->spells[i].index == ask->wish->index) {
            search->old = ask->spells[i];
            drop_share(&search->old);
        }
    }
}

/* Is there anything to ask? Not where one in force would have to end for a planned one: that is refused. */
static bool takes_away(struct search *search)
{
    struct health_spell wish = *search->ask->wish;
    const struct health_spell *old = &search->old;
    bool is_refused = wish.desired != HEALTH_DESIRED_AUTO && wish.from_ms != INT64_MIN &&
                      old->desired != HEALTH_DESIRED_AUTO && old->from_ms == INT64_MIN;
    drop_share(&wish);
    moments_find(&search->moments, &wish, old, NULL, 0, search->ask->wall_ms);
    return search->moments.count != 0 && !is_refused;
}

/* Which other overrides play a part. */
static void find_others(struct search *search)
{
    const struct operate_unserved_ask *ask = search->ask;
    struct related related = {
        .marks = {[HEALTH_ENDPOINT] = memory_alloc_array(search->topology->endpoint_count, sizeof(bool)),
                  [HEALTH_AZ] = memory_alloc_array(search->topology->az_count, sizeof(bool)),
                  [HEALTH_REGION] = memory_alloc_array(search->topology->region_count, sizeof(bool))}};
    search->others = memory_alloc_array(ask->spell_count, sizeof *search->others);
    if (ask->spell_count != 0) {
        mark_related(search, &related);
    }
    for (size_t i = 0; i < ask->spell_count; i++) {
        const struct health_spell *spell = &ask->spells[i];
        bool is_old = spell->kind == ask->wish->kind && spell->index == ask->wish->index;
        if (!is_old && related.marks[spell->kind][spell->index]) {
            search->others[search->other_count++] = *spell;
        }
    }
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        free(related.marks[kind]);
    }
}

/* ---- moments ---- */

static void assume(const struct search *search, const struct health_spell *spell, size_t moment,
                   unsigned side)
{
    struct health_spell counted = moments_get(spell, search->moments.spans[moment], side == BEFORE);
    drop_share(&counted);
    health_assume(search->tables[moment][side], &counted);
}

/* Is it drained for some names? Then who these are is asked of their policies. */
static bool is_scoped(const struct search *search, uint32_t endpoint, size_t moment, unsigned side)
{
    const struct conf_endpoint *conf = &search->topology->endpoints[endpoint];
    const struct health_table *table = search->tables[moment][side];
    uint32_t words = atomic_load_explicit(&table->endpoints[endpoint], memory_order_relaxed) |
                     atomic_load_explicit(&table->azs[conf->az], memory_order_relaxed) |
                     atomic_load_explicit(&table->regions[conf->region], memory_order_relaxed);
    return (words & HEALTH_WORD_SCOPED) != 0;
}

static unsigned find_states(const struct search *search, uint32_t endpoint, size_t moment, unsigned side)
{
    const struct conf_endpoint *conf = &search->topology->endpoints[endpoint];
    const struct health_table *table = search->tables[moment][side];
    return health_table_effective(table, endpoint, conf->az, conf->region, HEALTH_V4).state |
           health_table_effective(table, endpoint, conf->az, conf->region, HEALTH_V6).state << 4;
}

/* Who is in another state than a moment before; at first: than without the override. */
static void mark_moved(struct search *search, size_t moment)
{
    for (uint32_t i = 0; i < search->topology->endpoint_count; i++) {
        unsigned before = find_states(search, i, moment, BEFORE),
                 after = find_states(search, i, moment, AFTER);
        bool is_moved = moment == 0 ? before != after
                                    : before != find_states(search, i, moment - 1, BEFORE) ||
                                          after != find_states(search, i, moment - 1, AFTER);
        is_moved |= is_scoped(search, i, moment, BEFORE) || is_scoped(search, i, moment, AFTER);
        search->moved[i] |= (uint16_t)(is_moved << moment);
    }
}

/* Of all that are accepted, or would be. */
static void assume_all(const struct search *search, size_t moment, unsigned side)
{
    const struct operate_unserved_ask *ask = search->ask;
    for (size_t i = 0; i < ask->spell_count; i++) {
        struct health_spell spell = ask->spells[i];
        if (side == AFTER) {
            spell.desired = HEALTH_DESIRED_AUTO;
            spell.groups = 0;
            spell.exit = 0;
        }
        assume(search, &spell, moment, side);
    }
    for (size_t i = 0; side == AFTER && i < ask->after_count; i++) {
        assume(search, &ask->after[i], moment, side);
    }
}

static void make_moment(struct search *search, size_t moment)
{
    for (unsigned side = 0; side < SIDES; side++) {
        search->tables[moment][side] = health_copy_words(
            moment == 0 && side == BEFORE ? search->ask->view->table : search->tables[0][BEFORE]);
        if (search->ask->wish == NULL) {
            assume_all(search, moment, side);
            continue;
        }
        for (size_t i = 0; i < search->other_count; i++) {
            assume(search, &search->others[i], moment, side);
        }
        assume(search, side == BEFORE ? &search->old : search->ask->wish, moment, side);
    }
    mark_moved(search, moment);
}

/* ---- what they lose ---- */

static bool is_served_with(struct search *search, const struct steer_policy *policy, struct steer_ask ask,
                           const struct health_table *table)
{
    if (steer_surely_serves(policy, ask, table)) {
        return true; /* nearly always: it need not be known by whom */
    }
    steer_evaluate(policy, ask, table, &search->choice, NULL);
    return operate_is_served(policy, &search->choice, table, steer_get_family(ask.types));
}

/* All types that a member may have. */
static uint16_t find_types(const struct steer_policy *policy)
{
    uint16_t types = 0;
    for (size_t i = 0; i < policy->member_count; i++) {
        const struct steer_member *member = &policy->members[i];
        types |= (uint16_t)(member->types | (member->has_host ? STEER_HAS_A | STEER_HAS_AAAA : 0));
    }
    return types;
}

/* Returns whether somebody loses something. */
static bool look_at_policy(struct search *search, const struct steer_policy *policy, size_t moment)
{
    struct health_table *const *tables = search->tables[moment];
    struct found *found = &search->found[policy->id];
    uint16_t types = find_types(policy), count = 0;
    for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
        uint16_t lost = 0;
        for (unsigned type = 1; type <= types; type <<= 1) {
            const struct steer_ask ask = {
                .now_ms = (uint64_t)search->ask->wall_ms, .class_id = class_id, .types = (uint16_t)type};
            if ((types & type) != 0 && !is_served_with(search, policy, ask, tables[AFTER]) &&
                is_served_with(search, policy, ask, tables[BEFORE])) {
                lost |= (uint16_t)type;
            }
        }
        if (lost != 0) {
            found->class_id = found->types == 0 ? class_id : found->class_id;
            found->moment = found->types == 0 ? (uint16_t)moment : found->moment;
            found->types |= lost;
            count++;
        }
    }
    found->class_count = found->class_count > count ? found->class_count : count;
    return count != 0;
}

/* Returns whether there is anybody. */
static bool look_at_policies(struct search *search)
{
    size_t count = search->moments.count;
    bool any = false;
    progress_expect(search->ask->progress, search->touched_count);
    for (size_t i = 0; i < search->touched_count && progress_step(search->ask->progress, 1); i++) {
        const struct steer_policy *policy = steer_set_get(search->set, search->touched[i]);
        unsigned moved = gather_marks(policy, search->moved, (1u << count) - 1);
        for (size_t moment = 0; moment < count; moment++) {
            any |= (moved >> moment & 1) != 0 && look_at_policy(search, policy, moment);
        }
    }
    return any;
}

/* ---- whose names these are ---- */

static void tell_name(const struct search *search, const struct view_name *name, uint16_t types,
                      struct arena *arena, struct operate_unserved_name *to)
{
    const struct steer_policy *policy = steer_set_get(search->set, name->policy);
    const struct found *found = &search->found[name->policy];
    char text[DNS_TYPE_TEXT_SIZE];
    size_t count = 0;
    *to = (struct operate_unserved_name){.name = arena_copy_text(arena, name->owner),
                                         .zone = arena_copy_text(arena, name->zone),
                                         .class_label =
                                             arena_copy_text(arena, policy->classes[found->class_id].label),
                                         .class_count = found->class_count};
    for (unsigned i = 0; i < policy->type_count; i++) {
        if ((types >> i & 1) != 0) {
            to->types[count++] = arena_copy_text(arena, dns_write_type(policy->types[i], text));
        }
    }
}

static void add_subject(const struct search *search, const struct view_name *name, uint16_t types,
                        struct subject *subject)
{
    const struct steer_policy *policy = steer_set_get(search->set, name->policy);
    char text[DNS_TYPE_TEXT_SIZE];
    for (unsigned i = 0; i < policy->type_count; i++) {
        if ((types >> i & 1) != 0) {
            subject_add(subject, name->owner, name->zone, dns_write_type(policy->types[i], text));
        }
    }
    subject->amount += search->found[name->policy].class_count;
}

static void list_names(const struct search *search, struct arena *arena, struct operate_unserved *unserved)
{
    const struct view *view = search->ask->view;
    size_t limit = search->ask->limit < view->name_count ? search->ask->limit : view->name_count;
    size_t moment = search->moments.count - 1;
    unserved->names = arena_alloc(arena, limit * sizeof *unserved->names);
    for (size_t i = 0; i < view->name_count && !progress_is_cancelled(search->ask->progress); i++) {
        const struct view_name *name = &view->names[i];
        uint16_t types = search->found[name->policy].types & name->types;
        if (types == 0) {
            continue;
        }
        if (unserved->count < limit) {
            tell_name(search, name, types, arena, &unserved->names[unserved->count++]);
        }
        add_subject(search, name, types, &unserved->subject);
        moment = search->found[name->policy].moment < moment ? search->found[name->policy].moment : moment;
        unserved->total++;
    }
    int64_t from_ms = search->moments.spans[moment].from_ms;
    unserved->from_ms = from_ms > search->ask->wall_ms ? from_ms : 0;
}

static void prepare(struct search *search)
{
    size_t endpoints = search->topology->endpoint_count;
    search->inside = memory_alloc_array(endpoints, sizeof *search->inside);
    search->moved = memory_alloc_array(endpoints, sizeof *search->moved);
    mark_inside(search);
    find_touched(search);
    if (search->ask->wish != NULL) {
        find_others(search);
        moments_find(&search->moments, search->ask->wish, &search->old, search->others, search->other_count,
                     search->ask->wall_ms);
    }
    for (size_t i = 0; i < search->moments.count; i++) {
        make_moment(search, i);
    }
    search->found = memory_alloc_array(steer_set_count(search->set), sizeof *search->found);
}

static void finish(struct search *search)
{
    for (size_t i = 0; i < search->moments.count; i++) {
        free(search->tables[i][BEFORE]);
        free(search->tables[i][AFTER]);
    }
    free(search->inside);
    free(search->moved);
    free(search->touched);
    free(search->others);
    free(search->found);
    free(search->memory);
}

int operate_find_unserved(const struct operate_unserved_ask *ask, struct arena *arena,
                          struct operate_unserved *unserved)
{
    const struct view *view = ask->view;
    *unserved = (struct operate_unserved){.count = 0};
    if (view->topology == NULL || view->name_count == 0) {
        return 0;
    }
    struct search search = {.ask = ask, .set = view->steer, .topology = view->topology};
    if (ask->wish == NULL) {
        moments_find_all(&search.moments, ask->spells, ask->spell_count, ask->after, ask->after_count,
                         ask->wall_ms);
    } else {
        find_old(&search);
        if (!takes_away(&search)) {
            return 0;
        }
    }
    prepare(&search);
    if (look_at_policies(&search)) {
        list_names(&search, arena, unserved);
    }
    finish(&search);
    return progress_is_cancelled(ask->progress) ? ERROR_CANCELLED : 0;
}
