/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Asking databases themselves what they know of one address, for explaining; look-ups of the data path go to
 * the compiled tree. */
#include "config.h"

#include "geo/geo.h"

#include "geo/place.h"
#include "geo/ways.h"

#include <string.h>

/* The leaf for an address, and how many bits lead to it. */
static uint32_t walk(const struct geo_trie *trie, uint32_t root, const struct addr *addr, unsigned *depth)
{
    uint32_t at = root;
    for (*depth = 0; !geo_is_leaf(at); (*depth)++) {
        at = trie->nodes[at].child[addr->bytes[*depth / 8] >> (7 - *depth % 8) & 1u];
    }
    return at & ~GEO_LEAF;
}

static uint32_t move_text(const struct geo_pool *from, uint32_t text, struct geo_pool *to)
{
    const struct geo_pool_item *item = &from->items[text];
    return geo_pool_add(to, item->bytes, item->len);
}

unsigned geo_find_facts(struct geo_db *const *dbs, size_t db_count, const struct addr *addr,
                        struct geo_pool *texts, struct geo_facts *facts)
{
    unsigned longest = 0;
    *facts = (struct geo_facts){0};
    for (size_t i = 0; i < db_count && addr->family != ADDR_NONE; i++) {
        unsigned depth;
        const struct geo_db *db = dbs[i];
        uint32_t number =
            walk(&db->networks, addr->family == ADDR_V4 ? db->root_v4 : db->root_v6, addr, &depth);
        struct geo_facts more = *(const struct geo_facts *)geo_pool_get(&db->facts, number);
        more.city = move_text(&db->texts, more.city, texts);
        for (size_t s = 0; s < GEO_SUBDIVISIONS; s++) {
            more.subdivision[s] = move_text(&db->texts, more.subdivision[s], texts);
        }
        geo_facts_fill(facts, &more);
        longest = depth > longest ? depth : longest;
    }
    return longest;
}

/* Of an IPv6 address that stands for an IPv4 one, what is known of that. */
static unsigned find_facts(struct geo_db *const *dbs, size_t db_count, const struct addr *addr,
                           struct geo_pool *texts, struct geo_facts *facts)
{
    const struct geo_way *way = geo_find_way(addr, GEO_WAYS_ALL);
    if (way == NULL) {
        return geo_find_facts(dbs, db_count, addr, texts, facts);
    }
    struct addr v4 = geo_way_address(way, addr);
    return way->at * 8u + geo_find_facts(dbs, db_count, &v4, texts, facts);
}

bool geo_find_place(struct geo_db *const *dbs, size_t db_count, const struct addr *addr, struct arena *arena,
                    struct geo_place *place)
{
    struct geo_pool texts;
    struct geo_facts facts;
    geo_pool_init(&texts, "", 0);
    unsigned prefix_len = find_facts(dbs, db_count, addr, &texts, &facts);
    *place = (struct geo_place){.city_id = facts.city_id,
                                .asn = facts.asn,
                                .has_location = facts.latitude != 0,
                                .prefix_len = (uint8_t)prefix_len};
    geo_code_write(facts.country, place->country);
    geo_code_write(facts.continent, place->continent);
    for (size_t i = 0; i < GEO_SUBDIVISIONS; i++) {
        if (facts.subdivision[i] != 0) {
            place->subdivisions[place->subdivision_count++] =
                arena_copy_text(arena, geo_pool_get(&texts, facts.subdivision[i]));
        }
    }
    if (facts.city != 0) {
        place->city = arena_copy_text(arena, geo_pool_get(&texts, facts.city));
    }
    if (facts.latitude != 0) {
        place->latitude = geo_degrees_unpack(facts.latitude, -90);
        place->longitude = geo_degrees_unpack(facts.longitude, -180);
    }
    geo_pool_fini(&texts);
    return geo_facts_known(&facts) != 0;
}
