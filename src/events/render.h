/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A change as JSON, on one line: what the event stream, webhooks and hooks show of it, the same for all. */
#pragma once

#include "events/change.h"

struct buffer;

/* {"seq":12,"time":"2026-11-21T04:05:06.789Z","kind":"health","name":"region:us-east","actor":…,"body":{…}}
 * Members that a change does not have are left out, except body. What is a whole number in the body is a
 * number. */
void change_render(struct buffer *out, const struct change *change);
/* A text in quotes. What is no UTF-8 becomes U+FFFD. */
void change_render_text(struct buffer *out, const char *text);
