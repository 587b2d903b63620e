/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Chunks (RFC 9112 section 7.1): chunk-size [ chunk-ext ] CRLF chunk-data CRLF. Else the body has a length,
 * or goes as far as the connection (section 6.3). */
#include "config.h"

#include "probe/http_body.h"

#include <math.h>

enum state { IN_SIZE, IN_EXTENSION, IN_DATA, BEHIND_DATA, AT_TRAILER, IN_TRAILER, STATE_ENDED };

static enum expect_progress follow_regex(enum regex_progress progress)
{
    return progress == REGEX_FOUND ? EXPECT_FOUND : progress == REGEX_ABSENT ? EXPECT_ABSENT : EXPECT_MORE;
}

/* All of what has to be there. */
static void join(struct http_body *body)
{
    enum expect_progress all = body->of_octets == EXPECT_FOUND ? body->of_regex : body->of_octets;
    bool none = body->of_octets == EXPECT_ABSENT || body->of_regex == EXPECT_ABSENT;
    for (size_t i = 0; i < body->seek.wish_count - body->seek.told_count; i++) {
        all = all == EXPECT_FOUND ? body->of_wishes[i] : all;
        none |= body->of_wishes[i] == EXPECT_ABSENT;
    }
    body->expected = none ? EXPECT_ABSENT : all;
}

static void begin_wishes(struct http_body *body)
{
    for (size_t i = 0; i < body->seek.wish_count; i++) {
        json_scan_init(&body->seek.scans[i], body->seek.wishes[i].pointer, body->seek.wishes[i].text);
        body->of_wishes[i] = EXPECT_MORE;
    }
    body->untold = (uint8_t)((1u << body->seek.told_count) - 1);
}

void http_body_init(struct http_body *body, const struct http_response *response,
                    const struct http_seek *seek)
{
    bool is_empty = response->status == 204 || response->status == 304;
    *body = (struct http_body){.is_chunked = response->is_chunked,
                               .seek = *seek,
                               .left = is_empty ? 0 : response->length,
                               .state = response->is_chunked ? IN_SIZE : IN_DATA};
    body->seek.max = seek->max == 0 ? HTTP_BODY_MAX : seek->max;
    body->load = seek->pointer == NULL ? LOAD_ABSENT : LOAD_MORE;
    body->of_octets = seek->expect == NULL ? EXPECT_FOUND : EXPECT_MORE;
    body->of_regex =
        seek->regex == NULL ? EXPECT_FOUND : follow_regex(regex_begin(seek->regex, &body->letters));
    if (seek->pointer != NULL) {
        json_scan_init(&body->scan, seek->pointer, NULL);
    }
    begin_wishes(body);
    join(body);
    http_body_feed(body, NULL, 0);
}

void http_body_move(struct http_body *body, const struct http_seek *seek)
{
    body->seek = *seek;
    if (seek->pointer != NULL && body->load == LOAD_MORE) {
        json_scan_move(&body->scan, seek->pointer, NULL);
    }
    for (size_t i = 0; i < seek->wish_count; i++) {
        json_scan_move(&seek->scans[i], seek->wishes[i].pointer, seek->wishes[i].text);
    }
}

/* ---- what is found ---- */

static enum load_progress look_for_load(struct http_body *body, const uint8_t *bytes, size_t len)
{
    switch (json_scan_feed(&body->scan, bytes, len)) {
    case JSON_SCAN_MORE: return LOAD_MORE;
    case JSON_SCAN_FOUND: break;
    case JSON_SCAN_ABSENT:
    case JSON_SCAN_BROKEN: return LOAD_ABSENT;
    }
    return body->scan.kind == JSON_SCAN_NUMBER && !signbit(body->scan.number) ? LOAD_FOUND : LOAD_ABSENT;
}

static bool is_equal(const struct wish *wish, const struct json_scan *scan)
{
    switch (wish->kind) {
    case WISH_NUMBER: return scan->kind == JSON_SCAN_NUMBER && scan->number == wish->number;
    case WISH_TEXT: return scan->kind == JSON_SCAN_TEXT && scan->is_text;
    case WISH_TRUE: return scan->kind == JSON_SCAN_TRUE;
    case WISH_FALSE: return scan->kind == JSON_SCAN_FALSE;
    case WISH_NULL: break;
    }
    return scan->kind == JSON_SCAN_NULL;
}

/* Of a value that was found. */
static bool is_fulfilled(const struct wish *wish, const struct json_scan *scan)
{
    bool is_number = scan->kind == JSON_SCAN_NUMBER;
    switch (wish->op) {
    case WISH_EQUAL: return is_equal(wish, scan);
    case WISH_DIFFERENT: return !is_equal(wish, scan);
    case WISH_LESS: return is_number && scan->number < wish->number;
    case WISH_AT_MOST: return is_number && scan->number <= wish->number;
    case WISH_MORE: return is_number && scan->number > wish->number;
    case WISH_AT_LEAST: return is_number && scan->number >= wish->number;
    case WISH_EXISTS: break;
    }
    return wish->kind == WISH_TRUE;
}

static enum expect_progress look_for_wish(const struct wish *wish, struct json_scan *scan,
                                          const uint8_t *bytes, size_t len)
{
    bool good = false;
    switch (json_scan_feed(scan, bytes, len)) {
    case JSON_SCAN_MORE: return EXPECT_MORE;
    case JSON_SCAN_FOUND: good = is_fulfilled(wish, scan); break;
    case JSON_SCAN_ABSENT: good = wish->op == WISH_EXISTS && wish->kind == WISH_FALSE; break;
    case JSON_SCAN_BROKEN: break;
    }
    return good ? EXPECT_FOUND : EXPECT_ABSENT;
}

/* ---- chunks ---- */

static int read_hex_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* The last chunk is empty: nothing but trailers follow. */
static uint8_t end_line(struct http_body *body)
{
    body->is_cut = !body->has_size;
    return !body->has_size ? STATE_ENDED : body->chunk == 0 ? AT_TRAILER : IN_DATA;
}

static uint8_t step_size(struct http_body *body, uint8_t byte)
{
    int digit = read_hex_digit(byte);
    if (digit == -1) {
        return byte == '\n' ? end_line(body) : IN_EXTENSION;
    }
    body->has_size = true;
    body->chunk = body->chunk > UINT32_MAX >> 4 ? UINT32_MAX : body->chunk << 4 | (uint32_t)digit;
    return IN_SIZE;
}

/* One byte of what frames the chunks. */
static uint8_t step(struct http_body *body, uint8_t byte)
{
    switch (body->state) {
    case IN_SIZE: return step_size(body, byte);
    case IN_EXTENSION: return byte == '\n' ? end_line(body) : IN_EXTENSION;
    case AT_TRAILER: return byte == '\n' ? STATE_ENDED : byte == '\r' ? AT_TRAILER : IN_TRAILER;
    case IN_TRAILER: return byte == '\n' ? AT_TRAILER : IN_TRAILER;
    default: /* BEHIND_DATA */
        body->chunk = 0;
        body->has_size = false;
        body->is_cut = byte != '\n' && byte != '\r';
        return byte == '\n' ? IN_SIZE : body->is_cut ? STATE_ENDED : BEHIND_DATA;
    }
}

/* What is not wanted: nothing hangs on it. */
static void look_for_told(struct http_body *body, const uint8_t *bytes, size_t len)
{
    const struct http_seek *seek = &body->seek;
    size_t first = seek->wish_count - seek->told_count;
    for (size_t i = first; body->untold != 0 && i < seek->wish_count; i++) {
        uint8_t bit = (uint8_t)(1u << (i - first));
        if ((body->untold & bit) == 0) {
            continue;
        }
        enum expect_progress progress = look_for_wish(&seek->wishes[i], &seek->scans[i], bytes, len);
        body->told |= progress == EXPECT_FOUND ? bit : 0;
        body->untold &= progress == EXPECT_MORE ? body->untold : (uint8_t)~bit;
    }
}

static void look_through(struct http_body *body, const uint8_t *bytes, size_t len)
{
    const struct http_seek *seek = &body->seek;
    if (body->load == LOAD_MORE) {
        body->load = look_for_load(body, bytes, len);
    }
    look_for_told(body, bytes, len);
    if (body->expected != EXPECT_MORE) {
        return;
    }
    if (body->of_octets == EXPECT_MORE) {
        body->of_octets = expect_feed(&body->octets, seek->expect, bytes, len);
    }
    if (body->of_regex == EXPECT_MORE) {
        body->of_regex = follow_regex(regex_feed(seek->regex, &body->letters, bytes, len));
    }
    for (size_t i = 0; i < seek->wish_count - seek->told_count; i++) {
        if (body->of_wishes[i] == EXPECT_MORE) {
            body->of_wishes[i] = look_for_wish(&seek->wishes[i], &seek->scans[i], bytes, len);
        }
    }
    join(body);
}

static size_t feed_data(struct http_body *body, const uint8_t *bytes, size_t len)
{
    if (!body->is_chunked) {
        size_t part = len < body->left ? len : (size_t)body->left;
        look_through(body, bytes, part);
        body->left -= body->left == HTTP_LENGTH_UNKNOWN ? 0 : part;
        return len;
    }
    size_t piece = len < body->chunk ? len : body->chunk;
    look_through(body, bytes, piece);
    body->chunk -= (uint32_t)piece;
    if (body->chunk == 0) {
        body->state = BEHIND_DATA;
    }
    return piece;
}

/* Nothing more is looked at. Only the end of the whole body is one that an expression may look for. */
static void end(struct http_body *body, bool is_whole)
{
    if (!body->is_over && is_whole && body->of_regex == EXPECT_MORE &&
        regex_end(body->seek.regex, &body->letters)) {
        body->of_regex = EXPECT_FOUND;
        join(body);
    }
    body->is_over = true;
    body->untold = 0;
    body->load = body->load == LOAD_MORE ? LOAD_ABSENT : body->load;
    body->expected = body->expected == EXPECT_MORE ? EXPECT_ABSENT : body->expected;
}

static bool is_ended(const struct http_body *body)
{
    return body->is_chunked ? body->state >= AT_TRAILER : body->left == 0;
}

void http_body_feed(struct http_body *body, const uint8_t *bytes, size_t len)
{
    size_t left = body->seek.max - body->len, until = len < left ? len : left, at = 0;
    bool had_length = !body->is_chunked && body->left != HTTP_LENGTH_UNKNOWN;
    uint64_t length = body->left;
    while (at < until && body->state != STATE_ENDED) {
        if (body->state == IN_DATA) {
            at += feed_data(body, bytes + at, until - at);
        } else {
            body->state = step(body, bytes[at++]);
        }
    }
    body->len += (uint32_t)until;
    if (is_ended(body) || body->len == body->seek.max) {
        end(body, is_ended(body) && !body->is_cut);
    }
    body->is_complete = had_length ? length == len && len == until
                                   : body->state == STATE_ENDED && !body->is_cut && at == len && len != 0;
}

bool http_body_is_done(const struct http_body *body)
{
    bool has_trailers = body->is_chunked && (body->state == AT_TRAILER || body->state == IN_TRAILER);
    return body->is_complete || (body->is_over && (!has_trailers || body->len == body->seek.max));
}

bool http_body_is_full(const struct http_body *body)
{
    return body->len == body->seek.max;
}

bool http_body_end(struct http_body *body)
{
    bool is_whole = !body->is_chunked && body->left == HTTP_LENGTH_UNKNOWN;
    bool was_over = body->is_over;
    end(body, is_whole);
    return was_over || is_whole;
}
