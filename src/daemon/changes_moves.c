/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is told of switchovers, incidents, drills and reloads. */
#include "config.h"

#include "daemon/changes.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "events/change.h"
#include "operate/incident.h"

#include <stdio.h>
#include <string.h>

static const char *write_name(const char *kind, const char *name, char text[CHANGE_NAME_MAX + 1])
{
    snprintf(text, CHANGE_NAME_MAX + 1, "%s:%s", kind, name);
    return text;
}

static const char *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

void changes_tell_switchover(struct changes *changes, const struct changes_switchover *switchover)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "before", switchover->before);
    change_body_add(&body, "after", switchover->after);
    change_body_add_number(&body, "share", switchover->share);
    change_body_add(&body, "held_by", text_or_null(switchover->held_by));
    change_body_add(&body, "held", text_or_null(switchover->held));
    changes_publish(changes, &(struct change){.kind = CHANGE_SWITCHOVER,
                                              .name = write_name("switchover", switchover->id, name),
                                              .actor = text_or_null(switchover->actor),
                                              .peer = text_or_null(switchover->peer),
                                              .reason = text_or_null(switchover->reason),
                                              .body = body.text});
}

void changes_tell_node(struct changes *changes, const struct changes_node *node)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", node->turn);
    change_body_add(&body, "why", text_or_null(node->why));
    if (node->seq != 0) {
        change_body_add_number(&body, "position", (int64_t)node->seq);
    }
    changes_publish(changes, &(struct change){.kind = CHANGE_NODE,
                                              .name = write_name("node", node->name, name),
                                              .actor = text_or_null(node->actor),
                                              .peer = text_or_null(node->peer),
                                              .reason = text_or_null(node->reason),
                                              .body = body.text});
}

void changes_tell_bundle(struct changes *changes, const struct changes_bundle *bundle)
{
    char name[CHANGE_NAME_MAX + 1], node[CHANGE_WHO_MAX + 1];
    const char *from = text_or_null(bundle->node);
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", bundle->turn);
    change_body_add(&body, "why", text_or_null(bundle->why));
    if (from != NULL) {
        snprintf(node, sizeof node, "%.*s", (int)strcspn(from, "/"), from);
        change_body_add(&body, "node", node);
    }
    change_body_add(&body, "node_why", text_or_null(bundle->node_why));
    changes_publish(changes, &(struct change){.kind = CHANGE_BUNDLE,
                                              .name = write_name("bundle", bundle->id, name),
                                              .actor = text_or_null(bundle->actor),
                                              .reason = text_or_null(bundle->reason),
                                              .body = body.text});
}

static void add_course(struct change_body *body, const struct incident *incident)
{
    const struct incident_course *course = &incident->course;
    int64_t moved_ms = course->drain.began_ms == 0 ? -1 : course->drain.marks_ms[INCIDENT_MARKS - 1];
    if (course->was_held) {
        change_body_add(body, "held", course->decided_ms == 0 ? "yes" : "until then");
    }
    if (course->decided_ms != 0) {
        change_body_add_number(body, "decision_ms", course->decided_ms - incident->lost_ms);
    }
    if (course->published_ms != 0) {
        change_body_add_number(body, "publication_ms", course->published_ms - course->decided_ms);
    }
    if (moved_ms >= 0) {
        change_body_add_number(body, "moved_99_ms", moved_ms);
    }
}

void changes_tell_incident(struct changes *changes, const struct incident *incident, const char *turn)
{
    char name[CHANGE_NAME_MAX + 1], target[CHANGE_NAME_MAX + 1];
    struct change_body body;
    int64_t recovery_ms = incident_find_recovery(incident, incident->failing_ms);
    int64_t most_ms = incident_find_recovery(incident, incident->well_ms);
    change_body_init(&body);
    change_body_add(&body, "turn", turn);
    change_body_add(&body, "target", write_name(health_kind_text(incident->kind), incident->name, target));
    if (incident->failing_ms != 0) {
        change_body_add_number(&body, "detection_ms", incident->lost_ms - incident->failing_ms);
    }
    add_course(&body, incident);
    if (recovery_ms >= 0) {
        change_body_add_number(&body, "recovery_ms", recovery_ms);
    }
    if (most_ms >= 0) {
        change_body_add_number(&body, "recovery_most_ms", most_ms);
    }
    change_body_add(&body, "rto", incident_judge_rto(incident));
    if (incident->back_ms != 0) {
        change_body_add_number(&body, "lasted_ms", incident->back_ms - incident->lost_ms);
    }
    changes_publish(changes, &(struct change){.kind = CHANGE_INCIDENT,
                                              .name = write_name("incident", incident->id, name),
                                              .body = body.text});
}

void changes_tell_schedule(struct changes *changes, const struct changes_schedule *schedule)
{
    char name[CHANGE_NAME_MAX + 1], due[CLOCK_TEXT_SIZE];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", schedule->turn);
    change_body_add(&body, "schedule", schedule->name);
    change_body_add(&body, "due", schedule->due_ms == 0 ? NULL : clock_write_rfc3339(schedule->due_ms, due));
    change_body_add(&body, "why", text_or_null(schedule->why));
    change_body_add(&body, "report", text_or_null(schedule->report));
    if (schedule->count > 1) {
        change_body_add_number(&body, "count", (int64_t)schedule->count);
    }
    changes_publish(changes, &(struct change){.kind = CHANGE_DRILL,
                                              .name = write_name("schedule", schedule->name, name),
                                              .body = body.text});
}

void changes_tell_shadow(struct changes *changes, const struct changes_shadow *shadow)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "mode", shadow->live != 0 ? "live" : "shadow");
    if (shadow->live != 0) {
        change_body_add_number(&body, "share", shadow->live);
    }
    change_body_add(&body, "turn", shadow->turn);
    change_body_add(&body, "drill", shadow->id);
    change_body_add(&body, "lose", shadow->lost);
    change_body_add_number(&body, "losses", (int64_t)shadow->losses);
    if (shadow->because != NULL) {
        change_body_add(&body, "because", shadow->because);
    }
    change_body_add(&body, "why", text_or_null(shadow->why));
    if (shadow->because != NULL) {
        change_body_add_number(&body, "answers_changed", (int64_t)shadow->answers_changed);
    }
    if (shadow->because != NULL && shadow->decision_ms >= 0) {
        change_body_add_number(&body, "decision_ms", shadow->decision_ms);
    }
    if (shadow->because != NULL && shadow->sampled >= 0) {
        change_body_add_number(&body, "sampled", shadow->sampled);
        change_body_add_number(&body, "differences", shadow->differences);
    }
    changes_publish(changes, &(struct change){.kind = CHANGE_DRILL,
                                              .name = write_name("drill", shadow->id, name),
                                              .actor = text_or_null(shadow->actor),
                                              .peer = text_or_null(shadow->peer),
                                              .reason = text_or_null(shadow->reason),
                                              .body = body.text});
}

void changes_tell_step(struct changes *changes, const struct changes_step *step)
{
    enum { TEXT_MAX = 250 }; /* beside what has to be there */
    char name[CHANGE_NAME_MAX + 1], text[TEXT_MAX];
    int64_t percent = step->duration_ms <= 0 ? 100 : 100 * step->at_ms / step->duration_ms;
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "mode", step->is_live ? "live" : "shadow");
    change_body_add(&body, "turn", step->turn);
    change_body_add(&body, "drill", step->id);
    change_body_add_number(&body, "at_ms", step->at_ms);
    change_body_add_number(&body, "duration_ms", step->duration_ms);
    change_body_add_number(&body, "percent", percent < 100 ? percent : 100);
    if (step->text != NULL) {
        snprintf(text, sizeof text, "%.*s", (int)utf8_check(step->text, strnlen(step->text, TEXT_MAX - 1)),
                 step->text);
        change_body_add(&body, "step", text);
    }
    change_body_add_number(&body, "answers_changed", (int64_t)step->answers_changed);
    changes_publish(changes, &(struct change){.kind = CHANGE_STEP,
                                              .name = write_name("drill", step->id, name),
                                              .body = body.text});
}

void changes_tell_reload(struct changes *changes, const struct changes_reload *reload)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    bool is_zone = strcmp(reload->what, "all") != 0 && strcmp(reload->what, "documents") != 0;
    change_body_init(&body);
    change_body_add(&body, "result", reload->result);
    change_body_add_number(&body, "generation", (int64_t)reload->generation);
    change_body_add_number(&body, "errors", (int64_t)reload->errors);
    change_body_add_number(&body, "warnings", (int64_t)reload->warnings);
    change_body_add_number(&body, "duration_ms", reload->duration_ms);
    change_body_add(&body, "what", reload->what);
    changes_publish(changes,
                    &(struct change){.kind = CHANGE_RELOAD,
                                     .name = is_zone ? write_name("zone", reload->what, name) : reload->what,
                                     .body = body.text});
}

void changes_tell_drill(struct changes *changes, const struct changes_drill *drill)
{
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "mode", "simulate");
    change_body_add(&body, "lose", drill->lost);
    change_body_add_number(&body, "losses", (int64_t)drill->losses);
    change_body_add_number(&body, "names_changed", (int64_t)drill->names_changed);
    change_body_add_number(&body, "unserved", (int64_t)drill->unserved);
    change_body_add_number(&body, "recovery_ms", drill->recovery_ms);
    changes_publish(changes, &(struct change){.kind = CHANGE_DRILL, .name = drill->lost, .body = body.text});
}
