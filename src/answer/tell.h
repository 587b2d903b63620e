/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who wants to know of answers (tap.h) is told what was said, and what of it was chosen. Private to answer.
 */
#pragma once

#include "answer/work.h"

/* Of the finished reply; len 0: none was sent. drawn: what the tap's draw said. */
void tell_answer(const struct work *w, size_t len, unsigned drawn);
