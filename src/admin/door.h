/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A place where the API listens, with an HTTP server and connections of its own: who crowds one of them takes
 * no place of the others. Internal to the folder; control thread. */
#pragma once

#include "admin/connection.h"
#include "base/addr.h"
#include "conf/doors.h"

struct admin;
struct evhttp;
struct evhttp_bound_socket;
struct evhttp_request;

struct door {
    struct door *next;
    struct admin *admin;
    struct evhttp *http;
    struct evhttp_bound_socket *bound; /* NULL: not yet, or not any more */
    struct connection_set connections;
    bool is_remote, is_lost; /* lost: it cannot be listened to, which was said */
    bool is_closed;          /* for good; connections are left */
    struct addr_port at;     /* of a remote one */
    int fd;                  /* borrowed */
};

/* One that serves nobody yet. Returns owned, or NULL. */
struct door *door_new(struct admin *admin, void (*on_request)(struct evhttp_request *request, void *door));
/* Takes a listening descriptor, instead of the one before if there is one. */
int door_listen(struct door *door, int fd);
/* Nobody comes any more; those who do not wait for an answer go home. */
void door_shut(struct door *door);
void door_free(struct door *door); /* with all connections; NULL is fine */

/* Those of the configuration, and no others. `inherited` (may be NULL) are listening descriptors of the
 * process before; what is used of them is replaced by -1. */
void doors_follow(struct admin *admin, const struct conf_door *doors, size_t count, int *inherited,
                  size_t inherited_count);
void doors_look(struct admin *admin); /* try again what could not be listened to; free what is empty */
