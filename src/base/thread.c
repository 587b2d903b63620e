/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all); /* a thread begins with the mask of the one that creates it */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void thread_init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct timespec thread_after_ms(int64_t ms)
{
    enum { MS = 1000, NS_PER_MS = 1000000, NS = 1000000000 };
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + ms % MS * NS_PER_MS;
    at.tv_sec += (time_t)(ms / MS + ns / NS);
    at.tv_nsec = (long)(ns % NS);
    return at;
}
