/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The writers' side makes records of names and words and is done; the log's thread makes lines of them, when
 * it has time. Hosts and renditions are in the stream, too; their lines are written where more is known. */
#include "config.h"

#include "daemon/changes.h"

#include "daemon/holds.h"
#include "daemon/teller.h"
#include "admin/admin.h"
#include "events/bell.h"
#include "health/opinion.h"
#include "base/clock.h"
#include "base/log_record.h"
#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 4096, OBJECTS_MAX = 65536 - SPARE };

struct changes {
    _Atomic(struct stream *) stream; /* NULL: not open yet */
    struct log_source source;
    struct stream_reader reader; /* of the log's thread */
    bool reads;
    struct teller *teller;
    void (*turned)(void *context, const struct health_override_turn *turn); /* NULL: nobody */
    void *turned_context;
    struct bell *bells[STREAM_WAKERS - 1];
    size_t bell_count;
    void (*lagged)(void *context); /* NULL: nobody */
    void *lagged_context;
    void (*failed)(void *context, const char *what, const char *name); /* likewise */
    void *failed_context;
};

/* ---- writers ---- */

static void publish(struct changes *changes, const struct change *change)
{
    struct stream *stream = atomic_load_explicit(&changes->stream, memory_order_acquire);
    if (stream != NULL) {
        stream_publish(stream, change);
    }
}

void changes_publish(struct changes *changes, const struct change *change)
{
    publish(changes, change);
}

/* "region:us-east" */
static const char *write_name(const char *kind, const char *name, char text[CHANGE_NAME_MAX + 1])
{
    snprintf(text, CHANGE_NAME_MAX + 1, "%s:%s", kind, name);
    return text;
}

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Of an endpoint, where they are, or were, not alike. */
static void add_families(struct change_body *body, const struct health_change *change)
{
    const enum health_observed *after = change->families_after, *before = change->families_before;
    if (change->kind != HEALTH_ENDPOINT ||
        (after[HEALTH_V4] == after[HEALTH_V6] && before[HEALTH_V4] == before[HEALTH_V6])) {
        return;
    }
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        char was[16];
        const char *name = health_family_text((enum health_family)family);
        snprintf(was, sizeof was, "%s_was", name);
        change_body_add(body, name, health_observed_text(after[family]));
        change_body_add(body, was, health_observed_text(before[family]));
    }
}

static void note_failure(const struct changes *changes, const struct health_change *change)
{
    char name[CHANGE_NAME_MAX + 1];
    if (changes->failed != NULL && change->observed_before == HEALTH_OBSERVED_HEALTHY &&
        change->observed_after == HEALTH_OBSERVED_UNHEALTHY && health_state_serves(change->before.state)) {
        changes->failed(changes->failed_context, "unhealthy",
                        write_name(health_kind_text(change->kind), change->name, name));
    }
}

static void on_change(void *context, const struct health_change *change)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    note_failure(context, change);
    bool has_family =
        memcmp(change->families_before, change->families_after, sizeof change->families_after) != 0;
    if (change->observed_after == change->observed_before && change->after.state == change->before.state &&
        !has_family) {
        return; /* another reason for the same: the object that gives it has a record of its own */
    }
    change_body_init(&body);
    change_body_add(&body, "observed", health_observed_text(change->observed_after));
    change_body_add(&body, "observed_was", health_observed_text(change->observed_before));
    add_families(&body, change);
    change_body_add(&body, "effective", health_state_text(change->after.state));
    change_body_add(&body, "effective_was", health_state_text(change->before.state));
    change_body_add(&body, "decided_by", health_decider_text(change->after.decided_by));
    change_body_add(&body, "cause", health_outcome_text(change->outcome));
    publish(context, &(struct change){.kind = CHANGE_HEALTH,
                                      .name = write_name(health_kind_text(change->kind), change->name, name),
                                      .body = body.text});
}

static void add_time(struct change_body *body, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    change_body_add(body, key, wall_ms == 0 ? NULL : clock_write_rfc3339(wall_ms, text));
}

/* turn: NULL for one that somebody asks for just now. */
static void tell_override(struct changes *changes, enum health_kind kind, const char *target,
                          const struct health_override *override, const char *turn)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", turn);
    change_body_add(&body, "state", health_desired_text(override->desired));
    if (override->share != 0) {
        change_body_add_number(&body, "share", override->share);
    }
    if (override->has_ttl) {
        change_body_add_number(&body, "ttl", override->ttl_s);
    }
    change_body_add(&body, "to", text_or_null(override->to));
    change_body_add(&body, "names", text_or_null(override->names));
    add_time(&body, "starts", override->starts_ms);
    add_time(&body, "expires", override->expires_ms);
    publish(changes, &(struct change){.kind = CHANGE_OVERRIDE,
                                      .name = write_name(health_kind_text(kind), target, name),
                                      .actor = override->actor,
                                      .peer = text_or_null(override->peer),
                                      .reason = text_or_null(override->reason),
                                      .body = body.text});
}

/* One that starts or ends by itself. */
static void on_turn(void *context, const struct health_override_turn *turn)
{
    const struct changes *changes = context;
    if (changes->turned != NULL) {
        changes->turned(changes->turned_context, turn);
    }
    tell_override(context, turn->kind, turn->name, turn->override, health_turn_text(turn->turn));
}

void changes_hook_turns(struct changes *changes,
                        void (*turned)(void *context, const struct health_override_turn *turn), void *context)
{
    changes->turned = turned;
    changes->turned_context = context;
}

void changes_hook_failures(struct changes *changes,
                           void (*failed)(void *context, const char *what, const char *name), void *context)
{
    changes->failed = failed;
    changes->failed_context = context;
}

void changes_tell_override(struct changes *changes, enum health_kind kind, const char *name,
                           const struct health_override *override)
{
    tell_override(changes, kind, name, override, NULL);
}

/* An endpoint begins or ends to shed weight. */
static void on_shed(void *context, const struct health_shed_change *change)
{
    const struct health_load_status *load = change->load;
    const char *source = health_load_source_text(load->source);
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "sheds", source != NULL && load->shed > 0 ? "yes" : "no");
    if (source != NULL) {
        change_body_add_real(&body, "load", load->value);
    }
    change_body_add(&body, "source", source);
    if (source == NULL) {
        change_body_add(&body, "why",
                        load->reported_ms == 0 ? "the report was deleted" : "the latest report is too old");
    }
    publish(context, &(struct change){.kind = CHANGE_LOAD,
                                      .name = write_name("endpoint", change->name, name),
                                      .actor = source == NULL ? NULL : text_or_null(load->actor),
                                      .peer = source == NULL ? NULL : text_or_null(load->peer),
                                      .body = body.text});
}

static void add_seconds(struct change_body *body, const char *key, int64_t ms)
{
    change_body_add_number(body, key, (ms + 999) / 1000);
}

static void on_braked(void *context, const struct health_brake_change *change)
{
    static const char *const names[HEALTH_BRAKES] = {"ipv4", "ipv6"};
    static const char *const why[] = {
        [HEALTH_BRAKE_ENGAGED] =
            "nearly everything failed at once: that is taken for trouble of this host or its "
            "network, and nothing becomes unhealthy; if it is real, override what is lost",
        [HEALTH_BRAKE_RECOVERED] = "a target answers again: what fails from now on counts",
        [HEALTH_BRAKE_BELIEVED] =
            "a control target answers: this host sees well, and the failures are believed",
        [HEALTH_BRAKE_EXPIRED] = "the time to hold is up: the failures are believed",
    };
    const struct health_brake_status *status = &change->status;
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    const struct changes *changes = context;
    if (changes->failed != NULL && change->turn == HEALTH_BRAKE_ENGAGED) {
        changes->failed(changes->failed_context, "brake", names[change->family]);
    }
    change_body_init(&body);
    change_body_add(&body, "turn", health_brake_turn_text(change->turn));
    change_body_add_number(&body, "failing", status->failing);
    change_body_add_number(&body, "answering", status->answering);
    change_body_add_number(&body, "targets", status->targets);
    if (change->turn == HEALTH_BRAKE_ENGAGED) {
        add_seconds(&body, "at_most_s", status->left_ms);
    }
    change_body_add(&body, "why", why[change->turn]);
    publish(context, &(struct change){.kind = CHANGE_BRAKE,
                                      .name = write_name("family", names[change->family], name),
                                      .body = body.text});
}

/* It is well and stays down. */
static void on_stayed(void *context, const struct health_stay_change *change)
{
    const struct health_stay_status *status = &change->status;
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", "stays_down");
    change_body_add(&body, "because", health_stay_text(status->reason));
    add_time(&body, "until", status->ends_ms);
    add_time(&body, "down_since", status->down_ms);
    change_body_add(&body, "needs",
                    status->reason == HEALTH_STAY_MANUAL ? "failback"
                    : status->reason == HEALTH_STAY_DATA ? "release"
                                                         : NULL);
    change_body_add(&body, "rule", status->rule);
    publish(context, &(struct change){.kind = CHANGE_FAILBACK,
                                      .name = write_name(health_kind_text(change->kind), change->name, name),
                                      .body = body.text});
}

/* What came back has this much of its weight now. */
static void on_ramped(void *context, const struct health_ramp_change *change)
{
    const struct health_ramp_status *status = &change->status;
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    if (change->endpoints != 0) {
        change_body_add_number(&body, "endpoints", (int64_t)change->endpoints);
    }
    change_body_add_number(&body, "percent", status->percent == 0 ? HEALTH_RAMP_WHOLE : status->percent);
    if (status->percent != 0 && status->next_percent != 0) {
        change_body_add_number(&body, "next_percent", status->next_percent);
    }
    add_time(&body, "next", status->next_ms);
    add_time(&body, "ends", status->ends_ms);
    publish(context, &(struct change){.kind = CHANGE_RAMP,
                                      .name = write_name(health_kind_text(change->kind), change->name, name),
                                      .body = body.text});
}

static void on_held(void *context, const struct health_hold_change *change)
{
    const struct health_hold_status *status = &change->status;
    char name[CHANGE_NAME_MAX + 1], rules[HOLDS_TEXT_SIZE];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", health_hold_turn_text(change->turn));
    change_body_add(&body, "rules", holds_write_rules(change->health, status->rules, rules));
    add_time(&body, "since", status->since_ms);
    struct arena *arena = arena_new(0);
    if (status->is_held) {
        change_body_add(&body, "why", health_describe_hold(change->health, status, arena));
    }
    publish(context, &(struct change){.kind = CHANGE_HOLD,
                                      .name = write_name("region", status->region, name),
                                      .body = body.text});
    arena_free(arena);
}

/* "3.2 s" */
static const char *write_lag(const struct health_lag_status *status, char text[48])
{
    snprintf(text, 48, "%g %s", status->value, health_lag_unit_text(status->unit));
    return text;
}

void changes_hook_lags(struct changes *changes, void (*lagged)(void *context), void *context)
{
    changes->lagged = lagged;
    changes->lagged_context = context;
}

static void on_lagged(void *context, const struct health_lag_change *change)
{
    const struct changes *changes = context;
    const struct health_lag_status *status = change->status;
    char name[CHANGE_NAME_MAX + 1], value[48];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "to", status->to);
    change_body_add(&body, "rpo_is", health_rpo_text(status->rpo));
    change_body_add(&body, "rpo_was", health_rpo_text(change->rpo_before));
    change_body_add(&body, "stage", health_stage_text(status->stage));
    if (status->stage != change->stage_before) {
        change_body_add(&body, "stage_was", health_stage_text(change->stage_before));
    }
    change_body_add(&body, "lag", status->is_known ? write_lag(status, value) : NULL);
    if (status->rpo_ms != 0) {
        change_body_add_number(&body, "rpo_ms", status->rpo_ms);
    }
    change_body_add(&body, "source", health_lag_source_text(status->source));
    if (!status->is_known && status->age_ms >= 0) {
        add_seconds(&body, "age_s", status->age_ms);
        change_body_add(&body, "why", "nobody has said for too long how far it lags behind");
    }
    publish(context, &(struct change){.kind = CHANGE_REPLICATION,
                                      .name = write_name(health_kind_text(status->kind), status->from, name),
                                      .actor = text_or_null(status->actor),
                                      .peer = text_or_null(status->peer),
                                      .body = body.text});
    if (changes->lagged != NULL) {
        changes->lagged(changes->lagged_context);
    }
}

void changes_tell_failback(struct changes *changes, enum health_kind kind, const char *target,
                           const struct health_override *who)
{
    char name[CHANGE_NAME_MAX + 1];
    publish(changes, &(struct change){.kind = CHANGE_FAILBACK,
                                      .name = write_name(health_kind_text(kind), target, name),
                                      .actor = who->actor,
                                      .peer = text_or_null(who->peer),
                                      .reason = text_or_null(who->reason),
                                      .body = "turn=let_back\n"});
}

void changes_tell_forgotten(struct changes *changes, const char *endpoint,
                            const struct health_load_report *report)
{
    char name[CHANGE_NAME_MAX + 1];
    publish(changes, &(struct change){.kind = CHANGE_LOAD,
                                      .name = write_name("endpoint", endpoint, name),
                                      .actor = report->actor,
                                      .peer = report->peer,
                                      .body = "report=forgotten\n"});
}

void changes_tell_rendition(struct changes *changes, const char *zone, uint32_t serial, size_t policies)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add_number(&body, "serial", serial);
    change_body_add_number(&body, "policies", (int64_t)policies);
    publish(changes, &(struct change){.kind = CHANGE_RENDITION,
                                      .name = write_name("zone", zone, name),
                                      .body = body.text});
}

void changes_tell_host(struct changes *changes, const char *host, const char *family, const char *state)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "family", family);
    change_body_add(&body, "state", state);
    publish(changes,
            &(struct change){.kind = CHANGE_HOST, .name = write_name("host", host, name), .body = body.text});
}

void changes_tell_certificate(struct changes *changes, const struct changes_certificate *certificate)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", certificate->is_near ? "ending" : "renewed");
    change_body_add(&body, "check", certificate->check);
    change_body_add(&body, "family", certificate->family);
    add_time(&body, "ends", certificate->ends_ms);
    change_body_add_number(&body, "days", certificate->days);
    publish(changes, &(struct change){.kind = CHANGE_CERTIFICATE,
                                      .name = write_name("endpoint", certificate->endpoint, name),
                                      .body = body.text});
}

void changes_tell_vantage(struct changes *changes, const struct changes_vantage *vantage)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", vantage->turn);
    change_body_add(&body, "from", vantage->from);
    change_body_add(&body, "was", vantage->was);
    if (vantage->checks != 0) {
        change_body_add_number(&body, "checks", (int64_t)vantage->checks);
    }
    change_body_add(&body, "why", vantage->why);
    publish(changes,
            &(struct change){.kind = CHANGE_VANTAGE,
                             .name = write_name("vantage", vantage->name, name),
                             .actor = vantage->actor == NULL ? NULL : text_or_null(vantage->actor),
                             .peer = vantage->peer == NULL ? NULL : text_or_null(vantage->peer),
                             .reason = vantage->reason == NULL ? NULL : text_or_null(vantage->reason),
                             .body = body.text});
}

void changes_tell_access(struct changes *changes, const struct admin_refusal *refusal, uint64_t untold)
{
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "cause", admin_refusal_text(refusal->cause));
    change_body_add(&body, "method", refusal->method);
    change_body_add(&body, "resource", refusal->resource);
    change_body_add(&body, "why", refusal->why);
    if (untold != 0) {
        change_body_add_number(&body, "untold", (int64_t)untold);
    }
    publish(changes, &(struct change){
                         .kind = CHANGE_ACCESS, .name = "admin", .peer = refusal->peer, .body = body.text});
}

static void on_vantage(void *context, const struct health_vantage_change *change)
{
    changes_tell_vantage(context, &(struct changes_vantage){.name = change->name,
                                                            .turn = health_vantage_turn_text(change->turn)});
}

static void on_more(void *context)
{
    const struct changes *changes = context;
    teller_wake(changes->teller);
}

void changes_listen(struct changes *changes, struct teller *teller, struct health *health)
{
    changes->teller = teller;
    health_set_listener(health, &(struct health_listener){.context = changes,
                                                          .changed = on_change,
                                                          .turned = on_turn,
                                                          .shed = on_shed,
                                                          .braked = on_braked,
                                                          .stayed = on_stayed,
                                                          .heard = on_vantage,
                                                          .lagged = on_lagged,
                                                          .ramped = on_ramped,
                                                          .held = on_held,
                                                          .more = on_more});
}

/* ---- the log ---- */

static bool has_line(const struct change *change)
{
    return change->kind != CHANGE_HOST && change->kind != CHANGE_RENDITION;
}

/* kind=region name=us-east */
static void add_name(struct log_record *record, const struct change *change)
{
    char kind[CHANGE_NAME_MAX + 1];
    const char *colon = change->name == NULL ? NULL : strchr(change->name, ':');
    if (colon == NULL || change->kind == CHANGE_RELOAD || change->kind == CHANGE_DRILL ||
        change->kind == CHANGE_STEP) {
        return; /* the body says it */
    }
    snprintf(kind, sizeof kind, "%.*s", (int)(colon - change->name), change->name);
    log_record_add(record, "kind", kind, false);
    log_record_add(record, "name", colon + 1, false);
}

static void write_line(const struct change *change, struct log_record *record)
{
    struct change_pair pair;
    log_record_begin(record, change->wall_ms, LOG_LEVEL_INFO, change_kind_text(change->kind));
    add_name(record, change);
    for (const char *at = change->body; change_next_pair(&at, &pair);) {
        bool is_taken = strcmp(pair.key, "event") == 0; /* of a hook: which one it was run for */
        log_record_add(record, is_taken ? "event_seq" : pair.key, pair.value, pair.is_number);
    }
    log_record_add(record, "actor", change->actor, false);
    log_record_add(record, "peer", change->peer, false);
    log_record_add(record, "reason", change->reason, false);
}

/* On the log's thread. */
static bool next_line(void *context, struct log_record *record)
{
    struct changes *changes = context;
    struct stream *stream = atomic_load_explicit(&changes->stream, memory_order_acquire);
    uint64_t missed;
    if (stream == NULL) {
        return false;
    }
    if (!changes->reads) {
        changes->reads = true;
        stream_reader_init_at(&changes->reader, stream, 1);
    }
    for (;;) {
        enum stream_result result = stream_read(&changes->reader, &missed);
        if (result == STREAM_GAP) {
            log_count_dropped(LOG_LEVEL_INFO, missed);
        } else if (result == STREAM_NOTHING) {
            return false;
        } else if (has_line(&changes->reader.change)) {
            write_line(&changes->reader.change, record);
            return true;
        }
    }
}

static void wake_log(void *context)
{
    (void)context;
    log_wake();
}

/* ---- metrics ---- */

void changes_write_metrics(const struct changes *changes, struct buffer *out)
{
    const struct stream *stream = atomic_load_explicit(&changes->stream, memory_order_acquire);
    buffer_add_text(out,
                    "# HELP steerd_events_total Changes that were told to all who follow them, by kind.\n"
                    "# TYPE steerd_events_total counter\n");
    for (int kind = 0; kind < CHANGE_KINDS; kind++) {
        buffer_print(out, "steerd_events_total{kind=\"%s\"} %lu\n", change_kind_text((enum change_kind)kind),
                     (unsigned long)stream_count(stream, (enum change_kind)kind));
    }
    buffer_print(out,
                 "# HELP steerd_events_seq Number of the latest change.\n"
                 "# TYPE steerd_events_seq gauge\nsteerd_events_seq %lu\n",
                 (unsigned long)stream_get_seq(stream));
}

/* ---- life ---- */

struct changes *changes_new(void)
{
    struct changes *changes = memory_alloc(sizeof *changes);
    changes->source = (struct log_source){changes, next_line};
    return changes;
}

void changes_add_bell(struct changes *changes, struct bell *bell)
{
    assert(changes->bell_count < sizeof changes->bells / sizeof *changes->bells);
    changes->bells[changes->bell_count++] = bell;
}

struct stream *changes_get_stream(const struct changes *changes)
{
    return atomic_load_explicit(&changes->stream, memory_order_acquire);
}

void changes_open(struct changes *changes, size_t objects)
{
    struct stream *stream = stream_new((objects < OBJECTS_MAX ? objects : OBJECTS_MAX) + SPARE);
    stream_add_waker(stream, wake_log, NULL);
    for (size_t i = 0; i < changes->bell_count; i++) {
        stream_add_waker(stream, bell_ring, changes->bells[i]);
    }
    atomic_store_explicit(&changes->stream, stream, memory_order_release);
}

void changes_free(struct changes *changes)
{
    if (changes != NULL) {
        stream_free(atomic_load(&changes->stream));
        free(changes);
    }
}

const struct log_source *changes_get_source(struct changes *changes)
{
    return &changes->source;
}
