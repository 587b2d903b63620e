/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A comparison in the making, shared by its files. Internal to the folder. */
#pragma once

#include "operate/compare.h"

/* compare_zones.c */
void compare_zones(const struct operate_compare *compare, struct arena *arena,
                   struct operate_comparison *comparison);
/* compare_story.c */
void compare_tell_story(struct arena *arena, struct operate_comparison *comparison);
