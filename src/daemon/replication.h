/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs about copies of data, and their metrics. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct buffer;
struct view;

size_t server_list_lags(void *context, struct arena *arena, struct admin_lag **items);
int server_report_lag(void *context, const char *from, const char *to, const struct health_lag_report *report,
                      enum health_push_fate *fate);
void replication_print_metrics(const struct view *view, int64_t now_ms, struct buffer *out);
