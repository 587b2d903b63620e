/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The made-up world. */
#include "config.h"

#include "admin_fake.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

static const size_t fake_counts[] = {
    [HEALTH_ENDPOINT] = FAKE_ENDPOINTS, [HEALTH_AZ] = FAKE_AZS, [HEALTH_REGION] = FAKE_REGIONS};

static void add_target(struct fake *fake, enum health_kind kind, size_t index)
{
    static const char *const names[][FAKE_ENDPOINTS] = {[HEALTH_ENDPOINT] = {"web-1", "web-2", "web-3"},
                                                        [HEALTH_AZ] = {"us-east-1a", "eu-west-1a"},
                                                        [HEALTH_REGION] = {"us-east", "eu-west"}};
    static const size_t az_of[] = {0, 0, 1};
    size_t az = kind == HEALTH_ENDPOINT ? az_of[index] : index;
    fake->targets[kind][index] = (struct operate_target){
        .kind = kind,
        .name = names[kind][index],
        .az = kind == HEALTH_ENDPOINT ? names[HEALTH_AZ][az] : NULL,
        .region = kind != HEALTH_REGION ? names[HEALTH_REGION][az] : NULL,
        .status = {.name = names[kind][index],
                   .observed = HEALTH_OBSERVED_HEALTHY,
                   .effective = {HEALTH_HEALTHY, HEALTH_BY_VERDICT},
                   .since_ms = 1795233906789,
                   .members = kind == HEALTH_AZ && az == 0 ? 2 : 1,
                   .members_healthy = kind == HEALTH_AZ && az == 0 ? 2 : 1,
                   .lost_from = kind == HEALTH_AZ && az == 0 ? 2 : 1},
    };
}

void fake_init(struct fake *fake)
{
    *fake = (struct fake){.reloads = 0};
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (size_t i = 0; i < fake_counts[kind]; i++) {
            add_target(fake, (enum health_kind)kind, i);
        }
    }
    for (size_t i = 0; i < FAKE_ENDPOINTS; i++) {
        fake->endpoints[i] = (struct conf_endpoint){.name = fake->targets[HEALTH_ENDPOINT][i].name,
                                                    .weight = (uint32_t)(10 * i)};
        addr_parse(i == 1 ? "2001:db8::2" : "192.0.2.1",
                   i == 1 ? &fake->endpoints[i].v6 : &fake->endpoints[i].v4);
        fake->targets[HEALTH_ENDPOINT][i].endpoint = &fake->endpoints[i];
    }
}

static void get_info(void *context, struct admin_info *info)
{
    (void)context;
    *info = (struct admin_info){.version = "0.test",
                                .generation = 7,
                                .started_ms = 1795233906789,
                                .loaded_ms = 1795233906789,
                                .names = 2,
                                .zones = 2};
}

static void list_targets(void *context, enum health_kind kind, struct arena *arena,
                         struct operate_targets *targets)
{
    struct fake *fake = context;
    targets->count = fake_counts[kind];
    targets->items = arena_copy(arena, fake->targets[kind], targets->count * sizeof *targets->items);
}

static struct operate_target *find_target(struct fake *fake, enum health_kind kind, const char *name)
{
    for (size_t i = 0; i < fake_counts[kind]; i++) {
        if (strcmp(fake->targets[kind][i].name, name) == 0) {
            return &fake->targets[kind][i];
        }
    }
    return NULL;
}

static void list_some(void *context, enum health_kind kind, struct arena *arena,
                      struct operate_targets *targets)
{
    struct fake *fake = context;
    size_t left = targets->first < fake_counts[kind] ? fake_counts[kind] - targets->first : 0;
    targets->count = targets->count < left ? targets->count : left;
    targets->items =
        arena_copy(arena, fake->targets[kind] + targets->first, targets->count * sizeof *targets->items);
}

static void list_overridden(void *context, enum health_kind kind, struct arena *arena,
                            struct operate_targets *targets)
{
    struct fake *fake = context;
    size_t wanted = targets->count;
    targets->items = arena_alloc(arena, wanted * sizeof *targets->items);
    for (targets->count = 0; targets->first < fake_counts[kind] && targets->count < wanted;
         targets->first++) {
        if (fake->targets[kind][targets->first].override != NULL) {
            targets->items[targets->count++] = fake->targets[kind][targets->first];
        }
    }
}

static ptrdiff_t find_target_index(void *context, enum health_kind kind, const char *name)
{
    struct fake *fake = context;
    const struct operate_target *target = find_target(fake, kind, name);
    return target == NULL ? -1 : target - fake->targets[kind];
}

static int list_group(void *context, const char *name, struct arena *arena, const char *const **names,
                      size_t *count)
{
    static const char *const members[] = {"web-1", "web-2"};
    (void)context, (void)arena;
    *names = members;
    *count = sizeof members / sizeof *members;
    return strcmp(name, "web") == 0 ? 0 : ERROR_NOT_FOUND;
}

static int get_target(void *context, enum health_kind kind, const char *name, struct arena *arena,
                      struct operate_target *target)
{
    (void)arena;
    const struct operate_target *found = find_target(context, kind, name);
    if (found == NULL) {
        return ERROR_NOT_FOUND;
    }
    *target = *found;
    return 0;
}

static size_t list_dormant(void *context, struct health_dormant_cursor *cursor, struct arena *arena,
                           struct health_dormant *items)
{
    const struct fake *fake = context;
    (void)arena;
    items[0] = fake->dormant;
    return fake->dormant.name != NULL && cursor->at++ == 0;
}

static size_t count_dormant(void *context)
{
    const struct fake *fake = context;
    return fake->dormant.name != NULL;
}

static bool seek_dormant(void *context, enum health_kind kind, const char *name,
                         struct health_dormant_cursor *cursor)
{
    const struct fake *fake = context;
    cursor->at = 1;
    return fake->dormant.name != NULL && fake->dormant.kind == kind && strcmp(fake->dormant.name, name) == 0;
}

static int put(struct fake *fake, enum health_kind kind, const char *name,
               const struct health_override *override)
{
    struct operate_target *target = find_target(fake, kind, name);
    if (target == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (override->starts_ms != 0 && target->override != NULL && !target->status.planned) {
        return ERROR_CONFLICT;
    }
    struct health_override *kept = &fake->overrides[kind][target - fake->targets[kind]];
    *kept = *override;
    fake->puts++;
    target->status.planned = override->starts_ms != 0;
    target->status.desired = target->status.planned ? HEALTH_DESIRED_AUTO : override->desired;
    target->override = override->desired == HEALTH_DESIRED_AUTO ? NULL : kept;
    return 0;
}

static int put_override(void *context, const struct admin_order *order, admin_ordered_fn *done,
                        void *argument)
{
    int error = put(context, order->kind, order->name, order->override);
    if (error == 0) {
        done(argument, &(struct admin_ordered){.durable = true});
    }
    return error;
}

static int foresee_override(void *context, struct operate_wish *wish, struct arena *arena,
                            struct operate_foresight *foresight)
{
    struct fake *fake = context;
    const struct operate_target *target = find_target(fake, wish->kind, wish->name);
    if (target == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (wish->override->starts_ms != 0 && target->override != NULL && !target->status.planned) {
        return ERROR_CONFLICT;
    }
    const struct operate_change changes[] = {{.kind = wish->kind,
                                              .name = target->name,
                                              .before = {HEALTH_HEALTHY, HEALTH_BY_VERDICT},
                                              .after = {HEALTH_DRAINED, HEALTH_BY_ENDPOINT_OVERRIDE}},
                                             {.kind = HEALTH_ENDPOINT,
                                              .name = "web-2",
                                              .before = {HEALTH_HEALTHY, HEALTH_BY_VERDICT},
                                              .after = {HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE}}};
    *foresight = (struct operate_foresight){.target = *target, .change_count = 2};
    foresight->target.status.planned = wish->override->starts_ms != 0;
    foresight->changes = arena_copy(arena, changes, sizeof changes);
    foresight->target.override = wish->override;
    return 0;
}

/* eu-west is the last place of two names. */
static int find_unserved(void *context, struct operate_wish *wish, struct arena *arena,
                         struct operate_unserved *unserved)
{
    static const struct operate_unserved_name names[] = {{.name = "www.example.com.",
                                                          .zone = "example.com.",
                                                          .types = {"A", "AAAA"},
                                                          .class_label = "default",
                                                          .class_count = 1}};
    if (find_target(context, wish->kind, wish->name) == NULL) {
        return ERROR_NOT_FOUND;
    }
    *unserved = (struct operate_unserved){.total = strcmp(wish->name, "eu-west") == 0 ? 2 : 0};
    unserved->count = unserved->total == 0 ? 0 : 1;
    unserved->names = arena_copy(arena, names, sizeof names);
    return 0;
}

static int judge_rules(void *context, struct operate_wish *wish, struct arena *arena,
                       struct operate_rules *rules)
{
    (void)context, (void)wish, (void)arena;
    *rules = (struct operate_rules){.count = 0};
    return 0;
}

static int put_load(void *context, const char *endpoint, const struct health_load_report *report)
{
    struct operate_target *target = find_target(context, HEALTH_ENDPOINT, endpoint);
    if (target == NULL) {
        return ERROR_NOT_FOUND;
    }
    target->status.load = (struct health_load_status){.source = report->source};
    if (report->source != HEALTH_LOAD_NONE) {
        target->status.load.value = report->load;
        target->status.load.shed = 0.5;
        target->status.load.reported_ms = 1795233906789;
        target->status.load.until_ms = 1795233906789 + report->ttl_ms;
    }
    strncpy(target->status.load.actor, report->actor, sizeof target->status.load.actor - 1);
    return 0;
}

static int foresee_shed(void *context, const char *endpoint, double load, double *shed)
{
    *shed = load / 4;
    return find_target(context, HEALTH_ENDPOINT, endpoint) == NULL ? ERROR_NOT_FOUND : 0;
}

static int explain(void *context, const struct operate_question *question, struct arena *arena,
                   struct operate_explanation *explanation)
{
    (void)context;
    static const char *const steps[] = {"found a zone"};
    if (strcmp(question->name, "..") == 0) {
        return ERROR_SYNTAX;
    }
    *explanation = (struct operate_explanation){.name = question->name,
                                                .type = question->type == 1 ? "A" : "other",
                                                .client = question->client == NULL ? NULL : "given",
                                                .zone = "example.com.",
                                                .rcode = "NOERROR",
                                                .source = "tier",
                                                .step_count = 1};
    explanation->steps = arena_copy(arena, steps, sizeof steps);
    return 0;
}

/* A region is known, all else is not; "=" has to be there. */
static int check_assumptions(struct admin_assumptions *assumptions)
{
    for (size_t i = 0; i < assumptions->count; i++) {
        bool is_one = strchr(assumptions->texts[i], '=') != NULL;
        if (!is_one || strncmp(assumptions->texts[i], "region:", 7) != 0) {
            assumptions->bad = assumptions->texts[i];
            return is_one ? ERROR_NOT_FOUND : ERROR_SYNTAX;
        }
    }
    return 0;
}

/* One row, of which the second page has nothing. */
static void make_report(const struct admin_assumptions *assumptions, struct arena *arena,
                        struct operate_report *report)
{
    static const char *const names[] = {"www.example.com.", "shop.example.com.", "a.example.com.",
                                        "b.example.com."};
    const struct operate_place places[] = {{"us-east", {1, 0}, {1800, 0}, {1, 0}},
                                           {"eu-west", {0, 0.5}, {0, 1000}, {0, 1.8}},
                                           {NULL, {0, 0.5}, {0, 0}, {-1, -1}}};
    struct operate_row row = {.policy = 3,
                              .class_label = "default",
                              .types = {"A", "AAAA"},
                              .name_listed = 4,
                              .name_count = 7,
                              .severity = OPERATE_OVERLOADED,
                              .changed = true,
                              .side = {{"tier us-east", "tier", 0, 1800}, {"tier eu-west", "tier", 0, 0}}};
    row.names = arena_copy(arena, names, sizeof names);
    row.regions = (struct operate_places){arena_copy(arena, places, sizeof places), 3, 3};
    *report = (struct operate_report){.assumed_count = assumptions->count,
                                      .names = 7,
                                      .names_changed = 7,
                                      .rows_total = 2,
                                      .regions = row.regions,
                                      .row_count = 1,
                                      .next_cursor = "1.2.3.4.5"};
    report->assumed = arena_copy(arena, assumptions->texts, assumptions->count * sizeof *report->assumed);
    report->steps = report->assumed;
    report->rows = arena_copy(arena, &row, sizeof row);
}

static int explain_if(void *context, const struct operate_question *question,
                      struct admin_assumptions *assumptions, struct arena *arena,
                      struct admin_explained *explained)
{
    int error = check_assumptions(assumptions);
    error = error != 0 ? error : explain(context, question, arena, &explained->before);
    explained->after = explained->before;
    make_report(assumptions, arena, &explained->report);
    return error;
}

static int what_if(void *context, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report)
{
    (void)context;
    make_report(&what_if->assumptions, arena, report);
    report->traffic = what_if->traffic;
    return what_if->cursor != NULL && strcmp(what_if->cursor, "1.2.3.4.5") != 0
               ? ERROR_SYNTAX
               : check_assumptions(&what_if->assumptions);
}

static int simulate(void *context, struct admin_drill *drill, char **json)
{
    struct fake *fake = context;
    fake->last_failure = drill->failure;
    fake->last_from_live = drill->from_live;
    for (size_t i = 0; i < drill->count; i++) {
        if (strncmp(drill->losses[i], "region:", 7) != 0) {
            drill->bad = drill->losses[i];
            return ERROR_NOT_FOUND;
        }
    }
    *json = memory_copy_text(
        "{\"lost\": [\"region:us-east\"], \"names\": 2, \"names_changed\": 1, \"recovery_ms\": 37500,"
        " \"decision_ms\": 7500, \"answers_unserved\": 0, \"rto_ms\": 30000, \"meets_rto\": false,"
        " \"failed\": true, \"reasons\": [\"recovery 37.5 s misses the RTO of 30.0 s\"],"
        " \"text\": \"region:us-east lost\\nFAILED: recovery 37.5 s\\u001b misses\\n\","
        " \"timeline\": [{\"at_ms\": 3000, \"text\": \"web-1 unhealthy\"}],"
        " \"answers\": [{\"name\": \"www.example.com.\", \"type\": \"A\", \"class\": \"default\","
        " \"before\": \"tier us-east\", \"after\": \"tier eu-west\", \"changes\": true, \"ttl_ms\": 30000,"
        " \"decided_ms\": 7500, \"shares\": [{\"region\": \"us-east\", \"before\": 1.0, \"after\": 0.0},"
        " {\"region\": \"eu-west\", \"before\": 0.0, \"after\": 1.0}]}]}\n");
    return 0;
}

static int reload(void *context, const struct admin_reload *asked,
                  void (*done)(void *argument, const struct admin_reload_result *result), void *argument)
{
    struct fake *fake = context;
    if (fake->done != NULL) {
        return ERROR_CONFLICT;
    }
    if (asked->zone != NULL && strcmp(asked->zone, "example.com") != 0) {
        return ERROR_NOT_FOUND;
    }
    fake->reloads++;
    fake->done = done;
    fake->argument = argument;
    return 0;
}

void fake_reload_ends(struct fake *fake, const struct admin_reload_result *result)
{
    void (*done)(void *argument, const struct admin_reload_result *result) = fake->done;
    fake->done = NULL;
    done(fake->argument, result);
}

static int take_over(void *context, bool is_invited,
                     void (*done)(void *argument, const struct admin_takeover_result *result), void *argument)
{
    struct fake *fake = context;
    fake->is_invited = is_invited;
    if (fake->taken != NULL) {
        return ERROR_CONFLICT;
    }
    fake->taken = done;
    fake->taken_argument = argument;
    return 0;
}

void fake_takeover_ends(struct fake *fake, const struct admin_takeover_result *result)
{
    void (*done)(void *argument, const struct admin_takeover_result *result) = fake->taken;
    fake->taken = NULL;
    done(fake->taken_argument, result);
}

static void list_zones(void *context, const struct view_zone **zones, size_t *count)
{
    (void)context;
    static const struct view_zone list[] = {{.origin = "example.com.",
                                             .path = "example.com.zone",
                                             .serial = 5,
                                             .names = 3,
                                             .records = 9,
                                             .steered = 1},
                                            {.origin = "bad\xff.", .path = "bad.zone", .failed = true}};
    *zones = list;
    *count = 2;
}

static void list_geo(void *context, struct arena *arena, struct admin_geo **items, size_t *count)
{
    (void)context;
    static const struct admin_geo list[] = {{.file = "country.mmdb",
                                             .type = "Country",
                                             .ip_version = 6,
                                             .built_ms = 1795233906000,
                                             .knows = {"continent", "country"},
                                             .networks = 9},
                                            {.file = "city.mmdb", .type = "City", .stale = true}};
    *items = arena_copy(arena, list, sizeof list);
    *count = 2;
}

static size_t list_secondaries(void *context, const char *origin, struct arena *arena,
                               struct admin_secondary **secondaries)
{
    (void)context;
    if (strcmp(origin, "example.com.") != 0) {
        return 0;
    }
    const struct admin_secondary two[] = {{.address = "192.0.2.53:53", .state = "idle"},
                                          {.address = "[2001:db8::53]:5353",
                                           .key = "transfer.",
                                           .state = "refused",
                                           .serial = 7,
                                           .told = true,
                                           .attempts = 2,
                                           .rcode = "NOTAUTH",
                                           .since_ms = 1795233906789}};
    *secondaries = arena_copy(arena, two, sizeof two);
    return 2;
}

static void list_names(void *context, const struct view_name **names, size_t *count)
{
    (void)context;
    static const struct view_name list[] = {
        {.owner = "*.example.com.", .zone = "example.com.", .ttl = 30, .types = STEER_HAS_A},
        {.owner = "www.example.com.",
         .zone = "example.com.",
         .ttl = 30,
         .types = STEER_HAS_A | STEER_HAS_AAAA}};
    *names = list;
    *count = 2;
}

static void write_type(void *context, const struct view_name *name, unsigned bit, char text[ADMIN_TYPE_SIZE])
{
    (void)context;
    (void)name;
    snprintf(text, ADMIN_TYPE_SIZE, "%s", bit == 0 ? "A" : "AAAA");
}

static const struct steer_policy *get_policy(void *context, const struct view_name *name)
{
    (void)context;
    (void)name;
    static const struct steer_tier tiers[] = {{.label = "us-east"}, {.label = "eu-west"}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = tiers, .tier_count = 2}};
    static const struct steer_policy policy = {.pick = STEER_PICK_WEIGHTED,
                                               .fallback = STEER_FALLBACK_STATIC,
                                               .member_count = 3,
                                               .class_count = 1,
                                               .classes = classes};
    return &policy;
}

static void write_metrics(void *context, struct buffer *out)
{
    (void)context;
    buffer_add_text(out, "# TYPE steerd_up gauge\nsteerd_up 1\n");
}

struct admin_verbs fake_verbs(struct fake *fake)
{
    struct admin_verbs verbs = {.context = fake,
                                .current = fake,
                                .get_info = get_info,
                                .list_targets = list_targets,
                                .list_some = list_some,
                                .count_dormant = count_dormant,
                                .seek_dormant = seek_dormant,
                                .list_dormant = list_dormant,
                                .list_overridden = list_overridden,
                                .find_target = find_target_index,
                                .list_group = list_group,
                                .get_target = get_target,
                                .list_monitors = fake_list_monitors,
                                .add_results = fake_add_results,
                                .list_vantages = fake_list_vantages,
                                .list_files = fake_list_files,
                                .has_monitor = fake_has_monitor,
                                .try_checks = fake_try_checks,
                                .put_override = put_override,
                                .put_load = put_load,
                                .foresee_shed = foresee_shed,
                                .foresee_override = foresee_override,
                                .find_unserved = find_unserved,
                                .rules = {.judge = judge_rules, .judge_now = judge_rules},
                                .explain = explain,
                                .explain_if = explain_if,
                                .what_if = what_if,
                                .simulate = simulate,
                                .reload = reload,
                                .take_over = take_over,
                                .list_zones = list_zones,
                                .list_documents = fake_list_documents,
                                .read_document = fake_read_document,
                                .list_geo = list_geo,
                                .list_secondaries = list_secondaries,
                                .list_names = list_names,
                                .write_type = write_type,
                                .get_policy = get_policy,
                                .write_metrics = write_metrics};
    fake_journal_verbs(&verbs);
    return verbs;
}
