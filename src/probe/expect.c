/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See expect.h. Knuth, Morris and Pratt: each octet is looked at once, and none is kept. */
#include "config.h"

#include "probe/expect.h"

#include <assert.h>
#include <string.h>

void expect_init(struct expect *expect, const uint8_t *octets, size_t len)
{
    assert(len != 0 && len <= EXPECT_LEN_MAX);
    *expect = (struct expect){.len = (uint8_t)len, .read_max = EXPECT_READ_MAX};
    memcpy(expect->octets, octets, len);
    uint8_t matched = 0;
    for (size_t i = 1; i < len; i++) {
        while (matched != 0 && octets[i] != octets[matched]) {
            matched = expect->falls_to[matched - 1];
        }
        matched = (uint8_t)(matched + (octets[i] == octets[matched]));
        expect->falls_to[i] = matched;
    }
}

enum expect_progress expect_feed(struct expect_scan *scan, const struct expect *expect, const uint8_t *octets,
                                 size_t len)
{
    for (size_t i = 0; i < len && scan->read < expect->read_max; i++) {
        scan->read++;
        while (scan->matched != 0 && octets[i] != expect->octets[scan->matched]) {
            scan->matched = expect->falls_to[scan->matched - 1];
        }
        scan->matched = (uint8_t)(scan->matched + (octets[i] == expect->octets[scan->matched]));
        if (scan->matched == expect->len) {
            return EXPECT_FOUND;
        }
    }
    return scan->read == expect->read_max ? EXPECT_ABSENT : EXPECT_MORE;
}

bool expect_is_same(const struct expect *a, const struct expect *b)
{
    return a == NULL || b == NULL ? a == b : a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}
