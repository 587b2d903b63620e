/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that end later than the real ones, or between them: who does not answer is waited for, and whose
 * verdict hangs on the next check is looked at sooner. A heap per drill, in the lock of the server; the
 * control thread ends what is due. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"

#include <unistd.h>

static bool is_earlier(const struct shadow_due *a, const struct shadow_due *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->monitor < b->monitor;
}

void shadow_add_due(struct shadow *shadow, const struct shadow_due *due)
{
    uint64_t one = 1;
    size_t at = shadow->due_count++;
    for (; at > 0 && is_earlier(due, &shadow->dues[(at - 1) / 2]); at = (at - 1) / 2) {
        shadow->dues[at] = shadow->dues[(at - 1) / 2];
    }
    shadow->dues[at] = *due;
    shadow->is_due[due->monitor] = true;
    if (at == 0) {
        ssize_t written = write(shadow->all->fd, &one, sizeof one);
        (void)written;
    }
}

struct shadow_due shadow_take_due(struct shadow *shadow)
{
    struct shadow_due first = shadow->dues[0], moved = shadow->dues[--shadow->due_count];
    size_t at = 0;
    for (size_t child = 1; child < shadow->due_count; child = 2 * at + 1) {
        if (child + 1 < shadow->due_count && is_earlier(&shadow->dues[child + 1], &shadow->dues[child])) {
            child++;
        }
        if (!is_earlier(&shadow->dues[child], &moved)) {
            break;
        }
        shadow->dues[at] = shadow->dues[child];
        at = child;
    }
    shadow->dues[at] = moved;
    shadow->is_due[first.monitor] = false;
    return first;
}
