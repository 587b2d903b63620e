/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerd does beside serving. Private to src/daemon. */
#pragma once

struct view;

/* Write a zone of the view (origin with or without final dot, any case) to standard output as a master file:
 * SOA first, then in canonical order, with absolute names; steered records as comments. Returns the exit
 * code; why it is not 0 is on standard error. */
int dump_zone(const struct view *view, const char *origin);
