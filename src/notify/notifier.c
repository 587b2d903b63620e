/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sockets and the timer of NOTIFY: see notifier.h. What cannot be sent now is as lost as on the way: the
 * next attempt comes anyway. */
#include "config.h"

#include "notify/notifier.h"

#include "base/log.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum { V4, V6, FAMILIES };
enum { BURST = 100, PAUSE_MS = 10, REPLY_MAX = 4096, WARN_EVERY_MS = 60000 };

struct notifier {
    struct notify *notify;
    struct event_base *base;
    const struct clock *clock;
    struct addr_port source[FAMILIES]; /* ADDR_NONE: the kernel picks */
    int fds[FAMILIES];                 /* -1: not open yet */
    struct event *readers[FAMILIES], *timer;
    int64_t warned_ms; /* 0: never */
};

static struct notify_now now_of(const struct notifier *notifier)
{
    return (struct notify_now){clock_now_ms(notifier->clock), clock_wall_ms(notifier->clock)};
}

static void on_ended(void *context, const uint8_t *apex, const struct notify_status *status)
{
    char zone[DNS_NAME_TEXT_SIZE], to[ADDR_TEXT_SIZE];
    const char *rcode = status->rcode == NOTIFY_NO_RCODE ? "none" : dns_rcode_text((unsigned)status->rcode);
    (void)context;
    if (status->state == NOTIFY_ACKNOWLEDGED) {
        log_info("notify result=%s zone=%s to=%s serial=%u attempts=%u", notify_state_text(status->state),
                 dns_name_write(apex, zone), addr_write_port(&status->at, to), status->serial,
                 status->attempts);
    } else {
        log_warning("notify result=%s zone=%s to=%s serial=%u attempts=%u rcode=%s",
                    notify_state_text(status->state), dns_name_write(apex, zone),
                    addr_write_port(&status->at, to), status->serial, status->attempts, rcode);
    }
}

/* ---- sockets ---- */

static bool is_loopback(const struct addr *addr)
{
    static const uint8_t v6[16] = {[15] = 1};
    return addr->family == ADDR_V4 ? addr->bytes[0] == 127 : memcmp(addr->bytes, v6, sizeof v6) == 0;
}

static bool is_wildcard(const struct addr *addr)
{
    static const uint8_t none[16] = {0};
    return memcmp(addr->bytes, none, addr_len(addr)) == 0;
}

/* The first listen address of a family that is known outside, else one that is not. */
static struct addr_port choose_source(const struct notifier_options *options, uint8_t family)
{
    struct addr_port source = {.port = 0};
    for (size_t i = 0; i < options->listen_count; i++) {
        const struct addr *addr = &options->listen[i].addr;
        if (addr->family != family) {
            continue;
        }
        if (is_wildcard(addr)) {
            return (struct addr_port){.port = 0};
        }
        bool better = source.addr.family == ADDR_NONE || (is_loopback(&source.addr) && !is_loopback(addr));
        source.addr = better ? *addr : source.addr;
    }
    return source;
}

static void on_reply(evutil_socket_t fd, short what, void *argument)
{
    struct notifier *notifier = argument;
    uint8_t bytes[REPLY_MAX];
    struct notify_now now = now_of(notifier);
    (void)what;
    for (int i = 0; i < BURST; i++) {
        struct sockaddr_storage name;
        struct addr_port from;
        socklen_t name_len = sizeof name;
        ssize_t len = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&name, &name_len);
        if (len == -1) {
            break;
        }
        addr_from_sockaddr((struct sockaddr *)&name, &from);
        (void)notify_take(notifier->notify, &from, bytes, (size_t)len, &now);
    }
}

static int open_socket(struct notifier *notifier, int index)
{
    const struct addr_port *source = &notifier->source[index];
    struct sockaddr_storage name;
    int fd = socket(index == V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -errno;
    }
    if (source->addr.family != ADDR_NONE) {
        socklen_t len = addr_to_sockaddr(source, &name);
        if (bind(fd, (struct sockaddr *)&name, len) == -1) {
            int error = -errno;
            (void)close(fd);
            return error;
        }
    }
    notifier->readers[index] = event_new(notifier->base, fd, EV_READ | EV_PERSIST, on_reply, notifier);
    if (notifier->readers[index] == NULL || event_add(notifier->readers[index], NULL) != 0) {
        (void)close(fd);
        return -ENOMEM;
    }
    notifier->fds[index] = fd;
    return 0;
}

/* ---- sending ---- */

static void complain(struct notifier *notifier, const struct addr_port *to, int error)
{
    char text[ADDR_TEXT_SIZE];
    int64_t now_ms = clock_now_ms(notifier->clock);
    if (notifier->warned_ms == 0 || now_ms - notifier->warned_ms >= WARN_EVERY_MS) {
        notifier->warned_ms = now_ms;
        log_warning("notify not sent to=%s error=%s", addr_write_port(to, text), strerror(-error));
    }
}

static void send_message(struct notifier *notifier, const struct notify_message *message)
{
    struct sockaddr_storage name;
    int index = message->to.addr.family == ADDR_V4 ? V4 : V6;
    int error = notifier->fds[index] != -1 ? 0 : open_socket(notifier, index);
    socklen_t len = addr_to_sockaddr(&message->to, &name);
    if (error == 0 &&
        sendto(notifier->fds[index], message->bytes, message->len, 0, (struct sockaddr *)&name, len) == -1) {
        error = -errno;
    }
    if (error != 0) {
        complain(notifier, &message->to, error);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct notifier *notifier = argument;
    struct notify_now now = now_of(notifier);
    struct notify_message message;
    (void)fd;
    (void)what;
    for (int i = 0; i < BURST && notify_next(notifier->notify, &now, &message); i++) {
        send_message(notifier, &message);
    }
    notifier_wake(notifier);
}

void notifier_wake(struct notifier *notifier)
{
    int64_t due_ms = notify_due_ms(notifier->notify), now_ms = clock_now_ms(notifier->clock);
    if (due_ms == INT64_MAX) {
        (void)event_del(notifier->timer);
        return;
    }
    int64_t wait_ms = due_ms - (due_ms < now_ms ? due_ms : now_ms);
    wait_ms = wait_ms < PAUSE_MS ? PAUSE_MS : wait_ms;
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    (void)event_add(notifier->timer, &wait);
}

struct notify *notifier_get(struct notifier *notifier)
{
    return notifier->notify;
}

struct notifier *notifier_new(const struct notifier_options *options)
{
    struct notifier *notifier = memory_alloc(sizeof *notifier);
    notifier->base = options->base;
    notifier->clock = options->clock;
    notifier->fds[V4] = notifier->fds[V6] = -1;
    notifier->source[V4] = choose_source(options, ADDR_V4);
    notifier->source[V6] = choose_source(options, ADDR_V6);
    notifier->notify =
        notify_new(&(struct notify_hooks){.context = notifier, .ended = on_ended}, random_seed());
    notifier->timer = evtimer_new(options->base, on_timer, notifier);
    assert(notifier->timer != NULL);
    return notifier;
}

void notifier_free(struct notifier *notifier)
{
    if (notifier == NULL) {
        return;
    }
    for (int i = 0; i < FAMILIES; i++) {
        if (notifier->readers[i] != NULL) {
            event_free(notifier->readers[i]);
        }
        if (notifier->fds[i] != -1) {
            (void)close(notifier->fds[i]);
        }
    }
    event_free(notifier->timer);
    notify_free(notifier->notify);
    free(notifier);
}
