/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why an az or region is there or lost, who is missing, and what has to happen for that to change: the
 * roll-up of tally.c in words. Pure. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"
#include "health/tally.h"

#include <stdio.h>
#include <string.h>

size_t health_list_missing(const struct health *health, enum health_kind kind, uint32_t index, uint32_t *list,
                           size_t max)
{
    const struct health_node *node = &health->nodes[kind][index];
    const struct health_tally *tally = &health->groups[kind][index].tally;
    enum health_kind below = (enum health_kind)(kind - 1);
    bool is_inherited = tally->healthy + tally->unhealthy == 0;
    unsigned wanted = is_inherited ? HEALTH_STANDS_INHERITED : HEALTH_OBSERVED_UNHEALTHY;
    size_t count = 0;
    for (uint32_t i = 0; i < node->child_count && count < max; i++) {
        uint32_t child = health->children[kind - 1][node->first_child + i];
        if (health->nodes[below][child].counted == wanted) {
            list[count++] = child;
        }
    }
    return count;
}

struct health_outlook health_find_group_outlook(const struct health_status *status)
{
    bool is_lost = status->observed == HEALTH_OBSERVED_UNHEALTHY;
    uint32_t unhealthy = status->members_unhealthy;
    if (status->members == 0) {
        return (struct health_outlook){.to = HEALTH_OBSERVED_UNKNOWN};
    }
    if (status->is_inherited || (status->members_healthy == 0 && unhealthy < status->lost_from)) {
        return (struct health_outlook){.to = HEALTH_OBSERVED_HEALTHY, .need = 1};
    }
    if (is_lost) {
        return (struct health_outlook){
            .to = HEALTH_OBSERVED_HEALTHY,
            .need = unhealthy < status->lost_from ? 0 : unhealthy - status->lost_from + 1};
    }
    return (struct health_outlook){
        .to = HEALTH_OBSERVED_UNHEALTHY, .by_failure = true, .have = unhealthy, .need = status->lost_from};
}

/* "1 of 2 endpoints is unhealthy" */
static void write_counts(enum health_kind kind, const struct health_status *status, char *text, size_t size)
{
    const char *what = kind == HEALTH_AZ ? "endpoint" : "az", *how = kind == HEALTH_AZ ? "unhealthy" : "lost";
    snprintf(text, size, "%u of %u %s%s %s %s", (unsigned)status->members_unhealthy,
             (unsigned)status->members, what, status->members == 1 ? "" : "s",
             status->members_unhealthy == 1 || status->members == 1 ? "is" : "are", how);
}

static void write_end(const struct health_stay_status *stay, char *text, size_t size)
{
    if (stay->reason == HEALTH_STAY_MANUAL) {
        snprintf(text, size, "stays lost until it is let back (failback)");
    } else if (stay->reason == HEALTH_STAY_DATA) {
        snprintf(text, size, "stays lost: data (rule %.40s)", stay->rule);
    } else {
        snprintf(text, size, "stays lost for %.1f s more (%s)", (double)stay->left_ms / 1000,
                 health_stay_text(stay->reason));
    }
}

static void write_own(enum health_kind kind, const struct health_status *status, char *text, size_t size)
{
    struct health_outlook outlook = health_find_group_outlook(status);
    char counts[56], end[72];
    write_counts(kind, status, counts, sizeof counts);
    if (status->members == 0) {
        snprintf(text, size, "nothing in it is checked");
        return;
    }
    if (status->is_inherited) {
        snprintf(text, size, "nobody in it has a verdict of its own%s",
                 status->observed == HEALTH_OBSERVED_UNHEALTHY ? "; lost as before, until one has" : " yet");
        return;
    }
    if (status->stay.reason != HEALTH_STAY_NONE) {
        write_end(&status->stay, end, sizeof end);
    } else if (status->observed == HEALTH_OBSERVED_UNKNOWN) {
        snprintf(end, sizeof end, "of the others nothing is known");
    } else if (outlook.by_failure) {
        snprintf(end, sizeof end, "%u more to be lost", outlook.need - outlook.have);
    } else {
        snprintf(end, sizeof end, "%u %s to come back", outlook.need, outlook.need == 1 ? "has" : "have");
    }
    snprintf(text, size, "%s, lost from %u on; %s", counts, (unsigned)status->lost_from, end);
}

void health_write_group_why(enum health_kind kind, const struct health_status *status,
                            char text[HEALTH_WHY_SIZE])
{
    enum health_decider by = status->effective.decided_by;
    write_own(kind, status, text, HEALTH_WHY_SIZE);
    size_t len = strlen(text);
    if (by == HEALTH_BY_REGION_LOST) {
        snprintf(text + len, HEALTH_WHY_SIZE - len, "; its region is lost");
    } else if (by != HEALTH_BY_VERDICT) {
        snprintf(text + len, HEALTH_WHY_SIZE - len, "; %s by an override of %s",
                 health_state_text(status->effective.state),
                 by == HEALTH_BY_REGION_OVERRIDE && kind == HEALTH_AZ ? "its region" : "it");
    }
}
