/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kinds of checks share, private to this folder. A kind is one file with a table entry: it says how
 * its targets are reached, what to send, and judges what comes. The engine watches, times and ends every
 * check; a kind does none of that. */
#pragma once

#include "base/arena.h"
#include "dns/ask.h"
#include "exec/ask.h"
#include "probe/expect.h"
#include "probe/grpc_health.h"
#include "probe/http_body.h"
#include "probe/http_response.h"
#include "probe/ping.h"
#include "probe/probe.h"
#include "probe/schedule.h"
#include "probe/timers.h"
#include "sheet/ask.h"
#include "tls/tls.h"

#include <stdbool.h>

struct engine;
struct flight;
struct sheet;

/* What is asked, how often, and which answers are good: all of a check but of whom. Never changes; it and
 * what it points to are in the arena of the list, and there once, so that thousands of checks that differ in
 * their address only have one of it. What a check learns, or what belongs to its address, has no place here.
 */
struct check_ask {
    enum probe_type type;
    uint32_t interval_ms, timeout_ms, recheck_ms, back_off_ms;
    uint32_t request_len;
    const char *request; /* of the kind; NULL if it sends nothing */
    uint16_t host_at;    /* http: where its address belongs in the request, which is kept without it, … */
    uint8_t host_len;    /* … with so many octets; 0: the request is whole */
    bool keeps;          /* its connection, for the next one */
    uint8_t proxy;       /* version of the PROXY protocol; 0: none */
    bool is_head;        /* http: asks by HEAD */
    uint32_t body_max;
    const uint64_t *statuses;
    const char *load;            /* of the kind; NULL: it looks for none */
    const struct expect *expect; /* likewise */
    const struct check_body *body;
    const struct dns_ask *dns;
    const struct probe_icmp *icmp;
    const struct h2_request *h2; /* the request, where it is made over HTTP/2; NULL: it never is */
    const struct check_exec *exec;
    const struct sheet_ask *file; /* without its texts: path and key are the request */
};

/* What targets that ask the same of the same address share, and its schedule. Owned by its list; used by the
 * prober's thread only once the list is handed over. There are as many as endpoints have checks, or more:
 * what they have in common belongs in check_ask. */
struct check {
    struct timer timer;                  /* in the heap of starts, unless in flight or in line */
    uint32_t first_member, member_count; /* of the list's members */
    struct addr_port at;                 /* of the latest start, if it has turns */
    bool idle, is_first;
    bool carried;    /* a newer list has taken over what this one knows */
    uint8_t cause;   /* enum probe_cause: why its latest check could not be made, if so */
    int64_t next_us; /* next start; 0: not planned yet */
    struct schedule schedule;
    struct flight *flight;       /* NULL: none */
    struct flight *rest;         /* a connection that the next one goes on with; NULL: none */
    struct check *behind;        /* in a line of caps.h */
    const struct check_ask *ask; /* shared with those that ask the same of others */
    struct check_own *own;       /* check_get_own(); in the arena of the list; NULL: nothing of that */
};

/* What few kinds of checks have, and is theirs alone. */
struct check_own {
    struct check_tls *tls;     /* NULL: it talks in the clear */
    struct check_turns *turns; /* NULL: it has one address */
    struct check_file *file;   /* NULL: it looks into none */
    char *said;                /* of the kind: its latest word for people, on the heap; NULL: none */
};

/* The addresses of a check that has several. */
struct check_turns {
    uint64_t subject;
    uint32_t address_count, turn;
    struct addr addresses[PROBE_ADDRESSES_MAX];
};

/* Of a command: its words are in the request. */
struct check_exec {
    struct exec_ask ask;
};

/* What is known of a look into a file. */
struct check_file {
    struct sheet *sheet; /* held; NULL: not yet */
    uint64_t version;    /* of the file, at the latest look */
    unsigned mark;       /* of what it said then; 0: nothing yet */
};

/* What else a body has to be. */
struct check_body {
    struct regex *regex; /* held, by each check that has it; NULL: none */
    const struct wish *wishes;
    size_t wish_count, told_count;
};

/* What is known of a target that talks TLS. */
struct check_tls {
    struct tls_context *context; /* held */
    uint64_t mark;
    struct tls_peer peer;
    bool resumes;
    uint32_t min_days;
    struct tls_session *session; /* owned; NULL: none */
    int64_t session_s;           /* wall time of the handshake that it goes back to */
    int64_t end_s;               /* of the certificate that was shown then; 0: none was yet */
    int64_t good_ms, offset_ms;  /* when one was good last, by clock_boot_ms(); clock_offset_ms() then */
};

static inline const struct check_own *check_get_own(const struct check *check)
{
    static const struct check_own none = {.tls = NULL};
    return check->own == NULL ? &none : check->own;
}

/* To be written to, before the list is handed over. */
static inline struct check_own *check_make_own(struct check *check, struct arena *arena)
{
    if (check->own == NULL) {
        check->own = arena_alloc(arena, sizeof *check->own);
    }
    return check->own;
}

/* Octets at `request`. */
static inline uint32_t check_get_kept_len(const struct check_ask *ask)
{
    return ask->request_len - ask->host_len;
}

/* It waits for us, and has an alert to read. */
static inline bool check_is_distrusted(enum health_outcome outcome)
{
    return outcome >= HEALTH_OUTCOME_CERTIFICATE_EXPIRED && outcome <= HEALTH_OUTCOME_CERTIFICATE_EXPIRING;
}

/* The endpoint has said what the check asked for, whatever that was. */
static inline bool check_is_answered(enum health_outcome outcome)
{
    return outcome == HEALTH_OUTCOME_OK || outcome == HEALTH_OUTCOME_BAD_STATUS ||
           outcome == HEALTH_OUTCOME_BAD_BODY || outcome == HEALTH_OUTCOME_BAD_RCODE ||
           outcome == HEALTH_OUTCOME_BAD_ANSWER || check_is_distrusted(outcome) ||
           (outcome >= HEALTH_OUTCOME_NOT_SERVING && outcome <= HEALTH_OUTCOME_GOAWAY);
}

/* What a check of type grpc has heard. */
struct check_grpc_talk {
    struct grpc_health reply;
    uint16_t http_status; /* 0: the head has not ended */
    bool is_asked;
    bool is_grpc;    /* the head says so */
    bool is_garbled; /* no health answer is in it */
    bool has_status; /* grpc-status was told */
    uint16_t status;
};

enum flight_stage {
    FLIGHT_CONNECTING,
    FLIGHT_SHAKING, /* hands, for TLS */
    FLIGHT_WAITING,
    FLIGHT_JUDGED,  /* `end` holds, but for the load; however the flight ends now, that stands */
    FLIGHT_RESTING, /* the result is told, and the connection waits for the next check */
    FLIGHT_LEAVING, /* the result is told, and no check has this flight any more: it ends on good terms */
};

struct check_end {
    enum health_outcome outcome;
    enum probe_cause cause; /* of LOCAL_ERROR */
    uint16_t detail;
    bool has_load;
    bool is_unasked; /* the other side says that it has done nothing of what was asked */
    double load;
    uint8_t told;
    uint32_t duration_us; /* if it is not the time that the check took; else 0 */
};

/* What a check of type http that speaks HTTP/2 has heard, apart from what HTTP/1.1 has, too. */
struct check_http2_talk {
    bool is_asked;
    bool has_head;
    bool is_judged; /* `end` holds, but for what may come behind it */
    struct check_end end;
};

/* What a check of type dns has said and heard. */
struct check_dns_talk {
    uint16_t id;
    bool has_turned;   /* to TCP */
    unsigned heard;    /* datagrams */
    uint32_t got;      /* octets of the stream */
    uint8_t prefix[2]; /* of the stream: the length of the message */
    uint8_t *message;  /* owned; NULL: not begun */
};

/* What a check of type icmp has sent. */
struct check_icmp_talk {
    struct ping_packet *packets; /* owned */
    uint32_t sent;
};

/* One check under way. */
struct flight {
    struct timer timer; /* in the heap of deadlines */
    struct check *check;
    const struct check_kind *kind;
    struct engine *engine;
    struct caps_address *place; /* NULL: nobody counts who asks its address */
    struct event *event;
    int64_t started_us;
    int64_t deadline_us;
    int64_t again_us; /* the kind wants to be woken then; 0: it does not */
    int64_t wall_s;   /* when it started, if it talks TLS */
    uint64_t dice;    /* random: for what nobody else is to guess */
    int fd;           /* -1: none */
    void *shared;     /* of the kind; NULL: nothing */
    void (*traced)(const struct flight *flight, enum probe_step step, const void *bytes,
                   size_t len); /* of the engine; NULL: nobody wants to know every step */
    bool is_connected;          /* that was told */
    bool is_stream;             /* it is a connection, which is left on good terms, or reset */
    bool is_again;              /* … which has served a check before */
    struct addr addr;           /* to which it was opened */
    enum flight_stage stage;
    uint32_t sent;      /* bytes of the request */
    uint32_t sent_head; /* … and of the head before it, of the PROXY protocol */
    uint32_t left;      /* that may be read while it leaves */
    struct check_end end;
    struct tls_link *link; /* NULL: none yet */
    struct h2 *h2;         /* likewise */
    union {                /* of the kind; zeroed at the start */
        struct {           /* http */
            struct http_response response;
            struct http_body body; /* once the head was good */
            bool in_body, is_h2;
            struct json_scan *scans; /* one of each wish; NULL: none */
            struct check_http2_talk http2;
        };
        struct expect_scan scan; /* tcp */
        struct check_dns_talk dns;
        struct check_icmp_talk icmp;
        struct check_grpc_talk grpc;
        struct {
            int far;   /* the other end of the pair, until it is handed over; 0: it was */
            pid_t pid; /* of the command, once it has begun */
        } exec;
        struct {
            struct flight *next, **link; /* of those that wait for a file to be read */
        } file;
    };
};

enum check_progress {
    CHECK_GOES_ON,
    CHECK_ENDED,
    CHECK_TURNS, /* to another socket: this one is closed, and the kind opens once more */
};

/* Bytes that a kind may use while it judges; shared by all checks. */
struct check_scratch {
    uint8_t bytes[4096];
};

/* Connections that go on from check to check. */
struct check_keeper {
    /* Of a check that has ended well: is the connection as it was before? */
    bool (*can_rest)(const struct flight *flight);
    /* Something has come, or ended, while it rests: may it still be used? */
    bool (*is_quiet)(struct flight *flight);
    /* Make ready for the next check; wall time. false: it is of no use any more. */
    bool (*renew)(struct flight *flight, int64_t now_s);
    bool (*has_heard)(const struct flight *flight); /* anything of the answer */
};

/* What all checks of a kind share, instead of sockets of their own. An engine opens it with the first check
 * of the kind. */
struct check_shared {
    /* Returns owned. `heard` is to be called when something came for a flight, with the octets (NULL: none
     * to show): it may have ended then. Never while a flight opens or is woken. */
    void *(*open)(struct engine *engine, void (*heard)(void *flight, const void *bytes, size_t len));
    /* What waits in them is to be heard now: deadlines follow. May be NULL. */
    void (*look)(void *shared);
    void (*close)(void *shared);
};

/* All but prepare, open and advance may be NULL. */
struct check_kind {
    /* The other side waits until we close, so we say first that we have nothing to say. Else it is the one to
     * close first, and keeps the connection in TIME_WAIT, but where it speaks HTTP/2. */
    bool closes_first;
    const struct check_keeper *keeper;
    const struct check_shared *shared; /* its flights have no socket of their own */
    bool has_own_way;                  /* it does not set out to the address itself */
    bool asks_nobody;                  /* so it is begun without an address as well */

    /* What it needs of a target, request and request_len if it sends something; in the arena, and all that
     * the ask points to shared there. */
    void (*prepare)(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena);
    /* Of two with equal address and request: is equal, too, what else the kind goes by? */
    bool (*is_same)(const struct check *a, const struct check *b);
    /* What is known of a target goes on in the same one of a new list. */
    void (*carry)(struct check *from, struct check *to);
    /* The list goes: what the check holds outside of the arena. */
    void (*drop)(struct check *check);
    /* Would it end in another way than the latest time, as far as we know? It is due then, whatever was
     * planned; looked at when engine_hurry() says so. */
    bool (*is_news)(struct check *check);

    /* Set out to check->at: a non-blocking socket in flight->fd (owned by the flight even after an error)
     * that is to be watched. Returns 0 (advance() may go on at once), -EINPROGRESS, or another negative
     * errno. */
    int (*open)(struct flight *flight);
    /* The socket is connected, has failed, or (readable) holds something: go on as far as possible. Called
     * once per edge, so it has to read until there is no more. May be called without cause. ENDED fills *end.
     */
    enum check_progress (*advance)(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end);
    /* It is flight->again_us, which is 0 again. */
    enum check_progress (*wake)(struct flight *flight, struct check_scratch *scratch, struct check_end *end);
    /* The deadline has come, and advance() had nothing more. False: that is judged as it is for all kinds. */
    bool (*judge_late)(struct flight *flight, struct check_end *end);
    /* The flight belongs to the same check of another list. */
    void (*move)(struct flight *flight);
    /* The check has an end: keep what the next one may use. */
    void (*ended)(struct flight *flight);
    /* The flight goes, with or without an end: what it holds besides its socket. */
    void (*close)(struct flight *flight);
};

extern const struct check_kind check_http, check_tcp, check_dns, check_icmp, check_grpc, check_exec,
    check_file;

const struct check_kind *check_get_kind(enum probe_type type); /* check_kind.c, above the kinds */

/* A non-blocking socket on its way to the address of `check`. Returns 0 (connected), -EINPROGRESS, or another
 * negative errno; *fd is owned by the caller unless it is -1. */
int check_connect(const struct check *check, int *fd);
/* The same as check_kind.open */
int check_open_stream(struct flight *flight);
/* A non-blocking UDP socket that is connected, and hears what ICMP says of that. Returns 0 or a negative
 * errno; *fd as above. */
int check_connect_datagram(const struct addr_port *at, int *fd);

/* For those who want to know every step. `bytes`: text or octets. */
static inline void flight_trace(const struct flight *flight, enum probe_step step, const void *bytes,
                                size_t len)
{
    if (flight->traced != NULL) {
        flight->traced(flight, step, bytes, len);
    }
}

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
