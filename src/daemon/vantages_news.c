/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What vantages are to check in a view, and what is shown to them: a key and a certificate that steerd makes
 * at its first start and keeps, so that those who know it by its fingerprint find the same one again. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"
#include "daemon/targets.h"
#include "probe/probe.h"
#include "view/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_MAX = 1 << 16 };

/* ---- the list ---- */

static uint32_t add_check(struct fleet_list *list, const struct conf_check *check)
{
    struct fleet_file files[CONF_TLS_FILES];
    size_t count = check->tls == NULL ? 0 : check->tls->file_count;
    for (size_t i = 0; i < count; i++) {
        files[i] =
            (struct fleet_file){.path = check->tls->files[i].path, .content = check->tls->files[i].content};
    }
    return fleet_list_add_check(
        list, &(struct fleet_check){.definition = check->definition, .files = files, .file_count = count});
}

/* What is reported to us, or written into a file here, nobody else can check. */
static uint32_t scope_of(struct fleet_list *list, const struct conf_topology *topology,
                         const struct view_monitor *monitor)
{
    static const char *const nobody[] = {""};
    const struct conf_check *check = &topology->checks[monitor->check];
    const struct conf_quorum *own = &conf_get_manner(&topology->endpoints[monitor->endpoint])->quorum;
    own = own->name_count == 0 ? &check->quorum : own;
    return check->type == CONF_CHECK_PUSH || check->type == CONF_CHECK_FILE
               ? fleet_list_add_scope(list, nobody, 1)
               : fleet_list_add_scope(list, (const char *const *)own->names, own->name_count);
}

static void add_monitor(struct fleet_list *list, const struct view *view, size_t index, struct arena *arena)
{
    const struct view_monitor *monitor = &view->monitors[index];
    const struct conf_check *check = &view->topology->checks[monitor->check];
    struct probe_target from = targets_describe(view, index, arena);
    struct fleet_target to = {.identity = from.identity,
                              .check = monitor->check,
                              .name = arena_print(arena, "%s %s %s",
                                                  view->topology->endpoints[monitor->endpoint].name,
                                                  check->name, monitor->family == ADDR_V4 ? "ipv4" : "ipv6"),
                              .host = from.host == check->host ? NULL : from.host,
                              .in_turn = from.in_turn,
                              .idle = from.idle,
                              .addresses = from.in_turn ? from.addresses : &from.at.addr,
                              .address_count = from.in_turn ? from.address_count : 1};
    fleet_list_add_target(list, &to, scope_of(list, view->topology, monitor));
}

static void add_control(struct fleet_list *list, const struct view *view, size_t index, struct arena *arena)
{
    char address[ADDR_TEXT_SIZE];
    const struct conf_control *control = &view->topology->brake.controls[index];
    struct fleet_target to = {.identity = targets_identify_control(view, index),
                              .check = control->check,
                              .name = arena_print(arena, "control %s", addr_write(&control->addr, address)),
                              .addresses = &control->addr,
                              .address_count = 1};
    fleet_list_add_target(list, &to, FLEET_EVERYBODY);
}

static bool is_ours_alone(const struct conf_quorum *quorum)
{
    return quorum->name_count == 1 && strcmp(quorum->names[0], "local") == 0;
}

static struct fleet_list *make_list(const struct view *view, struct report *report)
{
    enum { TURN = 1000 };
    struct fleet_list *list = fleet_list_new(view->generation);
    if (view->topology == NULL) {
        return list; /* nor are there monitors */
    }
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < view->topology->check_count; i++) {
        const struct conf_check *check = &view->topology->checks[i];
        if (!fleet_list_has_room(list, add_check(list, check)) && !is_ours_alone(&check->quorum)) {
            report_add(
                report, REPORT_WARNING, &(struct report_place){.file = view->server->topology_path},
                "check \"%s\": its files take more than vantages are sent, %d octets each and about as "
                "much in all: no vantage makes it",
                check->name, FLEET_FILE_MAX);
        }
    }
    for (size_t i = 0; i < view->monitor_count; i++) {
        add_monitor(list, view, i, arena);
        if (i % TURN == TURN - 1) {
            arena_free(arena);
            arena = arena_new(0);
        }
    }
    for (size_t i = 0; i < view_count_controls(view); i++) {
        add_control(list, view, i, arena);
    }
    arena_free(arena);
    return list;
}

/* ---- what is shown ---- */

/* Nobody but us can read it, at any moment. */
static int write_secret(const char *path, const struct tls_identity *identity)
{
    char *beside = memory_print("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), error = fd == -1 ? -errno : 0;
    if (error == 0 && (dprintf(fd, "%s%s", identity->certificate, identity->key) < 0 || fsync(fd) == -1)) {
        error = -errno;
    }
    if (fd != -1) {
        (void)close(fd);
    }
    if (error == 0 && rename(beside, path) == -1) {
        error = -errno;
    }
    free(beside);
    return error;
}

static bool make_identity(const char *path, struct report *report)
{
    char host[256] = "";
    struct tls_identity identity;
    (void)gethostname(host, sizeof host - 1);
    bool made = tls_identity_make(host[0] == '\0' ? "steerd" : host, &identity);
    int error = made ? write_secret(path, &identity) : ERROR_LIBRARY;
    if (made) {
        tls_identity_fini(&identity);
    }
    if (error != 0) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = path},
                   "the key for vantages cannot be written: %s; no vantage can come", error_text(error));
    }
    return error == 0;
}

/* Owned; NULL: told. */
static char *read_pem(const char *path, struct report *report, size_t *len)
{
    struct file file;
    int code;
    char *text = file_read_all(path, PEM_MAX, &file, len, &code);
    if (text == NULL) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = path},
                   "cannot be read: %s; no vantage can come", file.why);
    } else if ((file.mode & 077) != 0 && strstr(text, "PRIVATE KEY") != NULL) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = path},
                   "others can read the private key in it, expected mode 0600");
    }
    return text;
}

static void make_context(const char *paths[2], struct report *report, struct vantages_news *news)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    size_t lens[2] = {0, 0};
    char *texts[2] = {read_pem(paths[0], report, &lens[0]), read_pem(paths[1], report, &lens[1])};
    if (texts[0] != NULL && texts[1] != NULL) {
        const struct tls_plan plan = {
            .use = TLS_USE_PINNED_SERVER, .certificate = {texts[0], lens[0]}, .key = {texts[1], lens[1]}};
        struct tls_plan peer_plan = plan;
        peer_plan.use = TLS_USE_PINNED_CLIENT;
        news->context = tls_context_new(&plan, &part, why);
        news->peer_context = news->context == NULL ? NULL : tls_context_new(&peer_plan, &part, why);
        if (news->peer_context == NULL || !tls_fingerprint_read(&plan.certificate, news->fingerprint)) {
            report_add(report, REPORT_WARNING,
                       &(struct report_place){.file = paths[part == TLS_PART_KEY ? 1 : 0]},
                       "%s; no vantage can come", why);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (texts[i] != NULL) {
            explicit_bzero(texts[i], lens[i]);
            free(texts[i]);
        }
    }
}

static void read_identity(const struct conf_server *conf, struct report *report, struct vantages_news *news)
{
    if (conf->vantages.certificate != NULL) {
        make_context((const char *[2]){conf->vantages.certificate, conf->vantages.key}, report, news);
        return;
    }
    char *path = memory_print("%s/vantages.pem", conf->state_path);
    struct file file;
    if (file_look(path, &file) == 0 || make_identity(path, report)) {
        make_context((const char *[2]){path, path}, report, news);
    }
    free(path);
}

/* ---- the whole ---- */

static void add_address(const struct addr_port *at, struct vantages_news *news)
{
    for (size_t i = 0; i < news->listen_count; i++) {
        if (news->listen[i].port == at->port && addr_equal(&news->listen[i].addr, &at->addr)) {
            return;
        }
    }
    news->listen[news->listen_count++] = *at;
}

/* Vantages and nodes come to the same thread, wherever they knock. */
static void add_listen(const struct conf_server *conf, struct vantages_news *news)
{
    size_t count = conf->vantages.listen_count,
           more = conf->cluster == NULL ? 0 : conf->cluster->listen_count;
    news->listen = memory_alloc_array(count + more, sizeof *news->listen);
    for (size_t i = 0; i < count + more; i++) {
        add_address(i < count ? &conf->vantages.listen[i] : &conf->cluster->listen[i - count], news);
    }
}

struct vantages_news *vantages_prepare(const struct view *view, struct report *report)
{
    const struct conf_vantages *conf = &view->server->vantages;
    struct vantages_news *news = memory_alloc(sizeof *news);
    const struct conf_probe *probe = &view->server->probe;
    *news = (struct vantages_news){.heartbeat_ms = conf->heartbeat_ms,
                                   .expires_ms = conf->expires_ms,
                                   .limits = {.in_flight = probe->in_flight,
                                              .per_address = probe->per_address,
                                              .per_second = probe->per_second}};
    add_listen(view->server, news);
    if (news->listen_count != 0) {
        news->list = make_list(view, report);
    }
    if (news->listen_count != 0 || view->server->cluster != NULL) {
        read_identity(view->server, report, news);
    }
    return news;
}

void vantages_free_news(struct vantages_news *news)
{
    if (news != NULL) {
        fleet_list_drop(news->list);
        tls_context_drop(news->context);
        tls_context_drop(news->peer_context);
        free(news->listen);
        free(news);
    }
}
