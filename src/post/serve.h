/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The whole of steerd-post: requests are sent until nobody wants any more. */
#pragma once

/* Until the channel closes; on the only thread that is ours, of a process that does nothing else. Returns 0,
 * or -errno. */
int post_serve(int channel);
