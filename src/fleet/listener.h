/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The server's side of its vantages: a thread of its own, "vantages", accepts their connections, tells them
 * what to check and hears what they think, which it hands on at once by hooks. Nobody waits for it, and it
 * waits for its sockets and for what hooks wait for only. What a connection may cost is bounded: how many
 * there are, how long strangers may stay, what is kept for who takes nothing, and how much is heard of who
 * says too much.
 *
 * All functions but those that say otherwise may be called from any thread and return at once. */
#pragma once

#include "base/addr.h"
#include "fleet/list.h"
#include "fleet/message.h"
#include "tls/tls.h"

struct clock;
struct fleet;

enum {
    FLEET_CONNECTIONS_MAX = 64,
    FLEET_MEMBERS_MAX = 32, /* numbers, with ourselves: 1 to 31 are vantages */
    FLEET_GREET_MS = 10000, /* for who it is, and for the handshake before */
    FLEET_SOFTWARE_SIZE = 64,
};

struct fleet_heard {
    uint32_t target;   /* of the list of that generation */
    uint64_t identity; /* of the target */
    struct fleet_opinion opinion;
};

/* How a connection came about, or to its end. */
struct fleet_notice {
    unsigned number;  /* 0: nobody that is known */
    const char *name; /* likewise: "" */
    const char *from; /* address and port */
    const char *why;  /* of an end; else NULL */
};

/* On the thread of the vantages. */
struct fleet_hooks {
    void *context;
    void (*heard)(void *context, unsigned number, uint64_t generation, const struct fleet_heard *items,
                  size_t count);
    void (*alive)(void *context, unsigned number);
    /* Somebody has said who it is; `is_new`: it has been started anew since it was here last. */
    void (*came)(void *context, const struct fleet_notice *notice, bool is_new);
    void (*left)(void *context, const struct fleet_notice *notice);
    /* It has taken a list, without those checks that are in the message, if any. */
    void (*taken)(void *context, unsigned number, const struct fleet_message *message);
    /* It does not take a list, and goes by the one before, if any. */
    void (*declined)(void *context, unsigned number, const char *why);
    /* A node says with which serials it serves zones; NULL: nobody wants to know. */
    void (*serials)(void *context, unsigned number, const char *text);
    /* A stranger with a token: fleet_answer_enrol() is to be called, sometime. */
    void (*enrol)(void *context, uint64_t connection, const struct fleet_enrol *enrol,
                  const uint8_t fingerprint[TLS_FINGERPRINT_SIZE]);
    /* It says that this holds there, and is to hold here: fleet_answer_order() is to be called, sometime.
     * Borrowed; from any member, of which not all may say so. */
    void (*ordered)(void *context, unsigned number, uint64_t mark, const char *text);
    /* It wants blocks of a bundle: fleet_give() is to be called, sometime; or is not. Borrowed; from any
     * member, of which not all may. NULL: nobody has any. */
    void (*wanted)(void *context, unsigned number, uint64_t connection, const struct fleet_message *message);
    /* A message of fleet_give() is on its way. */
    void (*given)(void *context, unsigned number, uint64_t connection);
    /* A stranger that wants to be a node of the cluster, from there: fleet_answer_join() likewise. NULL:
     * nobody can. */
    void (*join)(void *context, uint64_t connection, const char *from, const char *what);
    /* Every so often, while there are members. */
    void (*tick)(void *context);
};

struct fleet_options {
    const struct clock *clock;
    struct fleet_hooks hooks;
    const char *server; /* what it calls itself; copied */
};

/* Starts the thread; it listens nowhere yet. 0 and owned, or -errno. */
int fleet_open(const struct fleet_options *options, struct fleet **fleet);
/* Ends the thread; no hook is called any more. NULL is fine. */
void fleet_close(struct fleet *fleet);

/* A socket that listens. Returns it, or -errno. */
int fleet_bind(const struct addr_port *at);
/* These sockets (taken) instead of those before, and what is shown there (held; NULL: as before). */
void fleet_listen(struct fleet *fleet, const int *fds, size_t count, struct tls_context *context);
void fleet_listen_also(struct fleet *fleet, int fd); /* one more (taken) */
void fleet_set_pace(struct fleet *fleet, uint32_t heartbeat_ms, uint32_t expires_ms);
void fleet_set_limits(struct fleet *fleet, const struct fleet_limits *limits); /* copied; none at first */

struct fleet_member {
    char name[FLEET_NAME_MAX + 1];
    uint8_t number; /* 1 to FLEET_MEMBERS_MAX - 1, each once */
    bool is_enrolled;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE]; /* then */
};

/* Who may come; copied. Whoever is here and not among them any more goes. */
void fleet_set_members(struct fleet *fleet, const struct fleet_member *members, size_t count);
void fleet_leave(struct fleet *fleet); /* another process is there for them from now on */
void fleet_use_list(struct fleet *fleet, struct fleet_list *list); /* takes it */
/* Of the list that was brought last, if it is of this generation. */
void fleet_aim(struct fleet *fleet, uint64_t generation, const struct fleet_aim *aims, size_t count);
void fleet_answer_enrol(struct fleet *fleet, uint64_t connection, const char *name,
                        const char *why); /* NULL: it is enrolled */
void fleet_answer_join(struct fleet *fleet, uint64_t connection, const char *what,
                       const char *why); /* NULL: it is told `what` */

/* Why: "": it holds here. Nobody is told who is not connected any more. */
void fleet_answer_order(struct fleet *fleet, unsigned number, uint64_t mark, const char *why);

/* has, none or block, to that member if it is in that connection: in their order, when nothing else is to be
 * said to it. Of a block all octets are given (taken; of no other kind), and sent in pieces. */
void fleet_give(struct fleet *fleet, unsigned number, uint64_t connection,
                const struct fleet_message *message, uint8_t *octets);

/* ---- one check, now ---- */

struct fleet_trial {
    unsigned number;
    uint64_t identity;
    void *context;
    void (*traced)(void *context, const char *step, uint32_t at_us, const char *text);
    /* Of the last: `ran` is NULL when it did not come to it, and then why. */
    void (*ended)(void *context, const struct fleet_message *ran, const char *why);
};

/* Returns the ID of it. Hooks are called on the thread of the vantages, `ended` once, unless it is called off
 * first; after that none is called any more. */
uint32_t fleet_try(struct fleet *fleet, const struct fleet_trial *trial);
void fleet_end_trial(struct fleet *fleet, uint32_t id);
void fleet_end_trials(struct fleet *fleet); /* of everybody, on the calling thread: they hear why */

/* ---- looking ---- */

struct fleet_status {
    bool is_connected;
    int64_t since_ms;          /* monotonic: connected, or away; 0: it was never here */
    int64_t heard_ms;          /* monotonic: the latest line; 0: none yet */
    char from[ADDR_TEXT_SIZE]; /* "": it was never here */
    char software[FLEET_SOFTWARE_SIZE];
    char why[160];                                   /* the last connection has ended; "": none has */
    uint64_t generation;                             /* of the list that it goes by; 0: none yet */
    bool is_current;                                 /* that is the latest one */
    int64_t behind_ms;                               /* else: since when there is a later one */
    uint32_t targets, checks, refused;               /* of that list; checks that it cannot make */
    char refused_why[160];                           /* one of them */
    char declined_why[160];                          /* it does not take the latest list; "": it does */
    uint32_t round_trip_us;                          /* as the kernel measures; 0: not known */
    uint64_t connections, lines, opinions, outdated; /* outdated: of another list */
    size_t waiting;                                  /* octets that it did not take yet */
};
void fleet_get_status(struct fleet *fleet, unsigned number, struct fleet_status *status);

struct fleet_stats {
    uint64_t accepted, turned_away; /* turned away: strangers, garbage, too many */
    uint64_t sent;                  /* octets, before they are encrypted */
    unsigned connections;
};
void fleet_get_stats(struct fleet *fleet, struct fleet_stats *stats);
