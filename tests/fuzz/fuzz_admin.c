/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of what a client of the admin API controls: the first line is a request target, the rest a body.
 * Every reader of bodies gets it; whatever is refused must come with a problem document that can be written.
 */
#include "config.h"

#include "admin/query.h"
#include "admin/render.h"
#include "admin/request.h"
#include "admin/route.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Success and a problem exclude each other. */
static void judge(int error, const struct problem *problem)
{
    expect((error != 0) == problem_is_set(problem));
    if (error == 0) {
        return;
    }
    json_t *document = render_problem(problem);
    char *text = json_dumps(document, JSON_COMPACT);
    expect(text != NULL);
    free(text);
    json_decref(document);
}

/* What is asked of the journal, in whatever is a query. */
static void judge_query(const struct route *route, struct arena *arena)
{
    unsigned char hash[ADMIN_HASH_LEN];
    struct problem problem;
    struct admin_journal journal;
    struct admin_audit audit;
    problem_init(&problem, arena);
    judge(query_parse_journal(route, 1000000, &journal, &problem), &problem);
    expect(problem_is_set(&problem) || (journal.limit > 0 && (journal.key == NULL || journal.kind != NULL)));
    expect(problem_is_set(&problem) ||
           (journal.wait_ms >= 0 && journal.wait_ms <= ADMIN_WAIT_MAX_MS &&
            (journal.wait_ms == 0 || (journal.oldest_first && journal.until_ms == 0))));
    const char *cursor = route->parameters[ROUTE_CURSOR], *endpoint = NULL;
    size_t row;
    expect(cursor == NULL || query_parse_row(cursor, arena, &endpoint, &row) != 0 || endpoint[0] != '\0');
    problem_init(&problem, arena);
    judge(query_parse_audit(route, hash, &audit, &problem), &problem);
    expect(problem_is_set(&problem) || (audit.anchor == NULL) == (audit.anchor_seq == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const unsigned methods[] = {0, ROUTE_GET, ROUTE_HEAD, ROUTE_PUT, ROUTE_POST, ROUTE_DELETE};
    const uint8_t *end = len == 0 ? NULL : memchr(bytes, '\n', len);
    size_t target_len = end == NULL ? 0 : (size_t)(end - bytes);
    const char *body = (const char *)bytes + (end == NULL ? 0 : target_len + 1);
    size_t body_len = len - (size_t)(body - (const char *)bytes);
    struct arena *arena = arena_new(0);
    char *target = arena_alloc(arena, target_len + 1);
    if (target_len != 0) {
        memcpy(target, bytes, target_len);
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct problem problem;
        struct route route;
        const char *allow;
        problem_init(&problem, arena);
        int error = route_parse(target, methods[i], &route, &allow, &problem);
        judge(error, &problem);
        if (error == 0) {
            judge_query(&route, arena);
        }
    }
    struct problem problem;
    struct request_override override;
    struct request_drill drill;
    struct request_what_if what_if;
    problem_init(&problem, arena);
    judge(request_parse_override(body, body_len, 1000000, &override, &problem), &problem);
    expect(problem_is_set(&problem) || override.what.expires_ms == 0 || override.what.expires_ms > 1000000);
    expect(problem_is_set(&problem) || override.what.expires_ms == 0 ||
           override.what.expires_ms > override.what.starts_ms);
    expect(problem_is_set(&problem) || override.what.starts_ms == 0 || override.what.starts_ms > 1000000);
    struct request_load load;
    struct request_report report;
    problem_init(&problem, arena);
    judge(request_parse_load(body, body_len, &load, &problem), &problem);
    expect(problem_is_set(&problem) || (load.value >= 0 && load.ttl_ms >= 0));
    problem_init(&problem, arena);
    judge(request_parse_report(body, body_len, &report, &problem), &problem);
    expect(problem_is_set(&problem) ||
           (report.endpoint != NULL && report.check != NULL && report.push.ttl_ms >= 0));
    const char *observed;
    problem_init(&problem, arena);
    judge(request_parse_observed(body, body_len, &observed, &problem), &problem);
    expect(problem_is_set(&problem) == (observed == NULL));
    problem_init(&problem, arena);
    judge(request_parse_drill(body, body_len, &drill, &problem), &problem);
    expect(problem_is_set(&problem) || drill.loss_count > 0 || drill.is_document || drill.sweeps);
    struct request_shadow shadow;
    problem_init(&problem, arena);
    judge(request_parse_shadow(body, body_len, &shadow, &problem), &problem);
    expect(problem_is_set(&problem) || shadow.order.loss_count > 0 || shadow.order.document != NULL);
    (void)request_is_shadow(body, body_len);
    problem_init(&problem, arena);
    judge(request_parse_what_if(body, body_len, &what_if, &problem), &problem);
    struct request_switchover switchover;
    for (int kind = REQUEST_SWITCHOVER_NEW; kind <= REQUEST_SWITCHOVER_TURN; kind++) {
        problem_init(&problem, arena);
        judge(request_parse_switchover(body, body_len, (enum request_switchover_kind)kind, &switchover,
                                       &problem),
              &problem);
        expect(problem_is_set(&problem) || kind != REQUEST_SWITCHOVER_NEW ||
               switchover.what.target_count > 0);
        expect(problem_is_set(&problem) || kind != REQUEST_SWITCHOVER_TURN || switchover.what.to[0] != '\0');
        expect(problem_is_set(&problem) || switchover.what.step_count <= SWITCHOVER_STEPS_MAX);
    }
    problem_init(&problem, arena);
    bool is_invited;
    judge(request_parse_takeover(body, body_len, &is_invited, &problem), &problem);
    struct request_challenge challenge;
    problem_init(&problem, arena);
    judge(request_parse_challenge(body, body_len, &challenge, &problem), &problem);
    expect(problem_is_set(&problem) || (request_is_challenge(challenge.value) && challenge.lasts_ms > 0));
    problem_init(&problem, arena);
    judge(request_parse_empty(body, body_len, &problem), &problem);
    arena_free(arena);
    return 0;
}
