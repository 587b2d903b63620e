/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines are gathered until their end, bodies are appended in pieces. Sections are those of RFC 9112. */
#include "config.h"

#include "ctl/http.h"

#include <string.h>
#include <strings.h>

enum state {
    STATUS_LINE,
    HEADERS,
    BODY,       /* `left` octets */
    BODY_REST,  /* until the other side closes */
    CHUNK_LINE, /* the size of the next chunk */
    CHUNK,      /* `left` octets */
    CHUNK_END,  /* the empty line behind a chunk */
    TRAILERS,
    ENDED,
    BROKEN,
};

void http_answer_init(struct http_answer *answer, size_t body_max)
{
    *answer = (struct http_answer){.body_max = body_max == 0 ? HTTP_BODY_MAX : body_max};
    buffer_init(&answer->body);
    buffer_init(&answer->line);
}

void http_answer_fini(struct http_answer *answer)
{
    buffer_fini(&answer->body);
    buffer_fini(&answer->line);
}

static void fail(struct http_answer *answer, const char *fault)
{
    answer->state = BROKEN;
    answer->fault = fault;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- lines ---- */

/* section 4: "HTTP/1.1 200 OK"; the reason may be empty, and some leave out the space before it */
static void take_status_line(struct http_answer *answer, const char *line)
{
    static const char version[] = "HTTP/1.";
    size_t len = sizeof version - 1;
    if (strncmp(line, version, len) != 0 || !is_digit(line[len]) || line[len + 1] != ' ') {
        fail(answer, "the answer is not HTTP/1.1");
        return;
    }
    answer->is_old = line[len] == '0';
    answer->status = 0;
    const char *at = line + len + 2;
    for (int i = 0; i < 3 && is_digit(*at); i++, at++) {
        answer->status = 10 * answer->status + (*at - '0');
    }
    if (at != line + len + 5 || answer->status < 100 || (*at != '\0' && *at != ' ')) {
        fail(answer, "the answer has no status of three digits");
    } else if (answer->status == 101) {
        fail(answer, "the answer changes the protocol");
    } else {
        answer->state = HEADERS;
    }
}

/* section 6.2 */
static void take_length(struct http_answer *answer, const char *value)
{
    uint64_t length = 0;
    if (answer->has_length) {
        fail(answer, "the answer has two lengths");
        return;
    }
    answer->has_length = true;
    for (const char *at = value; *at != '\0' || at == value; at++) {
        if (!is_digit(*at)) {
            fail(answer, "the length of the answer is no number");
            return;
        }
        length = 10 * length + (uint64_t)(*at - '0');
        if (length > answer->body_max) {
            fail(answer, "the answer is too large");
            return;
        }
    }
    answer->left = length;
}

/* section 6.1; what is not chunked alone could not be read */
static void take_coding(struct http_answer *answer, const char *value)
{
    if (answer->is_chunked || answer->is_old || strcasecmp(value, "chunked") != 0) {
        fail(answer, "the answer has a transfer coding other than chunked");
    }
    answer->is_chunked = true;
}

/* section 5: "Name: value", cuts the line into both. False: it is none. */
static bool split_header(char *line, const char **value)
{
    /* RFC 9110 section 5.6.2 */
    size_t len =
        strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");
    if (len == 0 || line[len] != ':') {
        return false;
    }
    line[len] = '\0';
    char *end = line + len + 1 + strlen(line + len + 1);
    *value = line + len + 1 + strspn(line + len + 1, " \t");
    while (end > *value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    return true;
}

/* section 6.3 */
static void end_head(struct http_answer *answer)
{
    if (answer->status < 200) {
        answer->state = STATUS_LINE; /* of what comes behind the interim answer */
    } else if (answer->has_length && answer->is_chunked) {
        fail(answer, "the answer has both a length and a transfer coding");
    } else if (answer->status == 204 || answer->status == 304) {
        answer->state = ENDED;
    } else if (answer->is_chunked) {
        answer->state = CHUNK_LINE;
    } else if (answer->has_length) {
        answer->state = answer->left == 0 ? ENDED : BODY;
    } else {
        answer->state = BODY_REST;
    }
}

static void take_header(struct http_answer *answer, char *line)
{
    const char *value;
    if (line[0] == '\0') {
        end_head(answer);
    } else if (!split_header(line, &value)) {
        fail(answer, "a header of the answer has no name");
    } else if (strcasecmp(line, "Content-Length") == 0) {
        take_length(answer, value);
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        take_coding(answer, value);
    }
    if (answer->state == STATUS_LINE && (answer->has_length || answer->is_chunked)) {
        fail(answer, "an interim answer has a body");
    }
}

static void take_trailer(struct http_answer *answer, char *line)
{
    const char *value;
    if (line[0] == '\0') {
        answer->state = ENDED;
    } else if (!split_header(line, &value)) {
        fail(answer, "a trailer of the answer has no name");
    }
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* section 7.1: hexadecimal digits, then perhaps an extension, which is ignored */
static void take_chunk_line(struct http_answer *answer, const char *line)
{
    uint64_t size = 0;
    const char *at = line;
    for (; hex_value(*at) >= 0; at++) {
        size = 16 * size + (uint64_t)hex_value(*at);
        if (size > answer->body_max - answer->body.len) {
            fail(answer, "the answer is too large");
            return;
        }
    }
    if (at == line || at[strspn(at, " \t")] != (at[0] == '\0' ? '\0' : ';')) {
        fail(answer, "the size of a chunk is no number");
        return;
    }
    answer->left = size;
    answer->state = size == 0 ? TRAILERS : CHUNK;
}

static void take_line(struct http_answer *answer, char *line)
{
    switch (answer->state) {
    case STATUS_LINE: take_status_line(answer, line); break;
    case HEADERS: take_header(answer, line); break;
    case CHUNK_LINE: take_chunk_line(answer, line); break;
    case CHUNK_END:
        answer->state = CHUNK_LINE;
        if (line[0] != '\0') {
            fail(answer, "a chunk is longer than it says");
        }
        break;
    default: take_trailer(answer, line); break;
    }
}

/* The line without its end, if it may be one. */
static bool is_line(struct http_answer *answer)
{
    struct buffer *line = &answer->line;
    if (line->len < 2 || line->bytes[line->len - 2] != '\r') {
        return false;
    }
    line->len -= 2;
    line->bytes[line->len] = '\0';
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->bytes[i];
        if ((c < ' ' && c != '\t') || c == 127) {
            return false;
        }
    }
    return true;
}

/* As much of a line as there is; returns how much that was. */
static size_t gather_line(struct http_answer *answer, const char *bytes, size_t len)
{
    bool is_chunk = answer->state == CHUNK_LINE || answer->state == CHUNK_END;
    size_t room = is_chunk ? HTTP_CHUNK_LINE_MAX - answer->line.len : HTTP_HEAD_MAX - answer->head_len;
    const char *end = memchr(bytes, '\n', len < room ? len : room);
    size_t used = end != NULL ? (size_t)(end - bytes) + 1 : len < room ? len : room;
    buffer_add(&answer->line, bytes, used);
    answer->head_len += is_chunk ? 0 : used;
    if (end != NULL && !is_line(answer)) {
        fail(answer, "a line of the answer has a control character or no CRLF");
    } else if (end != NULL) {
        take_line(answer, answer->line.bytes);
        buffer_remove_front(&answer->line, SIZE_MAX);
    } else if (used == room) {
        fail(answer, "the head of the answer is too large");
    }
    return used;
}

/* ---- bodies ---- */

static size_t take_body(struct http_answer *answer, const char *bytes, size_t len)
{
    size_t used = len < answer->left ? len : (size_t)answer->left;
    buffer_add(&answer->body, bytes, used);
    answer->left -= used;
    if (answer->left == 0) {
        answer->state = answer->state == CHUNK ? CHUNK_END : ENDED;
    }
    return used;
}

static size_t take_rest(struct http_answer *answer, const char *bytes, size_t len)
{
    if (len > answer->body_max - answer->body.len) {
        buffer_add(&answer->body, bytes, answer->body_max - answer->body.len);
        fail(answer, "the answer is too large");
    } else {
        buffer_add(&answer->body, bytes, len);
    }
    return len;
}

static enum http_progress get_progress(const struct http_answer *answer)
{
    return answer->state == ENDED ? HTTP_DONE : answer->state == BROKEN ? HTTP_BAD : HTTP_MORE;
}

enum http_progress http_answer_feed(struct http_answer *answer, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0 && get_progress(answer) == HTTP_MORE) {
        size_t used;
        switch (answer->state) {
        case BODY:
        case CHUNK: used = take_body(answer, at, len); break;
        case BODY_REST: used = take_rest(answer, at, len); break;
        default: used = gather_line(answer, at, len); break;
        }
        at += used;
        len -= used;
    }
    return get_progress(answer);
}

static const char unanswered[] = "the connection was closed without an answer";

enum http_progress http_answer_end(struct http_answer *answer)
{
    if (answer->state == BODY_REST) {
        answer->state = ENDED;
    } else if (answer->state == STATUS_LINE && answer->line.len == 0) {
        fail(answer, unanswered);
    } else if (get_progress(answer) == HTTP_MORE) {
        fail(answer, "the connection was closed in the middle of the answer");
    }
    return get_progress(answer);
}

bool http_answer_is_lost(const struct http_answer *answer)
{
    return answer->fault == unanswered;
}

/* ---- requests ---- */

void http_write_octets(struct buffer *out, const char *head, const char *method, const char *target,
                       const struct http_octets *body)
{
    buffer_print(out, "%s ", method);
    buffer_add_text(out, target);
    buffer_add_text(out, " HTTP/1.1\r\n");
    buffer_add_text(out, head);
    buffer_add_text(out, "User-Agent: steerctl/" PACKAGE_VERSION "\r\nAccept: */*\r\nConnection: close\r\n");
    if (body != NULL) {
        buffer_print(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                     body->type == NULL ? "application/json" : body->type, body->len);
    }
    buffer_add_text(out, "\r\n");
    if (body != NULL) {
        buffer_add(out, body->bytes, body->len);
    }
}

void http_write_request(struct buffer *out, const char *head, const char *method, const char *target,
                        const char *body)
{
    const struct http_octets octets = {.bytes = body, .len = body == NULL ? 0 : strlen(body)};
    http_write_octets(out, head, method, target, body == NULL ? NULL : &octets);
}
