/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A vantage's side of one connection to a server: who is who, the server's list, our opinions, heartbeats.
 * What becomes of a list, and what is thought of it, is the owner's, by hooks. Moved by link.c, who knows
 * sockets and time; it never waits. One thread. */
#pragma once

#include "fleet/line.h"
#include "fleet/message.h"

struct clock;
struct fleet_client;

enum fleet_fit {
    FLEET_FITS,
    FLEET_DECLINED, /* it is not taken into use, and the one before stays */
    FLEET_WRONG,    /* it contradicts itself: the connection ends */
};

/* `why` has FLEET_WHY_SIZE octets. */
struct fleet_client_hooks {
    void *context;
    /* A list comes, instead of one that was coming; then its checks and targets, and what it keeps of the one
     * in use, in the order of the protocol; then it is whole, and in use in the place of the one before. Or
     * it is not to come. */
    enum fleet_fit (*begin)(void *context, uint64_t generation, uint32_t count, char *why);
    enum fleet_fit (*add)(void *context, const struct fleet_message *message, char *why);
    bool (*take)(void *context, char *why);
    void (*drop)(void *context);
    /* Of the list in use; it may be of a connection before this one. False: there is none. */
    bool (*get)(void *context, uint64_t *generation);
    /* What the server knows it by; 0: it has not said, or may have forgotten. */
    uint64_t (*get_mark)(void *context);
    void (*set_mark)(void *context, uint64_t mark);
    const struct fleet_untaken *(*refused)(void *context, size_t *count); /* borrowed */
    void (*rename)(void *context, uint64_t generation);                   /* it holds as that one, too */
    bool (*aim)(void *context, const struct fleet_message *message, char *why);
    /* The next up to `max` that were not told yet, or not so; of all, round and round; and nobody was told
     * anything. */
    size_t (*take_changes)(void *context, struct fleet_opinion *opinions, size_t max);
    size_t (*take_next)(void *context, struct fleet_opinion *opinions, size_t max, bool *ends);
    void (*begin_anew)(void *context);
    /* The rest of what a server says: limits, clock, run, holds, has, none, block (each piece, with its
     * octets). */
    void (*hear)(void *context, const struct fleet_message *message);
};

struct fleet_client_plan {
    const struct clock *clock;  /* borrowed, like all that follows */
    const char *name;           /* of ours, there */
    uint64_t run;               /* of this process: another one after each start */
    const uint8_t *fingerprint; /* that the other side has to have */
    const struct fleet_client_hooks *hooks;
};

/* Over a connected socket (borrowed), with a pinned context (held). Returns owned; NULL: no memory. */
struct fleet_client *fleet_client_open(const struct fleet_client_plan *plan, struct tls_context *context,
                                       int fd);
void fleet_client_close(struct fleet_client *client); /* NULL is fine */

enum fleet_client_state {
    FLEET_CLIENT_GREETING,
    FLEET_CLIENT_CONNECTED,
    FLEET_CLIENT_ENDED, /* fleet_client_why() */
};
/* Take what came, as far as one turn goes, and give what is to go. After that the socket is to be waited for:
 * fleet_client_wants(); unless there is more that came already. */
enum fleet_client_state fleet_client_go_on(struct fleet_client *client);
bool fleet_client_has_more(const struct fleet_client *client);
unsigned fleet_client_wants(const struct fleet_client *client); /* FLEET_WANTS_READ … */
const char *fleet_client_why(const struct fleet_client *client);

/* Once connected: every so often, in milliseconds; then fleet_client_go_on(). */
uint32_t fleet_client_beat_ms(const struct fleet_client *client);
void fleet_client_beat(struct fleet_client *client);
/* There may be something to tell; likewise. */
void fleet_client_tell(struct fleet_client *client);
/* False: it takes nothing, and this is dropped. */
bool fleet_client_say(struct fleet_client *client, const struct fleet_message *message);

const char *fleet_client_server(const struct fleet_client *client); /* what it calls itself; "": not yet */
/* Without a sign of life for so long it is given up. */
uint32_t fleet_client_expires_ms(const struct fleet_client *client);
/* Why its latest list is not in use; "": it is, or there is none. */
const char *fleet_client_declined(const struct fleet_client *client);
int64_t fleet_client_heard_ms(const struct fleet_client *client);    /* monotonic: the latest line */
uint64_t fleet_client_count_told(const struct fleet_client *client); /* opinions */
