/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The whole of steerd-etcd: one order, then frames until nobody wants anything any more. */
#pragma once

/* Until the channel or the stream closes; on the only thread that is ours, of a process that does nothing
 * else. Returns 0, or -errno. */
int etcd_serve(int channel);
