/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the client's end of HTTP/2. The first byte says in pieces of which size the rest is fed, and
 * whether what there is to say is said meanwhile. When an answer is whole, or has been given up, another one
 * is asked for. What is heard does not depend on the pieces. */
#include "config.h"

#include "probe/h2.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OCTETS_MAX = 65536 };

struct heard {
    unsigned heads, requests;
    size_t fields, octets;
    uint64_t sum;
};

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void add(struct heard *heard, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        heard->sum = (heard->sum ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    }
}

static void hear_field(void *context, const char *name, const char *value)
{
    struct heard *heard = context;
    heard->fields += strlen(name) + strlen(value) + 32;
    expect(heard->fields <= (size_t)H2_FIELDS_MAX * heard->requests);
    add(heard, name, strlen(name) + 1);
    add(heard, value, strlen(value) + 1);
}

static void hear_head(void *context, uint16_t status)
{
    struct heard *heard = context;
    expect(status >= 200 && status <= 999);
    expect(++heard->heads <= heard->requests);
    add(heard, &status, sizeof status);
}

static void hear_data(void *context, const uint8_t *bytes, size_t len)
{
    struct heard *heard = context;
    expect(heard->heads != 0);
    heard->octets += len;
    add(heard, bytes, len);
}

static void hear_frame(void *context, bool is_sent, const char *text, size_t len)
{
    (void)context, (void)is_sent;
    expect(len != 0 && text[0] != '\0');
}

static void say_all(struct h2 *h2)
{
    size_t len;
    while (h2_peek(h2, &len) != NULL) {
        h2_consume(h2, len < 1000 ? len : 1000);
    }
}

static bool ask(struct h2 *h2, struct heard *heard)
{
    static const struct h2_field fields[] = {
        {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}};
    static const struct h2_request request = {
        .fields = fields, .field_count = 4, .body = (const uint8_t *)"hello", .body_len = 5};
    heard->requests++;
    return h2_ask(h2, &request, OCTETS_MAX);
}

/* The answer is given up. The same octets once more are what comes late of it, and the next one. */
static void go_on_without(struct h2 *h2, const uint8_t *data, size_t size, struct heard *heard)
{
    size_t octets = heard->octets;
    h2_give_up(h2);
    say_all(h2);
    enum h2_state state = h2_feed(h2, data, size / 2);
    say_all(h2);
    expect(heard->octets == octets && (state == H2_WHOLE || state == H2_BROKEN));
    if (h2_is_idle(h2) && ask(h2, heard)) {
        say_all(h2);
        expect(h2_feed(h2, data + size / 2, size - size / 2) != H2_NO_MEMORY);
        say_all(h2);
    }
}

static enum h2_state run(const uint8_t *data, size_t size, size_t piece, bool traces, struct heard *heard)
{
    const struct h2_ear ear = {.context = heard,
                               .field = hear_field,
                               .head = hear_head,
                               .data = hear_data,
                               .traced = traces ? hear_frame : NULL};
    struct h2 *h2 = h2_new(&ear);
    enum h2_state state = H2_GOES_ON;
    *heard = (struct heard){.sum = 1};
    expect(h2 != NULL && ask(h2, heard));
    say_all(h2);
    for (size_t at = 0; at < size; at += piece) {
        enum h2_state before = state;
        state = h2_feed(h2, data + at, size - at < piece ? size - at : piece);
        expect(before == H2_GOES_ON || state == before); /* the first end stands */
        expect(state != H2_NO_MEMORY);
        say_all(h2);
    }
    expect(state != H2_WHOLE || heard->heads == 1);
    if (h2_is_idle(h2)) {
        expect(state == H2_WHOLE && ask(h2, heard));
        say_all(h2);
    } else if (state == H2_GOES_ON) {
        go_on_without(h2, data, size, heard);
    }
    h2_finish(h2);
    say_all(h2);
    h2_free(h2);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct heard whole, pieces;
    size_t piece = (size_t)(data[0] >> 1) + 1;
    enum h2_state at_once = run(data + 1, size - 1, size, false, &whole);
    enum h2_state got = run(data + 1, size - 1, piece, (data[0] & 1) != 0, &pieces);
    /* Behind the end nothing is compared: how much of a piece is still heard is nobody's business. */
    expect(at_once == got || size > OCTETS_MAX / 2 || at_once == H2_BROKEN || got == H2_BROKEN);
    expect(at_once != H2_WHOLE || got != H2_WHOLE ||
           (whole.sum == pieces.sum && whole.octets == pieces.octets));
    return 0;
}
