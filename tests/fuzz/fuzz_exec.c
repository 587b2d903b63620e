/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of orders to steerd-exec, and of what is filled into arguments. Beyond not crashing: what is taken
 * has all its texts within the bytes, up to the last of them, and what is filled with itself stays as it
 * was. */
#include "config.h"

#include "base/buffer.h"
#include "exec/ask.h"
#include "exec/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void look_at_word(const char *word)
{
    static const struct exec_names none = {.address = NULL};
    struct buffer filled;
    size_t len;
    buffer_init(&filled);
    exec_fill(word, &none, &filled);
    demand(filled.len == strlen(word) && (filled.len == 0 || memcmp(filled.bytes, word, filled.len) == 0));
    const char *strange = exec_find_strange(word, &len);
    demand(strange == NULL || (strange >= word && strange + len <= word + strlen(word) && len >= 4));
    buffer_fini(&filled);
}

static void look_at_order(const struct exec_order *order, const char *bytes, size_t len)
{
    const char *at = bytes + sizeof(struct exec_order_head);
    for (size_t i = 0; i < order->word_count + order->variable_count; i++) {
        const char *text = i < order->word_count ? order->words[i] : order->variables[i - order->word_count];
        demand(text == at);
        look_at_word(text);
        at += strlen(text) + 1;
    }
    demand(at == bytes + len);
    demand(order->words[order->word_count] == NULL && order->variables[order->variable_count] == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len + (len == 0)); /* so that a sanitizer sees its end */
    struct exec_order order;
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, len);
    if (exec_parse_order(copy, len, &order) == 0) {
        look_at_order(&order, copy, len);
        exec_free_order(&order);
    }
    free(copy);
    return 0;
}
