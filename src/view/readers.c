/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that read the current view, with liburcu's QSBR flavour: they pay two barriers per batch, and who
 * exchanged something waits until every reader that could hold the old one has gone offline or come back
 * online. */
#include "config.h"

#include "view/view.h"

#include "base/sanitizer.h"

#include <urcu-qsbr.h>

/* ThreadSanitizer does not see the library's barriers: tell it what they order. */
static char quiescent;

void view_synchronize(void)
{
    urcu_qsbr_synchronize_rcu();
    SANITIZER_ACQUIRE(&quiescent);
}

void view_reader_register(void)
{
    urcu_qsbr_register_thread();
}

void view_reader_unregister(void)
{
    SANITIZER_RELEASE(&quiescent);
    urcu_qsbr_unregister_thread();
}

void view_reader_online(void)
{
    urcu_qsbr_thread_online();
}

void view_reader_offline(void)
{
    SANITIZER_RELEASE(&quiescent);
    urcu_qsbr_thread_offline();
}
