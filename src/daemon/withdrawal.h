/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A server that is cut off (health/contact.h), or that an operator takes out of service, is not to be asked:
 * it stops answering, or has a command withdraw its route ("withdraw" of steerd.json). What it is outlives
 * the process (state/withdrawal). Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "admin/serving.h"

struct buffer;
struct server;
struct view;
struct withdrawal;

/* NULL: no memory. */
struct withdrawal *withdrawal_new(struct server *server);
/* What the process before was, by its file in this folder (NULL: there is none): that is in force from the
 * first answer on, so before serve_start(). */
void withdrawal_begin(struct withdrawal *withdrawal, const char *folder);
/* Queries are answered, and this process is alone: the command may be told how it is. */
void withdrawal_settle(struct withdrawal *withdrawal);
/* Is everything on disk, and no command under way? To be asked before another process begins. */
bool withdrawal_is_calm(const struct withdrawal *withdrawal);
/* Before hooks are closed. NULL is fine, here and below. */
void withdrawal_stop(struct withdrawal *withdrawal);
void withdrawal_free(struct withdrawal *withdrawal);

void withdrawal_fill_verbs(struct admin_serving_verbs *verbs);
/* What is shown beside other things; no texts of the arena (how it is done, and the command). */
void withdrawal_get_note(const struct withdrawal *withdrawal, struct admin_serving *serving);
/* For who explains an answer: what is to be known before it. NULL: nothing. */
const char *withdrawal_explain(const struct admin_serving *serving, struct arena *arena);
void withdrawal_print_metrics(const struct admin_serving *serving, struct buffer *out);
