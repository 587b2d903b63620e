/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/traffic: answers that were given, by name, endpoint, az, region or class of clients. A cursor is
 * the key of the row shown last. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

/* No more digits than a rate has. */
static json_t *render_rate(double rate)
{
    return json_real(round(rate * 1e4) / 1e4);
}

static void set_rates(json_t *object, const struct admin_traffic_row *row)
{
    json_t *rates = json_object();
    set(rates, "1m", render_rate(row->rates[TRAFFIC_1M]));
    set(rates, "5m", render_rate(row->rates[TRAFFIC_5M]));
    set(rates, "15m", render_rate(row->rates[TRAFFIC_15M]));
    set_number(object, "answers", row->answers);
    set(object, "rates", rates);
    set_time(object, "since", row->since_ms);
}

static json_t *render_row(const struct admin_traffic_row *row, enum traffic_kind kind)
{
    json_t *object = json_object();
    set_text(object, "kind", traffic_kind_text(kind));
    set_text(object, "name", row->name);
    set_text(object, "of", row->of);
    set_text(object, "az", row->az);
    set_text(object, "region", row->region);
    set_rates(object, row);
    set(object, "share", row->share < 0 ? json_null() : render_rate(row->share));
    return object;
}

static void parse_by(struct call *call, enum traffic_kind *kind)
{
    const char *by = call->route.parameters[ROUTE_BY];
    *kind = TRAFFIC_REGION;
    for (int i = 0; by != NULL; i++) {
        if (i == TRAFFIC_KINDS) {
            problem_add_field(&call->problem, "by",
                              "found \"%s\", expected name, endpoint, az, region or class", by);
            return;
        }
        if (strcmp(by, traffic_kind_text((enum traffic_kind)i)) == 0) {
            *kind = (enum traffic_kind)i;
            return;
        }
    }
}

static bool parse_order(struct call *call)
{
    const char *order = call->route.parameters[ROUTE_ORDER];
    bool is_busiest = order != NULL && strcmp(order, "busiest") == 0;
    if (order != NULL && !is_busiest && strcmp(order, "name") != 0) {
        problem_add_field(&call->problem, "order", "found \"%s\", expected name or busiest", order);
    }
    if (is_busiest && call->route.parameters[ROUTE_CURSOR] != NULL) {
        problem_add_field(&call->problem, "cursor", "found with \"order\": busiest, which has one page");
    }
    return is_busiest;
}

void handle_traffic(struct call *call)
{
    struct admin_traffic traffic = {.cursor = call->route.parameters[ROUTE_CURSOR],
                                    .limit = call->route.limit};
    parse_by(call, &traffic.kind);
    traffic.is_busiest = parse_order(call);
    if (!problem_is_set(&call->problem) &&
        call->admin->verbs.traffic.list(call->reader, &traffic, call->arena) != 0) {
        problem_add_field(
            &call->problem, "cursor",
            "found \"%s\", expected the next_cursor of a page; what it names may be gone: begin "
            "anew",
            traffic.cursor);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object(), *items = json_array(), *all = json_object();
    for (size_t i = 0; i < traffic.count; i++) {
        json_array_append_new(items, render_row(&traffic.items[i], traffic.kind));
    }
    set_rates(all, &traffic.all);
    set(document, "all", all);
    set(document, "items", items);
    set_text(document, "next_cursor", traffic.next);
    call_reply_json(call, 200, document);
}
