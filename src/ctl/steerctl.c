/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The command line of the admin API: one verb, one or a few requests, text for people or the API's JSON. Exit
 * codes are in steerctl.h and steerctl(1). */
#include "config.h"

#include "ctl/steerctl.h"

#include "base/memory.h"

#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_DEFAULT "/run/steerd/admin.sock"

struct verb {
    const char *name, *words, *help;
    int min_words, max_words; /* after the verb */
    unsigned options;
    enum steerctl_exit (*run)(const struct steerctl *ctl);
};

static const struct option_name {
    const char *name;
    unsigned bit;
    size_t at; /* of the text in struct steerctl; 0: none */
} option_names[] = {
    {"region", OPTION_REGION, offsetof(struct steerctl, region)},
    {"az", OPTION_AZ, offsetof(struct steerctl, az)},
    {"effective", OPTION_EFFECTIVE, offsetof(struct steerctl, effective)},
    {"reason", OPTION_REASON, offsetof(struct steerctl, reason)},
    {"in", OPTION_IN, offsetof(struct steerctl, in)},
    {"at", OPTION_AT, offsetof(struct steerctl, at)},
    {"for", OPTION_FOR, offsetof(struct steerctl, for_)},
    {"until", OPTION_UNTIL, offsetof(struct steerctl, until)},
    {"actor", OPTION_ACTOR, offsetof(struct steerctl, actor)},
    {"dry-run", OPTION_DRY_RUN, 0},
    {"client", OPTION_CLIENT, offsetof(struct steerctl, client)},
    {"lose", OPTION_LOSE, 0},
    {"failure", OPTION_FAILURE, offsetof(struct steerctl, failure)},
    {"from", OPTION_FROM, offsetof(struct steerctl, from)},
    {"assume", OPTION_ASSUME, 0},
    {"traffic", OPTION_TRAFFIC, offsetof(struct steerctl, traffic)},
    {"limit", OPTION_LIMIT, offsetof(struct steerctl, limit)},
};

enum { OPTION_COUNT = sizeof option_names / sizeof *option_names, OPTION_BASE = 256 };

__attribute__((format(printf, 1, 2))) static enum steerctl_exit usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("steerctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\nTry 'steerctl help'.\n", stderr);
    va_end(arguments);
    return STEERCTL_USAGE;
}

/* ---- one request, one document ---- */

/* Ask; with --json print the answer as it came. On STEERCTL_OK *json is owned by the caller. */
static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *target,
                              json_t *body, json_t **json)
{
    struct steerctl_reply reply;
    *json = NULL;
    bool asked = steerctl_ask(ctl, method, target, body, &reply);
    json_decref(body);
    enum steerctl_exit code = asked ? steerctl_judge(&reply) : STEERCTL_UNREACHABLE;
    if (ctl->json && reply.body.len != 0) {
        fwrite(reply.body.bytes, 1, reply.body.len, stdout);
    }
    if (code == STEERCTL_OK && reply.json == NULL) {
        fputs("steerctl: the answer is not JSON\n", stderr);
        code = STEERCTL_UNREACHABLE;
    }
    if (code == STEERCTL_OK) {
        *json = json_incref(reply.json);
    }
    steerctl_reply_fini(&reply);
    return code;
}

static void add_query(struct buffer *target, const char *key, const char *value)
{
    if (value != NULL) {
        buffer_print(target, "%c%s=", memchr(target->bytes, '?', target->len) == NULL ? '?' : '&', key);
        steerctl_add_encoded(target, value);
    }
}

/* ---- looking ---- */

static enum steerctl_exit run_status(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = ask(ctl, "GET", "/v1/status", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_status(ctl, json);
    }
    json_decref(json);
    return code;
}

static void print_list(const json_t *items)
{
    json_t *document = json_object();
    json_object_set(document, "items", (json_t *)(uintptr_t)items);
    json_object_set_new(document, "next_cursor", json_null());
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(document);
}

static enum steerctl_exit show_one(const struct steerctl *ctl, const char *plural, const char *name)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_print(&target, "/v1/%s/", plural);
    steerctl_add_encoded(&target, name);
    enum steerctl_exit code = ask(ctl, "GET", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_target(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit run_targets(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *items;
    if (ctl->word_count > 1) {
        return ctl->given == 0 ? show_one(ctl, ctl->words[0], ctl->words[1])
                               : usage("a name and a filter exclude each other");
    }
    buffer_init(&target);
    buffer_print(&target, "/v1/%s", ctl->words[0]);
    add_query(&target, "region", ctl->region);
    add_query(&target, "az", ctl->az);
    add_query(&target, "effective", ctl->effective);
    enum steerctl_exit code = steerctl_list(ctl, target.bytes, &items);
    if (code == STEERCTL_OK && ctl->json) {
        print_list(items);
    } else if (code == STEERCTL_OK) {
        show_targets(ctl, ctl->words[0], items);
    }
    json_decref(items);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit run_list(const struct steerctl *ctl)
{
    static const struct {
        const char *name;
        void (*show)(const struct steerctl *ctl, const json_t *items);
    } lists[] = {
        {"overrides", show_overrides}, {"zones", show_zones}, {"names", show_names}, {"geo", show_geo}};
    struct buffer target;
    json_t *items;
    buffer_init(&target);
    buffer_print(&target, "/v1/%s", ctl->words[0]);
    enum steerctl_exit code = steerctl_list(ctl, target.bytes, &items);
    for (size_t i = 0; code == STEERCTL_OK && i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(lists[i].name, ctl->words[0]) == 0 && ctl->json) {
            print_list(items);
        } else if (strcmp(lists[i].name, ctl->words[0]) == 0) {
            lists[i].show(ctl, items);
        }
    }
    json_decref(items);
    buffer_fini(&target);
    return code;
}

/* "region:us-east" -> "regions" and "us-east" */
static bool split_target(const char *text, const char **plural, const char **name)
{
    static const char *const kinds[][2] = {
        {"region:", "regions"}, {"az:", "azs"}, {"endpoint:", "endpoints"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i][0]);
        if (strncmp(text, kinds[i][0], len) == 0 && text[len] != '\0') {
            *plural = kinds[i][1];
            *name = text + len;
            return true;
        }
    }
    return false;
}

#define TARGET_EXPECTED "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME"

static enum steerctl_exit run_show(const struct steerctl *ctl)
{
    const char *plural, *name;
    if (!split_target(ctl->words[1], &plural, &name)) {
        return usage(TARGET_EXPECTED, ctl->words[1]);
    }
    return show_one(ctl, plural, name);
}

static enum steerctl_exit run_explain(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/explain");
    add_query(&target, "name", ctl->words[1]);
    add_query(&target, "type", ctl->word_count > 2 ? ctl->words[2] : NULL);
    add_query(&target, "client", ctl->client);
    for (size_t i = 0; i < ctl->assumed_count; i++) {
        add_query(&target, "assume", ctl->assumed[i]);
    }
    enum steerctl_exit code = ask(ctl, "GET", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        (ctl->assumed_count == 0 ? show_explanation : show_assumed)(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit run_what_if(const struct steerctl *ctl)
{
    json_t *json, *body = json_object();
    const char *bad = NULL;
    char *end = NULL;
    struct buffer target;
    json_t *assumed = whatif_parse_words(ctl->words + 1, ctl->word_count - 1, &bad);
    double traffic = ctl->traffic == NULL ? 0 : strtod(ctl->traffic, &end);
    if (assumed == NULL || (end != NULL && (end == ctl->traffic || *end != '\0'))) {
        json_decref(body);
        json_decref(assumed);
        return assumed == NULL
                   ? usage("at \"%s\": expected region NAME STATE, az NAME STATE or endpoint NAME "
                           "STATE; STATE is down, drain, up or auto",
                           bad)
                   : usage("found --traffic \"%s\", expected requests per second", ctl->traffic);
    }
    json_object_set_new(body, "assume", assumed);
    if (ctl->traffic != NULL) {
        json_object_set_new(body, "traffic", json_real(traffic));
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/what-if");
    add_query(&target, "limit", ctl->limit);
    enum steerctl_exit code = ask(ctl, "POST", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_report(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit run_metrics(const struct steerctl *ctl)
{
    struct steerctl_reply reply;
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    if (steerctl_ask(ctl, "GET", "/metrics", NULL, &reply)) {
        code = steerctl_judge(&reply);
    }
    if (code == STEERCTL_OK && reply.body.len != 0) {
        fwrite(reply.body.bytes, 1, reply.body.len, stdout);
    }
    steerctl_reply_fini(&reply);
    return code;
}

/* ---- changing ---- */

static void set_text(json_t *body, const char *key, const char *value)
{
    if (value != NULL) {
        json_t *text = json_string(value);
        json_object_set_new(body, key, text != NULL ? text : json_string("(not UTF-8)"));
    }
}

static enum steerctl_exit run_override(const struct steerctl *ctl)
{
    const char *plural, *name;
    struct buffer target;
    json_t *json, *body;
    bool is_auto = strcmp(ctl->words[0], "auto") == 0;
    if (!split_target(ctl->words[1], &plural, &name)) {
        return usage(TARGET_EXPECTED, ctl->words[1]);
    }
    if (!is_auto && ctl->reason == NULL) {
        return usage("%s needs --reason TEXT", ctl->words[0]);
    }
    if (ctl->for_ != NULL && ctl->until != NULL) {
        return usage("--for and --until exclude each other");
    }
    if (ctl->in != NULL && ctl->at != NULL) {
        return usage("--in and --at exclude each other");
    }
    body = json_object();
    set_text(body, "state", ctl->words[0]);
    set_text(body, "reason", ctl->reason);
    set_text(body, "starts_in", ctl->in);
    set_text(body, "starts", ctl->at);
    set_text(body, "expires_in", ctl->for_);
    set_text(body, "expires", ctl->until);
    set_text(body, "actor", ctl->actor);
    buffer_init(&target);
    buffer_print(&target, "/v1/%s/", plural);
    steerctl_add_encoded(&target, name);
    buffer_add_text(&target, "/override");
    add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    enum steerctl_exit code = ask(ctl, "PUT", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_change(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

/* "load endpoint:web-1 0.83", or "… forget" */
static enum steerctl_exit run_load(const struct steerctl *ctl)
{
    const char *plural, *name, *value = ctl->words[2];
    bool forgets = strcmp(value, "forget") == 0;
    struct buffer target;
    json_t *json, *body = NULL;
    if (!split_target(ctl->words[1], &plural, &name) || strcmp(plural, "endpoints") != 0) {
        return usage("found \"%s\", expected endpoint:NAME", ctl->words[1]);
    }
    if (!forgets) {
        char *end;
        double number = strtod(value, &end);
        if (end == value || *end != '\0' || !isfinite(number)) {
            return usage("found \"%s\", expected a number or \"forget\"", value);
        }
        body = json_object();
        json_object_set_new(body, "value", json_real(number));
        set_text(body, "ttl", ctl->for_);
        set_text(body, "actor", ctl->actor);
    } else if (ctl->for_ != NULL) {
        return usage("load TARGET forget does not take --for");
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/endpoints/");
    steerctl_add_encoded(&target, name);
    buffer_add_text(&target, "/load");
    add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    add_query(&target, "actor", forgets ? ctl->actor : NULL);
    enum steerctl_exit code = ask(ctl, forgets ? "DELETE" : "PUT", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_load_change(json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit run_reload(const struct steerctl *ctl)
{
    json_t *json;
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/reload");
    add_query(&target, "zone", ctl->word_count > 1 ? ctl->words[1] : NULL);
    enum steerctl_exit code = ask(ctl, "POST", target.bytes, json_object(), &json);
    buffer_fini(&target);
    if (code == STEERCTL_OK) {
        code = ctl->json ? judge_reload(json) : show_reload(json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit run_drill(const struct steerctl *ctl)
{
    json_t *json;
    if (strcmp(ctl->words[1], "simulate") != 0) {
        return usage("found drill mode \"%s\", expected simulate", ctl->words[1]);
    }
    if (ctl->loss_count == 0) {
        return usage("drill needs --lose TARGET");
    }
    json_t *body = json_object(), *losses = json_array();
    for (size_t i = 0; i < ctl->loss_count; i++) {
        const char *plural, *name;
        if (!split_target(ctl->losses[i], &plural, &name)) {
            json_decref(losses);
            json_decref(body);
            return usage(TARGET_EXPECTED, ctl->losses[i]);
        }
        json_array_append_new(losses, json_string(ctl->losses[i]));
    }
    set_text(body, "mode", "simulate");
    json_object_set_new(body, "lose", losses);
    set_text(body, "failure", ctl->failure);
    set_text(body, "from", ctl->from);
    enum steerctl_exit code = ask(ctl, "POST", "/v1/drills", body, &json);
    if (code == STEERCTL_OK) {
        code = ctl->json ? judge_drill(json) : show_drill(ctl, json);
    }
    json_decref(json);
    return code;
}

/* ---- verbs ---- */

static enum steerctl_exit run_help(const struct steerctl *ctl);

static enum steerctl_exit run_version(const struct steerctl *ctl)
{
    printf(ctl->json ? "{\"version\": \"%s\"}\n" : "steerctl %s\n", PACKAGE_VERSION);
    return STEERCTL_OK;
}

#define CHANGE_OPTIONS                                                                                       \
    (OPTION_REASON | OPTION_IN | OPTION_AT | OPTION_FOR | OPTION_UNTIL | OPTION_ACTOR | OPTION_DRY_RUN)

static const struct verb verbs[] = {
    {"status", "", "the server at a glance", 0, 0, 0, run_status},
    {"regions", "[NAME]", "list regions, or show one", 0, 1, OPTION_EFFECTIVE, run_targets},
    {"azs", "[NAME]", "list azs, or show one", 0, 1, OPTION_REGION | OPTION_EFFECTIVE, run_targets},
    {"endpoints", "[NAME]", "list endpoints, or show one", 0, 1, OPTION_REGION | OPTION_AZ | OPTION_EFFECTIVE,
     run_targets},
    {"show", "TARGET", "everything about a region, az or endpoint", 1, 1, 0, run_show},
    {"drain", "TARGET", "send no traffic there, whatever its health", 1, 1, CHANGE_OPTIONS, run_override},
    {"up", "TARGET", "take it for healthy, whatever is observed", 1, 1, CHANGE_OPTIONS, run_override},
    {"down", "TARGET", "take it for unhealthy, whatever is observed", 1, 1, CHANGE_OPTIONS, run_override},
    {"auto", "TARGET", "remove the override: follow what is observed", 1, 1,
     OPTION_ACTOR | OPTION_DRY_RUN | OPTION_REASON, run_override},
    {"load", "TARGET VALUE|forget", "report the load of an endpoint", 2, 2,
     OPTION_FOR | OPTION_ACTOR | OPTION_DRY_RUN, run_load},
    {"overrides", "", "list all overrides", 0, 0, 0, run_list},
    {"explain", "NAME [TYPE]", "which answer a client gets, and why", 1, 2, OPTION_CLIENT | OPTION_ASSUME,
     run_explain},
    {"what-if", "[KIND NAME STATE]...", "what all names would answer, and how full places would get", 0, 300,
     OPTION_TRAFFIC | OPTION_LIMIT, run_what_if},
    {"zones", "", "list zones", 0, 0, 0, run_list},
    {"names", "", "list steered names", 0, 0, 0, run_list},
    {"geo", "", "list geo databases", 0, 0, 0, run_list},
    {"reload", "[ZONE]", "read the configuration again, or one zone", 0, 1, 0, run_reload},
    {"drill", "simulate", "rehearse a loss without touching anything", 1, 1,
     OPTION_LOSE | OPTION_FAILURE | OPTION_FROM, run_drill},
    {"metrics", "", "metrics as Prometheus reads them", 0, 0, 0, run_metrics},
    {"help", "[VERB]", "this text", 0, 1, 0, run_help},
    {"version", "", "the version of steerctl", 0, 0, 0, run_version},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void print_verb(const struct verb *verb)
{
    char left[40];
    snprintf(left, sizeof left, "%s %s", verb->name, verb->words);
    printf("  %-22s %s\n", left, verb->help);
}

static enum steerctl_exit run_help(const struct steerctl *ctl)
{
    if (ctl->word_count > 1) {
        const struct verb *verb = find_verb(ctl->words[1]);
        if (verb == NULL) {
            return usage("there is no verb \"%s\"", ctl->words[1]);
        }
        print_verb(verb);
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            if ((verb->options & option_names[i].bit) != 0) {
                printf("      --%s%s\n", option_names[i].name,
                       option_names[i].bit == OPTION_DRY_RUN ? "" : " VALUE");
            }
        }
        return STEERCTL_OK;
    }
    puts("usage: steerctl [-s SOCKET] [--json] VERB [ARGUMENT...] [OPTION...]\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        print_verb(&verbs[i]);
    }
    puts("\nTARGET is region:NAME, az:NAME or endpoint:NAME.\n"
         "  drain, up, down   --reason TEXT [--in 10m | --at TIME] [--for 30m | --until TIME]\n"
         "                    [--actor NAME] [--dry-run]\n"
         "  auto              [--reason TEXT] [--actor NAME] [--dry-run]\n"
         "  load              [--for 30s] [--actor NAME] [--dry-run]; endpoints only\n"
         "  azs, endpoints    [--region NAME] [--az NAME] [--effective STATE]\n"
         "  explain           [--client ADDRESS] [--assume TARGET=STATE]...\n"
         "  what-if           region us-east down: any number of them [--traffic N] [--limit ROWS]\n"
         "  drill simulate    --lose TARGET... [--failure timeout|refused] [--from live|healthy]\n"
         "\nThe socket is SOCKET, else $STEERD_SOCKET, else " SOCKET_DEFAULT ".\n"
         "Exit: 0 done, 1 refused, 2 usage, 3 not reachable, 4 not found, 5 drill failed.");
    return STEERCTL_OK;
}

/* ---- options ---- */

static int take_option(struct steerctl *ctl, const struct option_name *name, const char *value)
{
    if (name->bit == OPTION_LOSE) {
        ctl->losses = memory_resize(ctl->losses, ctl->loss_count + 1, sizeof *ctl->losses);
        ctl->losses[ctl->loss_count++] = value;
    } else if (name->bit == OPTION_ASSUME) {
        ctl->assumed = memory_resize(ctl->assumed, ctl->assumed_count + 1, sizeof *ctl->assumed);
        ctl->assumed[ctl->assumed_count++] = value;
    } else if ((ctl->given & name->bit) != 0) {
        return (int)usage("--%s is given twice", name->name);
    } else if (name->at != 0) {
        memcpy((char *)ctl + name->at, &value, sizeof value);
    }
    ctl->given |= name->bit;
    return STEERCTL_OK;
}

/* Options may stand anywhere; the words are collected at the end of argv by getopt. */
static int parse(struct steerctl *ctl, int argc, char **argv)
{
    struct option options[OPTION_COUNT + 6] = {{"socket", required_argument, NULL, 's'},
                                               {"json", no_argument, NULL, 'j'},
                                               {"help", no_argument, NULL, 'h'},
                                               {"version", no_argument, NULL, 'V'}};
    int error = STEERCTL_OK, found;
    for (int i = 0; i < OPTION_COUNT; i++) {
        int takes = option_names[i].bit == OPTION_DRY_RUN ? no_argument : required_argument;
        options[4 + i] = (struct option){option_names[i].name, takes, NULL, OPTION_BASE + i};
    }
    while (error == STEERCTL_OK && (found = getopt_long(argc, argv, "s:jhV", options, NULL)) != -1) {
        static char help[] = "help", version[] = "version", *help_words[] = {help},
                    *version_words[] = {version};
        switch (found) {
        case 's': ctl->socket = optarg; break;
        case 'j': ctl->json = true; break;
        case 'h': ctl->words = help_words; break;
        case 'V': ctl->words = version_words; break;
        case '?': return (int)usage("the options are not understood");
        default: error = take_option(ctl, &option_names[found - OPTION_BASE], optarg); break;
        }
    }
    ctl->word_count = ctl->words != NULL ? 1 : argc - optind;
    ctl->words = ctl->words != NULL ? ctl->words : argv + optind;
    return error;
}

static enum steerctl_exit check(const struct steerctl *ctl, const struct verb **verb)
{
    if (ctl->word_count == 0) {
        return usage("a verb is missing");
    }
    *verb = find_verb(ctl->words[0]);
    if (*verb == NULL) {
        return usage("there is no verb \"%s\"", ctl->words[0]);
    }
    if (ctl->word_count - 1 < (*verb)->min_words || ctl->word_count - 1 > (*verb)->max_words) {
        return usage("found %d argument%s, expected: %s %s", ctl->word_count - 1,
                     ctl->word_count == 2 ? "" : "s", (*verb)->name, (*verb)->words);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((ctl->given & option_names[i].bit & ~(*verb)->options) != 0) {
            return usage("%s does not take --%s", (*verb)->name, option_names[i].name);
        }
    }
    return STEERCTL_OK;
}

int main(int argc, char **argv)
{
    const char *socket = getenv("STEERD_SOCKET"), *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    struct steerctl ctl = {.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT};
    const struct verb *verb = NULL;
    setlocale(LC_CTYPE, "");
    ctl.colour = isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
                 strcmp(term, "dumb") != 0;
    int code = parse(&ctl, argc, argv);
    if (code == STEERCTL_OK) {
        code = (int)check(&ctl, &verb);
    }
    if (code == STEERCTL_OK && verb != NULL) {
        code = (int)verb->run(&ctl);
    }
    free(ctl.losses);
    free(ctl.assumed);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("steerctl: the output could not be written\n", stderr);
        return code == STEERCTL_OK ? STEERCTL_REFUSED : code;
    }
    return code;
}
