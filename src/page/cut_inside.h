/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reports that are too long, as values. Private to src/page. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Each course once, with the number of its answers ("course_answers"). Nothing if there are none. */
void cut_merge_courses(json_t *report);
/* So many answers and events stay; "answers_left_out" and "timeline_left_out" count the rest. */
void cut_lists(json_t *report, size_t most);
