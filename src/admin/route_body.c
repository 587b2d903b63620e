/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which requests have a body. */
#include "config.h"

#include "admin/route.h"

bool route_takes_body(const struct route *route, unsigned method)
{
    bool is_edit = route->id == ROUTE_CONFIG_THING || route->id == ROUTE_CONFIG_NAME;
    if (is_edit || route->id == ROUTE_CONFIG_APPLY) {
        return !is_edit || method == ROUTE_PUT || method == ROUTE_PATCH;
    }
    bool is_put = method == ROUTE_PUT && (route->id == ROUTE_OVERRIDE || route->id == ROUTE_LOAD ||
                                          route->id == ROUTE_OBSERVED || route->id == ROUTE_SERVING);
    return is_put || (route->id == ROUTE_DRILLS && method == ROUTE_POST) || route->id == ROUTE_WHAT_IF ||
           (route->id == ROUTE_BUNDLES && method == ROUTE_POST) || route->id == ROUTE_BUNDLE_BLOCK ||
           route->id == ROUTE_BUNDLE_CHECK || route->id == ROUTE_BUNDLE_ACTIVATE ||
           route->id == ROUTE_BUNDLES_CANCEL || route->id == ROUTE_RELOAD || route->id == ROUTE_TAKEOVER ||
           route->id == ROUTE_REPORT || route->id == ROUTE_FAILBACK || route->id == ROUTE_RULE_RELEASE ||
           (route->id == ROUTE_POINTS && method == ROUTE_POST) || route->id == ROUTE_POINT_USE ||
           route->id == ROUTE_RESTORE || route->id == ROUTE_IMPORT ||
           ((route->id == ROUTE_VANTAGES || route->id == ROUTE_NODES) && method == ROUTE_POST) ||
           ((route->id == ROUTE_TOKENS || route->id == ROUTE_CHALLENGES) && method == ROUTE_POST) ||
           route->id == ROUTE_TOKEN_ROTATE || (route->id == ROUTE_SWITCHOVERS && method == ROUTE_POST) ||
           route->id == ROUTE_SWITCHOVER_VERB ||
           (route->id >= ROUTE_VANTAGE_DRAIN && route->id <= ROUTE_VANTAGE_RENAME);
}
