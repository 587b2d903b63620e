/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of what is kept in the state folder. */
#include "config.h"

#include "daemon/metrics_kept.h"

#include "daemon/documents.h"
#include "daemon/durable.h"
#include "daemon/incidents.h"
#include "daemon/last.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/live.h"
#include "daemon/switchovers.h"
#include "daemon/withdrawal.h"

#include <stdatomic.h>
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
    print_head(out, "steerd_last_health_written_bytes_total", "counter",
               "Octets written to the file of last health.");
    buffer_print(out, "steerd_last_health_written_bytes_total %llu\n", (unsigned long long)stats.octets);
    print_head(out, "steerd_last_health_files_total", "counter",
               "How often the file of last health was begun anew.");
    buffer_print(out, "steerd_last_health_files_total %llu\n", (unsigned long long)stats.beginnings);
    print_head(out, "steerd_last_health_failures_total", "counter",
               "Attempts to write the file of last health that failed.");
    buffer_print(out, "steerd_last_health_failures_total %llu\n", (unsigned long long)stats.failures);
    print_head(out, "steerd_last_health_restored", "gauge",
               "Checks whose last results the start has restored.");
    buffer_print(out, "steerd_last_health_restored %u\n", server->restored.monitors);
}

static void print_past(const struct server *server, struct buffer *out)
{
    struct last_stats stats;
    last_get_stats(server->last, &stats);
    print_head(out, "steerd_past_health_up", "gauge",
               "1 if what holds now can be asked later, as far as health is concerned, else 0.");
    buffer_print(out, "steerd_past_health_up %d\n", stats.past_is_kept);
    print_head(out, "steerd_past_health_segments_total", "counter", "Segments of past health begun.");
    buffer_print(out, "steerd_past_health_segments_total %llu\n", (unsigned long long)stats.past_segments);
    print_head(out, "steerd_past_health_written_bytes_total", "counter",
               "Octets written to segments of past health.");
    buffer_print(out, "steerd_past_health_written_bytes_total %llu\n", (unsigned long long)stats.past_octets);
    print_head(out, "steerd_past_health_removed_total", "counter",
               "Segments of past health removed because all were too large or no point needs them.");
    buffer_print(out, "steerd_past_health_removed_total %llu\n", (unsigned long long)stats.past_removed);
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
                 "# HELP steerd_store_folded_total Changes that only the entry of a later one tells of.\n"
                 "# TYPE steerd_store_folded_total counter\nsteerd_store_folded_total %llu\n",
                 (unsigned long long)stats->folded);
    buffer_print(out,
                 "# HELP steerd_store_seq Number of the latest entry of the journal.\n"
                 "# TYPE steerd_store_seq gauge\nsteerd_store_seq %llu\n",
                 (unsigned long long)stats->seq);
    buffer_print(out,
                 "# HELP steerd_store_commits_total Transactions of the store that were synced to disk.\n"
                 "# TYPE steerd_store_commits_total counter\nsteerd_store_commits_total %llu\n",
                 (unsigned long long)stats->commits);
    buffer_print(out,
                 "# HELP steerd_store_failures_total Attempts to write to the store that failed.\n"
                 "# TYPE steerd_store_failures_total counter\nsteerd_store_failures_total %llu\n",
                 (unsigned long long)stats->failures);
    buffer_print(out,
                 "# HELP steerd_store_commit_seconds_total Time that commits of the store took.\n"
                 "# TYPE steerd_store_commit_seconds_total counter\nsteerd_store_commit_seconds_total %.6f\n"
                 "# HELP steerd_store_commit_seconds_max The longest commit of the store since the start.\n"
                 "# TYPE steerd_store_commit_seconds_max gauge\nsteerd_store_commit_seconds_max %.6f\n",
                 (double)stats->sync_us_sum / 1e6, (double)stats->sync_us_max / 1e6);
    buffer_print(out,
                 "# HELP steerd_store_bytes Size of the store.\n"
                 "# TYPE steerd_store_bytes gauge\nsteerd_store_bytes %llu\n",
                 (unsigned long long)stats->size);
    buffer_print(
        out,
        "# HELP steerd_store_mended_total Objects that were not what the journal says, and are again.\n"
        "# TYPE steerd_store_mended_total counter\nsteerd_store_mended_total %llu\n",
        (unsigned long long)stats->mended);
    buffer_print(
        out,
        "# HELP steerd_store_is_other 1 if the store that was opened is not the one that was there, or "
        "ends sooner: an older copy.\n"
        "# TYPE steerd_store_is_other gauge\nsteerd_store_is_other %d\n",
        stats->is_other);
}

static void print_archive(const struct archive_stats *stats, struct buffer *out)
{
    if (strcmp(stats->state, "none") == 0) {
        return;
    }
    print_head(out, "steerd_archive_up", "gauge", "1 if what serves is kept, or about to be, else 0.");
    buffer_print(out, "steerd_archive_up %d\n", strcmp(stats->state, "ok") == 0);
    print_head(out, "steerd_archive_files", "gauge", "Files of the configuration that was kept last.");
    buffer_print(out, "steerd_archive_files %zu\n", stats->files);
    print_head(out, "steerd_archive_missing_files", "gauge",
               "Files of that configuration of which there is no copy, geo databases aside.");
    buffer_print(out, "steerd_archive_missing_files %zu\n", stats->missing);
    print_head(out, "steerd_archive_captures_total", "counter", "Attempts to keep what serves.");
    buffer_print(out, "steerd_archive_captures_total{result=\"ok\"} %llu\n",
                 (unsigned long long)stats->captures);
    buffer_print(out, "steerd_archive_captures_total{result=\"failed\"} %llu\n",
                 (unsigned long long)stats->failures);
    print_head(out, "steerd_archive_written_files_total", "counter", "Files that were new and were written.");
    buffer_print(out, "steerd_archive_written_files_total %llu\n", (unsigned long long)stats->written);
}

static void print_points(const struct reader *reader, struct buffer *out)
{
    const struct admin_points_stats *stats = &reader->points;
    if (!stats->is_kept) {
        return;
    }
    print_head(out, "steerd_points", "gauge", "Recovery points.");
    buffer_print(out, "steerd_points %zu\n", stats->count);
    print_head(out, "steerd_points_last_time_seconds", "gauge",
               "Unix time of the latest recovery point; not there while there is none.");
    if (stats->last_ms != 0) {
        buffer_print(out, "steerd_points_last_time_seconds %.3f\n", (double)stats->last_ms / 1000);
    }
    print_head(out, "steerd_points_saved_total", "counter", "Recovery points saved.");
    buffer_print(out, "steerd_points_saved_total %llu\n", (unsigned long long)stats->made);
    print_head(out, "steerd_points_failures_total", "counter",
               "Attempts to save or drop a recovery point that failed.");
    buffer_print(out, "steerd_points_failures_total %llu\n", (unsigned long long)stats->failures);
}

static void print_reports(const struct server *server, struct buffer *out)
{
    static const char *const words[] = {"taken", "late", "replayed"};
    print_head(out, "steerd_reports_total", "counter", "Reports that were pushed, by what became of them.");
    for (size_t i = 0; i < HEALTH_PUSH_FATES; i++) {
        buffer_print(out, "steerd_reports_total{result=\"%s\"} %llu\n", words[i],
                     (unsigned long long)atomic_load_explicit(&server->reports[i], memory_order_relaxed));
    }
}

static void print_documents(const struct server *server, const struct view *view, struct buffer *out)
{
    struct documents_counts counts;
    documents_count(server->documents, view, &counts);
    print_head(out, "steerd_documents_unsure", "gauge",
               "1 if what serves may not be what the API said last, or a reload was refused, else 0.");
    buffer_print(out, "steerd_documents_unsure %d\n", counts.is_unsure);
    if (!counts.is_owned) {
        return;
    }
    print_head(out, "steerd_documents", "gauge", "Documents that belong to the API.");
    buffer_print(out, "steerd_documents %zu\n", counts.count);
    print_head(out, "steerd_documents_differing", "gauge",
               "Documents of the API whose files said something else at the last load.");
    buffer_print(out, "steerd_documents_differing %zu\n", counts.differing);
}

void metrics_print_kept(const struct reader *reader, const struct view *view, struct buffer *out)
{
    print_serials(reader, out);
    print_last(reader->server, out);
    print_past(reader->server, out);
    print_store(reader->server->durable, out);
    print_archive(&reader->archive, out);
    print_points(reader, out);
    print_documents(reader->server, view, out);
    print_reports(reader->server, out);
    switchovers_print_metrics(&reader->switchovers, out);
    incidents_print_metrics(reader->incidents, out);
    live_print_metrics(&reader->live_drill, out);
    withdrawal_print_metrics(&reader->serving, out);
}
