/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The block behind results.h, counted: machines share it. Inside of src/health only. NULL: nothing is kept.
 */
#pragma once

#include "health/results.h"

struct health_results;

struct health_results *health_results_new(uint32_t count); /* returns held */
struct health_results *health_results_hold(struct health_results *results);
void health_results_release(struct health_results *results);
void health_results_note(struct health_results *results, uint32_t monitor, const struct health_result *result,
                         int64_t next_ms);
size_t health_results_read(const struct health_results *results, uint32_t monitor, struct health_result *to,
                           size_t max, int64_t *next_ms);
void health_results_note_text(struct health_results *results, uint32_t monitor, const char *text);
void health_results_read_text(const struct health_results *results, uint32_t monitor,
                              char text[HEALTH_TEXT_SIZE]);
/* What was noted there counts here from now on. Both for themselves, and nobody reads `to` yet. */
void health_results_carry(struct health_results *to, uint32_t monitor, const struct health_results *from,
                          uint32_t old);
