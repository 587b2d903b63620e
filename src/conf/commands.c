/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See commands.h. Checks are compared as they are written: one whose interval changes counts as a new one,
 * which is stricter than needed and cannot miss anything. */
#include "config.h"

#include "conf/commands.h"

#include "conf/keytable.h"

#include <stdio.h>
#include <string.h>

static bool is_command(const struct conf_check *check)
{
    return check->exec != NULL || check->file != NULL;
}

static bool is_same(const struct conf_check *before, const struct conf_check *next)
{
    return before != NULL && before->definition != NULL && next->definition != NULL &&
           strcmp(before->definition, next->definition) == 0;
}

enum role commands_find_role(const struct conf_topology *before, const struct conf_topology *next)
{
    for (size_t i = 0; next != NULL && i < next->check_count; i++) {
        const struct conf_check *check = &next->checks[i];
        const struct conf_check *same =
            before == NULL || !is_command(check)
                ? NULL
                : keytable_find(before->check_names, check->name, strlen(check->name));
        if (is_command(check) && !is_same(same, check)) {
            return ROLE_ADMIN;
        }
    }
    return ROLE_EDITOR;
}

bool commands_refuse(const struct conf_topology *topology, struct report *report)
{
    bool has_one = false;
    for (size_t i = 0; topology != NULL && i < topology->check_count; i++) {
        const struct conf_check *check = &topology->checks[i];
        char path[160];
        if (is_command(check)) {
            has_one = true;
            snprintf(path, sizeof path, "$.checks.%.128s", check->name);
            report_add(report, REPORT_ERROR, &(struct report_place){.file = topology->path, .path = path},
                       "found a check of type %s, expected none: steerd.json has \"commands\": \"never\"",
                       check->exec != NULL ? "exec" : "file");
        }
    }
    return !has_one;
}
