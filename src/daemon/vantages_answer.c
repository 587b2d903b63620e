/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of what a vantage has told, as it is told. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include <stdlib.h>

void vantages_answer_order(struct vantages *vantages, unsigned number, uint64_t mark, const char *why)
{
    pthread_mutex_lock(&vantages->lock);
    if (vantages->fleet != NULL) {
        fleet_answer_order(vantages->fleet, number, mark, why);
    }
    pthread_mutex_unlock(&vantages->lock);
}

void vantages_give(struct vantages *vantages, unsigned number, uint64_t connection,
                   const struct fleet_message *message, uint8_t *octets)
{
    pthread_mutex_lock(&vantages->lock);
    bool is_heard = vantages->fleet != NULL;
    if (is_heard) {
        fleet_give(vantages->fleet, number, connection, message, octets);
    }
    pthread_mutex_unlock(&vantages->lock);
    if (!is_heard) {
        free(octets);
    }
}
