/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "cluster" of steerd.json: this server is a node of several that agree (doc/cluster.md). What was said goes
 * through etcd; what is seen from node to node. Plain data. */
#pragma once

#include "base/addr.h"
#include "conf/doc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_server;

enum {
    CONF_NODE_NAME_MAX = 58, /* octets: with "node:" before it it is the name of a vantage */
    CONF_CLUSTER_ETCD_MAX = 9,
    CONF_CLUSTER_LISTEN_MAX = 4, /* also addresses of one peer */
    CONF_CLUSTER_PEERS_MAX = 30, /* as many vantages as there can be, without ourselves */
    CONF_CLUSTER_FINGERPRINT_SIZE = 32,
    CONF_CLUSTER_PASSWORD_MAX = 256,
};

/* Who has to have an order in force before it is answered. */
enum conf_acknowledge { CONF_ACKNOWLEDGE_LOCAL, CONF_ACKNOWLEDGE_MAJORITY, CONF_ACKNOWLEDGE_ALL };

/* Whose zones, topology and databases are served. */
enum conf_configuration {
    CONF_CONFIGURATION_FILES,  /* those that lie on this machine */
    CONF_CONFIGURATION_BUNDLE, /* those of the active bundle */
};

/* Who has to be ready for a bundle before it is active. */
enum conf_activate { CONF_ACTIVATE_ALL, CONF_ACTIVATE_MAJORITY };

/* Another node, where there is no etcd to ask. */
struct conf_peer {
    const char *name;
    struct addr_port *at; /* 1 to CONF_CLUSTER_LISTEN_MAX */
    size_t at_count;
    uint8_t fingerprint[CONF_CLUSTER_FINGERPRINT_SIZE]; /* of its certificate there: SHA-256 */
};

struct conf_cluster {
    const char *name, *node; /* of the cluster; of this server in it */
    const char **etcd;       /* "https://10.0.0.1:2379"; none: only what is seen is exchanged */
    size_t etcd_count;
    const char *ca, *certificate, *key; /* paths, for etcd; NULL: authorities of the system, none, none */
    const char *user, *password;        /* likewise; NULL: none; the password is never to be shown */
    bool shares_credentials;            /* all of these go to who joins (default: not) */
    uint64_t member;                    /* by which this machine has joined; 0: it has not */
    struct addr_port *listen;           /* for the other nodes */
    size_t listen_count;
    struct conf_peer *peers; /* only without etcd */
    size_t peer_count;
    enum conf_acknowledge acknowledge;     /* default majority */
    uint32_t deadline_ms;                  /* of that, 100 ms .. 60 s; default 1 s */
    enum conf_configuration configuration; /* default files */
    enum conf_activate activate;           /* default all: of the nodes that are heard of */
    uint32_t activate_within_ms;           /* of that, 1 s .. 1 h; default 1 min */
};

/* What etcd has to have, for people; sizes as measured with three nodes. */
#define CONF_CLUSTER_ETCD_NEEDS                                                                              \
    "etcd needs its default quota (2 GiB) and no --auto-compaction-retention: nodes that have nothing to "   \
    "say\n"                                                                                                  \
    "write 0.1 revisions a second each, an order 9 (6 KiB), kept for 10 minutes by the nodes' own "          \
    "compaction;\n"                                                                                          \
    "1,000 orders and, for a week, 0.2 KiB of each stay. One order a second takes some 150 MiB. Share it "   \
    "with\n"                                                                                                 \
    "nothing that reads older revisions.\n"

/* Fills cluster of the server, after its "vantages" and its "state". What is wrong goes to the document's
 * report. */
void cluster_read(const struct doc_node *root, struct conf_server *server);
/* A node's name: a label of letters, digits and '-'. */
bool conf_is_node_name(const char *text);
