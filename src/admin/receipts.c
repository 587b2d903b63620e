/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See receipts.h. A list in the order of time: there are few, and who asks with a key waits for the disk
 * anyway. */
#include "config.h"

#include "admin/receipts.h"

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

int receipts_parse_key(const char *text, char key[RECEIPTS_KEY_MAX + 1])
{
    size_t len = 0;
    text += strspn(text, " \t");
    if (*text++ != '"') {
        return ERROR_SYNTAX;
    }
    for (; *text != '"'; text++) {
        if (*text == '\\' && *++text != '"' && *text != '\\') {
            return ERROR_SYNTAX;
        }
        if (*text < ' ' || *text > '~') {
            return ERROR_SYNTAX;
        }
        if (len == RECEIPTS_KEY_MAX) {
            return ERROR_TOO_LARGE;
        }
        key[len++] = *text;
    }
    key[len] = '\0';
    return text[1 + strspn(text + 1, " \t")] != '\0' || len == 0 ? ERROR_SYNTAX : 0;
}

/* ---- the list ---- */

struct receipt *receipts_find(const struct receipts *receipts, const char *name)
{
    struct receipt *receipt = receipts->first;
    while (receipt != NULL && strcmp(receipt->name, name) != 0) {
        receipt = receipt->next;
    }
    return receipt;
}

struct receipt *receipts_add(struct receipts *receipts, const char *name, const char *content,
                             int64_t wall_ms)
{
    struct receipt *receipt = memory_alloc(sizeof *receipt), **at = &receipts->first;
    while (*at != NULL && (*at)->made_ms <= wall_ms) {
        at = &(*at)->next;
    }
    *receipt = (struct receipt){.next = *at, .made_ms = wall_ms, .is_under_way = true};
    snprintf(receipt->name, sizeof receipt->name, "%s", name);
    snprintf(receipt->content, sizeof receipt->content, "%s", content);
    *at = receipt;
    receipts->count++;
    return receipt;
}

void receipts_remove(struct receipts *receipts, struct receipt *receipt)
{
    struct receipt **at = &receipts->first;
    while (*at != receipt) {
        at = &(*at)->next;
    }
    *at = receipt->next;
    receipts->count--;
    receipts->octets -= receipt->body_len;
    free(receipt->type);
    free(receipt->body);
    free(receipt);
}

void receipts_end(struct receipts *receipts, struct receipt *receipt, unsigned status, const char *type,
                  char *body, size_t len)
{
    receipt->is_under_way = false;
    receipt->status = status;
    if (body != NULL) {
        receipt->type = memory_copy_text(type);
        receipt->body = body;
        receipt->body_len = len;
        receipts->octets += len;
    }
}

struct receipt *receipts_find_surplus(const struct receipts *receipts, int64_t wall_ms)
{
    struct receipt *oldest = receipts->first;
    while (oldest != NULL && oldest->is_under_way) {
        oldest = oldest->next;
    }
    bool is_due =
        oldest != NULL && (oldest->made_ms + RECEIPTS_KEPT_MS <= wall_ms || receipts->count > RECEIPTS_MAX ||
                           receipts->octets > RECEIPTS_OCTETS_MAX);
    return is_due ? oldest : NULL;
}

void receipts_fini(struct receipts *receipts)
{
    while (receipts->first != NULL) {
        receipts_remove(receipts, receipts->first);
    }
}

/* ---- as text ---- */

char *receipts_write(const struct receipt *receipt)
{
    json_t *object = json_object();
    json_t *body = receipt->body == NULL ? NULL : json_stringn(receipt->body, receipt->body_len);
    json_object_set_new(object, "content", json_string(receipt->content));
    json_object_set_new(object, "made_ms", json_integer(receipt->made_ms));
    if (body != NULL) { /* else it is not UTF-8 */
        json_object_set_new(object, "status", json_integer(receipt->status));
        json_object_set_new(object, "type", json_string(receipt->type));
        json_object_set_new(object, "body", body);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static bool is_hash(const char *text)
{
    return strlen(text) == RECEIPTS_NAME_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == RECEIPTS_NAME_SIZE - 1;
}

int receipts_read(struct receipts *receipts, const char *name, const char *text)
{
    const char *content, *type = NULL, *body = NULL;
    json_int_t made_ms, status = 0;
    size_t len = 0;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_unpack(object, "{s:s, s:I, s?:I, s?:s, s?:s%}", "content", &content, "made_ms", &made_ms,
                            "status", &status, "type", &type, "body", &body, &len) == 0 &&
                is_hash(name) && is_hash(content) &&
                (body == NULL || (type != NULL && status >= 200 && status < 300));
    if (good && receipts_find(receipts, name) == NULL) {
        char *copy = body == NULL ? NULL : memory_alloc(len + 1);
        if (body != NULL) {
            memcpy(copy, body, len);
        }
        receipts_end(receipts, receipts_add(receipts, name, content, made_ms), (unsigned)status, type, copy,
                     len);
    }
    json_decref(object);
    return good ? 0 : ERROR_SYNTAX;
}
