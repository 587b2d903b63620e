/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions and answers of the admin API. A server that cannot be reached, or answers something else than the
 * API, is told on stderr; what the server refuses is explained from its problem document. */
#include "config.h"

#include "ctl/verbs.h"

#include "base/random.h"
#include "ctl/http.h"
#include "ctl/progress.h"
#include "ctl/socket.h"
#include "ctl/template.h"
#include "ctl/text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGES_MAX = 100000,
    KEY_SIZE = 128,
    RETRIES = 3, /* of a change whose answer was lost */
    PAUSE_MS = 200,
    LOOKS = 25, /* for a server, before each */
};

void steerctl_add_encoded(struct buffer *target, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL) {
            buffer_add(target, at, 1);
        } else {
            buffer_print(target, "%%%02X", c);
        }
    }
}

void steerctl_add_query(struct buffer *target, const char *key, const char *value)
{
    if (value != NULL) {
        buffer_print(target, "%c%s=", memchr(target->bytes, '?', target->len) == NULL ? '?' : '&', key);
        steerctl_add_encoded(target, value);
    }
}

void steerctl_add_rules(const struct steerctl *ctl, struct buffer *target)
{
    struct buffer names;
    buffer_init(&names);
    for (size_t i = 0; i < ctl->rule_count; i++) {
        buffer_print(&names, "%s%s", i == 0 ? "" : ",", ctl->rules[i]);
    }
    steerctl_add_query(target, "override_rules", names.len == 0 ? NULL : names.bytes);
    buffer_fini(&names);
}

/* Why there is no answer. */
static void complain(const struct steerctl *ctl, const char *why)
{
    if (ctl->why == NULL) {
        fprintf(stderr, "steerctl: %s\n", why);
    } else if (ctl->why->len == 0) {
        buffer_add_text(ctl->why, why);
    }
}

/* The exchange; *answer is initialised by the caller. *lost: the connection ended without an answer, so that
 * nobody knows whether it was done, and that is told only if is_last. */
static bool exchange(const struct steerctl *ctl, const struct buffer *request, bool is_last, bool *lost,
                     struct http_answer *answer)
{
    const struct socket_limits limits = {.connect_ms = ctl->answer_ms == 0 ? 5000 : ctl->answer_ms,
                                         .answer_ms = ctl->answer_ms == 0 ? 300000 : ctl->answer_ms};
    struct buffer why;
    int fd;
    buffer_init(&why);
    bool answered =
        ctl->url != NULL ? remote_connect(ctl, &fd, &why) : socket_connect(ctl->socket, &limits, &fd, &why);
    if (answered) {
        answered = socket_exchange(fd, request, &limits, answer, &why);
        *lost = !answered && http_answer_is_lost(answer);
        close(fd);
    }
    if (!answered && (is_last || !*lost)) {
        complain(ctl, why.bytes);
    }
    buffer_fini(&why);
    return answered;
}

struct question {
    const char *method, *target;
    const struct http_octets *body; /* NULL: none */
};

/* False: it has been said why not. */
static bool write_request(const struct steerctl *ctl, const struct question *question, const char *key,
                          struct buffer *request)
{
    struct buffer head, why;
    buffer_init(&head);
    buffer_init(&why);
    if (ctl->url == NULL) {
        buffer_add_text(&head, "Host: localhost\r\n");
    }
    bool good = ctl->url == NULL || remote_write_head(ctl, &head, &why);
    if (good) {
        buffer_print(&head, "%s", key);
        http_write_octets(request, head.bytes, question->method, question->target, question->body);
    } else {
        complain(ctl, why.bytes);
    }
    if (head.len != 0) {
        explicit_bzero(head.bytes, head.len);
    }
    buffer_fini(&head);
    buffer_fini(&why);
    return good;
}

/* What changes something has a key, so that it can be sent once more where nobody knows what became of it. */
static void make_key(char key[KEY_SIZE])
{
    uint64_t numbers[2];
    random_make_secret(numbers, sizeof numbers);
    snprintf(key, KEY_SIZE, "Idempotency-Key: \"%016" PRIx64 "%016" PRIx64 "\"\r\n", numbers[0], numbers[1]);
}

/* A server that was started anew takes a while. */
static bool wait_for_server(const struct steerctl *ctl)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
        const struct socket_limits limits = {.connect_ms = PAUSE_MS};
        struct buffer why;
        int fd;
        nanosleep(&pause, NULL);
        if (ctl->url != NULL) {
            return true;
        }
        buffer_init(&why);
        bool is_there = socket_connect(ctl->socket, &limits, &fd, &why);
        buffer_fini(&why);
        if (is_there) {
            close(fd);
            return true;
        }
    }
    return false;
}

static bool ask(const struct steerctl *ctl, const struct question *question, struct steerctl_reply *reply)
{
    struct http_answer answer;
    struct buffer request, patient;
    char key[KEY_SIZE] = "", wishes[2 * KEY_SIZE];
    bool lost = false;
    unsigned left = strcmp(question->method, "GET") == 0 ? 0 : RETRIES;
    const char *prefer = progress_choose(question->target);
    buffer_init(&request);
    buffer_init(&patient);
    http_answer_init(&answer, 0);
    if (left != 0) {
        make_key(key);
    }
    snprintf(wishes, sizeof wishes, "%s%s", key, prefer);
    bool answered = write_request(ctl, question, wishes, &request) &&
                    write_request(ctl, question, key, &patient) &&
                    exchange(ctl, &request, left == 0, &lost, &answer);
    if (answered && answer.status == 202 && prefer[0] != '\0' &&
        !progress_follow(ctl, steerctl_ask, &answer)) {
        answered = false; /* the server has been started anew, or does not keep so much */
        lost = true;
        left += left == 0;
    }
    while (!answered && lost && left-- != 0) {
        (void)wait_for_server(ctl);
        http_answer_fini(&answer);
        http_answer_init(&answer, 0);
        lost = false;
        answered = exchange(ctl, &patient, left == 0, &lost, &answer);
    }
    *reply = (struct steerctl_reply){.status = answer.status, .body = answer.body};
    buffer_init(&answer.body); /* the reply's now */
    http_answer_fini(&answer);
    buffer_fini(&request);
    buffer_fini(&patient);
    if (answered && reply->body.len != 0) {
        reply->json = text_read_json(reply->body.bytes, reply->body.len, !ctl->json);
    }
    return answered;
}

static bool ask_text(const struct steerctl *ctl, const char *method, const char *target, const char *text,
                     struct steerctl_reply *reply)
{
    const struct http_octets body = {.bytes = text, .len = text == NULL ? 0 : strlen(text)};
    return ask(ctl,
               &(struct question){.method = method, .target = target, .body = text == NULL ? NULL : &body},
               reply);
}

bool steerctl_ask(const struct steerctl *ctl, const char *method, const char *target, const json_t *body,
                  struct steerctl_reply *reply)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    bool answered = ask_text(ctl, method, target, text, reply);
    free(text);
    return answered;
}

bool steerctl_ask_octets(const struct steerctl *ctl, const char *method, const char *target,
                         const struct http_octets *body, struct steerctl_reply *reply)
{
    return ask(ctl, &(struct question){.method = method, .target = target, .body = body}, reply);
}

void steerctl_reply_fini(struct steerctl_reply *reply)
{
    json_decref(reply->json);
    buffer_fini(&reply->body);
}

/* "--until" for "expires", "NAME" for "name": as the operator wrote it. */
static const char *write_field(const struct steerctl *ctl, const char *field, char *text, size_t size)
{
    const char *after;
    const char *option = ctl->verb == NULL ? NULL : options_of_field(ctl, ctl->verb->options, field);
    if (option != NULL) {
        snprintf(text, size, "--%s", option);
    } else if (ctl->verb != NULL && options_has_word(ctl->verb->fields, field, &after) && *after == '=') {
        snprintf(text, size, "%.*s", (int)strcspn(after + 1, " "), after + 1);
    } else {
        text_clean(field, text, size);
    }
    return text;
}

/* Where an error is: the option or word, or file:line:column. */
static void print_error(const struct steerctl *ctl, const json_t *error)
{
    char clean[TABLE_CELL_SIZE];
    const char *field = text_of(error, "field"), *file = text_of(error, "file"),
               *path = text_of(error, "path");
    json_int_t line = json_integer_value(json_object_get(error, "line"));
    json_int_t column = json_integer_value(json_object_get(error, "column"));
    fputs("  ", stderr);
    if (field != NULL) {
        fputs(write_field(ctl, field, clean, sizeof clean), stderr);
    } else if (file != NULL) {
        fputs(text_clean(file, clean, sizeof clean), stderr);
    }
    if (line != 0) {
        fprintf(stderr, ":%lld", (long long)line);
    }
    if (line != 0 && column != 0) {
        fprintf(stderr, ":%lld", (long long)column);
    }
    const char *message = text_of(error, "message");
    fprintf(stderr, "%s%s", field != NULL || file != NULL ? ": " : "",
            text_clean(message == NULL ? "?" : message, clean, sizeof clean));
    if (path != NULL) {
        fprintf(stderr, " (at %s)", text_clean(path, clean, sizeof clean));
    }
    fputc('\n', stderr);
}

void steerctl_print_errors(const struct steerctl *ctl, const json_t *errors)
{
    size_t i;
    const json_t *error;
    json_array_foreach(errors, i, error)
    {
        print_error(ctl, error);
    }
}

/* What leads on now, where what was asked for does not. */
static void print_allowed(const json_t *allowed)
{
    size_t i;
    const json_t *verb;
    char clean[TABLE_CELL_SIZE];
    json_array_foreach(allowed, i, verb)
    {
        const char *text = json_string_value(verb);
        fprintf(stderr, "%s%s", i == 0 ? "allowed now: " : ", ",
                text_clean(text == NULL ? "-" : text, clean, sizeof clean));
    }
    if (json_is_array(allowed)) {
        fputs(json_array_size(allowed) == 0 ? "allowed now: nothing\n" : "\n", stderr);
    }
}

enum steerctl_exit steerctl_judge(const struct steerctl *ctl, const struct steerctl_reply *reply)
{
    char clean[TABLE_CELL_SIZE];
    if (reply->status >= 200 && reply->status < 300) {
        return STEERCTL_OK;
    }
    const char *title = text_of(reply->json, "title"), *detail = text_of(reply->json, "detail");
    if (title == NULL) {
        fprintf(stderr, "steerctl: found HTTP status %d without a problem document, expected steerd\n",
                reply->status);
        return STEERCTL_UNREACHABLE;
    }
    bool is_told = reply->status == 404 && detail != NULL; /* "there is no az ..." says it all */
    fprintf(stderr, "steerctl: %s", is_told ? "" : text_clean(title, clean, sizeof clean));
    if (detail != NULL) {
        fprintf(stderr, "%s%s", is_told ? "" : ": ", text_clean(detail, clean, sizeof clean));
    }
    fputc('\n', stderr);
    print_allowed(json_object_get(reply->json, "allowed"));
    const json_t *unserved = json_object_get(reply->json, "unserved");
    const char *type = text_of(reply->json, "type");
    bool is_forbidden = type != NULL && strcmp(type, "urn:steerd:problem:rules") == 0;
    if (is_forbidden) {
        show_rules(stderr, json_object_get(reply->json, "errors"));
    } else {
        steerctl_print_errors(ctl, json_object_get(reply->json, "errors"));
    }
    if (unserved != NULL) {
        fputs(is_forbidden ? "names that nobody would serve:\n" : "", stderr);
        show_unserved(stderr, unserved);
    }
    if (unserved != NULL || is_forbidden) {
        show_way_on(ctl, stderr, reply->json);
    }
    return reply->status == 404 ? STEERCTL_NOT_FOUND : STEERCTL_REFUSED;
}

/* Ends with a newline, whether it came with one or not. */
static void print_body(const struct buffer *body)
{
    text_put_json(body->bytes, body->len);
    if (body->bytes[body->len - 1] != '\n') {
        putchar('\n');
    }
}

static enum steerctl_exit take_json(const struct steerctl *ctl, bool asked, struct steerctl_reply *reply,
                                    json_t **json)
{
    enum steerctl_exit code = asked ? steerctl_judge(ctl, reply) : STEERCTL_UNREACHABLE;
    *json = NULL;
    if (ctl->json && reply->body.len != 0) {
        print_body(&reply->body);
    }
    if (code == STEERCTL_OK && reply->json == NULL) {
        fputs("steerctl: the answer is not JSON\n", stderr);
        code = STEERCTL_UNREACHABLE;
    }
    if (code == STEERCTL_OK) {
        *json = json_incref(reply->json);
    }
    steerctl_reply_fini(reply);
    return code;
}

enum steerctl_exit steerctl_ask_json(const struct steerctl *ctl, const char *method, const char *target,
                                     json_t *body, json_t **json)
{
    struct steerctl_reply reply;
    bool asked = steerctl_ask(ctl, method, target, body, &reply);
    json_decref(body);
    return take_json(ctl, asked, &reply, json);
}

enum steerctl_exit steerctl_ask_one(const struct steerctl *ctl, const char *method, const char *path,
                                    const char *suffix, json_t *body, json_t **json)
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, path);
    steerctl_add_encoded(&target, ctl->words[2]);
    buffer_add_text(&target, suffix);
    if (strcmp(method, "DELETE") == 0) {
        steerctl_add_query(&target, "actor", ctl->actor);
        steerctl_add_query(&target, "reason", ctl->reason);
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target.bytes, body, json);
    buffer_fini(&target);
    return code;
}

void steerctl_set(json_t *body, const char *key, const char *value)
{
    if (value != NULL) {
        json_t *text = json_string(value);
        json_object_set_new(body, key, text != NULL ? text : json_string("(not UTF-8)"));
    }
}

void steerctl_set_list(json_t *body, const char *key, const char *text)
{
    if (text == NULL) {
        return;
    }
    json_t *list = json_array();
    for (size_t len = strcspn(text, ","); text[0] != '\0'; len = strcspn(text, ",")) {
        json_t *item = json_stringn(text, len);
        json_array_append_new(list, item != NULL ? item : json_string("(not UTF-8)"));
        text += len + (text[len] == ',');
    }
    json_object_set_new(body, key, list);
}

enum steerctl_exit steerctl_ask_lines(const struct steerctl *ctl, const char *target, const char *lines,
                                      json_t **json)
{
    struct steerctl_reply reply;
    bool asked = ask_text(ctl, "POST", target, lines, &reply);
    return take_json(ctl, asked, &reply, json);
}

enum steerctl_exit steerctl_list_part(const struct steerctl *ctl, const char *target, json_t *items,
                                      char **cursor)
{
    struct steerctl_reply reply;
    struct buffer full;
    buffer_init(&full);
    buffer_add_text(&full, target);
    steerctl_add_query(&full, "cursor", *cursor);
    free(*cursor);
    *cursor = NULL;
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    if (steerctl_ask(ctl, "GET", full.bytes, NULL, &reply)) {
        code = steerctl_judge(ctl, &reply);
    }
    if (code == STEERCTL_OK) {
        const char *next = text_of(reply.json, "next_cursor");
        json_array_extend(items, json_object_get(reply.json, "items"));
        *cursor = next == NULL ? NULL : strdup(next);
    } else if (ctl->json && reply.body.len != 0) {
        print_body(&reply.body);
    }
    steerctl_reply_fini(&reply);
    buffer_fini(&full);
    return code;
}

enum steerctl_exit steerctl_list_page(const struct steerctl *ctl, const char *target, json_t *items,
                                      char **cursor)
{
    struct buffer full;
    buffer_init(&full);
    buffer_add_text(&full, target);
    steerctl_add_query(&full, "limit", "1000");
    enum steerctl_exit code = steerctl_list_part(ctl, full.bytes, items, cursor);
    buffer_fini(&full);
    return code;
}

void steerctl_print_page(const json_t *items, const char *cursor)
{
    json_t *document = json_object();
    json_object_set(document, "items", (json_t *)(uintptr_t)items);
    json_object_set_new(document, "next_cursor", cursor == NULL ? json_null() : json_string(cursor));
    text_print_json(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
}

enum steerctl_exit steerctl_list(const struct steerctl *ctl, const char *target, json_t **items)
{
    char *cursor = NULL;
    enum steerctl_exit code;
    *items = json_array();
    unsigned pages = 0;
    do {
        code = steerctl_list_page(ctl, target, *items, &cursor);
    } while (code == STEERCTL_OK && cursor != NULL && ++pages < PAGES_MAX);
    free(cursor);
    if (code != STEERCTL_OK) {
        json_decref(*items);
        *items = NULL;
    }
    return code;
}

enum steerctl_exit steerctl_show(const struct steerctl *ctl, const char *target,
                                 void (*show)(const struct steerctl *ctl, const json_t *items))
{
    json_t *items;
    enum steerctl_exit code = steerctl_list(ctl, target, &items);
    if (code == STEERCTL_OK && ctl->json) {
        steerctl_print_page(items, NULL);
    } else if (code == STEERCTL_OK) {
        show(ctl, items);
    }
    json_decref(items);
    return code;
}

json_t *steerctl_make_body(const struct steerctl *ctl)
{
    json_t *body = json_object();
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    return body;
}

enum steerctl_exit steerctl_show_rows(const struct steerctl *ctl, const char *target,
                                      const struct template_row *rows)
{
    json_t *items;
    enum steerctl_exit code = steerctl_list(ctl, target, &items);
    if (code == STEERCTL_OK && ctl->json) {
        steerctl_print_page(items, NULL);
    } else if (code == STEERCTL_OK) {
        template_table(ctl, rows, items);
    }
    json_decref(items);
    return code;
}

enum steerctl_exit steerctl_ask_show(const struct steerctl *ctl, const char *method, const char *target,
                                     json_t *body,
                                     void (*show)(const struct steerctl *ctl, const json_t *object))
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show(ctl, json);
    }
    json_decref(json);
    return code;
}

enum steerctl_exit steerctl_ask_rows(const struct steerctl *ctl, const char *target,
                                     const struct template_row *rows)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", target, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        template_table(ctl, rows, json_object_get(json, "items"));
    }
    json_decref(json);
    return code;
}

enum steerctl_exit steerctl_show_one(const struct steerctl *ctl, const char *path, const char *name,
                                     void (*show)(const struct steerctl *ctl, const json_t *object))
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, path);
    steerctl_add_encoded(&target, name);
    enum steerctl_exit code = steerctl_ask_show(ctl, "GET", target.bytes, NULL, show);
    buffer_fini(&target);
    return code;
}
