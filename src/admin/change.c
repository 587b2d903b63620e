/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all who change something need: in whose name it is, and why nothing comes of it. */
#include "config.h"

#include "admin/call.h"

#include "admin/request.h"
#include "base/error.h"

#include <stdio.h>

void call_set_internal(struct call *call, int error)
{
    problem_set(&call->problem, error == ERROR_UNSUPPORTED ? PROBLEM_UNSUPPORTED : PROBLEM_INTERNAL, "%s",
                error_text(error));
}

void call_set_missing(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no %s \"%s\"",
                health_kind_text(call->route.kind), call->route.name);
}

/* Who the kernel says has asked, and who is said to have, if the request says so. */
void call_add_actor(struct call *call, char actor[HEALTH_ACTOR_SIZE], char peer[HEALTH_PEER_SIZE])
{
    const char *given = call->route.parameters[ROUTE_ACTOR];
    snprintf(peer, HEALTH_PEER_SIZE, "%s", call->caller.peer);
    if (actor[0] != '\0') {
        return;
    }
    if (given != NULL) {
        request_check_actor(given, actor, &call->problem);
    } else {
        snprintf(actor, HEALTH_ACTOR_SIZE, "%s", peer);
    }
}
