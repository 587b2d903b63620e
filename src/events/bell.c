/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bell.h. One write per round of its reader, however many changes there are. */
#include "config.h"

#include "events/bell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_init(struct bell *bell)
{
    atomic_init(&bell->is_awaited, false);
    atomic_init(&bell->has_rung, false);
    bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->fd == -1 ? -errno : 0;
}

void bell_fini(struct bell *bell)
{
    if (bell->fd != -1) {
        (void)close(bell->fd);
        bell->fd = -1;
    }
}

void bell_ring(void *argument)
{
    static const uint64_t one = 1;
    struct bell *bell = argument;
    if (atomic_load_explicit(&bell->is_awaited, memory_order_seq_cst) &&
        !atomic_exchange(&bell->has_rung, true)) {
        (void)!write(bell->fd, &one, sizeof one);
    }
}

void bell_listen(struct bell *bell, bool listens)
{
    atomic_store_explicit(&bell->is_awaited, listens, memory_order_seq_cst);
}

void bell_take(struct bell *bell)
{
    uint64_t count;
    (void)!read(bell->fd, &count, sizeof count);
    atomic_store_explicit(&bell->has_rung, false, memory_order_seq_cst);
}
