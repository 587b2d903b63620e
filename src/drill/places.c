/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See places.h. */
#include "config.h"

#include "drill/places.h"

#include "base/memory.h"

#include <stdlib.h>

struct count {
    uint32_t members, marked;
};

static bool is_whole(const struct count *place)
{
    return place->members != 0 && place->marked == place->members;
}

struct list {
    struct drill_loss *items;
    size_t count;
};

static void add(struct list *list, enum health_kind kind, uint32_t index)
{
    list->items[list->count++] = (struct drill_loss){kind, index};
}

size_t drill_list_places(const struct conf_topology *topology, const bool *is_marked, struct arena *arena,
                         struct drill_loss **places)
{
    struct count *regions = memory_alloc_array(topology->region_count + 1, sizeof *regions);
    struct count *azs = memory_alloc_array(topology->az_count + 1, sizeof *azs);
    size_t marked = 0; /* each place has one at the least */
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        regions[endpoint->region].members++;
        azs[endpoint->az].members++;
        regions[endpoint->region].marked += is_marked[i];
        azs[endpoint->az].marked += is_marked[i];
        marked += is_marked[i];
    }
    struct list list = {.items = memory_alloc_array(marked + 1, sizeof *list.items)};
    for (uint32_t i = 0; i < topology->region_count; i++) {
        if (is_whole(&regions[i])) {
            add(&list, HEALTH_REGION, i);
        }
    }
    for (uint32_t i = 0; i < topology->az_count; i++) {
        if (is_whole(&azs[i]) && !is_whole(&regions[topology->azs[i].region])) {
            add(&list, HEALTH_AZ, i);
        }
    }
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        if (is_marked[i] && !is_whole(&azs[topology->endpoints[i].az])) {
            add(&list, HEALTH_ENDPOINT, i);
        }
    }
    *places = arena_copy(arena, list.items, list.count * sizeof *list.items);
    free(list.items);
    free(regions);
    free(azs);
    return list.count;
}

const char *drill_place_name(const struct conf_topology *topology, const struct drill_loss *place)
{
    return place->kind == HEALTH_REGION ? topology->regions[place->index].name
           : place->kind == HEALTH_AZ   ? topology->azs[place->index].name
                                        : topology->endpoints[place->index].name;
}

/* For whoever looks: of a link, and of a sight, that is one of those whom they are of. */
static bool concerns(const struct drill_causes *causes, const struct drill_cause *cause, uint32_t endpoint)
{
    const struct conf_endpoint *own = &causes->topology->endpoints[endpoint];
    uint32_t vantage = cause->from == 0 ? DRILL_LOCAL : (uint32_t)__builtin_ctz(cause->from);
    if (cause->how == DRILL_LAG || cause->how == DRILL_SILENT || cause->how == DRILL_RECOVERED) {
        return false;
    }
    if (drill_cause_covers(causes, cause, endpoint)) {
        return true;
    }
    for (uint32_t i = 0; i < own->check_count; i++) {
        const struct drill_look look = {vantage, endpoint, own->uses[i].check};
        if (drill_cause_touches_look(causes, cause, &look)) {
            return true;
        }
    }
    return false;
}

void drill_mark_concerned(const struct drill_causes *causes, bool *is_marked)
{
    for (uint32_t i = 0; i < causes->topology->endpoint_count; i++) {
        for (size_t c = 0; c < causes->count && !is_marked[i]; c++) {
            is_marked[i] = concerns(causes, &causes->items[c], i);
        }
    }
}
