/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rdata of one member: the zone gives them back as records, the writer of master files makes texts of them.
 */
#include "config.h"

#include "operate/rdata.h"

#include "base/buffer.h"
#include "zone/walk.h"
#include "zone/writer.h"

struct listing {
    struct arena *arena;
    const char **items;
    size_t count;
};

static int add_record(void *context, const struct zone_record *record)
{
    struct listing *listing = context;
    struct buffer text;
    buffer_init(&text);
    zone_write_rdata(&text, record);
    buffer_add(&text, "", 1);
    listing->items[listing->count++] = arena_copy_text(listing->arena, text.bytes);
    buffer_fini(&text);
    return 0;
}

const char **rdata_list(const struct rdata_place *place, unsigned member, struct arena *arena, size_t *count)
{
    bool is_listed = (place->rrset->flags & ZONE_RRSET_LISTED) != 0;
    const struct zone_set *set =
        is_listed ? zone_get_set(place->zone, zone_get_listed(place->zone, place->rrset), member) : NULL;
    struct listing listing = {.arena = arena};
    listing.items = arena_alloc(arena, (set == NULL ? 1u : set->rrset.count) * sizeof *listing.items);
    const struct zone_sink sink = {.context = &listing, .record = add_record};
    (void)zone_walk_member(place->zone, place->owner, place->rrset, member, &sink);
    *count = listing.count;
    return listing.items;
}
