/* SPDX-License-Identifier: BSD-3-Clause
 *
 * getopt_long() over the table; what it does not know is told with the option that was probably meant. */
#include "config.h"

#include "ctl/options.h"

#include "base/memory.h"
#include "base/words.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

static const struct option_row {
    const char *name, *value; /* value NULL: it takes none */
    const char *help;
    const char *fields; /* of the API */
    option_set bit;
    size_t at; /* of the text in struct steerctl; 0: none */
} rows[] = {
    {"region", "NAME", "only what lies in this region", "region regions", OPTION_REGION,
     offsetof(struct steerctl, region)},
    {"az", "NAME", "only what lies in this az", "az", OPTION_AZ, offsetof(struct steerctl, az)},
    {"effective", "STATE", "only what is unknown, healthy, unhealthy, drained, forced_up or forced_down",
     "effective", OPTION_EFFECTIVE, offsetof(struct steerctl, effective)},
    {"reason", "TEXT", "why, for those who look later", "reason", OPTION_REASON,
     offsetof(struct steerctl, reason)},
    {"share", "PERCENT", "of a drain: only so much of the weight, 1 to 99", "share", OPTION_SHARE,
     offsetof(struct steerctl, share)},
    {"names", "GROUP,…", "only for these groups of names (name_groups of the topology); of init: a name",
     "names", OPTION_NAMES, offsetof(struct steerctl, names)},
    {"ttl", "SECONDS",
     "answers that follow it live at most so long; of observe and drill live: keep those of TTL 0 so long",
     "ttl", OPTION_TTL, offsetof(struct steerctl, ttl)},
    {"in", "DURATION", "plan it: it starts by itself after so long, such as 10m", "starts_in starts",
     OPTION_IN, offsetof(struct steerctl, in)},
    {"at", "TIME",
     "plan it: it starts at this time, such as 2026-11-21T04:05:06Z; of explain and export: as of then",
     "starts starts_in at", OPTION_AT, offsetof(struct steerctl, at)},
    {"for", "DURATION", "it ends by itself after so long, counted from its start",
     "expires_in expires ttl duration", OPTION_FOR, offsetof(struct steerctl, for_)},
    {"until", "TIME", "it ends at this time", "expires expires_in", OPTION_UNTIL,
     offsetof(struct steerctl, until)},
    {"actor", "NAME", "who does it, if not the user who runs steerctl; of history: who did it", "actor",
     OPTION_ACTOR, offsetof(struct steerctl, actor)},
    {"dry-run", NULL, "change nothing: say what would change", "dry_run", OPTION_DRY_RUN, 0},
    {"yes-unserved", NULL, "do it although nobody serves some names then", "allow_unserved",
     OPTION_YES_UNSERVED, 0},
    {"override-rule", "NAME", "do it although this safety rule forbids it; repeatable, needs --reason",
     "override_rules", OPTION_OVERRIDE_RULE, 0},
    {"yes-without-point", NULL, "do it although no recovery point can be saved before", "without_point",
     OPTION_YES_WITHOUT_POINT, 0},
    {"replace", NULL, "what is not in the file is removed; of cluster invite: another machine gets the name",
     "replace", OPTION_REPLACE, 0},
    {"client", "ADDRESS",
     "the answer for this client; without it geography plays no part; of drill shadow: prefixes that see it",
     "client clients.prefixes clients", OPTION_CLIENT, offsetof(struct steerctl, client)},
    {"ecs", "PREFIX,…", "of drill shadow: client subnets that see it", "clients.ecs", OPTION_ECS,
     offsetof(struct steerctl, ecs)},
    {"by", "inject|override|hooks", "of drill live: how what is lost gets lost", "by", OPTION_LIVE,
     offsetof(struct steerctl, by)},
    {"listen", "ADDRESS:PORT,…",
     "of drill shadow: who asks there, at a listen address of the server, sees it; of cluster init and "
     "join:\n"
     "                         where the other nodes come to",
     "clients.listen", OPTION_LISTEN, offsetof(struct steerctl, listen)},
    {"tsig-key", "NAME", "of drill shadow: who signs with this key sees it", "clients.tsig_key",
     OPTION_TSIG_KEY, offsetof(struct steerctl, tsig_key)},
    {"wait", NULL, "until it has ended, and show its report", NULL, OPTION_WAIT, 0},
    {"watch", NULL, "show how it goes on, until traffic has moved; of drill as --wait", NULL, OPTION_WAIT, 0},
    {"assume", "TARGET=STATE", "as if this override were put: down, drain, up or auto; repeatable", "assume",
     OPTION_ASSUME, 0},
    {"traffic", "NUMBER", "requests per second in all, instead of what just fits now", "traffic",
     OPTION_TRAFFIC, offsetof(struct steerctl, traffic)},
    {"limit", "ROWS", "show so many rows, at most 1000; of a reload (--json) items of each list, at most 100",
     "limit", OPTION_LIMIT, offsetof(struct steerctl, limit)},
    {"since", "TIME|DURATION", "only from this time on, or what is not older, such as 90m or 2d", "since",
     OPTION_SINCE, offsetof(struct steerctl, since)},
    {"kind", "KINDS", "only events of these kinds, such as health,override", "kind", OPTION_KIND,
     offsetof(struct steerctl, kind)},
    {"follow", NULL, "and then what comes, as it does: the latest last", "wait", OPTION_FOLLOW, 0},
    {"anchor", "SEQ:HASH", "of a line \"journal anchor\" of the log: is that entry still there", "anchor",
     OPTION_ANCHOR, offsetof(struct steerctl, anchor)},
    {"state", "DIR", "the state folder, if no server is to be asked which it is", NULL, OPTION_STATE,
     offsetof(struct steerctl, state)},
    {"incremental", NULL, "only what has changed since the backup --base", NULL, OPTION_INCREMENTAL, 0},
    {"differential", NULL, "only what has changed since the full backup --base", NULL, OPTION_DIFFERENTIAL,
     0},
    {"base", "FILE", "the backup that this one goes on from", NULL, OPTION_BASE,
     offsetof(struct steerctl, base)},
    {"force", NULL, "also if the file or the folder is there, or the store is whole", NULL, OPTION_FORCE, 0},
    {"geo", "FILE", "of import: the geo database (.mmdb) that says where addresses are", NULL, OPTION_GEO, 0},
    {"files", "DIR", "also the files of the configuration that served last, below this folder", NULL,
     OPTION_FILES, offsetof(struct steerctl, files)},
    {"steps", "PERCENT,…", "move traffic in steps, such as 5,25; then all of it", "steps", OPTION_STEPS,
     offsetof(struct steerctl, steps)},
    {"each", "DURATION", "how long a step lasts (1m)", "each", OPTION_EACH, offsetof(struct steerctl, each)},
    {"accept", "FINDING", "do it although this objects; repeatable, and it takes a --reason", "accept",
     OPTION_ACCEPT, 0},
    {"confirm", "NAME",
     "the name of what goes, may lose its data, or is lost by a live drill first, typed once more", "confirm",
     OPTION_CONFIRM, offsetof(struct steerctl, confirm)},
    {"yes", NULL, "of token, vantage, cluster, config and import: do it without being asked", NULL,
     OPTION_CONFIRM, 0},
    {"canary", "PERCENT",
     "of drill live: so many of all clients see it first; the others when that went well", "canary",
     OPTION_LIVE, offsetof(struct steerctl, canary)},
    {"canary-for", "DURATION", "of drill live: for so long (1m)", "canary_for", OPTION_LIVE,
     offsetof(struct steerctl, canary_for)},
    {"abort-capacity", "PERCENT",
     "of drill live: end it when an endpoint or a region reports so much of its high watermark (100)",
     "abort_capacity", OPTION_LIVE, offsetof(struct steerctl, abort_capacity)},
    {"abort-errors", "PERCENT",
     "of drill live: end it when more requests fail than that, as reported, of what is not lost; such as 2%",
     "abort_errors", OPTION_LIVE, offsetof(struct steerctl, abort_errors)},
    {"abort-recovery", "DURATION", "of drill live: end it when answers have led to what is lost for so long",
     "abort_recovery", OPTION_LIVE, offsetof(struct steerctl, abort_recovery)},
    {"lower-ttl", NULL, "lower TTLs before, and wait until resolvers have them", NULL, OPTION_LOWER_TTL, 0},
    {"emergency", NULL, "at once, without a look, and in one step; nothing waits for a disk", "emergency",
     OPTION_EMERGENCY, 0},
    {"to", "DIR",
     "where to: an empty folder, or a new one; of init: its folder; of switchover: a region or an az", "to",
     OPTION_TO, offsetof(struct steerctl, to)},
    {"output", "FILE", "write to this file, not to stdout; also -o", NULL, OPTION_OUTPUT,
     offsetof(struct steerctl, output)},
    {"html", "FILE", "write the report to this file, too, as a page of HTML", NULL, OPTION_HTML,
     offsetof(struct steerctl, html)},
    {"keep", NULL, "of drill simulate: the server keeps the report", "keep", OPTION_KEEP, 0},
    {"lose", "TARGET", "what is lost; repeatable", "lose", OPTION_LOSE, 0},
    {"failure", "KIND", "how it fails: timeout (a dead host, the default) or refused (a dead process)",
     "failure", OPTION_FAILURE, offsetof(struct steerctl, failure)},
    {"check", "NAME", "only this check; of init: how servers are checked, such as http:80/healthz", "check",
     OPTION_CHECK, offsetof(struct steerctl, check)},
    {"check", NULL, "only see whether it is good, and what it would change", NULL, OPTION_ONLY_CHECK, 0},
    {"verdict", "VERDICT", "only what is unknown, healthy or unhealthy", "verdict", OPTION_VERDICT,
     offsetof(struct steerctl, verdict)},
    {"once", NULL, "show it once, and end", NULL, OPTION_ONCE, 0},
    {"outcome", "OUTCOME", "only what ended like that the last time, such as timeout", "outcome",
     OPTION_OUTCOME, offsetof(struct steerctl, outcome)},
    {"weight", "N", "what it says counts so much: 1 (the default) to 100", "weight", OPTION_WEIGHT,
     offsetof(struct steerctl, weight)},
    {"role", "ROLE", "viewer, operator, editor or admin", "role", OPTION_ROLE,
     offsetof(struct steerctl, role)},
    {"zone", "NAME", "only of this zone; several with commas between", "zones", OPTION_ZONE,
     offsetof(struct steerctl, zone)},
    {"expires", "DURATION", "it ends by itself after so long, such as 90d", "expires_in", OPTION_EXPIRES,
     offsetof(struct steerctl, expires)},
    {"overlap", "DURATION", "the one before is good for so long: 1h, if it is not said", "overlap",
     OPTION_OVERLAP, offsetof(struct steerctl, overlap)},
    {"config", "FILE", "of cluster init and join: the configuration of steerd (/etc/steerd/steerd.json)",
     NULL, OPTION_CONFIG, offsetof(struct steerctl, file)},
    {"name", "CLUSTER", "of cluster init: what the cluster is called", NULL, OPTION_INIT,
     offsetof(struct steerctl, cluster_name)},
    {"node", "NAME", "… and this node of it", NULL, OPTION_INIT, offsetof(struct steerctl, node)},
    {"etcd", "URL,…", "… where etcd is, such as https://10.0.0.1:2379", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd)},
    {"etcd-ca", "FILE", "… who signs etcd's certificates, relative to the folder of the configuration", NULL,
     OPTION_INIT, offsetof(struct steerctl, etcd_ca)},
    {"etcd-cert", "FILE", "… what is shown to etcd", NULL, OPTION_INIT, offsetof(struct steerctl, etcd_cert)},
    {"etcd-key", "FILE", "… its key", NULL, OPTION_INIT, offsetof(struct steerctl, etcd_key)},
    {"etcd-user", "NAME", "… or who logs in there", NULL, OPTION_INIT, offsetof(struct steerctl, etcd_user)},
    {"etcd-password", "FILE", "… with the first line of this file", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd_password)},
    {"endpoints", "REGION=ADDRESS,…",
     "of init: the servers, with a space between regions, the one that is to answer first; of one server\n"
     "                         192.0.2.1+2001:db8::1",
     NULL, OPTION_ENDPOINTS, offsetof(struct steerctl, endpoints)},
    {"from", "FROM",
     "of drill: start from live (the default) or from all healthy; of check: the vantage that makes it",
     "from", OPTION_FROM, offsetof(struct steerctl, from)},
    {"server", "ADDRESS[:PORT],…", "who is asked: a server of the names, or resolvers", NULL, OPTION_SERVER,
     offsetof(struct steerctl, server)},
    {"observe", "NAME,…",
     "of drill shadow and live: see it as caching resolvers and clients do; its report has that", NULL,
     OPTION_OBSERVE, offsetof(struct steerctl, observe)},
    {"drill", "ID", "what fails is what this drill says, which runs; its report has what was seen", NULL,
     OPTION_DRILL, offsetof(struct steerctl, drill)},
    {"resolvers", "N", "so many caches for each name (64)", NULL, OPTION_RESOLVERS,
     offsetof(struct steerctl, resolvers)},
    {"connect", "PORT", "requests go to this port of each address: those that fail are lost", NULL,
     OPTION_CONNECT, offsetof(struct steerctl, connect)},
    {"path", "PATH", "… and ask for this by HTTP", NULL, OPTION_PATH, offsetof(struct steerctl, path)},
    {"timeout", "DURATION", "after so long without an answer a request has failed (5s)", NULL, OPTION_TIMEOUT,
     offsetof(struct steerctl, timeout)},
    {"retry", "PERCENT", "of clients try the other addresses of an answer (0)", NULL, OPTION_RETRY,
     offsetof(struct steerctl, retry)},
    {"warning", "RANGES", "of check: warn outside this range, or of several figures FIGURE=RANGE,…", NULL,
     OPTION_WARNING, offsetof(struct steerctl, warning)},
    {"critical", "RANGES", "of check: likewise, critical; FIGURE= takes away what is there by default", NULL,
     OPTION_CRITICAL, offsetof(struct steerctl, critical)},
};

enum { ROWS = sizeof rows / sizeof *rows, ROW_BASE = 256, COMMON = 10 };

static const struct option common[COMMON] = {
    {"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, 'V'},
    {"url", required_argument, NULL, 'U'},    {"token-file", required_argument, NULL, 'T'},
    {"ca", required_argument, NULL, 'A'},     {"cert", required_argument, NULL, 'C'},
    {"key", required_argument, NULL, 'K'},    {"profile", required_argument, NULL, 'P'}};

enum steerctl_exit steerctl_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("steerctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\nTry 'steerctl help'.\n", stderr);
    va_end(arguments);
    return STEERCTL_USAGE;
}

/* ---- the command line ---- */

/* Some share a bit: those of live drills. */
static bool is_given(const struct steerctl *ctl, const struct option_row *row)
{
    const char *text = "";
    if (row->at != 0) {
        memcpy(&text, (const char *)ctl + row->at, sizeof text);
    }
    return (ctl->given & row->bit) != 0 && text != NULL;
}

static enum steerctl_exit take(struct steerctl *ctl, const struct option_row *row, const char *value)
{
    if (row->bit == OPTION_LOSE) {
        ctl->losses = memory_resize(ctl->losses, ctl->loss_count + 1, sizeof *ctl->losses);
        ctl->losses[ctl->loss_count++] = value;
    } else if (row->bit == OPTION_ACCEPT) {
        ctl->accepted = memory_resize(ctl->accepted, ctl->accepted_count + 1, sizeof *ctl->accepted);
        ctl->accepted[ctl->accepted_count++] = value;
    } else if (row->bit == OPTION_ASSUME) {
        ctl->assumed = memory_resize(ctl->assumed, ctl->assumed_count + 1, sizeof *ctl->assumed);
        ctl->assumed[ctl->assumed_count++] = value;
    } else if (row->bit == OPTION_OVERRIDE_RULE) {
        ctl->rules = memory_resize(ctl->rules, ctl->rule_count + 1, sizeof *ctl->rules);
        ctl->rules[ctl->rule_count++] = value;
    } else if (is_given(ctl, row)) {
        return steerctl_usage("--%s is given twice", row->name);
    } else if (row->at != 0) {
        memcpy((char *)ctl + row->at, &value, sizeof value);
    }
    ctl->given |= row->bit;
    return STEERCTL_OK;
}

/* getopt has stepped over it already, or stands in the middle of a cluster of letters. */
static enum steerctl_exit refuse(char *const *argv, bool lacks_value)
{
    char name[80];
    const char *text = argv[optind - 1];
    if (strncmp(text, "--", 2) != 0) {
        return lacks_value ? steerctl_usage("-%c needs a value", optopt)
                           : steerctl_usage("there is no option -%c", optopt);
    }
    size_t len = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), text);
    struct words_nearest nearest = {.found = name + 2};
    for (size_t i = 0; i < ROWS; i++) {
        words_offer(&nearest, rows[i].name);
    }
    for (size_t i = 0; i < COMMON; i++) {
        words_offer(&nearest, common[i].name);
    }
    if (lacks_value) {
        return steerctl_usage("%s needs a value", name);
    }
    if (optopt != 0) {
        return steerctl_usage("%s takes no value", name);
    }
    const char *meant = words_nearest(&nearest);
    return meant == NULL ? steerctl_usage("there is no option %s", name)
                         : steerctl_usage("there is no option %s, did you mean --%s?", name, meant);
}

static enum steerctl_exit take_found(struct steerctl *ctl, int found, char *const *argv)
{
    switch (found) {
    case 's': ctl->socket = optarg; return STEERCTL_OK;
    case 'j': ctl->json = true; return STEERCTL_OK;
    case 'h': ctl->wants_help = true; return STEERCTL_OK;
    case 'V': ctl->wants_version = true; return STEERCTL_OK;
    case 'U': ctl->url = optarg; return STEERCTL_OK;
    case 'T': ctl->token_file = optarg; return STEERCTL_OK;
    case 'A': ctl->ca = optarg; return STEERCTL_OK;
    case 'C': ctl->cert = optarg; return STEERCTL_OK;
    case 'K': ctl->key = optarg; return STEERCTL_OK;
    case 'P': ctl->profile = optarg; return STEERCTL_OK;
    case 'o':
        ctl->output = optarg;
        ctl->given |= OPTION_OUTPUT;
        return STEERCTL_OK;
    case '?':
    case ':': return refuse(argv, found == ':');
    default: return take(ctl, &rows[found - ROW_BASE], optarg);
    }
}

/* One name is that of two options: which of them it is, the verb says. */
static void list_options(struct option options[COMMON + ROWS + 1], bool is_push)
{
    const option_set left_out = is_push ? OPTION_CHECK : OPTION_ONLY_CHECK;
    struct option *to = options + COMMON;
    memset(options, 0, (COMMON + ROWS + 1) * sizeof *options);
    memcpy(options, common, sizeof common);
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].bit != left_out) {
            *to++ = (struct option){rows[i].name, rows[i].value == NULL ? no_argument : required_argument,
                                    NULL, ROW_BASE + i};
        }
    }
}

/* The verb is the first that is no option. Returns where it is; argc: there is none. */
static int find_word(int argc, char **argv, const struct option *options)
{
    int found, at;
    do {
        found = getopt_long(argc, argv, "+:s:jhVo:", options, NULL);
    } while (found != -1);
    at = optind;
    optind = 0; /* it begins anew */
    return at;
}

static bool is_word(int argc, char **argv, int at, const char *word)
{
    return at < argc && strcmp(argv[at], word) == 0;
}

enum steerctl_exit options_parse(struct steerctl *ctl, int argc, char **argv)
{
    struct option options[COMMON + ROWS + 1];
    enum steerctl_exit code = STEERCTL_OK;
    ctl->arguments =
        memory_copy(argv + 1, (size_t)argc * sizeof *argv); /* before getopt changes their order */
    opterr = 0;
    list_options(options, false);
    int word = find_word(argc, argv, options);
    ctl->is_monitored = is_word(argc, argv, word, "check") && !is_word(argc, argv, word + 1, "run");
    if (is_word(argc, argv, word, "push")) {
        list_options(options, true);
    }
    for (int found;
         code == STEERCTL_OK && (found = getopt_long(argc, argv, ":s:jhVo:", options, NULL)) != -1;) {
        code = take_found(ctl, found, argv);
    }
    ctl->word_count = argc - optind;
    ctl->words = argv + optind;
    return code;
}

/* ---- the table, for others ---- */

const char *options_find_odd(const struct steerctl *ctl, option_set allowed)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((ctl->given & rows[i].bit & ~allowed) != 0) {
            return rows[i].name;
        }
    }
    return NULL;
}

void options_print(option_set options)
{
    for (size_t i = 0; i < ROWS; i++) {
        char left[40];
        if ((options & rows[i].bit) != 0) {
            snprintf(left, sizeof left, "--%s %s", rows[i].name, rows[i].value == NULL ? "" : rows[i].value);
            printf("  %-22s %s\n", left, rows[i].help);
        }
    }
}

/* What help says of them in other words, with their letters. */
static const struct options_item common_items[] = {
    {"socket", "SOCKET", "the admin socket of the server"},
    {"json", NULL, "print the JSON of the API"},
    {"help", NULL, "what the verb does, and its options"},
    {"version", NULL, "the version of steerctl"},
    {"url", "URL", "the API at https://HOST:PORT instead of the socket"},
    {"token-file", "FILE", "the token that is shown there"},
    {"ca", "FILE", "who signs the certificate of the server"},
    {"cert", "FILE", "the certificate that is shown there"},
    {"key", "FILE", "its key"},
    {"profile", "NAME", "all of that from ~/.config/steerctl/config.json"}};
_Static_assert(sizeof common_items / sizeof *common_items == COMMON, "each is explained");

bool options_next(size_t *at, option_set options, struct options_item *item)
{
    for (; *at < ROWS; (*at)++) {
        const struct option_row *row = &rows[*at];
        if ((options & row->bit) != 0) {
            *item = (struct options_item){row->name, row->value, row->help};
            (*at)++;
            return true;
        }
    }
    size_t next = *at - ROWS;
    if ((options & OPTIONS_COMMON) == 0 || next >= COMMON) {
        return false;
    }
    *item = common_items[next];
    (*at)++;
    return true;
}

bool options_has_word(const char *words, const char *word, const char **after)
{
    size_t len = strlen(word);
    while (words != NULL && *words != '\0') {
        size_t this_len = strcspn(words, " =");
        *after = words + this_len;
        if (this_len == len && memcmp(words, word, len) == 0) {
            return true;
        }
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    return false;
}

const char *options_of_field(const struct steerctl *ctl, option_set options, const char *field)
{
    const char *first = NULL, *after;
    for (size_t i = 0; i < ROWS; i++) {
        if ((options & rows[i].bit) == 0 || !options_has_word(rows[i].fields, field, &after)) {
            continue;
        }
        if ((ctl->given & rows[i].bit) != 0) {
            return rows[i].name;
        }
        first = first == NULL ? rows[i].name : first;
    }
    return first;
}
