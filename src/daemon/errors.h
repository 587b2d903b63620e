/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What others report of requests that fail: the verbs about it, and its metrics. The feed belongs to the
 * control thread; readers have a copy. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct buffer;
struct reader;
struct view;

size_t server_list_errors(void *context, struct arena *arena, struct admin_errors **items);
int server_report_errors(void *context, const struct errors_report *report, enum health_push_fate *fate);
void errors_print_metrics(const struct reader *reader, const struct view *view, struct buffer *out);
