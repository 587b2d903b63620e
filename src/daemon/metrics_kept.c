/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of what is kept in the state folder. */
#include "config.h"

#include "daemon/metrics_kept.h"

#include "daemon/durable.h"
#include "daemon/last.h"
#include "daemon/reader.h"
#include "daemon/server.h"

#include <string.h>

static void print_serials(const struct reader *reader, struct buffer *out)
{
    print_head(out, "steerd_serials_waiting", "gauge",
               "Zones whose next serial waits until the state folder can be written.");
    buffer_print(out, "steerd_serials_waiting %zu\n", reader->keeping.waiting);
    print_head(out, "steerd_serials_kept_total", "counter", "Attempts to write the file of serials.");
    buffer_print(out, "steerd_serials_kept_total{result=\"ok\"} %lu\n", (unsigned long)reader->keeping.saves);
    buffer_print(out, "steerd_serials_kept_total{result=\"failed\"} %lu\n",
                 (unsigned long)reader->keeping.failures);
}

static void print_last(const struct server *server, struct buffer *out)
{
    struct last_stats stats;
    last_get_stats(server->last, &stats);
    print_head(out, "steerd_last_health_age_seconds", "gauge",
               "Age of what is kept of health in the state folder; not there while nothing is.");
    if (stats.age_ms != -1) {
        buffer_print(out, "steerd_last_health_age_seconds %.3f\n", (double)stats.age_ms / 1000);
    }
    print_head(out, "steerd_last_health_writes_total", "counter",
               "Frames written to the file of last health.");
    buffer_print(out, "steerd_last_health_writes_total %llu\n", (unsigned long long)stats.writes);
    print_head(out, "steerd_last_health_written_bytes_total", "counter", "Octets of these.");
    buffer_print(out, "steerd_last_health_written_bytes_total %llu\n", (unsigned long long)stats.octets);
    print_head(out, "steerd_last_health_files_total", "counter", "How often the file was begun anew.");
    buffer_print(out, "steerd_last_health_files_total %llu\n", (unsigned long long)stats.beginnings);
    print_head(out, "steerd_last_health_failures_total", "counter", "Attempts to write it that failed.");
    buffer_print(out, "steerd_last_health_failures_total %llu\n", (unsigned long long)stats.failures);
    print_head(out, "steerd_last_health_restored", "gauge",
               "Checks whose last results the start has restored.");
    buffer_print(out, "steerd_last_health_restored %u\n", server->restored.monitors);
}

static void print_store(const struct durable *durable, struct buffer *out)
{
    struct durable_status status;
    durable_get_status(durable, &status);
    if (strcmp(status.state, "none") == 0) {
        return;
    }
    const struct store_stats *stats = &status.stats;
    buffer_print(out,
                 "# HELP steerd_store_up 1 if what operators order is durable, else 0.\n"
                 "# TYPE steerd_store_up gauge\nsteerd_store_up %d\n",
                 strcmp(status.state, "ok") == 0);
    buffer_print(out,
                 "# HELP steerd_store_owed Changes that hold and are not durable yet.\n"
                 "# TYPE steerd_store_owed gauge\nsteerd_store_owed %zu\n",
                 stats->owed);
    buffer_print(out,
                 "# HELP steerd_store_seq Number of the latest entry of the journal.\n"
                 "# TYPE steerd_store_seq gauge\nsteerd_store_seq %llu\n",
                 (unsigned long long)stats->seq);
    buffer_print(out,
                 "# HELP steerd_store_commits_total Transactions that were synced to disk.\n"
                 "# TYPE steerd_store_commits_total counter\nsteerd_store_commits_total %llu\n",
                 (unsigned long long)stats->commits);
    buffer_print(out,
                 "# HELP steerd_store_failures_total Attempts to write that failed.\n"
                 "# TYPE steerd_store_failures_total counter\nsteerd_store_failures_total %llu\n",
                 (unsigned long long)stats->failures);
    buffer_print(out,
                 "# HELP steerd_store_commit_seconds_total Time that commits took.\n"
                 "# TYPE steerd_store_commit_seconds_total counter\nsteerd_store_commit_seconds_total %.6f\n"
                 "# HELP steerd_store_commit_seconds_max The longest commit since the start.\n"
                 "# TYPE steerd_store_commit_seconds_max gauge\nsteerd_store_commit_seconds_max %.6f\n",
                 (double)stats->sync_us_sum / 1e6, (double)stats->sync_us_max / 1e6);
    buffer_print(out,
                 "# HELP steerd_store_bytes Size of the store.\n"
                 "# TYPE steerd_store_bytes gauge\nsteerd_store_bytes %llu\n",
                 (unsigned long long)stats->size);
}

void metrics_print_kept(const struct reader *reader, struct buffer *out)
{
    print_serials(reader, out);
    print_last(reader->server, out);
    print_store(reader->server->durable, out);
}
