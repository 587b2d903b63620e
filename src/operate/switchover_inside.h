/* SPDX-License-Identifier: BSD-3-Clause
 *
 * By what answers it is told that they lead into what a switchover moves off: addresses of its endpoints,
 * those that their host names have now, and names that CNAMEs lead to. What something outside has as well is
 * told apart by nobody, and left out. Private to src/operate. */
#pragma once

#include "base/arena.h"
#include "view/view.h"

struct switchover_inside {
    struct addr *addresses; /* sorted */
    size_t address_count;
    const char **names; /* sorted; lower case, without the final dot */
    size_t name_count;
};

/* `inside`: endpoints; `names` of the view: of these the records are looked at. All in the arena. */
void switchover_gather_inside(const struct view *view, const bool *inside,
                              const struct view_name *const *names, size_t name_count, struct arena *arena,
                              struct switchover_inside *to);
/* Does a record ("owner ttl IN type rdata") lead there? */
bool switchover_leads_inside(const struct switchover_inside *inside, const char *record);
