/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What somebody wants of a switchover. What needs a look at all answers is looked at on a worker, over a
 * snapshot; then it is judged and carried out on the control thread. If the switchover has changed meanwhile,
 * who asked is told so. An emergency looks at nothing. */
#include "config.h"

#include "daemon/switchovers_order.h"

#include "daemon/answers.h"
#include "daemon/expiry.h"
#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ORDERS_MAX = 16, OPEN_MAX = 32, OPEN_EMERGENCIES_MAX = 64, BEGINS_MAX = 5 };

/* ---- the end ---- */

static void forget(struct switchover_order *order)
{
    struct switchover_order **at = &order->all->orders;
    while (*at != order) {
        at = &(*at)->next;
    }
    *at = order->next;
    if (order->reader != NULL) {
        reader_close(order->reader);
    }
    switchover_free(order->what);
    arena_free(order->arena);
    free(order);
}

static void reply(struct switchover_order *order, const struct admin_switchover_result *result)
{
    struct admin_switchover_result full = *result;
    full.look = order->has_looked ? &order->look : NULL;
    full.ignored = &order->ignored;
    full.hook = order->hook;
    if (order->done != NULL) {
        order->done(order->argument, &full);
    }
    forget(order);
}

static void refuse(struct switchover_order *order, enum admin_switchover_trouble trouble, const char *why)
{
    struct kept_switchover *kept = switchovers_find(order->all, order->what == NULL ? "" : order->what->id);
    const struct switchover *shown = kept != NULL ? kept->what : order->asked.id == NULL ? order->what : NULL;
    switchover_end_asking(order, trouble, why);
    reply(order, &(struct admin_switchover_result){.trouble = trouble, .why = why, .switchover = shown});
}

void switchovers_close(struct switchovers *all)
{
    if (all == NULL) {
        return;
    }
    while (all->orders != NULL) {
        refuse(all->orders, ADMIN_SWITCHOVER_CALLED_OFF, NULL);
    }
    switchovers_free(all);
}

/* ---- carrying out ---- */

static void on_done(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    struct switchover_order *order = context;
    bool is_good = result->error == 0; /* what the cluster refused is told by who has the turn */
    if (is_good && !result->is_refused) {
        switchover_tell_ignored(order);
    }
    reply(order, &(struct admin_switchover_result){.trouble = is_good ? ADMIN_SWITCHOVER_GOOD
                                                                      : ADMIN_SWITCHOVER_CALLED_OFF,
                                                   .switchover = kept->what,
                                                   .durable = result->durable,
                                                   .not_durable_because = result->not_durable_because});
}

static bool moves(const struct switchover *before, const struct switchover *after, enum switchover_verb verb)
{
    return verb == SWITCHOVER_ROLL_BACK || verb == SWITCHOVER_EXECUTE || verb == SWITCHOVER_REDIRECT ||
           switchover_get_share(before) != switchover_get_share(after);
}

/* What it wants goes into the store and into force. Takes next. */
static void carry_out(struct switchover_order *order, struct kept_switchover *kept, struct switchover *next,
                      bool moves)
{
    const struct admin_switchover_order *asked = &order->asked;
    switchovers_carry_out(order->all, kept,
                          &(struct switchover_change){.next = next,
                                                      .moves = moves,
                                                      .is_emergency = asked->is_emergency,
                                                      .cause = {.actor = asked->actor,
                                                                .peer = asked->peer,
                                                                .reason = asked->reason,
                                                                .request = asked->request},
                                                      .receipt = asked->receipt,
                                                      .sender = {.change = asked->change},
                                                      .context = order,
                                                      .done = on_done});
}

/* ---- judging ---- */

static bool is_accepted(const struct switchover_order *order, const char *name)
{
    for (size_t i = 0; i < order->asked.accepted_count; i++) {
        if (strcmp(order->asked.accepted[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The name of something that is accepted although nothing was wrong with it, or NULL: a reason that was given
 * for something else is none. */
static const char *find_idle(const struct switchover_order *order)
{
    for (size_t i = 0; i < order->asked.accepted_count; i++) {
        bool is_needed = false;
        for (size_t f = 0; f < order->look.finding_count; f++) {
            is_needed |= !order->look.findings[f].is_good &&
                         strcmp(order->look.findings[f].name, order->asked.accepted[i]) == 0;
        }
        if (!is_needed) {
            return order->asked.accepted[i];
        }
    }
    return NULL;
}

/* Of steps only what holds them; and it may have been accepted before. */
static bool is_no_matter(const struct switchover_order *order, const struct switchover_finding *finding)
{
    bool resumes = order->asked.id != NULL && order->asked.verb == SWITCHOVER_RESUME;
    return resumes && (!switchover_holds(finding) ||
                       switchover_has_accepted(order->what, finding->name, finding->subject));
}

static bool objects(const struct switchover_order *order)
{
    for (size_t i = 0; order->has_looked && i < order->look.finding_count; i++) {
        const struct switchover_finding *finding = &order->look.findings[i];
        if (!finding->is_good && !is_accepted(order, finding->name) && !is_no_matter(order, finding) &&
            !(order->has_asked && switchover_is_for_hooks(order, finding))) {
            return true;
        }
    }
    return false;
}

/* Does another one stand in the way that moves, or has moved, some of the same? Of those that began, all; of
 * those that go back, the later ones: an emergency lies above what it found. */
static const char *find_overlap(const struct switchover_order *order)
{
    struct server *server = order->all->server;
    bool begins = switchover_order_verb(order) == SWITCHOVER_EXECUTE;
    for (const struct kept_switchover *kept = order->all->first; kept != NULL; kept = kept->next) {
        bool is_active = !switchover_is_over(kept->what) && kept->what->state != SWITCHOVER_PLANNED &&
                         strcmp(kept->what->id, order->what->id) != 0;
        bool is_later = begins || kept->what->executed_ms >= order->what->executed_ms;
        if (is_active && is_later && switchovers_overlap(server->view, kept->what, order->what)) {
            return kept->what->id;
        }
    }
    return NULL;
}

static size_t count_open(const struct switchovers *all)
{
    size_t count = 0;
    for (const struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        count += !switchover_is_over(kept->what);
    }
    return count;
}

static bool moves_traffic(const struct switchover_order *order)
{
    return order->asked.id == NULL
               ? order->asked.executes
               : order->asked.verb == SWITCHOVER_EXECUTE || order->asked.verb == SWITCHOVER_FAIL_BACK ||
                     order->asked.verb == SWITCHOVER_REDIRECT ||
                     (order->asked.verb == SWITCHOVER_RESUME && order->asked.is_emergency);
}

/* Returns whether it was refused. */
static bool is_refused_by_findings(struct switchover_order *order)
{
    const char *idle = order->has_looked && !order->has_asked ? find_idle(order) : NULL;
    bool matters = order->asked.id != NULL || order->asked.executes; /* a plan is only told */
    if (idle != NULL) {
        refuse(order, ADMIN_SWITCHOVER_ACCEPTED, idle);
        return true;
    }
    if (matters && objects(order)) {
        refuse(order, ADMIN_SWITCHOVER_FINDINGS, NULL);
        return true;
    }
    return false;
}

static bool is_refused_by_others(struct switchover_order *order)
{
    bool is_asked = moves_traffic(order) || switchover_order_verb(order) == SWITCHOVER_ROLL_BACK;
    bool burns = order->asked.is_emergency && switchover_order_verb(order) == SWITCHOVER_EXECUTE;
    const char *other = is_asked && !burns ? find_overlap(order) : NULL;
    if (order->all->server->is_frozen) {
        refuse(order, ADMIN_SWITCHOVER_BUSY, "another process is taking over: ask again in a moment");
        return true;
    }
    if (other != NULL) {
        refuse(order, ADMIN_SWITCHOVER_OVERLAPS, other);
        return true;
    }
    return false;
}

/* ---- a new one ---- */

static void write_id(const struct switchovers *all, const struct switchover *what, int64_t wall_ms,
                     char id[SWITCHOVER_ID_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char stamp[20];
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    snprintf(id, SWITCHOVER_ID_SIZE, "%.17s-%.30s", stamp, what->targets[0].name);
    for (int i = 2; i < 1000 && switchovers_find(all, id) != NULL; i++) {
        snprintf(id, SWITCHOVER_ID_SIZE, "%.17s-%.30s-%d", stamp, what->targets[0].name, i);
    }
}

static struct switchover *make_new(struct switchover_order *order)
{
    const struct admin_switchover_order *asked = &order->asked;
    const struct server *server = order->all->server;
    struct switchover *made = switchover_new(asked->wanted->target_count);
    int64_t wall_ms = clock_wall_ms(&server->clock);
    memcpy(made->targets, asked->wanted->targets, made->target_count * sizeof *made->targets);
    memcpy(made->steps, asked->wanted->steps, sizeof made->steps);
    memcpy(made->to, asked->wanted->to, sizeof made->to);
    memcpy(made->names, asked->wanted->names, sizeof made->names);
    made->step_count = asked->wanted->step_count;
    made->each_ms = asked->wanted->each_ms;
    made->is_emergency = asked->is_emergency;
    made->lowers_ttl = asked->wanted->lowers_ttl;
    made->created_ms = made->since_ms = made->step_ms = wall_ms;
    snprintf(made->actor, sizeof made->actor, "%s", asked->actor);
    snprintf(made->peer, sizeof made->peer, "%s", asked->peer);
    snprintf(made->reason, sizeof made->reason, "%s", asked->reason);
    write_id(order->all, made, wall_ms, made->id);
    return made;
}

/* It is done, to what takes its place. */
static void execute(struct switchover_order *order, struct switchover *next, enum switchover_verb verb)
{
    if (verb == SWITCHOVER_EXECUTE) {
        if (next->state == SWITCHOVER_PLANNED) { /* else what is there now is its own */
            switchovers_note_before(order->all, next);
        }
        next->ttl_s = order->has_looked ? order->look.names.ttl_s : next->ttl_s;
        switchover_find_ignored(order, next);
    }
    const struct switchover_wish wish = switchover_order_wish(order, verb);
    switchover_run_before(order, verb == SWITCHOVER_REDIRECT ? order->what : next);
    switchover_do(next, &wish, clock_wall_ms(&order->all->server->clock));
}

static void settle_new(struct switchover_order *order)
{
    struct switchover *next = order->what;
    if (order->asked.dry_run) {
        reply(order, &(struct admin_switchover_result){.switchover = next});
        return;
    }
    if (is_refused_by_findings(order) || is_refused_by_others(order)) {
        return;
    }
    if (count_open(order->all) >= (order->asked.is_emergency ? OPEN_EMERGENCIES_MAX : OPEN_MAX)) {
        refuse(order, ADMIN_SWITCHOVER_BUSY, "too many switchovers are open: close, commit or cancel some");
        return;
    }
    order->what = switchover_copy(next);
    if (order->has_looked) {
        next->ttl_s = order->look.names.ttl_s;
    }
    if (switchover_waits_for_hooks(order)) {
        switchover_ask_before(order, NULL, next);
        return;
    }
    if (order->asked.executes) {
        execute(order, next, SWITCHOVER_EXECUTE);
    }
    carry_out(order, NULL, next, order->asked.executes);
}

/* ---- one that is there ---- */

static bool is_confirmed(const struct switchover_order *order)
{
    return order->asked.confirm != NULL && strcmp(order->asked.confirm, order->what->targets[0].name) == 0;
}

/* Returns whether it was refused. */
static bool is_refused_unprotected(struct switchover_order *order)
{
    bool says_so = is_accepted(order, "replication");
    if (order->asked.verb != SWITCHOVER_REPROTECT || (order->flows_back && !says_so)) {
        return false;
    }
    if (!says_so) {
        switchover_add_finding(&order->look, "replication", false, order->flows);
        order->has_looked = true;
        refuse(order, ADMIN_SWITCHOVER_FINDINGS, NULL);
        return true;
    }
    if (!is_confirmed(order)) {
        refuse(order, ADMIN_SWITCHOVER_CONFIRM, order->what->targets[0].name);
        return true;
    }
    return false;
}

/* Whoever has overridden what it moves is right: it goes on from there neither there nor elsewhere. Returns
 * whether it was refused. */
static bool is_refused_meddled(struct switchover_order *order, const struct kept_switchover *kept)
{
    enum switchover_verb verb = order->asked.verb;
    bool turns = verb == SWITCHOVER_REDIRECT;
    const char *meddled = (verb == SWITCHOVER_RESUME || turns) && !order->asked.is_emergency
                              ? switchovers_find_meddled(order->all, kept->what)
                              : NULL;
    const char *why = turns && strcmp(kept->what->to, order->asked.to) == 0 ? "it goes there already" : NULL;
    if (meddled != NULL) {
        why =
            arena_print(order->arena,
                        "somebody has overridden %s since: make that what the switchover put there, or roll "
                        "it back",
                        meddled);
    }
    if (why != NULL) {
        refuse(order, ADMIN_SWITCHOVER_ORDER, why);
    }
    return why != NULL;
}

static void begin(struct switchover_order *order);

static void settle(struct switchover_order *order)
{
    struct switchovers *all = order->all;
    struct kept_switchover *kept = switchovers_find(all, order->asked.id);
    const struct switchover_wish wish = switchover_order_wish(order, order->asked.verb);
    int64_t wall_ms = clock_wall_ms(&all->server->clock);
    char why[SWITCHOVER_WHY_SIZE];
    if (kept == NULL) {
        refuse(order, ADMIN_SWITCHOVER_NONE, NULL);
        return;
    }
    bool has_changed = kept->is_busy || kept->what->changes != order->changes;
    if (has_changed && !order->has_asked && order->begins < BEGINS_MAX) {
        begin(order);
        return;
    }
    if (has_changed) {
        refuse(order, ADMIN_SWITCHOVER_BUSY, "it has been changed meanwhile: look at it again");
        return;
    }
    /* What was written for its hooks is of this order: nobody else has changed it since, see above. */
    if (!order->has_asked && revisions_judge(all->server->revisions, SWITCHOVER_KIND, order->asked.id, true,
                                             order->asked.condition) != 0) {
        refuse(order, ADMIN_SWITCHOVER_CONDITION, NULL);
        return;
    }
    if (switchover_judge(kept->what, &wish, wall_ms, why) != 0) {
        refuse(order, ADMIN_SWITCHOVER_ORDER, arena_copy_text(order->arena, why));
        return;
    }
    if (is_refused_meddled(order, kept) || is_refused_unprotected(order) || is_refused_by_findings(order)) {
        return;
    }
    if (order->asked.dry_run) {
        reply(order, &(struct admin_switchover_result){.switchover = kept->what});
        return;
    }
    if (is_refused_by_others(order)) {
        return;
    }
    struct switchover *next = switchover_copy(kept->what);
    if (switchover_waits_for_hooks(order)) {
        switchover_ask_before(order, kept, next);
        return;
    }
    execute(order, next, wish.verb);
    carry_out(order, kept, next, moves(kept->what, next, wish.verb));
}

static void on_looked(struct worker_job *job)
{
    struct switchover_order *order = (struct switchover_order *)job;
    server_follow_clock_step(order->all->server); /* what is written is by the clock as it is now */
    if (progress_is_cancelled(&job->progress) || order->error == ERROR_CANCELLED) {
        order->has_looked = false;
        refuse(order, ADMIN_SWITCHOVER_CALLED_OFF, NULL);
    } else if (order->error == ERROR_NOT_FOUND) {
        refuse(order, ADMIN_SWITCHOVER_TARGET, order->missing);
    } else if (order->asked.id == NULL) {
        settle_new(order);
    } else {
        settle(order);
    }
}

static void submit(struct switchover_order *order)
{
    order->job = (struct worker_job){.name = "switchover",
                                     .prepare = switchover_prepare_look,
                                     .run = switchover_run_look,
                                     .done = on_looked};
    if (worker_submit(lanes_get(order->all->server->lanes, ADMIN_LONG), &order->job) != 0) {
        refuse(order, ADMIN_SWITCHOVER_BUSY, "too many answers are being computed; ask again later");
    }
}

static void go_on(struct switchover_order *order)
{
    order->has_asked = true;
    submit(order);
}

/* ---- who is under way ---- */

/* Is one on its way that another process could not see the end of? Hooks may take their time. */
static bool has_orders(const struct switchovers *all)
{
    const struct switchover_order *order = all->orders;
    while (order != NULL && order->asks_hooks && !order->has_asked) {
        order = order->next;
    }
    return order != NULL;
}

bool switchovers_any(const struct switchovers *all)
{
    const struct kept_switchover *kept = all == NULL ? NULL : all->first;
    while (kept != NULL && !kept->is_busy) {
        kept = kept->next;
    }
    return kept != NULL || (all != NULL && has_orders(all));
}

/* ---- asking ---- */

static size_t count_orders(const struct switchovers *all)
{
    size_t count = 0;
    for (const struct switchover_order *order = all->orders; order != NULL; order = order->next) {
        count += !order->asks_hooks; /* who waits for commands needs nobody */
    }
    return count;
}

/* What it is about, as it is now. Returns whether it was refused. */
static bool is_refused_at_once(struct switchover_order *order)
{
    struct switchovers *all = order->all;
    struct kept_switchover *kept = order->asked.id == NULL ? NULL : switchovers_find(all, order->asked.id);
    const struct switchover_wish wish = {.verb = order->asked.verb,
                                         .is_emergency = order->asked.is_emergency};
    char why[SWITCHOVER_WHY_SIZE];
    if (order->asked.id != NULL && kept == NULL) {
        refuse(order, ADMIN_SWITCHOVER_NONE, NULL);
        return true;
    }
    switchover_free(order->what);
    order->what = kept == NULL ? make_new(order) : switchover_copy(kept->what);
    order->changes = order->what->changes;
    order->asked.wanted = NULL;
    if (kept != NULL && order->asked.verb == SWITCHOVER_REDIRECT) { /* looked at as it is to be */
        snprintf(order->what->to, sizeof order->what->to, "%s", order->asked.to);
    }
    if (kept != NULL && revisions_judge(all->server->revisions, SWITCHOVER_KIND, order->asked.id, true,
                                        order->asked.condition) != 0) {
        refuse(order, ADMIN_SWITCHOVER_CONDITION, NULL);
        return true;
    }
    if (kept != NULL && switchover_judge(kept->what, &wish, clock_wall_ms(&all->server->clock), why) != 0) {
        refuse(order, ADMIN_SWITCHOVER_ORDER, arena_copy_text(order->arena, why));
        return true;
    }
    if (kept != NULL && kept->what->asks_hooks && moves_traffic(order) && !order->asked.is_emergency) {
        refuse(order, ADMIN_SWITCHOVER_BUSY,
               "hooks are run before it: wait for them, or make it an emergency");
        return true;
    }
    return (moves_traffic(order) || kept == NULL) && switchover_is_refused_for_want(order);
}

/* A step, or another order, that is just being carried out ends in a moment: then it is looked at as it is.
 */
static void begin(struct switchover_order *order)
{
    const struct kept_switchover *kept =
        order->asked.id == NULL ? NULL : switchovers_find(order->all, order->asked.id);
    order->begins++;
    order->waits = kept != NULL && kept->is_busy;
    if (order->waits || is_refused_at_once(order)) {
        return;
    }
    if (!switchover_needs_look(order)) {
        (order->asked.id == NULL ? settle_new : settle)(order);
    } else {
        submit(order);
    }
}

/* The first that waits for that one; NULL: none does. */
static struct switchover_order *find_waiting(const struct switchovers *all, const char *id)
{
    struct switchover_order *found = NULL;
    for (struct switchover_order *order = all->orders; order != NULL; order = order->next) {
        found = order->waits && strcmp(order->asked.id, id) == 0 ? order : found;
    }
    return found;
}

static void go_on_waiting(struct switchovers *all, const char *id)
{
    struct switchover_order *order = find_waiting(all, id);
    while (order != NULL) {
        begin(order);
        const struct kept_switchover *kept = switchovers_find(all, id);
        order = kept != NULL && kept->is_busy ? NULL : find_waiting(all, id); /* else they go on after that */
    }
}

void server_change_switchover(void *context, const struct admin_switchover_order *asked,
                              admin_switchover_done *done, void *argument)
{
    struct server *server = context;
    struct switchovers *all = server->switchovers;
    struct switchover_order *order = memory_alloc(sizeof *order);
    server_follow_clock_step(server); /* likewise */
    bool is_crowded = count_orders(all) >= ORDERS_MAX && !asked->is_emergency;
    *order = (struct switchover_order){
        .go_on = go_on,
        .refuse = refuse,
        .all = all,
        .next = all->orders,
        .arena = arena_new(0),
        .done = done,
        .argument = argument,
    };
    all->orders = order;
    all->rests = go_on_waiting;
    switchover_copy_asked(order, asked);
    if (is_crowded) {
        refuse(order, ADMIN_SWITCHOVER_BUSY, "too many are being looked at: ask again later");
        return;
    }
    begin(order);
}
