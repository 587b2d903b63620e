/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signals, and the end. A thread of its own reads the signals, so that they are heard whatever the control
 * thread is doing, from the first moment on. SIGTERM and SIGINT call off what is being loaded and wake the
 * control thread, which stops everything; if that has not happened a moment later, the thread says in
 * the log what was waited for and ends the process with the same code: nothing that matters is unsaved then.
 * SIGHUP is remembered until somebody takes it; several are one.
 *
 * Made before any other thread, so that all of them inherit the mask. */
#pragma once

#include "base/progress.h"

#include <stdbool.h>

struct ends;
struct event_base;

/* woken: called on the thread of the base after each signal. 0 and owned, or a negative error. */
int ends_open(struct event_base *base, void (*woken)(void *context), void *context, struct ends **ends);
/* Everything has ended, or the process is not going to serve at all. NULL is fine. */
void ends_close(struct ends *ends);

bool ends_is_stopping(const struct ends *ends);
/* Cancelled when the process is to end. */
const struct progress *ends_get_progress(const struct ends *ends);
bool ends_take_hangup(struct ends *ends);
/* What the control thread does next, for the log, if it does not come back from it: a constant. */
void ends_note(struct ends *ends, const char *what);
