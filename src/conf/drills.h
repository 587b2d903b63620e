/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "drills" of steerd.json: how many reports are kept, and which drills are done regularly. */
#pragma once

#include "base/cron.h"
#include "conf/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_server;
struct doc_node;

enum { CONF_DRILLS_KEEP = 200, CONF_SCHEDULES_MAX = 64, CONF_SCHEDULE_NAME_MAX = 63 };

struct conf_schedule {
    const char *name;
    const char *cron_text, *zone_name; /* as they are written */
    struct cron cron;
    const struct tzif *zone;
    const char *document; /* JSON: the drill, as it was when this was read */
    size_t document_len;
    struct conf_rule blackouts; /* its windows alone */
    uint32_t deadline_ms;
    bool enabled;
};

struct conf_drills {
    uint32_t keep; /* reports; default 200 */
    struct conf_schedule *schedule;
    size_t schedule_count;
};

/* Private to src/conf. */
void conf_drills_read(const struct doc_node *root, struct conf_server *server);
