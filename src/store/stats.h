/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an operator has to know, as it changes with what was written and what could not be. Inside this folder
 * only. */
#pragma once

#include "store/writer.h"

/* Of one batch. */
struct stats_commits {
    uint64_t count, entries, sync_us, sync_us_max;
};

void stats_add_commit(struct stats_commits *commits, uint64_t entries, uint64_t sync_us);
/* What is durable, also if more than that was tried. */
void stats_note_commits(struct store_stats *stats, const struct stats_commits *commits,
                        const struct writer_end *end);
void stats_note_success(struct store_stats *stats);
/* why: NULL: as before. */
void stats_note_failure(struct store_stats *stats, int error, const char *why, int64_t wall_ms);
