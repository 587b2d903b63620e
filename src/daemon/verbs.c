/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin API's table of functions: the operator's verbs on the current view, under the health lock. */
#include "config.h"

#include "daemon/server.h"

#include "base/error.h"
#include "base/log.h"
#include "drill/drill.h"
#include "geo/geo.h"

#include <stdlib.h>
#include <string.h>

static void get_info(void *context, struct admin_info *info)
{
    const struct server *server = context;
    *info = (struct admin_info){.version = PACKAGE_VERSION,
                                .generation = server->view->generation,
                                .started_ms = server->started_ms,
                                .loaded_ms = server->view->loaded_ms,
                                .names = (unsigned)server->view->name_count,
                                .zones = (unsigned)server->view->zone_count};
}

static void list_targets(void *context, enum health_kind kind, struct arena *arena,
                         struct operate_targets *targets)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    operate_list_targets(server->view, kind, arena, targets);
    pthread_mutex_unlock(&server->lock);
}

static int get_target(void *context, enum health_kind kind, const char *name, struct arena *arena,
                      struct operate_target *target)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    int error = operate_get_target(server->view, kind, name, arena, target);
    pthread_mutex_unlock(&server->lock);
    return error;
}

static const char *check_type_text(enum conf_check_type type)
{
    return type == CONF_CHECK_TCP ? "tcp" : "http";
}

static const char *write_address(const struct view *view, const struct view_monitor *monitor, uint16_t port,
                                 struct arena *arena)
{
    char address[ADDR_TEXT_SIZE];
    if (monitor->addr == NULL) {
        return arena_print(arena, "%s:%u", view->topology->endpoints[monitor->endpoint].host->name, port);
    }
    return arena_copy_text(
        arena, addr_write_port(&(struct addr_port){.addr = *monitor->addr, .port = port}, address));
}

static size_t list_monitors(void *context, const char *endpoint, struct arena *arena,
                            struct admin_monitor **monitors)
{
    struct server *server = context;
    const struct view *view = server->view;
    ptrdiff_t index = view->topology == NULL ? -1 : conf_find_endpoint(view->topology, endpoint);
    size_t count = 0, first = index == -1 ? 0 : view_find_monitors(view, (uint32_t)index, &count);
    size_t used = 0;
    *monitors = arena_alloc(arena, count * sizeof **monitors);
    pthread_mutex_lock(&server->lock);
    for (size_t i = first; i < first + count; i++) {
        const struct view_monitor *monitor = &view->monitors[i];
        const struct conf_check *check = &view->topology->checks[monitor->check];
        struct admin_monitor *to = &(*monitors)[used];
        health_get_monitor(view->health, (uint32_t)i, &to->status);
        if (!to->status.idle) {
            used++;
            to->check = check->name;
            to->type = check_type_text(check->type);
            to->family = monitor->family == ADDR_V4 ? "ipv4" : "ipv6";
            to->address = write_address(view, monitor, check->port, arena);
        }
    }
    pthread_mutex_unlock(&server->lock);
    return used;
}

static int put_override(void *context, enum health_kind kind, const char *name,
                        const struct health_override *override)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    int error = operate_put_override(server->view, kind, name, override, clock_wall_ms(&server->clock));
    pthread_mutex_unlock(&server->lock);
    if (error == 0) {
        char text[CLOCK_TEXT_SIZE];
        bool is_planned = override->starts_ms != 0;
        log_info("override kind=%s name=%s state=%s starts=%s actor=%s reason=%s", health_kind_text(kind),
                 name, health_desired_text(override->desired),
                 is_planned ? clock_write_rfc3339(override->starts_ms, text) : NULL, override->actor,
                 override->reason[0] == '\0' ? NULL : override->reason);
    }
    server_schedule_expiry(server);
    return error;
}

/* Reports may come every second from every endpoint: what follows from them is logged, not they. */
static int put_load(void *context, const char *endpoint, const struct health_load_report *report)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    int error = operate_put_load(server->view, endpoint, report, clock_wall_ms(&server->clock));
    pthread_mutex_unlock(&server->lock);
    if (error == 0 && report->source == HEALTH_LOAD_NONE) {
        log_info("load forgotten endpoint=%s actor=%s", endpoint, report->actor);
    } else if (error == 0) {
        log_debug("load endpoint=%s load=%g actor=%s", endpoint, report->load, report->actor);
    }
    return error;
}

static int foresee_shed(void *context, const char *endpoint, double load, double *shed)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    int error = operate_foresee_shed(server->view, endpoint, load, shed);
    pthread_mutex_unlock(&server->lock);
    return error;
}

static int explain(void *context, const struct operate_question *question, struct arena *arena,
                   struct operate_explanation *explanation)
{
    struct server *server = context;
    struct operate_question now = *question;
    now.wall_ms = clock_wall_ms(&server->clock);
    struct view *snapshot = server_take_snapshot(server);
    int error = operate_explain(snapshot, &now, arena, explanation);
    server_free_snapshot(server, snapshot);
    return error;
}

static int simulate(void *context, const char *const *losses, size_t count, const char *failure,
                    bool from_live, char **json, const char **bad)
{
    struct server *server = context;
    struct arena *arena = arena_new(0);
    struct drill_loss *parsed = arena_alloc(arena, count * sizeof *parsed);
    struct drill_report report;
    int error = count == 0 ? ERROR_INVALID : 0;
    *bad = NULL;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = operate_parse_target(server->view, losses[i], &parsed[i].kind, &parsed[i].index);
        *bad = error != 0 ? losses[i] : NULL;
    }
    if (error == 0) {
        struct drill_scenario scenario = {
            .losses = parsed,
            .loss_count = count,
            .from_live = from_live,
            .wall_ms = clock_wall_ms(&server->clock),
            .failure = strcmp(failure, "refused") == 0 ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TIMEOUT};
        struct view *snapshot = server_take_snapshot(server);
        error = drill_simulate(snapshot, &scenario, arena, &report);
        server_free_snapshot(server, snapshot);
    }
    if (error == 0) {
        *json = drill_write_json(&report);
        log_info("drill mode=simulate lose=%s%s names_changed=%zu unserved=%zu recovery_ms=%ld", losses[0],
                 count > 1 ? ",…" : "", report.changed_count, report.unserved_count,
                 (long)report.recovery_ms);
    }
    arena_free(arena);
    return error;
}

static int reload(void *context, const char *zone,
                  void (*done)(void *argument, const struct admin_reload_result *result), void *argument)
{
    return server_start_reload(context, zone, done, argument);
}

static void list_zones(void *context, const struct view_zone **zones, size_t *count)
{
    const struct server *server = context;
    *zones = server->view->zone_list;
    *count = server->view->zone_count;
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
    const struct view *view = ((const struct server *)context)->view;
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
}

static size_t list_secondaries(void *context, size_t zone, struct arena *arena,
                               struct admin_secondary **secondaries)
{
    const struct server *server = context;
    size_t count;
    const struct notify_status *list = primaries_list(server->primaries, zone, arena, &count);
    *secondaries = arena_alloc(arena, count * sizeof **secondaries);
    for (size_t i = 0; i < count; i++) {
        const struct notify_status *from = &list[i];
        char address[ADDR_TEXT_SIZE];
        (*secondaries)[i] = (struct admin_secondary){
            .address = arena_copy_text(arena, addr_write_port(&from->at, address)),
            .key = from->key == TSIG_NO_KEY ? NULL : server->view->server->keys[from->key].name,
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
    const struct server *server = context;
    *names = server->view->names;
    *count = server->view->name_count;
}

static void write_type(void *context, const struct view_name *name, unsigned bit, char text[ADMIN_TYPE_SIZE])
{
    const struct server *server = context;
    _Static_assert((int)ADMIN_TYPE_SIZE == (int)DNS_TYPE_TEXT_SIZE, "a type has to fit");
    dns_write_type(steer_set_get(server->view->steer, name->policy)->types[bit], text);
}

static void write_metrics(void *context, struct buffer *out)
{
    server_write_metrics(context, out);
}

void server_fill_verbs(struct server *server, struct admin_verbs *verbs)
{
    *verbs = (struct admin_verbs){.context = server,
                                  .get_info = get_info,
                                  .list_targets = list_targets,
                                  .get_target = get_target,
                                  .list_monitors = list_monitors,
                                  .put_override = put_override,
                                  .put_load = put_load,
                                  .foresee_shed = foresee_shed,
                                  .explain = explain,
                                  .explain_if = server_explain_if,
                                  .what_if = server_what_if,
                                  .simulate = simulate,
                                  .reload = reload,
                                  .list_zones = list_zones,
                                  .list_geo = list_geo,
                                  .list_secondaries = list_secondaries,
                                  .list_names = list_names,
                                  .write_type = write_type,
                                  .write_metrics = write_metrics};
}
