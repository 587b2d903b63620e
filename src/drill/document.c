/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a drill document: everything wrong with it is reported at once, with line and path, by the readers
 * of conf. Keys that an event cannot use are errors, too: nobody shall believe that they did something. */
#include "config.h"

#include "drill/document.h"

#include "base/error.h"
#include "base/memory.h"
#include "conf/doc.h"
#include "drill/clients.h"
#include "drill/level.h"
#include "drill/moves_read.h"
#include "drill/what.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t any_ms[2] = {0, 7u * 24 * 3600 * 1000}, some_ms[2] = {1, 7u * 24 * 3600 * 1000};

struct reader {
    const struct conf_topology *topology;
    struct arena *arena;
    struct drill_document *document;
    struct what_reader what;
};

/* ---- how ---- */

enum key { KEY_FAILURE = 1, KEY_AFTER = 2, KEY_UP_DOWN = 4, KEY_SHARE = 8, KEY_LAG = 16, KEY_FOR = 32 };

static const struct {
    const char *word;
    enum drill_how how;
    enum health_outcome outcome;
    unsigned keys; /* that it may have */
} ways[] = {
    {"lost", DRILL_LOST, HEALTH_OUTCOME_TIMEOUT, KEY_FOR},
    {"refused", DRILL_LOST, HEALTH_OUTCOME_REFUSED, KEY_FOR},
    {"slow", DRILL_SLOW, HEALTH_OUTCOME_NONE, KEY_AFTER | KEY_FOR},
    {"flapping", DRILL_FLAPPING, HEALTH_OUTCOME_TIMEOUT, KEY_FAILURE | KEY_UP_DOWN | KEY_FOR},
    {"partial", DRILL_PARTIAL, HEALTH_OUTCOME_TIMEOUT, KEY_FAILURE | KEY_SHARE | KEY_FOR},
    {"silent", DRILL_SILENT, HEALTH_OUTCOME_NONE, KEY_FOR},
    {"lag", DRILL_LAG, HEALTH_OUTCOME_NONE, KEY_LAG | KEY_FOR},
    {"recovered", DRILL_RECOVERED, HEALTH_OUTCOME_NONE, 0},
};

/* Whoever wrote a key that does nothing here meant something. */
static void reject_others(const struct doc_node *event, const char *how, unsigned keys)
{
    static const struct {
        const char *name;
        unsigned key;
    } all[] = {{"failure", KEY_FAILURE}, {"after", KEY_AFTER},  {"up", KEY_UP_DOWN},
               {"down", KEY_UP_DOWN},    {"checks", KEY_SHARE}, {"endpoints", KEY_SHARE},
               {"value", KEY_LAG},       {"growing", KEY_LAG},  {"for", KEY_FOR}};
    struct doc_node member;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if ((keys & all[i].key) == 0 && doc_find(event, all[i].name, &member)) {
            doc_error_at_key(&member, "found \"%s\", which does nothing where \"how\" is \"%s\"", all[i].name,
                             how);
        }
    }
}

static void read_share(const struct doc_node *event, struct drill_cause *cause)
{
    struct doc_node checks, endpoints;
    bool has_checks = doc_find(event, "checks", &checks),
         has_endpoints = doc_find(event, "endpoints", &endpoints);
    if (has_checks == has_endpoints) {
        doc_error(event, "expected either \"checks\" or \"endpoints\": the share of them that fails");
    }
    cause->is_share_of_checks = has_checks;
    cause->share = doc_get_share(event, has_checks ? "checks" : "endpoints", 1);
    if (has_endpoints && cause->what != DRILL_PLACE && cause->what != DRILL_LINK) {
        doc_error_at_key(&endpoints,
                         "found \"endpoints\", expected \"checks\": what is partial here has none");
    }
}

/* Numbers of the event that belong to its way. */
static void read_details(const struct doc_node *event, unsigned keys, struct drill_cause *cause)
{
    static const char *const failures[] = {"timeout", "refused", NULL};
    struct doc_node member;
    if ((keys & KEY_FAILURE) != 0 && doc_get_choice(event, "failure", failures, 0) == 1) {
        cause->outcome = HEALTH_OUTCOME_REFUSED;
    }
    if ((keys & KEY_AFTER) != 0 && doc_require(event, "after", &member)) {
        cause->slow_ms = doc_get_duration_ms(event, "after", some_ms, 1);
    }
    if ((keys & KEY_UP_DOWN) != 0) {
        cause->up_ms = doc_require(event, "up", &member) ? doc_get_duration_ms(event, "up", some_ms, 1) : 1;
        cause->down_ms =
            doc_require(event, "down", &member) ? doc_get_duration_ms(event, "down", some_ms, 1) : 1;
    }
    if ((keys & KEY_SHARE) != 0) {
        read_share(event, cause);
    }
    if ((keys & KEY_LAG) != 0) {
        const double range[2] = {0, 1e6};
        cause->lag_ms = doc_get_duration_ms(event, "value", any_ms, 0);
        if (doc_find(event, "growing", &member)) { /* seconds per second */
            (void)doc_read_real(&member, range, &cause->growth);
        }
    }
}

/* Not all can happen to all. */
static void reject_way(const struct doc_node *node, const char *how, const struct drill_cause *cause)
{
    bool is_silent = cause->how == DRILL_SILENT;
    if ((cause->what == DRILL_COPY) != (cause->how == DRILL_LAG) && cause->how != DRILL_RECOVERED) {
        doc_error(node, "found \"%s\", expected %s", how,
                  cause->what == DRILL_COPY ? "\"lag\" or \"recovered\": this is a copy"
                                            : "something that can happen to it: only a copy lags");
    } else if (is_silent && (cause->what != DRILL_VANTAGE || cause->from == 1u << DRILL_LOCAL)) {
        doc_error(node,
                  "found \"%s\", expected something that can happen to it: only another vantage than "
                  "the server itself falls silent",
                  how);
    }
}

static void read_how(const struct doc_node *event, struct drill_cause *cause)
{
    enum { WAYS = sizeof ways / sizeof ways[0] };
    const char *words[WAYS + 1] = {NULL};
    struct doc_node node;
    for (size_t i = 0; i < WAYS; i++) {
        words[i] = ways[i].word;
    }
    if (!doc_require(event, "how", &node)) {
        return;
    }
    unsigned way = doc_get_choice(event, "how", words, WAYS);
    if (way == WAYS) {
        return;
    }
    cause->how = ways[way].how;
    cause->outcome = ways[way].outcome;
    reject_others(event, words[way], ways[way].keys);
    read_details(event, ways[way].keys, cause);
    reject_way(&node, words[way], cause);
}

/* ---- events ---- */

static void read_event(const struct reader *reader, const struct doc_node *event)
{
    static const char *const keys[] = {"at",   "what",   "how",       "for",   "failure", "after", "up",
                                       "down", "checks", "endpoints", "value", "growing", NULL};
    struct doc_node member;
    struct drill_cause *cause = &reader->document->causes[reader->document->cause_count];
    if (!doc_check_object(event, keys)) {
        return;
    }
    *cause = (struct drill_cause){.until_ms = INT64_MAX};
    if (doc_require(event, "at", &member)) {
        cause->at_ms = doc_get_duration_ms(event, "at", any_ms, 0);
        if (reader->document->duration_ms != 0 && cause->at_ms > reader->document->duration_ms) {
            doc_error(&member,
                      "found an event after the end of the drill, expected none after its \"duration\"");
        }
    }
    if (doc_find(event, "for", &member)) {
        cause->until_ms = cause->at_ms + doc_get_duration_ms(event, "for", some_ms, 1);
    }
    bool is_known = what_read(&reader->what, event, cause);
    read_how(event, cause);
    reader->document->cause_count += is_known;
}

/* By time; those of one moment stay in their order. */
static void sort_causes(struct drill_document *document)
{
    for (size_t i = 1; i < document->cause_count; i++) {
        struct drill_cause moved = document->causes[i];
        size_t at = i;
        for (; at > 0 && document->causes[at - 1].at_ms > moved.at_ms; at--) {
            document->causes[at] = document->causes[at - 1];
        }
        document->causes[at] = moved;
    }
}

/* What has recovered does not turn any more. */
static void end_recovered(const struct conf_topology *topology, struct drill_document *document)
{
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *recovered = &document->causes[i];
        for (size_t n = 0; recovered->how == DRILL_RECOVERED && n < i; n++) {
            struct drill_cause *cause = &document->causes[n];
            if (cause->how != DRILL_RECOVERED && cause->until_ms > recovered->at_ms &&
                what_is_within(topology, cause, recovered)) {
                cause->until_ms = recovered->at_ms;
            }
        }
    }
}

/* A document of a few lines could ask for days of a server's time. */
static void check_cost(const struct drill_document *document, const struct doc_node *root)
{
    int64_t duration_ms = drill_document_duration(document), turns = 0;
    for (size_t i = 0; i < document->move_count; i++) {
        turns += (int64_t)document->moves[i].plan.step_count + 2;
    }
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        int64_t end_ms = cause->until_ms < duration_ms ? cause->until_ms : duration_ms;
        bool turns_often = cause->how == DRILL_FLAPPING && end_ms > cause->at_ms;
        turns += turns_often ? 2 * ((end_ms - cause->at_ms) / (cause->down_ms + cause->up_ms) + 1) : 2;
    }
    if (duration_ms > DRILL_DURATION_MAX_MS) {
        doc_error(root, "found a drill of %lld hours, expected 24 at most: say a \"duration\"",
                  (long long)duration_ms / 3600000);
    } else if (turns > DRILL_TURNS_MAX) {
        doc_error(root,
                  "found events that begin and end %lld times, expected %d at most: let flaps take longer, "
                  "or the drill not so long",
                  (long long)turns, DRILL_TURNS_MAX);
    }
}

static void read_events(const struct reader *reader, const struct doc_node *root)
{
    struct doc_node events, event = {.value = NULL};
    if (!doc_require(root, "events", &events) || !doc_check_array(&events, "an array of events")) {
        return;
    }
    size_t count = doc_count(&events);
    if (count == 0 || count > DRILL_CAUSES_MAX) {
        doc_error(&events, "found %zu events, expected 1 to %d", count, DRILL_CAUSES_MAX);
        return;
    }
    reader->document->causes = arena_alloc(reader->arena, count * sizeof *reader->document->causes);
    while (doc_next(&events, &event)) {
        read_event(reader, &event);
    }
    sort_causes(reader->document);
    end_recovered(reader->topology, reader->document);
    check_cost(reader->document, root);
}

/* ---- objectives ---- */

static void read_resources(const struct doc_node *objectives, struct drill_objectives *to)
{
    static const uint32_t levels[2] = {1, DRILL_LEVELS};
    const char *keys[DRILL_RESOURCES + 1] = {NULL};
    struct doc_node node;
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        keys[i] = drill_resource_key((enum drill_resource)i);
    }
    if (!doc_find(objectives, "resources", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        to->resources[i] = (uint8_t)doc_get_number(&node, keys[i], levels, 0);
    }
}

static void read_objectives(const struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"rto",       "rpo",           "max_failed", "capacity",
                                       "must_move", "must_not_move", "resources",  NULL};
    const double shares[2] = {0, 1};
    struct drill_objectives *to = &reader->document->objectives;
    struct doc_node node, member;
    if (!doc_find(root, "objectives", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    to->rto_ms = doc_get_duration_ms(&node, "rto", some_ms, 0);
    to->rpo_ms = doc_get_duration_ms(&node, "rpo", some_ms, 0);
    to->has_max_failed = doc_find(&node, "max_failed", &member);
    if (to->has_max_failed) {
        (void)doc_read_real(&member, shares, &to->max_failed);
    }
    to->capacity = doc_find(&node, "capacity", &member) ? doc_get_share(&node, "capacity", 1) : 0;
    if (to->capacity != 0 && reader->document->clients.per_second <= 0) {
        doc_error_at_key(&member, "found \"capacity\" without \"requests_per_second\" of \"clients\", of "
                                  "which it would be the use");
    }
    read_resources(&node, to);
    to->must_move = clients_read_names(reader->arena, &node, "must_move", &to->must_move_count);
    to->must_not_move = clients_read_names(reader->arena, &node, "must_not_move", &to->must_not_move_count);
}

/* ---- the document ---- */

/* Who sees it is a matter of who runs it (admin/request_shadow.c): here it is an object that may be there. */
static void read_shadow(const struct doc_node *root)
{
    static const char *const keys[] = {"prefixes", "ecs", "listen", "tsig_key", NULL};
    struct doc_node node, list;
    if (!doc_find(root, "shadow", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    (void)doc_get_text(&node, "tsig_key");
    for (size_t i = 0; i < 3; i++) {
        struct doc_node item = {.value = NULL};
        bool is_there = doc_find(&node, keys[i], &list);
        const char *expected =
            i < 2 ? "a prefix or an array of prefixes" : "a listen address or an array of them";
        while (is_there && doc_next_text(&list, expected, &item)) {
        }
    }
}

static void read_live(const struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"by", "canary", "canary_for", "abort", NULL};
    static const char *const means[] = {"inject", "override", "hooks", NULL};
    static const char *const abort_keys[] = {"capacity", "errors", "recovery", NULL};
    static const uint32_t percent[2] = {1, 100}, canary_ms[2] = {1000, 3600 * 1000};
    struct drill_live *to = &reader->document->live;
    struct doc_node node, member;
    if (!doc_find(root, "live", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    unsigned by = (unsigned)doc_get_choice(&node, "by", means, 0);
    to->by_override = by == 1;
    to->by_hooks = by == 2;
    to->canary = doc_get_number(&node, "canary", percent, 0);
    to->canary_ms = doc_get_duration_ms(&node, "canary_for", canary_ms, 0);
    if (to->canary_ms != 0 && (to->canary == 0 || to->canary == 100) &&
        doc_find(&node, "canary_for", &member)) {
        doc_error_at_key(&member, "found \"canary_for\" without \"canary\", a share below 100 percent");
    }
    if (doc_find(&node, "abort", &member) && doc_check_object(&member, abort_keys)) {
        to->capacity = doc_get_number(&member, "capacity", percent, 0);
        to->errors = doc_get_share(&member, "errors", 0);
        to->recovery_ms = doc_get_duration_ms(&member, "recovery", some_ms, 0);
    }
}

static void read_document(struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"name",     "description", "mode",        "seed",       "from",
                                       "duration", "events",      "clients",     "objectives", "shadow",
                                       "vantages", "live",        "switchovers", NULL};
    static const char *const modes[] = {"simulate", "shadow", "live", NULL};
    static const char *const starts[] = {"healthy", "live", NULL};
    static const uint32_t seeds[2] = {0, UINT32_MAX};
    struct drill_document *document = reader->document;
    if (!doc_check_object(root, keys)) {
        return;
    }
    document->name = arena_copy_text(reader->arena, doc_get_text(root, "name"));
    document->description = arena_copy_text(reader->arena, doc_get_text(root, "description"));
    (void)doc_get_choice(root, "mode", modes, 0); /* who runs it may run it otherwise */
    read_shadow(root);
    read_live(reader, root);
    document->seed = doc_get_number(root, "seed", seeds, 1);
    document->from_live = doc_get_choice(root, "from", starts, 0) == 1;
    document->duration_ms = doc_get_duration_ms(root, "duration", some_ms, 0);
    reader->what.from_live = document->from_live || reader->what.ground->is_real;
    what_read_vantages(&reader->what, root);
    moves_read(&reader->what, root, document);
    read_events(reader, root);
    clients_read(reader->what.ground, root, reader->arena, &document->clients);
    read_objectives(reader, root);
}

/* Takes the document. */
static int read_all(struct doc *doc, const struct drill_ground *ground, struct arena *arena,
                    struct drill_document *document)
{
    drill_init_document(document);
    if (doc == NULL) {
        return ERROR_INVALID;
    }
    struct doc_node root = doc_get_root(doc);
    read_document(&(struct reader){.topology = ground->topology,
                                   .arena = arena,
                                   .document = document,
                                   .what = {ground, arena, false, &document->vantages}},
                  &root);
    int error = doc_has_errors(doc) ? ERROR_INVALID : 0;
    doc_free(doc);
    return error;
}

int drill_parse_document(const struct drill_source *source, const struct drill_ground *ground,
                         struct arena *arena, struct drill_document *document)
{
    return read_all(source->text == NULL ? doc_load(source->path, source->report)
                                         : doc_parse(source->path, source->text, source->len, source->report),
                    ground, arena, document);
}

void drill_init_document(struct drill_document *document)
{
    *document = (struct drill_document){
        .seed = 1, .vantages.local_region = DRILL_NO_REGION, .clients = DRILL_CLIENTS_DEFAULT};
}

int64_t drill_document_duration(const struct drill_document *document)
{
    enum { AFTERWARDS_MS = 10 * 60 * 1000 };
    int64_t last_ms = 0;
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        int64_t end_ms = cause->until_ms == INT64_MAX ? cause->at_ms : cause->until_ms;
        last_ms = end_ms > last_ms ? end_ms : last_ms;
    }
    for (size_t i = 0; i < document->move_count; i++) {
        const struct drill_move *move = &document->moves[i];
        int64_t there_ms = move->at_ms + (int64_t)move->plan.step_count * move->plan.each_ms;
        int64_t end_ms = move->until_ms == INT64_MAX ? there_ms : move->until_ms;
        last_ms = end_ms > last_ms ? end_ms : last_ms;
    }
    return document->duration_ms != 0 ? document->duration_ms : last_ms + AFTERWARDS_MS;
}
