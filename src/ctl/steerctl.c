/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The command line of the admin API: one verb, one or a few requests, text for people or the API's JSON. Exit
 * codes are in base/exits.h and steerctl(1). */
#include "config.h"

#include "ctl/verbs.h"

#include "base/words.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum steerctl_exit run_help(const struct steerctl *ctl);

static enum steerctl_exit run_version(const struct steerctl *ctl)
{
    printf(ctl->json ? "{\"version\": \"%s\"}\n" : "steerctl %s\n", PACKAGE_VERSION);
    return STEERCTL_OK;
}

#define CHANGE_OPTIONS                                                                                       \
    (OPTION_REASON | OPTION_IN | OPTION_AT | OPTION_FOR | OPTION_UNTIL | OPTION_ACTOR | OPTION_DRY_RUN |     \
     OPTION_YES_UNSERVED)
#define CHANGE_ABOUT                                                                                         \
    " It needs a --reason and holds until it is\nremoved (steerctl auto), unless it has an end. An "         \
    "override of "                                                                                           \
    "an endpoint wins over one of its az, that\nof an az over one of its region. Where nobody would serve "  \
    "a "                                                                                                     \
    "name any more\nthese names are listed, and nothing is done without --yes-unserved"

static const struct verb verbs[] = {
    {"status", "", "the server at a glance",
     "The version and generation that serve, since when, and how many regions, azs and endpoints are in "
     "which\n"
     "state",
     "  steerctl status", 0, 0, 0, NULL, run_status},
    {"regions", "[NAME]", "list regions, or show one",
     "All regions, those in one state, or everything about one of them",
     "  steerctl regions --effective unhealthy", 0, 1, OPTION_EFFECTIVE, NULL, run_targets},
    {"azs", "[NAME]", "list azs, or show one",
     "All azs, those that the options select, or everything about one of them",
     "  steerctl azs --region us-east", 0, 1, OPTION_REGION | OPTION_EFFECTIVE, NULL, run_targets},
    {"endpoints", "[NAME]", "list endpoints, or show one",
     "All endpoints with their weights and addresses, those that the options select, or everything about "
     "one\n"
     "of them, checks included",
     "  steerctl endpoints --az us-east-1a --effective unhealthy\n  steerctl endpoints web-1", 0, 1,
     OPTION_REGION | OPTION_AZ | OPTION_EFFECTIVE, NULL, run_targets},
    {"show", "TARGET", "everything about a region, az or endpoint",
     "What is observed and desired, what answers follow and what decided it, its override, and of an "
     "endpoint\n"
     "its addresses, its load and its checks",
     "  steerctl show endpoint:web-1", 1, 1, 0, NULL, run_show},
    {"drain", "TARGET --reason TEXT", "send no traffic there, whatever its health",
     "Send no traffic there, whatever its health; no fallback serves what is drained." CHANGE_ABOUT,
     "  steerctl drain region:us-east --reason \"power work\" --for 30m --dry-run\n"
     "  steerctl drain region:us-east --reason \"power work\" --in 10m --for 30m",
     1, 1, CHANGE_OPTIONS, "state=VERB", run_override},
    {"up", "TARGET --reason TEXT", "take it for healthy, whatever is observed",
     "Take it for healthy, whatever its checks say." CHANGE_ABOUT,
     "  steerctl up endpoint:web-1 --reason \"its check is broken\" --for 2h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"down", "TARGET --reason TEXT", "take it for unhealthy, whatever is observed",
     "Take it for unhealthy, whatever its checks say; fallback \"all\" offers it, \"first\" if nothing else "
     "is left." CHANGE_ABOUT,
     "  steerctl down az:us-east-1a --reason \"flapping uplink\" --for 1h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"auto", "TARGET", "remove the override: follow what is observed",
     "Remove the override of this target, also one that is only planned: answers follow what is observed",
     "  steerctl auto region:us-east", 1, 1,
     OPTION_ACTOR | OPTION_DRY_RUN | OPTION_REASON | OPTION_YES_UNSERVED, "state=VERB", run_override},
    {"load", "TARGET VALUE|forget", "report the load of an endpoint",
     "Report the load of an endpoint, in the unit of its watermarks in the topology. It counts until the "
     "next\n"
     "report, at most as long as --for or the endpoint's max_age says",
     "  steerctl load endpoint:web-1 0.83 --for 30s\n  steerctl load endpoint:web-1 forget", 2, 2,
     OPTION_FOR | OPTION_ACTOR | OPTION_DRY_RUN, "value=VALUE", run_load},
    {"overrides", "", "list all overrides",
     "All overrides, planned ones included: who set them, why, and until when", "  steerctl overrides", 0, 0,
     0, NULL, run_list},
    {"history", "[TARGET]", "who did what, and why, latest first",
     "What operators have ordered, and what has started or ended by itself, from the journal, latest first: "
     "who\n"
     "is said to have done it and [who the kernel proves], what it was before and after, and why",
     "  steerctl history region:us-east\n  steerctl history --since 2h --actor alice", 0, 1,
     OPTION_SINCE | OPTION_ACTOR | OPTION_LIMIT, "target=TARGET", run_history},
    {"audit", "verify", "is the journal what it was?",
     "Look through the whole journal: was any entry changed, removed or moved? That its end was cut off "
     "shows "
     "by\n"
     "an --anchor from the log that is kept elsewhere. Exit code 6 if it is broken, with the entry and why",
     "  steerctl audit verify\n  steerctl audit verify --anchor 1234:e3b0c442...", 1, 1, OPTION_ANCHOR, NULL,
     run_audit},
    {"explain", "NAME [TYPE]", "which answer a client gets, and why",
     "Which answer a client gets for a name (type A unless given), and why, step by step. With --assume "
     "also\n"
     "the answer that it would get then",
     "  steerctl explain www.example.com AAAA --client 192.0.2.1\n"
     "  steerctl explain www.example.com --assume region:us-east=down",
     1, 2, OPTION_CLIENT | OPTION_ASSUME, "name=NAME type=TYPE", run_explain},
    {"what-if", "[KIND NAME STATE]...", "what all names would answer, and how full places would get",
     "What all names would answer if these overrides were put: who gets no records, what falls back, where\n"
     "traffic goes, how full regions and azs would get. KIND is region, az or endpoint, STATE is down, "
     "drain,\n"
     "up or auto. Nothing of the live answers changes",
     "  steerctl what-if region us-east down az eu-west-1a drain --traffic 5000", 0, 300,
     OPTION_TRAFFIC | OPTION_LIMIT, "assume=assumption", run_what_if},
    {"zones", "", "list zones",
     "All zones: whether their files serve (current), an older version does (stale) or none can (failed), "
     "their\n"
     "serials, and how many of their secondaries know these",
     "  steerctl zones", 0, 0, 0, NULL, run_list},
    {"names", "", "list steered names and their tiers",
     "All steered names: types, TTL, policy, how many members it has and how they are picked, and the tiers "
     "of\n"
     "the default class of clients in order of preference",
     "  steerctl names", 0, 0, 0, NULL, run_list},
    {"geo", "", "list geo databases",
     "The geo databases: whether their files are the ones that serve, when they were made, what they know",
     "  steerctl geo", 0, 0, 0, NULL, run_list},
    {"reload", "[ZONE]", "read the configuration again, or one zone",
     "Read the configuration again, or only the files of one zone, and wait for the result. What is invalid\n"
     "stays as it was, and every error is listed with its place. What changes for traffic is told: zones "
     "and\n"
     "names that come, go, shrink or have other records, names that become steered or cease to be, members,\n"
     "answers that move, settings that differ. With --dry-run that is all that happens",
     "  steerctl reload --dry-run\n  steerctl reload\n  steerctl reload example.com", 0, 1,
     OPTION_DRY_RUN | OPTION_LIMIT, "zone=ZONE", run_reload},
    {"takeover", "", "replace the server by the installed one, without losing a query",
     "Start the steerd that is installed now beside the one that runs. When it has loaded and checked its\n"
     "endpoints it gets the sockets and the overrides and answers, and the old one ends. If it does not "
     "start,\n"
     "nothing changes, and why is told",
     "  steerctl takeover", 0, 0, 0, NULL, run_takeover},
    {"drill", "simulate --lose TARGET", "rehearse a loss without touching anything",
     "Compute what would happen if the targets were lost: which names change, to where, when, and whether "
     "that\n"
     "meets the recovery time objective. Exit code 5 if it fails; lines with FAILED say why",
     "  steerctl drill simulate --lose region:us-east --from healthy", 1, 1,
     OPTION_LOSE | OPTION_FAILURE | OPTION_FROM, "mode=simulate", run_drill},
    {"metrics", "", "metrics as Prometheus reads them",
     "All metrics, in the text format that Prometheus reads; with --json that text is one string",
     "  steerctl metrics | grep steerd_target", 0, 0, 0, NULL, run_metrics},
    {"help", "[VERB]", "this text, or all about a verb",
     "All verbs, or the options of one, what it does and an example", "  steerctl help drain", 0, 1, 0, NULL,
     run_help},
    {"version", "", "the version of steerctl", "The version of steerctl; that of the server is in its status",
     "  steerctl version", 0, 0, 0, NULL, run_version},
};

enum { VERBS = sizeof verbs / sizeof *verbs };

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static enum steerctl_exit refuse_verb(const char *name)
{
    struct words_nearest nearest = {.found = name};
    for (size_t i = 0; i < VERBS; i++) {
        words_offer(&nearest, verbs[i].name);
    }
    const char *meant = words_nearest(&nearest);
    return meant == NULL ? steerctl_usage("there is no verb \"%s\"", name)
                         : steerctl_usage("there is no verb \"%s\", did you mean \"%s\"?", name, meant);
}

/* "help drain", and "drain --help" */
static enum steerctl_exit run_help(const struct steerctl *ctl)
{
    int at = ctl->word_count > 0 && strcmp(ctl->words[0], "help") == 0 ? 1 : 0;
    if (at >= ctl->word_count) {
        help_print_all(verbs, VERBS);
        return STEERCTL_OK;
    }
    const struct verb *verb = find_verb(ctl->words[at]);
    if (verb == NULL) {
        return refuse_verb(ctl->words[at]);
    }
    help_print_verb(verb);
    return STEERCTL_OK;
}

static enum steerctl_exit check(struct steerctl *ctl)
{
    if (ctl->word_count == 0) {
        return steerctl_usage("a verb is missing");
    }
    const struct verb *verb = find_verb(ctl->words[0]);
    if (verb == NULL) {
        return refuse_verb(ctl->words[0]);
    }
    if (ctl->word_count - 1 < verb->min_words || ctl->word_count - 1 > verb->max_words) {
        return steerctl_usage("found %d argument%s, expected: %s%s%s", ctl->word_count - 1,
                              words_plural((size_t)ctl->word_count - 1), verb->name,
                              verb->words[0] == '\0' ? "" : " ", verb->words);
    }
    const char *odd = options_find_odd(ctl, verb->options);
    if (odd != NULL) {
        return steerctl_usage("%s does not take --%s", verb->name, odd);
    }
    ctl->verb = verb;
    return STEERCTL_OK;
}

static enum steerctl_exit run(struct steerctl *ctl)
{
    if (ctl->wants_help || ctl->wants_version) {
        return ctl->wants_help ? run_help(ctl) : run_version(ctl);
    }
    enum steerctl_exit code = check(ctl);
    return code == STEERCTL_OK ? ctl->verb->run(ctl) : code;
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (none == NULL || none[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
    const char *socket = getenv("STEERD_SOCKET");
    struct steerctl ctl = {.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT};
    setlocale(LC_CTYPE, "");
    ctl.colour = wants_colour();
    enum steerctl_exit code = options_parse(&ctl, argc, argv);
    if (code == STEERCTL_OK) {
        code = run(&ctl);
    }
    free(ctl.arguments);
    free(ctl.losses);
    free(ctl.assumed);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("steerctl: the output could not be written\n", stderr);
        return code == STEERCTL_OK ? STEERCTL_REFUSED : (int)code;
    }
    return (int)code;
}
