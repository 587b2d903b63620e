/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A token of the admin API as the store has it: token/NAME → JSON, with the hash of its secret. The secret is
 * 256 random bits, so a plain SHA-256 of it is as hard to undo as it is to guess. Pure. Private to
 * src/daemon.
 */
#pragma once

#include "admin/access.h"

#define TOKEN_KIND "token"

enum { TOKEN_NAME_SIZE = 64, TOKEN_SCOPE_SIZE = 256, TOKEN_HASH_SIZE = 32, TOKEN_WHY_SIZE = 160 };

struct token {
    char name[TOKEN_NAME_SIZE];
    enum role role;
    char regions[ADMIN_SCOPES_MAX][TOKEN_SCOPE_SIZE], zones[ADMIN_SCOPES_MAX][TOKEN_SCOPE_SIZE];
    size_t region_count, zone_count;
    char made_by[TOKEN_NAME_SIZE];
    int64_t made_ms, expires_ms, rotated_ms, used_ms; /* wall; 0: not known, never */
    uint8_t hash[TOKEN_HASH_SIZE];
    int64_t overlap_ms; /* until then the one before is good as well; 0: there is none */
    uint8_t old_hash[TOKEN_HASH_SIZE];
};

bool token_is_name(const char *name);
char *token_write(const struct token *token); /* owned */
/* Of this key. 0, or ERROR_SYNTAX and why. */
int token_read(const char *name, const char *value, struct token *token, char why[TOKEN_WHY_SIZE]);
/* A new secret: "st1.NAME.SECRET". */
void token_make_secret(struct token *token, char text[ADMIN_TOKEN_SIZE]);
/* The name that such a text has. False: it is none. */
bool token_read_name(const char *text, char name[TOKEN_NAME_SIZE]);
/* Is it a text of this token? NULL: it is good; else why not. Takes as long for every secret. */
const char *token_judge(const struct token *token, const char *text, int64_t wall_ms);
