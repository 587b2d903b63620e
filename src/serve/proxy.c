/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See proxy.h; the specification is "The PROXY protocol, versions 1 & 2", section 2.2. What it does not
 * define is refused, as it demands: other versions and commands. TLVs are skipped. */
#include "config.h"

#include "serve/proxy.h"

#include "base/cursor.h"

enum {
    VERSION_AND_COMMAND_LOCAL = 0x20,
    VERSION_AND_COMMAND_PROXY = 0x21,
    FAMILY_UNSPEC = 0,
    FAMILY_INET = 1,
    FAMILY_INET6 = 2,
    FAMILY_UNIX = 3,
    FAMILY_SHIFT = 4, /* the transport is in the low bits: a stub may well pass datagrams on by a stream */
};

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* What a proxy hears of that listens on [::]. As IPv6 all of IPv4 would share one limit. */
static void unmap(struct addr *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (addr->family == ADDR_V6 && memcmp(addr->bytes, mapped, sizeof mapped) == 0) {
        struct addr inner = {.family = ADDR_V4};
        memcpy(inner.bytes, addr->bytes + sizeof mapped, 4);
        *addr = inner;
    }
}

/* Source and destination, then their ports. */
static bool read_client(struct cursor *c, enum addr_family family, struct addr_port *client)
{
    size_t len = family == ADDR_V4 ? 4 : 16;
    const uint8_t *source = cursor_take(c, len);
    (void)cursor_take(c, len);
    *client = (struct addr_port){.addr.family = (uint8_t)family, .port = cursor_read_u16(c)};
    (void)cursor_read_u16(c);
    if (c->failed) {
        return false;
    }
    memcpy(client->addr.bytes, source, len);
    unmap(&client->addr);
    return true;
}

static bool read_body(struct cursor *c, unsigned command, unsigned family, struct proxy_head *head)
{
    head->has_client = false;
    if (command == VERSION_AND_COMMAND_LOCAL || family == FAMILY_UNSPEC || family == FAMILY_UNIX) {
        return true;
    }
    head->has_client = true;
    return family <= FAMILY_INET6 && read_client(c, family == FAMILY_INET ? ADDR_V4 : ADDR_V6, &head->client);
}

enum proxy_state proxy_read_head(const uint8_t *bytes, size_t len, struct proxy_head *head)
{
    struct cursor c = cursor_init_const(bytes, len);
    size_t known = len < sizeof signature ? len : sizeof signature;
    if (memcmp(bytes, signature, known) != 0) {
        return PROXY_BAD;
    }
    (void)cursor_take(&c, sizeof signature);
    unsigned command = cursor_read_u8(&c), family = cursor_read_u8(&c) >> FAMILY_SHIFT;
    size_t body = cursor_read_u16(&c);
    if (c.failed) {
        return PROXY_HUNGRY;
    }
    head->len = c.at + body;
    if ((command != VERSION_AND_COMMAND_LOCAL && command != VERSION_AND_COMMAND_PROXY) ||
        head->len > PROXY_HEAD_MAX) {
        return PROXY_BAD;
    }
    if (head->len > len) {
        return PROXY_HUNGRY;
    }
    c.len = head->len;
    return read_body(&c, command, family, head) ? PROXY_OK : PROXY_BAD;
}
