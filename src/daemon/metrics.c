/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Prometheus text exposition of everything that is counted. Label values are escaped by print_label()
 * (metrics_kept.h). */
#include "config.h"

#include "daemon/metrics.h"

#include "daemon/certificates.h"
#include "daemon/changes.h"
#include "daemon/feed.h"
#include "daemon/counted.h"
#include "daemon/metrics_kept.h"
#include "daemon/ramps.h"
#include "daemon/reader.h"
#include "daemon/errors.h"
#include "daemon/replication.h"
#include "daemon/server.h"
#include "daemon/transitions.h"
#include "geo/geo.h"
#include "probe/probe.h"
#include "view/hosts.h"

static void print_cookies(const uint64_t *sums, struct buffer *out)
{
    static const struct {
        enum answer_counter counter;
        const char *result;
    } kinds[] = {
        {ANSWER_COUNT_COOKIE_VALID, "valid"},
        {ANSWER_COUNT_COOKIE_INVALID, "invalid"},
        {ANSWER_COUNT_COOKIE_NEW, "new"},
    };
    print_head(out, "steerd_cookies_total", "counter",
               "Queries with a DNS cookie: with a good server cookie, a bad one, or none yet.");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        buffer_print(out, "steerd_cookies_total{result=\"%s\"} %lu\n", kinds[i].result,
                     (unsigned long)sums[kinds[i].counter]);
    }
}

static void print_geo_value(const struct view *view, size_t index, const char *name, double value,
                            struct buffer *out)
{
    buffer_print(out, "%s{file=\"", name);
    print_label(out, geo_get_info(view->geo[index])->path);
    buffer_print(out, "\"} %.0f\n", value);
}

static void print_geo(const struct view *view, struct buffer *out)
{
    if (view->geo_count == 0) {
        return;
    }
    print_head(out, "steerd_geo_build_time_seconds", "gauge",
               "When the geo database that serves was made, Unix time.");
    for (size_t i = 0; i < view->geo_count; i++) {
        print_geo_value(view, i, "steerd_geo_build_time_seconds",
                        (double)geo_get_info(view->geo[i])->build_epoch, out);
    }
    print_head(out, "steerd_geo_loaded_time_seconds", "gauge", "When that geo database was read, Unix time.");
    for (size_t i = 0; i < view->geo_count; i++) {
        print_geo_value(view, i, "steerd_geo_loaded_time_seconds",
                        (double)view->geo_files[i].loaded_ms / 1000, out);
    }
    print_head(out, "steerd_geo_stale", "gauge",
               "Whether its file is broken or gone (1), so that its last good version serves.");
    for (size_t i = 0; i < view->geo_count; i++) {
        print_geo_value(view, i, "steerd_geo_stale", view->geo_files[i].stale, out);
    }
}

/* A family of counters that differ in one label. */
struct family {
    const char *name, *help;
    struct {
        enum answer_counter counter;
        const char *result;
    } kinds[4];
};

static void print_families(const uint64_t *sums, struct buffer *out)
{
    static const struct family families[] = {
        {"steerd_transfers_total",
         "Zone transfers out: begun, ended, cut, or refused by the zone's list or for being too many.",
         {{ANSWER_COUNT_TRANSFER_STARTED, "started"},
          {ANSWER_COUNT_TRANSFER_FINISHED, "finished"},
          {ANSWER_COUNT_TRANSFER_ABORTED, "aborted"},
          {ANSWER_COUNT_TRANSFER_REFUSED, "refused"}}},
        {"steerd_tsig_total",
         "Signed queries (TSIG), by what became of the signature.",
         {{ANSWER_COUNT_TSIG_GOOD, "good"},
          {ANSWER_COUNT_TSIG_BADKEY, "badkey"},
          {ANSWER_COUNT_TSIG_BADSIG, "badsig"},
          {ANSWER_COUNT_TSIG_BADTIME, "badtime"}}},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        print_head(out, families[i].name, "counter", families[i].help);
        for (size_t j = 0; j < sizeof families[i].kinds / sizeof *families[i].kinds; j++) {
            buffer_print(out, "%s{result=\"%s\"} %lu\n", families[i].name, families[i].kinds[j].result,
                         (unsigned long)sums[families[i].kinds[j].counter]);
        }
    }
}

static void print_notifies(const struct reader *reader, struct buffer *out)
{
    const struct notify_stats stats = reader->notifies;
    print_head(out, "steerd_notifies_sent_total", "counter", "NOTIFY messages sent to secondaries.");
    buffer_print(out, "steerd_notifies_sent_total %lu\n", (unsigned long)stats.sent);
    print_head(out, "steerd_notifies_total", "counter",
               "Changes that a secondary was told of, by what it answered in the end.");
    buffer_print(out, "steerd_notifies_total{result=\"acknowledged\"} %lu\n",
                 (unsigned long)stats.acknowledged);
    buffer_print(out, "steerd_notifies_total{result=\"refused\"} %lu\n", (unsigned long)stats.refused);
    buffer_print(out, "steerd_notifies_total{result=\"silent\"} %lu\n", (unsigned long)stats.silent);
}

static void print_limits(const uint64_t *sums, struct buffer *out)
{
    print_head(out, "steerd_queries_forbidden_total", "counter",
               "Queries refused by an access list: of a listen address, or of a zone.");
    buffer_print(out, "steerd_queries_forbidden_total{by=\"listen\"} %lu\n",
                 (unsigned long)sums[ANSWER_COUNT_FORBIDDEN_LISTENER]);
    buffer_print(out, "steerd_queries_forbidden_total{by=\"zone\"} %lu\n",
                 (unsigned long)sums[ANSWER_COUNT_FORBIDDEN_ZONE]);
    print_head(out, "steerd_answers_bounded_total", "counter",
               "UDP answers truncated because of the bound on amplification.");
    buffer_print(out, "steerd_answers_bounded_total %lu\n", (unsigned long)sums[ANSWER_COUNT_AMPLIFICATION]);
    print_head(out, "steerd_rrl_limited_total", "counter",
               "UDP answers over a response rate, by kind of answer; counted also when only logged.");
    static const char *const kinds[CONF_RRL_KINDS] = {"positive", "nodata", "nxdomain",
                                                      "referral", "error",  "all"};
    for (int i = 0; i < CONF_RRL_KINDS; i++) {
        buffer_print(out, "steerd_rrl_limited_total{kind=\"%s\"} %lu\n", kinds[i],
                     (unsigned long)sums[ANSWER_COUNT_RRL_POSITIVE + i]);
    }
    print_head(out, "steerd_rrl_dropped_total", "counter",
               "Answers over a response rate that were not sent.");
    buffer_print(out, "steerd_rrl_dropped_total %lu\n", (unsigned long)sums[ANSWER_COUNT_RRL_DROPPED]);
    print_head(out, "steerd_rrl_slipped_total", "counter",
               "Answers over a response rate that were sent empty, with TC or BADCOOKIE.");
    buffer_print(out, "steerd_rrl_slipped_total %lu\n", (unsigned long)sums[ANSWER_COUNT_RRL_SLIPPED]);
}

static void print_tcp(const struct server *server, struct buffer *out)
{
    struct serve_tcp_stats stats;
    counted_get_tcp(server, &stats);
    print_head(out, "steerd_tcp_clients", "gauge", "TCP connections now.");
    buffer_print(out, "steerd_tcp_clients %u\n", stats.clients);
    print_head(out, "steerd_tcp_accepted_total", "counter", "TCP connections accepted.");
    buffer_print(out, "steerd_tcp_accepted_total %lu\n", (unsigned long)stats.accepted);
    print_head(out, "steerd_tcp_closed_total", "counter",
               "TCP connections ended, by what ended them: the client, idling, or a limit.");
    for (int i = 0; i < SERVE_TCP_ENDS; i++) {
        buffer_print(out, "steerd_tcp_closed_total{by=\"%s\"} %lu\n",
                     counted_tcp_end_text((enum serve_tcp_end)i), (unsigned long)stats.ended[i]);
    }
}

static void print_queries(const struct server *server, struct buffer *out)
{
    uint64_t sums[ANSWER_COUNTERS];
    counted_get_answers(server, sums);
    print_head(out, "steerd_queries_total", "counter", "Queries received, by transport.");
    buffer_print(out, "steerd_queries_total{transport=\"udp\"} %lu\n",
                 (unsigned long)sums[ANSWER_COUNT_QUERIES_UDP]);
    buffer_print(out, "steerd_queries_total{transport=\"tcp\"} %lu\n",
                 (unsigned long)sums[ANSWER_COUNT_QUERIES_TCP]);
    print_head(out, "steerd_answers_total", "counter", "Answers sent, by response code.");
    for (int i = ANSWER_COUNT_NOERROR; i <= ANSWER_COUNT_BADVERS; i++) {
        buffer_print(out, "steerd_answers_total{rcode=\"%s\"} %lu\n",
                     answer_counter_text((enum answer_counter)i), (unsigned long)sums[i]);
    }
    static const struct {
        enum answer_counter counter;
        const char *name, *help;
    } singles[] = {
        {ANSWER_COUNT_DROPPED, "steerd_queries_dropped_total", "Messages that no reply is due to."},
        {ANSWER_COUNT_TRUNCATED, "steerd_answers_truncated_total", "Answers with the TC flag."},
        {ANSWER_COUNT_STEERED, "steerd_answers_steered_total", "Answers chosen by a policy."},
        {ANSWER_COUNT_FALLBACK, "steerd_answers_fallback_total",
         "Steered answers for which no tier qualified."},
    };
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        print_head(out, singles[i].name, "counter", singles[i].help);
        buffer_print(out, "%s %lu\n", singles[i].name, (unsigned long)sums[singles[i].counter]);
    }
    print_cookies(sums, out);
    print_families(sums, out);
    print_limits(sums, out);
}

/* How well the schedule is kept. */
static void print_late(const struct probe_stats *stats, struct buffer *out)
{
    static const char name[] = "steerd_checks_lateness_seconds";
    uint64_t sum = 0;
    print_head(out, name, "histogram", "How much later than planned health checks started.");
    for (int i = 0; i < PROBE_LATE_BUCKETS; i++) {
        sum += stats->late[i];
        if (i < PROBE_LATE_BUCKETS - 1) {
            buffer_print(out, "%s_bucket{le=\"%g\"} %lu\n", name, probe_late_bounds_ms[i] / 1e3,
                         (unsigned long)sum);
        }
    }
    buffer_print(out, "%s_bucket{le=\"+Inf\"} %lu\n%s_sum %.6f\n%s_count %lu\n", name, (unsigned long)sum,
                 name, (double)stats->late_us / 1e6, name, (unsigned long)sum);
    print_head(out, "steerd_checks_stalled_seconds_total", "counter",
               "For how long the prober did not run when it should have; no check is late for that.");
    buffer_print(out, "steerd_checks_stalled_seconds_total %.6f\n", (double)stats->stalled_us / 1e6);
    print_head(out, "steerd_checks_turns_total", "counter",
               "Turns of the prober's loop: it wakes up when a check is due, or something has come for one.");
    buffer_print(out, "steerd_checks_turns_total %lu\n", (unsigned long)stats->turns);
    print_head(out, "steerd_checks_planned", "gauge",
               "Different health checks that are made; several endpoints may share one.");
    buffer_print(out, "steerd_checks_planned %lu\n", (unsigned long)stats->checks);
}

static void print_checks(const struct server *server, struct buffer *out)
{
    struct probe_stats stats;
    counted_get_checks(server, &stats);
    print_head(out, "steerd_checks_started_total", "counter", "Health checks started.");
    buffer_print(out, "steerd_checks_started_total %lu\n", (unsigned long)stats.started);
    print_head(out, "steerd_checks_total", "counter", "Health checks ended, by outcome.");
    for (int i = HEALTH_OUTCOME_OK; i < HEALTH_OUTCOME_COUNT; i++) {
        buffer_print(out, "steerd_checks_total{outcome=\"%s\"} %lu\n",
                     health_outcome_text((enum health_outcome)i), (unsigned long)stats.ended[i]);
    }
    print_head(out, "steerd_checks_not_made_total", "counter",
               "Health checks that could not be made for a reason of this host, by cause.");
    for (int i = PROBE_CAUSE_NONE + 1; i < PROBE_CAUSES; i++) {
        buffer_print(out, "steerd_checks_not_made_total{cause=\"%s\"} %lu\n",
                     probe_cause_text((enum probe_cause)i), (unsigned long)stats.causes[i].checks);
    }
    print_head(out, "steerd_checks_not_possible", "gauge",
               "Checks of which the latest could not be made for a reason of this host, by cause.");
    for (int i = PROBE_CAUSE_NONE + 1; i < PROBE_CAUSES; i++) {
        buffer_print(out, "steerd_checks_not_possible{cause=\"%s\"} %lu\n",
                     probe_cause_text((enum probe_cause)i), (unsigned long)stats.causes[i].targets);
    }
    print_late(&stats, out);
    print_head(out, "steerd_checks_in_flight", "gauge", "Health checks that have not ended yet.");
    buffer_print(out, "steerd_checks_in_flight %lu\n", (unsigned long)stats.in_flight);
    print_head(out, "steerd_check_connections_kept", "gauge",
               "Connections that wait for the next health check (keep_alive).");
    buffer_print(out, "steerd_check_connections_kept %lu\n", (unsigned long)stats.resting);
}

static const char *const families[] = {[VIEW_V4] = "ipv4", [VIEW_V6] = "ipv6"};

/* Whether the latest attempt failed: a series for each state that there is. */
static void print_host_states(const struct view *view, struct buffer *out)
{
    print_head(out, "steerd_host_state", "gauge",
               "What is known of a host name: 1 at the state that it has, 0 at the others.");
    for (size_t i = 0; i < view->host_count * VIEW_FAMILIES * VIEW_HOST_STATES; i++) {
        enum view_host_state state = (enum view_host_state)(i % VIEW_HOST_STATES);
        size_t host = i / VIEW_HOST_STATES / VIEW_FAMILIES, family = i / VIEW_HOST_STATES % VIEW_FAMILIES;
        buffer_print(out, "steerd_host_state{host=\"");
        print_label(out, view->hosts[host].conf->name);
        buffer_print(out, "\",family=\"%s\",state=\"%s\"} %d\n", families[family],
                     view_host_state_text(state), view->hosts[host].told[family].state == state);
    }
}

/* Per host: how old what is known is. */
static void print_hosts(const struct view *view, const struct resolve_stats *news, struct buffer *out)
{
    const struct resolve_stats stats = *news;
    print_head(out, "steerd_resolutions_total", "counter",
               "Host names of endpoints looked up, by family and host, by result.");
    buffer_print(out, "steerd_resolutions_total{result=\"answered\"} %lu\n", (unsigned long)stats.answered);
    buffer_print(out, "steerd_resolutions_total{result=\"failed\"} %lu\n", (unsigned long)stats.failed);
    print_head(out, "steerd_host_addresses", "gauge", "Addresses that a host name is known to have.");
    for (size_t i = 0; i < view->host_count * VIEW_FAMILIES; i++) {
        const struct view_host *host = &view->hosts[i / VIEW_FAMILIES];
        const struct view_addresses *addresses = view_get_addresses(view, (uint32_t)(i / VIEW_FAMILIES));
        buffer_print(out, "steerd_host_addresses{host=\"");
        print_label(out, host->conf->name);
        buffer_print(out, "\",family=\"%s\"} %u\n", families[i % VIEW_FAMILIES],
                     addresses->count[i % VIEW_FAMILIES]);
    }
    print_host_states(view, out);
    print_head(out, "steerd_host_answered_time_seconds", "gauge",
               "When a host name was last answered for, Unix time; 0: never.");
    for (size_t i = 0; i < view->host_count * VIEW_FAMILIES; i++) {
        const struct view_host *host = &view->hosts[i / VIEW_FAMILIES];
        buffer_print(out, "steerd_host_answered_time_seconds{host=\"");
        print_label(out, host->conf->name);
        buffer_print(out, "\",family=\"%s\"} %.3f\n", families[i % VIEW_FAMILIES],
                     (double)host->told[i % VIEW_FAMILIES].answered_ms / 1000);
    }
}

static void print_serving(const struct operate_targets *targets, struct buffer *out)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct operate_target *target = &targets->items[i];
        buffer_print(out, "steerd_target_serving{kind=\"%s\",name=\"", health_kind_text(target->kind));
        print_label(out, target->name);
        buffer_print(out, "\"} %d\n", health_state_serves(target->status.effective.state));
    }
}

/* A series for each state that a target may have: a change changes values, and makes no series. */
static void print_states(const struct operate_targets *targets, struct buffer *out)
{
    for (size_t i = 0; i < targets->count * HEALTH_STATES; i++) {
        const struct operate_target *target = &targets->items[i / HEALTH_STATES];
        enum health_state state = (enum health_state)(i % HEALTH_STATES);
        buffer_print(out, "steerd_target_state{kind=\"%s\",name=\"", health_kind_text(target->kind));
        print_label(out, target->name);
        buffer_print(out, "\",state=\"%s\"} %d\n", health_state_text(state),
                     target->status.effective.state == state);
    }
}

static void print_plans(const struct operate_targets *targets, struct buffer *out)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct operate_target *target = &targets->items[i];
        if (target->status.planned) {
            buffer_print(out, "steerd_override_start_time_seconds{kind=\"%s\",name=\"",
                         health_kind_text(target->kind));
            print_label(out, target->name);
            buffer_print(out, "\",state=\"%s\"} %.3f\n", health_desired_text(target->override->desired),
                         (double)target->override->starts_ms / 1000);
        }
    }
}

static void print_load(const struct operate_target *target, const char *metric, double value,
                       struct buffer *out)
{
    buffer_print(out, "%s{endpoint=\"", metric);
    print_label(out, target->name);
    buffer_print(out, "\"} %.9g\n", value);
}

/* Of endpoints with watermarks, and of those that report without. */
static void print_loads(const struct operate_targets *targets, struct buffer *out)
{
    print_head(out, "steerd_endpoint_load", "gauge",
               "Load as the endpoint reported it last, while it counts.");
    for (size_t i = 0; i < targets->count; i++) {
        const struct health_load_status *load = &targets->items[i].status.load;
        if (load->source != HEALTH_LOAD_NONE) {
            print_load(&targets->items[i], "steerd_endpoint_load", load->value, out);
        }
    }
    print_head(out, "steerd_endpoint_shed_ratio", "gauge",
               "Share of its weight (0 to 1) that an endpoint with watermarks sheds because of its load.");
    for (size_t i = 0; i < targets->count; i++) {
        if (conf_get_load(targets->items[i].endpoint)->is_given) {
            print_load(&targets->items[i], "steerd_endpoint_shed_ratio", targets->items[i].status.load.shed,
                       out);
        }
    }
}

static void print_times(const char *name, const char *help, const struct spans *times, struct buffer *out)
{
    static const char *const bounds[SPAN_BUCKETS] = {"1e-05", "0.0001", "0.001", "0.01", "0.1", "1", "+Inf"};
    uint64_t sum = 0;
    print_head(out, name, "histogram", help);
    for (int i = 0; i < SPAN_BUCKETS; i++) {
        sum += times->buckets[i];
        buffer_print(out, "%s_bucket{le=\"%s\"} %lu\n", name, bounds[i], (unsigned long)sum);
    }
    buffer_print(out, "%s_sum %.9f\n%s_count %lu\n", name, (double)times->sum_ns / 1e9, name,
                 (unsigned long)times->count);
}

static void print_longest(const char *name, const char *help, const struct spans *times, struct buffer *out)
{
    print_head(out, name, "gauge", help);
    buffer_print(out, "%s{since=\"start\"} %.9f\n", name, (double)times->longest_ns / 1e9);
    buffer_print(out, "%s{since=\"minute\"} %.9f\n", name,
                 (double)spans_find_recent(times, clock_machine_ns()) / 1e9);
}

static void print_lock(struct server *server, struct buffer *out)
{
    struct lock_stats stats;
    lock_get_stats(&server->lock, &stats);
    print_times("steerd_health_lock_held_seconds", "For how long threads held the lock of health.",
                &stats.held, out);
    print_times("steerd_health_lock_waited_seconds", "For how long threads waited for the lock of health.",
                &stats.waited, out);
    print_longest(
        "steerd_health_lock_longest_held_seconds",
        "The longest that the lock of health was held: since the start, and in the last one to two minutes.",
        &stats.held, out);
    print_longest("steerd_health_lock_longest_waited_seconds",
                  "The longest that a thread waited for the lock of health: since the start, and in the last "
                  "one to two minutes.",
                  &stats.waited, out);
}

static void print_turns(const struct reader *reader, struct buffer *out)
{
    print_times("steerd_control_turn_cpu_seconds",
                "Processor time of the control thread from one wait for events to the next one.",
                &reader->turns, out);
    print_longest(
        "steerd_control_longest_turn_cpu_seconds",
        "The longest turn of the control thread: since the start, and in the last one to two minutes.",
        &reader->turns, out);
}

static bool serves_with(const struct health_status *status, int family)
{
    return status->effective.decided_by == HEALTH_BY_VERDICT
               ? status->families[family] != HEALTH_OBSERVED_UNHEALTHY
               : health_state_serves(status->effective.state);
}

/* Of endpoints with addresses of both. */
static void print_both_families(const struct operate_targets *targets, struct buffer *out)
{
    print_head(
        out, "steerd_endpoint_family_serving", "gauge",
        "Whether an endpoint with IPv4 and IPv6 may be in A (ipv4) or AAAA (ipv6) records (1) or not (0).");
    for (size_t i = 0; i < targets->count; i++) {
        const struct operate_target *target = &targets->items[i];
        bool has_both = operate_has_family(target, HEALTH_V4) && operate_has_family(target, HEALTH_V6);
        for (int family = HEALTH_V4; has_both && family < HEALTH_FAMILIES; family++) {
            buffer_add_text(out, "steerd_endpoint_family_serving{endpoint=\"");
            print_label(out, target->name);
            buffer_print(out, "\",family=\"%s\"} %d\n", health_family_text((enum health_family)family),
                         serves_with(&target->status, family));
        }
    }
}

static void print_brakes(const struct view *view, struct buffer *out)
{
    struct health_brake_status brakes[HEALTH_BRAKES];
    static const char *const names[HEALTH_BRAKES] = {"ipv4", "ipv6"};
    for (unsigned i = 0; i < HEALTH_BRAKES; i++) {
        health_get_brake(view->health, i, &brakes[i]);
    }
    print_head(out, "steerd_brake_holding", "gauge",
               "Whether nothing becomes unhealthy, because nearly everything failed at once, by family.");
    for (unsigned i = 0; i < HEALTH_BRAKES; i++) {
        buffer_print(out, "steerd_brake_holding{family=\"%s\"} %d\n", names[i], brakes[i].engaged);
    }
    print_head(out, "steerd_brake_engagements_total", "counter", "How often it began to hold, by family.");
    for (unsigned i = 0; i < HEALTH_BRAKES; i++) {
        buffer_print(out, "steerd_brake_engagements_total{family=\"%s\"} %lu\n", names[i],
                     (unsigned long)brakes[i].engagements);
    }
    print_head(out, "steerd_brake_targets", "gauge",
               "Addresses that failed lately after they were well, and those that answer.");
    for (unsigned i = 0; i < HEALTH_BRAKES; i++) {
        buffer_print(out,
                     "steerd_brake_targets{family=\"%s\",state=\"failing\"} %u\n"
                     "steerd_brake_targets{family=\"%s\",state=\"answering\"} %u\n",
                     names[i], brakes[i].failing, names[i], brakes[i].answering);
    }
}

static void print_targets(const struct view *view, struct buffer *out)
{
    struct arena *arena = arena_new(0);
    struct operate_targets targets[HEALTH_REGION + 1];
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        operate_list_targets(view, (enum health_kind)kind, arena, &targets[kind]);
    }
    print_head(out, "steerd_target_serving", "gauge",
               "Whether a region, az or endpoint may be in answers (1) or not (0).");
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        print_serving(&targets[kind], out);
    }
    print_head(out, "steerd_target_state", "gauge",
               "The effective state of a region, az or endpoint: 1 at the one that it has, 0 at the others.");
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        print_states(&targets[kind], out);
    }
    transitions_print_metrics(view->health, targets, out);
    ramps_print_metrics(targets, out);
    print_head(out, "steerd_override_start_time_seconds", "gauge",
               "When an override that is planned will start, Unix time.");
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        print_plans(&targets[kind], out);
    }
    print_head(out, "steerd_overrides_dormant", "gauge", "Overrides whose target is not in the topology.");
    buffer_print(out, "steerd_overrides_dormant %zu\n",
                 view->health == NULL ? 0 : health_count_dormant(view->health));
    print_both_families(&targets[HEALTH_ENDPOINT], out);
    print_loads(&targets[HEALTH_ENDPOINT], out);
    arena_free(arena);
}

/* What is computed for the admin API. */
static void print_work(const struct reader *reader, struct buffer *out)
{
    static const char *const lanes[] = {[ADMIN_QUICK] = "quick",
                                        [ADMIN_LONG] = "long",
                                        [ADMIN_ORDERS] = "orders",
                                        [ADMIN_TRIES] = "tries",
                                        [ADMIN_SPARE] = "spare"};
    const struct worker_stats *work = reader->work;
    print_head(out, "steerd_work_waiting", "gauge", "Answers of the admin API that wait to be computed.");
    for (int i = 0; i < ADMIN_LANES; i++) {
        buffer_print(out, "steerd_work_waiting{lane=\"%s\"} %zu\n", lanes[i], work[i].waiting);
    }
    print_head(out, "steerd_work_running_seconds", "gauge",
               "For how long the answer that is being computed has been; 0: none is.");
    for (int i = 0; i < ADMIN_LANES; i++) {
        buffer_print(out, "steerd_work_running_seconds{lane=\"%s\"} %.3f\n", lanes[i],
                     work[i].running == NULL ? 0 : (double)work[i].running_ms / 1000);
    }
    print_head(out, "steerd_work_progress_ratio", "gauge",
               "How much of the answer that is being computed is done, as far as is known.");
    for (int i = 0; i < ADMIN_LANES; i++) {
        buffer_print(out, "steerd_work_progress_ratio{lane=\"%s\"} %.3f\n", lanes[i],
                     work[i].of == 0 ? 0 : (double)work[i].done / (double)work[i].of);
    }
    print_head(out, "steerd_work_total", "counter",
               "Answers of the admin API: computed, cancelled because nobody waited any more, or refused "
               "because too many "
               "waited.");
    for (int i = 0; i < ADMIN_LANES; i++) {
        buffer_print(out, "steerd_work_total{lane=\"%s\",result=\"ended\"} %lu\n", lanes[i],
                     (unsigned long)work[i].ended);
        buffer_print(out, "steerd_work_total{lane=\"%s\",result=\"cancelled\"} %lu\n", lanes[i],
                     (unsigned long)work[i].cancelled);
        buffer_print(out, "steerd_work_total{lane=\"%s\",result=\"refused\"} %lu\n", lanes[i],
                     (unsigned long)work[i].refused);
    }
}

void server_write_metrics(struct reader *reader, struct buffer *out)
{
    const struct server *server = reader->server;
    const struct view *view = reader_begin(reader);
    print_head(out, "steerd_build_info", "gauge", "Version of the server.");
    buffer_print(out, "steerd_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    print_head(out, "steerd_start_time_seconds", "gauge", "Start of the server, Unix time.");
    buffer_print(out, "steerd_start_time_seconds %.3f\n", (double)server->started_ms / 1000);
    print_head(out, "steerd_view_generation", "gauge", "Number of the view that is served.");
    buffer_print(out, "steerd_view_generation %lu\n", (unsigned long)view_number(view));
    print_head(out, "steerd_view_loaded_time_seconds", "gauge", "When that view was loaded, Unix time.");
    buffer_print(out, "steerd_view_loaded_time_seconds %.3f\n", (double)view->loaded_ms / 1000);
    print_head(out, "steerd_reloads_total", "counter", "Reloads ended, with or without errors.");
    buffer_print(out, "steerd_reloads_total %lu\n", (unsigned long)reader->reloads);
    print_head(out, "steerd_reload_failures_total", "counter",
               "Reloads with errors, partly applied or refused.");
    buffer_print(out, "steerd_reload_failures_total %lu\n", (unsigned long)reader->reload_failures);
    print_head(out, "steerd_zones", "gauge", "Zones, by state.");
    size_t failed = 0, stale = 0;
    for (size_t i = 0; i < view->zone_count; i++) {
        failed += view->zone_list[i].failed;
        stale += view->zone_list[i].stale;
    }
    buffer_print(out, "steerd_zones{state=\"current\"} %zu\n", view->zone_count - failed - stale);
    buffer_print(out, "steerd_zones{state=\"stale\"} %zu\n", stale);
    buffer_print(out, "steerd_zones{state=\"failed\"} %zu\n", failed);
    metrics_print_outputs(reader, out);
    changes_write_metrics(server->changes, out);
    feed_write_metrics(server->feed, reader->tidings, out);
    print_geo(view, out);
    print_queries(server, out);
    metrics_print_kept(reader, view, out);
    print_notifies(reader, out);
    print_tcp(server, out);
    print_checks(server, out);
    checked_write_stale(view, out);
    checked_write_metrics(&server->checked, out);
    print_lock(reader->server, out);
    print_turns(reader, out);
    print_hosts(view, &reader->resolutions, out);
    print_targets(view, out);
    print_brakes(view, out);
    replication_print_metrics(view, clock_now_ms(&server->clock), out);
    errors_print_metrics(reader, view, out);
    certificates_write_metrics(view, out);
    print_work(reader, out);
    refusals_write_metrics(server, out);
    reader_end(reader);
    metrics_print_vantages(reader, out);
}
