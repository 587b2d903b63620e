/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A page is told by its Content-Type, which no answer of ours has. Fixed texts: nothing of the request is in
 * them. */
#include "config.h"

#include "admin/page.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_LOOKED_AT = 512, BODY_SIZE = 512 };

/* In the words of problem.c. */
static const struct {
    unsigned page, status; /* of evhttp, and ours */
    const char *phrase, *name, *title, *detail;
} problems[] = {
    {413, 413, "Content Too Large", "too-large", "The request is too large",
     "expected a head of at most 65536 octets and a body of at most 1048576, that of an import 16777216, "
     "of a manifest 50331648"},
    {501, 501, "Not Implemented", "unsupported", "This server does not do that", "found an unknown method"},
    {0, 400, "Bad Request", "bad-request", "The request is malformed",
     "found no HTTP request that can be read"},
};

static size_t find_problem(unsigned long page)
{
    size_t i = 0;
    while (problems[i].page != 0 && problems[i].page != page) {
        i++;
    }
    return i;
}

static bool is_page(const char *head)
{
    return strncmp(head, "HTTP/1.", 7) == 0 && strstr(head, "\r\nContent-Type: text/html\r\n") != NULL;
}

static size_t write_problem(size_t which, const char *detail, char text[PAGE_REFUSAL_SIZE])
{
    char body[BODY_SIZE], quoted[BODY_SIZE / 2];
    size_t len = 0;
    for (const char *at = detail; *at != '\0' && len < sizeof quoted - 2; at++) {
        if (*at == '"') {
            quoted[len++] = '\\';
        }
        quoted[len++] = *at;
    }
    quoted[len] = '\0';
    int body_len = snprintf(body, sizeof body,
                            "{\n  \"type\": \"urn:steerd:problem:%s\",\n  \"title\": \"%s\",\n"
                            "  \"status\": %u,\n  \"detail\": \"%s\"\n}\n",
                            problems[which].name, problems[which].title, problems[which].status, quoted);
    return (size_t)snprintf(text, PAGE_REFUSAL_SIZE,
                            "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
                            "Content-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
                            problems[which].status, problems[which].phrase, body_len, body);
}

size_t page_write_refusal(const struct page_refusal *refusal, char text[PAGE_REFUSAL_SIZE])
{
    return write_problem(find_problem(refusal->is_too_long ? 413 : 400), refusal->why, text);
}

void page_exchange(struct evbuffer *output, const struct page_refusal *refusal)
{
    char head[HEAD_LOOKED_AT + 1], text[PAGE_REFUSAL_SIZE];
    ev_ssize_t len = evbuffer_copyout(output, head, HEAD_LOOKED_AT);
    head[len < 0 ? 0 : len] = '\0';
    if (!is_page(head)) {
        return;
    }
    size_t which = find_problem(strlen(head) > 9 ? strtoul(head + 9, NULL, 10) : 0);
    size_t text_len = refusal->why != NULL ? page_write_refusal(refusal, text)
                                           : write_problem(which, problems[which].detail, text);
    (void)evbuffer_unfreeze(output, 1); /* a bufferevent keeps the front of its output to itself */
    (void)evbuffer_drain(output, evbuffer_get_length(output));
    (void)evbuffer_freeze(output, 1);
    (void)evbuffer_add(output, text, text_len);
}
