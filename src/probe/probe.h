/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The embedded prober: runs checks on time, on a thread of its own, and reports every result at once through
 * a callback. It knows addresses, not names, zones or policies. Nobody ever waits for it. */
#pragma once

#include "base/addr.h"
#include "health/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_type { PROBE_HTTP, PROBE_TCP, PROBE_DNS, PROBE_ICMP, PROBE_GRPC, PROBE_EXEC, PROBE_FILE };
enum { PROBE_TYPES = PROBE_FILE + 1 };

/* Why a check of ours could not be made (HEALTH_OUTCOME_LOCAL_ERROR). */
enum probe_cause {
    PROBE_CAUSE_NONE,
    PROBE_CAUSE_NO_ROUTE,    /* "no_route" */
    PROBE_CAUSE_LINK_DOWN,   /* "link_down" */
    PROBE_CAUSE_NO_ADDRESS,  /* "no_address": none of our own, or no port is left */
    PROBE_CAUSE_DESCRIPTORS, /* "descriptors" */
    PROBE_CAUSE_MEMORY,      /* "memory" */
    PROBE_CAUSE_FORBIDDEN,   /* "forbidden": by a rule of this host */
    PROBE_CAUSE_OVERRUN,     /* "overrun": replies came faster than they were read */
    PROBE_CAUSE_OTHER,       /* "other" */
    PROBE_CAUSE_COMMAND,     /* "command": one could not be run, was killed, or says that it cannot look */
    PROBE_CAUSE_HELPER,      /* "helper": what runs commands does not run */
    PROBE_CAUSE_FILE,        /* "file": one that is looked into cannot be read, is too old, or does not say */
    PROBE_CAUSE_CLOCK,       /* "clock": it was set, and by it a certificate has ended or not begun */
};
enum { PROBE_CAUSES = PROBE_CAUSE_CLOCK + 1 };
const char *probe_cause_text(enum probe_cause cause);

struct dns_ask;
struct exec_ask;
struct sheet_ask;
struct sheets;
struct tls_context;
struct regex;
struct wish;

/* http: what the body of an accepted answer has to be, beside what is expected in it. */
struct probe_body {
    struct regex *regex; /* held by the list while it needs it; NULL: none */
    const struct wish *wishes;
    size_t wish_count; /* at most WISHES_MAX, and what is told */
    size_t told_count; /* so many of the last ones are not wanted: which are so is told; WISHES_TOLD_MAX */
};

/* How a target talks TLS. */
struct probe_tls {
    struct tls_context *context; /* held by the list while it needs it */
    uint64_t mark;               /* equal marks: contexts of equal content */
    const char *name;            /* asked for and looked for; NULL: the host, or the address */
    /* http: what may be spoken, as tls_peer has it: "h2" and "http/1.1"; NULL: HTTP/1.1 alone. grpc: NULL */
    const char *protocols;
    bool resumes;      /* a later check may spare itself half of the handshake */
    uint32_t min_days; /* a certificate that ends sooner fails the check */
};

/* icmp: how many echo requests, how far apart, and what is good. */
struct probe_icmp {
    uint32_t packets; /* 1 to PROBE_PACKETS_MAX */
    uint32_t spacing_ms;
    uint32_t rtt_ms;   /* that may pass in the mean until a reply; 0: as long as there is time */
    uint32_t reserved; /* no padding: equal ones are equal octets */
    double loss;       /* the share of packets that may be lost */
};
enum { PROBE_PACKETS_MAX = 20 };

/* exec: what is run, and what some words of it stand for. */
struct probe_exec {
    const struct exec_ask *ask;
    const char *endpoint, *host; /* host NULL: the address */
};

/* file: what is looked for, where, and what some words of it stand for. */
struct probe_file {
    const struct sheet_ask *ask;
    const char *endpoint, *host; /* NULL: the address */
    const char *key;             /* of the target's own, instead of what is asked of all; NULL: none */
};

enum { PROBE_STATUS_WORDS = 15, PROBE_TEXT_MAX = 120 };

/* One thing to check on a schedule. Strings and addresses are copied by
 * prober_make_targets(). */
struct probe_target {
    enum probe_type type;
    const struct probe_tls *tls; /* http, grpc: NULL: in the clear */
    const struct dns_ask *dns;   /* dns: what is asked, and which replies are good */
    const struct probe_icmp *icmp;
    const char *service; /* grpc: the name of the service, "": the whole server */
    const struct probe_exec *exec;
    const struct probe_file *file;
    struct addr_port at; /* in_turn: the port only */
    /* Several addresses, up to PROBE_ADDRESSES_MAX: each check goes to the next one of them. With none the
     * check fails at once. */
    bool in_turn;
    uint64_t subject; /* in_turn: whose addresses they are; 0: its own */
    const struct addr *addresses;
    size_t address_count;
    bool is_first;                    /* of those that are new together it is checked before the others */
    bool idle;                        /* holds its place in the list, and is not checked */
    uint32_t interval_ms, timeout_ms; /* from 50 ms */
    uint32_t recheck_ms;  /* from 50 ms: the interval while a verdict hangs on the next result; 0: as ever */
    uint32_t back_off_ms; /* the longest interval of one that has been failing for long; 0: as ever */
    const char *host; /* http: Host header, grpc: :authority; NULL: the address (with the port if it is not
                         the default) */
    const char *path; /* http: request target; NULL: "/" */
    const char *method, *headers; /* http: NULL: "GET"; whole lines with CRLF, NULL: none */
    const uint64_t *statuses;     /* http: accepted: PROBE_STATUS_WORDS, of status s bit s - 100; NULL: 2xx */
    bool keep_alive;              /* http, grpc: one connection for many checks */
    uint8_t proxy;     /* http, grpc, tcp: begin with the PROXY protocol, version 1 or 2; 0: none */
    uint32_t body_max; /* http: octets of the body that are looked at */
    const struct probe_body *body; /* http: NULL: nothing more */
    const char *load; /* http: JSON pointer to a number in the body of an accepted answer; NULL: not read */
    /* What to say, and what has to come then; both may be missing. http: in the bodies. tcp: send only with
     * expect. */
    const uint8_t *send, *expect;
    size_t send_len, expect_len; /* 1 to EXPECT_LEN_MAX octets */
    uint64_t identity;           /* told with its results */
};

enum { PROBE_ADDRESSES_MAX = 8 };

/* Other addresses for a target that has several. */
struct probe_aim {
    uint32_t target; /* index in the list */
    bool idle;
    uint8_t address_count;
    struct addr addresses[PROBE_ADDRESSES_MAX];
};

struct probe_result {
    uint64_t generation; /* of the target list */
    uint32_t target;     /* index in that list */
    uint64_t identity;   /* of the target */
    enum health_outcome outcome;
    uint16_t detail;      /* HTTP status (100 and more); else, by outcome, the code of DNS, gRPC or HTTP/2 */
    uint32_t duration_us; /* from the start of the check to its end; icmp: until a reply, in the mean */
    int64_t next_in_us;   /* the next check of the target is planned for so long after this end */
    bool has_load;        /* the number was there: `load` holds, 0 or more */
    double load;
    uint8_t told;          /* which of what is told is so: 1 << its number, from 0 on */
    const char *text;      /* what it says for people, borrowed for the call; NULL: nothing */
    int64_t certificate_s; /* when the target's certificate ends, since 1970; 0: nothing is known of one */
};

/* What a check does, as it does it. */
enum probe_step {
    PROBE_STEP_CONNECT,     /* "connect": to this address */
    PROBE_STEP_CONNECTED,   /* "connected": from this one */
    PROBE_STEP_CERTIFICATE, /* "certificate": the other side shows it, its own first */
    PROBE_STEP_SECURED,     /* "secured": the TLS handshake is done */
    PROBE_STEP_SENT,        /* "sent": octets */
    PROBE_STEP_RECEIVED,    /* "received": octets */
    PROBE_STEP_RUN,         /* "run": this command */
    PROBE_STEP_EXITED,      /* "exited": so it has ended */
    PROBE_STEP_LOOKED,      /* "looked": into a file, and what it says */
};
const char *probe_step_text(enum probe_step step);

struct probe_trace {
    uint32_t target; /* index in the list */
    enum probe_step step;
    uint32_t at_us;    /* from the start of the check */
    const void *bytes; /* text, or octets; borrowed for the call */
    size_t len;
};

struct probe_hooks {
    void *context;
    const char *runner;    /* the program that runs commands (steerd-exec); NULL: there is none */
    struct sheets *sheets; /* the files that checks look into, borrowed; NULL: none is looked into */
    /* By how much the time that certificates are judged by is ahead of clock_boot_ms(); borrowed, written by
     * anybody at any time. NULL, or 0: they are judged by the wall clock of this machine. */
    const _Atomic int64_t *ahead_ms;
    /* Called on the prober's thread as soon as a check has ended, for each target that it was made for. Must
     * not call back into the prober. Returns whether a verdict hangs on the next result. */
    bool (*ended)(void *context, const struct probe_result *result);
    /* Likewise, of each step of each check. NULL: nobody wants to know. */
    void (*traced)(void *context, const struct probe_trace *trace);
};

/* What is over a limit starts later, never counts as a result, and is told by probe_stats.late. */
struct probe_limits {
    uint32_t in_flight;   /* checks under way; 0: as many as descriptors allow, which holds anyhow */
    uint32_t per_address; /* of them to one address; 0: no limit */
    uint32_t per_second;  /* checks that start; 0: no limit */
    uint32_t commands;    /* checks of type exec under way, which the others here do not count; 0: 64 */
};

struct progress;

/* Check each of these once, now, all at a time, whatever their intervals are: by the code of the prober on
 * the thread that calls, which waits. Nothing of it is counted or goes to a prober. Hooks are called once per
 * target for its end. Returns 0, ERROR_CANCELLED, or another negative error. */
int probe_try(const struct probe_target *targets, size_t count, const struct probe_hooks *hooks,
              const struct progress *progress);

struct prober;

/* Starts the thread; there is nothing to check yet. Returns 0 and an owned prober, or a negative error. */
int prober_open(const struct probe_hooks *hooks, struct prober **prober);
/* A list of targets, made ready for the prober, which takes a while if it is long; on any thread. Returns
 * owned. */
struct targets;
struct targets *prober_make_targets(uint64_t generation, const struct probe_target *targets, size_t count);
void prober_free_targets(struct targets *targets); /* that were not used; NULL is fine */
/* Replace the list of targets (takes it); from any thread; returns at once. First checks are spread over one
 * interval (at most 1 s), those of targets that are to be first before the others; later ones are jittered by
 * up to 10 % of the interval so that they do not march in step. The schedule is kept: a slow answer does not
 * delay the next start, and a target never has two checks in flight.
 *
 * Targets that ask the same of the same address with the same patience share their checks: one is made, as
 * often as the most eager of them wants, and its result told for each. What was shared, and what goes on in
 * the next list, goes by that, not by identity. */
void prober_use_targets(struct prober *prober, struct targets *targets);
/* Some targets of the list that was brought last have other addresses now, or none, if it is of this
 * generation. From any thread; returns at once. Costs what these targets are, however long the list is. */
void prober_aim(struct prober *prober, uint64_t generation, const struct probe_aim *aims, size_t count);
/* From any thread; returns at once. At first there are none. */
void prober_set_limits(struct prober *prober, const struct probe_limits *limits);
/* Make and use. */
void prober_set_targets(struct prober *prober, uint64_t generation, const struct probe_target *targets,
                        size_t count);
/* Stop, join the thread, close everything, free. After it returns no hook is called. NULL is fine. */
void prober_close(struct prober *prober);

/* Upper bounds of a histogram: 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1, 2, 5 s, and no bound. */
enum { PROBE_LATE_BUCKETS = 13 };
extern const uint32_t probe_late_bounds_ms[PROBE_LATE_BUCKETS - 1];

struct probe_stats {
    uint64_t started, ended[HEALTH_OUTCOME_COUNT];
    uint64_t targets, in_flight, resting; /* resting: connections that wait for their next check */
    uint64_t checks;                      /* that are made for all targets */
    /* How much later than planned checks started; without what the whole process was stopped for, which is
     * stalled_us. */
    uint64_t late[PROBE_LATE_BUCKETS], late_us, stalled_us;
    uint64_t turns; /* of the prober's loop: each time it looked at what is due, and slept */
    struct {
        uint64_t checks, targets; /* that could not be made; whose latest one could not */
    } causes[PROBE_CAUSES];       /* [PROBE_CAUSE_NONE]: unused */
};
void prober_get_stats(struct prober *prober, struct probe_stats *stats); /* from any thread */
