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
    {"region", "NAME", "only what is in this region", "region regions", OPTION_REGION,
     offsetof(struct steerctl, region)},
    {"az", "NAME", "only what is in this az", "az", OPTION_AZ, offsetof(struct steerctl, az)},
    {"effective", "STATE",
     "only targets that are unknown, healthy, unhealthy, drained, forced_up or forced_down", "effective",
     OPTION_EFFECTIVE, offsetof(struct steerctl, effective)},
    {"reason", "TEXT", "the reason, for the journal", "reason", OPTION_REASON,
     offsetof(struct steerctl, reason)},
    {"share", "PERCENT", "drain only this share of the weight, 1 to 99", "share", OPTION_SHARE,
     offsetof(struct steerctl, share)},
    {"names", "GROUP,…", "only for these groups of names (name_groups of the topology)", "names",
     OPTION_NAMES, offsetof(struct steerctl, names)},
    {"ttl", "SECONDS", "the highest TTL of answers that follow the override", "ttl", OPTION_TTL,
     offsetof(struct steerctl, ttl)},
    {"in", "DURATION", "plan it: it begins by itself after this time, such as 10m", "starts_in starts",
     OPTION_IN, offsetof(struct steerctl, in)},
    {"at", "TIME", "plan it: it begins at this time, such as 2026-11-21T04:05:06Z", "starts starts_in at",
     OPTION_AT, offsetof(struct steerctl, at)},
    {"for", "DURATION", "it ends by itself this long after its beginning", "expires_in expires ttl duration",
     OPTION_FOR, offsetof(struct steerctl, for_)},
    {"until", "TIME", "it ends at this time", "expires expires_in", OPTION_UNTIL,
     offsetof(struct steerctl, until)},
    {"actor", "NAME", "who orders it, if not the user who runs steerctl", "actor", OPTION_ACTOR,
     offsetof(struct steerctl, actor)},
    {"dry-run", NULL, "change nothing, show what would change", "dry_run", OPTION_DRY_RUN, 0},
    {"yes-unserved", NULL, "proceed even if some names would have no endpoint", "allow_unserved",
     OPTION_YES_UNSERVED, 0},
    {"override-rule", "NAME", "proceed even if this safety rule forbids it; repeatable, needs --reason",
     "override_rules", OPTION_OVERRIDE_RULE, 0},
    {"yes-without-point", NULL, "proceed even if no recovery point can be saved first", "without_point",
     OPTION_YES_WITHOUT_POINT, 0},
    {"replace", NULL, "remove what the file does not have", "replace", OPTION_REPLACE, 0},
    {"client", "ADDRESS", "the answer for this client; without it geography plays no part",
     "client clients.prefixes clients", OPTION_CLIENT, offsetof(struct steerctl, client)},
    {"ecs", "PREFIX,…", "shadow: client subnets that see the loss", "clients.ecs", OPTION_ECS,
     offsetof(struct steerctl, ecs)},
    {"by", "inject|override|hooks", "live: how the outage is produced", "by", OPTION_LIVE,
     offsetof(struct steerctl, by)},
    {"listen", "ADDRESS:PORT,…", "where the other nodes connect to", "clients.listen", OPTION_LISTEN,
     offsetof(struct steerctl, listen)},
    {"tsig-key", "NAME", "shadow: queries signed with this key see the loss", "clients.tsig_key",
     OPTION_TSIG_KEY, offsetof(struct steerctl, tsig_key)},
    {"wait", NULL, "wait until it has ended, and show its report", NULL, OPTION_WAIT, 0},
    {"watch", NULL, "follow progress until traffic has moved", NULL, OPTION_WAIT, 0},
    {"assume", "TARGET=STATE", "with this override, too: down, drain, drain:PERCENT, up or auto; repeatable",
     "assume", OPTION_ASSUME, 0},
    {"traffic", "NUMBER", "requests per second in all, instead of what just fits now", "traffic",
     OPTION_TRAFFIC, offsetof(struct steerctl, traffic)},
    {"limit", "ROWS", "show at most this many rows, up to 1000", "limit", OPTION_LIMIT,
     offsetof(struct steerctl, limit)},
    {"since", "TIME|DURATION", "only from this time on, or not older than this, such as 90m or 2d", "since",
     OPTION_SINCE, offsetof(struct steerctl, since)},
    {"kind", "KINDS", "only events of these kinds, such as health,override", "kind", OPTION_KIND,
     offsetof(struct steerctl, kind)},
    {"follow", NULL, "continue with what comes, latest last", "wait", OPTION_FOLLOW, 0},
    {"anchor", "SEQ:HASH", "of a line \"journal anchor\" of the log: is that entry still there", "anchor",
     OPTION_ANCHOR, offsetof(struct steerctl, anchor)},
    {"state", "DIR", "the state folder, if no server is running that knows it", NULL, OPTION_STATE,
     offsetof(struct steerctl, state)},
    {"incremental", NULL, "only what changed since the backup --base", NULL, OPTION_INCREMENTAL, 0},
    {"differential", NULL, "only what changed since the full backup --base", NULL, OPTION_DIFFERENTIAL, 0},
    {"base", "FILE", "the backup that this one is based on", NULL, OPTION_BASE,
     offsetof(struct steerctl, base)},
    {"force", NULL, "even if the file or folder exists, or the store is not damaged", NULL, OPTION_FORCE, 0},
    {"geo", "FILE", "the geo database (.mmdb) that says where addresses are", NULL, OPTION_GEO, 0},
    {"files", "DIR", "also restore the files of the configuration that served last, to this folder", NULL,
     OPTION_FILES, offsetof(struct steerctl, files)},
    {"steps", "PERCENT,…", "move traffic in steps, such as 5,25, then all of it", "steps", OPTION_STEPS,
     offsetof(struct steerctl, steps)},
    {"each", "DURATION", "the length of a step (1m)", "each", OPTION_EACH, offsetof(struct steerctl, each)},
    {"accept", "FINDING", "proceed despite this finding; repeatable, needs --reason", "accept", OPTION_ACCEPT,
     0},
    {"confirm", "NAME", "the name of what may be lost, typed once more", "confirm", OPTION_CONFIRM,
     offsetof(struct steerctl, confirm)},
    {"yes", NULL, "do not ask for confirmation", NULL, OPTION_CONFIRM, 0},
    {"canary", "PERCENT", "live: this share of all clients sees it first, the others if that went well",
     "canary", OPTION_LIVE, offsetof(struct steerctl, canary)},
    {"canary-for", "DURATION", "live: the length of that phase (1m)", "canary_for", OPTION_LIVE,
     offsetof(struct steerctl, canary_for)},
    {"abort-capacity", "PERCENT",
     "live: end if an endpoint or region reports this much of its high watermark (100)", "abort_capacity",
     OPTION_LIVE, offsetof(struct steerctl, abort_capacity)},
    {"abort-errors", "PERCENT",
     "live: end if more requests fail, as reported, of what is not lost; such as 2%", "abort_errors",
     OPTION_LIVE, offsetof(struct steerctl, abort_errors)},
    {"abort-recovery", "DURATION", "live: end if answers have led to what is lost for this long",
     "abort_recovery", OPTION_LIVE, offsetof(struct steerctl, abort_recovery)},
    {"lower-ttl", NULL, "lower TTLs first, and wait until resolvers have them", NULL, OPTION_LOWER_TTL, 0},
    {"emergency", NULL, "at once: no checks, no steps, no waiting for the disk", "emergency",
     OPTION_EMERGENCY, 0},
    {"to", "DIR", "the folder to write to, empty or new", "to", OPTION_TO, offsetof(struct steerctl, to)},
    {"output", "FILE", "write to this file instead of standard output; also -o", NULL, OPTION_OUTPUT,
     offsetof(struct steerctl, output)},
    {"html", "FILE", "also write the report to this file as HTML", NULL, OPTION_HTML,
     offsetof(struct steerctl, html)},
    {"keep", NULL, "simulate: the server keeps the report", "keep", OPTION_KEEP, 0},
    {"lose", "TARGET", "what is lost; repeatable", "lose", OPTION_LOSE, 0},
    {"failure", "KIND", "how it fails: timeout (a dead host, the default) or refused (a dead process)",
     "failure", OPTION_FAILURE, offsetof(struct steerctl, failure)},
    {"check", "NAME", "only this check", "check", OPTION_CHECK, offsetof(struct steerctl, check)},
    {"check", NULL, "only check it, and show what it would change", NULL, OPTION_ONLY_CHECK, 0},
    {"verdict", "VERDICT", "only checks that are unknown, healthy or unhealthy", "verdict", OPTION_VERDICT,
     offsetof(struct steerctl, verdict)},
    {"once", NULL, "show it once, and exit", NULL, OPTION_ONCE, 0},
    {"outcome", "OUTCOME", "only checks whose latest result is this one, such as timeout", "outcome",
     OPTION_OUTCOME, offsetof(struct steerctl, outcome)},
    {"weight", "N", "the weight of its results, 1 (the default) to 100", "weight", OPTION_WEIGHT,
     offsetof(struct steerctl, weight)},
    {"role", "ROLE", "viewer, operator, editor or admin", "role", OPTION_ROLE,
     offsetof(struct steerctl, role)},
    {"zone", "NAME", "only this zone; several separated by commas", "zones", OPTION_ZONE,
     offsetof(struct steerctl, zone)},
    {"expires", "DURATION", "it expires after this time, such as 90d", "expires_in", OPTION_EXPIRES,
     offsetof(struct steerctl, expires)},
    {"overlap", "DURATION", "the old one stays valid this long (1h)", "overlap", OPTION_OVERLAP,
     offsetof(struct steerctl, overlap)},
    {"config", "FILE", "init, join: the configuration of steerd (/etc/steerd/steerd.json)", NULL,
     OPTION_CONFIG, offsetof(struct steerctl, file)},
    {"name", "CLUSTER", "init: the name of the cluster", NULL, OPTION_INIT,
     offsetof(struct steerctl, cluster_name)},
    {"node", "NAME", "init: the name of this node", NULL, OPTION_INIT, offsetof(struct steerctl, node)},
    {"etcd", "URL,…", "init: where etcd is, such as https://10.0.0.1:2379", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd)},
    {"etcd-ca", "FILE", "init: the CA of etcd, relative to the folder of the configuration", NULL,
     OPTION_INIT, offsetof(struct steerctl, etcd_ca)},
    {"etcd-cert", "FILE", "init: the client certificate for etcd", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd_cert)},
    {"etcd-key", "FILE", "init: its key", NULL, OPTION_INIT, offsetof(struct steerctl, etcd_key)},
    {"etcd-user", "NAME", "init: or the user for etcd", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd_user)},
    {"etcd-password", "FILE", "init: a file whose first line is the password", NULL, OPTION_INIT,
     offsetof(struct steerctl, etcd_password)},
    {"endpoints", "REGION=ADDRESS,…",
     "the servers, regions separated by spaces, the preferred region first; both addresses of one server as "
     "192.0.2.1+2001:db8::1",
     NULL, OPTION_ENDPOINTS, offsetof(struct steerctl, endpoints)},
    {"from", "FROM", "simulate: begin with the live state (live, the default) or with all healthy (healthy)",
     "from", OPTION_FROM, offsetof(struct steerctl, from)},
    {"server", "ADDRESS[:PORT],…", "servers to ask: an authoritative one, or resolvers", NULL, OPTION_SERVER,
     offsetof(struct steerctl, server)},
    {"observe", "NAME,…",
     "shadow, live: add to the report what caching resolvers and clients see of these names", NULL,
     OPTION_OBSERVE, offsetof(struct steerctl, observe)},
    {"drill", "ID", "use the losses of this running drill; its report gets the result", NULL, OPTION_DRILL,
     offsetof(struct steerctl, drill)},
    {"resolvers", "N", "the number of caches for each name (64)", NULL, OPTION_RESOLVERS,
     offsetof(struct steerctl, resolvers)},
    {"connect", "PORT", "connect to this port of each address; a failed connection is a failed request", NULL,
     OPTION_CONNECT, offsetof(struct steerctl, connect)},
    {"path", "PATH", "… and request this path by HTTP", NULL, OPTION_PATH, offsetof(struct steerctl, path)},
    {"timeout", "DURATION", "a request without an answer has failed after this time (5s)", NULL,
     OPTION_TIMEOUT, offsetof(struct steerctl, timeout)},
    {"retry", "PERCENT", "this share of clients tries the other addresses of an answer (0)", NULL,
     OPTION_RETRY, offsetof(struct steerctl, retry)},
    {"warning", "RANGES", "warn outside this range, or for several figures FIGURE=RANGE,…", NULL,
     OPTION_WARNING, offsetof(struct steerctl, warning)},
    {"critical", "RANGES", "the same for critical; FIGURE= removes a default", NULL, OPTION_CRITICAL,
     offsetof(struct steerctl, critical)},
};

/* What an option means to some verbs, where that is not what the table says. */
static const struct option_note {
    const char *verbs, *name; /* "drill observe" */
    const char *help;
} notes[] = {
    {"explain", "at", "the answer at this time, so long ago, or at a recovery point"},
    {"export", "at", "as of this time, or so long ago"},
    {"observe drill", "ttl", "resolvers keep answers of TTL 0 for this long"},
    {"observe", "for", "how long to observe (60s)"},
    {"drill", "for", "shadow, live: how long it lasts (5m)"},
    {"load report", "for", "how long the report counts"},
    {"acme", "for", "how long the answer stays (10m)"},
    {"history", "actor", "only what this actor ordered"},
    {"cluster", "replace", "invite: another machine takes over the name; refill: overwrite what etcd has"},
    {"drill", "client", "shadow: client prefixes that see the loss"},
    {"observe", "client", "ask from addresses in these prefixes, which this machine must have"},
    {"observe", "ecs", "client subnets that the queries carry (EDNS Client Subnet)"},
    {"drill", "listen", "shadow: queries to this listen address of the server see the loss"},
    {"init", "listen", "where queries are answered, with ports, separated by commas"},
    {"drill", "watch", "same as --wait"},
    {"init", "names", "the name that leads to the servers (www)"},
    {"switchover", "names", "move only these groups of names (name_groups of the topology)"},
    {"init", "zone", "the zone that is served (example.com)"},
    {"token", "zone", "it may change only these zones, separated by commas"},
    {"token", "region", "it may change only what is in this region"},
    {"reload push", "limit", "with --json: at most this many items of each list, up to 100"},
    {"init", "force", "replace an existing configuration; its files are renamed to NAME.old-TIME"},
    {"backup export", "force", "overwrite an existing file"},
    {"import", "force", "replace files in a folder that exists"},
    {"salvage", "force", "even if the store is not damaged"},
    {"init", "to", "the folder of the configuration (/etc/steerd)"},
    {"switchover", "to", "the region or az that takes the traffic"},
    {"drill", "confirm", "live: the name of the target that is lost first, typed once more"},
    {"switchover", "confirm", "the name of the target whose data may be lost, typed once more"},
    {"init", "check", "how servers are checked, such as http:80/healthz, tcp:25, icmp or none"},
    {"check", "from", "run: the vantage that makes the check"},
    {"check", "check", "run: only this check"},
    {"check", "timeout", "how long to wait for the server (10s)"},
    {"token", "expires", "it expires after this time (90d)"},
    {"cluster", "expires", "invite: the token expires after this time (1h)"},
    {"drill", "server", "shadow, live: with --observe, the servers to ask"},
    {"observe", "lose", "what is known to be lost; repeatable"},
    {"drill", "accept", "live: proceed despite this finding; repeatable, needs --reason"},
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

/* What help says of them in other words, with their letters. */
static const struct options_item common_items[] = {
    {"socket", "SOCKET", "the admin socket of the server"},
    {"json", NULL, "print the JSON of the API"},
    {"help", NULL, "show the help of the verb"},
    {"version", NULL, "print the version of steerctl"},
    {"url", "URL", "the API at https://HOST:PORT instead of the socket"},
    {"token-file", "FILE", "the file with the API token"},
    {"ca", "FILE", "the CA of the server's certificate"},
    {"cert", "FILE", "the client certificate"},
    {"key", "FILE", "its key"},
    {"profile", "NAME", "take these from ~/.config/steerctl/config.json"}};
_Static_assert(sizeof common_items / sizeof *common_items == COMMON, "each is explained");

static const char *find_help(const struct option_row *row, const char *verb)
{
    const char *after;
    for (size_t i = 0; verb != NULL && i < sizeof notes / sizeof *notes; i++) {
        if (strcmp(notes[i].name, row->name) == 0 && options_has_word(notes[i].verbs, verb, &after)) {
            return notes[i].help;
        }
    }
    return row->help;
}

bool options_next(size_t *at, const char *verb, option_set options, struct options_item *item)
{
    for (; *at < ROWS; (*at)++) {
        const struct option_row *row = &rows[*at];
        if ((options & row->bit) != 0) {
            *item = (struct options_item){row->name, row->value, find_help(row, verb)};
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
