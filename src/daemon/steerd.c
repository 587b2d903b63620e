/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd -c FILE [--takeover | --check | --dump ZONE | --drill TARGET … | --at MOMENT …]: options, and what
 * needs no running server. */
#include "config.h"

#include "daemon/rehearse.h"
#include "daemon/rollouts_choose.h"
#include "daemon/run.h"
#include "daemon/steerd.h"
#include "daemon/then.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/exits.h"
#include "base/memory.h"
#include "base/source_list.h"
#include "base/words.h"
#include "conf/cluster.h"
#include "conf/server.h"
#include "operate/advice.h"
#include "operate/compare.h"
#include "operate/operate.h"
#include "past/bundle.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES = 100 };

struct options {
    const char *path, *zone, *against;
    bool check, json, takes_over;
    struct rehearse_options drill;
    struct then_options then;
};

static void print_usage(FILE *to)
{
    fputs("usage: steerd -c FILE                        serve in the foreground\n"
          "       steerd -c FILE --takeover             take over from the one that serves, if any does\n"
          "       steerd -c FILE --check                validate everything, list all errors, exit 0 or 1\n"
          "              [--against FILE]               and say what changes for traffic\n"
          "       steerd -c FILE --dump ZONE            print a zone as it was loaded\n"
          "       steerd -c FILE --drill KIND:NAME …    compute the loss of a region, az or endpoint\n"
          "       steerd -c FILE --drill SCENARIO.json  compute what a drill document says\n"
          "              [--failure timeout|refused] [--json] [--html PAGE]\n"
          "       steerd -c FILE --sweep [--drill SCENARIO.json]\n"
          "                                             compute the loss of every az, region, and pair of "
          "them\n"
          "       steerd -c FILE --at MOMENT            what was answered then, and why, from the state "
          "folder\n"
          "              --explain NAME [--type TYPE] [--client ADDRESS] | --diff MOMENT\n"
          "              [--state FOLDER] [--json]\n"
          "       steerd --version | --help\n",
          to);
}

/* The tree of the bundle that a server would begin with. */
static char *choose_tree(void *context, const char *state)
{
    char id[BUNDLE_ID_SIZE];
    (void)context;
    return rollouts_choose(state, id) ? bundle_locate(state, id) : NULL;
}

static const struct source_chooser chooser = {.choose = choose_tree};

/* The view for work without a server. */
static struct view *compile(const char *path, struct report *report)
{
    struct clock clock;
    clock_init(&clock);
    report_set_chooser(report, &chooser);
    struct view *view = view_compile(path, NULL, 1, clock_wall_ms(&clock), 1, report);
    if (view != NULL && view->server->is_bare) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = path},
                   "the configuration is that of a bundle, and none is active: there is nothing to check but "
                   "this file");
    }
    return view;
}

/* Likewise; errors are on stderr. */
static struct view *load_anyhow(const char *path, struct report *report)
{
    struct view *view = compile(path, report);
    report_write(report, stderr);
    return view;
}

/* Likewise; NULL after any error. */
static struct view *load(const char *path, struct report *report)
{
    struct view *view = load_anyhow(path, report);
    if (report_errors(report) != 0) {
        view_free(view);
        return NULL;
    }
    return view;
}

static void print_advice(const struct view *view)
{
    struct operate_advice advice;
    operate_advise(view, &advice);
    if (advice.lone != 0) {
        printf(
            "advice: %zu steered name%s (%s%s) give%s a client one address of several: until a loss is "
            "noticed, who "
            "does not ask again loses requests; \"answers\": 3 gives others to try, see steerd-policy(5)\n",
            advice.lone, words_plural(advice.lone), advice.first_lone, advice.lone == 1 ? "" : " …",
            advice.lone == 1 ? "s" : "");
    }
    if (view->server->cluster != NULL && view->server->cluster->etcd_count != 0) {
        fputs("advice: " CONF_CLUSTER_ETCD_NEEDS, stdout);
    }
}

static void print_summary(const struct view *view, size_t warnings)
{
    size_t endpoints = view->topology == NULL ? 0 : view->topology->endpoint_count;
    printf("%s: ok, %zu zone%s, %zu steered name%s, %zu endpoint%s, %zu warning%s\n", view->server->path,
           view->zone_count, words_plural(view->zone_count), view->name_count, words_plural(view->name_count),
           endpoints, words_plural(endpoints), warnings, words_plural(warnings));
}

/* What the checked configuration changes for traffic, where nothing is known of the health of either. */
static void print_changes(const struct view *before, const struct view *after)
{
    struct clock clock;
    clock_init(&clock);
    int64_t wall_ms = clock_wall_ms(&clock);
    struct arena *arena = arena_new(0);
    struct operate_comparison changes;
    const struct operate_compare compare = {
        .view = {before, after}, .limit = CHANGES, .wall_ms = {wall_ms, wall_ms}};
    operate_compare_views(&compare, arena, &changes);
    printf("against %s:\n", before->server->path);
    for (size_t i = 0; i < changes.step_count; i++) {
        printf("  %s\n", changes.steps[i]);
    }
    if (changes.step_count == 0) {
        puts("  nothing changes for traffic");
    }
    arena_free(arena);
}

static int check_against(const char *path, const struct view *after)
{
    struct report *report = report_new();
    struct view *before = load(path, report);
    int code = before != NULL ? 0 : 1;
    if (before != NULL) {
        print_changes(before, after);
    } else {
        fprintf(stderr, "steerd: --against %s: has errors, so there is nothing to compare with\n", path);
    }
    view_free(before);
    report_free(report);
    return code;
}

static int run_check(const struct options *options)
{
    struct report *report = report_new();
    struct view *view = compile(options->path, report);
    if (view == NULL) { /* it gave up at the first broken document */
        report_free(report);
        report = report_new();
        report_set_chooser(report, &chooser);
        view_check(options->path, report);
    }
    report_write(report, stderr);
    size_t errors = report_errors(report), warnings = report_warnings(report);
    bool good = view != NULL && errors == 0;
    if (good) {
        print_advice(view);
        print_summary(view, warnings);
    } else {
        fprintf(stderr, "%s: %zu error%s, %zu warning%s\n", options->path, errors, words_plural(errors),
                warnings, words_plural(warnings));
    }
    int code = !good ? 1 : options->against == NULL ? 0 : check_against(options->against, view);
    view_free(view);
    report_free(report);
    return code;
}

static int run_dump(const struct options *options)
{
    struct report *report = report_new();
    struct view *view = load_anyhow(options->path, report); /* other zones may be broken */
    int code = view == NULL ? 1 : dump_zone(view, options->zone);
    view_free(view);
    report_free(report);
    return code;
}

static int run_drill(const struct options *options)
{
    struct report *report = report_new();
    struct view *view = load(options->path, report);
    int code = EXITS_DRILL_NOT_RUN;
    if (view != NULL) {
        struct arena *arena = arena_new(0);
        code = rehearse(&options->drill, view, arena);
        arena_free(arena);
        view_free(view);
    }
    report_free(report);
    return code;
}

/* All that belongs to --at, and exactly one of the two that ask; or nothing of it. */
static bool is_question(const struct then_options *then)
{
    bool asks = then->name != NULL || then->until != NULL;
    bool has_details = then->type != NULL || then->client != NULL;
    if (then->at == NULL) {
        return !asks && !has_details && then->state == NULL;
    }
    return asks && (then->name == NULL || then->until == NULL) && (!has_details || then->name != NULL);
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"against", required_argument, NULL, 'a'},
        {"drill", required_argument, NULL, 'd'},
        {"sweep", no_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"html", required_argument, NULL, 'H'},
        {"dump", required_argument, NULL, 'D'},
        {"failure", required_argument, NULL, 'f'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {"at", required_argument, NULL, 'A'},
        {"explain", required_argument, NULL, 'E'},
        {"type", required_argument, NULL, 'T'},
        {"client", required_argument, NULL, 'C'},
        {"diff", required_argument, NULL, 'U'},
        {"state", required_argument, NULL, 'S'},
        {"takeover", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "c:Vh", known, NULL)) != -1;) {
        switch (option) {
        case 'c': options->path = optarg; break;
        case 'k': options->check = true; break;
        case 'a': options->against = optarg; break;
        case 'A': options->then.at = optarg; break;
        case 'E': options->then.name = optarg; break;
        case 'T': options->then.type = optarg; break;
        case 'C': options->then.client = optarg; break;
        case 'U': options->then.until = optarg; break;
        case 'S': options->then.state = optarg; break;
        case 'D': options->zone = optarg; break;
        case 'j': options->json = true; break;
        case 'w': options->drill.sweeps = true; break;
        case 'H': options->drill.html = optarg; break;
        case 't': options->takes_over = true; break;
        case 'f':
            options->drill.refused = strcmp(optarg, "refused") == 0;
            if (!options->drill.refused && strcmp(optarg, "timeout") != 0) {
                fprintf(stderr, "steerd: --failure %s: expected timeout or refused\n", optarg);
                return EXITS_USAGE;
            }
            break;
        case 'd':
            if (options->drill.loss_count == REHEARSE_LOSSES_MAX) {
                fprintf(stderr, "steerd: more than %d --drill\n", REHEARSE_LOSSES_MAX);
                return EXITS_USAGE;
            }
            options->drill.losses[options->drill.loss_count++] = optarg;
            break;
        case 'V': puts("steerd " PACKAGE_VERSION); return 0;
        case 'h': print_usage(stdout); return 0;
        default: print_usage(stderr); return EXITS_USAGE;
        }
    }
    const struct then_options *then = &options->then;
    int modes = options->check + options->takes_over + (options->zone != NULL) +
                (options->drill.loss_count != 0 || options->drill.sweeps) + (then->at != NULL);
    bool is_lost = (options->against != NULL && !options->check) || !is_question(then);
    bool has_source = options->path != NULL || then->state != NULL;
    if (!has_source || optind != argc || modes > 1 || is_lost) {
        print_usage(stderr);
        return EXITS_USAGE;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int code = parse_options(argc, argv, &options);
    if (code != -1) {
        return code;
    }
    conf_use_reserve();
    if (options.check) {
        return run_check(&options);
    }
    if (options.zone != NULL) {
        return run_dump(&options);
    }
    if (options.then.at != NULL) {
        options.then.config = options.path;
        options.then.json = options.json;
        return then_print(&options.then);
    }
    if (options.drill.loss_count != 0 || options.drill.sweeps) {
        options.drill.json = options.json;
        return run_drill(&options);
    }
    memory_keep_little();
    return server_run(options.path, argv, options.takes_over);
}
