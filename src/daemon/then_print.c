/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd --at MOMENT --explain NAME | --diff MOMENT: what was answered then, from a state folder alone, such
 * as a copy of one that is looked at afterwards. */
#include "config.h"

#include "daemon/then.h"

#include "daemon/difference.h"
#include "daemon/moment.h"
#include "base/error.h"
#include "base/exits.h"
#include "conf/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked ---- */

static int parse_question(const struct then_options *options, struct addr *client,
                          struct operate_question *question)
{
    const char *type = options->type == NULL ? "A" : options->type;
    *question =
        (struct operate_question){.name = options->name, .client = options->client == NULL ? NULL : client};
    if (operate_parse_type(type, &question->type) != 0) {
        fprintf(stderr, "steerd: --type: found \"%s\", expected a type such as A, AAAA or TYPE257\n", type);
        return EXITS_USAGE;
    }
    if (options->client != NULL && addr_parse(options->client, client) != 0) {
        fprintf(stderr, "steerd: --client: found \"%s\", expected an IPv4 or IPv6 address\n",
                options->client);
        return EXITS_USAGE;
    }
    return EXITS_OK;
}

/* Where the state is: said, or that of steerd.json as it is now. NULL, with the reason on stderr. */
static const char *find_state(const struct then_options *options, struct arena *arena)
{
    if (options->state != NULL) {
        return options->state;
    }
    struct report *report = report_new();
    struct conf_server *server = conf_read_server(options->config, report);
    const char *folder = server == NULL ? NULL : arena_copy_text(arena, server->state_path);
    if (server == NULL) {
        report_write(report, stderr);
    } else if (folder == NULL) {
        fprintf(stderr,
                "steerd: %s has no \"state\": nothing is kept; for a copy of a state folder there is "
                "--state\n",
                options->config);
    }
    conf_free_server(server);
    report_free(report);
    return folder;
}

/* ---- words ---- */

static void print_texts(const char *heading, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%s%s\n", heading, texts[i]);
    }
}

static void print_moment(const struct admin_moment *moment)
{
    char time[CLOCK_TEXT_SIZE];
    printf("at %s:\n", clock_write_rfc3339(moment->wall_ms, time));
    print_texts("  ", moment->steps, moment->step_count);
    print_texts("  not known: ", moment->missing, moment->missing_count);
}

static void print_explanation(const struct operate_explanation *explanation)
{
    putchar('\n');
    print_texts("", explanation->answers, explanation->answer_count);
    if (explanation->answer_count == 0) {
        printf("%s, no records\n", explanation->rcode);
    }
    putchar('\n');
    for (size_t i = 0; i < explanation->step_count; i++) {
        printf("%2zu. %s\n", i + 1, explanation->steps[i]);
    }
}

static void print_difference(const struct admin_difference *difference)
{
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    printf("from %s to %s:\n", clock_write_rfc3339(difference->moments[0].wall_ms, from),
           clock_write_rfc3339(difference->moments[1].wall_ms, to));
    print_texts("  ", difference->steps, difference->step_count);
    if (difference->step_count == 0) {
        puts("  nothing differs");
    }
    for (size_t i = 0; i < 2; i++) {
        print_texts(i == 0 ? "  not known of the first: " : "  not known of the second: ",
                    difference->moments[i].missing, difference->moments[i].missing_count);
    }
    for (size_t i = 0; i < difference->file_count; i++) {
        const struct admin_changed_file *file = &difference->files[i];
        if (file->text != NULL) {
            printf("\n--- %s\n+++ %s\n%s", file->path, file->path, file->text);
        }
    }
}

static int complain(int error, const struct admin_moment *moment)
{
    fprintf(stderr, "steerd: %s\n",
            moment->bad != NULL   ? moment->bad
            : moment->why != NULL ? moment->why
                                  : error_text(error));
    return moment->bad != NULL ? EXITS_USAGE : EXITS_REFUSED;
}

static int print_json(char *json)
{
    puts(json);
    free(json);
    return EXITS_OK;
}

/* ---- verbs ---- */

static int explain(const struct then_options *options, const struct moment_source *source)
{
    struct addr client;
    struct operate_question question;
    struct operate_explanation explanation;
    struct admin_moment told = {.text = options->at};
    struct moment moment;
    int code = parse_question(options, &client, &question);
    if (code != EXITS_OK) {
        return code;
    }
    int error = moment_open(source, &told, &moment);
    error = error == 0 ? moment_make_view(&moment) : error;
    if (error != 0) {
        code = complain(error, &told);
    } else if (moment_explain(&moment, &question, &explanation) != 0) {
        fprintf(stderr, "steerd: --explain: found \"%s\", expected a domain name\n", options->name);
        code = EXITS_USAGE;
    } else if (options->json) {
        code = print_json(admin_write_explained(&explanation, &told));
    } else {
        print_moment(&told);
        print_explanation(&explanation);
    }
    moment_close(&moment);
    return code;
}

static int diff(const struct then_options *options, const struct moment_source *source)
{
    enum { LIMIT = 100 };
    struct admin_difference difference = {.moments = {{.text = options->at}, {.text = options->until}},
                                          .limit = LIMIT};
    int error = difference_ask(source, NULL, &difference);
    if (error != 0) {
        bool is_first = difference.moments[0].bad != NULL || difference.moments[0].why != NULL;
        return complain(error, &difference.moments[is_first ? 0 : 1]);
    }
    if (options->json) {
        return print_json(admin_write_difference(&difference));
    }
    print_difference(&difference);
    return EXITS_OK;
}

int then_print(const struct then_options *options)
{
    struct arena *arena = arena_new(0);
    struct moment_source source = {.main = options->config, .arena = arena};
    const char *why;
    int code = EXITS_REFUSED;
    clock_init(&source.clock);
    source.folder = find_state(options, arena);
    if (source.folder != NULL && moment_open_source(&source, &why) != 0) {
        fprintf(stderr, "steerd: %s: %s\n", source.folder, why);
    } else if (source.folder != NULL) {
        code = options->name != NULL ? explain(options, &source) : diff(options, &source);
    }
    moment_close_source(&source);
    arena_free(arena);
    return code;
}
