/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of what a vantage has told, as it is told. */
#include "config.h"

#include "daemon/vantages_inside.h"

void vantages_answer_order(struct vantages *vantages, unsigned number, uint64_t mark, const char *why)
{
    pthread_mutex_lock(&vantages->lock);
    if (vantages->fleet != NULL) {
        fleet_answer_order(vantages->fleet, number, mark, why);
    }
    pthread_mutex_unlock(&vantages->lock);
}
