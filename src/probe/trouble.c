/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See trouble.h. A cause that comes and goes is told at most once a minute. */
#include "config.h"

#include "probe/trouble.h"

#include "base/log.h"

#include <errno.h>

enum { MS = 1000, LOG_EVERY_US = 60000000 };

static const struct {
    const char *name, *why;
} texts[] = {
    [PROBE_CAUSE_NONE] = {"none", ""},
    [PROBE_CAUSE_NO_ROUTE] = {"no_route",
                              "this host has no route to it: compare with ip route get; if it never is to "
                              "have one, leave the address out of the topology"},
    [PROBE_CAUSE_LINK_DOWN] = {"link_down", "an interface of this host is down: look at ip link"},
    [PROBE_CAUSE_NO_ADDRESS] = {"no_address",
                                "this host has no address of its own for it, or all local ports are in use: "
                                "look at ip address and at net.ipv4.ip_local_port_range"},
    [PROBE_CAUSE_DESCRIPTORS] = {"descriptors", "too many open files: raise the limit of open files "
                                                "(LimitNOFILE=, ulimit -n) or fs.file-max"},
    [PROBE_CAUSE_MEMORY] = {"memory", "the kernel has no memory for another connection, or the queue of an "
                                      "interface is full: look at free memory, at net.ipv4.tcp_mem and at "
                                      "tc -s qdisc"},
    [PROBE_CAUSE_FORBIDDEN] = {"forbidden", "a rule of this host forbids the connection: look at its packet "
                                            "filter, at ip rule and at the limits of the service; pings need "
                                            "a group within net.ipv4.ping_group_range, or CAP_NET_RAW"},
    [PROBE_CAUSE_OVERRUN] =
        {"overrun", "replies to pings came faster than they were read, and the kernel threw some away: "
                    "raise net.core.rmem_max, or ping less"},
    [PROBE_CAUSE_COMMAND] = {"command", "a command of a check could not be run, was killed, or says that it "
                                        "could not look (exit code 3): see steerctl checks"},
    [PROBE_CAUSE_HELPER] = {"helper", "steerd-exec, which runs commands of checks, does not run: is it "
                                      "installed, and of the version of steerd?"},
    [PROBE_CAUSE_FILE] = {"file",
                          "a file that checks look into is missing, cannot be read, makes no sense, is "
                          "too old or does not name it: see steerctl checks"},
    [PROBE_CAUSE_CLOCK] = {"clock",
                           "the clock of this host was set, and a certificate that was good before has "
                           "ended or not begun by it: look at date and at the time service; if the "
                           "clock is right now, that counts an hour after it was good last"},
    [PROBE_CAUSE_OTHER] = {"other", "the kernel of this host refused to try"},
};

const char *probe_cause_text(enum probe_cause cause)
{
    return texts[cause].name;
}

enum probe_cause trouble_find_cause(int error)
{
    switch (error) {
    case 0:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT: return PROBE_CAUSE_NONE;
    case ENETUNREACH:
    case EHOSTUNREACH:                        /* of type unreachable: ip-route(8) */
    case EINVAL: return PROBE_CAUSE_NO_ROUTE; /* of type blackhole */
    case ENETDOWN: return PROBE_CAUSE_LINK_DOWN;
    case EADDRNOTAVAIL:
    case EADDRINUSE: return PROBE_CAUSE_NO_ADDRESS;
    case EMFILE:
    case ENFILE: return PROBE_CAUSE_DESCRIPTORS;
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN: return PROBE_CAUSE_MEMORY;
    case EACCES:
    case EPERM: return PROBE_CAUSE_FORBIDDEN;
    default: return PROBE_CAUSE_OTHER; /* EAFNOSUPPORT: this host has no IPv6 … */
    }
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Only the owner writes. */
static void count(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, look(counter) + value, memory_order_relaxed);
}

static void begin(struct trouble_cause *cause, enum probe_cause which, const struct addr_port *at,
                  int64_t now_us)
{
    char address[ADDR_TEXT_SIZE];
    cause->began_us = now_us;
    cause->checks_before = look(&cause->checks);
    if (cause->logged_us != 0 && now_us - cause->logged_us < LOG_EVERY_US) {
        return;
    }
    cause->logged_us = now_us;
    cause->is_logged = true;
    log_warning("probe cannot check cause=%s address=%s why=\"%s; verdicts of what cannot be checked stay as "
                "they are\"",
                texts[which].name, addr_write_place(at, address), texts[which].why);
}

static void end(struct trouble_cause *cause, enum probe_cause which, int64_t now_us)
{
    if (cause->is_logged) {
        log_info("probe checks again cause=%s checks=%llu lasted_ms=%lld", texts[which].name,
                 (unsigned long long)(look(&cause->checks) - cause->checks_before),
                 (long long)((now_us - cause->began_us) / MS));
    }
    cause->is_logged = false;
}

void trouble_forget(struct trouble *trouble, enum probe_cause before, int64_t now_us)
{
    struct trouble_cause *cause = &trouble->causes[before];
    if (before == PROBE_CAUSE_NONE) {
        return;
    }
    count(&cause->targets, (uint64_t)-1);
    if (look(&cause->targets) == 0) {
        end(cause, before, now_us);
    }
}

void trouble_note(struct trouble *trouble, enum probe_cause before, enum probe_cause after,
                  const struct addr_port *at, int64_t now_us)
{
    struct trouble_cause *cause = &trouble->causes[after];
    if (after != PROBE_CAUSE_NONE && after != before) {
        if (look(&cause->targets) == 0) {
            begin(cause, after, at, now_us);
        }
        count(&cause->targets, 1);
    }
    if (after != PROBE_CAUSE_NONE) {
        count(&cause->checks, 1);
    }
    if (after != before) {
        trouble_forget(trouble, before, now_us);
    }
}

void trouble_look(const struct trouble *trouble, struct probe_stats *stats)
{
    for (int i = 0; i < PROBE_CAUSES; i++) {
        stats->causes[i].checks = look(&trouble->causes[i].checks);
        stats->causes[i].targets = look(&trouble->causes[i].targets);
    }
}
