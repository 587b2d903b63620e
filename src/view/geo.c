/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Geography of a view: its databases, and what the rules and distances of a name make of its clients. A
 * database whose file did not change is taken over from the previous view, and so is one whose file is broken
 * now; what else is needed of them is joined once per view. Trees are shared by all names whose rules and
 * places are equal. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/source.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)GEO_CONTINENT == (int)CONF_GEO_CONTINENT && (int)GEO_COUNTRY == (int)CONF_GEO_COUNTRY &&
                   (int)GEO_SUBDIVISION == (int)CONF_GEO_SUBDIVISION && (int)GEO_CITY == (int)CONF_GEO_CITY &&
                   (int)GEO_ASN == (int)CONF_GEO_ASN && (int)GEO_KINDS == (int)CONF_GEO_KINDS,
               "documents and databases number kinds alike");

/* ---- databases ---- */

/* Of the previous view by path, or NULL. */
static const struct view_geo *find_previous(const struct view *previous, const char *path)
{
    for (size_t i = 0; previous != NULL && i < previous->geo_count; i++) {
        if (strcmp(geo_get_info(previous->geo[i])->path, path) == 0) {
            return &previous->geo_files[i];
        }
    }
    return NULL;
}

static struct geo_db *take_over(const struct compiler *c, const struct view_geo *from, struct view_geo *file)
{
    struct geo_db *db = c->has_geo->geo[from - c->has_geo->geo_files];
    geo_hold_db(db);
    file->loaded_ms = from->loaded_ms;
    return db;
}

/* A file that knows nothing in place of one that did is a mistake of whoever made it: like a broken one.
 * Where there was none before, the database is taken as it is: geo_open_db() warns. */
static bool is_worse(const struct compiler *c, const struct geo_db *db, const struct view_geo *from)
{
    return from != NULL && geo_get_info(db)->knows == 0 &&
           geo_get_info(c->has_geo->geo[from - c->has_geo->geo_files])->knows != 0;
}

static struct geo_db *keep_last_good(const struct compiler *c, const struct view_geo *from, const char *path,
                                     struct view_geo *file)
{
    report_add(c->report, REPORT_WARNING, &(struct report_place){.file = path},
               "the last good version of this geo database is kept");
    file->stale = true;
    return take_over(c, from, file);
}

/* Databases are not laid out with a past configuration: they are where those of now are. */
static const char *find_file(const struct compiler *c, const char *path)
{
    bool is_laid_out = report_get_root(c->report) != NULL;
    const struct source_tree *tree = c->has_geo == NULL ? NULL : c->has_geo->server->tree;
    char *real = is_laid_out ? source_locate_in(tree, path) : source_locate(c->report, path);
    const char *copy = arena_copy_text(c->view->arena, real);
    free(real);
    return copy;
}

static struct geo_db *load_database(struct compiler *c, const char *path, struct view_geo *file)
{
    const struct view_geo *from = find_previous(c->has_geo, path);
    const char *real = find_file(c, path);
    source_see(c->report, real);
    *file =
        (struct view_geo){.real = real, .loaded_ms = c->view->loaded_ms, .signature = geo_sign_file(real)};
    if (from != NULL && geo_signature_equal(geo_get_signature(c->has_geo->geo[from - c->has_geo->geo_files]),
                                            &file->signature)) {
        return take_over(c, from, file);
    }
    struct geo_db *db = geo_open_db_at(path, real, c->report);
    if (db != NULL) {
        file->signature = *geo_get_signature(db);
    }
    if (db != NULL && is_worse(c, db, from)) {
        report_add(c->report, REPORT_ERROR, &(struct report_place){.file = path},
                   "found a geo database that knows nothing, expected one that knows as much as before");
        geo_close_db(db);
        db = NULL;
    }
    return db == NULL && from != NULL ? keep_last_good(c, from, path, file) : db;
}

void compile_open_atlas(struct compiler *c)
{
    const struct view *view = c->view;
    for (size_t i = 0; i < view->geo_count; i++) {
        c->geo_knows |= geo_get_info(view->geo[i])->knows;
    }
    c->atlas = geo_atlas_new(view->geo, view->geo_count);
    geo_atlas_follow(c->atlas, c->report);
}

bool compile_load_geo(struct compiler *c)
{
    struct view *view = c->view;
    const struct conf_server *server = view->server;
    bool good = true;
    view->geo = memory_alloc_array(server->geo_count, sizeof(struct geo_db *));
    view->geo_files = arena_alloc(view->arena, server->geo_count * sizeof *view->geo_files);
    for (size_t i = 0; i < server->geo_count; i++) {
        struct geo_db *db = load_database(c, server->geo_paths[i], &view->geo_files[view->geo_count]);
        good &= db != NULL;
        if (db != NULL) {
            view->geo[view->geo_count++] = db;
        }
    }
    compile_open_atlas(c);
    compile_note_geo(view);
    return good || c->is_past;
}

/* ---- what rules lead to ---- */

/* The targets of a name: its own tiers, then the outcomes of its rules. */
struct targets {
    const struct conf_name *name;
    size_t count;
    uint32_t *targets;                 /* as geo_rule has them */
    const struct conf_tiers **nearest; /* lists of sites */
    size_t nearest_count;
    uint16_t class_count; /* of tiers as listed */
};

static const struct conf_tiers *get_tiers(const struct conf_name *name, size_t target)
{
    return target == 0 ? &name->tiers : &name->outcomes[target - 1];
}

/* The same to be done with the places, which are those of the name in any case: also where one is written at
 * the name and the other in a shared set. */
static bool is_same_list(const struct conf_tiers *a, const struct conf_tiers *b)
{
    return a->nearest == b->nearest && a->others == b->others && a->fence == b->fence &&
           a->spill == b->spill && a->fallback == b->fallback;
}

static bool is_same_need(const struct conf_need *a, const struct conf_need *b,
                         const struct conf_need *general)
{
    struct steer_need one = compile_choose_need(a, general), other = compile_choose_need(b, general);
    return one.share == other.share && one.count == other.count;
}

static bool is_same_tier(const struct conf_name *name, const struct conf_tier *a, const struct conf_tier *b)
{
    return a->member_count == b->member_count &&
           memcmp(a->members, b->members, a->member_count * sizeof *a->members) == 0 &&
           is_same_need(&a->min_healthy, &b->min_healthy, &name->min_healthy) &&
           is_same_need(&a->spill_below, &b->spill_below, &name->spill_below) && a->trickle == b->trickle;
}

/* Does a rule give what clients get that no rule matches? Then it is no reason for narrower scopes. */
static bool is_default(const struct conf_name *name, const struct conf_tiers *tiers)
{
    const struct conf_tiers *own = &name->tiers;
    if (tiers->nearest != 0 || own->nearest != 0 || tiers->count != own->count || tiers->fence ||
        (tiers->spill != CONF_SPILL_DEFAULT && tiers->spill != name->spill) || tiers->fallback != NULL) {
        return false;
    }
    size_t i = 0;
    while (i < own->count && is_same_tier(name, &tiers->items[i], &own->items[i])) {
        i++;
    }
    return i == own->count;
}

/* Class 0 is what a client gets of whom nothing is known; then come the other tiers as listed, then those of
 * nearest places. */
static void number_targets(struct arena *arena, const struct conf_name *name, struct targets *to)
{
    *to = (struct targets){
        .name = name, .count = 1 + (name->geo == NULL ? 0 : name->geo->outcome_count), .class_count = 1};
    to->targets = arena_alloc(arena, to->count * sizeof *to->targets);
    to->nearest = arena_alloc(arena, to->count * sizeof(const struct conf_tiers *));
    for (size_t i = 0; i < to->count; i++) {
        const struct conf_tiers *tiers = get_tiers(name, i);
        if (tiers->nearest == 0) {
            to->targets[i] = i == 0 || is_default(name, tiers) ? 0 : to->class_count++;
            continue;
        }
        size_t list = 0;
        while (list < to->nearest_count && !is_same_list(to->nearest[list], tiers)) {
            list++;
        }
        to->nearest[list] = tiers;
        to->nearest_count += list == to->nearest_count;
        to->targets[i] = GEO_NEAREST | (uint32_t)list;
    }
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_bytes(hash, &number, sizeof number);
}

/* Names whose rules ask the same and whose places are the same share a tree. */
static uint64_t identify(const struct targets *targets)
{
    const struct conf_geo *geo = targets->name->geo;
    uint64_t hash = hash_number(HASH_START, geo == NULL ? 0 : geo->identity);
    hash = hash_bytes(hash, targets->targets, targets->count * sizeof *targets->targets);
    for (size_t i = 0; i < targets->nearest_count; i++) {
        const struct conf_tiers *tiers = targets->nearest[i];
        hash = hash_number(hash, (uint64_t)tiers->nearest << 32 | tiers->count);
        for (size_t s = 0; s < tiers->count; s++) {
            hash = hash_bytes(hash, &tiers->items[s].latitude, sizeof tiers->items[s].latitude);
            hash = hash_bytes(hash, &tiers->items[s].longitude, sizeof tiers->items[s].longitude);
        }
    }
    return hash_finish(hash);
}

/* ---- trees ---- */

static void plan_rules(struct arena *arena, const struct targets *targets, struct geo_plan *plan)
{
    const struct conf_geo *geo = targets->name->geo;
    plan->rule_count = geo == NULL ? 0 : geo->rule_count;
    struct geo_rule *rules = arena_alloc(arena, plan->rule_count * sizeof *rules);
    for (size_t r = 0; r < plan->rule_count; r++) {
        const struct conf_geo_rule *from = &geo->rules[r];
        rules[r] = (struct geo_rule){.prefixes = from->prefixes,
                                     .prefix_count = from->prefix_count,
                                     .target = targets->targets[1 + from->outcome]};
        for (int kind = 0; kind < GEO_KINDS; kind++) {
            rules[r].values[kind] = (struct geo_values){.texts = from->values[kind].texts,
                                                        .text_count = from->values[kind].text_count,
                                                        .numbers = from->values[kind].numbers,
                                                        .number_count = from->values[kind].number_count};
        }
    }
    plan->rules = rules;
}

static void plan_sites(struct arena *arena, const struct targets *targets, struct geo_plan *plan)
{
    struct geo_nearest *lists = arena_alloc(arena, targets->nearest_count * sizeof *lists);
    for (size_t i = 0; i < targets->nearest_count; i++) {
        const struct conf_tiers *tiers = targets->nearest[i];
        struct geo_site *sites = arena_alloc(arena, tiers->count * sizeof *sites);
        for (size_t s = 0; s < tiers->count; s++) {
            sites[s] = (struct geo_site){tiers->items[s].latitude, tiers->items[s].longitude};
        }
        lists[i] = (struct geo_nearest){sites, tiers->count, tiers->nearest};
    }
    plan->nearest = lists;
    plan->nearest_count = targets->nearest_count;
}

/* What no database says makes rules that never match: nothing to refuse, but surely not meant. */
static void warn_of_needs(const struct compiler *c, const struct geo_tree *tree,
                          const struct report_place *place)
{
    static const char *const texts[] = {
        [GEO_CONTINENT] = "continents", [GEO_COUNTRY] = "countries",      [GEO_SUBDIVISION] = "subdivisions",
        [GEO_CITY] = "cities",          [GEO_ASN] = "autonomous systems", [GEO_KINDS] = "coordinates"};
    unsigned knows = c->geo_knows;
    knows |= (knows & 1u << GEO_COUNTRY) != 0 ? GEO_KNOWS_LOCATION : 0; /* a point of the country */
    unsigned missing = geo_tree_needs(tree) & ~knows;
    for (unsigned kind = 0; kind <= GEO_KINDS; kind++) {
        if ((missing >> kind & 1) != 0) {
            report_add(c->report, REPORT_WARNING, place,
                       "geography asks for %s, which none of the %zu databases in \"geo\" of %s knows",
                       texts[kind], c->view->geo_count, c->view->server->path);
        }
    }
}

static void warn_of_shortening(const struct compiler *c, const struct geo_tree *tree,
                               const struct targets *targets, const struct report_place *place)
{
    for (size_t i = 0; i < targets->nearest_count; i++) {
        const struct conf_tiers *tiers = targets->nearest[i];
        unsigned wanted = tiers->nearest < tiers->count ? tiers->nearest : (unsigned)tiers->count,
                 found = geo_get_nearest_count(tree, (uint32_t)i);
        if (found < wanted) {
            report_add(
                c->report, REPORT_WARNING, place,
                "the %u nearest of %zu places make more than %d classes of clients: the %u nearest are "
                "told apart",
                wanted, tiers->count, GEO_ORDERS_MAX, found);
        }
    }
}

static struct geo_tree *build_tree(struct compiler *c, const struct targets *targets,
                                   const struct report_place *place)
{
    struct arena *arena = arena_new(0);
    struct geo_plan plan = {.otherwise = targets->targets[0], .class_count = targets->class_count};
    plan_rules(arena, targets, &plan);
    plan_sites(arena, targets, &plan);
    struct geo_tree *tree = geo_build_tree(&plan, c->atlas);
    arena_free(arena);
    warn_of_needs(c, tree, place);
    compile_warn_of_strangers(c, targets->name->geo, tree, place);
    warn_of_shortening(c, tree, targets, place);
    return tree;
}

/* ---- classes ---- */

static void plan_listed(const struct compile_plan *plan, const struct conf_tiers *tiers,
                        struct steer_class *to)
{
    struct steer_tier *items = arena_alloc(plan->arena, tiers->count * sizeof *items);
    for (size_t t = 0; t < tiers->count; t++) {
        items[t] = compile_plan_tier(plan, &tiers->items[t]);
    }
    to->tiers = items;
    to->tier_count = (uint16_t)tiers->count;
    compile_finish_class(plan, tiers, to);
}

/* The members of all places that are not among the nearest, as one tier. */
static bool plan_others(const struct compile_plan *plan, const struct conf_tiers *tiers,
                        const struct geo_order *order, struct steer_tier *to)
{
    size_t count = 0;
    bool *is_near = arena_alloc(plan->arena, tiers->count * sizeof *is_near);
    const struct conf_tier **others =
        arena_alloc(plan->arena, tiers->count * sizeof(const struct conf_tier *));
    for (size_t i = 0; i < order->count; i++) {
        is_near[order->sites[i]] = true;
    }
    for (size_t s = 0; s < tiers->count; s++) {
        if (!is_near[s]) {
            others[count++] = &tiers->items[s];
        }
    }
    *to = compile_join_tiers(plan, others, count, "others");
    return count != 0;
}

static void plan_nearest(const struct compile_plan *plan, const struct conf_tiers *tiers,
                         const struct geo_order *order, struct steer_class *to)
{
    struct steer_tier *items = arena_alloc(plan->arena, (order->count + 1u) * sizeof *items);
    struct buffer label;
    buffer_init(&label);
    for (size_t i = 0; i < order->count; i++) {
        const struct conf_tier *site = &tiers->items[order->sites[i]];
        items[to->tier_count++] = compile_plan_tier(plan, site);
        buffer_print(&label, "%s%s", i == 0 ? "nearest(" : ",", site->label);
    }
    buffer_add_text(&label, ")");
    to->label = arena_copy_text(plan->arena, label.bytes);
    buffer_fini(&label);
    if (tiers->others && plan_others(plan, tiers, order, &items[to->tier_count])) {
        to->tier_count++;
    }
    to->tiers = items;
    compile_finish_class(plan, tiers, to);
}

/* The places as listed. */
static void plan_unknown(const struct compile_plan *plan, const struct conf_tiers *tiers, unsigned count,
                         struct steer_class *to)
{
    uint16_t sites[GEO_NEAREST_MAX];
    for (uint16_t i = 0; i < count; i++) {
        sites[i] = i;
    }
    plan_nearest(plan, tiers, &(struct geo_order){.count = (uint16_t)count, .sites = sites}, to);
}

static void plan_classes(const struct compile_plan *plan, const struct targets *targets,
                         const struct geo_tree *tree, struct compile_classes *to)
{
    const struct geo_order *orders = NULL;
    const struct conf_name *name = plan->name;
    size_t order_count = tree == NULL ? 0 : geo_get_orders(tree, &orders);
    struct steer_class *classes =
        arena_alloc(plan->arena, (targets->class_count + order_count) * sizeof *classes);
    if (name->tiers.nearest == 0) {
        classes[0].label = "default";
        plan_listed(plan, &name->tiers, &classes[0]);
    } else {
        uint32_t list = targets->targets[0] & ~GEO_NEAREST;
        plan_unknown(plan, targets->nearest[list], geo_get_nearest_count(tree, list), &classes[0]);
    }
    for (size_t i = 1; name->geo != NULL && i < targets->count; i++) {
        if ((targets->targets[i] & GEO_NEAREST) == 0 && targets->targets[i] != 0) {
            struct steer_class *class = &classes[targets->targets[i]];
            class->label =
                arena_print(plan->arena, "%s[%u]", name->geo->label, name->geo->outcomes[i - 1].first_rule);
            plan_listed(plan, get_tiers(name, i), class);
        }
    }
    for (size_t i = 0; i < order_count; i++) {
        plan_nearest(plan, targets->nearest[orders[i].nearest], &orders[i],
                     &classes[targets->class_count + i]);
    }
    to->classes = classes;
    to->count = (uint16_t)(targets->class_count + order_count);
}

int compile_plan_classes(struct compiler *c, const struct compile_plan *plan, struct compile_classes *to)
{
    const struct conf_name *name = plan->name;
    struct targets targets;
    number_targets(plan->arena, name, &targets);
    *to = (struct compile_classes){.tree = NULL};
    if (targets.class_count + targets.nearest_count * GEO_ORDERS_MAX > STEER_CLASSES_MAX) {
        report_add(
            c->report, REPORT_ERROR, plan->place,
            "%s: rules lead to %u different lists of tiers and to %zu lists of nearest places, which is "
            "more than there can be classes of clients (%d)",
            name->owner, targets.class_count, targets.nearest_count, STEER_CLASSES_MAX);
        return -1;
    }
    const struct geo_tree *tree = NULL;
    if (name->geo != NULL || targets.nearest_count != 0) {
        to->key = identify(&targets);
        tree = steer_set_find_geo(c->view->steer, to->key);
    }
    if (tree == NULL && to->key != 0) {
        tree = to->tree = build_tree(c, &targets, plan->place);
    }
    plan_classes(plan, &targets, tree, to);
    return 0;
}
