/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills of steerd as a program of the command line: what is asked for, the report on stdout, what is wrong
 * on stderr. */
#include "config.h"

#include "daemon/rehearse.h"

#include "base/error.h"
#include "base/exits.h"
#include "conf/suggest.h"
#include "drill/drill.h"
#include "drill/recorded.h"
#include "drill/sweep.h"
#include "operate/operate.h"
#include "page/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Also in HTML. Returns whether it could be written. */
static bool write_page(const struct rehearse_options *options, const struct drill_report *report)
{
    char *json = drill_write_json(report), *page = page_write(json);
    FILE *to = fopen(options->html, "we");
    bool is_good = to != NULL && fputs(page, to) >= 0;
    if (to != NULL) {
        is_good = fclose(to) == 0 && is_good;
    }
    if (!is_good) {
        fprintf(stderr, "steerd: --html %s: %s\n", options->html, strerror(errno));
    }
    free(page);
    free(json);
    return is_good;
}

static int print_drill(const struct rehearse_options *options, const struct drill_report *report)
{
    if (options->html != NULL && !write_page(options, report)) {
        return EXITS_DRILL_NOT_RUN;
    }
    char *text = options->json ? drill_write_json(report) : drill_write_text(report);
    fputs(text, stdout);
    if (options->json) {
        putchar('\n');
    }
    free(text);
    return report->reason_count != 0 ? EXITS_DRILL_MISSED : EXITS_DRILL_MET;
}

/* kind: holds if there is no such target */
static int refuse_target(const struct view *view, const char *text, int error, enum health_kind kind)
{
    if (view->topology == NULL) {
        fprintf(stderr, "steerd: --drill %s: %s has no topology to lose something of\n", text,
                view->server->path);
        return EXITS_DRILL_NOT_RUN;
    }
    if (error != ERROR_NOT_FOUND) {
        fprintf(stderr, "steerd: --drill %s: expected region:NAME, az:NAME or endpoint:NAME\n", text);
        return EXITS_DRILL_NOT_RUN;
    }
    const struct conf_topology *topology = view->topology;
    const struct suggest_list lists[] = {
        [HEALTH_ENDPOINT] = {topology->endpoints, topology->endpoint_count, sizeof *topology->endpoints},
        [HEALTH_AZ] = {topology->azs, topology->az_count, sizeof *topology->azs},
        [HEALTH_REGION] = {topology->regions, topology->region_count, sizeof *topology->regions},
    };
    const char *name = strchr(text, ':') + 1;
    struct buffer hint;
    buffer_init(&hint);
    suggest_write(name, &lists[kind], 1, &hint);
    fprintf(stderr, "steerd: there is no %s \"%s\"%s\n", health_kind_text(kind), name, hint.bytes);
    buffer_fini(&hint);
    return EXITS_DRILL_NOT_RUN;
}

/* A document; else it is a target such as "region:us-east". */
static bool is_file(const char *text)
{
    size_t len = strlen(text);
    return strchr(text, '/') != NULL || (len > 5 && strcmp(text + len - 5, ".json") == 0);
}

/* 0, or why was said. */
static int load_document(const struct rehearse_options *options, const struct view *view, struct arena *arena,
                         struct drill_document *document)
{
    struct report *errors = report_new();
    int error = ERROR_INVALID;
    if (options->loss_count != 1 || options->refused) {
        fputs("steerd: --drill FILE says all that happens, expected no further --drill and no --failure\n",
              stderr);
    } else if (view->topology == NULL) {
        (void)refuse_target(view, options->losses[0], 0, HEALTH_REGION);
    } else {
        error = drill_parse_document(&(struct drill_source){.path = options->losses[0], .report = errors},
                                     &(struct drill_ground){.topology = view->topology,
                                                            .vantages = &view->server->vantages,
                                                            .geo = view->geo,
                                                            .geo_count = view->geo_count,
                                                            .beside = options->losses[0]},
                                     arena, document);
        error = error == 0 ? drill_load_recorded(view, &document->clients, arena, errors) : error;
        report_write(errors, stderr);
    }
    if (error == 0 && document->from_live) {
        fputs("steerd: --drill FILE: without a server there is no present health, expected \"from\": "
              "\"healthy\"\n",
              stderr);
        error = ERROR_INVALID;
    }
    report_free(errors);
    return error;
}

static int run_document(const struct rehearse_options *options, const struct view *view, struct arena *arena)
{
    struct drill_document document;
    struct drill_report report;
    int error = load_document(options, view, arena, &document);
    if (error == 0) {
        error = drill_simulate(view, &(struct drill_scenario){.document = &document}, arena, &report);
    }
    return error == 0 ? print_drill(options, &report) : EXITS_DRILL_NOT_RUN;
}

static int sweep(const struct rehearse_options *options, const struct view *view, struct arena *arena)
{
    struct drill_document document;
    struct drill_sweep risks;
    drill_init_document(&document);
    int error =
        options->loss_count == 0 && !options->refused ? 0 : load_document(options, view, arena, &document);
    if (options->html != NULL) {
        fputs("steerd: --sweep: found --html, expected it with --drill alone: a sweep has no page\n", stderr);
        error = ERROR_INVALID;
    }
    if (error != 0) {
        return EXITS_DRILL_NOT_RUN;
    }
    error = drill_sweep(view, &document, NULL, arena, &risks);
    if (error != 0) {
        fprintf(stderr, "steerd: --sweep: %s has no topology to lose something of\n", view->server->path);
        return EXITS_DRILL_NOT_RUN;
    }
    char *text = options->json ? drill_write_sweep_json(&risks) : drill_write_sweep_text(&risks);
    printf("%s%s", text, options->json ? "\n" : "");
    free(text);
    return risks.failed_count != 0 ? EXITS_DRILL_MISSED : EXITS_DRILL_MET;
}

static int simulate_losses(const struct rehearse_options *options, const struct view *view,
                           struct arena *arena)
{
    struct drill_loss losses[REHEARSE_LOSSES_MAX] = {0};
    for (size_t i = 0; i < options->loss_count; i++) {
        int error = operate_parse_target(view, options->losses[i], &losses[i].kind, &losses[i].index);
        if (error != 0) {
            return refuse_target(view, options->losses[i], error, losses[i].kind);
        }
    }
    struct drill_report report;
    struct drill_scenario scenario = {.losses = losses,
                                      .loss_count = options->loss_count,
                                      .failure =
                                          options->refused ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TIMEOUT};
    int error = drill_simulate(view, &scenario, arena, &report);
    if (error != 0) {
        fprintf(stderr, "steerd: the drill cannot be computed: %s\n", error_text(error));
        return EXITS_DRILL_NOT_RUN;
    }
    return print_drill(options, &report);
}

int rehearse(const struct rehearse_options *options, const struct view *view, struct arena *arena)
{
    return options->sweeps               ? sweep(options, view, arena)
           : is_file(options->losses[0]) ? run_document(options, view, arena)
                                         : simulate_losses(options, view, arena);
}
