/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of small parsers, each a row of the table below; the first octet chooses the row, the rest is its
 * text. Whatever is read as an object of the store can be written, and means the same then; what is refused
 * has a reason. The other rows have their promise beside them. */
#include "config.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "daemon/channel.h"
#include "daemon/clustered_pending.h"
#include "daemon/incident_json.h"
#include "daemon/token.h"
#include "daemon/vantage_member.h"
#include "fleet/client.h"
#include "fleet/inside.h"
#include "fleet/message.h"
#include "past/points.h"
#include "steerprobe/assignment.h"
#include "steerprobe/enrol.h"
#include "steerprobe/state.h"
#include "steerprobe/verdicts.h"
#include "tls/link.h"
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

/* A name that is compared is a text in UTF-8, and not empty. */
static void take_name(void *context, enum tls_name kind, const char *name)
{
    size_t *count = context;
    expect(kind <= TLS_NAME_URI && name[0] != '\0' && utf8_check(name, strlen(name)) == strlen(name));
    (*count)++;
}

static void try_certificate_names(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    struct tls_certificate seen;
    size_t count = 0, again = 0;
    X509 *x509 = d2i_X509(NULL, &at, (long)len);
    if (x509 == NULL) {
        return;
    }
    tls_certificate_list_names(x509, take_name, &count);
    tls_certificate_list_names(x509, take_name, &again);
    expect(count == again);
    tls_certificate_describe(x509, &seen);
    expect(strlen(seen.subject) < sizeof seen.subject && strlen(seen.names) < sizeof seen.names);
    X509_free(x509);
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

/* ---- the vantage's side: what a server says, in whatever order ---- */

struct vantage {
    struct clock clock;
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

static enum fleet_fit begin_list(void *context, uint64_t generation, uint32_t count, char *why)
{
    struct vantage *vantage = context;
    expect(vantage->coming == NULL);
    snprintf(why, FLEET_WHY_SIZE, "too many");
    vantage->coming = count > TARGETS_MAX ? NULL : assignment_new(generation, count, 0);
    return vantage->coming == NULL ? FLEET_DECLINED : FLEET_FITS;
}

static enum fleet_fit add_to_list(void *context, const struct fleet_message *message, char *why)
{
    struct vantage *vantage = context;
    struct assignment *coming = vantage->coming;
    expect(coming != NULL && (message->kind != FLEET_KEEP || vantage->used != NULL));
    bool good = message->kind == FLEET_CHECK ? assignment_add_check(coming, &message->check, why)
                : message->kind == FLEET_KEEP
                    ? assignment_keep(coming, vantage->used, message->keep.items, message->keep.count, why)
                    : assignment_add_targets(coming, message->targets.items, message->targets.count, why);
    return good ? FLEET_FITS : FLEET_WRONG;
}

static bool take_list(void *context, char *why)
{
    struct vantage *vantage = context;
    expect(vantage->coming != NULL);
    if (!assignment_finish(vantage->coming, why)) {
        return false;
    }
    assignment_drop(vantage->used);
    vantage->used = vantage->coming;
    vantage->coming = NULL;
    use(vantage->used);
    return true;
}

static void drop_list(void *context)
{
    struct vantage *vantage = context;
    assignment_drop(vantage->coming);
    vantage->coming = NULL;
}

static bool get_list(void *context, uint64_t *generation)
{
    const struct vantage *vantage = context;
    *generation = vantage->used == NULL ? 0 : assignment_generation(vantage->used);
    return vantage->used != NULL;
}

static uint64_t get_mark(void *context)
{
    const struct vantage *vantage = context;
    return assignment_mark(vantage->used);
}

static void set_mark(void *context, uint64_t mark)
{
    const struct vantage *vantage = context;
    if (vantage->used != NULL) {
        assignment_set_mark(vantage->used, mark);
    }
}

static const struct fleet_untaken *get_refused(void *context, size_t *count)
{
    const struct vantage *vantage = context;
    expect(vantage->used != NULL);
    return assignment_refused(vantage->used, count);
}

static void rename_list(void *context, uint64_t generation)
{
    const struct vantage *vantage = context;
    (void)generation;
    expect(vantage->used != NULL);
}

static bool aim(void *context, const struct fleet_message *message, char *why)
{
    const struct vantage *vantage = context;
    expect(vantage->used != NULL && message->aim.generation == assignment_generation(vantage->used));
    return assignment_aim(vantage->used, message->aim.items, message->aim.count, why);
}

static void begin_anew(void *context)
{
    (void)context;
}

static void hear_rest(void *context, const struct fleet_message *message)
{
    (void)context;
    expect(message->kind != FLEET_LIST && message->kind != FLEET_CHANGE && message->kind != FLEET_LISTED);
}

static struct tls_context *make_context(void)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_identity identity;
    expect(tls_identity_make("a host", &identity));
    const struct tls_plan plan = {.use = TLS_USE_PINNED_CLIENT,
                                  .certificate = {identity.certificate, strlen(identity.certificate)},
                                  .key = {identity.key, strlen(identity.key)}};
    struct tls_context *context = tls_context_new(&plan, &part, why);
    expect(context != NULL);
    tls_identity_fini(&identity);
    return context;
}

/* Lines to the client of a vantage, as if they had come over its connection. */
static void try_list(const char *text, size_t len)
{
    static struct tls_context *context; /* what it shows costs more than all the rest */
    context = context == NULL ? make_context() : context;
    struct vantage vantage = {.used = NULL};
    const struct fleet_client_hooks hooks = {.context = &vantage,
                                             .begin = begin_list,
                                             .add = add_to_list,
                                             .take = take_list,
                                             .drop = drop_list,
                                             .get = get_list,
                                             .get_mark = get_mark,
                                             .set_mark = set_mark,
                                             .refused = get_refused,
                                             .rename = rename_list,
                                             .aim = aim,
                                             .begin_anew = begin_anew,
                                             .hear = hear_rest};
    const struct fleet_client_plan plan = {
        .clock = &vantage.clock, .name = "fra-1", .run = 1, .hooks = &hooks};
    int ends[2];
    clock_init_virtual(&vantage.clock, 1000000, INT64_C(1700000000000));
    expect(channel_open(ends) == 0);
    struct fleet_client *client = fleet_client_open(&plan, context, ends[0]);
    expect(client != NULL);
    for (size_t at = 0; at < len && fleet_client_why(client)[0] == '\0';) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        fleet_client_hear_line(client, text + at, line_len);
        at += line_len + 1;
    }
    fleet_client_close(client);
    assignment_drop(vantage.used);
    assignment_drop(vantage.coming);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* ---- all ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        void (*try)(const char *text, size_t len);
    } rows[] = {{'t', try_token},
                {'m', try_member},
                {'i', try_incident},
                {'p', try_point},
                {'o', try_order},
                {'b', try_bearer},
                {'e', try_enrol},
                {'a', try_place},
                {'c', try_certificate},
                {'s', try_serials},
                {'h', try_channel},
                {'l', try_list},
                {'n', try_certificate_names}};
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
