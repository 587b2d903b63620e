/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What became of the files that checks look into, for the admin API. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

/* For struct admin_verbs; on any thread. By path, then by format; returns how many. */
size_t server_list_files(void *reader, struct arena *arena, struct admin_file **items);
