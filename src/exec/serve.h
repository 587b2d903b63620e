/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The whole of steerd-exec: commands are started, heard, and ended, until nobody wants any more. */
#pragma once

/* Until the channel closes; on the only thread of a process that does nothing else. Returns 0, or -errno. */
int exec_serve(int channel);
