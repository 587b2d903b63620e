/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Live drills (game days): shadow drills that all clients see, a share of them first. They differ in who sees
 * them (answer/shadow.h), in what is looked at before (live_order.c), and in what ends them early (live.c).
 * That they end needs nobody's goodwill: their time is minded by two threads, each of which can end it alone,
 * and what serves is a world of its own that nothing of it gets into. Those by override have no such world:
 * answers of production change, by overrides that end by themselves. Private to src/daemon. */
#pragma once

#include "daemon/shadows.h"

#include <stdbool.h>
#include <stdint.h>

#define LIVE_KIND "live-drill" /* of the store's objects */

struct arena;
struct buffer;
struct json_t;
struct live;
struct server;
struct shadow;

/* ---- live_order.c ---- */

/* Look at what it would change and what is in the way; then it is begun, or why not is told. */
typedef void live_begin(void *server, const struct admin_shadow_order *order, admin_shadow_done *done,
                        void *argument);
void live_look(struct server *server, const struct admin_shadow_order *order, live_begin *begin,
               admin_shadow_done *done, void *argument);
/* Why there can be none now, in words; NULL: there can. */
const char *live_find_obstacle(const struct server *server, struct arena *arena);

/* ---- live.c ---- */

/* Of one that was looked at; `seen` becomes that of a live drill. Returns owned. */
struct live *live_new(const struct server *server, const struct admin_live_order *order,
                      struct answer_shadow *seen);
void live_free(struct live *live); /* NULL is fine */
/* For changes_hook_failures(), of struct shadows. In the lock of the server, by any thread: what fails in
 * reality ends it at once. */
void live_hear(void *shadows, const char *what, const char *name);
/* By the control thread: because of what it ends now; NULL: it goes on. The first sees what has failed; the
 * other one, and once a second, whatever else there is. */
const char *live_find_failure(struct shadow *shadow);
const char *live_find_end(struct shadow *shadow, int64_t now_ms);
/* Is it time that all see it? From then on they do, when it is published. Likewise. */
bool live_widen(struct shadow *shadow, int64_t now_ms);

bool live_has_hooks(const struct live *live);       /* they stop what is lost */
bool live_is_injected(const struct live *live);     /* else it happens in production */
bool live_is_fresh(const struct live *live);        /* all that was told of it is that it began */
unsigned live_get_percent(const struct live *live); /* of all clients that see it, now or in the end */
const char *live_get_why(const struct live *live);  /* it was aborted, in words; "": it was not */
struct json_t *live_write(const struct live *live); /* returns owned */
/* The one that runs; NULL: none does. */
struct shadow *live_find(const struct shadows *shadows);
/* What is shown of that; an empty ID: none does. By the control thread. */
void live_get_note(const struct shadows *shadows, struct admin_live *note);
/* 1 and the share, or 0: metrics. */
void live_print_metrics(const struct admin_live *note, struct buffer *out);

/* ---- live_real.c: of drills by override ---- */

struct drill_document;
/* Why it cannot be done so, in words; NULL: it can. */
const char *live_real_judge(const struct drill_document *document, struct arena *arena);
/* Of one that has its document, and is not begun. By the control thread, as all that follows. */
void live_real_prepare(struct shadow *shadow, bool has_hooks);
/* What the document says is done: while it runs. Is there something to do that waits for its thread? */
void live_real_follow(struct shadow *shadow);
bool live_real_is_due(const struct shadow *shadow);
/* Does it stop that, so that its failure is none of others'? "az:us-east-1a"; by any thread. */
bool live_real_stops(const struct shadow *shadow, const char *target);
void live_real_fail(void *shadows, const char *id, const char *target, const char *why);
/* It could not do that, in words; NULL: it could. */
const char *live_real_get_trouble(const struct shadow *shadow);
/* All that it did is undone. */
void live_real_end(struct shadow *shadow);
/* Of one of a process before, which did not do that. */
void live_real_clean(struct shadows *shadows, const char *id);

/* ---- live_journal.c ---- */

/* It begins, or all see it, or it ends. */
void live_write_down(struct shadow *shadow);
/* Those of a process before that the store still has; drill: as it was written, NULL: that is not known. */
void live_learn(const char *folder, void (*found)(void *context, const char *id, struct json_t *drill),
                void *context);
/* One of a process before, which did not say so. */
void live_note_interrupted(struct server *server, const char *id);

/* ---- live_explain.c ---- */

struct operate_explanation;
struct operate_question;
struct view;
/* If one runs, an explanation of what is answered without it says so first, and what this client gets. */
void live_explain(const struct admin_live *note, const struct view *view,
                  const struct operate_question *question, struct arena *arena,
                  struct operate_explanation *explanation);
