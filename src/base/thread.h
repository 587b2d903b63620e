/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every thread of the house begins with, and waiting by the monotonic clock. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* As pthread_create(): 0, or an errno above 0. The thread takes no signals, they are the control thread's. */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* A condition whose timed waits go by the monotonic clock, and a time so far from now for them. */
void thread_init_cond(pthread_cond_t *cond);
struct timespec thread_after_ms(int64_t ms);
