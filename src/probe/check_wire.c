/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_wire.h. A session saves the next check the certificate and its signatures, which cost more than
 * all the rest. But what was verified once is not verified again, so a session goes back to a full handshake
 * that is at most a minute old, and is not used when the certificate of then has ended. */
#include "config.h"

#include "probe/check_wire.h"

#include "base/clock.h"
#include "base/memory.h"
#include "probe/engine_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SESSION_MAX_S = 60, DAY_S = 86400, STEP_MS = 60000, DOUBT_MS = 3600000 };

/* ---- targets ---- */

/* A host without its port and brackets, and without the final dot (RFC 6066 section 3). */
static const char *cut_host(const char *host, struct arena *arena)
{
    const char *colon = strchr(host, ':'), *end = host + strlen(host);
    if (host[0] == '[') {
        host++;
        end = strchr(host, ']') != NULL ? strchr(host, ']') : end;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        end = colon;
    }
    while (end > host && end[-1] == '.') {
        end--;
    }
    char *name = memory_print("%.*s", (int)(end - host), host);
    const char *shared = arena_share_text(arena, name);
    free(name);
    return shared;
}

void wire_prepare(struct check *check, const struct probe_target *target, const char *protocols,
                  struct arena *arena)
{
    char address[ADDR_TEXT_SIZE];
    struct addr addr;
    if (target->tls == NULL) {
        return;
    }
    const char *name = target->tls->name != NULL ? target->tls->name
                       : target->host != NULL    ? target->host
                                                 : addr_write(&target->at.addr, address);
    struct check_tls *tls = arena_alloc(arena, sizeof *tls);
    *tls = (struct check_tls){.context = tls_context_hold(target->tls->context),
                              .mark = target->tls->mark,
                              .resumes = target->tls->resumes,
                              .min_days = target->tls->min_days,
                              .peer.protocols = protocols};
    tls->peer.name = cut_host(name, arena);
    tls->peer.is_address = addr_parse(tls->peer.name, &addr) == 0;
    check_make_own(check, arena)->tls = tls;
}

static void forget_session(struct check_tls *tls)
{
    tls_session_free(tls->session);
    tls->session = NULL;
}

void wire_drop(struct check_tls *tls)
{
    if (tls != NULL) {
        forget_session(tls);
        tls_context_drop(tls->context);
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool wire_is_same(const struct check_tls *a, const struct check_tls *b)
{
    return a == NULL || b == NULL
               ? a == b
               : a->mark == b->mark && a->resumes == b->resumes && a->min_days == b->min_days &&
                     strcmp(a->peer.name, b->peer.name) == 0 &&
                     is_same_text(a->peer.protocols, b->peer.protocols);
}

void wire_carry(struct check_tls *from, struct check_tls *to)
{
    if (from != NULL && to != NULL) {
        to->session = from->session;
        to->session_s = from->session_s;
        to->end_s = from->end_s;
        to->good_ms = from->good_ms;
        to->offset_ms = from->offset_ms;
        from->session = NULL;
    }
}

/* ---- the handshake ---- */

static const struct tls_session *find_session(const struct flight *flight)
{
    struct check_tls *tls = flight->check->own->tls;
    int64_t age_s = flight->wall_s - tls->session_s;
    if (age_s < 0 || age_s > SESSION_MAX_S || flight->wall_s >= tls->end_s) {
        forget_session(tls);
    }
    return tls->session;
}

static enum wire_progress fail(enum health_outcome outcome, enum health_outcome *why)
{
    *why = outcome;
    return WIRE_OVER;
}

/* Is a certificate out of its time because the clock was set, not because time has passed? Which of both
 * times is the right one nobody knows here, so it is no result: for an hour, in which somebody hears of it.
 */
static bool is_of_the_clock(const struct flight *flight, enum health_outcome outcome)
{
    const struct check_tls *tls = flight->check->own->tls;
    int64_t step_ms = engine_ahead_ms(flight->engine) - tls->offset_ms;
    int64_t end_s = tls->end_s;
    if (tls->good_ms == 0 || clock_boot_ms() - tls->good_ms > DOUBT_MS) {
        return false;
    }
    switch (outcome) {
    case HEALTH_OUTCOME_CERTIFICATE_EARLY: return step_ms <= -STEP_MS;
    case HEALTH_OUTCOME_CERTIFICATE_EXPIRING: end_s -= (int64_t)tls->min_days * DAY_S; break;
    case HEALTH_OUTCOME_CERTIFICATE_EXPIRED: break;
    default: return false;
    }
    return step_ms >= STEP_MS && flight->wall_s - step_ms / 1000 < end_s;
}

static void doubt_the_clock(const struct flight *flight, struct check_end *end)
{
    if (is_of_the_clock(flight, end->outcome)) {
        end->outcome = HEALTH_OUTCOME_LOCAL_ERROR;
        end->cause = PROBE_CAUSE_CLOCK;
    }
}

static enum health_outcome judge(const struct flight *flight, enum tls_result result)
{
    switch (result) {
    case TLS_CLOSED:
        return flight->stage < FLIGHT_WAITING ? HEALTH_OUTCOME_TLS_CLOSED : HEALTH_OUTCOME_CLOSED;
    case TLS_FAILED: return check_judge_errno(tls_link_errno(flight->link), flight->stage);
    case TLS_REFUSED: return HEALTH_OUTCOME_TLS_REFUSED;
    case TLS_EXPIRED: return HEALTH_OUTCOME_CERTIFICATE_EXPIRED;
    case TLS_EARLY: return HEALTH_OUTCOME_CERTIFICATE_EARLY;
    case TLS_WRONG_HOST: return HEALTH_OUTCOME_CERTIFICATE_WRONG_HOST;
    case TLS_SELF_SIGNED: return HEALTH_OUTCOME_CERTIFICATE_SELF_SIGNED;
    case TLS_UNTRUSTED: return HEALTH_OUTCOME_CERTIFICATE_UNTRUSTED;
    case TLS_BAD_CERTIFICATE: return HEALTH_OUTCOME_CERTIFICATE_INVALID;
    case TLS_NO_MEMORY: return HEALTH_OUTCOME_LOCAL_ERROR;
    case TLS_OK:
    case TLS_AGAIN:
    case TLS_GARBLED: break;
    }
    /* Connected to itself, the prober reads its own hello. */
    return check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TLS_ERROR;
}

static void trace_certificate(void *context, const struct tls_certificate *certificate)
{
    const struct flight *flight = context;
    char begin[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE], text[1024];
    clock_write_rfc3339(certificate->begin_s * 1000, begin);
    clock_write_rfc3339(certificate->end_s * 1000, end);
    int len = snprintf(text, sizeof text, "subject %s; issuer %s; valid from %.19sZ to %.19sZ%s%s",
                       certificate->subject, certificate->issuer, begin, end,
                       certificate->names[0] == '\0' ? "" : "; for ", certificate->names);
    flight_trace(flight, PROBE_STEP_CERTIFICATE, text,
                 (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

static void trace_secured(const struct flight *flight)
{
    char text[TLS_TEXT_SIZE];
    tls_link_describe(flight->link, text);
    flight_trace(flight, PROBE_STEP_SECURED, text, strlen(text));
}

/* Hands are shaken: is the certificate good for long enough? */
static enum wire_progress look_at_end(struct flight *flight, struct check_end *end)
{
    struct check_tls *tls = flight->check->own->tls;
    flight->stage = FLIGHT_WAITING;
    bool is_fresh = !tls_link_is_resumed(flight->link);
    if (is_fresh) {
        forget_session(tls);
        tls->session_s = flight->wall_s;
        tls->end_s = tls_link_get_end(flight->link);
    }
    if (tls->min_days != 0 && tls->end_s - flight->wall_s < (int64_t)tls->min_days * DAY_S) {
        end->outcome = HEALTH_OUTCOME_CERTIFICATE_EXPIRING;
        doubt_the_clock(flight, end);
        return WIRE_OVER;
    }
    if (is_fresh) {
        tls->good_ms = clock_boot_ms();
        tls->offset_ms = engine_ahead_ms(flight->engine);
    }
    return WIRE_DONE;
}

static void open_link(struct flight *flight)
{
    struct check_tls *tls = flight->check->own->tls;
    flight->link = tls_link_open(tls->context, flight->fd, &tls->peer, find_session(flight));
    if (flight->link != NULL) {
        tls_link_set_time(flight->link, flight->wall_s);
    }
}

enum wire_progress wire_shake(struct flight *flight, struct check_end *end)
{
    if (flight->link == NULL) {
        open_link(flight);
    }
    if (flight->traced != NULL && flight->link != NULL && flight->stage == FLIGHT_CONNECTING) {
        tls_link_set_witness(flight->link,
                             &(struct tls_witness){.context = flight, .saw = trace_certificate});
    }
    enum tls_result result = flight->link == NULL ? TLS_NO_MEMORY : tls_link_shake(flight->link);
    if (flight->stage == FLIGHT_CONNECTING && flight->link != NULL && tls_link_has_begun(flight->link)) {
        flight->stage = FLIGHT_SHAKING;
    }
    if (result == TLS_OK) {
        if (flight->traced != NULL) {
            trace_secured(flight);
        }
        return look_at_end(flight, end);
    }
    if (result == TLS_AGAIN) {
        return WIRE_LATER;
    }
    forget_session(flight->check->own->tls); /* if it was to blame, the next one begins without */
    end->cause = result == TLS_NO_MEMORY ? PROBE_CAUSE_MEMORY : PROBE_CAUSE_NONE;
    if (flight->link == NULL) {
        return fail(HEALTH_OUTCOME_LOCAL_ERROR, &end->outcome);
    }
    end->outcome = judge(flight, result);
    doubt_the_clock(flight, end);
    return WIRE_OVER;
}

void wire_end(struct flight *flight)
{
    if (flight->link == NULL || flight->stage < FLIGHT_WAITING) {
        return;
    }
    struct check_tls *tls = flight->check->own->tls;
    struct tls_session *session = tls->resumes ? tls_link_take_session(flight->link) : NULL;
    if (session != NULL) {
        forget_session(tls);
        tls->session = session;
    }
    tls_link_finish(flight->link);
}

void wire_close(struct flight *flight)
{
    tls_link_free(flight->link);
    flight->link = NULL;
}

bool wire_offers(const struct check_tls *tls, const char *protocol)
{
    const char *at = tls == NULL ? NULL : tls->peer.protocols;
    size_t len = strlen(protocol);
    while (at != NULL && *at != '\0' && ((size_t)*at != len || strncmp(at + 1, protocol, len) != 0)) {
        at += (size_t)*at + 1;
    }
    return at != NULL && *at != '\0';
}

bool wire_speaks(const struct flight *flight, const char *protocol)
{
    char text[TLS_PROTOCOL_SIZE];
    return strcmp(tls_link_get_protocol(flight->link, text), protocol) == 0;
}

bool wire_renew(struct flight *flight, int64_t now_s)
{
    const struct check_tls *tls = check_get_own(flight->check)->tls;
    int64_t age_s = now_s - flight->wall_s;
    if (flight->link != NULL) {
        tls_link_renew(flight->link);
    }
    return tls == NULL || (age_s >= 0 && age_s <= SESSION_MAX_S && now_s < tls->end_s);
}

/* ---- octets ---- */

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static enum wire_progress follow(const struct flight *flight, enum tls_result result,
                                 enum health_outcome *why)
{
    return result == TLS_OK ? WIRE_DONE : result == TLS_AGAIN ? WIRE_LATER : fail(judge(flight, result), why);
}

static enum wire_progress follow_socket(const struct flight *flight, ssize_t n, size_t *done,
                                        enum health_outcome *why)
{
    if (n == -1) {
        return would_block(errno) ? WIRE_LATER : fail(check_judge_errno(errno, flight->stage), why);
    }
    *done = (size_t)n;
    return WIRE_DONE;
}

/* In the clear the first call also tells how the connection went: no getsockopt() needed. */
enum wire_progress wire_say(struct flight *flight, const void *bytes, size_t len, size_t *done,
                            enum health_outcome *why)
{
    enum wire_progress progress =
        flight->link != NULL ? follow(flight, tls_link_write(flight->link, bytes, len, done), why)
                             : follow_socket(flight, send(flight->fd, bytes, len, MSG_NOSIGNAL), done, why);
    if (progress == WIRE_DONE && flight->h2 == NULL) { /* which tells its frames */
        flight_trace(flight, PROBE_STEP_SENT, bytes, *done);
    }
    return progress;
}

static enum wire_progress hear(struct flight *flight, void *bytes, size_t size, size_t *done,
                               enum health_outcome *why)
{
    *done = 0;
    if (flight->link != NULL) {
        return follow(flight, tls_link_read(flight->link, bytes, size, done), why);
    }
    enum wire_progress progress = follow_socket(flight, recv(flight->fd, bytes, size, 0), done, why);
    return progress == WIRE_DONE && *done == 0 ? fail(HEALTH_OUTCOME_CLOSED, why) : progress;
}

enum wire_progress wire_hear(struct flight *flight, void *bytes, size_t size, size_t *done,
                             enum health_outcome *why)
{
    enum wire_progress progress = hear(flight, bytes, size, done, why);
    if (progress == WIRE_DONE && flight->h2 == NULL) {
        flight_trace(flight, PROBE_STEP_RECEIVED, bytes, *done);
    }
    return progress;
}
