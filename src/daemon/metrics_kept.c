/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of what is kept in the state folder. */
#include "config.h"

#include "daemon/metrics_kept.h"

#include "daemon/last.h"
#include "daemon/reader.h"
#include "daemon/server.h"

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

void metrics_print_kept(const struct reader *reader, struct buffer *out)
{
    print_serials(reader, out);
    print_last(reader->server, out);
}
