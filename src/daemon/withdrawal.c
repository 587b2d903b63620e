/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See withdrawal.h. Looked at once a second, so a reload needs to tell nobody here. While another process
 * takes over nothing moves: that one has the file, and goes on from there. */
#include "config.h"

#include "daemon/withdrawal_inside.h"

#include "daemon/changes.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/cluster.h"
#include "conf/webhooks.h"
#include "conf/withdraw.h"
#include "serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { LOOK_S = 1, AGAIN_MS = 1000, AGAIN_MOST_MS = 60000 };

static const struct conf_withdraw *get_conf(const struct withdrawal *withdrawal)
{
    const struct view *view = withdrawal->server->view;
    return view == NULL ? NULL : view->server->withdraw;
}

static struct contact_plan find_plan(const struct withdrawal *withdrawal)
{
    const struct conf_withdraw *conf = get_conf(withdrawal);
    return (struct contact_plan){.after_ms = conf == NULL ? 0 : conf->after_ms,
                                 .back_after_ms = conf == NULL ? (int64_t)CONF_WITHDRAW_BACK_DEFAULT_MS
                                                               : conf->back_after_ms};
}

static int64_t now_ms(const struct withdrawal *withdrawal)
{
    return clock_now_ms(&withdrawal->server->clock);
}

static int64_t wall_ms(const struct withdrawal *withdrawal)
{
    return clock_wall_ms(&withdrawal->server->clock);
}

/* ---- what is told ---- */

/* why: NULL: an operator has ordered it. */
static void tell(const struct withdrawal *withdrawal, const char *turn, const char *why)
{
    const struct server *server = withdrawal->server;
    const struct conf_cluster *cluster = server->view->server->cluster;
    const struct withdrawal_past *past = &withdrawal->past;
    bool is_order = why == NULL;
    changes_tell_node(server->changes,
                      &(struct changes_node){.name = cluster == NULL ? "local" : cluster->node,
                                             .turn = turn,
                                             .why = is_order ? "ordered" : why,
                                             .actor = is_order ? past->actor : NULL,
                                             .peer = is_order ? past->peer : NULL,
                                             .reason = is_order ? past->reason : NULL});
}

static void tell_contact(const struct withdrawal *withdrawal, const struct contact_turns *turns)
{
    char signs[WITHDRAWAL_SIGNS_SIZE];
    (void)withdrawal_write_signs(&withdrawal->signs, signs);
    if (turns->was_lost) {
        log_warning("cut off heard=\"%s\" effect=\"answers go by the last verdicts\"", signs);
        tell(withdrawal, "cut_off", signs);
    }
    if (turns->was_found) {
        log_info("in touch heard=\"%s\"", signs);
        tell(withdrawal, "in_touch", signs);
    }
}

/* It was wanted or not before, and is otherwise now. */
static void tell_wanted(struct withdrawal *withdrawal, bool was_wanted, const char *why)
{
    bool is_wanted = withdrawal_is_wanted(withdrawal);
    if (is_wanted == was_wanted) {
        return;
    }
    withdrawal->past.since_ms = is_wanted ? wall_ms(withdrawal) : 0;
    if (is_wanted) {
        log_warning("withdrawn why=\"%s\"", why == NULL ? "ordered" : why);
    } else {
        log_info("announced why=\"%s\"", why == NULL ? "ordered" : why);
    }
    tell(withdrawal, is_wanted ? "withdrawn" : "announced", why);
}

static void keep(struct withdrawal *withdrawal)
{
    struct withdrawal_past *past = &withdrawal->past;
    int64_t age_ms = contact_get_age(&withdrawal->contact, now_ms(withdrawal));
    past->has_withdrawn = withdrawal->contact.has_withdrawn;
    past->silent_ms = age_ms < 0 ? 0 : past->silent_ms != 0 ? past->silent_ms : wall_ms(withdrawal) - age_ms;
    withdrawal_kept_write(withdrawal->kept, past);
}

/* ---- the command ---- */

static uint64_t hash_command(const struct conf_hook *hook)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < hook->ask->word_count; i++) {
        hash = hash_bytes(hash, hook->ask->words[i], strlen(hook->ask->words[i]) + 1);
    }
    for (size_t i = 0; i < hook->ask->variable_count; i++) {
        hash = hash_bytes(hash, hook->ask->variables[i], strlen(hook->ask->variables[i]) + 1);
    }
    hash = hash_finish(hash);
    return hash == 0 ? 1 : hash;
}

static const char *get_word(bool withdraws)
{
    return withdraws ? "withdraw" : "announce";
}

static void note_success(struct withdrawal *withdrawal)
{
    const char *word = get_word(withdrawal->run_withdraws);
    withdrawal->settled = withdrawal->run_withdraws;
    withdrawal->failures = 0;
    withdrawal->next_ms = 0;
    log_info("withdraw command done word=%s output=\"%s\"", word, withdrawal->output);
    tell(withdrawal, withdrawal->run_withdraws ? "route_withdrawn" : "route_announced", withdrawal->output);
}

/* 1 s, 2 s, 4 s … a minute: until it succeeds. */
static void note_failure(struct withdrawal *withdrawal)
{
    int64_t wait_ms = AGAIN_MS;
    for (uint64_t i = 0; i < withdrawal->failures && wait_ms < AGAIN_MOST_MS; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < AGAIN_MOST_MS ? wait_ms : AGAIN_MOST_MS;
    withdrawal->next_ms = now_ms(withdrawal) + wait_ms;
    withdrawal->settled = -1; /* it may have had an effect */
    log_warning("withdraw command failed word=%s outcome=%s output=\"%s\" again_in_s=%lld",
                get_word(withdrawal->run_withdraws), hooks_outcome_text(withdrawal->outcome),
                withdrawal->output, (long long)wait_ms / 1000);
    if (withdrawal->failures++ == 0) {
        tell(withdrawal, "route_command_failed", withdrawal->output);
    }
}

static void on_told(void *argument, const struct hooks_past *past)
{
    struct withdrawal *withdrawal = argument;
    withdrawal->run = NULL;
    if (past->outcome == HOOKS_CALLED_OFF || withdrawal->server->is_frozen) {
        return;
    }
    withdrawal->runs++;
    withdrawal->outcome = past->outcome;
    withdrawal->ended_ms = wall_ms(withdrawal);
    (void)snprintf(withdrawal->output, sizeof withdrawal->output, "%s", past->output);
    if (past->outcome == HOOKS_OK) {
        note_success(withdrawal);
    } else {
        note_failure(withdrawal);
    }
}

static void call_off(struct withdrawal *withdrawal)
{
    if (withdrawal->run != NULL) {
        hooks_call_off(withdrawal->run);
    }
}

static void follow_command(struct withdrawal *withdrawal)
{
    const struct conf_withdraw *conf = get_conf(withdrawal);
    const struct conf_hook *hook = conf == NULL ? NULL : conf->hook;
    uint64_t configured = hook == NULL ? 0 : hash_command(hook);
    bool is_wanted = withdrawal_is_wanted(withdrawal);
    if (configured != withdrawal->configured) {
        call_off(withdrawal);
        withdrawal->configured = configured;
        withdrawal->settled = -1;
        withdrawal->failures = 0;
        withdrawal->next_ms = 0;
    }
    struct hooks *hooks = withdrawal->server->hooks;
    bool is_due = withdrawal->settled != (int)is_wanted && now_ms(withdrawal) >= withdrawal->next_ms;
    if (hook != NULL && hooks != NULL && withdrawal->has_settled && withdrawal->run == NULL && is_due) {
        withdrawal->run_withdraws = is_wanted;
        withdrawal->run = hooks_send(hooks, hook, get_word(is_wanted), on_told, withdrawal);
    }
}

/* ---- moves ---- */

static void apply(struct withdrawal *withdrawal)
{
    struct serve *serve = withdrawal->server->serve;
    const struct conf_withdraw *conf = get_conf(withdrawal);
    bool stops = withdrawal_is_wanted(withdrawal) && (conf == NULL || conf->how == CONF_WITHDRAW_STOP);
    if (serve_is_withdrawn(serve) != stops) {
        serve_set_withdrawn(serve, stops);
    }
    follow_command(withdrawal);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct withdrawal *withdrawal = argument;
    struct server *server = withdrawal->server;
    const struct contact_plan plan = find_plan(withdrawal);
    (void)fd, (void)what;
    if (server->is_frozen || server->view == NULL) {
        return;
    }
    bool was_wanted = withdrawal_is_wanted(withdrawal);
    withdrawal_find_signs(server, &withdrawal->signs);
    const struct contact_turns turns =
        contact_follow(&withdrawal->contact, &plan, contact_is_heard(&withdrawal->signs), now_ms(withdrawal));
    tell_contact(withdrawal, &turns);
    tell_wanted(withdrawal, was_wanted,
                turns.withdraws ? "cut off for longer than \"after\"" : "in touch again");
    if (turns.was_lost || turns.was_found || turns.withdraws || turns.announces) {
        keep(withdrawal);
    }
    apply(withdrawal);
}

static bool order(void *context, const struct admin_serving_order *order)
{
    struct withdrawal *withdrawal = ((struct server *)context)->withdrawal;
    struct withdrawal_past *past = &withdrawal->past;
    if (withdrawal->server->is_frozen || withdrawal->kept == NULL) {
        return false;
    }
    bool was_wanted = withdrawal_is_wanted(withdrawal);
    past->is_ordered = order->withdraws;
    (void)snprintf(past->actor, sizeof past->actor, "%s", order->actor);
    (void)snprintf(past->peer, sizeof past->peer, "%s", order->peer);
    (void)snprintf(past->reason, sizeof past->reason, "%s", order->reason);
    if (!order->withdraws) {
        contact_pardon(&withdrawal->contact, now_ms(withdrawal));
        past->silent_ms = past->silent_ms == 0 ? 0 : wall_ms(withdrawal);
    }
    tell_wanted(withdrawal, was_wanted, NULL);
    if (!order->withdraws) {
        past->actor[0] = past->peer[0] = past->reason[0] = '\0';
    }
    keep(withdrawal);
    apply(withdrawal);
    return true;
}

/* ---- life ---- */

struct withdrawal *withdrawal_new(struct server *server)
{
    struct withdrawal *withdrawal = memory_alloc(sizeof *withdrawal);
    *withdrawal = (struct withdrawal){
        .server = server, .contact = {.silent_ms = -1, .heard_ms = -1, .pardoned_ms = -1}, .settled = -1};
    withdrawal->timer = event_new(server->base, -1, EV_PERSIST, on_timer, withdrawal);
    if (withdrawal->timer == NULL) {
        free(withdrawal);
        return NULL;
    }
    return withdrawal;
}

void withdrawal_begin(struct withdrawal *withdrawal, const char *folder)
{
    const struct contact_plan plan = find_plan(withdrawal);
    struct withdrawal_past *past = &withdrawal->past;
    withdrawal->kept = withdrawal_kept_open(folder, past);
    int64_t silence_ms = past->silent_ms == 0 ? -1 : wall_ms(withdrawal) - past->silent_ms;
    silence_ms = past->silent_ms != 0 && silence_ms < 0 ? 0 : silence_ms;
    contact_begin(&withdrawal->contact,
                  &(struct contact_past){.has_withdrawn = past->has_withdrawn, .silent_ms = silence_ms},
                  &plan, now_ms(withdrawal));
    if (withdrawal_is_wanted(withdrawal)) {
        log_warning("withdrawn why=\"%s\"", "as before the start");
    }
    apply(withdrawal);
    event_add(withdrawal->timer, &(struct timeval){.tv_sec = LOOK_S});
}

void withdrawal_settle(struct withdrawal *withdrawal)
{
    withdrawal->has_settled = true;
    follow_command(withdrawal);
}

bool withdrawal_is_calm(const struct withdrawal *withdrawal)
{
    return withdrawal->kept == NULL || withdrawal_kept_is_idle(withdrawal->kept);
}

void withdrawal_stop(struct withdrawal *withdrawal)
{
    if (withdrawal != NULL) {
        withdrawal->has_settled = false;
        call_off(withdrawal);
        (void)event_del(withdrawal->timer);
        withdrawal_kept_close(withdrawal->kept);
        withdrawal->kept = NULL;
    }
}

void withdrawal_free(struct withdrawal *withdrawal)
{
    if (withdrawal != NULL) {
        withdrawal_stop(withdrawal);
        event_free(withdrawal->timer);
        free(withdrawal);
    }
}

/* ---- looking ---- */

void withdrawal_get_note(const struct withdrawal *withdrawal, struct admin_serving *serving)
{
    const struct withdrawal_past *past = &withdrawal->past;
    const struct conf_withdraw *conf = get_conf(withdrawal);
    const struct contact *contact = &withdrawal->contact;
    int64_t wall = wall_ms(withdrawal), now = now_ms(withdrawal), age_ms = contact_get_age(contact, now);
    const struct contact_plan plan = find_plan(withdrawal);
    *serving = (struct admin_serving){
        .is_known = withdrawal->kept != NULL,
        .has_withdrawn = contact->has_withdrawn,
        .is_ordered = past->is_ordered,
        .how = conf != NULL && conf->how == CONF_WITHDRAW_HOOK ? "hook" : "stop_answering",
        .since_ms = past->since_ms,
        .is_cut = contact->is_cut,
        .cut_ms = age_ms < 0 ? 0 : wall - age_ms,
        .age_ms = age_ms < 0 ? 0 : age_ms,
        .signs = withdrawal->signs,
        .has_hook = withdrawal->configured != 0};
    memcpy(serving->actor, past->actor, sizeof serving->actor);
    memcpy(serving->peer, past->peer, sizeof serving->peer);
    memcpy(serving->reason, past->reason, sizeof serving->reason);
    if (contact->is_cut && !contact->has_withdrawn && plan.after_ms != 0) {
        int64_t counted_ms = contact->pardoned_ms < 0 ? age_ms : now - contact->pardoned_ms;
        serving->withdraws_ms = wall - counted_ms + plan.after_ms;
    }
    if (contact->has_withdrawn && contact->heard_ms >= 0) {
        serving->announces_ms = wall - (now - contact->heard_ms) + plan.back_after_ms;
    }
    serving->hook = (struct admin_serving_hook){
        .settled = withdrawal->settled < 0 ? NULL : get_word(withdrawal->settled != 0),
        .running = withdrawal->run == NULL ? NULL : get_word(withdrawal->run_withdraws),
        .runs = withdrawal->runs,
        .failures = withdrawal->failures,
        .outcome = withdrawal->ended_ms == 0 ? NULL : hooks_outcome_text(withdrawal->outcome),
        .output = "",
        .ended_ms = withdrawal->ended_ms};
}

static void get(void *context, struct arena *arena, struct admin_serving *serving)
{
    const struct withdrawal *withdrawal = ((const struct server *)context)->withdrawal;
    withdrawal_get_note(withdrawal, serving);
    serving->hook.output = arena_copy_text(arena, withdrawal->output);
}

void withdrawal_fill_verbs(struct admin_serving_verbs *verbs)
{
    *verbs = (struct admin_serving_verbs){.get = get, .order = order};
}
