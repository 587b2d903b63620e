/* SPDX-License-Identifier: BSD-3-Clause
 *
 * evhttp answers some faults itself, with a page of HTML: a body or head that is too long, a broken request
 * line. Clients of this API read problem documents, so the page is exchanged before it goes out. Internal to
 * the folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;

enum { PAGE_REFUSAL_SIZE = 1024 };

/* What is wrong with a request, if that is known better than evhttp knows it. */
struct page_refusal {
    const char *why; /* NULL: nothing */
    bool is_too_long;
};

/* If the output holds a page of evhttp, and nothing was sent of it yet, a problem takes its place. */
void page_exchange(struct evbuffer *output, const struct page_refusal *refusal);
/* A whole answer that refuses what is no request, and says that the connection ends. Returns its length. */
size_t page_write_refusal(const struct page_refusal *refusal, char text[PAGE_REFUSAL_SIZE]);
