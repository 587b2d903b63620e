/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One request on its way through the server, and the ways to answer it. Internal to the folder. */
#pragma once

#include "admin/admin.h"
#include "admin/fields.h"
#include "admin/caller.h"
#include "admin/lockout.h"
#include "admin/precedence.h"
#include "admin/operations.h"
#include "admin/problem.h"
#include "admin/receipts.h"
#include "admin/route.h"
#include "admin/socket.h"
#include "base/clock.h"
#include "base/worker.h"

#include <jansson.h>

struct door;
struct evbuffer;
struct events;
struct evhttp_request;
struct follow;
struct gate;
struct ordered;
struct work;

struct call;
struct call_answer;

struct admin {
    struct event_base *base;
    struct door *local;            /* of the unix socket */
    struct door *remotes;          /* where it listens beside that */
    struct gate *gate, *late_gate; /* of those; NULL: there was none yet */
    struct precedence precedence;  /* between these */
    struct admin_socket socket;
    unsigned mode;      /* of the socket */
    struct event *look; /* timer: is its file still there? */
    bool lost;          /* it is not, and was said to be gone */
    void (*on_request)(struct evhttp_request *request, void *door);
    bool is_paused;  /* nobody is let in */
    bool is_leaving; /* another process listens there: every answer is the last one of its connection */
    struct admin_verbs verbs;
    struct clock clock;
    struct peers *peers;
    struct lockout lockout;        /* who shows bad tokens */
    struct receipts receipts;      /* of requests with a key that change what the store has */
    struct receipts passing;       /* of others: many, and each good for a moment */
    struct operations operations;  /* what goes on without its client */
    struct call_pending *pendings; /* requests that are answered later */
    struct ordered *ordered;       /* overrides on their way */
    struct work *orders;           /* that are asked about, or wait for that */
    struct follow *follows;        /* pages of the journal that wait for an entry */
    size_t follow_count;
    struct events *events; /* streams of events */
    /* Has the answer of a change to wait for other nodes? Then it is sent later (turns.h). */
    bool (*hold)(struct call *call, const struct call_answer *answer);
};

/* One that was made on a worker. */
struct call_answer {
    unsigned status;
    const char *type;
    struct evbuffer *body; /* owned */
    const char *objection; /* why nothing was done that its role would allow: a constant; NULL: it was */
};

struct call {
    struct admin *admin;
    struct door *door;              /* by which it came */
    struct evhttp_request *request; /* NULL: on a worker, and the answer goes to `answer`; or nobody waits */
    struct receipt *receipt;        /* to be ended by the answer; NULL: none. Not on a worker */
    const struct operation_wish
        *wish;                   /* when it is deferred it may go on without its client; NULL: it may not */
    struct operation *operation; /* to be ended by the answer; NULL: none. Not on a worker */
    void *change;                /* of a cluster, likewise (turns.h) */
    struct call_answer answer;
    struct progress *progress; /* NULL: on the control thread */
    void *reader;              /* of the verbs that read */
    unsigned method;           /* enum route_method; 0: another one */
    struct route route;
    struct caller caller;
    const char *allow;
    uint64_t revision;                 /* of what is shown; 0: not known, or it has none */
    const struct condition *condition; /* of a change, in the arena; NULL: nothing is taken for granted */
    int64_t retry_ms;                  /* of a refusal: when it is worth while to try again; 0: not said */
    struct arena *arena;
    struct problem problem;
    const char *objection; /* as in the answer */
    const char *body;      /* NUL-terminated for convenience */
    size_t body_len;
    void *data; /* of the handler, in the arena */
    /* A handler that needs what only the control thread has sets this instead of answering. It is called
     * there, and then the handler once more, with `fetched`. */
    void (*fetch)(struct call *call);
    bool fetched;
    /* A handler that leaves the answer to the control thread sets this. It is called there with route and
     * data of this call, also if the client has gone meanwhile: then nobody gets its answer. If what it found
     * does not hold any more, the handler is called again before that; for the ADMIN_ROUNDS-th time it is
     * believed. */
    void (*settle)(struct call *call);
    bool overtaken; /* in settle: see call_overtake() */
};

enum { ADMIN_ROUNDS = 3 };

/* Each answers the request; one of them is called exactly once per request. */
void call_reply_json(struct call *call, unsigned status, json_t *document); /* takes the document */
void call_reply_text(struct call *call, const char *type, const char *text, size_t len);
void call_reply_body(struct call *call, unsigned status, const char *type,
                     struct evbuffer *body); /* takes it */
void call_reply_problem(struct call *call);
/* A page of things that have IDs: those behind the cursor, which is the ID of the last of the page before, so
 * that a page keeps its place when others come and go. get_id(items, i) and render(items, i) are asked about
 * each below count. */
void call_reply_page(struct call *call, const void *items, size_t count,
                     const char *(*get_id)(const void *items, size_t i),
                     json_t *(*render)(const void *items, size_t i));

/* The same of what is walked in its order, a part or a filter of it: what is behind the cursor is taken, as
 * long as there is room. A walk that finds the place of the cursor by itself sets `begun`. */
struct call_page {
    const char *cursor; /* key of the last of the page before; NULL: from the start */
    size_t limit, taken;
    bool begun, more;
    const char *last; /* key of the one taken last */
    json_t *items;    /* owned; NULL: none yet */
};
struct call_page call_page_open(const struct call *call);
/* Is what has this key behind the cursor? */
bool call_page_reached(struct call_page *page, const char *key);
/* Is there room for it? Else there is more. The key stays until the reply. */
bool call_page_take(struct call_page *page, const char *key);
void call_page_add(struct call_page *page, json_t *item);        /* takes it */
void call_page_reply(struct call *call, struct call_page *page); /* takes the items */

/* A request that is answered later. It outlives the call; its client may leave meanwhile. */
struct call_pending;
struct call_pending *call_defer(struct call *call);
/* From now on `left` is called when the client leaves. It may resume the call. */
void call_watch(struct call_pending *pending, void (*left)(void *argument), void *argument);
/* How far it is; as long as it is pending. */
void call_show(struct call_pending *pending, const struct worker_job *job);
const struct receipt *call_get_receipt(const struct call_pending *pending);
/* As if its client had left. */
void call_cancel(struct call_pending *pending);
/* Ends the deferral: gives the call back (arena and problem are fresh; to be answered and then finished), or
 * returns false if nobody waits any more, and none will ask for the answer by a key. Frees the pending. */
bool call_resume(struct call_pending *pending, struct call *call);
void call_finish(struct call *call);
void call_send(struct call *call, const struct call_answer *answer); /* takes the body */
void call_drop_all(struct admin *admin);     /* the server ends: nobody waits any more */
void override_drop_all(struct admin *admin); /* likewise, for what is on its way */

/* ---- an answer that goes on ---- */

/* 200 and the headers; what follows comes in pieces. Like call_defer(), until call_end_live(). Its connection
 * is as one whose answer is being made: it has no deadline, and makes no room for others. */
struct call_pending *call_begin_live(struct call *call, const char *type);
bool call_is_live(const struct call_pending *pending); /* is the client there? */
/* Would this client be let in now? A refusal is logged. True for a client that has left. */
bool call_is_let_in(const struct call_pending *pending);
/* A piece more. `taken` is called when the client has taken all pieces, once for the latest. */
void call_add_live(struct call_pending *pending, const char *bytes, size_t len, void (*taken)(void *argument),
                   void *argument);
size_t call_measure_live(const struct call_pending *pending); /* octets that it has not taken */
/* The client does not take what it asked for: its connection is cut, and `left` follows. */
void call_cut_live(const struct call_pending *pending);
/* The end of the body, and of the connection. Takes it. */
void call_end_live(struct call_pending *pending);
/* Likewise when the server ends, and nobody sends any more: by hand, as far as that is possible. */
void call_drop_live(struct call_pending *pending);

/* Answer with `handle` on a worker, and send what it made when it is done; or at once, without workers. Takes
 * what the call holds. When too much is waiting, that is the answer. */
void call_work(struct call *call, enum admin_lane lane, const char *what, void (*handle)(struct call *call));

/* Something was done to the target of the call. Whoever waits with an order about it came earlier, and is too
 * late now. */
void call_overtake(const struct call *call);

/* What went wrong in a verb: a reason that its contract does not name, or the target of the route is not
 * there. */
void call_set_internal(struct call *call, int error);
void call_set_missing(struct call *call);
/* Who the kernel says has asked, and who is said to have, if the request says so. On the control thread. */
void call_add_actor(struct call *call, char actor[HEALTH_ACTOR_SIZE], char peer[HEALTH_PEER_SIZE]);

/* ---- requests with a key (receipt_calls.c) ---- */

struct receipts *call_get_receipts(const struct call *call); /* those of its route */
/* What goes along with the change, in the arena; NULL: nothing. */
const struct admin_receipt *call_make_receipt(struct call *call);
void call_end_receipt(struct call *call, const struct call_answer *answer);
void call_drop_receipts(struct admin *admin); /* that have had their time, or make room */
/* As it is now, when what was answered to an order is not known any more. */
void override_tell(struct call *call);

/* ---- requests that go on without their clients (operation_calls.c) ---- */

/* Would it rather not wait (RFC 7240)? Then the call has a wish. */
void operation_wish(struct call *call);
/* It is not pending any more; what is known of its progress stays. */
void operation_note_end(struct operation *operation);
/* Headers of 202. */
void operation_add_headers(struct evhttp_request *request, const struct operation *operation);
bool operation_can_be_cancelled(const struct operation *operation);
json_t *operation_render(const struct operation *operation); /* without its answer */
struct evbuffer *operation_write(const struct operation *operation);
/* 202 once more, where the request of the receipt is such an operation. */
bool operation_tell_again(struct call *call, const struct receipt *receipt);
void operation_end(struct call *call, const struct call_answer *answer); /* takes the body */

/* ---- what is taken for granted: If-Match, If-None-Match (conditional.c) ---- */

/* Of a call that has a route: reads what it says of that, and which revision what it asks for has. */
void conditional_begin(struct call *call);
/* Of an override, for a dry run: of an order it is judged when that is carried out. */
bool conditional_holds_now(struct call *call);
/* The change was refused for its condition: says how things are. On the control thread. */
void call_set_precondition(struct call *call);
/* The tag of what is shown, as a header. true: who asks has that, so that the answer is 304. */
bool conditional_answer(struct call *call, const struct call_answer *answer);

/* An object as the API shows it, an endpoint with its checks. */
json_t *call_render_target(struct call *call, const struct operate_target *target, field_set fields);

/* ---- the resources (targets.c, checks.c, changes.c, override.c, reasons.c, moments.c, journal.c, points.c,
 * vantages.c, restore.c, replication.c) ---- */

void handle_status(struct call *call);
void handle_targets(struct call *call);
void handle_target(struct call *call);
void handle_checks(struct call *call);
void handle_try(struct call *call);
void handle_replication(struct call *call);
void handle_errors(struct call *call);
void handle_rules(struct call *call); /* all, or one */
void handle_rules_check(struct call *call);
void handle_objectives(struct call *call);
/* May the order be carried out that these rules were judged for, when it overrides those of these names? If
 * not the problem says why; what: "drain of region \"us-east\"". */
struct request_rules;
bool rules_allow(struct operate_rules *rules, const struct request_rules *overridden, const char *what,
                 struct problem *problem);
/* The same of what was read. */
struct admin_reload_result;
bool rules_allow_load(struct call *call, const struct admin_reload_result *result);
/* The names of "override_rules" in the query, which asks for a reason there, too. */
void rules_take_query(struct call *call, struct request_rules *rules);
/* "room,slowly"; NULL: none. In the arena of the call. */
const char *rules_join(const struct call *call, const struct request_rules *rules);
/* "POST /v1/restore?override_rules=room,slowly", for the journal. In the arena of the call. */
const char *rules_write_request(const struct call *call, const char *request,
                                const struct request_rules *rules);
/* POST /v1/report of a lag. */
struct request_report;
void reply_lag_report(struct call *call, struct request_report *report);
/* Likewise of errors. */
void reply_errors_report(struct call *call, struct request_report *report);
void handle_overrides(struct call *call);
void handle_zones(struct call *call);
void handle_names(struct call *call);
void handle_geo(struct call *call);
void handle_explain(struct call *call);
void handle_what_if(struct call *call);
void handle_metrics(struct call *call);
void handle_openapi(struct call *call);
void handle_diff(struct call *call);
/* GET /v1/explain with `at`, whose other parameters are in order. */
void reply_explained_at(struct call *call, const struct operate_question *question);
void handle_pages(struct call *call);   /* of the journal, at once or later */
void handle_journal(struct call *call); /* one of them, on a worker */
void handle_verify(struct call *call);
void handle_bundles(struct call *call);
void handle_bundle(struct call *call);
void handle_bundle_block(struct call *call);
void handle_bundle_check(struct call *call);
void handle_points(struct call *call);
void handle_point(struct call *call);
void handle_point_use(struct call *call);
void handle_nodes(struct call *call);
void handle_serving(struct call *call);
void handle_member(struct call *call); /* who is a node, and who may become one */
void handle_cluster(struct call *call);
void handle_conflicts(struct call *call);
void handle_mend(struct call *call);
void handle_rollout(struct call *call);    /* which bundle is to be active */
void handle_vantages(struct call *call);   /* all of theirs */
void handle_tokens(struct call *call);     /* likewise */
void handle_challenges(struct call *call); /* likewise */
void handle_operations(struct call *call); /* all, or one */
void handle_incidents(struct call *call);
void handle_traffic(struct call *call);
void handle_resolvers(struct call *call);
void handle_drains(struct call *call); /* all, or one */
void handle_switchovers(struct call *call);
void handle_switchover_verb(struct call *call);
void handle_restore(struct call *call);
void handle_import(struct call *call);
void handle_override(struct call *call);
void handle_failback(struct call *call);
void handle_release(struct call *call);
/* An order that call->route and call->data (a struct request_override) tell, on the control thread; it is
 * answered. Returns whether it was accepted. */
bool override_put(struct call *call);
/* It was none: the answer says why. */
void override_refuse_release(struct call *call, int error, const char *rule);
void handle_load(struct call *call);
void handle_report(struct call *call);
void handle_reload(struct call *call);
void handle_takeover(struct call *call);
void handle_drill(struct call *call);    /* computes one, on a worker */
void handle_drills(struct call *call);   /* all, one, or a new one (shadows.c) */
void handle_reports(struct call *call);  /* of drills that are over: all, or one (drill_reports.c) */
void handle_observed(struct call *call); /* what was seen of one of them, likewise */
void handle_schedule(struct call *call); /* of regular drills: all, one, or one that is run (schedule.c) */
void drill_keep(struct call *call);      /* POST /v1/drills with "keep" */
/* What was asked for cannot be computed. */
void drill_set_problem(struct call *call, const struct admin_drill *asked, int error);
void handle_events(struct call *call);
void handle_webhooks(struct call *call);
void handle_dead(struct call *call);
void handle_retry(struct call *call);
void handle_hooks(struct call *call);
void handle_config(struct call *call); /* which documents there are (documents.c) */
void handle_drift(struct call *call);
void handle_things(struct call *call); /* all of a kind */
void handle_thing(struct call *call);  /* one of them: looks, or edits */
void handle_edits(struct call *call);  /* several at once, or files taken over (edits.c) */
