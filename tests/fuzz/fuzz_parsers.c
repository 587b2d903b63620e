/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of small parsers, each a row of the table below; the first octet chooses the row, the rest is its
 * text. Whatever is read as an object of the store can be written, and means the same then; what is refused
 * has a reason. The other rows have their promise beside them. */
#include "config.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "daemon/channel.h"
#include "daemon/clustered_pending.h"
#include "daemon/incident_json.h"
#include "daemon/token.h"
#include "daemon/vantage_member.h"
#include "fleet/message.h"
#include "past/points.h"
#include "steerprobe/assignment.h"
#include "steerprobe/enrol.h"
#include "steerprobe/state.h"
#include "steerprobe/verdicts.h"
#include "tls/tls.h"
#include "transfer/keeper.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW_S = 1795000000, TARGETS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void expect_same(char *written, char *again)
{
    expect(written != NULL && again != NULL && strcmp(written, again) == 0);
    free(written);
    free(again);
}

/* ---- objects of the store ---- */

static void try_token(const char *text, size_t len)
{
    struct token first, second;
    char why[TOKEN_WHY_SIZE];
    (void)len;
    int error = token_read("ci", text, &first, why);
    expect((error == 0) == (why[0] == '\0'));
    if (error == 0) {
        char *written = token_write(&first);
        expect(token_read("ci", written, &second, why) == 0);
        expect_same(written, token_write(&second));
    }
}

static void try_member(const char *text, size_t len)
{
    static const char *const names[] = {"fra-1", "node:ns2"};
    (void)len;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct vantage_member first, second;
        char why[VANTAGE_WHY_SIZE];
        int error = vantage_read_member(names[i], text, &first, why);
        expect((error == 0) == (why[0] == '\0'));
        if (error == 0) {
            char *written = vantage_write_member(&first);
            expect(vantage_read_member(names[i], written, &second, why) == 0);
            expect_same(written, vantage_write_member(&second));
        }
    }
}

static void try_incident(const char *text, size_t len)
{
    struct incident first, second;
    const char *why;
    (void)len;
    int error = incident_read_json("20261122T210000Z-1", text, &first, &why);
    expect((error == 0) == (why == NULL));
    if (error == 0) {
        char *written = incident_write_json(&first);
        expect(incident_read_json("20261122T210000Z-1", written, &second, &why) == 0);
        expect_same(written, incident_write_json(&second));
    }
}

static void try_point(const char *text, size_t len)
{
    struct point first, second;
    const char *why = NULL;
    struct arena *arena = arena_new(0);
    (void)len;
    int error = points_read("before-the-move", text, arena, &first, &why);
    expect((error == 0) == (why == NULL));
    if (error == 0) {
        char *written = points_write(&first);
        expect(points_read("before-the-move", written, arena, &second, &why) == 0);
        expect_same(written, points_write(&second));
    }
    arena_free(arena);
}

static char *write_order(struct cluster_pending *order)
{
    return clustered_write_pending(order, order->node);
}

static void try_order(const char *text, size_t len)
{
    struct cluster_pending first = {.number = 0}, second = {.number = 0};
    const char *why = NULL;
    struct arena *arena = arena_new(0);
    (void)len;
    int error = clustered_parse_pending(text, arena, &first, &why);
    expect(error == 0 || why != NULL);
    char *written = error == 0 ? write_order(&first) : NULL;
    if (written != NULL) { /* else it is too long: what was escaped in fewer octets */
        expect(clustered_parse_pending(written, arena, &second, &why) == 0);
        expect_same(written, write_order(&second));
    }
    arena_free(arena);
}

/* ---- what shows who somebody is ---- */

/* A token that is none of ours is told from the one that it looks like. */
static void try_bearer(const char *text, size_t len)
{
    char name[TOKEN_NAME_SIZE];
    const struct token nobody = {.name = "ci", .expires_ms = INT64_MAX};
    (void)len;
    if (token_read_name(text, name)) {
        expect(token_is_name(name) && strncmp(text + strlen("st1."), name, strlen(name)) == 0);
    }
    expect(token_judge(&nobody, text, 0) != NULL);
}

/* Both ends of an enrolment: a host takes its name out of the token, and the server lets in nobody by it. */
static void try_enrol(const char *text, size_t len)
{
    struct enrol_token token;
    struct vantage_member member = {.number = 1, .has_token = true, .token_until_ms = INT64_MAX};
    (void)len;
    snprintf(member.name, sizeof member.name, "fra-1");
    if (enrol_parse_token(text, &token) == 0) {
        expect(fleet_is_name(token.name) && strlen(token.fingerprint) == STATE_FINGERPRINT);
        snprintf(member.name, sizeof member.name, "%s", token.name);
    }
    expect(vantage_judge_token(&member, text, 0) != NULL);
}

static void try_place(const char *text, size_t len)
{
    struct state_place first, second;
    char written[STATE_PLACE_SIZE], again[STATE_PLACE_SIZE];
    (void)len;
    if (state_parse_place(text, &first) == 0) {
        expect(state_parse_place(state_write_place(&first, written), &second) == 0);
        expect(strcmp(written, state_write_place(&second, again)) == 0);
    }
}

static void try_certificate(const char *text, size_t len)
{
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    const struct tls_text certificate = {text, len};
    (void)tls_fingerprint_read(&certificate, fingerprint);
}

/* ---- the file `serials` ---- */

static void write_serials(struct keeper *keeper, struct buffer *to)
{
    size_t at = 0;
    buffer_init(to);
    while (keeper_write(keeper, &at, 1, NOW_S, to)) {
    }
}

/* What is kept of it can all be read, and is written as it was. */
static void try_serials(const char *text, size_t len)
{
    struct keeper *first = keeper_new(true), *second = keeper_new(true);
    struct buffer written, again;
    (void)keeper_parse(first, text, len, NOW_S);
    write_serials(first, &written);
    expect(keeper_parse(second, written.bytes, written.len, NOW_S) == 0);
    write_serials(second, &again);
    expect(again.len == written.len && memcmp(again.bytes, written.bytes, written.len) == 0);
    buffer_fini(&written);
    buffer_fini(&again);
    keeper_free(first);
    keeper_free(second);
}

/* ---- the takeover hand-over ---- */

/* What is no message is told, and one that is says something. */
static void try_channel(const char *text, size_t len)
{
    struct channel_message message;
    int ends[2];
    (void)len;
    expect(channel_open(ends) == 0);
    if (text[0] != '\0' && channel_try_send(ends[0], text, ends, 1) == 0) {
        int error = channel_try_receive(ends[1], &message);
        expect(error == 0 || error == -EPROTO);
        expect(error != 0 || (message.say != NULL && message.fd_count == 1));
        channel_free_message(&message);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* ---- the vantage's side: lists of targets, as lines of a server ---- */

struct vantage {
    struct assignment *used, *coming; /* NULL: there is none */
};

static void use(const struct assignment *list)
{
    size_t count = assignment_count(list), refused;
    struct verdicts_plan *plans = memory_alloc((count + 1) * sizeof *plans);
    struct arena *arena = arena_new(0);
    assignment_plan(list, plans);
    for (size_t i = 0; i < count; i++) {
        expect(assignment_name(list, i) != NULL && assignment_find(list, plans[i].identity) >= 0);
        if (!plans[i].idle) {
            (void)assignment_describe(list, i, arena);
        }
    }
    const struct fleet_untaken *items = assignment_refused(list, &refused);
    for (size_t i = 0; i < refused; i++) {
        expect(items[i].why != NULL && items[i].check < assignment_count_checks(list));
    }
    arena_free(arena);
    free(plans);
}

static bool finish(struct vantage *vantage, char *why)
{
    if (!assignment_finish(vantage->coming, why)) {
        return false;
    }
    assignment_drop(vantage->used);
    vantage->used = vantage->coming;
    vantage->coming = NULL;
    use(vantage->used);
    return true;
}

static bool begin(struct vantage *vantage, uint64_t generation, uint32_t count)
{
    assignment_drop(vantage->coming);
    vantage->coming = count > TARGETS_MAX ? NULL : assignment_new(generation, count, 0);
    return vantage->coming != NULL;
}

/* False and why: it would end the conversation. */
static bool add(struct vantage *vantage, const struct fleet_message *message, char *why)
{
    bool has_both = vantage->coming != NULL && vantage->used != NULL;
    switch (message->kind) {
    case FLEET_CHECK: return assignment_add_check(vantage->coming, &message->check, why);
    case FLEET_TARGETS:
        return assignment_add_targets(vantage->coming, message->targets.items, message->targets.count, why);
    case FLEET_KEEP:
        return has_both &&
               assignment_keep(vantage->coming, vantage->used, message->keep.items, message->keep.count, why);
    case FLEET_LISTED: return finish(vantage, why);
    default: return true;
    }
}

static bool hear(struct vantage *vantage, const struct fleet_message *message, char *why)
{
    switch (message->kind) {
    case FLEET_LIST: return begin(vantage, message->list.generation, message->list.count);
    case FLEET_CHANGE: return begin(vantage, message->change.generation, message->change.count);
    case FLEET_AIM:
        return vantage->used == NULL ||
               assignment_aim(vantage->used, message->aim.items, message->aim.count, why);
    default: return vantage->coming == NULL || add(vantage, message, why);
    }
}

static void try_list(const char *text, size_t len)
{
    struct vantage vantage = {.used = NULL};
    bool goes_on = true;
    for (size_t at = 0; at < len && goes_on;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        struct fleet_message message;
        char why[FLEET_WHY_SIZE] = "";
        struct arena *arena = arena_new(0);
        goes_on = fleet_read(text + at, line_len, arena, &message, why) == 0 && hear(&vantage, &message, why);
        arena_free(arena);
        at += line_len + 1;
    }
    assignment_drop(vantage.used);
    assignment_drop(vantage.coming);
}

/* ---- all ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        void (*try)(const char *text, size_t len);
    } rows[] = {{'t', try_token},       {'m', try_member},  {'i', try_incident}, {'p', try_point},
                {'o', try_order},       {'b', try_bearer},  {'e', try_enrol},    {'a', try_place},
                {'c', try_certificate}, {'s', try_serials}, {'h', try_channel},  {'l', try_list}};
    size_t len = size == 0 ? 0 : size - 1;
    char *text = malloc(len + 1); /* so that a sanitizer sees its end */
    expect(text != NULL);
    memcpy(text, data + (size != 0), len);
    text[len] = '\0';
    for (size_t i = 0; size != 0 && i < sizeof rows / sizeof *rows; i++) {
        if (data[0] == (uint8_t)rows[i].letter) {
            rows[i].try(text, len);
        }
    }
    free(text);
    return 0;
}
