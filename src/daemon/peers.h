/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The other nodes of the cluster, as far as it is about what is seen: each is a vantage of this one
 * ("node:ns2", vantages.h), and this one is a vantage of each: told what the other one checks, it tells what
 * its own checks say of that. On a thread of its own, "peers", which takes the health lock for
 * HEALTH_HEAR_MAX opinions at once and which nobody waits for. Belongs to the control thread, but for what
 * says otherwise. Private to src/daemon. */
#pragma once

#include "base/addr.h"
#include "conf/cluster.h"
#include "daemon/peers_orders.h"
#include "fleet/link.h"

struct peers;
struct server;
struct view;

#define PEER_PREFIX "node:"

/* One of the others. */
struct peer {
    const char *name; /* "ns2" */
    const struct addr_port *addresses;
    size_t address_count;                      /* at most FLEET_PLACES_MAX */
    bool has_fingerprint;                      /* else it can neither come nor be reached */
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE]; /* of its certificate: there, and when it comes */
};

/* 0, or -errno. There is nobody. */
int peers_open(struct server *server, struct peers **peers);
/* Nobody is told anything any more: before the lock and the views go. NULL is fine, here and below. */
void peers_stop(struct peers *peers);
void peers_close(struct peers *peers); /* then */

/* All of them, copied: who is new is a vantage from now on and is reached, who is not among them any more is
 * not. May be called before there is a view. */
void peers_set(struct peers *peers, const struct peer *nodes, size_t count);
/* Where the configuration says who they are ("peers"): before that view is installed. */
void peers_learn(struct peers *peers, const struct view *view);

/* What the others have to know of this one. */
struct peer_own {
    const struct addr_port *listen; /* borrowed until the next reload */
    size_t listen_count;
    bool has_fingerprint;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
};
void peers_get_own(const struct peers *peers, struct peer_own *own);

/* What this node is to that one. Any thread. False: there is no such node. */
enum { PEER_WHY_SIZE = 160 };
struct peer_status {
    enum fleet_link_state state;
    int64_t since_ms, heard_ms; /* monotonic: connected, or away; the latest line, 0: none */
    uint32_t round_trip_us;     /* 0: not known */
    uint64_t connections, told; /* told: opinions */
    uint64_t targets, unknown;  /* of its list; … that are not checked here, and have no opinion */
    char why[PEER_WHY_SIZE];    /* the last connection has ended, or none comes about; "": there is no such */
};
bool peers_get_status(struct peers *peers, const char *name, struct peer_status *status);
/* server->serials has news for them. NULL: there is nobody. Any thread. */
void peers_tell_serials(struct peers *peers);
/* To how many this node is connected, and hears of them there. NULL: none. Any thread. */
uint32_t peers_count_reached(struct peers *peers);

/* ---- what holds here, and the cluster cannot be told ---- */

/* Each node that is reached, or comes to be, is told of it (peers_orders.h), until it is dropped. */
void peers_put_order(struct peers *peers, uint64_t mark, const char *text, int64_t born_ms);
void peers_drop_order(struct peers *peers, uint64_t mark);
void peers_drop_orders(struct peers *peers);
/* Becomes readable when another node says something of one. */
int peers_get_order_fd(const struct peers *peers);
struct peer_order_status {
    enum peer_order_state state;
    bool is_linked; /* it may say so yet */
};
/* Of one of those that are set, by number from 0 on; NULL: there are no more. *is_known: the order is not
 * dropped. */
const char *peers_look_at_order(struct peers *peers, size_t number, uint64_t mark,
                                struct peer_order_status *status, bool *is_known);

/* ---- for the porter ---- */

/* This is to be said to that node in that very connection. Copies; any thread. */
void peers_ask(struct peers *peers, const char *node, uint64_t connection, const struct fleet_message *want);

/* ---- for vantages.c ---- */

/* We are who serves: they are reached from now on; and not any more. */
void peers_begin(struct peers *peers);
void peers_leave(struct peers *peers);
/* The current view is another one; this is shown to them (NULL: there is nothing to be shown). Held. */
void peers_follow(struct peers *peers, struct tls_context *context);
/* See health_saw_fn, with the server's lock. */
void peers_saw(void *peers, uint32_t monitor);
