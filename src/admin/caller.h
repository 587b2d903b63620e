/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks, as the kernel or what they show proves it, and what they may do. Internal to the folder. */
#pragma once

#include "admin/admin.h"
#include "conf/roles.h"

struct call;

struct caller {
    enum role role;
    char peer[HEALTH_PEER_SIZE]; /* "uid:1000(alice)" */
};

/* Finds out who asks. On the control thread, once per request. */
void caller_find(struct call *call);
/* May they do what the route of the call is? Else that is the problem, whatever else there is, and told. */
void caller_judge(struct call *call);
