/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The calls that steerd-etcd has under way: which member is asked, for how long, who is asked next and
 * whether anybody may be; the token of etcd's authentication; watches, and whether whoever tells them is
 * still there. Calls come as frames, and answers go as frames. Private to steerd-etcd. */
#pragma once

#include "etcd/wire.h"

#include <curl/curl.h>

struct desk;

struct desk *desk_new(CURLM *multi, struct etcd_wire *wire); /* both borrowed */
void desk_free(struct desk *desk);
bool desk_is_full(const struct desk *desk); /* so much is not taken that nothing more should be asked */
/* Returns 0, or -EBADMSG, -EPROTONOSUPPORT: the conversation is over. */
int desk_take(struct desk *desk, const struct etcd_frame *frame);
void desk_settle(struct desk *desk, CURL *easy, CURLcode code); /* one has ended */
void desk_tick(struct desk *desk);                              /* what is due, and what was put off */
int desk_find_wait_ms(const struct desk *desk);                 /* until the next one is due */
