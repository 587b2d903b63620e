/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See status.h. An answer is made when somebody connects and goes into the socket's buffer as a whole, so
 * nobody who asks and does not read is in the way. */
#include "config.h"

#include "steerprobe/status.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

enum { BACKLOG = 16, ANSWER_MAX = 1 << 20, SOCKET_MASK = 0177 };

struct status_socket {
    const struct world *world;
    struct status_hooks hooks;
    struct event *event;
    char *path;
    int fd;
    int64_t started_ms;
};

/* ---- the answer ---- */

static json_t *render_server(const struct upstream *upstream, int64_t now_ms)
{
    struct upstream_status status;
    upstream_get_status(upstream, &status);
    json_t *server =
        json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "server", status.server, "name", status.name,
                  "calls_itself", status.says_to_be, "state", fleet_link_state_text(status.state), "for_ms",
                  (json_int_t)(now_ms - status.since_ms), "connections", (json_int_t)status.connections,
                  "attempts", (json_int_t)status.attempts, "opinions_told", (json_int_t)status.told);
    if (status.why[0] != '\0') {
        json_object_set_new(server, "why", json_string(status.why));
    }
    if (status.declined[0] != '\0') {
        json_object_set_new(server, "list_refused", json_string(status.declined));
    }
    if (status.state == FLEET_LINK_CONNECTED) {
        json_object_set_new(server, "heard_ms_ago", json_integer(now_ms - status.heard_ms));
        json_object_set_new(server, "round_trip_us", json_integer(status.round_trip_us));
    }
    if (status.has_list) {
        json_object_set_new(server, "list",
                            json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "generation",
                                      (json_int_t)status.generation, "targets", (json_int_t)status.targets,
                                      "checks", (json_int_t)status.checks, "refused",
                                      (json_int_t)status.refused, "up", (json_int_t)status.counts.up, "down",
                                      (json_int_t)status.counts.down, "none", (json_int_t)status.counts.none,
                                      "idle", (json_int_t)status.counts.idle));
    }
    return server;
}

/* Those that there are. */
static json_t *render_limits(const struct crew *crew)
{
    struct fleet_limits limits = crew_get_limits(crew);
    const struct {
        const char *key;
        uint32_t value;
    } all[] = {{"in_flight", limits.in_flight},
               {"per_address", limits.per_address},
               {"per_second", limits.per_second}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].value != 0) {
            json_object_set_new(object, all[i].key, json_integer(all[i].value));
        }
    }
    return object;
}

static json_t *render_checks(struct crew *crew)
{
    struct probe_stats stats;
    crew_get_stats(crew, &stats);
    json_t *outcomes = json_object(), *causes = json_object();
    for (int i = HEALTH_OUTCOME_OK; i < HEALTH_OUTCOME_COUNT; i++) {
        if (stats.ended[i] != 0) {
            json_object_set_new(outcomes, health_outcome_text((enum health_outcome)i),
                                json_integer((json_int_t)stats.ended[i]));
        }
    }
    for (int i = PROBE_CAUSE_NONE + 1; i < PROBE_CAUSES; i++) {
        if (stats.causes[i].targets != 0) {
            json_object_set_new(causes, probe_cause_text((enum probe_cause)i),
                                json_integer((json_int_t)stats.causes[i].targets));
        }
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "targets", (json_int_t)stats.targets, "checks",
                     (json_int_t)stats.checks, "started", (json_int_t)stats.started, "in_flight",
                     (json_int_t)stats.in_flight, "ended", outcomes, "not_possible", causes, "limits",
                     render_limits(crew));
}

static char *render(const struct status_socket *status)
{
    int64_t now_ms = clock_now_ms(status->world->clock);
    json_t *servers = json_array();
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        const struct upstream *upstream = status->hooks.get(status->hooks.context, i);
        if (upstream != NULL) {
            json_array_append_new(servers, render_server(upstream, now_ms));
        }
    }
    int64_t off_ms = wall_measure(status->world->wall, clock_offset_ms(status->world->clock));
    json_t *root =
        json_pack("{s:s,s:i,s:I,s:I,s:o,s:o}", "version", PACKAGE_VERSION, "pid", (int)getpid(), "up_ms",
                  (json_int_t)(now_ms - status->started_ms), "clock_ahead_ms", (json_int_t)off_ms, "servers",
                  servers, "checks", render_checks(status->world->crew));
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

/* ---- the socket ---- */

static void on_connection(int fd, short events, void *argument)
{
    const struct status_socket *status = argument;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    (void)events;
    if (client == -1) {
        return;
    }
    char *text = render(status);
    const int size = ANSWER_MAX;
    (void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ssize_t sent = text == NULL ? 0 : send(client, text, strlen(text), MSG_NOSIGNAL);
    (void)sent; /* who has gone does not need it */
    free(text);
    close(client);
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        return -ENAMETOOLONG;
    }
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -errno;
    }
    (void)unlink(path); /* of a process that was killed: who runs has the folder's lock */
    mode_t before = umask(SOCKET_MASK);
    int error = bind(fd, (struct sockaddr *)&at, sizeof at) == -1 ? -errno : 0;
    (void)umask(before);
    if (error == 0 && listen(fd, BACKLOG) == -1) {
        error = -errno;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int status_open(const struct world *world, const char *folder, const struct status_hooks *hooks,
                struct status_socket **status)
{
    struct status_socket *made = memory_alloc(sizeof *made);
    *made = (struct status_socket){.world = world,
                                   .hooks = *hooks,
                                   .path = memory_print("%s/status", folder),
                                   .started_ms = clock_now_ms(world->clock)};
    made->fd = listen_at(made->path);
    int error = made->fd < 0 ? made->fd : 0;
    made->event =
        error != 0 ? NULL : event_new(world->base, made->fd, EV_READ | EV_PERSIST, on_connection, made);
    if (error == 0 && (made->event == NULL || event_add(made->event, NULL) != 0)) {
        error = -ENOMEM;
    }
    if (error != 0) {
        status_close(made);
        return error;
    }
    *status = made;
    return 0;
}

void status_close(struct status_socket *status)
{
    if (status == NULL) {
        return;
    }
    if (status->event != NULL) {
        event_free(status->event);
    }
    if (status->fd >= 0) {
        close(status->fd);
        (void)unlink(status->path);
    }
    free(status->path);
    free(status);
}
