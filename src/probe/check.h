/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kinds of checks share, private to this folder. A kind is one file with a table entry: it says what
 * to send and judges what comes. The engine opens, watches, times and ends every check; a kind does none of
 * that. */
#pragma once

#include "base/arena.h"
#include "probe/expect.h"
#include "probe/http_body.h"
#include "probe/http_response.h"
#include "probe/probe.h"
#include "probe/schedule.h"
#include "probe/timers.h"

#include <stdbool.h>

struct flight;

/* One target and its schedule. Owned by its list; used by the prober's thread only once the list is handed
 * over. */
struct check {
    struct timer timer; /* in the heap of starts, unless in flight */
    int64_t next_us;    /* next start; 0: not planned yet */
    struct schedule schedule;
    struct flight *flight;  /* NULL: none */
    struct addr_port at;    /* of the latest start, if in_turn */
    struct addr *addresses; /* in_turn: PROBE_ADDRESSES_MAX, owned by the list */
    uint32_t address_count, turn;
    bool in_turn, idle, is_first;
    enum probe_type type;
    uint32_t interval_ms, timeout_ms;
    uint64_t identity;
    const char *request; /* of the kind; owned by the list; NULL if it sends nothing */
    uint32_t request_len;
    uint16_t status_low, status_high;
    const char *load;       /* of the kind, owned by the list; NULL: it looks for none */
    struct expect *expect;  /* likewise */
    enum probe_cause cause; /* why its latest check could not be made, if so */
    bool carried;           /* a newer list has taken over what this one knows */
};

enum flight_stage {
    FLIGHT_CONNECTING,
    FLIGHT_WAITING,
    FLIGHT_JUDGED,  /* `end` holds, but for the load; however the flight ends now, that stands */
    FLIGHT_LEAVING, /* the result is told, and no check has this flight any more: it ends on good terms */
};

struct check_end {
    enum health_outcome outcome;
    enum probe_cause cause; /* of LOCAL_ERROR */
    uint16_t detail;
    bool has_load;
    double load;
};

/* One check under way. */
struct flight {
    struct timer timer; /* in the heap of deadlines */
    struct check *check;
    struct engine *engine;
    struct event *event;
    int64_t started_us;
    int fd;
    enum flight_stage stage;
    uint32_t sent; /* bytes of the request */
    uint32_t left; /* that may be read while it leaves */
    struct http_response response;
    struct http_body body; /* once judged */
    struct expect_scan scan;
    struct check_end end;
};

enum check_progress { CHECK_GOES_ON, CHECK_ENDED };

/* Bytes that a kind may use while it judges; shared by all checks. */
struct check_scratch {
    uint8_t bytes[4096];
};

struct check_kind {
    /* The other side waits until we close, so we say first that we have nothing to say. Else it is the one to
     * close first, and keeps the connection in TIME_WAIT. */
    bool closes_first;
    /* Fills request and request_len, if the kind sends something. */
    void (*prepare)(struct check *check, const struct probe_target *target, struct arena *arena);
    /* The socket is connected, has failed, or (readable) holds something: go on as far as possible. Called
     * once per edge, so it has to read until there is no more. May be called without cause. ENDED fills *end.
     */
    enum check_progress (*advance)(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end);
};

extern const struct check_kind check_http, check_tcp;

const struct check_kind *check_get_kind(enum probe_type type); /* check_kind.c, above the kinds */

/* A non-blocking socket on its way to the address of `check`. Returns 0 (connected), -EINPROGRESS, or another
 * negative errno; *fd is owned by the caller unless it is -1. */
int check_connect(const struct check *check, int *fd);

/* Close it; a connection is reset, so that nothing lingers in TIME_WAIT. */
void check_reset(int fd);

/* The end of a connection on good terms: what the other side still has to say is read and thrown away, up to
 * *left octets, until it closes. */
enum { CHECK_LEAVE_MAX = 256 * 1024 };
enum check_leave {
    CHECK_LEFT,    /* it has closed: close too */
    CHECK_LEAVING, /* later */
    CHECK_CUT_OFF, /* it has reset the connection, or never ends */
};
enum check_leave check_leave(int fd, uint32_t *left);

/* Has this host a way to that address now? 0, or the positive errno of why not. Sends nothing. */
int check_find_way(const struct addr_port *at);

/* The outcome that a connection stands for which began well and then failed: what speaks then is the network,
 * by a packet. That a router says there is no way is about the target, as far as anybody here can tell; so is
 * EHOSTUNREACH for want of an answer to ARP or neighbour discovery. What fails at once: trouble.h. */
enum health_outcome check_judge_errno(int error, enum flight_stage stage);

/* Has TCP connected the socket to itself? On addresses of this host a connect to a closed port succeeds now
 * and then, when the kernel picks that very port as the source (simultaneous open, RFC 9293 section 3.5). */
bool check_is_self_connected(const struct flight *flight);
