/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cut.h. */
#include "config.h"

#include "fleet/cut.h"

#include <string.h>

void fleet_cut_fini(struct fleet_cut *cut)
{
    buffer_fini(&cut->in);
}

bool fleet_cut_next(struct fleet_cut *cut, const char **text, size_t *len)
{
    size_t unseen = cut->in.len - cut->scanned; /* 0: there may be no memory yet */
    const char *at = unseen == 0 ? NULL : memchr(cut->in.bytes + cut->scanned, '\n', unseen);
    if (at == NULL) {
        cut->scanned = cut->in.len;
        return false;
    }
    *text = cut->in.bytes + cut->taken;
    *len = (size_t)(at - *text);
    cut->taken = cut->scanned = (size_t)(at + 1 - cut->in.bytes);
    return true;
}

bool fleet_cut_take(struct fleet_cut *cut, size_t len, const char **octets)
{
    if (cut->in.len - cut->taken < len) {
        return false;
    }
    *octets = cut->in.bytes + cut->taken;
    cut->taken += len;
    cut->scanned = cut->taken;
    return true;
}

size_t fleet_cut_rest(struct fleet_cut *cut)
{
    if (cut->taken != 0) {
        buffer_remove_front(&cut->in, cut->taken);
        cut->scanned -= cut->taken;
        cut->taken = 0;
        buffer_shrink(&cut->in);
    }
    return cut->in.len;
}

void fleet_cut_add(struct fleet_cut *cut, const char *bytes, size_t len)
{
    buffer_add(&cut->in, bytes, len);
}
