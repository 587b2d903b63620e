/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is written to the store without anybody's order: of some targets, what holds of them now. It is copied
 * under the health lock and becomes text without it. Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "health/health.h"
#include "store/store.h"

struct note;
struct override_clock;

struct note *note_new(size_t capacity, const char *reason); /* of targets; owned until it is submitted */
/* [lock] What the machine has of a target, or of one whose status is at hand. */
void note_add(struct note *note, const struct health *health, enum health_kind kind, const char *name);
void note_add_one(struct note *note, enum health_kind kind, const char *name,
                  const struct health_override *override, bool planned); /* NULL: nothing */
size_t note_count(const struct note *note);
/* What it says holds already, so it insists. NULL: there is no store. clock: see override_json.h. */
void note_submit(struct note *note, struct store *store, const struct override_clock *clock);
