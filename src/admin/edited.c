/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What looking at documents and editing them share. */
#include "config.h"

#include "admin/edits.h"
#include "admin/render_set.h"
#include "conf/zones.h"

json_t *render_document(const struct admin_document *document)
{
    json_t *object = json_object();
    set_text(object, "name", document->name);
    set_text(object, "kind", document->origin == NULL ? "topology" : "policy");
    set_text(object, "zone", document->origin);
    set_text(object, "path", document->path);
    set_text(object, "sha256", document->sha256);
    set_number(object, "size", document->size);
    set(object, "revision",
        document->revision == 0 ? json_null() : json_integer((json_int_t)document->revision));
    return object;
}

bool edits_read_about(struct call *call, struct edit *about)
{
    const struct route *route = &call->route;
    bool is_name = route->id == ROUTE_CONFIG_NAME || route->id == ROUTE_CONFIG_NAMES;
    *about = (struct edit){.kind = is_name ? EDIT_NAME : route->thing, .name = route->name};
    if (is_name && (about->origin = zones_parse_origin(call->arena, route->zone)) == NULL) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "\"%s\" is no name of a zone", route->zone);
        return false;
    }
    return true;
}
