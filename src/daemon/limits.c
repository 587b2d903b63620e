/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Limits at run time: how many TCP clients the system's descriptors permit, and one log line now and then
 * while answers are rate-limited. Control thread only. */
#include "config.h"

#include "daemon/limits.h"

#include "daemon/server.h"
#include "base/buffer.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limiter.h"
#include "base/log.h"

#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

enum {
    DOOR_DESCRIPTORS = 2400, /* 600 connections to the admin API from elsewhere, of four each */
    OTHER_DESCRIPTORS = 80,  /* the admin API, files, sockets of the server */
    PLACES_FEW = 64,         /* clients of the admin socket, of two each; */
    PLACES_MANY = 600,
    PLACES_PART = 16, /* of the descriptors, in between */
    REPORT_EVERY_S = 10,
    CULPRITS = 5
};

/* Checks in flight, the admin API and files need descriptors too, but never more than five of eight. */
static rlim_t find_reserve(size_t monitors, rlim_t limit)
{
    rlim_t reserve = OTHER_DESCRIPTORS + (rlim_t)monitors;
    return reserve < limit / 8 * 5 ? reserve : limit / 8 * 5;
}

static uint32_t find_room(size_t monitors)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > UINT32_MAX) {
        return UINT32_MAX;
    }
    rlim_t room = limit.rlim_cur - find_reserve(monitors, limit.rlim_cur);
    return room == 0 ? 1 : (uint32_t)room;
}

size_t server_find_admin_places(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        return PLACES_FEW;
    }
    rlim_t part = limit.rlim_cur / PLACES_PART;
    return part < PLACES_FEW ? PLACES_FEW : part > PLACES_MANY ? PLACES_MANY : (size_t)part;
}

void server_find_tcp_limits(const struct view *view, struct serve_tcp_limits *limits)
{
    const struct conf_server *conf = view->server;
    size_t others = view->monitor_count + conf->door_count * DOOR_DESCRIPTORS +
                    2 * (server_find_admin_places() - PLACES_FEW);
    rlim_t needed = (rlim_t)conf->tcp.clients + OTHER_DESCRIPTORS + (rlim_t)others;
    if (find_room(others) < conf->tcp.clients) {
        /* the soft limit was raised to the hard one at the start; that one only root can raise */
        (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = needed, .rlim_max = needed});
    }
    uint32_t room = find_room(others);
    *limits = (struct serve_tcp_limits){.idle_ms = conf->tcp.idle_ms,
                                        .clients = conf->tcp.clients,
                                        .clients_per_address = conf->tcp.clients_per_address,
                                        .ipv4_prefix = conf->tcp.ipv4_prefix,
                                        .ipv6_prefix = conf->tcp.ipv6_prefix};
    if (limits->clients > room) {
        log_warning(
            "tcp clients limited clients=%u serving=%u why=\"too many for the descriptors that this process "
            "may open\" hint=\"raise LimitNOFILE or ulimit -n to at least %llu\"",
            limits->clients, room, (unsigned long long)needed);
        limits->clients = room;
    }
}

/* ---- what rates did ---- */

static uint64_t sum_limited(const uint64_t counters[ANSWER_COUNTERS])
{
    uint64_t sum = 0;
    for (int i = ANSWER_COUNT_RRL_POSITIVE; i <= ANSWER_COUNT_RRL_ALL; i++) {
        sum += counters[i];
    }
    return sum;
}

static void print_culprit(const struct limiter_culprit *culprit, const struct conf_rrl *rrl,
                          struct buffer *to)
{
    char text[ADDR_TEXT_SIZE];
    struct addr addr;
    answer_read_prefix(culprit->who, &addr);
    buffer_print(to, "%s%s/%u:%u", to->len == 0 ? "" : ",", addr_write(&addr, text),
                 addr.family == ADDR_V4 ? rrl->ipv4_prefix : rrl->ipv6_prefix, culprit->count);
}

static void log_rates(const struct server *server, const uint64_t *now, const uint64_t *before)
{
    const struct conf_rrl *rrl = server->view->server->rrl;
    struct limiter_culprit culprits[CULPRITS];
    size_t count = limiter_list_culprits(server->view->limiter, culprits, CULPRITS);
    struct buffer list;
    buffer_init(&list);
    for (size_t i = 0; i < count; i++) {
        print_culprit(&culprits[i], rrl, &list);
    }
    log_info("rrl limited=%lu dropped=%lu slipped=%lu log_only=%s seconds=%d most=%s",
             (unsigned long)(sum_limited(now) - sum_limited(before)),
             (unsigned long)(now[ANSWER_COUNT_RRL_DROPPED] - before[ANSWER_COUNT_RRL_DROPPED]),
             (unsigned long)(now[ANSWER_COUNT_RRL_SLIPPED] - before[ANSWER_COUNT_RRL_SLIPPED]),
             rrl->log_only ? "true" : "false", REPORT_EVERY_S, count == 0 ? "?" : list.bytes);
    buffer_fini(&list);
}

static void on_report(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    struct server *server = argument;
    uint64_t now[ANSWER_COUNTERS];
    serve_get_counters(server->serve, now);
    if (server->view->limiter != NULL && sum_limited(now) != sum_limited(server->reported)) {
        log_rates(server, now, server->reported);
    }
    memcpy(server->reported, now, sizeof now);
}

int server_start_reports(struct server *server)
{
    const struct timeval every = {.tv_sec = REPORT_EVERY_S};
    server->report = event_new(server->base, -1, EV_PERSIST, on_report, server);
    return server->report == NULL || event_add(server->report, &every) != 0 ? -1 : 0;
}

void server_raise_descriptor_limit(void)
{
    int error = descriptors_raise_limit();
    if (error != 0) {
        log_warning("descriptor limit not raised why=%s", error_text(error));
    }
}
