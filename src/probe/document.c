/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See document.h. */
#include "config.h"

#include "probe/document.h"

#include "probe/check_body.h"
#include "probe/http_body.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_OK = 200 };

void document_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena)
{
    ask->load = arena_share_text(arena, target->load);
    ask->body = check_body_prepare(target, arena);
}

bool document_is_same(const struct check_ask *a, const struct check_ask *b)
{
    return check_body_is_same(a->body, b->body) &&
           (a->load == NULL || b->load == NULL ? a->load == b->load : strcmp(a->load, b->load) == 0);
}

void document_read(const struct check_ask *ask, const char *bytes, size_t len, struct check_end *end)
{
    const struct http_response response = {.status = STATUS_OK, .length = len};
    struct http_seek seek = {.pointer = ask->load, .max = len >= UINT32_MAX ? UINT32_MAX : (uint32_t)len + 1};
    struct http_body body;
    if (ask->load == NULL) {
        return;
    }
    if (ask->body != NULL) {
        seek.wishes = ask->body->wishes;
        seek.wish_count = ask->body->wish_count;
        seek.told_count = ask->body->told_count;
        seek.scans = check_body_make_scans(ask->body);
    }
    http_body_init(&body, &response, &seek);
    http_body_feed(&body, (const uint8_t *)bytes, len);
    end->has_load = body.load == LOAD_FOUND;
    end->load = end->has_load ? body.scan.number : 0;
    end->told = body.told;
    free(seek.scans);
}
