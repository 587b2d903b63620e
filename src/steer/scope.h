/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides that count for groups of names. Internal to the folder. */
#pragma once

#include <stdint.h>

struct steer_reading;

/* Of words of which one has HEALTH_WORD_SCOPED: as names of the policy's group see them. */
void scope_narrow(const struct steer_reading *reading, uint16_t index, uint32_t words[3]);
