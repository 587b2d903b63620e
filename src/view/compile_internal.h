/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shared by the parts of view_compile(). */
#pragma once

#include "base/arena.h"
#include "view/view.h"
#include "zone/builder.h"

struct compiler {
    struct view *view;           /* being made */
    const struct view *previous; /* may be NULL */
    struct report *report;
    uint64_t geo_key; /* identity of the databases */
    size_t name_capacity;
    bool rotates; /* zones whose RRsets rotate */
    bool refused; /* a zone that is served now could not be kept: the running view stays */
};

/* Read one zone's files. NULL, with errors in the report, if it is broken. */
struct zone *compile_zone(struct compiler *c, const struct conf_zone_source *source, const uint8_t *apex);
void compile_describe_zone(struct view_zone *entry, const struct zone *zone);

/* Add every steered name of a policy document to the zone's builder, the steer set and view->names. Returns
 * 0, or ERROR_INVALID with errors in the report. */
int compile_policy(struct compiler *c, const struct conf_policy *policy, struct zone_builder *builder);

/* The previous version of a zone for the new view: shared if nothing in it is steered, else a copy whose
 * policies were entered into the new set. NULL (and why in the report) if an endpoint that it needs is gone.
 */
struct zone *compile_carry_zone(struct compiler *c, struct zone *old, const char *origin);

/* Append one name to view->names. */
void compile_add_name(struct compiler *c, const struct view_name *name);
