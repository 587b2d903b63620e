/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the admin API says to the application about who asks. Plain data. */
#pragma once

#include "conf/doors.h"
#include "conf/roles.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Somebody was refused. Borrowed texts. */
enum admin_refusal_cause {
    ADMIN_REFUSED_ROLE,
    ADMIN_REFUSED_NOBODY,
    ADMIN_REFUSED_TOKEN,
    ADMIN_REFUSED_SCOPE,
    ADMIN_REFUSED_LOCKOUT,
    ADMIN_REFUSED_REQUEST,
    ADMIN_REFUSED_HANDSHAKE, /* of TLS: before anybody has asked for anything */
    ADMIN_REFUSED_ORIGIN,    /* a page of another site asks */
    ADMIN_REFUSED_RULES,     /* safety rules object, a switchover's look does, or names would go unserved */
    ADMIN_REFUSAL_CAUSES
};

const char *admin_refusal_text(enum admin_refusal_cause cause);

struct admin_refusal {
    enum admin_refusal_cause cause;
    const char *peer, *method, *resource; /* "uid:1000(alice)", "PUT", "/v1/points" */
    const char *why;                      /* in words */
};

/* ---- tokens ---- */

enum { ADMIN_SCOPES_MAX = 16, ADMIN_TOKEN_SIZE = 160 };

/* What somebody may change: none of either kind: everything. Borrowed texts. */
struct admin_scopes {
    const char *regions[ADMIN_SCOPES_MAX], *zones[ADMIN_SCOPES_MAX];
    size_t region_count, zone_count;
};

/* What shows who comes from elsewhere. Borrowed texts; all times wall. */
struct admin_token {
    const char *name;
    enum role role;
    struct admin_scopes scopes;
    int64_t made_ms, expires_ms;
    int64_t rotated_ms, overlap_ms; /* when, and until when the secret before is good; 0: it is not */
    int64_t used_ms;                /* the last time that is known; 0: none is */
    const char *made_by;
};

enum admin_token_what { ADMIN_TOKEN_MAKE, ADMIN_TOKEN_ROTATE, ADMIN_TOKEN_DELETE };

struct admin_token_order {
    enum admin_token_what what;
    const char *name;
    enum role role;             /* of MAKE */
    struct admin_scopes scopes; /* likewise */
    int64_t lasts_ms;           /* of MAKE and ROTATE; 0: as long as it did */
    int64_t overlap_ms;         /* of ROTATE */
    const char *reason, *actor, *peer, *request;
    const struct condition *condition;   /* NULL: none */
    const struct admin_receipt *receipt; /* likewise */
    const void *change;                  /* of a cluster (cluster.h): what it belongs to; NULL: none */
};

/* What became of it. */
struct admin_token_result {
    int error; /* ERROR_CONFLICT: there is one of this name; ERROR_NOT_FOUND; ERROR_TOO_LARGE: there are too
                  many; ERROR_BUSY: it is just being changed; ERROR_UNSUPPORTED: there is no store; else it
                  could not be written */
    const char *why;                 /* of the last, in words */
    const char *secret;              /* of MAKE and ROTATE; borrowed for the call, like what follows */
    const struct admin_token *token; /* likewise */
};
typedef void admin_token_done(void *argument, const struct admin_token_result *result);

/* ---- what the application does; each gets the context of admin_verbs; NULL: it does not ---- */

struct admin_receipt;
struct arena;
struct condition;

struct admin_access_verbs {
    /* What users of the socket may do, or who comes with a certificate; valid until the next turn. NULL:
     * everything, and nothing. */
    const struct roles *(*get_roles)(void *context, bool of_certificates);
    /* Of who shows this text, valid until the next turn; that it was used is noted. NULL, and why: of nobody.
     */
    const struct admin_token *(*judge_token)(void *context, const char *text, const char **why);
    /* All of them, by name; valid until the next turn. Returns how many. */
    size_t (*list_tokens)(void *context, struct arena *arena, struct admin_token **tokens);
    /* 0: `done` is called once, later; else the error of its result. */
    int (*change_token)(void *context, const struct admin_token_order *order, admin_token_done *done,
                        void *argument);
    void (*note_refusal)(void *context, const struct admin_refusal *refusal);
};

/* ---- where it listens beside its socket ---- */

struct admin;

/* By TLS: at these addresses and no others, with what is shown there from now on. `inherited` (may be NULL):
 * listening descriptors of the process before; one that is used becomes -1. */
void admin_listen(struct admin *admin, const struct conf_door *doors, size_t count, int *inherited,
                  size_t inherited_count);
/* The descriptors of those that are listened to, borrowed. Returns how many. */
size_t admin_list_listeners(const struct admin *admin, int *fds, size_t max);
