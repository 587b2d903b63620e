/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tokens of the admin API: read from the store, changed there first and then here. Belongs to the control
 * thread. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct server;
struct tokens;

struct tokens *tokens_new(struct server *server);
void tokens_free(struct tokens *tokens); /* when the store has ended; NULL is fine */
/* What the store of the folder holds. Without one, or while it cannot be read, there are none. */
void tokens_learn(struct tokens *tokens, const char *folder);
/* One that was read later: the store can be read now. */
void tokens_regain(struct tokens *tokens, const char *name, const char *value);
/* It is this now (NULL: gone), because another node said so. */
void tokens_follow(struct tokens *tokens, const char *name, const char *value);

/* See admin_verbs. */
const struct admin_token *server_judge_token(void *context, const char *text, const char **why);
size_t server_list_tokens(void *context, struct arena *arena, struct admin_token **tokens);
int server_change_token(void *context, const struct admin_token_order *order, admin_token_done *done,
                        void *argument);
