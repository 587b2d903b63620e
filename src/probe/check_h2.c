/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_h2.h. */
#include "config.h"

#include "probe/check_h2.h"

static void trace_frame(void *context, bool is_sent, const char *text, size_t len)
{
    flight_trace(context, is_sent ? PROBE_STEP_SENT : PROBE_STEP_RECEIVED, text, len);
}

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

bool check_h2_begin(struct flight *flight, const struct check_h2_kind *kind, uint32_t body_max,
                    struct check_end *end)
{
    if (flight->h2 == NULL) {
        const struct h2_ear ear = {.context = flight,
                                   .field = kind->field,
                                   .head = kind->head,
                                   .data = kind->data,
                                   .traced = flight->traced == NULL ? NULL : trace_frame};
        flight->h2 = h2_new(&ear);
    }
    bool is_asked =
        flight->h2 != NULL && h2_ask(flight->h2, flight->check->ask->h2, CHECK_H2_OCTETS + body_max);
    if (!is_asked) {
        end->outcome = HEALTH_OUTCOME_LOCAL_ERROR;
        end->cause = PROBE_CAUSE_MEMORY;
    }
    return is_asked;
}

/* In the clear the first call also tells how the connection went. */
static enum wire_progress say(struct flight *flight, enum health_outcome *why)
{
    const uint8_t *bytes;
    size_t len;
    while ((bytes = h2_peek(flight->h2, &len)) != NULL) {
        size_t done = 0;
        enum wire_progress progress = wire_say(flight, bytes, len, &done, why);
        if (progress != WIRE_DONE) {
            return progress;
        }
        h2_consume(flight->h2, done);
        flight->stage = flight->stage < FLIGHT_WAITING ? FLIGHT_WAITING : flight->stage;
    }
    return WIRE_DONE;
}

/* A server may answer and close before it has read everything: what it said counts more than the reset that
 * the rest met. */
static enum check_progress hear(struct flight *flight, const struct check_h2_kind *kind,
                                struct check_scratch *scratch, struct check_end *end)
{
    enum check_progress progress = CHECK_GOES_ON;
    while (progress == CHECK_GOES_ON) {
        enum health_outcome lost = HEALTH_OUTCOME_NONE;
        size_t len;
        switch (wire_hear(flight, scratch->bytes, sizeof scratch->bytes, &len, &lost)) {
        case WIRE_LATER: return CHECK_GOES_ON;
        case WIRE_OVER: return kind->judge(flight, H2_GOES_ON, lost, end);
        case WIRE_DONE: break;
        }
        enum h2_state state = h2_feed(flight->h2, scratch->bytes, len);
        progress = kind->judge(flight, state, HEALTH_OUTCOME_NONE, end);
    }
    return progress;
}

enum check_progress check_h2_go_on(struct flight *flight, const struct check_h2_kind *kind,
                                   struct check_scratch *scratch, struct check_end *end)
{
    enum health_outcome why = HEALTH_OUTCOME_NONE;
    enum wire_progress said = say(flight, &why);
    if (said == WIRE_LATER && flight->stage == FLIGHT_CONNECTING) {
        return CHECK_GOES_ON;
    }
    if (said == WIRE_OVER && flight->stage == FLIGHT_CONNECTING) {
        return end_with(end, why);
    }
    enum check_progress progress = hear(flight, kind, scratch, end);
    if (said != WIRE_OVER) { /* what is heard has to be acknowledged */
        said = say(flight, &why);
    }
    return progress == CHECK_GOES_ON && said == WIRE_OVER ? kind->judge(flight, H2_GOES_ON, why, end)
                                                          : progress;
}

enum check_progress check_h2_fail(const struct flight *flight, enum h2_state state, enum health_outcome lost,
                                  struct check_end *end)
{
    end->detail = state == H2_RESET || state == H2_AWAY ? (uint16_t)h2_get_code(flight->h2) : 0;
    switch (state) {
    case H2_RESET:
        end->is_unasked = end->detail == H2_REFUSED_STREAM;
        return end_with(end, HEALTH_OUTCOME_STREAM_RESET);
    case H2_AWAY: return end_with(end, HEALTH_OUTCOME_GOAWAY);
    case H2_NO_MEMORY: end->cause = PROBE_CAUSE_MEMORY; return end_with(end, HEALTH_OUTCOME_LOCAL_ERROR);
    case H2_BROKEN: /* connected to itself, the prober reads what it says */
        return end_with(end, check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED
                                                             : HEALTH_OUTCOME_BAD_RESPONSE);
    case H2_GOES_ON:
    case H2_WHOLE: break;
    }
    return end_with(end, lost == HEALTH_OUTCOME_CLOSED && h2_is_leaving(flight->h2) ? HEALTH_OUTCOME_GOAWAY
                                                                                    : lost);
}

/* ---- between checks ---- */

bool check_h2_can_rest(const struct flight *flight)
{
    size_t len;
    return flight->h2 != NULL && h2_is_idle(flight->h2) && h2_peek(flight->h2, &len) == NULL;
}

bool check_h2_is_quiet(struct flight *flight)
{
    enum health_outcome why = HEALTH_OUTCOME_NONE;
    enum wire_progress progress;
    uint8_t octets[512];
    size_t len;
    while ((progress = wire_hear(flight, octets, sizeof octets, &len, &why)) == WIRE_DONE) {
        (void)h2_feed(flight->h2, octets, len);
        if (!h2_is_idle(flight->h2)) {
            return false;
        }
    }
    return progress == WIRE_LATER && say(flight, &why) == WIRE_DONE;
}

void check_h2_end(struct flight *flight)
{
    enum health_outcome why;
    if (flight->h2 != NULL && flight->stage >= FLIGHT_WAITING) {
        h2_finish(flight->h2);
        (void)say(flight, &why);
    }
}

void check_h2_close(struct flight *flight)
{
    h2_free(flight->h2);
    flight->h2 = NULL;
}
