/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From what was collected to a zone: checked, then rendered. */
#include "config.h"

#include "zone/builder_internal.h"

struct zone *zone_builder_finish(struct zone_builder *b)
{
    if (builder_goes_on(b, 0)) {
        builder_check(b);
    }
    return b->failed ? NULL : builder_render(b);
}
