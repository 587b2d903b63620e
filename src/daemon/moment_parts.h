/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of moment.h share. Inside of those only. */
#pragma once

#include "daemon/moment.h"

struct report;

/* One more sentence on what cannot be known, and on what held. */
void moment_miss(struct moment *moment, const char *format, ...) __attribute__((format(printf, 2, 3)));
void moment_say(struct moment *moment, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Notes why, and returns an error that says no more than that. why NULL: what the error says. */
int moment_fail(struct moment *moment, int error, const char *why);

/* ---- moment_files.c: the configuration ---- */

/* Which one served then: moment->manifest, and what is told of it. */
int moment_find_files(struct moment *moment);
void moment_free_files(struct moment *moment);
/* The view of it, in which nothing is known yet. */
int moment_load_files(struct moment *moment, struct report *report);

/* ---- moment_words.c ---- */

/* Did an az or region above it decide? */
bool moment_is_inherited(enum health_decider decided_by, enum health_kind kind);

/* "2026-11-22 14:03:00Z", as people read it. Returns out. */
const char *moment_write_time(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* Where the answer came from. */
void moment_tell_answer(struct moment *moment, const struct operate_explanation *explanation);
/* What held then: the configuration, overrides, and who was lost. */
void moment_tell(struct moment *moment, const struct view *view);
