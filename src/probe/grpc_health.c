/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See grpc_health.h. A message is fields one behind the other, each a key (number and type of the value, as
 * a varint) and a value: a varint, four or eight octets, or as many as a varint in front says. */
#include "config.h"

#include "probe/grpc_health.h"

#include <string.h>

enum state { IN_FLAG, IN_LENGTH, AT_KEY, IN_KEY, IN_VALUE, IN_SIZE, IN_SKIP, STATE_WHOLE, STATE_BAD };
enum wire { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_SIZED = 2, WIRE_FOUR = 5 };
enum { FIELD = 1, LENGTH_OCTETS = 4, VARINT_MAX = 10 };

size_t grpc_health_write(const char *service, uint8_t request[GRPC_HEALTH_REQUEST_MAX])
{
    enum { PREFIX = 5 };
    size_t len = strlen(service), at = PREFIX;
    memset(request, 0, PREFIX);
    if (len != 0) {
        request[at++] = FIELD << 3 | WIRE_SIZED;
        if (len > 127) {
            request[at++] = (uint8_t)(len & 127) | 128;
        }
        request[at++] = (uint8_t)(len > 127 ? len >> 7 : len);
        memcpy(request + at, service, len);
        at += len;
    }
    request[3] = (uint8_t)((at - PREFIX) >> 8);
    request[4] = (uint8_t)(at - PREFIX);
    return at;
}

void grpc_health_init(struct grpc_health *reply)
{
    *reply = (struct grpc_health){.state = IN_FLAG};
}

/* ---- an answer ---- */

static uint8_t begin_varint(struct grpc_health *reply, uint8_t state)
{
    reply->number = 0;
    reply->digits = 0;
    return state;
}

/* Returns whether it has ended; more octets than any number has are BAD. */
static bool follow_varint(struct grpc_health *reply, uint8_t byte)
{
    if (reply->digits == VARINT_MAX) {
        reply->state = STATE_BAD;
        return false;
    }
    reply->number |= (uint64_t)(byte & 127) << reply->digits * 7;
    reply->digits++;
    return (byte & 128) == 0;
}

/* A field has ended. */
static uint8_t find_next(const struct grpc_health *reply)
{
    return reply->left == 0 ? STATE_WHOLE : AT_KEY;
}

static uint8_t begin_skip(struct grpc_health *reply, uint64_t len)
{
    reply->skip = (uint32_t)len;
    return len > reply->left ? STATE_BAD : len == 0 ? find_next(reply) : IN_SKIP;
}

static uint8_t end_key(struct grpc_health *reply)
{
    uint64_t field = reply->number >> 3;
    reply->wire = reply->number & 7;
    reply->is_status = field == FIELD && reply->wire == WIRE_VARINT;
    if (field == 0 || field > UINT32_MAX >> 3) {
        return STATE_BAD;
    }
    switch (reply->wire) {
    case WIRE_VARINT: return begin_varint(reply, IN_VALUE);
    case WIRE_EIGHT: return begin_skip(reply, 8);
    case WIRE_SIZED: return begin_varint(reply, IN_SIZE);
    case WIRE_FOUR: return begin_skip(reply, 4);
    default: return STATE_BAD;
    }
}

/* The same field once more counts instead. */
static uint8_t end_value(struct grpc_health *reply)
{
    reply->status = reply->is_status ? (uint32_t)reply->number : reply->status;
    return find_next(reply);
}

static uint8_t step_length(struct grpc_health *reply, uint8_t byte)
{
    reply->number = reply->number << 8 | byte;
    if (++reply->digits < LENGTH_OCTETS) {
        return IN_LENGTH;
    }
    reply->left = (uint32_t)reply->number;
    return reply->left > GRPC_HEALTH_REPLY_MAX ? STATE_BAD : find_next(reply);
}

static uint8_t step_field(struct grpc_health *reply, uint8_t byte)
{
    uint8_t state = reply->state;
    if (state == IN_SKIP) {
        return --reply->skip == 0 ? find_next(reply) : IN_SKIP;
    }
    if (!follow_varint(reply, byte)) {
        return reply->state;
    }
    switch (state) {
    case IN_KEY: return end_key(reply);
    case IN_SIZE: return begin_skip(reply, reply->number);
    default: return end_value(reply);
    }
}

static uint8_t step(struct grpc_health *reply, uint8_t byte)
{
    switch (reply->state) {
    case IN_FLAG: return byte == 0 ? begin_varint(reply, IN_LENGTH) : STATE_BAD; /* it is not compressed */
    case IN_LENGTH: return step_length(reply, byte);
    case STATE_WHOLE:
    case STATE_BAD: return STATE_BAD;
    default: break;
    }
    if (reply->left == 0) { /* within a field */
        return STATE_BAD;
    }
    reply->left--;
    if (reply->state == AT_KEY) {
        reply->state = begin_varint(reply, IN_KEY);
    }
    return step_field(reply, byte);
}

bool grpc_health_feed(struct grpc_health *reply, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && reply->state != STATE_BAD; i++) {
        reply->state = step(reply, bytes[i]);
    }
    return reply->state != STATE_BAD;
}

bool grpc_health_is_whole(const struct grpc_health *reply)
{
    return reply->state == STATE_WHOLE;
}
