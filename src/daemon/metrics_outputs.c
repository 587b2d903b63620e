/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of what leaves the process beside answers: the log, dnstap, the query log; and of regular drills.
 */
#include "config.h"

#include "daemon/metrics_kept.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/log.h"
#include "tap/tap.h"

static void print_log(struct buffer *out)
{
    struct log_stats stats;
    log_get_stats(&stats);
    print_head(out, "steerd_log_lines_total", "counter", "Lines of the log that were written.");
    buffer_print(out, "steerd_log_lines_total %lu\n", (unsigned long)stats.written);
    print_head(out, "steerd_log_dropped_total", "counter",
               "Lines of the log that were dropped, because whoever reads it is too slow.");
    static const char *const levels[LOG_LEVELS] = {"error", "warning", "info", "debug"};
    for (int i = 0; i < LOG_LEVELS; i++) {
        buffer_print(out, "steerd_log_dropped_total{level=\"%s\"} %lu\n", levels[i],
                     (unsigned long)stats.dropped[i]);
    }
    print_head(out, "steerd_log_failed_total", "counter",
               "Lines of the log that neither its target nor standard error took.");
    buffer_print(out, "steerd_log_failed_total %lu\n", (unsigned long)stats.failed);
}

static void print_taps(const struct taps *taps, struct buffer *out)
{
    static const char *const name = "steerd_tap_records_total";
    struct tap_stats stats[TAPS_OUTPUTS];
    print_head(out, name, "counter",
               "Queries for dnstap and the query log: taken out of the queues, dropped as those were full, "
               "or taken and lost.");
    for (enum taps_output output = 0; output < TAPS_OUTPUTS; output++) {
        const char *text = taps_output_text(output);
        taps_get_stats(taps, output, &stats[output]);
        buffer_print(out, "%s{output=\"%s\",result=\"taken\"} %lu\n", name, text,
                     (unsigned long)stats[output].taken);
        buffer_print(out, "%s{output=\"%s\",result=\"dropped\"} %lu\n", name, text,
                     (unsigned long)stats[output].dropped);
        buffer_print(out, "%s{output=\"%s\",result=\"lost\"} %lu\n", name, text,
                     (unsigned long)stats[output].lost);
    }
    print_head(out, "steerd_tap_open", "gauge",
               "Whether dnstap and the query log have somebody to write to; none of those that are off.");
    for (enum taps_output output = 0; output < TAPS_OUTPUTS; output++) {
        if (stats[output].is_on) {
            buffer_print(out, "steerd_tap_open{output=\"%s\"} %d\n", taps_output_text(output),
                         stats[output].is_open);
        }
    }
}

void metrics_print_outputs(const struct reader *reader, struct buffer *out)
{
    print_log(out);
    print_taps(reader->server->taps, out);
    buffer_add_text(out, reader->schedule == NULL ? "" : reader->schedule);
}
