/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A connection to GET /v1/events, by the socket or from elsewhere, that is read as it comes in: by whoever
 * has other things to wait for as well. The server says something every few seconds: one that is silent for
 * longer is not there any more, whatever the connection looks like. */
#pragma once

#include "ctl/http.h"
#include "ctl/sse.h"
#include "ctl/steerctl.h"

#include "base/clock.h"

enum { TAIL_SILENCE_MS = 60000 };

struct tail {
    int fd; /* to wait for; -1: there is none */
    struct clock clock;
    int64_t heard_ms; /* when something came in */
    struct http_answer answer;
    struct sse sse;
};

/* Asks for the target. False: nobody is there, and why is appended to; then only to be closed, too. */
bool tail_open(const struct steerctl *ctl, const char *target, struct tail *tail, struct buffer *why);
/* Calls take() for what has come in; does not wait. HTTP_MORE: more may come. To be called now and then also
 * when nothing comes: it ends when that has been so for too long. */
enum http_progress tail_read(struct tail *tail, void (*take)(void *context, const struct sse_event *event),
                             void *context);
void tail_close(struct tail *tail);
