/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the search for a load in the body of a check's answer. The first byte chooses pointer and
 * framing, the second says in pieces of which size the rest is fed; the result has to be the same as for all
 * of it at once, and as what a JSON parser finds where the text is JSON. */
#include "config.h"

#include "probe/http_body.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *pointer;
    const char *tokens[4];
} ways[] = {
    {"/load", {"load", NULL}},
    {"/a/0/b", {"a", "0", "b", NULL}},
    {"/", {"", NULL}},
    {"/~1x~0", {"/x~", NULL}},
    {"/10", {"10", NULL}},
    {"/a//c", {"a", "", "c", NULL}},
    {"/\xc3\xa9", {"\xc3\xa9", NULL}},
    {"/a/b", {"a", "b", NULL}},
};

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static const json_t *find_item(const json_t *array, const char *token)
{
    size_t len = strspn(token, "0123456789");
    if (len == 0 || len > 6 || token[len] != '\0' || (len > 1 && token[0] == '0')) {
        return NULL;
    }
    return json_array_get(array, strtoul(token, NULL, 10));
}

static const json_t *follow(const json_t *root, const char *const *tokens)
{
    const json_t *at = root;
    for (; *tokens != NULL && at != NULL; tokens++) {
        at = json_is_object(at) ? json_object_get(at, *tokens) : find_item(at, *tokens);
    }
    return at;
}

/* What a parser makes of it. Numbers that it reads need not have the form that loads may be written in, so
 * one side may find less, never anything else. */
static void compare(const uint8_t *text, size_t size, size_t way, enum load_progress got, double value)
{
    json_error_t error;
    json_t *root =
        json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
    if (root == NULL) {
        return;
    }
    const json_t *number = follow(root, ways[way].tokens);
    expect(got != LOAD_FOUND || json_is_number(number));
    if (got == LOAD_FOUND) {
        double other = json_number_value(number), off = value > other ? value - other : other - value;
        expect(off <= other * 1e-12);
    }
    expect(got == LOAD_FOUND || !json_is_integer(number) || json_integer_value(number) <= 0); /* "-0" */
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t way = (data[0] & 127) % (sizeof ways / sizeof *ways), piece = (size_t)data[1] + 1;
    bool is_chunked = data[0] >= 128;
    struct http_body whole, pieces;
    http_body_init(&whole, is_chunked, ways[way].pointer);
    http_body_init(&pieces, is_chunked, ways[way].pointer);
    enum load_progress expected = http_body_feed(&whole, data + 2, size - 2), got = LOAD_MORE;
    for (size_t at = 2; at < size; at += piece) {
        got = http_body_feed(&pieces, data + at, size - at < piece ? size - at : piece);
    }
    expect(got == expected && pieces.len == whole.len);
    expect(got != LOAD_FOUND || (whole.scan.value >= 0 && whole.scan.value == pieces.scan.value));
    /* The other parser skips NUL. */
    if (!is_chunked && size - 2 <= HTTP_BODY_MAX && memchr(data + 2, 0, size - 2) == NULL) {
        compare(data + 2, size - 2, way, got, whole.scan.value);
    }
    return 0;
}
