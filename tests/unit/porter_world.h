/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Nodes in one process, each with a state folder and a porter of its own, linked without a network: what one
 * says another one hears, as their links would bring it. */
#pragma once

#include "daemon/porter.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NET_NODES_MAX = 20 };

struct net;

struct net_node {
    struct net *net;
    unsigned number;
    char name[16], state[64];
    struct bundle_store *store;
    struct porter *porter;
    _Atomic bool boasts;  /* it says that what it has is longer than it is */
    _Atomic bool lies;    /* each block that it gives has another octet than it should */
    _Atomic bool is_deaf; /* nothing that is said to it is heard */
};

struct net {
    struct clock clock;
    char folder[32];
    unsigned count;
    struct net_node nodes[NET_NODES_MAX];
    pthread_mutex_t lock;                         /* guards what follows */
    uint64_t links[NET_NODES_MAX][NET_NODES_MAX]; /* connection of the one to the other; 0: none */
    uint64_t last;
};

void net_open(struct net *net, unsigned count);
void net_close(struct net *net);
void net_link(struct net *net, unsigned from, unsigned to); /* both ways */
void net_link_all(struct net *net);
void net_cut(struct net *net, unsigned node); /* from all */
/* A bundle of files of these sizes (up to 8, 0: no more), whole at that node; the same seed is the same. */
void net_put(struct net *net, unsigned node, uint64_t seed, const size_t sizes[8], char id[BUNDLE_ID_SIZE]);
/* Waits for it, or fails. */
void net_wait(struct net *net, unsigned node, const char *id, enum porter_is is);
void net_wait_why(struct net *net, unsigned node, const char *id, const char *says);
