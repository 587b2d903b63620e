/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See redact.h. The walk goes by names of members alone, so it does for documents, for the edits of them and
 * for what a journal has of either. */
#include "config.h"

#include "conf/redact.h"

#include "base/hex.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MARK "$redacted"

static const char *const secrets[] = {"command", "environment", "headers", "secret",
                                      "secrets", "send",        "url"};
/* Their members are called what somebody called them. */
static const char *const lists[] = {"azs",  "checks", "endpoints", "groups", "hooks",
                                    "keys", "names",  "regions",   "rules",  "webhooks"};

struct redacting {
    const uint8_t *key;
    bool has_any;
};

static bool is_in(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count && word != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_query(const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && key != NULL && strcmp(key, "path") == 0 && strchr(text, '?') != NULL;
}

bool redact_is_secret(const char *key, const char *container, const json_t *value)
{
    return (is_in(secrets, sizeof secrets / sizeof *secrets, key) || has_query(key, value)) &&
           !is_in(lists, sizeof lists / sizeof *lists, container);
}

static bool is_redacted(const json_t *value)
{
    return json_object_size(value) == 1 && json_is_string(json_object_get(value, MARK));
}

static json_t *make_mark(struct redacting *r, const json_t *value)
{
    uint8_t hash[SIPHASH_SIZE];
    char digest[2 * SIPHASH_SIZE + 1];
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    siphash_24(r->key, (const uint8_t *)text, text == NULL ? 0 : strlen(text), hash);
    hex_write(hash, sizeof hash, digest);
    free(text);
    r->has_any = true;
    return json_pack("{s:s}", MARK, digest);
}

/* Names of variables and header fields stay, and the program of a command. */
static json_t *redact_value(struct redacting *r, json_t *value, bool is_command)
{
    const char *name;
    json_t *item;
    size_t i;
    if (is_redacted(value) || json_is_null(value)) {
        return json_incref(value);
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            if (i != 0 || !is_command) {
                json_array_set_new(value, i, redact_value(r, item, false));
            }
        }
        return json_incref(value);
    }
    if (json_is_object(value)) {
        json_object_foreach(value, name, item)
        {
            json_object_set_new(value, name, redact_value(r, item, false));
        }
        return json_incref(value);
    }
    return make_mark(r, value);
}

static void walk(struct redacting *r, json_t *value, const char *container)
{
    const char *name;
    json_t *item;
    size_t i;
    json_array_foreach(value, i, item)
    {
        walk(r, item, NULL);
    }
    json_object_foreach(value, name, item)
    {
        if (redact_is_secret(name, container, item)) {
            json_object_set_new(value, name, redact_value(r, item, strcmp(name, "command") == 0));
        } else {
            walk(r, item, name);
        }
    }
}

char *redact_text(const char *text, size_t len, const uint8_t key[SIPHASH_KEY_SIZE], bool always)
{
    struct redacting r = {.key = key};
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (value == NULL) {
        return NULL;
    }
    walk(&r, value, NULL);
    char *redacted = r.has_any || always
                         ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))
                         : NULL;
    json_decref(value);
    return redacted;
}
