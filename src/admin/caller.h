/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks, as the kernel or what they show proves it, and what they may do. Internal to the folder. */
#pragma once

#include "admin/admin.h"
#include "conf/roles.h"

struct admin_reload_result;
struct call;

struct caller {
    bool is_known; /* else there is a problem already */
    bool is_again; /* looked at anew while the answer goes on: a lockout is for who comes */
    enum role role;
    const struct admin_scopes *scopes; /* in the arena of the call; NULL: they may change everything */
    char peer[HEALTH_PEER_SIZE];       /* "uid:1000(alice)" */
};

/* Finds out who asks. On the control thread, once per request. */
void caller_find(struct call *call);
/* Likewise of one that was let in and goes on: may they still have what its route gives? The role is that of
 * now, or the problem is set, and the refusal told. */
bool caller_find_again(struct call *call);
/* May they do what the route of the call is? Else that is the problem, whatever else there is, and told. */
void caller_judge(struct call *call);
/* Has who asks at least this role, which only the handler knows of? False: likewise. */
bool caller_has(struct call *call, enum role needed);
/* May the caller load what was read, whatever brought it? False: likewise, and the errors name what may not
 * be loaded. */
bool caller_may_load(struct call *call, const struct admin_reload_result *result);
/* Counted, told and kept (access.h). On the control thread. */
void caller_note_refusal(const struct call *call, enum admin_refusal_cause cause, const char *why);
/* The scopes of the caller do not hold for this: says so, also in the log. `name` may be NULL. */
void caller_refuse_scope(struct call *call, const char *what, const char *name);
/* The same for a target that only the handler knows. False: the problem is set, and the refusal told. */
bool caller_may_touch(struct call *call, enum health_kind kind, const char *name);
/* Likewise of a zone, in its one spelling; and of a name that is in no zone that is served. */
bool caller_may_touch_zone(struct call *call, const char *zone);
bool caller_may_touch_below(struct call *call, const char *name);
