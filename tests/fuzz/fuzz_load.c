/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the search for a load, and for what is wanted, in the body of a check's answer. The first byte
 * chooses pointer and framing, the second says in pieces of which size the rest is fed; the result has to be
 * the same as for all of it at once, and as what a JSON parser finds where the text is JSON. */
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

static bool is_found(const struct wish *wish, const json_t *value)
{
    double number = json_number_value(value);
    bool is_number = json_is_number(value);
    bool is_text = json_is_string(value) && strcmp(json_string_value(value), "load") == 0;
    switch (wish->op) {
    case WISH_EQUAL: return wish->kind == WISH_TEXT ? is_text : json_is_null(value);
    case WISH_DIFFERENT: return value != NULL && !is_text;
    case WISH_LESS: return is_number && number < wish->number;
    case WISH_AT_LEAST: return is_number && number >= wish->number;
    case WISH_EXISTS: return (value != NULL) == (wish->kind == WISH_TRUE);
    default: abort();
    }
}

static bool is_plain(const json_t *value)
{
    return !json_is_real(value) && (!json_is_integer(value) || llabs(json_integer_value(value)) < 1 << 30) &&
           (!json_is_string(value) || strlen(json_string_value(value)) == json_string_length(value));
}

/* Each alone, as a parser sees it; nothing that the parser reads is missed, but for numbers of odd forms. */
static void compare_wishes(const uint8_t *text, size_t size, size_t way)
{
    const char *pointer = ways[way].pointer;
    const struct wish wishes[] = {
        {.pointer = pointer, .op = WISH_EQUAL, .kind = WISH_TEXT, .text = "load"},
        {.pointer = pointer, .op = WISH_DIFFERENT, .kind = WISH_TEXT, .text = "load"},
        {.pointer = pointer, .op = WISH_EQUAL, .kind = WISH_NULL},
        {.pointer = pointer, .op = WISH_LESS, .kind = WISH_NUMBER, .number = 10},
        {.pointer = pointer, .op = WISH_AT_LEAST, .kind = WISH_NUMBER, .number = 10},
        {.pointer = pointer, .op = WISH_EXISTS, .kind = WISH_TRUE},
        {.pointer = pointer, .op = WISH_EXISTS, .kind = WISH_FALSE},
    };
    json_error_t error;
    json_t *root = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    const json_t *value = root == NULL ? NULL : follow(root, ways[way].tokens);
    for (size_t i = 0; root != NULL && is_plain(value) && i < sizeof wishes / sizeof *wishes; i++) {
        struct json_scan scan;
        struct http_body body;
        struct http_response response = {.status = 200, .length = size};
        struct http_seek seek = {.wishes = &wishes[i], .wish_count = 1, .scans = &scan, .max = 1 << 20};
        http_body_init(&body, &response, &seek);
        http_body_feed(&body, text, size);
        (void)http_body_end(&body);
        expect((body.expected == EXPECT_FOUND) == is_found(&wishes[i], value));
        seek.told_count = 1;
        http_body_init(&body, &response, &seek);
        http_body_feed(&body, text, size / 2);
        http_body_feed(&body, text + size / 2, size - size / 2);
        (void)http_body_end(&body);
        expect(body.expected == EXPECT_FOUND && body.untold == 0 &&
               (body.told == 1) == is_found(&wishes[i], value));
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    if (memchr(data + 2, 0, size - 2) == NULL) {
        compare_wishes(data + 2, size - 2, (data[0] & 127) % (sizeof ways / sizeof *ways));
    }
    size_t way = (data[0] & 127) % (sizeof ways / sizeof *ways), piece = (size_t)data[1] + 1;
    bool is_chunked = data[0] >= 128;
    struct http_body whole, pieces;
    struct expect wanted;
    struct http_response response = {.is_chunked = is_chunked, .length = HTTP_LENGTH_UNKNOWN};
    struct http_seek seek = {.pointer = ways[way].pointer, .expect = &wanted};
    expect_init(&wanted, (const uint8_t *)"oad", 3);
    wanted.read_max = UINT32_MAX;
    http_body_init(&whole, &response, &seek);
    http_body_init(&pieces, &response, &seek);
    http_body_feed(&whole, data + 2, size - 2);
    for (size_t at = 2; at < size; at += piece) {
        http_body_feed(&pieces, data + at, size - at < piece ? size - at : piece);
    }
    enum load_progress got = pieces.load;
    expect(got == whole.load && pieces.len == whole.len && pieces.expected == whole.expected);
    expect(size == 2 || pieces.is_complete == whole.is_complete);
    expect(is_chunked || size - 2 > HTTP_BODY_MAX ||
           (pieces.expected == EXPECT_FOUND) == (memmem(data + 2, size - 2, "oad", 3) != NULL));
    expect(got != LOAD_FOUND || (whole.scan.number >= 0 && whole.scan.number == pieces.scan.number));
    /* The other parser skips NUL. */
    if (!is_chunked && size - 2 <= HTTP_BODY_MAX && memchr(data + 2, 0, size - 2) == NULL) {
        compare(data + 2, size - 2, way, got, whole.scan.number);
    }
    return 0;
}
