/* SPDX-License-Identifier: BSD-3-Clause
 *
 * HTTP over the admin socket with libcurl. A server that cannot be reached, or answers something else than
 * the API, is told on stderr; what the server refuses is explained from its problem document. */
#include "config.h"

#include "ctl/steerctl.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 5000, ANSWER_MS = 300000, ANSWER_MAX = 256 << 20, PAGES_MAX = 100000 };

static size_t take(char *bytes, size_t size, size_t count, void *argument)
{
    struct buffer *body = argument;
    if (body->len + size * count > ANSWER_MAX) {
        return 0;
    }
    buffer_add(body, bytes, size * count);
    return size * count;
}

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

static CURLcode perform(const struct steerctl *ctl, const char *method, const char *target, const char *text,
                        struct steerctl_reply *reply)
{
    struct buffer url;
    buffer_init(&url);
    buffer_print(&url, "http://localhost%s", target);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ctl->socket);
    curl_easy_setopt(curl, CURLOPT_URL, url.bytes);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "steerctl/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    if (text != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    buffer_fini(&url);
    return code;
}

bool steerctl_ask(const struct steerctl *ctl, const char *method, const char *target, const json_t *body,
                  struct steerctl_reply *reply)
{
    *reply = (struct steerctl_reply){.status = 0};
    buffer_init(&reply->body);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    CURLcode code = perform(ctl, method, target, text, reply);
    free(text);
    if (code != CURLE_OK) {
        fprintf(stderr, "steerctl: no answer from steerd at %s: %s\n", ctl->socket, curl_easy_strerror(code));
        return false;
    }
    reply->json = reply->body.len == 0 ? NULL : json_loadb(reply->body.bytes, reply->body.len, 0, NULL);
    return true;
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
        fprintf(stderr, "steerctl: found HTTP status %ld without a problem document, expected steerd\n",
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
