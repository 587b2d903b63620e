/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records of what host names led to, for the file of last.h. Private to src/daemon. */
#pragma once

#include "view/hosts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

/* What was written of a host. */
struct last_host {
    int64_t answered_ms[VIEW_FAMILIES];
    uint8_t states[VIEW_FAMILIES];
    uint64_t hash; /* of states and addresses */
};

/* With the lock of the view. Append what is known of hosts[index], if there is anything new that matters, or
 * always. */
void last_host_add(struct last_host *kept, const struct view_host *hosts, size_t index, bool always,
                   struct buffer *to);
