/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that are started, work and are joined. */
#include "config.h"

#include "base/parallel.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

struct hand {
    pthread_t thread;
    struct memory_reserve *reserve; /* the caller's */
    void (*work)(void *context, unsigned index);
    void *context;
    unsigned index;
};

unsigned parallel_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int count = sched_getaffinity(0, sizeof set, &set) == -1 ? 0 : CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

static void *run(void *argument)
{
    const struct hand *hand = argument;
    memory_use_reserve(hand->reserve);
    hand->work(hand->context, hand->index);
    return NULL;
}

void parallel_run(unsigned count, void (*work)(void *context, unsigned index), void *context)
{
    struct hand *hands = memory_alloc_array(count, sizeof *hands);
    sigset_t all, before;
    unsigned started = 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; started < count; started++) {
        hands[started] = (struct hand){
            .reserve = memory_get_reserve(), .work = work, .context = context, .index = started};
        if (pthread_create(&hands[started].thread, NULL, run, &hands[started]) != 0) {
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(context, 0);
    for (unsigned i = 1; i < started; i++) {
        pthread_join(hands[i].thread, NULL);
    }
    free(hands);
}
