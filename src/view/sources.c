/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sources.h. */
#include "config.h"

#include "view/sources.h"

#include "base/memory.h"
#include "geo/geo.h"
#include "view/compile_internal.h"

#include <stdlib.h>

void view_fini_zone_sources(struct view_zone_sources *zone)
{
    free(zone->origin);
    source_list_fini(&zone->files);
}

void view_free_sources(struct view_sources *sources)
{
    if (sources != NULL) {
        for (size_t i = 0; i < sources->zone_count; i++) {
            view_fini_zone_sources(&sources->zones[i]);
        }
        free(sources->zones);
        source_list_fini(&sources->ground);
        source_list_fini(&sources->geo);
        free(sources->main);
        free(sources);
    }
}

struct view_sources *view_take_sources(struct view *view)
{
    struct view_sources *sources = view->sources;
    view->sources = NULL;
    return sources;
}

void compile_note_geo(struct view *view)
{
    struct source_list *list = &view->sources->geo;
    list->items = memory_alloc_array(view->geo_count, sizeof *list->items);
    list->capacity = view->geo_count;
    for (size_t i = 0; i < view->geo_count; i++) {
        const struct geo_signature *signature = geo_get_signature(view->geo[i]);
        list->items[list->count++] =
            (struct source){.path = memory_copy_text(geo_get_info(view->geo[i])->path),
                            .real = memory_copy_text(view->geo_files[i].real),
                            .size = signature->size,
                            .device = signature->device,
                            .inode = signature->inode,
                            .modified_ns = signature->modified_ns};
    }
}
