/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tokens that there are. It writes nothing, so what reads the store late may call it. */
#include "config.h"

#include "daemon/tokens_inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

/* Where it is, or would be. */
static size_t seek(const struct tokens *tokens, const char *name, bool *is_there)
{
    size_t at = 0;
    while (at < tokens->count && strcmp(tokens->entries[at]->token.name, name) < 0) {
        at++;
    }
    *is_there = at < tokens->count && strcmp(tokens->entries[at]->token.name, name) == 0;
    return at;
}

struct token_entry *tokens_find(const struct tokens *tokens, const char *name)
{
    bool is_there;
    size_t at = seek(tokens, name, &is_there);
    return is_there ? tokens->entries[at] : NULL;
}

void tokens_put(struct tokens *tokens, const struct token *token)
{
    bool is_there;
    size_t at = seek(tokens, token->name, &is_there);
    if (!is_there && tokens->count == TOKENS_MAX) {
        return;
    }
    if (!is_there) {
        memmove(tokens->entries + at + 1, tokens->entries + at,
                (tokens->count - at) * sizeof(struct token_entry *));
        tokens->entries[at] = memory_alloc(sizeof(struct token_entry));
        tokens->count++;
    }
    *tokens->entries[at] = (struct token_entry){.token = *token, .written_ms = token->used_ms};
}

void tokens_take_out(struct tokens *tokens, const char *name)
{
    bool is_there;
    size_t at = seek(tokens, name, &is_there);
    if (is_there) {
        free(tokens->entries[at]);
        tokens->count--;
        memmove(tokens->entries + at, tokens->entries + at + 1,
                (tokens->count - at) * sizeof(struct token_entry *));
    }
}

struct tokens *tokens_new(struct server *server)
{
    struct tokens *tokens = memory_alloc(sizeof *tokens);
    tokens->server = server;
    return tokens;
}

static void clear(struct tokens *tokens)
{
    while (tokens->count != 0) {
        free(tokens->entries[--tokens->count]);
    }
}

void tokens_free(struct tokens *tokens)
{
    if (tokens != NULL) {
        clear(tokens);
        free(tokens);
    }
}

/* ---- from the store, and from other nodes ---- */

void tokens_follow(struct tokens *tokens, const char *name, const char *value)
{
    const struct token_entry *entry = tokens_find(tokens, name);
    struct token token;
    char why[TOKEN_WHY_SIZE];
    if (value == NULL) {
        tokens_take_out(tokens, name);
    } else if (token_read(name, value, &token, why) != 0) {
        log_error("token not understood name=%s why=\"%s\" effect=\"it lets in nobody\"", name, why);
    } else if (entry == NULL || !entry->is_busy) { /* else a change that was made here comes behind it */
        tokens_put(tokens, &token);
    }
}

void tokens_regain(struct tokens *tokens, const char *name, const char *value)
{
    struct token token;
    char why[TOKEN_WHY_SIZE];
    if (token_read(name, value, &token, why) != 0) {
        log_error("token not understood name=%s why=\"%s\" effect=\"it lets in nobody\"", name, why);
    } else if (tokens_find(tokens, name) == NULL) {
        tokens_put(tokens, &token);
    }
}

static bool read_one(void *context, const struct store_object *object)
{
    tokens_regain(context, object->key, object->value);
    return true;
}

void tokens_learn(struct tokens *tokens, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    clear(tokens);
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, TOKEN_KIND, "", NULL, read_one, tokens);
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_error("tokens cannot be read why=\"%s\" effect=\"none of them lets in anybody until they can\"",
                  error_text(error));
    }
}
