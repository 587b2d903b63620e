/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of tokens share: the table (tokens_kept.c), judging and changing (tokens.c). Private to
 * src/daemon. */
#pragma once

#include "daemon/token.h"
#include "daemon/tokens.h"

enum { TOKENS_MAX = 256 };

struct token_entry {
    struct token token;
    bool is_busy;       /* a change of it is on its way */
    int64_t written_ms; /* wall: of its use that the store knows */
};

struct tokens {
    struct server *server;
    struct token_entry *entries[TOKENS_MAX]; /* in the order of names */
    size_t count;
    struct admin_token shown; /* what judge gave last */
};

struct token_entry *tokens_find(const struct tokens *tokens, const char *name); /* NULL: there is none */
void tokens_put(struct tokens *tokens, const struct token *token);
void tokens_take_out(struct tokens *tokens, const char *name);
