/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the admin API says to the application about who asks. Plain data. */
#pragma once

#include "conf/roles.h"

/* Somebody was refused. Borrowed texts. */
enum admin_refusal_cause { ADMIN_REFUSED_ROLE, ADMIN_REFUSAL_CAUSES };

const char *admin_refusal_text(enum admin_refusal_cause cause);

struct admin_refusal {
    enum admin_refusal_cause cause;
    const char *peer, *method, *resource; /* "uid:1000(alice)", "PUT", "/v1/points" */
    const char *why;                      /* in words */
};
