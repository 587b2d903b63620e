/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions and answers of the admin API. A server that cannot be reached, or answers something else than the
 * API, is told on stderr; what the server refuses is explained from its problem document. */
#include "config.h"

#include "ctl/steerctl.h"

#include "ctl/http.h"
#include "ctl/socket.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGES_MAX = 100000 };

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

/* The exchange; *answer is initialised by the caller. */
static bool exchange(const struct steerctl *ctl, const struct buffer *request, struct http_answer *answer)
{
    static const struct socket_limits limits = {.connect_ms = 5000, .answer_ms = 300000};
    struct buffer why;
    int fd;
    buffer_init(&why);
    bool answered = socket_connect(ctl->socket, &limits, &fd, &why);
    if (answered) {
        answered = socket_exchange(fd, request, &limits, answer, &why);
        close(fd);
    }
    if (!answered) {
        fprintf(stderr, "steerctl: %s\n", why.bytes);
    }
    buffer_fini(&why);
    return answered;
}

bool steerctl_ask(const struct steerctl *ctl, const char *method, const char *target, const json_t *body,
                  struct steerctl_reply *reply)
{
    struct http_answer answer;
    struct buffer request;
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    buffer_init(&request);
    http_write_request(&request, method, target, text);
    http_answer_init(&answer, 0);
    bool answered = exchange(ctl, &request, &answer);
    *reply = (struct steerctl_reply){.status = answer.status, .body = answer.body};
    buffer_init(&answer.body); /* the reply's now */
    http_answer_fini(&answer);
    buffer_fini(&request);
    free(text);
    if (answered && reply->body.len != 0) {
        reply->json = json_loadb(reply->body.bytes, reply->body.len, 0, NULL);
    }
    return answered;
}

void steerctl_reply_fini(struct steerctl_reply *reply)
{
    json_decref(reply->json);
    buffer_fini(&reply->body);
}

/* Where an error is: the field, or file:line:column. */
static void print_error(const json_t *error)
{
    char clean[TABLE_CELL_SIZE];
    const char *field = text_of(error, "field"), *file = text_of(error, "file"),
               *path = text_of(error, "path");
    json_int_t line = json_integer_value(json_object_get(error, "line"));
    json_int_t column = json_integer_value(json_object_get(error, "column"));
    fputs("  ", stderr);
    if (field != NULL || file != NULL) {
        fputs(text_clean(field != NULL ? field : file, clean, sizeof clean), stderr);
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

void steerctl_print_errors(const json_t *errors)
{
    size_t i;
    const json_t *error;
    json_array_foreach(errors, i, error)
    {
        print_error(error);
    }
}

enum steerctl_exit steerctl_judge(const struct steerctl_reply *reply)
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
    fprintf(stderr, "steerctl: %s", text_clean(title, clean, sizeof clean));
    if (detail != NULL) {
        fprintf(stderr, ": %s", text_clean(detail, clean, sizeof clean));
    }
    fputc('\n', stderr);
    steerctl_print_errors(json_object_get(reply->json, "errors"));
    return reply->status == 404 ? STEERCTL_NOT_FOUND : STEERCTL_REFUSED;
}

/* One page; appends to items. *cursor becomes the next one (owned by the caller), or NULL at the end. */
static enum steerctl_exit list_page(const struct steerctl *ctl, const char *target, json_t *items,
                                    char **cursor)
{
    struct steerctl_reply reply;
    struct buffer full;
    buffer_init(&full);
    buffer_print(&full, "%s%climit=1000", target, strchr(target, '?') == NULL ? '?' : '&');
    if (*cursor != NULL) {
        buffer_add_text(&full, "&cursor=");
        steerctl_add_encoded(&full, *cursor);
    }
    free(*cursor);
    *cursor = NULL;
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    if (steerctl_ask(ctl, "GET", full.bytes, NULL, &reply)) {
        code = steerctl_judge(&reply);
    }
    if (code == STEERCTL_OK) {
        const char *next = text_of(reply.json, "next_cursor");
        json_array_extend(items, json_object_get(reply.json, "items"));
        *cursor = next == NULL ? NULL : strdup(next);
    } else if (ctl->json && reply.body.len != 0) {
        fwrite(reply.body.bytes, 1, reply.body.len, stdout);
    }
    steerctl_reply_fini(&reply);
    buffer_fini(&full);
    return code;
}

enum steerctl_exit steerctl_list(const struct steerctl *ctl, const char *target, json_t **items)
{
    char *cursor = NULL;
    enum steerctl_exit code;
    *items = json_array();
    unsigned pages = 0;
    do {
        code = list_page(ctl, target, *items, &cursor);
    } while (code == STEERCTL_OK && cursor != NULL && ++pages < PAGES_MAX);
    free(cursor);
    if (code != STEERCTL_OK) {
        json_decref(*items);
        *items = NULL;
    }
    return code;
}
