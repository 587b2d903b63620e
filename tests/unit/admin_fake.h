/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A verb table over a small made-up world: two regions, two azs, three endpoints, for tests of admin. */
#pragma once

#include "admin/admin.h"

enum { FAKE_REGIONS = 2, FAKE_AZS = 2, FAKE_ENDPOINTS = 3 };

struct fake {
    struct conf_endpoint endpoints[FAKE_ENDPOINTS];
    struct operate_target targets[HEALTH_REGION + 1][FAKE_ENDPOINTS];
    struct health_override overrides[HEALTH_REGION + 1][FAKE_ENDPOINTS];
    void (*done)(void *argument, const struct admin_reload_result *result); /* of a reload that is running */
    void *argument;
    void (*taken)(void *argument, const struct admin_takeover_result *result); /* of a takeover, likewise */
    void *taken_argument;
    size_t reloads, puts;
    struct health_dormant dormant; /* no name: there is none */
    const char *last_failure;
    bool last_from_live;
};

void fake_init(struct fake *fake);
struct admin_verbs fake_verbs(struct fake *fake);
/* End the running takeover. */
void fake_takeover_ends(struct fake *fake, const struct admin_takeover_result *result);
/* End the running reload. */
void fake_reload_ends(struct fake *fake, const struct admin_reload_result *result);
