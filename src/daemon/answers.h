/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers to requests with an Idempotency-Key, in the store: a mark that it was done with the transaction
 * that does it, and the answer as soon as there is one. A lease each, which the store ends. Private to
 * src/daemon.
 */
#pragma once

struct admin_receipt;
struct arena;
struct server;
struct store_op;

#define ANSWER_KIND "answer" /* of the store's objects */

/* The op that goes with a change. Texts are copied. Returns how many that are: 0 without a receipt. */
unsigned answers_add_op(const struct admin_receipt *receipt, struct arena *arena, struct store_op *op);
/* NULL if there is none. */
const struct admin_receipt *answers_copy(const struct admin_receipt *receipt, struct arena *arena);
/* What the processes before have answered, to the admin API. */
void answers_learn(struct server *server, const char *folder);
/* See admin_verbs. */
void server_keep_answer(void *context, const struct admin_receipt *receipt);
