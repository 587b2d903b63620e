/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The proof that a drill on the server that serves moves no answer of others: what steered names answer to
 * clients that are not the drill's is asked twice, by the code that serves, from the same health at the same
 * moment: once as it is served, with the drill, and once from the view as it would be without. What differs
 * is counted, and both are hashed.
 *
 * Health goes on changing meanwhile. A pair between whose halves it did says nothing and is asked again. */
#pragma once

#include "base/sha2.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer_shadows;
struct drill_proof;
struct view;

/* `without`: over the state that serves, and without the drill; borrowed. Each name and type is a question of
 * a round, of which there are up to `most`, evenly out of all. The seed picks clients. Returns owned; NULL:
 * no name is steered. */
struct drill_proof *drill_proof_new(const struct view *without, size_t most, uint64_t seed);
void drill_proof_free(struct drill_proof *proof); /* NULL is fine */

/* Ask up to `count` questions more, none of the round after this one. By a reader of `served`, while that is
 * online. Returns whether the round goes on. */
bool drill_proof_turn(struct drill_proof *proof, const struct view *served,
                      const struct answer_shadows *shadows, uint64_t now_ms, size_t count);
/* Is it what serves, apart from the drill? Else there is nothing to compare any more. */
bool drill_proof_fits(const struct drill_proof *proof, const struct view *served);
/* Questions of a round. */
size_t drill_proof_count(const struct drill_proof *proof);

/* One round. */
struct drill_round {
    uint64_t generation;       /* of health, when it ended */
    bool is_calm;              /* and when it began */
    uint8_t hash[SHA256_SIZE]; /* of what was answered */
};

struct drill_proved {
    uint64_t sampled, differences; /* pairs */
    uint64_t unsettled;            /* that health changed between, again and again: not among those */
    uint64_t rounds;               /* that are complete */
    struct drill_round latest;     /* of them */
    uint8_t hash[SHA256_SIZE], hash_without[SHA256_SIZE]; /* of all answers */
};
void drill_proof_get(const struct drill_proof *proof, struct drill_proved *proved);
