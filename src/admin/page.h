/* SPDX-License-Identifier: BSD-3-Clause
 *
 * evhttp answers some faults itself, with a page of HTML: a body or head that is too long, a broken request
 * line. Clients of this API read problem documents, so the page is exchanged before it goes out. Internal to
 * the folder. */
#pragma once

struct evbuffer;

/* If the output holds a page of evhttp, and nothing was sent of it yet, a problem takes its place. */
void page_exchange(struct evbuffer *output);
