/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One server that this host works for: reached, reached again when it is lost, listened to and told. While it
 * is away its checks go on, and what there is to tell is kept by the verdicts. All calls are for the control
 * thread. */
#pragma once

#include "fleet/link.h"
#include "steerprobe/state.h"
#include "steerprobe/world.h"

struct upstream;

/* Takes the enrolment, and begins. Returns owned, or NULL and why: its certificate and key are of no use. */
struct upstream *upstream_open(const struct world *world, size_t slot, struct enrolment *enrolment,
                               const char **why);
/* With its list: nothing is checked for it any more. */
void upstream_close(struct upstream *upstream); /* NULL is fine */

const struct enrolment *upstream_get_enrolment(const struct upstream *upstream);
/* There may be something to tell. */
void upstream_tell(struct upstream *upstream);
/* In the connection of that number; false: it is another one. */
bool upstream_say(struct upstream *upstream, uint64_t connection, const struct fleet_message *message);

struct upstream_status {
    enum fleet_link_state state;
    const char *server;     /* "ns1.example:5307"; borrowed, like all texts */
    const char *name;       /* of this host there */
    const char *says_to_be; /* what the server calls itself; "": it has not said */
    const char *why;        /* the connection before has ended, or none came about; "": there is no such */
    int64_t since_ms;       /* monotonic: connected, or away */
    int64_t heard_ms;       /* likewise: the latest line; 0: none yet */
    uint64_t connections, attempts, told; /* since the start */
    uint32_t round_trip_us;               /* of the connection, as the kernel measures; 0: not known */
    const char *declined;                 /* why its latest list is not in use; "": it is, or there is none */
    bool has_list;
    uint64_t generation;
    size_t targets, checks, refused;
    struct verdicts_counts counts;
};
void upstream_get_status(const struct upstream *upstream, struct upstream_status *status);
