/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every way a check can end has a name. Observations carry it from the prober to health, the log and the API.
 */
#pragma once

#include <stdbool.h>

enum health_outcome {
    HEALTH_OUTCOME_NONE = 0,        /* "none": no check has ended yet */
    HEALTH_OUTCOME_OK,              /* "ok" */
    HEALTH_OUTCOME_REFUSED,         /* "refused": connection refused */
    HEALTH_OUTCOME_CONNECT_TIMEOUT, /* "connect_timeout": no connection within the timeout */
    HEALTH_OUTCOME_TIMEOUT,         /* "timeout": connected, but no complete answer within the timeout */
    HEALTH_OUTCOME_RESET,           /* "reset": connection reset */
    HEALTH_OUTCOME_CLOSED,          /* "closed": the other side closed before a complete answer */
    HEALTH_OUTCOME_UNREACHABLE,     /* "unreachable": the network says that there is no way to it */
    HEALTH_OUTCOME_BAD_STATUS,      /* "bad_status": an HTTP answer with a status that is not accepted */
    HEALTH_OUTCOME_BAD_RESPONSE,    /* "bad_response": not the protocol that was expected */
    HEALTH_OUTCOME_UNRESOLVED,      /* "unresolved": the endpoint's host name leads to no address */
    HEALTH_OUTCOME_LOCAL_ERROR, /* "local_error": the prober could not check (no route, descriptors …): says
                                   nothing about the endpoint and never changes a verdict */
};

enum { HEALTH_OUTCOME_COUNT = HEALTH_OUTCOME_LOCAL_ERROR + 1 };

const char *health_outcome_text(enum health_outcome outcome); /* the name above; never NULL */

static inline bool health_outcome_is_failure(enum health_outcome outcome)
{
    return outcome > HEALTH_OUTCOME_OK && outcome < HEALTH_OUTCOME_LOCAL_ERROR;
}
