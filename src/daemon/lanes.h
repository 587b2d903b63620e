/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The workers of the server: a quick one, one for what takes seconds, so that a list never waits for a drill,
 * one for orders, which wait for neither, one for tries of checks, and one for what nobody waits for. Owned
 * by the control thread. */
#pragma once

#include "admin/admin.h"
#include "base/worker.h"

struct event_base;
struct lanes;

/* 0 and owned, or a negative error. */
int lanes_open(struct event_base *base, struct lanes **lanes);
/* Cancel what is under way and wait until it has returned: a moment. NULL is fine. */
void lanes_close(struct lanes *lanes);
struct worker *lanes_get(const struct lanes *lanes, enum admin_lane lane); /* NULL for NULL */
