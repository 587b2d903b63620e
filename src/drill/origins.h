/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where clients are (`from` of a document), as the share of them that each class of each policy is for: the
 * networks of a country or an AS by the databases that steer, and all that is said by the trees that steer.
 * Addresses of a place count alike, and so do its two families. Inside of src/drill. */
#pragma once

#include "drill/document.h"
#include "view/view.h"

/* By policy and class, in the arena. Those of an origin of which no network is known are spread evenly. When
 * it is cancelled the weights are anything. */
const double *const *drill_weigh_classes(const struct view *view, const struct drill_clients *clients,
                                         struct progress *progress, struct arena *arena);
