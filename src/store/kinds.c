/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See kinds.h. */
#include "config.h"

#include "store/kinds.h"

#include <string.h>

static const struct store_kind kinds[STORE_KINDS] = {
    [STORE_OVERRIDE] = {OVERRIDE_KIND, .is_shared = true, .is_restored = true, .has_resource = true},
    [STORE_FAILBACK] = {FAILBACK_KIND, .is_shared = true},
    [STORE_RELEASE] = {RELEASE_KIND, .is_shared = true},
    [STORE_VANTAGE] = {"vantage", .is_shared = true, .has_resource = true},
    [STORE_TOKEN] = {"token", .is_shared = true, .has_resource = true},
    [STORE_CHALLENGE] = {"challenge", .is_shared = true},
    [STORE_SWITCHOVER] = {"switchover", .is_shared = true, .has_resource = true},
    [STORE_DRILLING] = {"drilling", .is_shared = true},
    [STORE_BUNDLE] = {"bundle", .is_shared = true},
    [STORE_INCIDENT] = {"incident"},
    [STORE_DRILL] = {"drill"},
    [STORE_DRILL_SCHEDULE] = {"drill-schedule", .is_shared = true},
    [STORE_DRILL_STOP] = {"drill-stop"},
    [STORE_LIVE_DRILL] = {"live-drill"},
    [STORE_ANSWER] = {"answer", .is_aside = true},
    [STORE_CONFLICT] = {CONFLICT_KIND, .is_shared = true},
    [STORE_NODE_MEMBER] = {"node-member", .is_shared = true},
    [STORE_NODE_INVITE] = {"node-invite", .is_shared = true},
    [STORE_CLUSTER] = {"cluster"},
    [STORE_CLUSTER_PENDING] = {"cluster-pending"},
    [STORE_CONFIGURATION] = {"configuration", .names_files = true},
    [STORE_DOCUMENT] = {DOCUMENT_KIND, .names_files = true},
    [STORE_POINT] = {"point", .has_resource = true, .names_files = true},
    [STORE_DRILL_REPORT] = {"drill-report", .is_aside = true},
    [STORE_DRILL_OBSERVED] = {"drill-observed", .is_aside = true},
    [STORE_REFUSAL] = {"refusal"},
};

const struct store_kind *store_kind_get(enum store_kind_id id)
{
    return &kinds[id];
}

enum store_kind_id store_kind_find(const char *name)
{
    unsigned id = 0;
    while (id < STORE_KINDS && strcmp(kinds[id].name, name) != 0) {
        id++;
    }
    return (enum store_kind_id)id;
}
