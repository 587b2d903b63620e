/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What differs between two moments: objects of the store, files of the configuration, answers and settings,
 * health; and the whole in sentences. Bounded lists; takes long. Private to src/daemon. */
#pragma once

#include "admin/moment.h"

struct moment_source;
struct view;

/* difference->moments say by their texts which. `now` (borrowed; NULL: none) is what serves, for a second
 * moment that is now. Fills what is the verb's. 0; ERROR_INVALID: a moment is bad; ERROR_CANCELLED; else one
 * of the moments says why. */
int difference_ask(const struct moment_source *source, const struct view *now,
                   struct admin_difference *difference);
