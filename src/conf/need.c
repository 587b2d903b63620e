/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A number of endpoints and a share are told apart by how they are written. "1.0" could be either, so it is
 * neither. */
#include "config.h"

#include "conf/need.h"

#include "conf/value.h"

#include <jansson.h>

static const char expected[] =
    "a number of endpoints, such as 2, or a share of the tier, such as \"50%\" or 0.5";

struct conf_need need_get(const struct doc_node *object, const char *key)
{
    static const uint32_t counts[2] = {1, 65535};
    struct conf_need need = {.share = 0};
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return need;
    }
    if (json_is_integer(node.value)) {
        (void)doc_read_number(&node, counts, &need.count);
    } else if (json_is_real(node.value)) {
        double share = json_real_value(node.value);
        if (share == 1) {
            doc_error(&node, "found 1.0, expected 1 for one endpoint or \"100%%\" for all of the tier");
        } else if (share > 0 && share < 1) {
            need.share = share;
        } else {
            doc_error_expected(&node, expected);
        }
    } else if (!doc_is_text(&node) || value_parse_percent(doc_text(&node), &need.share) != 0) {
        doc_error_expected(&node, expected);
    }
    return need;
}
