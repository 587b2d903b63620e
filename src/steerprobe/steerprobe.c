/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerprobe: checks what servers want to be checked, from here, and tells them what it thinks. Options, and
 * verbs that end by themselves. */
#include "config.h"

#include "base/error.h"
#include "base/exits.h"
#include "base/log.h"
#include "base/memory.h"
#include "steerprobe/enrol.h"
#include "steerprobe/run.h"
#include "steerprobe/status.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "/var/lib/steerprobe"

struct options {
    const char *folder, *server;
    const char *words[2]; /* a verb, and what it is about */
    int word_count;
    bool json;
    struct log_options log;
};

static void print_usage(FILE *to)
{
    fputs("usage: steerprobe [--state FOLDER] [--log-to stderr|journal|syslog] [--log-format text|json]\n"
          "                  [--log-level error|warning|info|debug]\n"
          "                                           check what servers want to be checked, in the "
          "foreground\n"
          "       steerprobe enrol TOKEN --server HOST:PORT [--state FOLDER]\n"
          "                                           become a vantage of that server\n"
          "       steerprobe forget HOST:PORT [--state FOLDER]\n"
          "                                           be one no more\n"
          "       steerprobe status [--json] [--state FOLDER]\n"
          "                                           what the one that runs does\n"
          "       steerprobe --version | --help\n"
          "the state folder is " FOLDER " unless said otherwise\n",
          to);
}

static int find(const char *const *words, const char *wanted)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], wanted) == 0) {
            return i;
        }
    }
    return -1;
}

/* Returns false: the value is none of those. */
static bool set_log(struct options *options, int option, const char *value)
{
    static const char *const targets[] = {"stderr", "journal", "syslog", NULL};
    static const char *const formats[] = {"text", "json", NULL};
    int at = 0;
    if (option == 'l') {
        at = log_parse_level(value, &options->log.level);
    } else if (option == 't') {
        at = find(targets, value);
        options->log.target = (enum log_target)at;
    } else {
        at = find(formats, value);
        options->log.format = (enum log_format)at;
    }
    return at >= 0;
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"state", required_argument, NULL, 's'},
        {"server", required_argument, NULL, 'S'},
        {"json", no_argument, NULL, 'j'},
        {"log-to", required_argument, NULL, 't'},
        {"log-level", required_argument, NULL, 'l'},
        {"log-format", required_argument, NULL, 'f'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "s:S:Vh", known, NULL)) != -1;) {
        switch (option) {
        case 's': options->folder = optarg; break;
        case 'S': options->server = optarg; break;
        case 'j': options->json = true; break;
        case 't':
        case 'l':
        case 'f':
            if (!set_log(options, option, optarg)) {
                fprintf(stderr, "steerprobe: --log-%s %s is unknown\n",
                        option == 't'   ? "to"
                        : option == 'l' ? "level"
                                        : "format",
                        optarg);
                return EXITS_USAGE;
            }
            break;
        case 'V': puts("steerprobe " PACKAGE_VERSION); return EXITS_OK;
        case 'h': print_usage(stdout); return EXITS_OK;
        default: print_usage(stderr); return EXITS_USAGE;
        }
    }
    for (; optind < argc && options->word_count < 2; optind++) {
        options->words[options->word_count++] = argv[optind];
    }
    if (optind != argc) {
        print_usage(stderr);
        return EXITS_USAGE;
    }
    return -1;
}

static int serve(const struct options *options)
{
    log_configure(&options->log);
    int error = log_start(NULL);
    if (error != 0) {
        fprintf(stderr, "steerprobe: the log cannot be started: %s\n", error_text(error));
        return EXITS_REFUSED;
    }
    int code = run(options->folder);
    (void)log_close(LOG_PATIENCE_MS);
    return code;
}

static int forget(const struct options *options)
{
    struct state_place place;
    if (state_parse_place(options->words[1], &place) != 0) {
        fprintf(stderr, "steerprobe: forget %s: expected HOST:PORT\n", options->words[1]);
        return EXITS_USAGE;
    }
    int error = state_remove(options->folder, &place);
    if (error == -ENOENT) {
        fprintf(stderr, "steerprobe: not enrolled with %s\n", options->words[1]);
        return EXITS_NOT_FOUND;
    }
    if (error != 0) {
        fprintf(stderr, "steerprobe: forget %s: %s\n", options->words[1], error_text(error));
        return EXITS_REFUSED;
    }
    printf("forgotten: %s; it goes on to know this host until it is told to revoke it\n", options->words[1]);
    return EXITS_OK;
}

int main(int argc, char **argv)
{
    struct options options = {.folder = FOLDER, .log = {.level = LOG_LEVEL_INFO, .identifier = "steerprobe"}};
    int code = parse_options(argc, argv, &options);
    if (code != -1) {
        return code;
    }
    const char *verb = options.word_count == 0 ? "" : options.words[0];
    if (options.word_count == 0 && options.server == NULL && !options.json) {
        memory_keep_little();
        return serve(&options);
    }
    if (strcmp(verb, "enrol") == 0 && options.word_count == 2 && options.server != NULL) {
        return enrol(options.folder, options.words[1], options.server);
    }
    if (strcmp(verb, "forget") == 0 && options.word_count == 2) {
        return forget(&options);
    }
    if (strcmp(verb, "status") == 0 && options.word_count == 1) {
        return status_print(options.folder, options.json);
    }
    print_usage(stderr);
    return EXITS_USAGE;
}
