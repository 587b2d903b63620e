/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What DNS threads see, for others to look at: dnstap and the query log. A DNS thread draws, copies what it
 * has into a ring of its own, and forgets it; the thread of each of the two takes it from there, so that
 * neither waits for the other one's receiver, and nobody for either. */
#pragma once

#include "answer/tap.h"
#include "conf/taps.h"
#include "tap/channel.h"

#include <stddef.h>

struct taps;

/* For so many DNS threads. Returns owned; nothing runs until it is configured. */
struct taps *taps_new(size_t thread_count);
/* Of each DNS thread, as serve_options wants them; lives as long as taps. */
struct answer_tap *const *taps_list(const struct taps *taps);
/* What steerd.json says now; copied. By one thread, which waits for nobody. */
void taps_configure(struct taps *taps, const struct conf_server *server);
/* Files that were moved away are begun anew now, not within a second. */
void taps_reopen(struct taps *taps);

enum taps_output { TAPS_DNSTAP, TAPS_QUERY_LOG, TAPS_OUTPUTS };
const char *taps_output_text(enum taps_output output); /* "dnstap", "query_log" */
/* What a DNS thread has of it: for benches. */
struct tap_lane *taps_get_lane(const struct taps *taps, size_t thread, enum taps_output output);
void taps_get_stats(const struct taps *taps, enum taps_output output, struct tap_stats *stats);

/* What there is is still written, for 300 ms at the most. The DNS threads have ended. NULL is fine. */
void taps_close(struct taps *taps);
