/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How one node comes by the blocks of something that others have, or are getting as well (doc/cluster.md):
 * who has which, what to ask of whom next, and what to give. Of what a node can ask another one for, it asks
 * for what fewest have, and among those for any, so that nodes that fetch the same thing soon have different
 * parts of it to give to each other; who has all of it is spared what others have as well. Nobody is asked
 * twice for what it has not answered yet, no block of two at once.
 *
 * Who gives counts: each block twice at most, so nobody sends more than twice the whole; who is refused so
 * asks others, soon those as well that have it by then, and who was refused by all for a while says that
 * ("scarce"), and is not. Pure: time is an argument, monotonic milliseconds; the same seed and the same calls
 * do the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SWARM_PEERS_MAX = 32,
    SWARM_BLOCKS_MAX = 1 << 17,
    SWARM_WAITS_MAX = 16,     /* blocks that are awaited, */
    SWARM_ASKED_MAX = 8,      /* … of one peer, */
    SWARM_ASKED_LEAST = 2,    /* … and with many peers: what is asked far ahead others have got by then */
    SWARM_SILENT_MS = 30000,  /* then who gives nothing is not asked for as long, and others are */
    SWARM_SCARCE_MS = 3000,   /* after the last refusal of a block that nobody gives */
    SWARM_GIVEN_MAX = 2,      /* times, a block */
    SWARM_FORGETS_MS = 60000, /* when nobody has asked for so long what was given counts no more */
};

/* ---- getting ---- */

struct swarm;

/* Nothing is here yet. Returns owned. */
struct swarm *swarm_new(uint32_t blocks, uint64_t seed);
void swarm_free(struct swarm *swarm); /* NULL is fine */

/* Peers have numbers, from 0 up to SWARM_PEERS_MAX - 1, of the caller's. Who comes has nothing yet. */
void swarm_come(struct swarm *swarm, unsigned peer);
void swarm_leave(struct swarm *swarm, unsigned peer); /* what it was asked for is to be had elsewhere */
/* It has these, too; what is beyond the end is passed over. */
void swarm_hear_has(struct swarm *swarm, unsigned peer, uint32_t first, uint32_t count);
void swarm_hear_anew(struct swarm *swarm, unsigned peer); /* it has nothing, until it says otherwise */
/* It does not give this one: since it has given it often enough, or does not have it (is_gone). */
void swarm_hear_none(struct swarm *swarm, unsigned peer, uint32_t block, bool is_gone, int64_t now_ms);
/* This one has come from it. False: it is here already, and is not needed; or it was not asked for it, so
 * nobody can fill in what others are to give. */
bool swarm_hear_block(struct swarm *swarm, unsigned peer, uint32_t block, int64_t now_ms);
/* It is here, by other ways. */
void swarm_set(struct swarm *swarm, uint32_t block);
/* It was no good, or may have been: it is not here any more. To be had of one of those who have it, so that
 * what is lost together comes from one alone; of others, too, if that one goes or does not give it. Another
 * `turn` is another one. */
void swarm_lose(struct swarm *swarm, uint32_t block, unsigned turn);

struct swarm_ask {
    unsigned peer;
    uint32_t block;
    bool scarce;
};
/* The next to be asked for, now: it counts as asked for. False: there is nothing to ask; when something is
 * heard, or when swarm_follow_time() says, there may be. */
bool swarm_next(struct swarm *swarm, int64_t now_ms, struct swarm_ask *ask);
/* Who is silent was asked in vain. Returns when this wants to be called again; INT64_MAX: nobody is awaited.
 */
int64_t swarm_follow_time(struct swarm *swarm, int64_t now_ms);

bool swarm_has(const struct swarm *swarm, uint32_t block);
uint32_t swarm_count_missing(const struct swarm *swarm);
uint32_t swarm_count_asked(const struct swarm *swarm); /* for which an answer is awaited */
uint32_t swarm_count_blocks(const struct swarm *swarm);
/* Of what is missing: blocks that nobody has who is there. */
uint32_t swarm_count_unknown(const struct swarm *swarm);

/* ---- giving ---- */

struct swarm_giver {
    uint32_t blocks;
    uint8_t *given; /* times; owned, as what follows */
    uint32_t total; /* of all of them */
    /* Those that are not given any more, in the order in which they became so. */
    uint32_t *tired, tired_count;
    int64_t asked_ms;
};
void swarm_giver_init(struct swarm_giver *giver, uint32_t blocks);
void swarm_giver_fini(struct swarm_giver *giver);
/* Asked for this one, which is here: true: it is to be given, and counts as that. */
bool swarm_giver_may(struct swarm_giver *giver, uint32_t block, bool scarce, int64_t now_ms);
