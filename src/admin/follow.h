/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pages of the journal that wait until there is something on them. Inside this folder only. */
#pragma once

struct admin;

void follow_send_home(struct admin *admin); /* whoever waits is answered now */
void follow_drop_all(struct admin *admin);  /* the server ends: nobody waits any more */
