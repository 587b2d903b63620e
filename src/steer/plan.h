/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plan that contradicts itself is a bug of the compiler of views. Internal to the folder. */
#pragma once

#include "steer/steer.h"

void plan_check(const struct steer_policy *plan); /* asserts */
