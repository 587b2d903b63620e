/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Challenges of ACME's DNS-01: what operators and their ACME clients have set, in the store first and then in
 * force (answer/challenge.h), until it is cleared or its time is over. Shared by the nodes of a cluster.
 * Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "admin/challenge.h"

#include <jansson.h>

struct answer_challenge_slot;
struct answer_challenges;
struct buffer;
struct challenges;
struct server;

/* NULL: no memory. */
struct challenges *challenges_new(struct server *server);
/* When nobody answers any more and the store has ended; NULL is fine. */
void challenges_free(struct challenges *challenges);
/* Where DNS threads look. */
const struct answer_challenge_slot *challenges_get_slot(const struct challenges *challenges);
/* What is answered now; held, NULL: nothing. */
const struct answer_challenges *challenges_hold(const struct challenges *challenges);

/* What the store of the folder holds is in force (NULL: there is no store, and what holds stays). What cannot
 * be read comes later, by challenges_regain(). */
void challenges_learn(struct challenges *challenges, const char *folder);
void challenges_regain(struct challenges *challenges, const char *key, const char *value);
/* It is this now (NULL: gone), because another node said so; in force with the next challenges_publish(), or
 * soon. */
void challenges_follow(struct challenges *challenges, const char *key, const char *value);
void challenges_publish(struct challenges *challenges);

/* Of a server without a store, for the next process: an item of handed.h of number `at`, owned (NULL: there
 * are no more); and one of them there. Returns whether it was one. */
json_t *challenges_hand(const struct challenges *challenges, size_t at);
bool challenges_take(struct challenges *challenges, const json_t *item);

void challenges_fill_verbs(struct admin_challenge_verbs *verbs);
void challenges_write_metrics(const struct challenges *challenges, struct buffer *out); /* any thread */
