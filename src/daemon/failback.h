/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators let come back, as the store has it: "failback" / "region:us-east" -> override_json.h, the
 * latest of each target. It is about what went down before it was said; of later outages it says nothing.
 * Private to src/daemon. */
#pragma once

#include "store/store.h"

struct overrides_reading;

/* And what safety rules were to let go: "release" / "region:us-east rule:slowly", likewise. */
int release_restore(struct store_reader *reader, const struct overrides_reading *reading);
/* One object of these kinds. */
void failback_put(const struct overrides_reading *reading, const struct store_object *object);
void release_put(const struct overrides_reading *reading, const struct store_object *object);
/* What was said holds again, in a machine that was read from before the start. 0 or what the store says. */
int failback_restore(struct store_reader *reader, const struct overrides_reading *reading);
