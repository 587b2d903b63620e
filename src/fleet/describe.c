/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See describe.h. */
#include "config.h"

#include "fleet/describe.h"

#include "base/wish.h"

#include <assert.h>

static enum probe_type probe_type_of(enum conf_check_type type)
{
    switch (type) {
    case CONF_CHECK_HTTP:
    case CONF_CHECK_HTTPS: return PROBE_HTTP;
    case CONF_CHECK_PUSH:
    case CONF_CHECK_TCP: return PROBE_TCP;
    case CONF_CHECK_DNS: return PROBE_DNS;
    case CONF_CHECK_ICMP: return PROBE_ICMP;
    case CONF_CHECK_GRPC: return PROBE_GRPC;
    case CONF_CHECK_EXEC: return PROBE_EXEC;
    case CONF_CHECK_FILE: return PROBE_FILE;
    }
    assert(!"a type of checks that nobody probes");
    return PROBE_HTTP;
}

static const struct probe_tls *describe_tls(const struct conf_tls *tls, struct arena *arena)
{
    struct probe_tls *to = tls == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (tls != NULL) {
        *to = (struct probe_tls){.context = tls->context,
                                 .mark = tls->mark,
                                 .name = tls->name,
                                 .protocols = tls->protocols,
                                 .resumes = tls->resumes,
                                 .min_days = tls->min_days};
    }
    return to;
}

/* What an answer says of the stage of a copy is looked for behind what is wanted of it. */
static const struct wish *add_stages(const struct conf_check *check, struct arena *arena)
{
    struct wish *wishes = arena_alloc(arena, (check->wish_count + WISHES_TOLD_MAX) * sizeof *wishes);
    for (size_t i = 0; i < check->wish_count; i++) {
        wishes[i] = check->wishes[i];
    }
    for (size_t i = 0; i < WISHES_TOLD_MAX; i++) {
        wishes[check->wish_count + i] = (struct wish){.pointer = check->lag->stage,
                                                      .op = WISH_EQUAL,
                                                      .kind = WISH_TEXT,
                                                      .text = check->lag->words[CONF_STAGE_START + i]};
    }
    return wishes;
}

static const struct probe_body *describe_body(const struct conf_check *check, struct arena *arena)
{
    _Static_assert((int)WISHES_TOLD_MAX == (int)CONF_STAGE_REAL_TIME, "each stage is looked for");
    bool has_stage = check->lag != NULL && check->lag->stage != NULL;
    if (check->regex == NULL && check->wish_count == 0 && !has_stage) {
        return NULL;
    }
    struct probe_body *to = arena_alloc(arena, sizeof *to);
    *to =
        (struct probe_body){.regex = check->regex, .wishes = check->wishes, .wish_count = check->wish_count};
    if (has_stage) {
        to->wishes = add_stages(check, arena);
        to->wish_count += WISHES_TOLD_MAX;
        to->told_count = WISHES_TOLD_MAX;
    }
    return to;
}

static const struct probe_icmp *describe_icmp(const struct conf_icmp *icmp, struct arena *arena)
{
    struct probe_icmp *to = icmp == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (to != NULL) {
        *to = (struct probe_icmp){.packets = icmp->packets,
                                  .spacing_ms = icmp->spacing_ms,
                                  .rtt_ms = icmp->rtt_ms,
                                  .loss = icmp->loss};
    }
    return to;
}

struct probe_target fleet_describe_check(const struct conf_check *check, struct arena *arena)
{
    return (struct probe_target){.type = probe_type_of(check->type),
                                 .at.port = check->port,
                                 .interval_ms = check->interval_ms,
                                 .timeout_ms = check->timeout_ms,
                                 .recheck_ms = check->recheck_ms,
                                 .back_off_ms = check->back_off_ms,
                                 .host = check->host,
                                 .path = check->path,
                                 .load = check->lag != NULL ? check->lag->value : check->load,
                                 .send = check->send,
                                 .send_len = check->send_len,
                                 .expect = check->expect,
                                 .expect_len = check->expect_len,
                                 .statuses = check->statuses,
                                 .method = check->method,
                                 .headers = check->headers,
                                 .body_max = check->body_max,
                                 .keep_alive = check->keep_alive,
                                 .proxy = check->proxy,
                                 .body = describe_body(check, arena),
                                 .tls = describe_tls(check->tls, arena),
                                 .dns = check->dns,
                                 .icmp = describe_icmp(check->icmp, arena),
                                 .service = check->service};
}
