/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides that count for groups of names. Internal to the folder. */
#pragma once

#include "health/table.h"

#include <stdbool.h>
#include <stdint.h>

struct steer_reading;

/* Of words of which one has HEALTH_WORD_SCOPED: as names of the policy's group see them. */
void scope_narrow(const struct steer_reading *reading, uint16_t index, uint32_t words[3]);
/* Is the override of an object about names of the policy? */
bool scope_has(const struct steer_reading *reading, enum health_kind kind, uint32_t index);
