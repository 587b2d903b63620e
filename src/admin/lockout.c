/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See lockout.h. An address has one of four places, by a hash that nobody outside can foresee. */
#include "config.h"

#include "admin/lockout.h"

#include <string.h>

void lockout_init(struct lockout *lockout, uint64_t secret)
{
    memset(lockout, 0, sizeof *lockout);
    lockout->secret = secret;
}

static struct addr get_key(const struct addr *from)
{
    enum { SHARED_V6 = 64 };
    struct addr key = *from;
    if (key.family == ADDR_V6) {
        addr_mask(&key, SHARED_V6);
    }
    return key;
}

static size_t find_set(const struct lockout *lockout, const struct addr *key)
{
    uint64_t hash = lockout->secret ^ key->family;
    for (size_t i = 0; i < addr_len(key); i++) {
        hash = (hash ^ key->bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash % LOCKOUT_SETS;
}

static const struct lockout_entry *find(const struct lockout *lockout, const struct addr *key)
{
    const struct lockout_entry *set = lockout->entries[find_set(lockout, key)];
    for (size_t i = 0; i < LOCKOUT_WAYS; i++) {
        if (set[i].who.family == key->family && addr_equal(&set[i].who, key)) {
            return &set[i];
        }
    }
    return NULL;
}

int64_t lockout_get_wait_ms(const struct lockout *lockout, const struct addr *from, int64_t now_ms)
{
    struct addr key = get_key(from);
    const struct lockout_entry *entry = find(lockout, &key);
    return entry == NULL || entry->until_ms <= now_ms ? 0 : entry->until_ms - now_ms;
}

/* Its own, or that of who has been silent longest. */
static struct lockout_entry *take(struct lockout *lockout, const struct addr *key)
{
    struct lockout_entry *set = lockout->entries[find_set(lockout, key)], *oldest = set;
    for (size_t i = 0; i < LOCKOUT_WAYS; i++) {
        if (set[i].who.family == key->family && addr_equal(&set[i].who, key)) {
            return &set[i];
        }
        bool is_older = set[i].who.family == ADDR_NONE || set[i].last_ms < oldest->last_ms;
        oldest = oldest->who.family != ADDR_NONE && is_older ? &set[i] : oldest;
    }
    *oldest = (struct lockout_entry){.who = *key};
    return oldest;
}

void lockout_note_bad(struct lockout *lockout, const struct addr *from, int64_t now_ms)
{
    struct addr key = get_key(from);
    struct lockout_entry *entry = take(lockout, &key);
    if (now_ms - entry->last_ms >= LOCKOUT_FORGET_MS) {
        entry->bad = 0;
    }
    entry->last_ms = now_ms;
    entry->bad += entry->bad < UINT32_MAX;
    if (entry->bad <= LOCKOUT_FREE) {
        return;
    }
    uint32_t doubled = entry->bad - LOCKOUT_FREE - 1;
    int64_t wait_ms = doubled >= 6 ? LOCKOUT_MOST_MS : (int64_t)LOCKOUT_FIRST_MS << doubled;
    bool is_friend = entry->good_ms != 0 && now_ms - entry->good_ms < LOCKOUT_FRIEND_FOR_MS;
    int64_t most_ms = is_friend ? LOCKOUT_FRIEND_MS : LOCKOUT_MOST_MS;
    entry->until_ms = now_ms + (wait_ms < most_ms ? wait_ms : most_ms);
}

void lockout_note_good(struct lockout *lockout, const struct addr *from, int64_t now_ms)
{
    struct addr key = get_key(from);
    struct lockout_entry *entry = take(lockout, &key);
    entry->last_ms = now_ms;
    entry->good_ms = now_ms;
    entry->bad = 0;
    entry->until_ms = 0;
}
