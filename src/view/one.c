/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading one zone of a running view: among 100,000 zones the others need not be read again. The view
 * stays; only the zone table's pointer to the zone changes. */
#include "config.h"

#include "view/compile_internal.h"

#include "zone/zone.h"

#include <string.h>
#include <strings.h>

ptrdiff_t view_find_zone(const struct view *view, const char *origin)
{
    size_t len = strlen(origin);
    len -= len > 1 && origin[len - 1] == '.';
    for (size_t i = 0; i < view->zone_count; i++) {
        const char *have = view->zone_list[i].origin;
        if (strncasecmp(have, origin, len) == 0 && (have[len] == '\0' || strcmp(have + len, ".") == 0)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

bool view_zone_is_alone(const struct view *view, size_t index)
{
    return view->server->zones[index].policy_path == NULL && view->zone_list[index].steered == 0;
}

struct zone *view_compile_zone(const struct view *view, size_t index, struct report *report)
{
    struct compile_zone work;
    compile_read_zone(&view->server->zones[index], NULL, report, &work);
    zone_builder_set_rotate(work.builder, view->server->rotate);
    return compile_finish_zone(&work);
}

void view_install_zone(struct view *view, size_t index, struct zone *zone)
{
    struct view_zone *entry = &view->zone_list[index];
    struct zone *old = zone == NULL ? NULL : zone_table_replace(view->zones, zone);
    if (old == NULL) { /* broken: what is served goes on */
        entry->stale = !entry->failed;
        zone_release(zone);
        return;
    }
    compile_describe_zone(entry, zone);
    entry->stale = entry->failed = false;
    view_synchronize();
    zone_release(old);
}
