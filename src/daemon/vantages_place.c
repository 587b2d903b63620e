/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which numbers the nodes of the cluster have among the vantages: free ones from the top, which stay with the
 * name while it is a node, from process to process. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/log.h"

#include <string.h>

static bool is_wanted(const struct vantages *vantages, const char *name)
{
    size_t i = 0;
    while (i < vantages->node_count && strcmp(vantages->nodes[i].name, name) != 0) {
        i++;
    }
    return i < vantages->node_count;
}

static unsigned find_number(const struct vantages *vantages,
                            const struct vantage_member members[FLEET_MEMBERS_MAX], const char *name)
{
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        if (members[i].is_node && strcmp(members[i].name, name) == 0) {
            return i;
        }
    }
    unsigned number = FLEET_MEMBERS_MAX - 1;
    while (number > 0 && (members[number].number != 0 || vantages->is_busy[number])) {
        number--;
    }
    return number;
}

void vantages_place_nodes(struct vantages *vantages, struct vantage_member members[FLEET_MEMBERS_MAX])
{
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        if (members[i].is_node && !is_wanted(vantages, members[i].name)) {
            members[i] = (struct vantage_member){.number = 0};
        }
    }
    for (size_t i = 0; i < vantages->node_count; i++) {
        const struct vantage_member *node = &vantages->nodes[i];
        unsigned number = find_number(vantages, members, node->name);
        if (number == 0) {
            log_error("a node cannot be a vantage name=%s why=\"there are %d vantages, which is all that "
                      "there can be\" effect=\"what it sees does not count here\"",
                      node->name, FLEET_MEMBERS_MAX - 1);
            continue;
        }
        members[number] = *node;
        members[number].number = (uint8_t)number;
        members[number].weight = vantages->node_weight;
    }
}
