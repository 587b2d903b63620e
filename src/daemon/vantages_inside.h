/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of vantages.h share. Private to them. */
#pragma once

#include "daemon/vantage_member.h"
#include "daemon/vantages.h"
#include "fleet/listener.h"

#include <pthread.h>

struct event;
struct vantage_change;

struct vantages_news {
    struct fleet_list *list;                   /* NULL: nobody can come */
    struct tls_context *context;               /* NULL: there is none to be shown */
    struct tls_context *peer_context;          /* likewise, by us to other nodes */
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE]; /* then: of it */
    struct addr_port *listen;
    size_t listen_count;
    uint32_t heartbeat_ms, expires_ms;
    struct fleet_limits limits;
};

struct vantages {
    struct server *server;
    struct fleet *fleet;                /* NULL: nobody can come; changes under the lock */
    char host[256];                     /* what we call ourselves; "": not known */
    bool has_read, has_begun, has_left; /* who they are is known; they can be changed; … are gone */
    bool has_awaited, is_handed;
    struct vantage_member handed[FLEET_MEMBERS_MAX]; /* by the process before */
    struct addr_port *listen;                        /* as they are listened to */
    size_t listen_count;
    bool *is_open; /* each of them; an address that could not be listened to is tried again: */
    struct event *retry;
    /* From the thread of the vantages to the control thread: */
    int wake_fd;
    struct event *wake;
    pthread_mutex_t lock; /* guards what follows */
    unsigned holders;     /* of `fleet`: workers that wait for it */
    pthread_cond_t idle;  /* there is none any more */
    struct enrolling *enrolling;
    struct vantage_member members[FLEET_MEMBERS_MAX]; /* by number; number 0: none */
    int64_t ticked_ms;               /* of the thread of the vantages: monotonic, the latest; 0: none yet */
    bool is_busy[FLEET_MEMBERS_MAX]; /* a change of it is on its way; of the control thread */
    struct vantage_member
        nodes[FLEET_MEMBERS_MAX]; /* of the cluster, without numbers; of the control thread */
    size_t node_count;
    uint32_t node_weight; /* of each: what our own opinion has */
    struct tls_context *peer_context;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    bool has_fingerprint;
    struct vantage_change *changes; /* on their way; of the control thread */
};

/* ---- vantages_hear.c: on the thread of the vantages ---- */

void vantages_fill_hooks(struct vantages *vantages, struct fleet_hooks *hooks);

/* ---- vantages_change.c: on the control thread ---- */

/* A host with a token. */
struct enrolling {
    struct enrolling *next;
    uint64_t connection;
    bool joins; /* it wants to be a node: `token` is what it says (fleet/admission.h) */
    char from[ADDR_TEXT_SIZE];
    char name[FLEET_NAME_MAX + 1], *token;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
};

void vantages_enrol(struct vantages *vantages, const struct enrolling *enrolling);
/* What a node says to who wants to be one; why: NULL: that, else why not. */
void vantages_answer_join(struct vantages *vantages, uint64_t connection, const char *what, const char *why);

/* ---- vantages_members.c ---- */

/* Under the lock of vantages: by name; NULL: there is none. */
const struct vantage_member *vantages_find(const struct vantages *vantages, const char *name);
/* A member is another one now, or there is none of that number any more: everybody is told. */
void vantages_tell_fleet(struct vantages *vantages);
/* Whoever judges, too. */
void vantages_tell_all(struct vantages *vantages);
/* These, with the nodes of the cluster. */
void vantages_use(struct vantages *vantages, const struct vantage_member members[FLEET_MEMBERS_MAX]);
void vantages_put_member(struct vantages *vantages, unsigned number, const struct vantage_member *member);

/* ---- vantages_nodes.c ---- */

struct peer;
/* The other nodes of the cluster, all of them; and what each of them weighs. */
void vantages_set_nodes(struct vantages *vantages, const struct peer *nodes, size_t count);
void vantages_weigh_nodes(struct vantages *vantages, uint32_t weight);
/* Of what is shown to vantages and nodes. False: nothing is. */
bool vantages_get_fingerprint(const struct vantages *vantages, uint8_t fingerprint[TLS_FINGERPRINT_SIZE]);

/* ---- vantages_place.c ---- */

/* Those nodes have numbers among these, and no others. */
void vantages_place_nodes(struct vantages *vantages, struct vantage_member members[FLEET_MEMBERS_MAX]);
