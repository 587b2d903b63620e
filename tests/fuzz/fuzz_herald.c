/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what outlives the process of webhooks (state/webhooks), and of the orders that steerd-post reads:
 * what is understood is written the same again. The first byte chooses. */
#include "config.h"

#include "base/buffer.h"
#include "herald/box.h"
#include "post/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void try_box(const char *text, size_t len)
{
    struct box box, again;
    struct buffer out, second;
    if (box_parse(text, len, &box) != 0) {
        expect(box.count == 0 && box.items == NULL);
        return;
    }
    buffer_init(&out);
    buffer_init(&second);
    box_write(&box, &out);
    expect(box_parse(out.bytes, out.len, &again) == 0 && again.count == box.count);
    box_write(&again, &second);
    expect(out.len == second.len && memcmp(out.bytes, second.bytes, out.len) == 0);
    box_fini(&box);
    box_fini(&again);
    buffer_fini(&out);
    buffer_fini(&second);
}

static void try_order(const char *bytes, size_t len)
{
    struct post_order order;
    struct buffer out;
    if (post_parse_order(bytes, len, &order) != 0) {
        return;
    }
    buffer_init(&out);
    if (post_write_order(&order, &out) == 0) {
        expect(out.len == len && memcmp(out.bytes, bytes, len) == 0);
    }
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *copy = malloc(size); /* so that every octet beyond is one too many */
    expect(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    (data[0] % 2 == 0 ? try_box : try_order)(copy, size - 1);
    free(copy);
    return 0;
}
