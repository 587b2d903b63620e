/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Webhooks and hooks as resources: who is told, how that goes, and what could not be delivered. Small, and
 * the control thread's own: answered at once. Of an address only the host is shown, since what is behind it
 * may be a secret. */
#include "config.h"

#include "admin/call.h"
#include "admin/feed.h"
#include "base/error.h"
#include "events/mark.h"
#include "herald/herald.h"
#include "herald/hooks.h"

#include <string.h>

/* ---- common ---- */

static json_t *make_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return wall_ms == 0 ? json_null() : json_string(clock_write_rfc3339(wall_ms, text));
}

static json_t *make_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *list_kinds(const struct filter *filter)
{
    json_t *list = json_array();
    for (int kind = 0; filter != NULL && kind < CHANGE_KINDS; kind++) {
        if ((filter->kinds >> kind & 1) != 0) {
            json_array_append_new(list, json_string(change_kind_text((enum change_kind)kind)));
        }
    }
    return list;
}

static json_t *list_about(const struct filter *filter)
{
    json_t *list = json_array();
    for (size_t i = 0; filter != NULL && i < filter->target_count; i++) {
        json_array_append_new(list, json_string(filter->targets[i]));
    }
    return list;
}

/* NULL: there are no webhooks. */
static struct herald *get_herald(const struct call *call)
{
    const struct admin_feed *feed = call->admin->verbs.feed;
    return feed == NULL ? NULL : feed->herald;
}

static void reply_list(struct call *call, json_t *items, json_t *next)
{
    json_t *document = json_object();
    json_object_set_new(document, "items", items);
    json_object_set_new(document, "next_cursor", next);
    call_reply_json(call, 200, document);
}

static void set(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

/* ---- webhooks ---- */

static json_t *make_origin(struct call *call, const char *url)
{
    const char *host = strstr(url, "://");
    size_t len = host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
    return json_string(arena_print(call->arena, "%.*s%s", (int)len, url, url[len] == '\0' ? "" : "/..."));
}

static json_t *make_mark(uint64_t run, uint64_t seq)
{
    char text[MARK_TEXT_SIZE];
    return seq == 0 ? json_null() : json_string(mark_write(&(struct mark){.run = run, .seq = seq}, text));
}

static const char *find_state(const struct herald *herald, const struct webhook *webhook)
{
    return webhook->is_failing                  ? "failing"
           : webhook->failures != 0             ? "retrying"
           : herald_is_sending(herald, webhook) ? "sending"
           : webhook->queue.count != 0          ? "waiting"
                                                : "idle";
}

static json_t *render_webhook(struct call *call, const struct webhook *webhook)
{
    const struct herald *herald = get_herald(call);
    json_t *item = json_object();
    int64_t left_ms = webhook->due_ms - clock_now_ms(&call->admin->clock);
    bool waits = webhook->failures != 0 && left_ms > 0;
    json_object_set_new(item, "name", json_string(webhook->conf.name));
    json_object_set_new(item, "url", make_origin(call, webhook->conf.url));
    json_object_set_new(item, "signed", json_boolean(webhook->conf.secret_count != 0));
    json_object_set_new(item, "kinds", list_kinds(webhook->conf.filter));
    json_object_set_new(item, "targets", list_about(webhook->conf.filter));
    json_object_set_new(item, "state", json_string(find_state(herald, webhook)));
    set(item, "waiting", webhook->queue.count);
    json_object_set_new(item, "oldest_waiting",
                        make_time(webhook->queue.count == 0 ? 0 : webhook->queue.items[0]->wall_ms));
    set(item, "dead", webhook->dead.count);
    set(item, "delivered", webhook->delivered);
    set(item, "attempts", webhook->attempts);
    set(item, "failures", webhook->failed);
    set(item, "given_up", webhook->given_up);
    set(item, "lost", webhook->lost);
    json_object_set_new(item, "acked", make_mark(webhook->acked_run, webhook->acked_seq));
    json_object_set_new(item, "last_delivery", make_time(webhook->acked_wall_ms));
    json_object_set_new(item, "last_attempt", make_time(webhook->tried_wall_ms));
    json_object_set_new(item, "last_status",
                        webhook->status == 0 ? json_null() : json_integer(webhook->status));
    json_object_set_new(item, "last_error", make_text(webhook->why));
    json_object_set_new(item, "next_attempt_ms", waits ? json_integer(left_ms) : json_null());
    return item;
}

void handle_webhooks(struct call *call)
{
    const struct herald *herald = get_herald(call);
    json_t *items = json_array();
    for (size_t i = 0; herald != NULL && i < herald_count(herald); i++) {
        json_array_append_new(items, render_webhook(call, herald_get(herald, i)));
    }
    reply_list(call, items, json_null());
}

/* NULL: there is none, which was answered. */
static const struct webhook *find_webhook(struct call *call)
{
    const struct herald *herald = get_herald(call);
    const struct webhook *webhook = herald == NULL ? NULL : herald_find(herald, call->route.name);
    if (webhook == NULL) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no webhook \"%s\"", call->route.name);
        call_reply_problem(call);
    }
    return webhook;
}

/* Behind the one that the cursor names; it may be gone. */
static bool find_first(struct call *call, const struct letters *dead, size_t *first)
{
    const char *cursor = call->route.parameters[ROUTE_CURSOR];
    struct mark mark;
    *first = 0;
    if (cursor == NULL) {
        return true;
    }
    bool is_mark = mark_parse(cursor, &mark) == 0;
    while (is_mark && *first < dead->count &&
           (dead->items[*first]->run != mark.run || dead->items[*first]->seq != mark.seq)) {
        ++*first;
    }
    if (!is_mark || *first == dead->count) {
        problem_add_field(&call->problem, "cursor",
                          "found \"%s\", expected the next_cursor of a page; it may be gone: begin anew",
                          cursor);
        return false;
    }
    ++*first;
    return true;
}

static json_t *render_dead(const struct letter *letter)
{
    json_t *item = json_object();
    json_object_set_new(item, "id", make_mark(letter->run, letter->seq));
    json_object_set_new(item, "event", json_loadb(letter->text, letter->len, 0, NULL));
    return item;
}

void handle_dead(struct call *call)
{
    size_t first;
    const struct webhook *webhook = find_webhook(call);
    if (webhook == NULL) {
        return;
    }
    const struct letters *dead = &webhook->dead;
    if (!find_first(call, dead, &first)) {
        call_reply_problem(call);
        return;
    }
    size_t end = dead->count - first < call->route.limit ? dead->count : first + call->route.limit;
    json_t *items = json_array();
    for (size_t i = first; i < end; i++) {
        json_array_append_new(items, render_dead(dead->items[i]));
    }
    reply_list(call, items,
               end == dead->count ? json_null()
                                  : make_mark(dead->items[end - 1]->run, dead->items[end - 1]->seq));
}

void handle_retry(struct call *call)
{
    size_t count = 0;
    if (find_webhook(call) == NULL) {
        return;
    }
    (void)herald_retry(get_herald(call), call->route.name, &count);
    json_t *document = json_object();
    json_object_set_new(document, "name", json_string(call->route.name));
    set(document, "retried", count);
    call_reply_json(call, 200, document);
}

/* ---- hooks ---- */

static json_t *render_run(const struct hooks_past *past)
{
    json_t *run = json_object();
    json_object_set_new(run, "time", make_time(past->begun_wall_ms));
    json_object_set_new(run, "about", json_string(past->about));
    json_object_set_new(run, "event", past->seq == 0 ? json_null() : json_integer((json_int_t)past->seq));
    json_object_set_new(run, "outcome", json_string(hooks_outcome_text(past->outcome)));
    json_object_set_new(run, "exit_code", past->exit_code < 0 ? json_null() : json_integer(past->exit_code));
    json_object_set_new(run, "signal", past->signal == 0 ? json_null() : json_integer(past->signal));
    json_object_set_new(run, "duration_ms", json_integer(past->duration_ms));
    json_object_set_new(run, "output", json_string(past->output));
    return run;
}

static json_t *render_hook(const struct hooks_status *status)
{
    const struct conf_hook *conf = status->conf;
    json_t *item = json_object(), *on = list_kinds(conf->filter), *outcomes = json_object();
    json_t *runs = json_array();
    if (conf->is_about_switches) {
        bool is_of_drills = conf->when == CONF_HOOK_STOP || conf->when == CONF_HOOK_UNDO;
        json_array_append_new(on, json_string(is_of_drills ? "drill" : "switchover"));
    }
    for (int outcome = 0; outcome < HOOKS_OUTCOMES; outcome++) {
        set(outcomes, hooks_outcome_text((enum hooks_outcome)outcome), status->outcomes[outcome]);
    }
    for (size_t i = 0; i < status->past_count; i++) {
        json_array_append_new(runs, render_run(status->past[i]));
    }
    json_object_set_new(item, "name", json_string(conf->name));
    json_object_set_new(item, "when", json_string(conf_hook_when_text(conf->when)));
    json_object_set_new(item, "on", on);
    json_object_set_new(item, "targets", list_about(conf->filter));
    json_object_set_new(item, "program", json_string(conf->ask->words[0]));
    set(item, "timeout_ms", conf->timeout_ms);
    set(item, "at_once", conf->at_once);
    set(item, "running", status->running);
    set(item, "waiting", status->waiting);
    set(item, "dropped", status->dropped);
    json_object_set_new(item, "outcomes", outcomes);
    json_object_set_new(item, "runs", runs);
    return item;
}

void handle_hooks(struct call *call)
{
    const struct admin_feed *feed = call->admin->verbs.feed;
    const struct hooks *hooks = feed == NULL ? NULL : feed->hooks;
    struct hooks_status status;
    json_t *items = json_array();
    for (size_t i = 0; hooks != NULL && i < hooks_count(hooks); i++) {
        hooks_get(hooks, i, &status);
        json_array_append_new(items, render_hook(&status));
    }
    reply_list(call, items, json_null());
}
