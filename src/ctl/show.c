/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The API's JSON as text for people. What is missing is written as "-"; nothing here can fail. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/words.h"

#include <string.h>

static void print_state(const struct steerctl *ctl, const char *label, const char *state)
{
    char clean[TABLE_CELL_SIZE];
    printf("%-14s%s%s%s\n", label, text_colour(ctl, text_or_dash(state)),
           text_clean(text_or_dash(state), clean, sizeof clean), text_plain(ctl));
}

/* ---- regions, azs, endpoints ---- */

/* "healthy", or where a family differs "healthy (ipv6 unhealthy)" */
static void add_observed(struct table *table, const json_t *item)
{
    static const char *const names[] = {"ipv4", "ipv6"};
    const char *observed = text_of(item, "observed");
    char text[TABLE_CELL_SIZE];
    snprintf(text, sizeof text, "%s", text_or_dash(observed));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *of_family = text_of(json_object_get(item, "families"), names[i]);
        if (of_family != NULL && observed != NULL && strcmp(of_family, observed) != 0) {
            snprintf(text, sizeof text, "%s (%s %s)", observed, names[i], of_family);
        }
    }
    table_add(table, text);
}

static void add_states(struct table *table, const json_t *item)
{
    char age[32];
    table_add_state(table, text_of(item, "effective"));
    table_add(table, text_of(item, "decided_by"));
    add_observed(table, item);
    table_add(table, text_of(item, "desired"));
    table_add(table, text_age(text_of(item, "since"), age));
}

static void add_members(struct table *table, const json_t *item)
{
    char all[32], bad[32], both[80];
    snprintf(both, sizeof both, "%s of %s", text_number(item, "members_unhealthy", bad),
             text_number(item, "members", all));
    table_add(table, both);
}

/* "192.0.2.1, 2001:db8::1"; of a host name that, and what it resolves to: "web.example.net: 192.0.2.1" */
static void add_addresses(struct table *table, const json_t *item)
{
    char list[TEXT_LIST_SIZE], text[TABLE_CELL_SIZE];
    const char *host = text_of(json_object_get(item, "host"), "name");
    snprintf(text, sizeof text, "%s%s%s", host == NULL ? "" : host, host == NULL ? "" : ": ",
             text_join(json_object_get(item, "addresses"), ", ", list));
    table_add(table, text);
}

const char *show_target_fields(const char *kind)
{
    if (strcmp(kind, "endpoints") == 0) {
        return "az,region,effective,decided_by,observed,families,desired,since,load,last_outcome,weight,"
               "addresses,host";
    }
    return strcmp(kind, "azs") == 0
               ? "region,effective,decided_by,observed,desired,since,members,members_unhealthy"
               : "region,effective,decided_by,observed,desired,since,members,members_unhealthy,hold";
}

void show_hold(const char *label, const json_t *item)
{
    const char *why = text_of(json_object_get(item, "hold"), "why");
    if (why != NULL) {
        text_line(label, why);
    }
}

void show_targets(const struct steerctl *ctl, const char *kind, const json_t *items)
{
    static const char *const regions[] = {"REGION",  "EFFECTIVE", "DECIDED BY",    "OBSERVED",
                                          "DESIRED", "SINCE",     "UNHEALTHY AZS", NULL};
    static const char *const azs[] = {"AZ",      "REGION", "EFFECTIVE",           "DECIDED BY", "OBSERVED",
                                      "DESIRED", "SINCE",  "UNHEALTHY ENDPOINTS", NULL};
    static const char *const endpoints[] = {"ENDPOINT", "AZ",        "REGION", "EFFECTIVE", "DECIDED BY",
                                            "OBSERVED", "DESIRED",   "SINCE",  "SHEDS",     "LAST OUTCOME",
                                            "WEIGHT",   "ADDRESSES", NULL};
    bool is_endpoint = strcmp(kind, "endpoints") == 0, is_az = strcmp(kind, "azs") == 0;
    struct table *table = table_new(ctl, is_endpoint ? endpoints : is_az ? azs : regions);
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        table_add(table, text_of(item, "name"));
        if (is_endpoint) {
            table_add(table, text_of(item, "az"));
        }
        if (is_endpoint || is_az) {
            table_add(table, text_of(item, "region"));
        }
        add_states(table, item);
        if (is_endpoint) {
            char share[32];
            table_add(table, text_share(json_object_get(item, "load"), "shed", share));
            table_add(table, text_of(item, "last_outcome"));
            table_add(table, text_number(item, "weight", share));
            add_addresses(table, item);
        } else {
            add_members(table, item);
        }
    }
    table_print(table);
    json_array_foreach(items, i, item)
    {
        show_hold("held", item);
    }
}

static void show_share(const json_t *override)
{
    char text[16];
    snprintf(text, sizeof text, "%lld %%", (long long)json_integer_value(json_object_get(override, "share")));
    if (json_is_integer(json_object_get(override, "share"))) {
        text_line("  share", text);
    }
}

enum { TTL_TEXT_SIZE = 32 };

/* "30 s"; "": it has none. */
static const char *text_ttl(const json_t *override, char text[TTL_TEXT_SIZE])
{
    const json_t *ttl = json_object_get(override, "ttl");
    text[0] = '\0';
    if (json_is_integer(ttl)) {
        snprintf(text, TTL_TEXT_SIZE, "%lld s", (long long)json_integer_value(ttl));
    }
    return text;
}

/* "shop,pay"; "": all names. */
static const char *join_names(const json_t *override, char text[TABLE_CELL_SIZE])
{
    const json_t *names = json_object_get(override, "names"), *name;
    size_t i, len = 0;
    text[0] = '\0';
    json_array_foreach(names, i, name)
    {
        const char *one = json_string_value(name);
        len += (size_t)snprintf(text + len, TABLE_CELL_SIZE - len, "%s%s", i == 0 ? "" : ",",
                                one == NULL ? "-" : one);
        if (len >= TABLE_CELL_SIZE) {
            break;
        }
    }
    return text;
}

static void show_groups(const json_t *override)
{
    char text[TABLE_CELL_SIZE];
    if (join_names(override, text)[0] != '\0') {
        text_line("  names", text);
    }
}

static void show_override(const json_t *override)
{
    if (override == NULL || json_is_null(override)) {
        return;
    }
    char text[TTL_TEXT_SIZE];
    text_line("override", text_of(override, "state"));
    show_share(override);
    show_groups(override);
    if (text_ttl(override, text)[0] != '\0') {
        text_line("  ttl", text);
    }
    text_line("  reason", text_of(override, "reason"));
    text_line("  actor", text_of(override, "actor"));
    text_line("  set", text_of(override, "set"));
    if (text_of(override, "starts") != NULL) {
        text_line(json_is_true(json_object_get(override, "planned")) ? "  starts" : "  started",
                  text_of(override, "starts"));
    }
    const char *expires = text_of(override, "expires");
    text_line("  expires", expires == NULL ? "never" : expires);
}

static void show_load(const json_t *load)
{
    char text[32], high[32];
    if (!json_is_object(load)) {
        return;
    }
    text_line("load", text_number(load, "value", text));
    text_line("  sheds", text_share(load, "shed", text));
    if (json_is_number(json_object_get(load, "low"))) {
        char marks[80];
        snprintf(marks, sizeof marks, "%s to %s", text_number(load, "low", text),
                 text_number(load, "high", high));
        text_line("  watermarks", marks);
    }
    text_line("  source", text_of(load, "source"));
    if (text_of(load, "actor") != NULL) {
        text_line("  actor", text_of(load, "actor"));
    }
    text_line("  reported", text_of(load, "reported"));
    text_line("  until", text_of(load, "until"));
}

void show_load_change(const json_t *target)
{
    const json_t *load = json_object_get(target, "load");
    bool dry_run = json_is_true(json_object_get(target, "dry_run"));
    char name[TABLE_CELL_SIZE], text[32];
    printf("endpoint:%s %s ", text_clean(text_or_dash(text_of(target, "name")), name, sizeof name),
           dry_run ? "would have" : "has");
    if (json_is_number(json_object_get(load, "value"))) {
        printf("load %s", text_number(load, "value", text));
    } else {
        fputs("no load", stdout);
    }
    if (json_is_number(json_object_get(load, "low"))) {
        printf(", %s %s of its weight\n", dry_run ? "would shed" : "sheds",
               text_or_dash(text_share(load, "shed", text)));
    } else {
        puts("; without watermarks it sheds nothing");
    }
}

/* The day of a time. */
static const char *text_date(const char *time, char text[32])
{
    if (time == NULL) {
        return NULL;
    }
    snprintf(text, 32, "%.10s", time);
    return text;
}

static bool sees_certificates(const json_t *checks)
{
    size_t i = 0;
    while (i < json_array_size(checks) && text_of(json_array_get(checks, i), "certificate_ends") == NULL) {
        i++;
    }
    return i < json_array_size(checks);
}

static void show_checks(const struct steerctl *ctl, const json_t *checks)
{
    bool has_certificates = sees_certificates(checks);
    const char *const headings[] = {"CHECK",
                                    "TYPE",
                                    "ADDRESS",
                                    "VERDICT",
                                    "OUTCOME",
                                    "STATUS",
                                    "STREAK",
                                    "MS",
                                    "CHECKED",
                                    "JUDGED",
                                    has_certificates ? "CERTIFICATE ENDS" : NULL,
                                    NULL};
    size_t i;
    const json_t *check;
    char text[32];
    struct table *table = table_begin(ctl, headings, checks);
    if (table == NULL) {
        return;
    }
    json_array_foreach(checks, i, check)
    {
        table_add(table, text_of(check, "check"));
        table_add(table, text_of(check, "type"));
        table_add(table, text_of(check, "address"));
        bool inherited = json_is_true(json_object_get(check, "inherited"));
        table_add_state(table, inherited ? "inherited" : text_of(check, "verdict"));
        table_add(table, text_of(check, "outcome"));
        table_add(table, text_number(check, "status", text));
        table_add(table, text_number(check, "streak", text));
        table_add(table, text_number(check, "duration_ms", text));
        table_add(table, text_age(text_of(check, "checked"), text));
        table_add(table, text_age(text_of(check, "judged"), text));
        if (has_certificates) {
            table_add(table, text_date(text_of(check, "certificate_ends"), text));
        }
    }
    table_print(table);
}

/* "2 addresses, answered 12s ago", "none, failing: Domain name not found". */
static void show_family(const char *label, const json_t *family)
{
    char text[TABLE_CELL_SIZE], age[32];
    size_t count = json_array_size(json_object_get(family, "addresses"));
    const char *answered = text_of(family, "answered"), *error = text_of(family, "error"),
               *state = text_of(family, "state");
    snprintf(text, sizeof text, "%s, %zu address%s%s%s%s%s", text_or_dash(state), count,
             count == 1 ? "" : "es", answered == NULL ? "" : ", answered ",
             answered == NULL ? "" : text_age(answered, age), error == NULL ? "" : ": ",
             error == NULL ? "" : error);
    text_line(label, text);
}

static void show_host(const json_t *host)
{
    if (!json_is_object(host)) {
        return;
    }
    text_line("host", text_of(host, "name"));
    if (text_of(host, "leads_back_to") != NULL) {
        text_line("  leads back to", text_of(host, "leads_back_to"));
    }
    show_family("  ipv4", json_object_get(host, "ipv4"));
    show_family("  ipv6", json_object_get(host, "ipv6"));
}

static void show_endpoint(const json_t *target)
{
    char text[32], list[TABLE_CELL_SIZE] = "";
    size_t i;
    const json_t *address;
    json_array_foreach(json_object_get(target, "addresses"), i, address)
    {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                 text_or_dash(json_string_value(address)));
    }
    show_host(json_object_get(target, "host"));
    text_line("addresses", list);
    text_line("weight", text_number(target, "weight", text));
    text_line("capacity", text_number(target, "capacity", text));
    show_load(json_object_get(target, "load"));
    text_line("last outcome", text_of(target, "last_outcome"));
    text_line("last status", text_number(target, "last_status", text));
    text_line("last checked", text_of(target, "last_checked"));
    text_line("last judged", text_of(target, "last_judged"));
    text_line("held by brake", json_is_true(json_object_get(target, "held")) ? "yes" : "no");
    if (json_is_true(json_object_get(target, "restored"))) {
        text_line("restored", "yes: not checked since the start");
    }
    text_line("last ms", text_number(target, "last_duration_ms", text));
}

static void show_families(const json_t *families)
{
    if (text_of(families, "ipv4") != NULL && text_of(families, "ipv6") != NULL) {
        text_line("  ipv4", text_of(families, "ipv4"));
        text_line("  ipv6", text_of(families, "ipv6"));
    }
}

/* How its checks add up, where that is not simply all of them. */
static void show_combination(const json_t *combination)
{
    static const char *const families[] = {"ipv4", "ipv6"};
    for (size_t i = 0; json_is_integer(json_object_get(combination, "at_least")) && i < 2; i++) {
        const json_t *family = json_object_get(combination, families[i]);
        char label[32];
        snprintf(label, sizeof label, "  %s checks", families[i]);
        if (json_is_object(family)) {
            text_line(label, text_of(family, "why"));
        }
    }
}

/* Why something that is well is down, and what has to happen. */
static void show_stay(const json_t *target)
{
    const json_t *stay = json_object_get(target, "stays_down");
    char text[192], because[32], until[48];
    if (!json_is_object(stay)) {
        return;
    }
    (void)text_clean(text_or_dash(text_of(stay, "because")), because, sizeof because);
    if (json_is_true(json_object_get(stay, "needs_failback"))) {
        snprintf(text, sizeof text, "%s: well again, until somebody says steerctl failback", because);
    } else if (text_of(stay, "rule") != NULL) {
        snprintf(text, sizeof text, "%s: well again, until its copies are in time", because);
    } else {
        snprintf(text, sizeof text, "%s: well again, until %s", because,
                 text_clean(text_or_dash(text_of(stay, "until")), until, sizeof until));
    }
    text_line("stays down", text);
}

/* "25 % of its weight until …, then 100 %" */
static void show_ramp(const json_t *target)
{
    const json_t *ramp = json_object_get(target, "ramp");
    char text[192], next[48], ends[48];
    if (!json_is_object(ramp)) {
        return;
    }
    (void)text_clean(text_or_dash(text_of(ramp, "next")), next, sizeof next);
    (void)text_clean(text_or_dash(text_of(ramp, "ends")), ends, sizeof ends);
    snprintf(text, sizeof text, "%d %% of its weight until %s, all of it from %s on",
             (int)json_integer_value(json_object_get(ramp, "percent")), next, ends);
    text_line("ramping", text);
}

/* How many of a region or az are missing, who, and what has to happen. */
static void show_group(const json_t *target)
{
    char text[TABLE_CELL_SIZE] = "", number[32];
    size_t i;
    const json_t *name;
    text_line("members", text_number(target, "members", number));
    text_line("  unhealthy", text_number(target, "members_unhealthy", number));
    const json_t *missing = json_object_get(target, "missing");
    json_array_foreach(missing, i, name)
    {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ", ",
                 text_or_dash(json_string_value(name)));
    }
    if (json_array_size(missing) != 0) {
        bool is_all = (json_int_t)json_array_size(missing) ==
                      json_integer_value(json_object_get(target, "members_unhealthy"));
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s", is_all ? "" : ", …");
        text_line("  missing", text);
    }
    text_line("why", text_of(target, "why"));
}

void show_target(const struct steerctl *ctl, const json_t *target)
{
    text_line(text_or_dash(text_of(target, "kind")), text_of(target, "name"));
    if (json_object_get(target, "az") != NULL) {
        text_line("az", text_of(target, "az"));
    }
    if (json_object_get(target, "region") != NULL) {
        text_line("region", text_of(target, "region"));
    }
    print_state(ctl, "effective", text_of(target, "effective"));
    text_line("decided by", text_of(target, "decided_by"));
    text_line("since", text_of(target, "since"));
    text_line("observed", text_of(target, "observed"));
    show_families(json_object_get(target, "families"));
    show_combination(json_object_get(target, "combination"));
    show_stay(target);
    show_hold("held", target);
    show_ramp(target);
    text_line("desired", text_of(target, "desired"));
    show_override(json_object_get(target, "override"));
    if (json_object_get(target, "addresses") != NULL) {
        show_endpoint(target);
    } else {
        show_group(target);
    }
    show_checks(ctl, json_object_get(target, "checks"));
}

/* ---- overrides ---- */

static void show_changes(const struct steerctl *ctl, const json_t *changes, bool is_planned)
{
    const char *const headings[] = {is_planned ? "WOULD CHANGE THEN" : "WOULD CHANGE", "BEFORE", "AFTER",
                                    NULL};
    size_t i;
    const json_t *change;
    if (json_array_size(changes) == 0) {
        puts(is_planned ? "no effective state would change then" : "no effective state would change");
        return;
    }
    struct table *table = table_new(ctl, headings);
    json_array_foreach(changes, i, change)
    {
        char name[TABLE_CELL_SIZE];
        snprintf(name, sizeof name, "%s:%s", text_or_dash(text_of(change, "kind")),
                 text_or_dash(text_of(change, "name")));
        table_add(table, name);
        table_add_state(table, text_of(change, "before"));
        table_add_state(table, text_of(change, "after"));
    }
    table_print(table);
}

void show_change(const struct steerctl *ctl, const json_t *target)
{
    char name[TABLE_CELL_SIZE], state[64], by[64], start[64];
    if (json_is_true(json_object_get(target, "dormant"))) {
        printf("%s:%s is not there, and its override %s\n", text_or_dash(text_of(target, "kind")),
               text_clean(text_or_dash(text_of(target, "name")), name, sizeof name),
               json_is_true(json_object_get(target, "dry_run")) ? "would not be, either" : "is not, either");
        return;
    }
    const json_t *override = json_object_get(target, "override");
    const char *expires = text_of(override, "expires"),
               *effective = text_or_dash(text_of(target, "effective"));
    bool dry_run = json_is_true(json_object_get(target, "dry_run"));
    char names[TABLE_CELL_SIZE];
    bool is_planned = json_is_true(json_object_get(override, "planned"));
    printf("%s:%s %s %s%s%s, decided by %s", text_or_dash(text_of(target, "kind")),
           text_clean(text_or_dash(text_of(target, "name")), name, sizeof name), dry_run ? "would be" : "is",
           text_colour(ctl, effective), text_clean(effective, state, sizeof state), text_plain(ctl),
           text_clean(text_or_dash(text_of(target, "decided_by")), by, sizeof by));
    if (is_planned) {
        printf("; %s %s planned for %s",
               text_clean(text_or_dash(text_of(override, "state")), state, sizeof state),
               dry_run ? "would be" : "is",
               text_clean(text_or_dash(text_of(override, "starts")), start, sizeof start));
    }
    if (json_is_integer(json_object_get(override, "share"))) {
        printf("; %lld %% of its weight %s drained",
               (long long)json_integer_value(json_object_get(override, "share")),
               dry_run      ? "would be"
               : is_planned ? "are to be"
                            : "are");
    }
    if (join_names(override, names)[0] != '\0') {
        printf("; %s %s drained for names of %s only",
               json_is_integer(json_object_get(override, "share")) ? "that" : "it",
               dry_run      ? "would be"
               : is_planned ? "is to be"
                            : "is",
               text_clean(names, state, sizeof state));
    }
    char ttl[TTL_TEXT_SIZE];
    if (text_ttl(override, ttl)[0] != '\0') {
        printf("; TTLs %s at most %s", dry_run ? "would be" : "are", ttl);
    }
    if (json_is_object(override)) {
        printf(", until %s", expires == NULL ? "it is removed" : text_clean(expires, state, sizeof state));
    }
    putchar('\n');
    nodes_show_spread(target);
    if (text_of(target, "not_durable_because") != NULL) {
        char why[TABLE_CELL_SIZE];
        fprintf(stderr, "steerctl: it holds, but a restart would forget it: %s\n",
                text_clean(text_of(target, "not_durable_because"), why, sizeof why));
    }
    if (dry_run) {
        const json_t *unserved = json_object_get(target, "unserved");
        json_int_t total = json_integer_value(json_object_get(unserved, "total"));
        show_changes(ctl, json_object_get(target, "changes"), is_planned);
        if (total != 0) {
            const char *from = text_of(unserved, "from");
            printf("nobody would serve %lld name%s any more%s%s, so this takes --yes-unserved:\n",
                   (long long)total, total == 1 ? "" : "s", from == NULL ? "" : ", from ",
                   from == NULL ? "" : text_clean(from, start, sizeof start));
            show_unserved(stdout, unserved);
        }
        if (json_array_size(json_object_get(target, "rules")) != 0) {
            puts("safety rules forbid it, so this takes --override-rule for each:");
            show_rules(stdout, json_object_get(target, "rules"));
        }
    }
}

static void add_start(struct table *table, const json_t *override)
{
    char text[64], age[32];
    bool is_planned = json_is_true(json_object_get(override, "planned"));
    const char *starts = text_of(override, "starts");
    snprintf(text, sizeof text, is_planned ? "in %s" : "%s ago", text_age(starts, age));
    table_add(table, starts == NULL ? NULL : text);
}

void show_overrides(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"TARGET", "STATE",   "EFFECTIVE", "ACTOR",  "SET",
                                           "STARTS", "EXPIRES", "TTL",       "REASON", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char text[TABLE_CELL_SIZE], age[32];
        snprintf(text, sizeof text, "%s:%s", text_or_dash(text_of(item, "kind")),
                 text_or_dash(text_of(item, "name")));
        table_add(table, text);
        char names[TABLE_CELL_SIZE];
        bool is_about_some = join_names(item, names)[0] != '\0';
        snprintf(text, sizeof text, "%.20s%s%.200s", text_or_dash(text_of(item, "state")),
                 is_about_some ? " for " : "", names);
        table_add(table, text);
        bool is_dormant = json_is_true(json_object_get(item, "dormant"));
        table_add_state(table, is_dormant ? "(dormant)" : text_of(item, "effective"));
        table_add(table, text_of(item, "actor"));
        snprintf(text, sizeof text, "%s ago", text_age(text_of(item, "set"), age));
        table_add(table, text);
        add_start(table, item);
        snprintf(text, sizeof text, "in %s", text_age(text_of(item, "expires"), age));
        table_add(table, text_of(item, "expires") == NULL ? "never" : text);
        table_add(table, text_ttl(item, age)[0] == '\0' ? NULL : age);
        table_add(table, text_of(item, "reason"));
    }
    table_print(table);
}
