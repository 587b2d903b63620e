/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What changes, as it happens, by GET /v1/events; and who else is told of it: webhooks and hooks. */
#include "config.h"

#include "ctl/event_text.h"
#include "ctl/tail.h"
#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 1000, AWAY_MAX = 60 };

/* ---- events ---- */

struct follower {
    const struct steerctl *ctl;
    char id[SSE_NAME_SIZE];
    bool is_current; /* it has all that there was */
};

static void print_text(const json_t *event)
{
    struct buffer line;
    buffer_init(&line);
    event_write_line(event, &line);
    puts(line.bytes);
    buffer_fini(&line);
}

static void print_gap(const json_t *gap)
{
    struct buffer line;
    buffer_init(&line);
    event_write_gap(gap, &line);
    printf("-- %s\n", line.bytes);
    buffer_fini(&line);
}

static void take_event(void *context, const struct sse_event *event)
{
    struct follower *follower = context;
    (void)snprintf(follower->id, sizeof follower->id, "%s", event->id);
    follower->is_current |= event->comment != NULL && strcmp(event->comment, "up to date") == 0;
    json_t *json =
        event->data == NULL ? NULL : text_read_json(event->data, strlen(event->data), !follower->ctl->json);
    bool is_gap = strcmp(event->event, "gap") == 0;
    if (json == NULL) {
        return;
    }
    if (follower->ctl->json) {
        if (is_gap) {
            json_object_set_new(json, "kind", json_string("gap"));
        }
        text_print_json(json, JSON_COMPACT);
    } else if (is_gap) {
        print_gap(json);
    } else {
        print_text(json);
    }
    json_decref(json);
    fflush(stdout);
}

/* Until the stream ends, or has said all that there was. */
static void listen_to(struct tail *tail, struct follower *follower)
{
    bool follows = (follower->ctl->given & OPTION_FOLLOW) != 0;
    enum http_progress progress = HTTP_MORE;
    while (progress == HTTP_MORE && (follows || !follower->is_current)) {
        struct pollfd one = {.fd = tail->fd, .events = POLLIN};
        (void)poll(&one, 1, LOOK_MS);
        progress = tail_read(tail, take_event, follower);
    }
}

static enum steerctl_exit judge(const struct steerctl *ctl, struct http_answer *answer)
{
    struct steerctl_reply reply = {.status = answer->status, .body = answer->body};
    buffer_init(&answer->body);
    reply.json = text_read_json(reply.body.bytes, reply.body.len, !ctl->json);
    enum steerctl_exit code = steerctl_judge(ctl, &reply);
    steerctl_reply_fini(&reply);
    return code;
}

static enum steerctl_exit listen_once(const char *target, struct follower *follower)
{
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    struct tail tail;
    struct buffer why;
    buffer_init(&why);
    if (!tail_open(follower->ctl, target, &tail, &why)) {
        fprintf(stderr, "steerctl: %s\n", why.len == 0 ? "the server has gone" : why.bytes);
    } else {
        listen_to(&tail, follower);
        if (tail.answer.status != 0) {
            code = tail.answer.status == 200 ? STEERCTL_OK : judge(follower->ctl, &tail.answer);
        }
    }
    tail_close(&tail);
    buffer_fini(&why);
    return code;
}

static void write_target(const struct follower *follower, struct buffer *target)
{
    const struct steerctl *ctl = follower->ctl;
    bool follows = (ctl->given & OPTION_FOLLOW) != 0;
    buffer_remove_front(target, target->len);
    buffer_add_text(target, "/v1/events");
    steerctl_add_query(target, "kind", ctl->kind);
    steerctl_add_query(target, "target", ctl->word_count > 1 ? ctl->words[1] : NULL);
    if (follower->id[0] != '\0') {
        steerctl_add_query(target, "after", follower->id);
    } else {
        steerctl_add_query(target, "since", ctl->since != NULL ? ctl->since : follows ? NULL : "1h");
    }
}

/* A server that goes is waited for: another one may take its place. */
enum steerctl_exit run_events(const struct steerctl *ctl)
{
    struct follower follower = {.ctl = ctl};
    enum steerctl_exit code;
    struct buffer target;
    buffer_init(&target);
    bool follows = (ctl->given & OPTION_FOLLOW) != 0;
    for (int away = 0;; away++) {
        write_target(&follower, &target);
        code = listen_once(target.bytes, &follower);
        away = code == STEERCTL_OK ? 0 : away;
        bool is_over = code != STEERCTL_OK && code != STEERCTL_UNREACHABLE;
        if (!follows || is_over || away == AWAY_MAX || (code != STEERCTL_OK && follower.id[0] == '\0')) {
            break;
        }
        (void)sleep(1);
    }
    buffer_fini(&target);
    return code;
}

/* ---- webhooks ---- */

static const struct template_row webhook_columns[] = {
    ROW("WEBHOOK", "{name}"), ROW_STATE("STATE", "{state}"),   ROW("WAITING", "{waiting}"),
    ROW("DEAD", "{dead}"),    ROW("DELIVERED", "{delivered}"), ROW("LAST DELIVERY", "{last_delivery:age}"),
    ROW("URL", "{url}"),      ROW("WHY", "{last_error}"),      ROW_END};

static void show_dead(const json_t *items)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        print_text(json_object_get(item, "event"));
    }
}

enum steerctl_exit run_webhooks(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *items;
    bool has_name = ctl->word_count > 1;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/webhooks");
    if (has_name) {
        buffer_add_text(&target, "/");
        steerctl_add_encoded(&target, ctl->words[1]);
        buffer_add_text(&target, "/dead");
    }
    json_t *json = NULL;
    enum steerctl_exit code;
    if (has_name) {
        code = steerctl_list(ctl, target.bytes, &items);
    } else {
        code = steerctl_ask_json(ctl, "GET", target.bytes, NULL, &json);
        items = json_incref(json_object_get(json, "items"));
    }
    if (code == STEERCTL_OK && has_name && ctl->json) {
        steerctl_print_page(items, NULL);
    } else if (code == STEERCTL_OK && !ctl->json) {
        if (has_name) {
            show_dead(items);
        } else {
            template_table(ctl, webhook_columns, items);
        }
    }
    json_decref(items);
    json_decref(json);
    buffer_fini(&target);
    return code;
}

enum steerctl_exit run_retry(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/webhooks/");
    steerctl_add_encoded(&target, ctl->words[1]);
    buffer_add_text(&target, ":retry");
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        printf("%s: %lld events that were given up are tried again, what waits at once\n", ctl->words[1],
               (long long)json_integer_value(json_object_get(json, "retried")));
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

/* ---- hooks ---- */

/* Of the latest run: "ok", "failed (3)" and the first line of what it said. */
static const struct template_row hook_columns[] = {
    ROW("HOOK", "{name}"),
    ROW("WHEN", "{when}"),
    ROW("RUNNING", "{running}"),
    ROW("WAITING", "{waiting}"),
    ROW("DROPPED", "{dropped}"),
    ROW("ABOUT", "{runs.0.about}"),
    ROW("AGE", "{runs.0.time:age}"),
    ROW("OUTCOME", "{runs.0.outcome}[!runs.0.exit_code=0|[ ({runs.0.exit_code})]]"),
    ROW("OUTPUT", "{runs.0.output:line}"),
    ROW_END};

enum steerctl_exit run_hooks(const struct steerctl *ctl)
{
    return steerctl_ask_rows(ctl, "/v1/hooks", hook_columns);
}
