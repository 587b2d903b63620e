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
    struct health_monitor *m = &health->monitors[monitor];
    bool is_new = m->certificate_near != is_near;
    if (m->idle || (m->certificate_s == end_s && !is_new)) {
        return false;
    }
    health_journal_note(health->journal, HEALTH_ENDPOINT, m->endpoint);
    m->certificate_s = end_s;
    m->certificate_near = is_near;
    return is_new;
}
