/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is written down of a host: see last_hosts.h. */
#include "config.h"

#include "daemon/last_hosts.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "past/last_kinds.h"

#include <string.h>

enum { HOST_AGE_MS = 60000 /* a look-up that brought nothing new is news when the last one is so old */ };

static void write_family(struct cursor *body, const struct view_news *told,
                         const struct view_addresses *addresses, enum view_family family)
{
    cursor_write_u8(body, (uint8_t)told->state);
    cursor_write_i64(body, told->answered_ms);
    cursor_write_u32(body, told->until_s);
    cursor_write_u8(body, (uint8_t)addresses->count[family]);
    for (size_t i = 0; i < addresses->count[family]; i++) {
        cursor_write(body, addresses->items[family][i].bytes, family == VIEW_V4 ? 4 : 16);
    }
}

static uint64_t hash_host(const struct view_host *host, const struct view_addresses *addresses)
{
    uint64_t hash = HASH_START;
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        size_t count = addresses->count[family];
        hash = hash_bytes(hash, &host->told[family].state, sizeof host->told[family].state);
        hash = hash_bytes(hash, addresses->items[family], count * sizeof(struct addr));
    }
    return hash_finish(hash);
}

/* Is there anything new of it that matters? */
static bool is_news(struct last_host *kept, const struct view_host *host,
                    const struct view_addresses *addresses)
{
    bool moved = false, is_old = false;
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        int64_t age_ms = host->told[family].answered_ms - kept->answered_ms[family];
        moved |= age_ms != 0 || host->told[family].state != kept->states[family];
        is_old |= age_ms >= HOST_AGE_MS || age_ms < 0;
    }
    return moved && (is_old || hash_host(host, addresses) != kept->hash);
}

void last_host_add(struct last_host *kept, const struct view_host *hosts, size_t index, bool always,
                   struct buffer *to)
{
    enum { FAMILY = 14 + VIEW_ADDRESSES_MAX * 16, NAME = 255 };
    uint8_t bytes[5 + NAME + VIEW_FAMILIES * FAMILY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct view_host *host = &hosts[index];
    const struct view_addresses *addresses = atomic_load_explicit(&host->addresses, memory_order_relaxed);
    if (!always && !is_news(kept, host, addresses)) {
        return;
    }
    size_t len = strlen(host->conf->name);
    len = len > NAME ? NAME : len;
    cursor_write_u32(&body, (uint32_t)index);
    cursor_write_u8(&body, (uint8_t)len);
    cursor_write(&body, host->conf->name, len);
    for (enum view_family family = VIEW_V4; family < VIEW_FAMILIES; family++) {
        write_family(&body, &host->told[family], addresses, family);
        kept->answered_ms[family] = host->told[family].answered_ms;
        kept->states[family] = (uint8_t)host->told[family].state;
    }
    kept->hash = hash_host(host, addresses);
    health_record_add(to, LAST_HOST, bytes, body.at);
}
