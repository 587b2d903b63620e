/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin API's table of functions: the operator's verbs. What changes something does it to the current
 * view, under the health lock; what reads has a reader. */
#include "config.h"

#include "daemon/verbs.h"

#include "daemon/changes.h"
#include "daemon/challenges.h"
#include "daemon/check_files.h"
#include "daemon/clustered.h"
#include "daemon/documents.h"
#include "daemon/drill_reports.h"
#include "daemon/drill_schedule.h"
#include "daemon/drills.h"
#include "daemon/durable.h"
#include "daemon/follow.h"
#include "daemon/incidents.h"
#include "daemon/journal.h"
#include "daemon/lanes.h"
#include "daemon/live.h"
#include "daemon/metrics.h"
#include "daemon/orders.h"
#include "daemon/primaries.h"
#include "daemon/reader.h"
#include "daemon/bundles.h"
#include "daemon/reload.h"
#include "daemon/errors.h"
#include "daemon/replication.h"
#include "daemon/restore.h"
#include "daemon/rollouts.h"
#include "daemon/rules.h"
#include "daemon/savepoints.h"
#include "daemon/answers.h"
#include "daemon/reports.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/switchovers.h"
#include "daemon/takeover.h"
#include "daemon/then.h"
#include "daemon/tokens.h"
#include "daemon/traffic.h"
#include "daemon/tries.h"
#include "daemon/vantages.h"
#include "daemon/withdrawal.h"
#include "daemon/whatif.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "geo/geo.h"

#include <stdlib.h>
#include <string.h>

static struct admin_last describe_last(const struct server *server, int64_t wall_ms)
{
    static const char *const texts[] = {[LAST_NONE] = "none",
                                        [LAST_RESTORED] = "restored",
                                        [LAST_OLD] = "too_old",
                                        [LAST_UNREAD] = "unreadable"};
    const struct last_outcome *restored = &server->restored;
    struct last_stats stats;
    last_get_stats(server->last, &stats);
    bool is_known = restored->state == LAST_RESTORED || restored->state == LAST_OLD;
    return (struct admin_last){.start = texts[restored->state],
                               .down_ms = is_known ? restored->down_ms : -1,
                               .checks = restored->monitors,
                               .hosts = restored->hosts,
                               .written_ms = stats.age_ms == -1 ? 0 : wall_ms - stats.age_ms,
                               .error = stats.error == 0 ? NULL : error_text(stats.error)};
}

static const struct roles *get_roles(void *context, bool of_certificates)
{
    const struct server *server = context;
    const struct conf_server *conf = server->view->server;
    return of_certificates ? &conf->client_roles : &conf->socket_roles;
}

static void get_info(void *context, struct admin_info *info)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    *info = (struct admin_info){.version = PACKAGE_VERSION,
                                .generation = view_number(view),
                                .started_ms = reader->server->started_ms,
                                .loaded_ms = view->loaded_ms,
                                .work = reader->work[ADMIN_LONG],
                                .state_folder = reader->server->folders.state,
                                .names = (unsigned)view->name_count,
                                .zones = (unsigned)view->zone_count,
                                .wall_ms = clock_wall_ms(&reader->server->clock)};
    struct durable_status store;
    durable_get_status(reader->server->durable, &store);
    info->store = (struct admin_store){.state = store.state,
                                       .since_ms = store.stats.failing_since_ms,
                                       .seq = store.stats.seq,
                                       .owed = store.stats.owed,
                                       .mended = store.stats.mended,
                                       .is_other = store.stats.is_other};
    _Static_assert((int)ADMIN_HASH_LEN == (int)STORE_HASH_SIZE, "a hash has to fit");
    memcpy(info->store.hash, store.stats.hash, sizeof info->store.hash);
    memcpy(info->store.reason, store.stats.reason, sizeof info->store.reason);
    const struct archive_stats *archive = &reader->archive;
    info->archive = (struct admin_archive){.state = archive->state,
                                           .since_ms = archive->since_ms,
                                           .kept_ms = archive->kept_ms,
                                           .files = archive->files,
                                           .missing = archive->missing};
    _Static_assert(sizeof info->archive.reason == sizeof archive->reason, "a reason has to fit");
    memcpy(info->archive.reason, archive->reason, sizeof info->archive.reason);
    memcpy(info->archive.manifest, archive->manifest, sizeof info->archive.manifest);
    info->points = reader->points;
    info->live = reader->live_drill;
    info->serving = reader->serving;
    info->last = describe_last(reader->server, info->wall_ms);
    for (unsigned i = 0; i < HEALTH_BRAKES; i++) {
        health_get_brake(view->health, i, &info->brakes[i]);
    }
    info->lags = health_count_lag_states(view->health, clock_now_ms(&reader->server->clock));
    reader_end(reader);
}

static void list_targets(void *context, enum health_kind kind, struct arena *arena,
                         struct operate_targets *targets)
{
    struct reader *reader = context;
    operate_list_targets(reader_begin(reader), kind, arena, targets);
    reader_end(reader);
}

static void list_some(void *context, enum health_kind kind, struct arena *arena,
                      struct operate_targets *targets)
{
    struct reader *reader = context;
    operate_list_some(reader_begin(reader), kind, arena, targets);
    reader_end(reader);
}

static void list_overridden(void *context, enum health_kind kind, struct arena *arena,
                            struct operate_targets *targets)
{
    struct reader *reader = context;
    operate_list_overridden(reader_begin(reader), kind, arena, targets);
    reader_end(reader);
}

static ptrdiff_t find_target(void *context, enum health_kind kind, const char *name)
{
    struct reader *reader = context;
    ptrdiff_t index = operate_find_target(reader_begin(reader), kind, name);
    reader_end(reader);
    return index;
}

static int list_group(void *context, const char *name, struct arena *arena, const char *const **names,
                      size_t *count)
{
    struct reader *reader = context;
    int error = operate_list_group(reader_begin(reader), name, arena, names, count);
    reader_end(reader);
    return error;
}

static int get_target(void *context, enum health_kind kind, const char *name, struct arena *arena,
                      struct operate_target *target)
{
    struct reader *reader = context;
    int error = operate_get_target(reader_begin(reader), kind, name, arena, target);
    reader_end(reader);
    return error;
}

static size_t list_dormant(void *context, struct health_dormant_cursor *cursor, struct arena *arena,
                           struct health_dormant *items)
{
    struct reader *reader = context;
    size_t count = operate_list_dormant(reader_begin(reader), cursor, arena, items);
    reader_end(reader);
    return count;
}

static size_t count_dormant(void *context)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    size_t count = view->health == NULL ? 0 : health_count_dormant(view->health);
    reader_end(reader);
    return count;
}

static bool seek_dormant(void *context, enum health_kind kind, const char *name,
                         struct health_dormant_cursor *cursor)
{
    struct reader *reader = context;
    bool is = operate_seek_dormant(reader_begin(reader), kind, name, cursor);
    reader_end(reader);
    return is;
}

static const char *write_address(const struct view *view, const struct view_monitor *monitor, uint16_t port,
                                 struct arena *arena)
{
    char address[ADDR_TEXT_SIZE];
    if (monitor->addr == NULL) {
        const char *name = view->topology->endpoints[monitor->endpoint].host->name;
        return port == 0 ? arena_copy_text(arena, name) : arena_print(arena, "%s:%u", name, port);
    }
    return arena_copy_text(
        arena, addr_write_place(&(struct addr_port){.addr = *monitor->addr, .port = port}, address));
}

/* Names are of the machine, which the arena may outlive. */
static void add_opinions(const struct health *health, uint32_t monitor, struct arena *arena,
                         struct admin_monitor *to)
{
    struct health_opinion_status list[HEALTH_VANTAGES_MAX];
    char why[HEALTH_JUDGEMENT_SIZE];
    int64_t now_ms = health_get_time(health);
    health_get_judgement(health, monitor, &to->judgement);
    if (!to->judgement.is_by_quorum) {
        return;
    }
    health_write_judgement(health, monitor, now_ms, why);
    to->why = arena_copy_text(arena, why);
    to->opinion_count = health_list_opinions(health, monitor, now_ms, list);
    for (size_t i = 0; i < to->opinion_count; i++) {
        list[i].vantage = arena_copy_text(arena, list[i].vantage);
    }
    to->opinions = arena_copy(arena, list, to->opinion_count * sizeof *list);
}

static size_t list_monitors(void *context, const char *endpoint, struct arena *arena,
                            struct admin_monitor **monitors)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    ptrdiff_t index = view->topology == NULL ? -1 : conf_find_endpoint(view->topology, endpoint);
    size_t count = 0, first = index == -1 ? 0 : view_find_monitors(view, (uint32_t)index, &count);
    size_t used = 0;
    *monitors = arena_alloc(arena, count * sizeof **monitors);
    for (size_t i = first; i < first + count; i++) {
        const struct view_monitor *monitor = &view->monitors[i];
        const struct conf_check *check = &view->topology->checks[monitor->check];
        struct admin_monitor *to = &(*monitors)[used];
        health_get_monitor(view->health, (uint32_t)i, &to->status);
        if (!to->status.idle) {
            used++;
            to->check = check->name;
            to->type = conf_check_type_text(check->type);
            to->family = monitor->family == ADDR_V4 ? "ipv4" : "ipv6";
            to->address =
                check->type == CONF_CHECK_PUSH ? NULL : write_address(view, monitor, check->port, arena);
            add_opinions(view->health, (uint32_t)i, arena, to);
            to->number = (uint32_t)i;
            to->interval_ms = check->interval_ms;
            to->timeout_ms = check->timeout_ms;
        }
    }
    reader_end(reader);
    return used;
}

static bool has_monitor(void *context, size_t endpoint, const char *verdict, const char *outcome)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    struct health_monitor_status status;
    size_t count, first = view_find_monitors(view, (uint32_t)endpoint, &count);
    bool has = false;
    for (size_t i = first; i < first + count && !has; i++) {
        has = health_get_monitor(view->health, (uint32_t)i, &status) == 0 &&
              (verdict == NULL || strcmp(verdict, health_observed_text(status.verdict)) == 0) &&
              (outcome == NULL || strcmp(outcome, health_outcome_text(status.outcome)) == 0);
    }
    reader_end(reader);
    return has;
}

/* What the prober has told by now, also on a snapshot: newer than the verdict, perhaps, by a moment. */
static void add_results(void *context, struct arena *arena, struct admin_monitor *monitor)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    struct health_vantage_status vantage;
    monitor->result_count = health_read_results(view->health, monitor->number, monitor->results,
                                                HEALTH_RESULTS_KEPT, &monitor->next_ms);
    health_read_text(view->health, monitor->number, monitor->text);
    for (size_t i = 0; i < monitor->result_count; i++) {
        unsigned number = monitor->results[i].vantage;
        monitor->from[i] = number == HEALTH_VANTAGE_LOCAL ? HEALTH_LOCAL_NAME
                           : health_get_vantage(view->health, number, 0, &vantage)
                               ? arena_copy_text(arena, vantage.name)
                               : NULL;
    }
    reader_end(reader);
}

static int put_override(void *context, const struct admin_order *order, admin_ordered_fn *done,
                        void *argument)
{
    const struct server *server = context;
    return orders_put(server->orders, order, done, argument);
}

static int foresee_shed(void *context, const char *endpoint, double load, double *shed)
{
    struct reader *reader = context;
    int error = operate_foresee_shed(reader_begin(reader), endpoint, load, shed);
    reader_end(reader);
    return error;
}

static int explain(void *context, const struct operate_question *question, struct arena *arena,
                   struct operate_explanation *explanation)
{
    struct reader *reader = context;
    struct operate_question now = *question;
    now.wall_ms = clock_wall_ms(&reader->server->clock);
    now.challenges = reader->challenges;
    const struct view *view = reader_begin(reader);
    int error = operate_explain(view, &now, arena, explanation);
    if (error == 0 && reader->live_drill.id[0] != '\0') {
        live_explain(&reader->live_drill, view, &now, arena, explanation);
    }
    const char *text = error == 0 ? withdrawal_explain(&reader->serving, arena) : NULL;
    if (text != NULL) {
        operate_tell_first(explanation, text, arena);
    }
    reader_end(reader);
    return error;
}

static int reload(void *context, const struct admin_reload *asked,
                  void (*done)(void *argument, const struct admin_reload_result *result), void *argument)
{
    return server_start_reload(context, asked, done, argument);
}

static int take_over(void *context, bool is_invited,
                     void (*done)(void *argument, const struct admin_takeover_result *result), void *argument)
{
    return takeover_start(context, is_invited, done, argument);
}

static void list_zones(void *context, const struct view_zone **zones, size_t *count)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    *zones = view->zone_list;
    *count = view->zone_count;
    reader_end(reader);
}

/* What bits of geo_db_info.knows are called, the wider first. */
static void list_knows(unsigned knows, const char *names[ADMIN_GEO_KNOWS_MAX])
{
    static const char *const texts[] = {
        [GEO_CONTINENT] = "continent", [GEO_COUNTRY] = "country", [GEO_SUBDIVISION] = "subdivision",
        [GEO_CITY] = "city",           [GEO_ASN] = "asn",         [GEO_KINDS] = "location"};
    size_t count = 0;
    for (unsigned kind = 0; kind <= GEO_KINDS; kind++) {
        if ((knows >> kind & 1) != 0) {
            names[count++] = texts[kind];
        }
    }
    names[count] = NULL;
}

static void list_geo(void *context, struct arena *arena, struct admin_geo **items, size_t *count)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    *count = view->geo_count;
    *items = arena_alloc(arena, view->geo_count * sizeof **items);
    for (size_t i = 0; i < view->geo_count; i++) {
        const struct geo_db_info *info = geo_get_info(view->geo[i]);
        (*items)[i] = (struct admin_geo){.file = info->path,
                                         .type = info->type,
                                         .stale = view->geo_files[i].stale,
                                         .ip_version = info->ip_version,
                                         .built_ms = (int64_t)info->build_epoch * 1000,
                                         .loaded_ms = view->geo_files[i].loaded_ms,
                                         .networks = info->networks,
                                         .places = info->places,
                                         .file_size = info->file_size,
                                         .memory = info->memory};
        list_knows(info->knows, (*items)[i].knows);
    }
    reader_end(reader);
}

static size_t list_secondaries(void *context, const char *origin, struct arena *arena,
                               struct admin_secondary **secondaries)
{
    const struct server *server = context;
    size_t count;
    const struct notify_status *list = primaries_list(server->primaries, origin, arena, &count);
    *secondaries = arena_alloc(arena, count * sizeof **secondaries);
    for (size_t i = 0; i < count; i++) {
        const struct notify_status *from = &list[i];
        char address[ADDR_TEXT_SIZE];
        (*secondaries)[i] = (struct admin_secondary){
            .address = arena_copy_text(arena, addr_write_port(&from->at, address)),
            .key = from->key == TSIG_NO_KEY
                       ? NULL
                       : arena_copy_text(arena, server->view->server->keys[from->key].name),
            .state = notify_state_text(from->state),
            .serial = from->serial,
            .told = from->state != NOTIFY_IDLE,
            .attempts = from->attempts,
            .rcode = from->rcode == NOTIFY_NO_RCODE ? NULL : dns_rcode_text((unsigned)from->rcode),
            .since_ms = from->since_ms};
    }
    return count;
}

static void list_names(void *context, const struct view_name **names, size_t *count)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    *names = view->names;
    *count = view->name_count;
    reader_end(reader);
}

static void write_type(void *context, const struct view_name *name, unsigned bit, char text[ADMIN_TYPE_SIZE])
{
    struct reader *reader = context;
    _Static_assert((int)ADMIN_TYPE_SIZE == (int)DNS_TYPE_TEXT_SIZE, "a type has to fit");
    dns_write_type(steer_set_get(reader_begin(reader)->steer, name->policy)->types[bit], text);
    reader_end(reader);
}

static const struct steer_policy *get_policy(void *context, const struct view_name *name)
{
    struct reader *reader = context;
    const struct steer_policy *policy = steer_set_get(reader_begin(reader)->steer, name->policy);
    reader_end(reader);
    return policy;
}

static void write_metrics(void *context, struct buffer *out)
{
    server_write_metrics(context, out);
    rules_write_metrics(context, out);
    traffic_write_metrics(((const struct reader *)context)->server->traffic, out);
    clustered_write_metrics(((const struct reader *)context)->server->clustered, out);
    rollouts_write_metrics(((const struct reader *)context)->server->rollouts, out);
    challenges_write_metrics(((const struct reader *)context)->server->challenges, out);
}

static void restore(void *context, const struct admin_restore *asked, admin_restore_done *done,
                    void *argument)
{
    const struct server *server = context;
    restores_start(server->restores, asked, done, argument);
}

static void *open_reader(void *context)
{
    return reader_open(context);
}

static void *open_live(void *context)
{
    return reader_open_live(context);
}

static bool is_current(void *live)
{
    struct reader *reader = live;
    return !orders_wait(reader->server->orders) && reader_is_current(reader);
}

static void close_reader(void *reader)
{
    reader_close(reader);
}

void verbs_open(struct server *server)
{
    server->current = memory_alloc(sizeof *server->current);
    server->current->server = server;
    server->errors = errors_new();
}

void verbs_close(struct server *server)
{
    free(server->current);
    errors_free(server->errors);
    server->errors = NULL;
}

static void fill_configuration(struct admin_verbs *verbs)
{
    verbs->reload = reload;
    verbs->list_documents = server_list_documents;
    verbs->read_document = server_read_document;
    verbs->change_bundle = server_change_bundle;
}

void server_fill_verbs(struct server *server, struct admin_verbs *verbs)
{
    *verbs = (struct admin_verbs){.context = server,
                                  .current = server->current,
                                  .open_reader = open_reader,
                                  .close_reader = close_reader,
                                  .open_live = open_live,
                                  .is_current = is_current,
                                  .access = {.get_roles = get_roles,
                                             .note_refusal = server_note_refusal,
                                             .judge_token = server_judge_token,
                                             .list_tokens = server_list_tokens,
                                             .change_token = server_change_token},
                                  .get_info = get_info,
                                  .list_targets = list_targets,
                                  .list_some = list_some,
                                  .list_overridden = list_overridden,
                                  .find_target = find_target,
                                  .list_group = list_group,
                                  .get_target = get_target,
                                  .count_dormant = count_dormant,
                                  .seek_dormant = seek_dormant,
                                  .list_dormant = list_dormant,
                                  .list_monitors = list_monitors,
                                  .add_results = add_results,
                                  .has_monitor = has_monitor,
                                  .list_files = server_list_files,
                                  .list_lags = server_list_lags,
                                  .report_lag = server_report_lag,
                                  .list_errors = server_list_errors,
                                  .report_errors = server_report_errors,
                                  .try_checks = server_try_checks,
                                  .put_override = put_override,
                                  .list_incidents = server_list_incidents,
                                  .list_switchovers = server_list_switchovers,
                                  .change_switchover = server_change_switchover,
                                  .put_load = server_put_load,
                                  .push = server_push,
                                  .foresee_shed = foresee_shed,
                                  .foresee_override = server_foresee_override,
                                  .find_unserved = server_find_unserved,
                                  .explain = explain,
                                  .explain_if = server_explain_if,
                                  .explain_at = server_explain_at,
                                  .compare_moments = server_compare_moments,
                                  .what_if = server_what_if,
                                  .simulate = drills_simulate,
                                  .take_over = take_over,
                                  .list_zones = list_zones,
                                  .list_geo = list_geo,
                                  .list_secondaries = list_secondaries,
                                  .list_names = list_names,
                                  .write_type = write_type,
                                  .get_policy = get_policy,
                                  .read_journal = server_read_journal,
                                  .verify_journal = server_verify_journal,
                                  .list_points = server_list_points,
                                  .find_revision = server_find_revision,
                                  .keep_answer = server_keep_answer,
                                  .watch_journal = server_watch_journal,
                                  .unwatch_journal = server_unwatch_journal,
                                  .feed = server->feed,
                                  .change_point = server_change_point,
                                  .list_vantages = server_list_vantages,
                                  .change_vantage = server_change_vantage,
                                  .change_rollout = server_change_rollout,
                                  .restore = restore,
                                  .write_metrics = write_metrics};
    fill_configuration(verbs);
    rules_fill_verbs(&verbs->rules);
    clustered_fill_verbs(&verbs->cluster);
    traffic_fill_verbs(&verbs->traffic);
    shadows_fill_verbs(&verbs->shadows);
    challenges_fill_verbs(&verbs->challenges);
    drill_reports_fill_verbs(&verbs->reports);
    drill_schedule_fill_verbs(&verbs->schedule);
    for (int lane = 0; lane < ADMIN_LANES; lane++) {
        verbs->lanes[lane] = lanes_get(server->lanes, (enum admin_lane)lane);
    }
}
