/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How far what is fetched has come, for whoever looks. */
#include "config.h"

#include "daemon/porter_inside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_shown(const struct fetch *fetch)
{
    const struct porter_status *now = &fetch->status, *shown = &fetch->shown;
    return now->is == shown->is && now->percent == shown->percent && now->size == shown->size &&
           strcmp(now->why, shown->why) == 0;
}

void fetch_show(struct porter *porter)
{
    size_t count = 0;
    bool is_same = true;
    struct fetch *fetch;
    pthread_mutex_lock(&porter->lock);
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        is_same = is_same && is_shown(fetch) && count < porter->shown_count &&
                  strcmp(porter->shown[count].id, fetch->id) == 0;
        snprintf(porter->shown[count].id, sizeof porter->shown[count].id, "%s", fetch->id);
        porter->shown[count++].status = fetch->shown = fetch->status;
    }
    is_same = is_same && count == porter->shown_count;
    porter->shown_count = count;
    pthread_mutex_unlock(&porter->lock);
    if (!is_same) {
        ssize_t written = write(porter->fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)written; /* can only fail when it rings already */
    }
}
