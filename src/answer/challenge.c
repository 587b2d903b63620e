/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See challenge.h. One table of all names and those above them, by hash; the records of a name are rendered
 * ahead, so that the answer is a copy. */
#include "config.h"

#include "answer/challenge.h"

#include "answer/negative.h"
#include "answer/rrset.h"
#include "answer/work.h"
#include "base/arena.h"
#include "dns/key.h"
#include "dns/name.h"

#include <string.h>

enum {
    RECORD_HEAD = 12, /* owner (a pointer), type, class, TTL, length */
    RECORD_LEN = RECORD_HEAD + 1 + ANSWER_CHALLENGE_LEN,
    TTL = 0,
};

/* A name with challenges, or one above such a name. */
struct challenge {
    const uint8_t *name; /* wire, lower case; NULL: a free slot */
    uint64_t hash;
    const uint8_t *records; /* of RECORD_LEN each */
    uint16_t len, count;    /* of the name; of the records, 0: there are none */
};

struct answer_challenges {
    _Atomic uint32_t holders;
    struct arena *arena; /* this, too */
    size_t mask;
    struct challenge *slots; /* open addressing, at most half full */
};

/* ---- sets ---- */

/* Where it is, or would be. */
static struct challenge *seek(const struct answer_challenges *challenges, const uint8_t *name, size_t len,
                              uint64_t hash)
{
    size_t at = hash >> 32 & challenges->mask;
    struct challenge *slot = &challenges->slots[at];
    while (slot->name != NULL &&
           (slot->hash != hash || slot->len != len || memcmp(slot->name, name, len) != 0)) {
        at = (at + 1) & challenges->mask;
        slot = &challenges->slots[at];
    }
    return slot;
}

static uint8_t *render(struct arena *arena, const struct answer_challenge *from)
{
    uint8_t *records = arena_alloc_bytes(arena, from->value_count * RECORD_LEN), *at = records;
    for (size_t i = 0; i < from->value_count; i++, at += RECORD_LEN) {
        memset(at, 0, RECORD_HEAD); /* the TTL with it */
        reply_put_pointer(at, REPLY_QUESTION_AT);
        reply_put16(at + 2, DNS_TYPE_TXT);
        reply_put16(at + 4, DNS_CLASS_IN);
        reply_put16(at + RECORD_HEAD - 2, RECORD_LEN - RECORD_HEAD);
        at[RECORD_HEAD] = ANSWER_CHALLENGE_LEN;
        memcpy(at + RECORD_HEAD + 1, from->values[i], ANSWER_CHALLENGE_LEN);
    }
    return records;
}

/* The name and all above it, but the root. */
static void add(struct answer_challenges *challenges, const struct answer_challenge *from)
{
    struct dns_key key;
    size_t len = dns_key_fill(&key, from->owner, DNS_NAME_MAX);
    const uint8_t *name = arena_copy(challenges->arena, key.name, len);
    for (unsigned label = 0; label < key.labels; label++) {
        size_t rest = len - key.at[label];
        uint64_t hash = dns_key_hash_suffix(&key, label);
        struct challenge *slot = seek(challenges, name + key.at[label], rest, hash);
        bool is_known = slot->name != NULL;
        slot->name = name + key.at[label];
        slot->hash = hash;
        slot->len = (uint16_t)rest;
        if (label == 0) {
            slot->records = render(challenges->arena, from);
            slot->count = (uint16_t)from->value_count;
        } else if (is_known) {
            return; /* so are those above it */
        }
    }
}

struct answer_challenges *answer_challenges_new(const struct answer_challenge *list, size_t count)
{
    size_t names = 0, size = 2;
    if (count == 0) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        names += dns_name_labels(list[i].owner);
    }
    while (size < 2 * names) {
        size *= 2;
    }
    struct arena *arena = arena_new(0);
    struct answer_challenges *challenges = arena_alloc(arena, sizeof *challenges);
    *challenges = (struct answer_challenges){.holders = 1, .arena = arena, .mask = size - 1};
    challenges->slots = arena_alloc(arena, size * sizeof *challenges->slots);
    for (size_t i = 0; i < count; i++) {
        add(challenges, &list[i]);
    }
    return challenges;
}

/* All but the count of holders never changes. */
static struct answer_challenges *find_owner(const struct answer_challenges *challenges)
{
    return (struct answer_challenges *)(uintptr_t)challenges;
}

const struct answer_challenges *answer_challenges_hold(const struct answer_challenges *challenges)
{
    if (challenges != NULL) {
        atomic_fetch_add_explicit(&find_owner(challenges)->holders, 1, memory_order_relaxed);
    }
    return challenges;
}

void answer_challenges_release(const struct answer_challenges *challenges)
{
    if (challenges != NULL &&
        atomic_fetch_sub_explicit(&find_owner(challenges)->holders, 1, memory_order_acq_rel) == 1) {
        arena_free(challenges->arena);
    }
}

size_t answer_challenges_count(const struct answer_challenges *challenges, const uint8_t *name)
{
    struct dns_key key;
    if (challenges == NULL || dns_key_fill(&key, name, DNS_NAME_MAX) == 0) {
        return 0;
    }
    return seek(challenges, key.name, key.len, dns_key_hash_suffix(&key, 0))->count;
}

/* ---- answers ---- */

static bool put_records(struct work *w, const struct challenge *challenge, uint16_t owner)
{
    struct reply *reply = &w->reply;
    size_t len = (size_t)challenge->count * RECORD_LEN;
    if (reply->at + len > reply->limit) {
        return false;
    }
    memcpy(reply->out + reply->at, challenge->records, len);
    for (size_t i = 0; i < challenge->count && owner != REPLY_QUESTION_AT; i++) {
        reply_put_pointer(reply->out + reply->at + i * RECORD_LEN, owner);
    }
    reply->at += len;
    reply->counts[REPLY_ANSWER] = (uint16_t)(reply->counts[REPLY_ANSWER] + challenge->count);
    return true;
}

/* What the zone has at the name is of the same RRset, so it has the same TTL (RFC 2181 section 5.2); what a
 * policy or who asks would decide is not there for as long. */
static void put_all(struct work *w, const struct zone *zone, const struct zone_node *node,
                    const struct challenge *challenge, struct reply_place place)
{
    size_t from = w->reply.at;
    const struct zone_rrset *beside = node == NULL ? NULL : zone_find_rrset(node, DNS_TYPE_TXT);
    bool is_fixed = beside != NULL && (beside->flags & (ZONE_RRSET_STEERED | ZONE_RRSET_WHOAMI)) == 0;
    if ((is_fixed && !rrset_put(w, zone, beside, place)) || !put_records(w, challenge, place.owner)) {
        work_truncate(w);
        return;
    }
    if (is_fixed) {
        reply_limit_ttl(&w->reply, from, TTL);
    }
}

static bool answer_name(struct work *w, const struct zone *zone, struct target target,
                        const struct challenge *challenge)
{
    uint32_t at = zone_find_node(zone, target.key);
    const struct zone_lookup found = zone_look_up(zone, target.key, at);
    const struct zone_node *node = at == 0 ? NULL : found.node;
    uint16_t qtype = w->query.qtype;
    if (found.cut != NULL || (node != NULL && zone_find_rrset(node, DNS_TYPE_CNAME) != NULL)) {
        return false;
    }
    struct reply_place place = {.owner = target.name_at, .apex_at = work_find_apex(w, zone, target)};
    if (qtype == DNS_TYPE_TXT || qtype == DNS_TYPE_ANY) {
        put_all(w, zone, node, challenge, place);
        return true;
    }
    if (node == NULL) {
        negative_add(w, zone, place.apex_at);
    }
    return node == NULL;
}

static bool answer_above(struct work *w, const struct zone *zone, struct target target)
{
    uint32_t at = zone_find_node(zone, target.key);
    const struct zone_lookup found = zone_look_up(zone, target.key, at);
    if (found.node != NULL || found.cut != NULL) {
        return false;
    }
    negative_add(w, zone, work_find_apex(w, zone, target));
    return true;
}

bool challenge_answer(struct work *w, const struct zone *zone, struct target target)
{
    const struct dns_key *key = target.key;
    const struct challenge *found =
        seek(w->context->aside->challenges, key->name, key->len, dns_key_hash_suffix(key, 0));
    if (found->name == NULL) {
        return false;
    }
    return found->count != 0 ? answer_name(w, zone, target, found) : answer_above(w, zone, target);
}
