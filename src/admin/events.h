/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/events: streams that go on until somebody ends them. Inside this folder only. */
#pragma once

struct admin;

void events_send_home(struct admin *admin); /* another process answers from now on */
void events_close(struct admin *admin);     /* the server ends */
