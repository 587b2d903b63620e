/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of what looks at requests before evhttp does: the first octet is the size of the pieces in which
 * the rest comes. Whatever the pieces, the verdict is the same, and so is the octet that it falls at; what
 * passes has no line in its first head that ends in LF alone, and no NUL. */
#include "config.h"

#include "admin/head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const char *scan(const uint8_t *bytes, size_t len, size_t piece, size_t *where)
{
    struct head_scan scan;
    head_scan_init(&scan);
    for (size_t i = 0; i < len; i += piece) {
        size_t at = 0, size = len - i < piece ? len - i : piece;
        const char *why = head_scan_feed(&scan, bytes + i, size, &at);
        if (why != NULL) {
            expect(at < size);
            *where = i + at;
            return why;
        }
    }
    *where = len;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t piece = len == 0 ? 1 : bytes[0] + 1u, whole_at, pieces_at, ones_at;
    bytes += len != 0;
    len -= len != 0;
    const char *whole = scan(bytes, len, len + 1, &whole_at), *pieces = scan(bytes, len, piece, &pieces_at),
               *ones = scan(bytes, len, 1, &ones_at);
    expect(whole == pieces && whole == ones && whole_at == pieces_at && whole_at == ones_at);
    for (size_t i = 0; i < whole_at; i++) {
        if (i >= 3 && memcmp(bytes + i - 3, "\r\n\r\n", 4) == 0) {
            break;
        }
        expect(bytes[i] != 0 && (bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r')));
    }
    return 0;
}
