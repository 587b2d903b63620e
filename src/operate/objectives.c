/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See objectives.h. */
#include "config.h"

#include "operate/objectives.h"

#include <string.h>

static void count_name(const struct view_name *name, const struct conf_objective *own, int64_t decision_ms,
                       struct objectives_names *names)
{
    bool is_late = own->rto_ms != 0 && decision_ms + (int64_t)name->ttl * 1000 > own->rto_ms;
    names->with++;
    if (is_late && names->late++ == 0) {
        names->worst = name->owner;
    }
    if (!own->may_move && names->fixed++ == 0) {
        names->first_fixed = name->owner;
    }
}

void objectives_count(const struct view *view, const bool *touched, int64_t decision_ms,
                      struct objectives_names *names)
{
    *names = (struct objectives_names){.with = 0};
    if (view->topology->objective_name_count == 0) {
        return;
    }
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        const struct conf_objective *own =
            touched[name->policy] ? conf_find_objective(view->topology, name->owner) : NULL;
        if (own != NULL) {
            count_name(name, own, decision_ms, names);
        }
    }
}

bool objectives_is_pair(const struct conf_topology *topology, size_t index, const char *from, const char *to)
{
    const struct conf_objective *pair = &topology->objectives[index];
    return pair->name == NULL && strcmp(topology->regions[pair->from].name, from) == 0 &&
           (to == NULL || strcmp(topology->regions[pair->to].name, to) == 0);
}

uint32_t objectives_find_rto(const struct conf_topology *topology, const char *from, const char *to,
                             const struct conf_objective **pair)
{
    const struct conf_objective *least = NULL;
    for (size_t i = 0; i < topology->objective_count; i++) {
        const struct conf_objective *own = &topology->objectives[i];
        if (objectives_is_pair(topology, i, from, to) && own->rto_ms != 0 &&
            (least == NULL || own->rto_ms < least->rto_ms)) {
            least = own;
        }
    }
    if (pair != NULL) {
        *pair = least;
    }
    return least == NULL ? topology->objective.rto_ms : least->rto_ms;
}
