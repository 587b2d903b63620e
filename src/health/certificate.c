/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check has seen besides: when the certificate ends. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

#include <assert.h>

bool health_note_certificate(struct health *health, uint32_t monitor, int64_t end_s, bool is_near)
{
    assert(monitor < health->monitor_count);
    const struct health_monitor *m = &health->monitors[monitor];
    struct health_certificate *seen = &health->certificates[monitor];
    bool is_new = seen->is_near != is_near;
    if (m->idle || (seen->ends_s == end_s && !is_new)) {
        return false;
    }
    health_journal_note(health->journal, HEALTH_ENDPOINT, m->endpoint);
    *seen = (struct health_certificate){.ends_s = end_s, .is_near = is_near};
    return is_new;
}
