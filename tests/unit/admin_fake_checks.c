/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See admin_fake.h: one check per endpoint, "web". */
#include "config.h"

#include "admin_fake.h"

#include "base/error.h"

#include <string.h>

size_t fake_list_monitors(void *context, const char *endpoint, struct arena *arena,
                          struct admin_monitor **monitors)
{
    (void)context, (void)endpoint;
    *monitors = arena_alloc(arena, sizeof **monitors);
    **monitors = (struct admin_monitor){.check = "web",
                                        .family = "ipv4",
                                        .type = "http",
                                        .address = "192.0.2.1:8080",
                                        .status = {.verdict = HEALTH_OBSERVED_HEALTHY,
                                                   .outcome = HEALTH_OUTCOME_OK,
                                                   .detail = 200,
                                                   .streak = 3,
                                                   .duration_us = 1500,
                                                   .checked_ms = 1795233906789}};
    return 1;
}

bool fake_has_monitor(void *context, size_t endpoint, const char *verdict, const char *outcome)
{
    (void)context, (void)endpoint;
    return (verdict == NULL || strcmp(verdict, "healthy") == 0) &&
           (outcome == NULL || strcmp(outcome, "ok") == 0);
}

int fake_list_vantages(void *context, struct arena *arena, struct admin_vantages *list)
{
    static struct admin_vantage items[] = {
        {.name = "fra-1", .enrolled_ms = 1, .counts = true},
        {.name = "nyc-1", .enrolled_ms = 1, .counts = true, .aside = {true}},
        {.name = "osl-1", .enrolled_ms = 1, .drained = true},
        {.name = "rio-1", .enrolled_ms = 1},
        {.name = "sin-1", .invited_until_ms = 1}};
    (void)context, (void)arena;
    *list = (struct admin_vantages){.is_on = true, .items = items, .count = sizeof items / sizeof *items};
    return 0;
}

size_t fake_list_files(void *context, struct arena *arena, struct admin_file **items)
{
    static struct admin_file list[] = {{.path = "/run/noc.json",
                                        .format = "steerd",
                                        .state = "refused",
                                        .names = 2,
                                        .written_ms = 1795233905000,
                                        .read_ms = 1795233906789,
                                        .changes = 5,
                                        .why = "line 3, column 5: found \"dwon\""},
                                       {.path = "/run/other", .format = "gdnsd", .state = "good", .names = 1},
                                       {.path = "/run/unread", .format = "gdnsd", .state = "unread"}};
    (void)context, (void)arena;
    *items = list;
    return sizeof list / sizeof *list;
}

void fake_add_results(void *context, struct arena *arena, struct admin_monitor *monitor)
{
    (void)context, (void)arena;
    monitor->next_ms = 1795233908000;
    monitor->from[monitor->result_count] = "local";
    monitor->results[monitor->result_count++] = (struct health_result){
        .ended_ms = 1795233906789, .duration_us = 1500, .detail = 200, .outcome = HEALTH_OUTCOME_OK};
}

int fake_try_checks(void *context, struct admin_tries *tries, struct arena *arena)
{
    (void)context;
    tries->items = arena_alloc(arena, sizeof *tries->items);
    tries->items[0] = (struct admin_try){.check = "web",
                                         .type = "http",
                                         .family = "ipv4",
                                         .address = "192.0.2.1:8080",
                                         .outcome = HEALTH_OUTCOME_OK};
    tries->count = 1;
    return tries->check == NULL || strcmp(tries->check, "web") == 0 ? 0 : ERROR_NOT_FOUND;
}

/* ---- documents ---- */

void fake_list_documents(void *context, bool with_files, struct arena *arena, struct admin_documents *list)
{
    (void)context;
    *list = (struct admin_documents){
        .owner = CONF_OWNER_API, .items = arena_alloc(arena, sizeof(struct admin_document)), .count = 1};
    list->items[0] = (struct admin_document){
        .name = "topology.json", .path = "/etc/steerd/topology.json", .file = with_files ? "differs" : NULL};
}

/* One with an endpoint; what is in the file has none. */
struct edit_document *fake_read_document(void *context, const struct edit *about, unsigned how,
                                         struct arena *arena, struct admin_opened *opened)
{
    struct edit_document *document = NULL;
    char why[EDIT_WHY_SIZE];
    (void)context, (void)arena;
    *opened = (struct admin_opened){.document = {.name = "topology.json"}, .error = ERROR_NOT_FOUND};
    opened->why = "there is no such document";
    if (about->kind != EDIT_NAME) {
        opened->text = how == ADMIN_OPEN_FILE ? "{}" : "{\"endpoints\": {\"web\": {\"az\": \"a\"}}}";
        opened->len = strlen(opened->text);
        opened->error = edit_open(opened->text, opened->len, &document, why);
    }
    return document;
}
