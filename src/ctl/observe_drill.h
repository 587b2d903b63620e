/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An observation of a drill that runs on the server: what fails is what its report says when it is over, and
 * what was seen is kept beside that. */
#pragma once

#include "ctl/drill_follow.h"
#include "ctl/steerctl.h"
#include "observe/observe.h"

struct observed_drill {
    const struct steerctl *ctl;
    const char *id;
    json_t *now, *ended; /* owned: as it was in the beginning, and when it was over; NULL: it is not known */
    int64_t began_us;    /* it did, on this machine's clock */
    const volatile bool *is_over; /* by a signal */
    struct drill_follow *follow;  /* tells how it goes on, meanwhile; NULL: nobody does */
};

#define OBSERVED_DRILL_NEEDS_TTL                                                                             \
    "answers of a shadow drill have TTL 0: observe needs --ttl SECONDS, for which resolvers would keep them"

/* Looks at it, and sets until when the plan lasts, and what settles it. The ID is borrowed. */
enum steerctl_exit observed_drill_take(const struct steerctl *ctl, const char *id,
                                       struct observed_drill *drill, struct observe_plan *plan);
/* When all was seen: the server keeps it, but for what is too long. */
enum steerctl_exit observed_drill_keep(const struct observed_drill *drill, json_t *observed);
void observed_drill_fini(struct observed_drill *drill);
