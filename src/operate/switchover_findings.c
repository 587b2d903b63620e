/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_look.h: what is found, and which of it holds the next step of a switchover that is on its
 * way. What is about whether to begin (objectives, TTLs, capacities, copies) was asked then; what would leave
 * traffic on nothing, or on what fails, is asked before each step. */
#include "config.h"

#include "operate/switchover_look.h"

#include <string.h>

void switchover_add_finding_about(struct switchover_look *look, const struct switchover_finding *finding)
{
    if (look->finding_count < SWITCHOVER_FINDINGS_MAX) {
        look->findings[look->finding_count++] = *finding;
    }
}

void switchover_add_finding(struct switchover_look *look, const char *name, bool is_good, const char *text)
{
    static const struct subject nothing = {.count = 0};
    switchover_add_finding_about(look, &(struct switchover_finding){name, is_good, text, &nothing});
}

bool switchover_look_is_good(const struct switchover_look *look)
{
    for (size_t i = 0; i < look->finding_count; i++) {
        if (!look->findings[i].is_good) {
            return false;
        }
    }
    return true;
}

bool switchover_holds(const struct switchover_finding *finding)
{
    static const char *const names[] = {"served", "destination", "destination_serves", "health", "errors"};
    bool holds = strncmp(finding->name, "rule:", 5) == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        holds |= strcmp(finding->name, names[i]) == 0;
    }
    return holds && !finding->is_good;
}

const struct switchover_finding *switchover_find_hold(const struct switchover *switchover,
                                                      const struct switchover_look *look)
{
    for (size_t i = 0; i < look->finding_count; i++) {
        const struct switchover_finding *finding = &look->findings[i];
        if (switchover_holds(finding) &&
            !switchover_has_accepted(switchover, finding->name, finding->subject)) {
            return finding;
        }
    }
    return NULL;
}
