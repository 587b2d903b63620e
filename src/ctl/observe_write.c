/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See observe_write.h. Names are those of a drill's report, so that both can be compared. */
#include "config.h"

#include "ctl/observe_write.h"

#include "base/clock.h"
#include "ctl/text.h"
#include "dns/name.h"

enum { CELL = 256 };

static json_t *time_or_null(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static void set_count(json_t *to, const char *key, uint64_t value)
{
    json_object_set_new(to, key, json_integer((json_int_t)value));
}

static json_t *write_names(const struct observe_plan *plan)
{
    json_t *names = json_array();
    for (size_t i = 0; i < plan->name_count; i++) {
        char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
        json_array_append_new(names, json_sprintf("%s %s", dns_name_write(plan->names[i].wire, name),
                                                  dns_write_type(plan->names[i].type, type)));
    }
    return names;
}

static json_t *write_lost(const struct observe_plan *plan)
{
    json_t *lost = json_array();
    for (size_t i = 0; i < plan->lost_count; i++) {
        char text[ADDR_TEXT_SIZE];
        json_array_append_new(lost, json_string(addr_write(&plan->lost[i], text)));
    }
    return lost;
}

static json_t *write_seconds(const double *one, const double *all, double retry, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        double value = (1 - retry) * one[i] + retry * all[i];
        json_array_append_new(list, value < 1e-12 ? json_integer(0) : json_real(value));
    }
    return list;
}

static json_t *write_sum(const struct tally_sum *sum, double retry, int64_t duration_ms)
{
    static const char *const names[TALLY_MOVED] = {"50", "90", "99", "100"};
    json_t *to = json_object(), *moved = json_object(), *by_second = json_object();
    double all = duration_ms == 0 ? 1 : (double)duration_ms / 1000;
    double seconds = (1 - retry) * sum->seconds_one + retry * sum->seconds_all;
    for (size_t i = 0; i < TALLY_MOVED; i++) {
        json_object_set_new(moved, names[i], time_or_null(sum->moved_ms[i]));
    }
    json_object_set_new(to, "failed_share", json_real(seconds / all));
    json_object_set_new(to, "failed_share_first_address", json_real(sum->seconds_one / all));
    json_object_set_new(to, "failed_share_all_addresses", json_real(sum->seconds_all / all));
    json_object_set_new(to, "failed_seconds", json_real(seconds));
    json_object_set_new(to, "failed_first_ms", time_or_null(sum->first_ms));
    json_object_set_new(to, "failed_last_ms", time_or_null(sum->last_ms));
    json_object_set_new(to, "moved_ms", moved);
    json_object_set_new(by_second, "failed",
                        write_seconds(sum->failed_one, sum->failed_all, retry, sum->second_count));
    json_object_set_new(by_second, "failed_first_address",
                        write_seconds(sum->failed_one, sum->failed_one, 0, sum->second_count));
    json_object_set_new(by_second, "failed_all_addresses",
                        write_seconds(sum->failed_all, sum->failed_all, 0, sum->second_count));
    json_object_set_new(by_second, "to_lost", write_seconds(sum->misled, sum->misled, 0, sum->second_count));
    json_object_set_new(to, "by_second", by_second);
    return to;
}

json_t *observe_write(const struct observe_plan *plan, const struct observe_report *report, double retry)
{
    char time[CLOCK_TEXT_SIZE];
    json_t *all = json_object();
    json_object_set_new(all, "names", write_names(plan));
    json_object_set_new(all, "started", json_string(clock_write_rfc3339(report->started_ms, time)));
    json_object_set_new(all, "duration_ms", json_integer(report->duration_ms));
    json_object_set_new(all, "resolvers", json_integer(plan->resolvers));
    json_object_set_new(all, "ttl_s", json_integer(plan->ttl_s));
    json_object_set_new(all, "lost", write_lost(plan));
    json_object_set_new(all, "lost_ms", time_or_null(report->sum.lost_ms));
    json_object_set_new(all, "decision_ms", time_or_null(report->sum.decided_ms));
    json_object_set_new(all, "users", write_sum(&report->sum, retry, report->duration_ms));
    set_count(all, "questions", report->questions);
    set_count(all, "retries", report->retries);
    set_count(all, "unanswered", report->unanswered);
    set_count(all, "by_tcp", report->by_tcp);
    set_count(all, "requests", report->requests);
    set_count(all, "requests_failed", report->requests_failed);
    json_object_set_new(all, "late_ms", json_integer(report->late_ms));
    json_object_set_new(all, "cut", json_boolean(report->is_cut));
    return all;
}

/* ---- text ---- */

static const char *span(const json_t *object, const char *key, char out[32])
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        return "never";
    }
    double ms = (double)json_integer_value(value);
    snprintf(out, 32, ms < 1000 ? "%.0f ms" : "%.2f s", ms < 1000 ? ms : ms / 1000);
    return out;
}

static void show_users(const json_t *users)
{
    char text[CELL], half[32], most[32], nearly[32], all[32];
    const json_t *moved = json_object_get(users, "moved_ms");
    snprintf(text, sizeof text, "50 %% have moved after %s, 90 %% after %s, 99 %% after %s, 100 %% after %s",
             span(moved, "50", half), span(moved, "90", most), span(moved, "99", nearly),
             span(moved, "100", all));
    text_line("caches", text);
    snprintf(
        text, sizeof text,
        "%.3g %% of requests (%.3g %% if all take one address, %.3g %% if all try the others): %.2f s of all",
        100 * json_number_value(json_object_get(users, "failed_share")),
        100 * json_number_value(json_object_get(users, "failed_share_first_address")),
        100 * json_number_value(json_object_get(users, "failed_share_all_addresses")),
        json_number_value(json_object_get(users, "failed_seconds")));
    text_line("failed", text);
}

void observe_show(const struct steerctl *ctl, const json_t *observed)
{
    char text[CELL], list[TEXT_LIST_SIZE], number[32];
    (void)ctl;
    text_line("names", text_join(json_object_get(observed, "names"), ", ", list));
    snprintf(text, sizeof text, "%lld for %s: %lld questions, %lld unanswered, asked %lld ms late at most",
             (long long)json_integer_value(json_object_get(observed, "resolvers")),
             span(observed, "duration_ms", number),
             (long long)json_integer_value(json_object_get(observed, "questions")),
             (long long)json_integer_value(json_object_get(observed, "unanswered")),
             (long long)json_integer_value(json_object_get(observed, "late_ms")));
    text_line("resolvers", text);
    if (json_integer_value(json_object_get(observed, "requests")) != 0) {
        snprintf(text, sizeof text, "%lld, of which %lld failed",
                 (long long)json_integer_value(json_object_get(observed, "requests")),
                 (long long)json_integer_value(json_object_get(observed, "requests_failed")));
        text_line("requests", text);
    }
    text_line("lost", json_is_null(json_object_get(observed, "lost_ms")) ? "nothing"
                                                                         : span(observed, "lost_ms", number));
    text_line("decision", span(observed, "decision_ms", number));
    show_users(json_object_get(observed, "users"));
    if (json_is_true(json_object_get(observed, "cut"))) {
        text_line("note", "it ended early: more happened than can be noted");
    }
}

void observe_show_beside(const struct steerctl *ctl, const json_t *observed)
{
    puts("\nSeen by resolvers (steerctl observe)");
    observe_show(ctl, observed);
}
