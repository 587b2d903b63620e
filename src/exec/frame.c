/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See frame.h. */
#include "config.h"

#include "exec/frame.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "exec/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void exec_begin_order(struct buffer *to, uint32_t output_max, size_t words, size_t variables)
{
    const struct exec_order_head head = {.version = EXEC_VERSION,
                                         .output_max = output_max,
                                         .word_count = (uint32_t)words,
                                         .variable_count = (uint32_t)variables};
    buffer_add(to, &head, sizeof head);
}

/* The next `count` texts. Returns what is behind them, or NULL. */
static char *take_texts(char *at, const char *end, char **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *behind = at == end ? NULL : memchr(at, '\0', (size_t)(end - at));
        if (behind == NULL) {
            return NULL;
        }
        list[i] = at;
        at = behind + 1;
    }
    return at;
}

int exec_parse_order(char *bytes, size_t len, struct exec_order *order)
{
    struct exec_order_head head;
    *order = (struct exec_order){.words = NULL};
    if (len < sizeof head) {
        return -EBADMSG;
    }
    memcpy(&head, bytes, sizeof head);
    if (head.version != EXEC_VERSION) {
        return -EPROTONOSUPPORT;
    }
    if (head.word_count == 0 || head.word_count > EXEC_WORDS_MAX || head.variable_count > EXEC_WORDS_MAX ||
        (head.output_max & ~EXEC_KEEPS_END) > EXEC_OUTPUT_MOST) {
        return -EBADMSG;
    }
    order->output_max = head.output_max & ~EXEC_KEEPS_END;
    order->keeps_end = (head.output_max & EXEC_KEEPS_END) != 0;
    order->word_count = head.word_count;
    order->variable_count = head.variable_count;
    order->words = memory_alloc_array(head.word_count + 1, sizeof(char *));
    order->variables = memory_alloc_array(head.variable_count + 1, sizeof(char *));
    char *end = bytes + len, *at = take_texts(bytes + sizeof head, end, order->words, order->word_count);
    at = at == NULL ? NULL : take_texts(at, end, order->variables, order->variable_count);
    if (at != end) {
        exec_free_order(order);
        return -EBADMSG;
    }
    return 0;
}

void exec_free_order(struct exec_order *order)
{
    free(order->words);
    free(order->variables);
    *order = (struct exec_order){.words = NULL};
}
