/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See frame.h. */
#include "config.h"

#include "post/frame.h"

#include "base/buffer.h"

#include <errno.h>
#include <string.h>

int post_write_order(const struct post_order *order, struct buffer *to)
{
    const struct post_order_head head = {.version = POST_VERSION,
                                         .timeout_ms = order->timeout_ms,
                                         .header_count = (uint32_t)order->header_count,
                                         .body_len = (uint32_t)order->body_len};
    size_t texts = strlen(order->url) + strlen(order->ca) + 2;
    for (size_t i = 0; i < order->header_count && i < POST_HEADERS_MAX; i++) {
        texts += strlen(order->headers[i]) + 1;
    }
    if (texts > POST_TEXTS_MAX || order->body_len > POST_BODY_MAX || order->header_count > POST_HEADERS_MAX) {
        return -EMSGSIZE;
    }
    buffer_add(to, &head, sizeof head);
    buffer_add(to, order->url, strlen(order->url) + 1);
    buffer_add(to, order->ca, strlen(order->ca) + 1);
    for (size_t i = 0; i < order->header_count; i++) {
        buffer_add(to, order->headers[i], strlen(order->headers[i]) + 1);
    }
    buffer_add(to, order->body, order->body_len);
    return 0;
}

/* NULL: it has no end. */
static const char *take_text(const char **at, const char *end)
{
    const char *text = *at;
    const char *behind = text == end ? NULL : memchr(text, '\0', (size_t)(end - text));
    *at = behind == NULL ? end : behind + 1;
    return behind == NULL ? NULL : text;
}

int post_parse_order(const char *bytes, size_t len, struct post_order *order)
{
    struct post_order_head head;
    *order = (struct post_order){.url = NULL};
    if (len < sizeof head) {
        return -EBADMSG;
    }
    memcpy(&head, bytes, sizeof head);
    if (head.version != POST_VERSION) {
        return -EPROTONOSUPPORT;
    }
    if (head.header_count > POST_HEADERS_MAX || head.body_len > POST_BODY_MAX ||
        len - sizeof head < head.body_len) {
        return -EBADMSG;
    }
    const char *at = bytes + sizeof head, *end = bytes + len - head.body_len;
    order->timeout_ms = head.timeout_ms;
    order->url = take_text(&at, end);
    order->ca = take_text(&at, end);
    const char *last = order->ca;
    for (size_t i = 0; i < head.header_count && last != NULL; i++) {
        last = order->headers[i] = take_text(&at, end);
    }
    order->header_count = head.header_count;
    order->body = end;
    order->body_len = head.body_len;
    return order->url == NULL || last == NULL || at != end ? -EBADMSG : 0;
}
