/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators let come back, as the store has it: "failback" / "region:us-east" -> override_json.h, the
 * latest of each target. It is about what went down before it was said; of later outages it says nothing.
 * Private to src/daemon. */
#pragma once

#include "store/store.h"

struct overrides_reading;

/* One of them holds again, in a machine that was read from before the start, or is the word of another node.
 */
void failback_put(struct overrides_reading *reading, const struct store_object *object);
/* And what safety rules were to let go: "release" / "region:us-east rule:slowly", likewise. */
void release_put(struct overrides_reading *reading, const struct store_object *object);
