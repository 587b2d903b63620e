/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stats.h. */
#include "config.h"

#include "store/stats.h"

#include <stdio.h>
#include <string.h>

void stats_add_commit(struct stats_commits *commits, uint64_t entries, uint64_t sync_us)
{
    commits->count++;
    commits->entries += entries;
    commits->sync_us += sync_us;
    commits->sync_us_max = sync_us > commits->sync_us_max ? sync_us : commits->sync_us_max;
}

void stats_note_commits(struct store_stats *stats, const struct stats_commits *commits,
                        const struct writer_end *end)
{
    if (commits->count != 0) {
        uint64_t longest = commits->sync_us_max;
        stats->entries += commits->entries;
        stats->commits += commits->count;
        stats->sync_us_sum += commits->sync_us;
        stats->sync_us_max = longest > stats->sync_us_max ? longest : stats->sync_us_max;
        stats->seq = end->seq;
        memcpy(stats->hash, end->hash, STORE_HASH_SIZE);
    }
}

void stats_note_success(struct store_stats *stats)
{
    stats->error = 0;
    stats->reason[0] = '\0';
    stats->failing_since_ms = 0;
}

void stats_note_failure(struct store_stats *stats, int error, const char *why, int64_t wall_ms)
{
    stats->failures++;
    stats->error = error;
    stats->failing_since_ms = stats->failing_since_ms == 0 ? wall_ms : stats->failing_since_ms;
    if (why != NULL) {
        snprintf(stats->reason, sizeof stats->reason, "%s", why);
    }
}
