/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One server that this host is a vantage of: reached, reached again when it is lost, listened to and told
 * (client.h). Whatever goes wrong ends the connection with a reason, and leads to the next attempt. Belongs
 * to the thread of its event base. */
#pragma once

#include "base/addr.h"
#include "fleet/client.h"

struct event_base;
struct fleet_link;

enum { FLEET_PLACES_MAX = 8 }; /* addresses of a server */

enum fleet_link_state {
    FLEET_LINK_WAITING,    /* "waiting": for the next attempt */
    FLEET_LINK_LOOKING_UP, /* "looking_up": where it is */
    FLEET_LINK_CONNECTING, /* "connecting" */
    FLEET_LINK_GREETING,   /* "greeting": TLS, and who is who */
    FLEET_LINK_CONNECTED,  /* "connected" */
};
const char *fleet_link_state_text(enum fleet_link_state state);

/* How a connection has ended, or did not come about. */
struct fleet_link_end {
    const char *why;
    bool was_connected, is_new; /* new: the reason is not that of the time before */
    uint32_t pause_ms;          /* until the next attempt */
};

struct fleet_link_hooks {
    void *context;
    /* Where is it? fleet_link_found() is to be called, at once or later. */
    void (*find)(void *context);
    void (*connected)(void *context);
    void (*ended)(void *context, const struct fleet_link_end *end);
};

struct fleet_link_plan {
    struct event_base *base;
    const struct clock *clock;
    struct tls_context *context; /* pinned; held */
    const char *name;            /* of ours, there; borrowed */
    uint64_t run;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    struct fleet_link_hooks hooks;
    struct fleet_client_hooks list;
};

/* Begins. Returns owned; NULL: no memory. */
struct fleet_link *fleet_link_open(const struct fleet_link_plan *plan);
void fleet_link_close(struct fleet_link *link); /* NULL is fine */
/* Count 0: why not; it is sought where it was, if that is known. */
void fleet_link_found(struct fleet_link *link, const struct addr_port *addresses, size_t count,
                      const char *why);

/* There may be something to tell. */
void fleet_link_tell(struct fleet_link *link);
/* In this very connection. False: it is another one, or it takes nothing. */
bool fleet_link_say(struct fleet_link *link, uint64_t connection, const struct fleet_message *message);
/* In a hook: to be sent when that returns. Else with the next fleet_link_tell(). False: it takes nothing. */
bool fleet_link_answer(struct fleet_link *link, const struct fleet_message *message);
/* Likewise: a check that somebody there wants to see is not made here, and why. */
void fleet_link_refuse_run(struct fleet_link *link, uint32_t id, const char *why);
uint64_t fleet_link_connection(const struct fleet_link *link); /* no two are equal */
uint32_t fleet_link_expires_ms(const struct fleet_link *link); /* while connected; else 0 */

struct fleet_link_status {
    enum fleet_link_state state;
    const char *says_to_be; /* what the server calls itself; "": it has not said; borrowed, as all texts */
    const char *why;        /* the connection before has ended, or none came about; "": there is no such */
    const char *declined;   /* why its latest list is not in use; "": it is, or there is none */
    int64_t since_ms;       /* monotonic: connected, or away */
    int64_t heard_ms;       /* likewise: the latest line; 0: none yet */
    uint64_t connections, attempts, told; /* since the start */
    uint32_t round_trip_us;               /* of the connection, as the kernel measures; 0: not known */
};
void fleet_link_get_status(const struct fleet_link *link, struct fleet_link_status *status);
