/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober would do, by its own code, and what is expected, in words. What is heard is kept up to a
 * limit: heads and the beginnings of bodies are what people look for. */
#include "config.h"

#include "daemon/tries.h"

#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/targets.h"
#include "daemon/vantages.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/wish.h"
#include "probe/probe.h"
#include "view/hosts.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 64, STEPS_MAX = 200, OCTETS_MAX = 4096 };

struct trying {
    struct arena *arena;
    struct admin_tries *tries;
    struct probe_target *targets; /* of items */
    size_t *octets;               /* of items: that were kept of what was heard and said */
};

/* ---- what is expected ---- */

static bool accepts(const uint64_t *statuses, unsigned status)
{
    return (statuses[(status - 100) / 64] >> (status - 100) % 64 & 1) != 0;
}

/* "status 200-299, 304" */
static void write_statuses(const uint64_t *statuses, struct buffer *out)
{
    static const uint64_t successes[PROBE_STATUS_WORDS] = {0, 0xfffffff000000000, UINT64_MAX, 0xff};
    enum { FIRST = 100, END = FIRST + PROBE_STATUS_WORDS * 64 };
    const char *between = "status ";
    statuses = statuses == NULL ? successes : statuses;
    for (unsigned status = FIRST; status < END; status++) {
        unsigned last = status;
        if (!accepts(statuses, status)) {
            continue;
        }
        while (last + 1 < END && accepts(statuses, last + 1)) {
            last++;
        }
        buffer_print(out, last == status ? "%s%u" : "%s%u-%u", between, status, last);
        between = ", ";
        status = last;
    }
}

static void write_body(const struct probe_body *body, struct buffer *out)
{
    if (body != NULL && body->regex != NULL) {
        buffer_add_text(out, ", and what \"expect_regex\" says in the body");
    }
    for (size_t i = 0; body != NULL && i < body->wish_count; i++) {
        buffer_print(out, ", and what \"json\" says of %s", body->wishes[i].pointer);
    }
}

static void write_icmp(const struct probe_icmp *icmp, struct buffer *out)
{
    buffer_print(out, "%u echo requests, at most %g %% lost", icmp->packets, icmp->loss * 100);
    if (icmp->rtt_ms != 0) {
        buffer_print(out, ", replies within %u ms in the mean", icmp->rtt_ms);
    }
}

static const char *write_expected(const struct probe_target *target, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text);
    if (target->type == PROBE_HTTP) {
        write_statuses(target->statuses, &text);
    }
    if (target->icmp != NULL) {
        write_icmp(target->icmp, &text);
    }
    if (target->service != NULL && target->service[0] == '\0') {
        buffer_add_text(&text, "the server is SERVING");
    } else if (target->service != NULL) {
        buffer_print(&text, "service \"%s\" is SERVING", target->service);
    }
    if (target->expect_len != 0) {
        buffer_print(&text, "%s\"%.*s\"%s", text.len == 0 ? "" : ", and ", (int)target->expect_len,
                     (const char *)target->expect, target->type == PROBE_HTTP ? " in the body" : "");
    }
    if (target->type == PROBE_HTTP) {
        write_body(target->body, &text);
    }
    if (target->tls != NULL && target->tls->protocols != NULL &&
        strcmp(target->tls->protocols, "\x02h2") == 0) {
        buffer_add_text(&text, ", over HTTP/2");
    }
    if (target->tls != NULL && target->tls->min_days != 0) {
        buffer_print(&text, ", a certificate good for %u days", target->tls->min_days);
    }
    const char *copy = text.len == 0 ? NULL : arena_copy_text(arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

/* ---- what there is to do ---- */

static void add(struct trying *trying, const struct view *view, size_t monitor,
                const struct probe_target *target)
{
    char address[ADDR_TEXT_SIZE];
    const struct view_monitor *from = &view->monitors[monitor];
    const struct conf_check *check = &view->topology->checks[from->check];
    const struct conf_host *host = view->topology->endpoints[from->endpoint].host;
    if (trying->tries->count == TRIES_MAX) {
        return;
    }
    const char *at = !target->in_turn ? arena_copy_text(trying->arena, addr_write_place(&target->at, address))
                     : target->at.port == 0
                         ? arena_copy_text(trying->arena, host->name)
                         : arena_print(trying->arena, "%s:%u", host->name, target->at.port);
    trying->targets[trying->tries->count] = *target;
    trying->tries->items[trying->tries->count++] =
        (struct admin_try){.check = check->name,
                           .type = conf_check_type_text(check->type),
                           .family = from->family == ADDR_V4 ? "ipv4" : "ipv6",
                           .address = at,
                           .timeout_ms = check->timeout_ms,
                           .expected = write_expected(target, trying->arena)};
}

/* Of a host name each of its addresses; without any there is one check, which fails. */
static void add_monitor(struct trying *trying, const struct view *view, size_t monitor)
{
    struct probe_target target = targets_describe(view, monitor, trying->arena);
    if (target.idle) {
        return;
    }
    if (!target.in_turn || target.address_count == 0) {
        add(trying, view, monitor, &target);
        return;
    }
    target.in_turn = false;
    for (size_t i = 0; i < target.address_count; i++) {
        target.at.addr = target.addresses[i];
        add(trying, view, monitor, &target);
    }
}

static void add_all(struct trying *trying, const struct view *view)
{
    const struct admin_tries *tries = trying->tries;
    ptrdiff_t index = view->topology == NULL ? -1 : conf_find_endpoint(view->topology, tries->endpoint);
    size_t count = 0, first = index == -1 ? 0 : view_find_monitors(view, (uint32_t)index, &count);
    for (size_t i = first; i < first + count; i++) {
        const char *name = view->topology->checks[view->monitors[i].check].name;
        if (tries->check == NULL || strcmp(tries->check, name) == 0) {
            add_monitor(trying, view, i);
        }
    }
}

/* ---- while it goes on ---- */

static void add_step(struct admin_try *made, const char *step, uint32_t at_us, const char *text)
{
    if (made->step_count < STEPS_MAX) {
        made->steps = memory_grow(made->steps, made->step_count, &made->step_capacity, sizeof *made->steps);
        made->steps[made->step_count++] = (struct admin_step){.step = step, .at_us = at_us, .text = text};
    }
}

/* Octets as text: what is none is a dot, but that lines stay lines. */
static const char *write_octets(const struct probe_trace *trace, size_t room, struct arena *arena)
{
    size_t len = trace->len < room ? trace->len : room;
    char *text = arena_alloc_bytes(arena, len + 1);
    memcpy(text, trace->bytes, len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        text[i] = (char)((c < ' ' && c != '\r' && c != '\n' && c != '\t') || c >= 127 ? '.' : c);
    }
    text[len] = '\0';
    return len == trace->len ? text : arena_print(arena, "%s\n(%zu octets more)", text, trace->len - len);
}

static void on_traced(void *context, const struct probe_trace *trace)
{
    struct trying *trying = context;
    struct admin_try *made = &trying->tries->items[trace->target];
    size_t *octets = &trying->octets[trace->target];
    if (made->step_count == STEPS_MAX) { /* nor is more to be written for it: it may come octet by octet */
        return;
    }
    bool is_text = trace->step != PROBE_STEP_SENT && trace->step != PROBE_STEP_RECEIVED;
    const char *text = is_text
                           ? arena_print(trying->arena, "%.*s", (int)trace->len, (const char *)trace->bytes)
                           : write_octets(trace, OCTETS_MAX - *octets, trying->arena);
    *octets += is_text ? 0 : trace->len < OCTETS_MAX - *octets ? trace->len : OCTETS_MAX - *octets;
    add_step(made, probe_step_text(trace->step), trace->at_us, text);
}

static bool on_ended(void *context, const struct probe_result *result)
{
    struct trying *trying = context;
    struct admin_try *made = &trying->tries->items[result->target];
    made->outcome = result->outcome;
    made->detail = result->detail;
    made->duration_us = result->duration_us;
    made->text =
        result->text == NULL || result->text[0] == '\0' ? NULL : arena_copy_text(trying->arena, result->text);
    return false;
}

/* What was learnt of the host name, and when. */
static void add_resolved(struct trying *trying, const struct view *view)
{
    ptrdiff_t index = conf_find_endpoint(view->topology, trying->tries->endpoint);
    const struct conf_host *host = index == -1 ? NULL : view->topology->endpoints[index].host;
    for (size_t i = 0; host != NULL && i < trying->tries->count; i++) {
        struct admin_try *made = &trying->tries->items[i];
        const char *state = view_host_state_text(view_host_state(&view->hosts[host->index]));
        add_step(made, "resolve", 0,
                 arena_print(trying->arena, "%s (%s): %s", host->name, state,
                             trying->targets[i].in_turn ? "no address" : made->address));
    }
}

static void settle(struct trying *trying)
{
    for (size_t i = 0; i < trying->tries->count; i++) { /* into the arena, as all of it */
        struct admin_try *made = &trying->tries->items[i];
        struct admin_step *steps = made->steps;
        made->steps = arena_copy(trying->arena, steps, made->step_count * sizeof *steps);
        free(steps);
    }
}

int server_try_checks(void *context, struct admin_tries *tries, struct arena *arena)
{
    struct reader *reader = context;
    if (tries->from != NULL && reader->snapshot != NULL) {
        return server_try_from(context, tries, arena);
    }
    if (reader->snapshot == NULL) {
        return ERROR_UNSUPPORTED; /* nobody may wait for an endpoint with the lock */
    }
    const struct view *view = reader_begin(reader);
    struct trying trying = {.arena = arena,
                            .tries = tries,
                            .targets = arena_alloc(arena, TRIES_MAX * sizeof *trying.targets),
                            .octets = arena_alloc(arena, TRIES_MAX * sizeof *trying.octets)};
    tries->items = arena_alloc(arena, TRIES_MAX * sizeof *tries->items);
    tries->count = 0;
    add_all(&trying, view);
    int error = tries->count == 0 ? ERROR_NOT_FOUND : 0;
    if (error == 0) {
        const struct probe_hooks hooks = {.context = &trying,
                                          .runner = reader->server->runner,
                                          .sheets = reader->server->sheets,
                                          .ended = on_ended,
                                          .traced = on_traced};
        add_resolved(&trying, view);
        error = probe_try(trying.targets, tries->count, &hooks, tries->progress);
        settle(&trying);
    }
    reader_end(reader);
    return error;
}
