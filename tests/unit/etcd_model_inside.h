/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What etcd_model.c (keys, leases, transactions) and etcd_model_way.c (requests on their way, watches, time)
 * share. */
#pragma once

#include "etcd_model.h"

#include "base/arena.h"

struct item {
    char *key, *value; /* value NULL: in the history: deleted */
    int64_t create, mod, version, lease;
};

struct lease {
    int64_t id, ttl_s, until_ms;
};

struct answer {
    struct etcd_answer told;
    struct arena *arena;
};

enum kind { ASK, GRANT, KEEP, REVOKE, COMPACT };

struct call {
    uint64_t number;
    struct etcd *client;
    enum kind kind;
    bool is_over; /* who asked was told, or does not want it any more */
    bool writes, is_done /* at the server */, is_lost, is_reply_lost, is_refused;
    int64_t arrives_ms, replies_ms, until_ms;
    struct etcd_request request;
    int64_t lease, ttl_s, compacts;
    struct arena *arena;
    struct answer answer;
    struct call *next;
};

struct watch {
    uint64_t number;
    int64_t at; /* the next revision that it is told */
    bool has_begun, is_lost;
    char *prefix;
    struct etcd_watch_options told;
    struct watch *next;
};

struct etcd {
    struct etcd_model *model;
    struct etcd_way way;
    struct watch *watches;
    int64_t cut_ms, look_ms;
    struct etcd *next;
};

struct etcd_model {
    struct random random;
    int64_t now_ms, revision, compacted;
    uint64_t numbers, requests;
    struct item *items; /* by key */
    size_t count, capacity;
    struct item *history;
    size_t history_count, history_capacity;
    struct lease *leases;
    size_t lease_count, lease_capacity;
    int64_t lease_ids, least_ttl_s;
    uint64_t term;
    struct call *calls;
    struct etcd *clients;
    void (*put)(void *context, const char *key, const char *value);
    void *context;
};

struct etcd_backup {
    struct item *items;
    size_t count;
    int64_t revision;
};

/* What a request that has come through does, and is answered. */
void etcd_model_serve(struct etcd_model *model, struct call *call);
void etcd_model_end_lease(struct etcd_model *model, size_t at);
void etcd_model_free_call(struct call *call);
bool etcd_model_begins(const char *key, const char *prefix);
