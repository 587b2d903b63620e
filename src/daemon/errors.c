/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See errors.h. */
#include "config.h"

#include "daemon/errors.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/metrics_kept.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "view/view.h"

#include <string.h>

/* What is gone from the topology is not shown; it comes back with it. */
static bool is_there(const struct view *view, const struct errors_status *status)
{
    return operate_find_target(view, status->kind, status->name) >= 0;
}

size_t server_list_errors(void *context, struct arena *arena, struct admin_errors **items)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    size_t count = 0;
    *items = arena_alloc(arena, (reader->errors.count + 1) * sizeof **items);
    for (size_t i = 0; i < reader->errors.count; i++) {
        const struct errors_status *status = &reader->errors.items[i];
        if (is_there(view, status)) {
            (*items)[count++] =
                (struct admin_errors){.status = status, .most = view->topology->objective.errors};
        }
    }
    reader_end(reader);
    return count;
}

int server_report_errors(void *context, const struct errors_report *report, enum health_push_fate *fate)
{
    struct server *server = context;
    int64_t wall_ms = clock_wall_ms(&server->clock), now_ms = clock_now_ms(&server->clock);
    if (strlen(report->name) >= ERRORS_NAME_SIZE ||
        operate_find_target(server->view, report->kind, report->name) < 0) {
        return ERROR_NOT_FOUND;
    }
    int error = errors_take(server->errors, report, wall_ms, now_ms, fate);
    if (error == 0) {
        atomic_fetch_add_explicit(&server->reports[*fate], 1, memory_order_relaxed);
        log_debug("report kind=%s name=%s errors=%g requests=%g share=%g taken=%d",
                  health_kind_text(report->kind), report->name, report->errors, report->requests,
                  report->share, *fate == HEALTH_PUSH_TAKEN);
    }
    return error;
}

void errors_print_metrics(const struct reader *reader, const struct view *view, struct buffer *out)
{
    static const char *const names[] = {"steerd_errors_share", "steerd_errors_age_seconds"};
    static const char *const helps[] = {"Share of requests that fail, as reported, while that is known.",
                                        "Age of the last report of errors."};
    for (int figure = 0; reader->errors.count != 0 && figure < 2; figure++) {
        print_head(out, names[figure], "gauge", helps[figure]);
        for (size_t i = 0; i < reader->errors.count; i++) {
            const struct errors_status *status = &reader->errors.items[i];
            if ((figure == 1 || status->is_known) && is_there(view, status)) {
                buffer_print(out, "%s{kind=\"%s\",name=\"%s\"} %.9g\n", names[figure],
                             health_kind_text(status->kind), status->name,
                             figure == 0 ? status->share : (double)status->age_ms / 1000);
            }
        }
    }
}
