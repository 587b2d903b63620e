/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parts of a report as JSON. Inside of src/drill. */
#pragma once

#include "drill/drill.h"

struct json_t;

/* Returns owned. */
struct json_t *drill_write_users(const struct drill_users *users);
