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
    struct event *retry; /* an address could not be listened to */
    /* From the thread of the vantages to the control thread: */
    int wake_fd;
    struct event *wake;
    pthread_mutex_t lock; /* guards what follows */
    unsigned holders;     /* of `fleet`: workers that wait for it */
    pthread_cond_t idle;  /* there is none any more */
    struct enrolling *enrolling;
    struct vantage_member members[FLEET_MEMBERS_MAX]; /* by number; number 0: none */
    bool is_busy[FLEET_MEMBERS_MAX]; /* a change of it is on its way; of the control thread */
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
    char name[FLEET_NAME_MAX + 1], *token;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
};

void vantages_enrol(struct vantages *vantages, const struct enrolling *enrolling);

/* ---- vantages_members.c ---- */

/* Under the lock of vantages: by name; NULL: there is none. */
const struct vantage_member *vantages_find(const struct vantages *vantages, const char *name);
/* A member is another one now, or there is none of that number any more: everybody is told. */
void vantages_tell_fleet(struct vantages *vantages);
void vantages_put_member(struct vantages *vantages, unsigned number, const struct vantage_member *member);
