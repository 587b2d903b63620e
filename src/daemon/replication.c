/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of copies, for the API and the metrics, and what is reported of them. */
#include "config.h"

#include "daemon/replication.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/metrics_kept.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "view/view.h"

/* NULL: nobody in particular. */
static const char *write_address(const struct conf_replication *pair, uint16_t port, struct arena *arena)
{
    const struct addr_port at = {.addr = pair->addr, .port = port};
    char address[ADDR_TEXT_SIZE];
    if (pair->host != NULL) {
        return port == 0 ? arena_copy_text(arena, pair->host->name)
                         : arena_print(arena, "%s:%u", pair->host->name, port);
    }
    return pair->addr.family == ADDR_NONE ? NULL : arena_copy_text(arena, addr_write_place(&at, address));
}

static struct admin_lag describe(const struct view *view, size_t index, int64_t now_ms, struct arena *arena)
{
    const struct conf_replication *pair = &view->topology->replications[index];
    struct admin_lag lag = {.check = NULL};
    health_get_lag(view->health, index, now_ms, &lag.status);
    if (pair->is_asked) {
        const struct conf_check *check = &view->topology->checks[pair->check];
        lag.check = check->name;
        lag.address = write_address(pair, check->port, arena);
        lag.pointer = check->lag->value;
    }
    return lag;
}

size_t server_list_lags(void *context, struct arena *arena, struct admin_lag **items)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    int64_t now_ms = clock_now_ms(&reader->server->clock);
    size_t count = health_count_lags(view->health);
    *items = arena_alloc(arena, count * sizeof **items);
    for (size_t i = 0; i < count; i++) {
        (*items)[i] = describe(view, i, now_ms, arena);
        (*items)[i].status.from = arena_copy_text(arena, (*items)[i].status.from);
        (*items)[i].status.to = arena_copy_text(arena, (*items)[i].status.to);
    }
    reader_end(reader);
    return count;
}

/* A place of the kind of the other one: regions and azs share one name space. */
static ptrdiff_t find_pair(const struct view *view, const char *from, const char *to)
{
    for (enum health_kind kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        ptrdiff_t a = health_find(view->health, kind, from), b = health_find(view->health, kind, to);
        if (a >= 0 && b >= 0) {
            return health_find_lag(view->health, kind, (uint32_t)a, (uint32_t)b);
        }
    }
    return -1;
}

int server_report_lag(void *context, const char *from, const char *to, const struct health_lag_report *report,
                      enum health_push_fate *fate)
{
    struct server *server = context;
    lock_take(&server->lock);
    const struct view *view = server->view;
    ptrdiff_t pair = find_pair(view, from, to);
    int error = pair < 0                                      ? ERROR_NOT_FOUND
                : view->topology->replications[pair].is_asked ? ERROR_UNSUPPORTED
                                                              : 0;
    if (error == 0) {
        *fate = health_report_lag(view->health, (size_t)pair, report, clock_wall_ms(&server->clock),
                                  clock_now_ms(&server->clock));
        shadows_take_lag(server->shadows, (size_t)pair, report, clock_wall_ms(&server->clock));
    }
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    if (error == 0) {
        atomic_fetch_add_explicit(&server->reports[*fate], 1, memory_order_relaxed);
        log_debug("report from=%s to=%s value=%g unit=%s taken=%d", from, to, report->value,
                  health_lag_unit_text(report->unit), *fate == HEALTH_PUSH_TAKEN);
    }
    return error;
}

/* ---- metrics ---- */

static void print(struct buffer *out, const char *metric, const struct health_lag_status *status,
                  double value)
{
    buffer_print(out, "%s{kind=\"%s\",from=\"%s\",to=\"%s\"} %.9g\n", metric, health_kind_text(status->kind),
                 status->from, status->to, value);
}

enum figure { LAG_SECONDS, LAG_BYTES, AGE, OVER, STAGE, FIGURES };

static const struct {
    const char *name, *help;
} figures[FIGURES] = {
    [LAG_SECONDS] = {"steerd_replication_lag_seconds", "How far a copy lags behind, while that is known."},
    [LAG_BYTES] = {"steerd_replication_lag_bytes",
                   "How many bytes a copy lags behind, where bytes are reported."},
    [AGE] = {"steerd_replication_age_seconds", "Age of the last word about a copy."},
    [OVER] = {"steerd_replication_over_rpo",
              "1: a copy lags behind for longer than its RPO allows; 0: it does not. Not there while that is "
              "unknown."},
    [STAGE] = {"steerd_replication_stage",
               "How far the copying is: 1 start, 2 full, 3 real time; 0 unknown."},
};

static void print_one(struct buffer *out, enum figure figure, const struct health_lag_status *status)
{
    const char *name = figures[figure].name;
    bool is_bytes = status->unit == HEALTH_LAG_BYTES;
    double seconds = status->unit == HEALTH_LAG_MILLISECONDS ? status->value / 1000 : status->value;
    switch (figure) {
    case LAG_SECONDS:
        if (status->is_known && !is_bytes) {
            print(out, name, status, seconds);
        }
        break;
    case LAG_BYTES:
        if (status->is_known && is_bytes) {
            print(out, name, status, status->value);
        }
        break;
    case AGE:
        if (status->age_ms >= 0) {
            print(out, name, status, (double)status->age_ms / 1000);
        }
        break;
    case OVER:
        if (status->rpo == HEALTH_RPO_OVER || status->rpo == HEALTH_RPO_KEPT) {
            print(out, name, status, status->rpo == HEALTH_RPO_OVER);
        }
        break;
    default: print(out, name, status, (double)status->stage);
    }
}

void replication_print_metrics(const struct view *view, int64_t now_ms, struct buffer *out)
{
    size_t count = view->health == NULL ? 0 : health_count_lags(view->health);
    for (int figure = 0; count != 0 && figure < FIGURES; figure++) {
        print_head(out, figures[figure].name, "gauge", figures[figure].help);
        for (size_t i = 0; i < count; i++) {
            struct health_lag_status status;
            health_get_lag(view->health, i, now_ms, &status);
            print_one(out, (enum figure)figure, &status);
        }
    }
}
