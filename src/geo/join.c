/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Joining databases: each is laid under those before it, and where two meet, the earlier one decides thing by
 * thing (geo_facts_fill). What no rule asks for is left out first, so that the networks of a city database
 * merge to countries where only countries matter. */
#include "config.h"

#include "geo/join.h"

#include "geo/db.h"

#include "base/memory.h"

#include <stdlib.h>

struct geo_atlas {
    struct geo_db *const *dbs;
    size_t db_count;
    struct geo_joint *joints;
    const struct report *report;
};

/* One database on its way under a joint. */
struct adding {
    struct geo_joint *joint;
    const struct geo_db *db;
    uint32_t *texts; /* number in the joint by number in the database, + 1 */
    uint32_t *alone; /* facts in the joint by facts in the database where nothing else is known, + 1 */
};

struct geo_atlas *geo_atlas_new(struct geo_db *const *dbs, size_t db_count)
{
    struct geo_atlas *atlas = memory_alloc(sizeof *atlas);
    *atlas = (struct geo_atlas){.dbs = dbs, .db_count = db_count};
    return atlas;
}

void geo_atlas_follow(struct geo_atlas *atlas, const struct report *report)
{
    atlas->report = report;
}

const struct report *geo_atlas_report(const struct geo_atlas *atlas)
{
    return atlas->report;
}

static void free_joint(struct geo_joint *joint)
{
    geo_trie_fini(&joint->networks);
    geo_pool_fini(&joint->facts);
    geo_pool_fini(&joint->texts);
    free(joint);
}

void geo_atlas_free(struct geo_atlas *atlas)
{
    if (atlas != NULL) {
        for (struct geo_joint *joint = atlas->joints, *next; joint != NULL; joint = next) {
            next = joint->next;
            free_joint(joint);
        }
        free(atlas);
    }
}

static uint32_t move_text(struct adding *adding, uint32_t text)
{
    uint32_t *known = &adding->texts[text];
    if (*known == 0) {
        const struct geo_pool_item *item = &adding->db->texts.items[text];
        *known = 1 + geo_pool_add(&adding->joint->texts, item->bytes, item->len);
    }
    return *known - 1;
}

static struct geo_facts move_facts(struct adding *adding, uint32_t number)
{
    struct geo_facts facts = *(const struct geo_facts *)geo_pool_get(&adding->db->facts, number);
    geo_facts_reduce(&facts, adding->joint->needs);
    facts.city = move_text(adding, facts.city);
    for (size_t i = 0; i < GEO_SUBDIVISIONS; i++) {
        facts.subdivision[i] = move_text(adding, facts.subdivision[i]);
    }
    return facts;
}

static uint32_t combine(void *context, uint32_t upper, uint32_t lower)
{
    struct adding *adding = context;
    struct geo_pool *pool = &adding->joint->facts;
    if (upper == 0 && adding->alone[lower] != 0) {
        return adding->alone[lower] - 1;
    }
    struct geo_facts facts = *(const struct geo_facts *)geo_pool_get(pool, upper),
                     more = move_facts(adding, lower);
    geo_facts_fill(&facts, &more);
    uint32_t number = geo_pool_add(pool, &facts, sizeof facts);
    if (upper == 0) {
        adding->alone[lower] = number + 1;
    }
    return number;
}

static bool decides(void *context, uint32_t upper)
{
    const struct adding *adding = context;
    return (adding->joint->needs & ~geo_facts_known(geo_pool_get(&adding->joint->facts, upper))) == 0;
}

static void add_database(struct geo_joint *joint, const struct geo_db *db, const struct report *report)
{
    struct adding adding = {.joint = joint, .db = db};
    struct geo_trie merged = {0};
    adding.texts = memory_alloc_array(db->texts.count, sizeof *adding.texts);
    adding.alone = memory_alloc_array(db->facts.count, sizeof *adding.alone);
    struct geo_overlay overlay = {.upper = &joint->networks,
                                  .lower = &db->networks,
                                  .out = &merged,
                                  .context = &adding,
                                  .report = report,
                                  .combine = combine,
                                  .decides = decides};
    joint->root_v4 = geo_overlay_run(&overlay, joint->root_v4, db->root_v4);
    joint->root_v6 = geo_overlay_run(&overlay, joint->root_v6, db->root_v6);
    geo_overlay_fini(&overlay);
    geo_trie_fini(&joint->networks);
    joint->networks = merged;
    free(adding.texts);
    free(adding.alone);
}

const struct geo_joint *geo_atlas_join(struct geo_atlas *atlas, unsigned needs)
{
    static const struct geo_facts nothing;
    /* The country decides what may be taken together, and stands in where there are no coordinates. */
    if ((needs & 1u << GEO_LOCATION) != 0 || (atlas->db_count > 1 && (needs & ~(1u << GEO_ASN)) != 0)) {
        needs |= 1u << GEO_COUNTRY;
    }
    for (const struct geo_joint *joint = atlas->joints; joint != NULL; joint = joint->next) {
        if (joint->needs == needs) {
            return joint;
        }
    }
    struct geo_joint *joint = memory_alloc(sizeof *joint);
    *joint = (struct geo_joint){.needs = needs, .root_v4 = GEO_LEAF, .root_v6 = GEO_LEAF};
    joint->next = atlas->joints;
    atlas->joints = joint;
    geo_pool_init(&joint->facts, &nothing, sizeof nothing);
    geo_pool_init(&joint->texts, "", 0);
    for (size_t i = 0; i < atlas->db_count && needs != 0; i++) {
        add_database(joint, atlas->dbs[i], atlas->report);
    }
    return joint;
}
