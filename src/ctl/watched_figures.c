/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of figures, and how each is found. A path of JSON is keys with points between, with "[]" behind
 * a list whose items are summed; its end may compare ("=WORD") or ask for anything but null ("!"), which
 * counts 1. Paths are added up by "+". A path of metrics is a name and perhaps a label. */
#include "config.h"

#include "ctl/watched_figures.h"

#include "ctl/steerctl.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TERM_SIZE = 96, DAY_S = 86400 };

/* ---- JSON ---- */

static const json_t *walk(const json_t *from, char *path)
{
    char *rest = NULL;
    for (char *key = strtok_r(path, ".", &rest); key != NULL && from != NULL;
         key = strtok_r(NULL, ".", &rest)) {
        from = json_object_get(from, key);
    }
    return from;
}

static bool is_like(const json_t *value, const char *wanted)
{
    const char *text =
        json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : json_string_value(value);
    return text != NULL && strcmp(text, wanted) == 0;
}

/* What stands at a path of keys, judged; false: nothing does. */
static bool weigh(const json_t *from, const char *term, double *value)
{
    char path[TERM_SIZE];
    size_t len = strcspn(term, "=!");
    snprintf(path, sizeof path, "%.*s", (int)len, term);
    const json_t *found = walk(from, path);
    if (found == NULL || (json_is_null(found) && term[len] != '!')) {
        return false;
    }
    *value = term[len] == '='   ? is_like(found, term + len + 1)
             : term[len] == '!' ? !json_is_null(found)
                                : json_number_value(found);
    return true;
}

static bool weigh_items(const json_t *from, const char *term, const char *brackets, double *value)
{
    char path[TERM_SIZE];
    size_t i;
    const json_t *item;
    snprintf(path, sizeof path, "%.*s", (int)(brackets - term), term);
    const json_t *list = walk(from, path);
    *value = 0;
    json_array_foreach(list, i, item)
    {
        double one = 0;
        if (weigh(item, brackets + 3, &one)) {
            *value += one;
        }
    }
    return json_is_array(list);
}

static bool get_json(const struct watched_input *in, const struct figure *figure, double *value)
{
    const json_t *from = in->documents[figure->source];
    char term[TERM_SIZE];
    double sum = 0, one = 0;
    bool is_known = from != NULL;
    for (const char *at = figure->path; is_known && *at != '\0'; at += *at == '+') {
        size_t len = strcspn(at, "+");
        snprintf(term, sizeof term, "%.*s", (int)len, at);
        const char *brackets = strstr(term, "[].");
        is_known = brackets == NULL ? weigh(from, term, &one) : weigh_items(from, term, brackets, &one);
        sum += one;
        at += len;
    }
    *value = sum;
    return is_known;
}

static bool get_unhealthy_share(const struct watched_input *in, const struct figure *figure, double *value)
{
    const json_t *counts = json_object_get(in->documents[figure->source], figure->path);
    double total = json_number_value(json_object_get(counts, "total"));
    *value = total == 0 ? 0 : 100 * json_number_value(json_object_get(counts, "unhealthy")) / total;
    return total != 0;
}

/* ---- ages ---- */

/* Of the time that stands there, in seconds. */
static double age_of(const struct watched_input *in, const json_t *object, const char *key)
{
    int64_t then;
    const char *text = text_of(object, key);
    return text == NULL || clock_parse_rfc3339(text, &then) != 0 || then > in->now_ms
               ? 0
               : (double)(in->now_ms - then) / 1000;
}

static bool get_age(const struct watched_input *in, const struct figure *figure, double *value)
{
    char path[TERM_SIZE];
    const char *point = strchr(figure->path, '.');
    size_t len = point == NULL ? 0 : (size_t)(point - figure->path);
    snprintf(path, sizeof path, "%.*s", (int)len, figure->path);
    const json_t *object = walk(in->documents[figure->source], path);
    const char *key = point == NULL ? figure->path : point + 1;
    *value = age_of(in, object, key);
    return text_of(object, key) != NULL;
}

/* Of the oldest override that is in force: since it was put, or has begun. */
static bool get_override_age(const struct watched_input *in, const struct figure *figure, double *value)
{
    size_t i;
    const json_t *item, *items = json_object_get(in->documents[figure->source], "items");
    *value = 0;
    json_array_foreach(items, i, item)
    {
        bool counts = !json_is_true(json_object_get(item, "planned")) &&
                      !json_is_true(json_object_get(item, "dormant"));
        double age = age_of(in, item, text_of(item, "starts") != NULL ? "starts" : "set");
        *value = counts && age > *value ? age : *value;
    }
    return json_is_array(items);
}

/* For how long a switchover has waited for somebody to say what is to become of it. */
static bool get_undecided_age(const struct watched_input *in, const struct figure *figure, double *value)
{
    size_t i;
    const json_t *item, *items = json_object_get(in->documents[figure->source], "items");
    *value = 0;
    json_array_foreach(items, i, item)
    {
        const json_t *state = json_object_get(item, "state");
        bool waits = is_like(state, "moved") || is_like(state, "verified") || is_like(state, "returned") ||
                     is_like(state, "return_verified");
        double age = age_of(in, item, "since");
        *value = waits && age > *value ? age : *value;
    }
    return json_is_array(items);
}

/* ---- metrics ---- */

/* The first line behind "# TYPE name "; NULL: there is no such metric. */
static const char *find_samples(const char *metrics, const char *name)
{
    char head[TERM_SIZE];
    snprintf(head, sizeof head, "# TYPE %s ", name);
    const char *at = metrics == NULL ? NULL : strstr(metrics, head);
    const char *end = at == NULL ? NULL : strchr(at, '\n');
    return end == NULL ? NULL : end + 1;
}

/* The next sample that has the label; NULL: there is none. *at goes on behind it. */
static const char *next_sample(const char **at, const char *label, double *value)
{
    while (*at != NULL && **at != '\0' && **at != '#') {
        const char *line = *at, *end = line + strcspn(line, "\n"), *last = end;
        while (last > line && last[-1] != ' ') {
            last--;
        }
        *at = *end == '\n' ? end + 1 : end;
        *value = strtod(last, NULL);
        if (memmem(line, (size_t)(last - line), label, strlen(label)) != NULL) {
            return line;
        }
    }
    return NULL;
}

bool watched_figures_sum(const char *metrics, const char *name, const char *label, double *sum)
{
    const char *at = find_samples(metrics, name);
    double one;
    bool is_known = false;
    *sum = 0;
    while (next_sample(&at, label, &one) != NULL) {
        *sum += one;
        is_known = true;
    }
    return is_known;
}

/* "steerd_zones state="stale"" */
static bool sum_path(const char *metrics, const char *path, double *sum)
{
    char name[TERM_SIZE];
    size_t len = strcspn(path, " ");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    return watched_figures_sum(metrics, name, path + len + (path[len] == ' '), sum);
}

static bool get_metric(const struct watched_input *in, const struct figure *figure, double *value)
{
    return sum_path(in->metrics, figure->path, value);
}

/* Until the first of these ends. */
static bool get_days_left(const struct watched_input *in, const struct figure *figure, double *value)
{
    const char *at = find_samples(in->metrics, figure->path);
    double one;
    bool is_known = false;
    while (next_sample(&at, "", &one) != NULL) {
        double days = (one - (double)in->now_ms / 1000) / DAY_S;
        *value = !is_known || days < *value ? days : *value;
        is_known = true;
    }
    return is_known;
}

/* Regular drills whose latest run has not met its objectives. */
static bool get_failed_drills(const struct watched_input *in, const struct figure *figure, double *value)
{
    const char *runs = find_samples(in->metrics, "steerd_drill_last_run_timestamp_seconds");
    const char *good = find_samples(in->metrics, figure->path);
    double run, success;
    bool is_known = false;
    *value = 0;
    while (next_sample(&runs, "", &run) != NULL && next_sample(&good, "", &success) != NULL) {
        *value += run > success;
        is_known = true;
    }
    return is_known;
}

/* How much it grew from the one reading to the other; less than before: a server that was started anew. */
static bool get_growth(const struct watched_input *in, const char *path, double *growth)
{
    double before, after;
    if (!sum_path(in->metrics, path, &before) || !sum_path(in->later, path, &after)) {
        return false;
    }
    *growth = after >= before ? after - before : after;
    return true;
}

static bool get_rate(const struct watched_input *in, const struct figure *figure, double *value)
{
    bool is_known = in->between_s > 0 && get_growth(in, figure->path, value);
    *value = is_known ? *value / in->between_s : 0;
    return is_known;
}

/* "PART/ALL", in percent; of nothing it is none. */
static bool get_share(const struct watched_input *in, const struct figure *figure, double *value)
{
    char part[TERM_SIZE];
    size_t len = strcspn(figure->path, "/");
    double few, all;
    snprintf(part, sizeof part, "%.*s", (int)len, figure->path);
    if (!get_growth(in, part, &few) || !get_growth(in, figure->path + len + 1, &all)) {
        return false;
    }
    *value = all == 0 ? 0 : 100 * few / all;
    return true;
}

/* Where etcd does not say its quota it has the default of etcd most likely. */
static bool get_etcd_used(const struct watched_input *in, const struct figure *figure, double *value)
{
    static const double default_quota = 2147483648.0;
    const json_t *etcd = json_object_get(in->documents[figure->source], figure->path),
                 *size = json_object_get(etcd, "size"), *quota = json_object_get(etcd, "quota");
    *value =
        100 * json_number_value(size) / (json_is_integer(quota) ? json_number_value(quota) : default_quota);
    return json_is_integer(size);
}

/* ---- the table ---- */

#define STATUS(path)  WATCHED_STATUS, get_json, path
#define METRIC(path)  WATCHED_METRICS, get_metric, path
#define CLUSTER(path) WATCHED_CLUSTER, get_json, path

static const struct figure figures[] = {
    {"regions_unhealthy", "health", "", NULL, "0", "regions that are lost", STATUS("regions.unhealthy")},
    {"regions_unknown", "health", "", NULL, NULL, "regions of which nothing is known yet",
     STATUS("regions.unknown")},
    {"azs_unhealthy", "health", "", "0", NULL, "azs that are lost", STATUS("azs.unhealthy")},
    {"endpoints_unhealthy", "health", "", "0", NULL, "endpoints that are unhealthy",
     STATUS("endpoints.unhealthy")},
    {"endpoints_unhealthy_share", "health", "%", "25", "50", "of all endpoints", WATCHED_STATUS,
     get_unhealthy_share, "endpoints"},
    {"endpoints_unknown", "health", "", NULL, NULL, "endpoints of which nothing is known yet",
     STATUS("endpoints.unknown")},
    {"stays_down", "health", "", NULL, NULL, "regions, azs and endpoints that are well and kept down",
     STATUS("regions.stays_down+azs.stays_down+endpoints.stays_down")},
    {"brake_holding", "health", "", NULL, "0",
     "families of addresses of which nearly everything failed at once, so that nothing falls",
     STATUS("brake.ipv4.state=holding+brake.ipv6.state=holding")},
    {"holds", "health", "", NULL, "0", "regions that are lost and that a safety rule does not let go",
     STATUS("holds[].of=failover")},
    {"rules_violated", "health", "", "0", NULL, "safety rules that are violated, or forbid to move",
     METRIC("steerd_rule_violated")},
    {"replication_over_rpo", "health", "", "0", NULL, "copies of data over their RPO",
     STATUS("replication.over_rpo")},
    {"replication_unknown", "health", "", "0", NULL, "copies of data of which nobody says how far they are",
     STATUS("replication.unknown")},
    {"certificate_days", "health", "", "7:", "1:", "days until the first certificate of an endpoint ends",
     WATCHED_METRICS, get_days_left, "steerd_certificate_end_time_seconds"},
    {"check_files_bad", "health", "", "0", NULL, "files of checks that make no sense, or are too old",
     STATUS("files[].state=refused+files[].state=useless")},
    {"checks_not_possible", "health", "", "0", NULL, "checks that this host could not make",
     METRIC("steerd_checks_not_possible")},

    {"overrides", "orders", "", NULL, NULL, "overrides, planned ones included", STATUS("overrides")},
    {"overrides_dormant", "orders", "", "0", NULL, "overrides whose target is not in the topology",
     STATUS("overrides_dormant")},
    {"override_age", "orders", "s", "7d", NULL, "age of the oldest override in force", WATCHED_OVERRIDES,
     get_override_age, NULL},
    {"switchovers_held", "orders", "", "0", NULL, "switchovers whose next step is not safe",
     METRIC("steerd_switchovers_held")},
    {"switchover_undecided_age", "orders", "s", "1h", NULL,
     "how long a switchover has waited to be committed or rolled back", WATCHED_SWITCHOVERS,
     get_undecided_age, NULL},
    {"switchovers_unprotected", "orders", "", NULL, NULL, "switchovers after which nothing stands by",
     METRIC("steerd_switchovers state=\"unprotected\"")},
    {"drills_running", "orders", "", NULL, NULL, "drills that run, shadow and live", WATCHED_DRILLS, get_json,
     "items[].state=running"},
    {"live_drill", "orders", "", NULL, NULL, "1 while clients see a live drill", STATUS("live_drill!")},
    {"drills_failed", "orders", "", "0", NULL, "regular drills that missed their objectives lately",
     WATCHED_METRICS, get_failed_drills, "steerd_drill_last_success_timestamp_seconds"},

    {"etcd_unreached", "cluster", "", "0", NULL, "1 while etcd is not reached",
     CLUSTER("etcd.reached=false")},
    {"etcd_used", "cluster", "%", "@80:", NULL,
     "of etcd's quota, or of its default of 2 GiB if it does not say: run etcdctl defrag for each member, "
     "see "
     "what else writes there, or raise --quota-backend-bytes",
     WATCHED_CLUSTER, get_etcd_used, "etcd"},
    {"etcd_alarm", "cluster", "", NULL, "0",
     "1 if etcd has the alarm NOSPACE (orders are refused: make room, then etcdctl alarm disarm) or CORRUPT "
     "(members differ: restore the bad one)",
     CLUSTER("etcd.alarm!")},
    {"estranged", "cluster", "", NULL, "0", "1 if etcd is not what this node followed",
     CLUSTER("phase=estranged")},
    {"pending", "cluster", "", "0", NULL, "orders that hold here provisionally", CLUSTER("pending")},
    {"conflicts", "cluster", "", "0", NULL, "objects of which nodes said different things",
     CLUSTER("conflicts")},
    {"nodes_away", "cluster", "", "0", NULL, "nodes that are not heard of", WATCHED_NODES, get_json,
     "items[].fresh=false"},
    {"nodes_other_configuration", "cluster", "", NULL, NULL, "nodes that were loaded from something else",
     WATCHED_NODES, get_json, "items[].same_configuration=false"},

    {"vantages_silent", "vantages", "", "0", NULL, "vantages that are not heard of",
     STATUS("vantages.silent")},
    {"vantages_set_aside", "vantages", "", "0", NULL, "vantages whose own network is in trouble",
     STATUS("vantages.set_aside")},

    {"uptime", "server", "s", NULL, NULL, "since the start of the server", WATCHED_STATUS, get_age,
     "started"},
    {"cut_off", "server", "", NULL, "0", "1 if this server hears of nobody and sees nothing",
     STATUS("contact.cut_off=true")},
    {"withdrawn", "server", "", "0", NULL, "1 if this server is not to be asked",
     STATUS("contact.serving=false")},
    {"zones_failed", "server", "", NULL, "0", "zones that have never loaded",
     METRIC("steerd_zones state=\"failed\"")},
    {"zones_stale", "server", "", "0", NULL, "zones whose file is broken, so that the last good one serves",
     METRIC("steerd_zones state=\"stale\"")},
    {"geo_stale", "server", "", "0", NULL, "geo databases that are broken or gone",
     METRIC("steerd_geo_stale")},
    {"documents_differing", "server", "", "0", NULL, "documents of the API whose files say something else",
     METRIC("steerd_documents_differing")},
    {"documents_unsure", "server", "", "0", NULL, "1 if what serves may not be what the API said last",
     METRIC("steerd_documents_unsure")},

    {"store_failing", "store", "", NULL, "0", "1 if orders cannot be written down",
     STATUS("store.state=failing")},
    {"store_owed", "store", "", NULL, NULL, "changes that a restart would forget", STATUS("store.owed")},
    {"store_mended", "store", "", "0", NULL,
     "objects that somebody changed in store.db, and that are again what the journal says",
     STATUS("store.mended")},
    {"store_is_other", "store", "", "0", NULL,
     "1 if store.db is not the one that was there, or an older copy", STATUS("store.is_other=true")},
    {"archive_failing", "store", "", "0", NULL, "1 if the configuration that serves cannot be kept",
     STATUS("archive.state=failing")},
    {"last_health_failing", "store", "", "0", NULL, "1 if health cannot be kept for the next start",
     STATUS("last_health.error!")},
    {"points_failing", "store", "", "0", NULL, "1 if the latest recovery point could not be saved",
     STATUS("points.error!")},
    {"point_age", "store", "s", NULL, NULL, "age of the latest recovery point", WATCHED_STATUS, get_age,
     "points.last"},

    {"webhooks_failing", "outputs", "", "0", NULL, "webhooks that take no events", WATCHED_WEBHOOKS, get_json,
     "items[].state=failing"},
    {"webhooks_waiting", "outputs", "", NULL, NULL, "events that webhooks have not taken", WATCHED_WEBHOOKS,
     get_json, "items[].waiting"},
    {"webhooks_lost", "outputs", "c", NULL, NULL, "events that webhooks were never told of",
     METRIC("steerd_webhook_lost_total")},
    {"hooks_failed", "outputs", "c", NULL, NULL, "runs of hooks that failed",
     METRIC("steerd_hook_runs_total outcome=\"failed\"")},
    {"log_dropped", "outputs", "c", NULL, NULL, "lines of the log that were dropped",
     METRIC("steerd_log_dropped_total")},

    {"queries_rate", "traffic", "", NULL, NULL, "queries per second", WATCHED_LATER, get_rate,
     "steerd_queries_total"},
    {"servfail_share", "traffic", "%", "1", "10", "of answers that were SERVFAIL", WATCHED_LATER, get_share,
     "steerd_answers_total rcode=\"servfail\"/steerd_answers_total"},
    {"fallback_share", "traffic", "%", "0", "50", "of steered answers for which nobody was healthy",
     WATCHED_LATER, get_share, "steerd_answers_fallback_total/steerd_answers_steered_total"},
    {"dropped_share", "traffic", "%", NULL, NULL, "of queries that were not answered because of a rate",
     WATCHED_LATER, get_share, "steerd_rrl_dropped_total/steerd_queries_total"},
};

size_t watched_figures_count(void)
{
    return sizeof figures / sizeof *figures;
}

const struct figure *watched_figures_get(size_t index)
{
    return &figures[index];
}

static const struct {
    const char *path;
    bool is_list;
} sources[WATCHED_SOURCES] = {
    [WATCHED_STATUS] = {"/v1/status", false},
    [WATCHED_OVERRIDES] = {"/v1/overrides?limit=1000", true},
    [WATCHED_SWITCHOVERS] = {"/v1/switchovers?limit=1000", true},
    [WATCHED_DRILLS] = {"/v1/drills?limit=1000", true},
    [WATCHED_WEBHOOKS] = {"/v1/webhooks", true},
    [WATCHED_CLUSTER] = {"/v1/cluster", false},
    [WATCHED_NODES] = {"/v1/nodes", true},
};

const char *watched_figures_path(enum watched_source source)
{
    return sources[source].path;
}

bool watched_figures_is_list(enum watched_source source)
{
    return sources[source].is_list;
}

bool watched_figures_read(const struct watched_input *in, const struct figure *figure, double *value)
{
    *value = 0;
    return figure->get(in, figure, value) && isfinite(*value);
}
