/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What readers may still use, to be freed when they do not: a thread waits for the grace period and does the
 * freeing, which takes long for a large view, so that nobody else has to. Owned by the control thread; things
 * come from any. */
#pragma once

struct reclaim;

/* 0 and owned, or -errno. */
int reclaim_open(struct reclaim **reclaim);
/* When everything is freed. NULL is fine. */
void reclaim_close(struct reclaim *reclaim);
/* From now on nobody finds the thing any more. Takes it: `free_thing` is called on the thread after a grace
 * period. NULL is fine. */
void reclaim_add(struct reclaim *reclaim, void *thing, void (*free_thing)(void *thing));
