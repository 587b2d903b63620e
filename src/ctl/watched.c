/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A server that does not answer is CRITICAL: the guidelines keep UNKNOWN for a plugin that is used in the
 * wrong way or cannot do its work, and to those who ask for names a steerd that is gone is no matter of
 * taste. UNKNOWN are a command line that is not understood, a socket that we may not use and a question that
 * the server refuses. */
#include "config.h"

#include "ctl/watched.h"

#include "ctl/watched_figures.h"
#include "ctl/options.h"
#include "ctl/range.h"
#include "ctl/watched_text.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 10000, ANSWER_MAX_MS = 300000, SAMPLE_MS = 1000, EXPR_MAX = 4096, PAGES_MAX = 1000 };

struct watched {
    struct steerctl ctl; /* a copy with a mind of its own */
    struct buffer why;   /* why it has ended before it knew all */
    struct watched_item *items;
    size_t count;
    json_t *documents[WATCHED_SOURCES];
    struct steerctl_reply metrics, later;
    double between_s;
};

/* ---- what is wanted ---- */

__attribute__((format(printf, 2, 3))) static enum watched_state refuse(struct watched *watched,
                                                                       const char *format, ...)
{
    char text[TABLE_CELL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_add_text(&watched->why, text);
    return WATCHED_UNKNOWN;
}

static bool is_of(const struct figure *figure, const char *word)
{
    return strcmp(word, "all") == 0 || strcmp(word, figure->what) == 0 || strcmp(word, figure->name) == 0;
}

static enum watched_state refuse_word(struct watched *watched, const char *word)
{
    struct words_nearest nearest = {.found = word};
    for (size_t i = 0; i < watched->count; i++) {
        words_offer(&nearest, watched->items[i].figure->what);
        words_offer(&nearest, watched->items[i].figure->name);
    }
    const char *meant = words_nearest(&nearest);
    return refuse(watched, "there is nothing called \"%.80s\"%s%s%s: steerctl help check lists what there is",
                  word, meant == NULL ? "" : ", did you mean ", meant == NULL ? "" : meant,
                  meant == NULL ? "" : "?");
}

/* Without a word all but what takes two looks. */
static enum watched_state choose(struct watched *watched)
{
    const struct steerctl *ctl = &watched->ctl;
    for (size_t i = 0; i < watched->count; i++) {
        struct watched_item *item = &watched->items[i];
        item->is_chosen = ctl->word_count == 1 && item->figure->source != WATCHED_LATER;
    }
    for (int word = 1; word < ctl->word_count; word++) {
        bool is_known = false;
        for (size_t i = 0; i < watched->count; i++) {
            struct watched_item *item = &watched->items[i];
            bool is_meant = is_of(item->figure, ctl->words[word]);
            item->is_chosen |= is_meant;
            item->is_named |= is_meant && strcmp(item->figure->name, ctl->words[word]) == 0;
            is_known |= is_meant;
        }
        if (!is_known) {
            return refuse_word(watched, ctl->words[word]);
        }
    }
    return WATCHED_OK;
}

static struct watched_item *find_item(struct watched *watched, const char *name)
{
    for (size_t i = 0; i < watched->count; i++) {
        if (strcmp(watched->items[i].figure->name, name) == 0) {
            return &watched->items[i];
        }
    }
    return NULL;
}

/* The one that is chosen, if it is one. */
static struct watched_item *find_only(struct watched *watched)
{
    struct watched_item *only = NULL;
    for (size_t i = 0; i < watched->count; i++) {
        if (watched->items[i].is_chosen && only != NULL) {
            return NULL;
        }
        only = watched->items[i].is_chosen ? &watched->items[i] : only;
    }
    return only;
}

static enum watched_state set_range(struct watched *watched, const char *option, char *text)
{
    char *equals = strchr(text, '='), *range = equals == NULL ? text : equals + 1;
    if (equals != NULL) {
        *equals = '\0';
    }
    struct watched_item *item = equals == NULL ? find_only(watched) : find_item(watched, text);
    if (item == NULL && equals != NULL) {
        return refuse_word(watched, text);
    }
    if (item == NULL) {
        return refuse(watched, "found --%s \"%.80s\" for several figures, expected FIGURE=RANGE", option,
                      text);
    }
    if (!item->is_chosen) {
        return refuse(watched, "found --%s for %s, which is not looked at: steerctl check %s", option,
                      item->figure->name, item->figure->what);
    }
    bool is_critical = strcmp(option, "critical") == 0;
    struct watched_limit *limit = is_critical ? &item->critical : &item->warning;
    limit->is_set = range[0] != '\0';
    if (limit->is_set && range_parse(range, item->figure->unit, &limit->range) != 0) {
        return refuse(watched, "found --%s \"%.80s\" for %s, expected a range: " RANGE_EXPECTED, option,
                      range, item->figure->name);
    }
    return WATCHED_OK;
}

/* "RANGE", or "FIGURE=RANGE,FIGURE=RANGE" */
static enum watched_state set_ranges(struct watched *watched, const char *option, const char *expression)
{
    char text[EXPR_MAX], *rest = NULL;
    enum watched_state state = WATCHED_OK;
    if (expression == NULL) {
        return WATCHED_OK;
    }
    if (expression[0] == '\0' || strlen(expression) >= sizeof text) {
        return refuse(watched, "found --%s of %zu octets, expected 1 to %d", option, strlen(expression),
                      EXPR_MAX - 1);
    }
    strcpy(text, expression);
    for (char *one = strtok_r(text, ",", &rest); one != NULL && state == WATCHED_OK;
         one = strtok_r(NULL, ",", &rest)) {
        state = set_range(watched, option, one);
    }
    return state;
}

static enum watched_state set_timeout(struct watched *watched)
{
    int64_t ms = ANSWER_MS;
    const char *text = watched->ctl.timeout;
    if (text != NULL && (when_parse_duration(text, &ms) != 0 || ms > ANSWER_MAX_MS)) {
        return refuse(watched, "found --timeout \"%.80s\", expected a duration such as 10s, at most 5m",
                      text);
    }
    watched->ctl.answer_ms = (int)ms;
    return WATCHED_OK;
}

/* ---- what is so ---- */

static bool may_not_connect(const struct steerctl *ctl)
{
    return ctl->url == NULL && access(ctl->socket, W_OK) == -1 && errno == EACCES;
}

/* 404: there is no such thing here, and the reply has no JSON. */
static enum watched_state ask(struct watched *watched, const char *target, struct steerctl_reply *reply)
{
    if (!steerctl_ask(&watched->ctl, "GET", target, NULL, reply)) {
        if (watched->why.len == 0) {
            buffer_add_text(&watched->why, "no answer");
        }
        return may_not_connect(&watched->ctl) ? WATCHED_UNKNOWN : WATCHED_CRITICAL;
    }
    if (reply->status == 200) {
        return WATCHED_OK;
    }
    const char *title = text_of(reply->json, "title"), *detail = text_of(reply->json, "detail");
    if (reply->status != 404) {
        buffer_print(&watched->why, "GET %s: %d %s%s%s", target, reply->status, title == NULL ? "" : title,
                     detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
    }
    json_decref(reply->json);
    reply->json = NULL;
    return reply->status == 404 ? WATCHED_OK : reply->status < 500 ? WATCHED_UNKNOWN : WATCHED_CRITICAL;
}

/* All pages of a list as one. */
static enum watched_state ask_document(struct watched *watched, enum watched_source source)
{
    json_t *items = json_array();
    struct buffer target;
    enum watched_state state = WATCHED_OK;
    char *cursor = NULL;
    unsigned pages = 0;
    do {
        struct steerctl_reply reply;
        buffer_init(&target);
        buffer_add_text(&target, watched_figures_path(source));
        steerctl_add_query(&target, "cursor", cursor);
        state = ask(watched, target.bytes, &reply);
        free(cursor);
        const char *next = text_of(reply.json, "next_cursor");
        cursor = next == NULL ? NULL : strdup(next);
        json_array_extend(items, json_object_get(reply.json, "items"));
        json_decref(watched->documents[source]);
        watched->documents[source] = json_incref(reply.json);
        steerctl_reply_fini(&reply);
        buffer_fini(&target);
    } while (state == WATCHED_OK && cursor != NULL && ++pages < PAGES_MAX);
    free(cursor);
    if (watched_figures_is_list(source)) {
        json_object_set(watched->documents[source], "items", items);
    }
    json_decref(items);
    return state;
}

static enum watched_state ask_metrics(struct watched *watched, bool twice)
{
    const struct timespec pause = {.tv_sec = SAMPLE_MS / 1000, .tv_nsec = SAMPLE_MS % 1000 * 1000000L};
    struct clock clock;
    clock_init(&clock);
    enum watched_state state = ask(watched, "/metrics", &watched->metrics);
    int64_t then_ms = clock_now_ms(&clock);
    if (state != WATCHED_OK || !twice) {
        return state;
    }
    nanosleep(&pause, NULL);
    clock_init(&clock);
    state = ask(watched, "/metrics", &watched->later);
    watched->between_s = (double)(clock_now_ms(&clock) - then_ms) / 1000;
    return state;
}

static enum watched_state gather(struct watched *watched)
{
    bool wanted[WATCHED_SOURCES] = {false};
    enum watched_state state = WATCHED_OK;
    for (size_t i = 0; i < watched->count; i++) {
        wanted[watched->items[i].figure->source] |= watched->items[i].is_chosen;
    }
    for (int source = 0; source < WATCHED_SOURCES && state == WATCHED_OK; source++) {
        if (wanted[source] && watched_figures_path((enum watched_source)source) != NULL) {
            state = ask_document(watched, (enum watched_source)source);
        }
    }
    if (state == WATCHED_OK && (wanted[WATCHED_METRICS] || wanted[WATCHED_LATER])) {
        state = ask_metrics(watched, wanted[WATCHED_LATER]);
    }
    return state;
}

/* ---- the verdict ---- */

/* The regions that are lost and held; those that wait for their data are not lost. */
static json_t *find_held(const json_t *status)
{
    json_t *held = json_array();
    size_t i;
    json_t *hold;
    json_array_foreach(json_object_get(status, "holds"), i, hold)
    {
        const char *of = text_of(hold, "of");
        if (of != NULL && strcmp(of, "failover") == 0) {
            json_array_append(held, hold);
        }
    }
    return held;
}

/* Who it is, where that is worth a question. */
static void name_them(struct watched *watched, struct watched_item *item)
{
    static const char *const plurals[] = {"regions", "azs", "endpoints"};
    char target[TABLE_CELL_SIZE];
    if (strcmp(item->figure->name, "holds") == 0) {
        item->objects = find_held(watched->documents[WATCHED_STATUS]);
        watched_name(item, item->objects);
    }
    for (size_t i = 0; i < sizeof plurals / sizeof *plurals; i++) {
        char name[TABLE_CELL_SIZE];
        struct steerctl_reply reply;
        snprintf(name, sizeof name, "%s_unhealthy", plurals[i]);
        if (strcmp(name, item->figure->name) != 0) {
            continue;
        }
        snprintf(target, sizeof target, "/v1/%s?effective=unhealthy&limit=%d", plurals[i], WATCHED_NAMES + 1);
        if (ask(watched, target, &reply) == WATCHED_OK) {
            watched_name(item, json_object_get(reply.json, "items"));
        }
        steerctl_reply_fini(&reply);
    }
}

static void judge_item(struct watched *watched, struct watched_item *item)
{
    if (item->critical.is_set && range_tells(&item->critical.range, item->value)) {
        item->state = WATCHED_CRITICAL;
    } else if (item->warning.is_set && range_tells(&item->warning.range, item->value)) {
        item->state = WATCHED_WARNING;
    }
    if (item->state != WATCHED_OK) {
        name_them(watched, item);
    }
}

/* The worst of all: CRITICAL, then UNKNOWN, then WARNING. */
static enum watched_state judge(struct watched *watched)
{
    static const int weights[] = {
        [WATCHED_OK] = 0, [WATCHED_WARNING] = 1, [WATCHED_UNKNOWN] = 2, [WATCHED_CRITICAL] = 3};
    enum watched_state worst = WATCHED_OK;
    struct clock clock;
    clock_init(&clock);
    struct watched_input in = {.metrics = watched->metrics.body.bytes,
                               .later = watched->later.body.bytes,
                               .between_s = watched->between_s,
                               .now_ms = clock_wall_ms(&clock)};
    for (int i = 0; i < WATCHED_SOURCES; i++) {
        in.documents[i] = watched->documents[i];
    }
    for (size_t i = 0; i < watched->count; i++) {
        struct watched_item *item = &watched->items[i];
        if (!item->is_chosen) {
            continue;
        }
        item->is_known = watched_figures_read(&in, item->figure, &item->value);
        if (item->is_known) {
            judge_item(watched, item);
        } else if (item->is_named) {
            item->state = WATCHED_UNKNOWN;
        }
        worst = weights[item->state] > weights[worst] ? item->state : worst;
    }
    return worst;
}

static void begin(struct watched *watched, const struct steerctl *ctl)
{
    *watched = (struct watched){.ctl = *ctl, .count = watched_figures_count()};
    watched->ctl.json = false;
    buffer_init(&watched->why);
    buffer_init(&watched->metrics.body);
    buffer_init(&watched->later.body);
    watched->items = memory_alloc_array(watched->count, sizeof *watched->items);
    for (size_t i = 0; i < watched->count; i++) {
        struct watched_item *item = &watched->items[i];
        *item = (struct watched_item){.figure = watched_figures_get(i)};
        const char *warning = item->figure->warning, *critical = item->figure->critical;
        item->warning.is_set =
            warning != NULL && range_parse(warning, item->figure->unit, &item->warning.range) == 0;
        item->critical.is_set =
            critical != NULL && range_parse(critical, item->figure->unit, &item->critical.range) == 0;
    }
}

static void end(struct watched *watched)
{
    for (int i = 0; i < WATCHED_SOURCES; i++) {
        json_decref(watched->documents[i]);
    }
    for (size_t i = 0; i < watched->count; i++) {
        json_decref(watched->items[i].objects);
    }
    steerctl_reply_fini(&watched->metrics);
    steerctl_reply_fini(&watched->later);
    buffer_fini(&watched->why);
    free(watched->items);
}

enum steerctl_exit watched_run(const struct steerctl *ctl)
{
    struct watched watched;
    begin(&watched, ctl);
    enum watched_state state = set_timeout(&watched);
    state = state == WATCHED_OK ? choose(&watched) : state;
    state = state == WATCHED_OK ? set_ranges(&watched, "warning", ctl->warning) : state;
    state = state == WATCHED_OK ? set_ranges(&watched, "critical", ctl->critical) : state;
    if (state == WATCHED_OK) {
        watched.ctl.why = &watched.why;
        state = gather(&watched);
    }
    struct watched_result result = {.items = watched.items, .count = watched.count};
    if (state == WATCHED_OK) {
        result.state = judge(&watched);
    } else {
        result.state = state;
        result.why = watched.why.bytes;
    }
    watched_print(&result, ctl->json);
    end(&watched);
    return (enum steerctl_exit)result.state;
}

enum steerctl_exit watched_misused(const struct steerctl *ctl)
{
    const struct watched_result result = {.state = WATCHED_UNKNOWN,
                                          .why = "the command line is not understood: steerctl help check"};
    watched_print(&result, ctl->json);
    return (enum steerctl_exit)WATCHED_UNKNOWN;
}
