/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A verb table over a small made-up world: two regions, two azs, three endpoints, for tests of admin. */
#pragma once

#include "admin/admin.h"

enum { FAKE_REGIONS = 2, FAKE_AZS = 2, FAKE_ENDPOINTS = 3 };

struct fake {
    struct conf_endpoint endpoints[FAKE_ENDPOINTS];
    struct operate_target targets[HEALTH_REGION + 1][FAKE_ENDPOINTS];
    struct health_override overrides[HEALTH_REGION + 1][FAKE_ENDPOINTS];
    void (*done)(void *argument, const struct admin_reload_result *result); /* of a reload that is running */
    void *argument;
    bool is_invited;                                                           /* the latest takeover */
    void (*taken)(void *argument, const struct admin_takeover_result *result); /* of a takeover, likewise */
    void *taken_argument;
    size_t reloads, puts;
    struct health_dormant dormant; /* no name: there is none */
    admin_news *news;              /* of who waits for kind=later */
    void *news_argument;
    size_t watches;
    const char *last_failure;
    bool last_from_live;
};

void fake_init(struct fake *fake);
/* ---- admin_fake_checks.c ---- */

size_t fake_list_monitors(void *context, const char *endpoint, struct arena *arena,
                          struct admin_monitor **monitors);
bool fake_has_monitor(void *context, size_t endpoint, const char *verdict, const char *outcome);
void fake_add_results(void *context, struct arena *arena, struct admin_monitor *monitor);
int fake_list_vantages(void *context, struct arena *arena, struct admin_vantages *list);
size_t fake_list_files(void *context, struct arena *arena, struct admin_file **items);
void fake_list_documents(void *context, bool with_files, struct arena *arena, struct admin_documents *list);
struct edit_document *fake_read_document(void *context, const struct edit *about, unsigned how,
                                         struct arena *arena, struct admin_opened *opened);
int fake_try_checks(void *context, struct admin_tries *tries, struct arena *arena);

struct admin_verbs fake_verbs(struct fake *fake);
void fake_journal_verbs(struct admin_verbs *verbs); /* those of the journal, for fake_verbs() */
/* Whoever waits for the journal hears it. */
void fake_news(struct fake *fake, int error, const char *why);
/* End the running takeover. */
void fake_takeover_ends(struct fake *fake, const struct admin_takeover_result *result);
/* End the running reload. */
void fake_reload_ends(struct fake *fake, const struct admin_reload_result *result);
