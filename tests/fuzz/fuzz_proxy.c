/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Feeds octets to the reader of PROXY heads: what it says of the whole it has to say of nothing shorter, and
 * never of more than there is. */
#include "config.h"

#include "serve/proxy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_head head = {.len = 0}, shorter;
    enum proxy_state state = proxy_read_head(data, size, &head);
    if (state != PROXY_OK) {
        return 0;
    }
    check(head.len >= 16 && head.len <= size && head.len <= PROXY_HEAD_MAX);
    check(!head.has_client || addr_len(&head.client.addr) != 0);
    check(proxy_read_head(data, head.len, &shorter) == PROXY_OK && shorter.len == head.len);
    check(proxy_read_head(data, head.len - 1, &shorter) == PROXY_HUNGRY);
    return 0;
}
