/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said in one connection to a server: who is who, its list, our opinions, heartbeats. Moved by its
 * owner, who knows sockets and time; it never waits. Control thread. */
#pragma once

#include "fleet/line.h"
#include "fleet/message.h"
#include "steerprobe/state.h"
#include "steerprobe/world.h"

struct session;

struct session_plan {
    const struct world *world; /* borrowed, like all that follows */
    size_t slot;
    const char *server;
    const struct enrolment *enrolment;
    struct tls_context *context;
    int fd;
    uint64_t number; /* of the session: no two are equal */
};

/* Over a connected socket. Returns owned; NULL: no memory. */
struct session *session_open(const struct session_plan *plan);
void session_close(struct session *session); /* NULL is fine */

enum session_state {
    SESSION_GREETING,
    SESSION_CONNECTED,
    SESSION_ENDED, /* session_why() */
};
/* Take what came, as far as one turn goes, and give what is to go. After that the socket is to be waited for:
 * session_wants(); unless there is more that came already. */
enum session_state session_go_on(struct session *session);
bool session_has_more(const struct session *session);
unsigned session_wants(const struct session *session); /* FLEET_WANTS_READ … */
const char *session_why(const struct session *session);

/* Once connected: every so often, in milliseconds; then session_go_on(). */
uint32_t session_beat_ms(const struct session *session);
void session_beat(struct session *session);
/* There may be something to tell; likewise. */
void session_tell(struct session *session);
void session_say(struct session *session, const struct fleet_message *message);

uint64_t session_number(const struct session *session);
const char *session_server(const struct session *session); /* what it calls itself; "": not yet */
/* Why its latest list is not in use; "": it is, or there is none. */
const char *session_declined(const struct session *session);
int64_t session_heard_ms(const struct session *session);    /* monotonic: the latest line */
uint64_t session_count_told(const struct session *session); /* opinions */
