/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The bell of the control thread, and what the streams have come to. */
#include "config.h"

#include "daemon/feed.h"

#include "daemon/changes.h"
#include "daemon/follow.h"
#include "daemon/metrics_kept.h"
#include "daemon/server.h"
#include "daemon/witness.h"
#include "admin/feed.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "events/bell.h"

#include <stdlib.h>

int feed_open(struct server *server)
{
    struct admin_feed *feed = memory_alloc(sizeof *feed);
    feed->bell = memory_alloc(sizeof *feed->bell);
    feed->has_journal = server_has_journal;
    server->feed = feed;
    int error = bell_init(feed->bell);
    if (error == 0) {
        changes_add_bell(server->changes, feed->bell);
        error = witness_open(&server->clock, server->changes, &server->witness);
    }
    return error;
}

void feed_begin(struct server *server)
{
    server->feed->stream = changes_get_stream(server->changes);
    int error = witness_begin(server->witness, changes_get_stream(server->changes));
    if (error != 0) {
        log_warning(
            "witness not started why=\"%s\" effect=\"incidents do not tell when answers had changed\"",
            error_text(error));
    }
}

void feed_close(struct server *server)
{
    witness_close(server->witness);
    if (server->feed != NULL) {
        bell_fini(server->feed->bell);
        free(server->feed->bell);
        free(server->feed);
        server->feed = NULL;
    }
}

void feed_write_metrics(const struct admin_feed *feed, const char *tidings, struct buffer *out)
{
    const struct {
        const char *name, *type, *help;
        const _Atomic uint64_t *value;
    } rows[] = {
        {"steerd_event_streams", "gauge", "Clients of GET /v1/events.", &feed->open},
        {"steerd_event_stream_sent_total", "counter", "Events that were sent to clients of GET /v1/events.",
         &feed->sent},
        {"steerd_event_stream_missed_total", "counter",
         "Events that clients of GET /v1/events were too slow for.", &feed->missed},
        {"steerd_event_stream_cut_total", "counter",
         "Clients of GET /v1/events that were cut off: they took nothing for a minute.", &feed->cut},
        {"steerd_event_stream_refused_total", "counter",
         "Clients of GET /v1/events that came when there were too many.", &feed->refused},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_head(out, rows[i].name, rows[i].type, rows[i].help);
        buffer_print(out, "%s %lu\n", rows[i].name,
                     (unsigned long)atomic_load_explicit(rows[i].value, memory_order_relaxed));
    }
    buffer_add_text(out, tidings == NULL ? "" : tidings);
}
