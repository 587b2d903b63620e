/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One run of a hook: its order, its time, its end. Inside this folder only. */
#pragma once

#include "base/buffer.h"
#include "base/clock.h"
#include "herald/hooks.h"
#include "herald/letter.h"
#include "probe/runner.h"

struct event;
struct hook;
struct round;

/* Why it runs: one of these. */
struct run_occasion {
    const struct letter *letter;
    const struct hooks_occasion *switchover;
    const char *word; /* of an errand: behind its arguments */
};

struct run {
    struct run *next; /* the hook's */
    struct hooks *hooks;
    struct hook *hook;
    struct round *round;                                           /* NULL: no switch waits */
    hooks_told *told;                                              /* of an errand */
    void *argument;                                                /* likewise */
    void (*ended)(struct run *run, const struct hooks_past *past); /* called once */
    struct clock clock;
    struct event_base *base;
    struct runner *runner;
    struct event *timer, *heard;
    int story; /* -1: it is not under way */
    struct buffer order;
    uint32_t timeout_ms;
    int64_t begun_ms;
    struct hooks_past past;
};

struct run *run_new(const struct conf_hook *conf, const struct run_occasion *occasion);
/* Its end comes later, in a turn of the loop. */
void run_begin(struct run *run, struct event_base *base, struct runner *runner);
void run_call_off(struct run *run); /* ends it now */
