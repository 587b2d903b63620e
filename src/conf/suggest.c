/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The nearest name by edit distance, and a short list. */
#include "config.h"

#include "conf/suggest.h"

#include "base/words.h"
#include "conf/doc.h"

#include <string.h>

enum { LOOKED_AT_MAX = 4096, LISTED_MAX = 8 };

static const char *get_name(const struct suggest_list *list, size_t index)
{
    const char *name;
    memcpy(&name, (const char *)list->items + index * list->size, sizeof name);
    return name;
}

static void write_nearest(const char *found, const struct suggest_list *lists, size_t list_count,
                          struct buffer *to)
{
    struct words_nearest nearest = {.found = found};
    size_t looked_at = 0;
    for (size_t l = 0; l < list_count; l++) {
        for (size_t i = 0; i < lists[l].count && looked_at < LOOKED_AT_MAX; i++, looked_at++) {
            words_offer(&nearest, get_name(&lists[l], i));
        }
    }
    const char *best = words_nearest(&nearest);
    if (best != NULL) {
        buffer_print(to, ", did you mean \"%s\"?", best);
    }
}

void suggest_write(const char *found, const struct suggest_list *lists, size_t list_count, struct buffer *to)
{
    size_t listed = 0, total = 0;
    buffer_add_text(to, "");
    write_nearest(found, lists, list_count, to);
    for (size_t l = 0; l < list_count; l++) {
        total += lists[l].count;
        for (size_t i = 0; i < lists[l].count && listed < LISTED_MAX; i++, listed++) {
            const char *before = listed > 0 ? ", " : to->len > 0 ? " There are " : "; there are ";
            buffer_print(to, "%s\"%.100s\"", before, get_name(&lists[l], i));
        }
    }
    if (total == 0) {
        buffer_add_text(to, "; there are none");
    } else if (total > listed) {
        buffer_print(to, " and %zu more", total - listed);
    }
}

void suggest_report(const struct doc_node *node, const char *kind, const struct suggest_list *list)
{
    struct buffer words;
    if (!doc_wants_detail(node->doc)) {
        doc_error(node, "no %s", kind);
        return;
    }
    buffer_init(&words);
    suggest_write(doc_text(node), list, 1, &words);
    doc_error(node, "no %s \"%.100s\"%s", kind, doc_text(node), words.bytes);
    buffer_fini(&words);
}
