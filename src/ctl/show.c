/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The API's JSON as text for people. What is missing is written as "-"; nothing here can fail. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* ---- regions, azs, endpoints ---- */

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

/* "healthy", or where a family differs "healthy (ipv6 unhealthy)" */
static bool write_observed(const json_t *item, struct buffer *to)
{
    static const char *const families[] = {"ipv4", "ipv6"};
    const char *observed = text_of(item, "observed");
    buffer_add_text(to, text_or_dash(observed));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const char *of_family = text_of(json_object_get(item, "families"), families[i]);
        if (of_family != NULL && observed != NULL && strcmp(of_family, observed) != 0) {
            buffer_truncate(to, strlen(observed));
            buffer_print(to, " (%s %s)", families[i], of_family);
        }
    }
    return true;
}

#define STATES                                                                                               \
    ROW_STATE("EFFECTIVE", "{effective}"), ROW("DECIDED BY", "{decided_by}"),                                \
        ROW_OF("OBSERVED", write_observed), ROW("DESIRED", "{desired}"), ROW("SINCE", "{since|=-:age}")

static const struct template_row region_columns[] = {
    ROW("REGION", "{name}"), STATES, ROW("UNHEALTHY AZS", "{members_unhealthy|=-} of {members|=-}"), ROW_END};
static const struct template_row az_columns[] = {
    ROW("AZ", "{name}"), ROW("REGION", "{region}"), STATES,
    ROW("UNHEALTHY ENDPOINTS", "{members_unhealthy|=-} of {members|=-}"), ROW_END};
static const struct template_row endpoint_columns[] = {ROW("ENDPOINT", "{name}"),
                                                       ROW("AZ", "{az}"),
                                                       ROW("REGION", "{region}"),
                                                       STATES,
                                                       ROW("SHEDS", "{load.shed:%}"),
                                                       ROW("LAST OUTCOME", "{last_outcome}"),
                                                       ROW("WEIGHT", "{weight}"),
                                                       ROW("ADDRESSES", "[{host.name}: ]{addresses|=:, }"),
                                                       ROW_END};

void show_targets(const struct steerctl *ctl, const char *kind, const json_t *items)
{
    size_t i;
    const json_t *item;
    template_table(ctl,
                   strcmp(kind, "endpoints") == 0 ? endpoint_columns
                   : strcmp(kind, "azs") == 0     ? az_columns
                                                  : region_columns,
                   items);
    json_array_foreach(items, i, item)
    {
        show_hold("held", item);
    }
}

static const struct template_row override_lines[] = {ROW("override", "{state}"),
                                                     ROW("?  share", "{share} %"),
                                                     ROW("?  names", "{names:,}"),
                                                     ROW("?  ttl", "{ttl} s"),
                                                     ROW("  reason", "{reason}"),
                                                     ROW("  actor", "{actor}"),
                                                     ROW("  set", "{set}"),
                                                     ROW("?  starts", "[?planned|{starts}]"),
                                                     ROW("?  started", "[!planned|{starts}]"),
                                                     ROW("  expires", "{expires|=never}"),
                                                     ROW_END};

static const struct template_row load_lines[] = {ROW("load", "{value:g}"),
                                                 ROW("  sheds", "{shed:%}"),
                                                 ROW("?  watermarks", "{low:g} to {high|=-:g}"),
                                                 ROW("  source", "{source}"),
                                                 ROW("?  actor", "{actor}"),
                                                 ROW("  reported", "{reported}"),
                                                 ROW("  until", "{until}"),
                                                 ROW_END};

void show_load_change(const json_t *target)
{
    template_print("endpoint:{name|=-} [?dry_run|would have][!dry_run|has] [?load.value|load {load.value:g}]"
                   "[!load.value|no load][?load.low|, [?dry_run|would shed][!dry_run|sheds] {load.shed|=-:%} "
                   "of its weight]"
                   "[!load.low|; without watermarks it sheds nothing]",
                   target);
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
    enum { CERTIFICATE = 10 };
    struct template_row columns[] = {ROW("CHECK", "{check}"),
                                     ROW("TYPE", "{type}"),
                                     ROW("ADDRESS", "{address}"),
                                     ROW_STATE("VERDICT", "[?inherited|inherited][!inherited|{verdict}]"),
                                     ROW("OUTCOME", "{outcome}"),
                                     ROW("STATUS", "{status}"),
                                     ROW("STREAK", "{streak}"),
                                     ROW("MS", "{duration_ms:g}"),
                                     ROW("CHECKED", "{checked:age}"),
                                     ROW("JUDGED", "{judged:age}"),
                                     ROW("CERTIFICATE ENDS", "{certificate_ends:day}"),
                                     ROW_END};
    if (!sees_certificates(checks)) {
        columns[CERTIFICATE].label = NULL;
    }
    template_table_below(ctl, columns, checks);
}

static bool write_missing(const json_t *target, struct buffer *to)
{
    const json_t *missing = json_object_get(target, "missing");
    bool is_all = (json_int_t)json_array_size(missing) ==
                  json_integer_value(json_object_get(target, "members_unhealthy"));
    return template_fill(to, is_all ? "{missing:, }" : "{missing:, }, …", target);
}

#define FAMILY(family)                                                                                       \
    "{host." family ".state|=-}, {host." family ".addresses:#} address{host." family ".addresses:#es}"       \
    "[, answered {host." family ".answered:age}][: {host." family ".error}]"

static const struct template_row target_lines[] = {
    ROW("?az", "{az}"),
    ROW("?region", "{region}"),
    ROW_STATE("effective", "{effective}"),
    ROW("decided by", "{decided_by}"),
    ROW("since", "{since}"),
    ROW("observed", "{observed}"),
    ROW("?  ipv4", "[{families.ipv4}[!families.ipv6|{families.ipv6}]]"),
    ROW("?  ipv6", "[{families.ipv6}[!families.ipv4|{families.ipv4}]]"),
    ROW("?  ipv4 checks", "[?combination.at_least|{combination.ipv4.why}]"),
    ROW("?  ipv6 checks", "[?combination.at_least|{combination.ipv6.why}]"),
    ROW("?stays down", "[?stays_down|{stays_down.because|=-}: well again, until "
                       "[?stays_down.needs_failback|somebody says steerctl failback]"
                       "[!stays_down.needs_failback|[?stays_down.rule|its copies are in time]"
                       "[!stays_down.rule|{stays_down.until|=-}]]]"),
    ROW("?held", "{hold.why}"),
    ROW("?ramping", "{ramp.percent} % of its weight until {ramp.next|=-}, all of it from {ramp.ends|=-} on"),
    ROW("desired", "{desired}"),
    ROW_END};

static const struct template_row endpoint_lines[] = {ROW("?host", "{host.name}"),
                                                     ROW("?  leads back to", "{host.leads_back_to}"),
                                                     ROW("?  ipv4", "[?host|" FAMILY("ipv4") "]"),
                                                     ROW("?  ipv6", "[?host|" FAMILY("ipv6") "]"),
                                                     ROW("addresses", "{addresses:, }"),
                                                     ROW("weight", "{weight}"),
                                                     ROW("capacity", "{capacity}"),
                                                     ROW_END};

static const struct template_row checked_lines[] = {
    ROW("last outcome", "{last_outcome}"),  ROW("last status", "{last_status}"),
    ROW("last checked", "{last_checked}"),  ROW("last judged", "{last_judged}"),
    ROW("held by brake", "{held|=no}"),     ROW("?restored", "[?restored|yes: not checked since the start]"),
    ROW("last ms", "{last_duration_ms:g}"), ROW_END};

/* How many of a region or az are missing, who, and what has to happen. */
static const struct template_row group_lines[] = {
    ROW("members", "{members}"), ROW("  unhealthy", "{members_unhealthy}"),
    ROW_OF("?  missing", write_missing), ROW("why", "{why}"), ROW_END};

void show_target(const struct steerctl *ctl, const json_t *target)
{
    text_line(text_or_dash(text_of(target, "kind")), text_of(target, "name"));
    template_lines(ctl, target_lines, target);
    template_lines(ctl, override_lines, json_object_get(target, "override"));
    if (json_object_get(target, "addresses") != NULL) {
        template_lines(ctl, endpoint_lines, target);
        template_lines(ctl, load_lines, json_object_get(target, "load"));
        template_lines(ctl, checked_lines, target);
    } else {
        template_lines(ctl, group_lines, target);
    }
    show_checks(ctl, json_object_get(target, "checks"));
}

/* ---- overrides ---- */

static void show_changes(const struct steerctl *ctl, const json_t *changes, bool is_planned)
{
    const struct template_row columns[] = {
        ROW(is_planned ? "WOULD CHANGE THEN" : "WOULD CHANGE", "{kind}:{name}"),
        ROW_STATE("BEFORE", "{before}"), ROW_STATE("AFTER", "{after}"), ROW_END};
    if (json_array_size(changes) == 0) {
        puts(is_planned ? "no effective state would change then" : "no effective state would change");
        return;
    }
    template_table(ctl, columns, changes);
}

#define WILL(now) "[?dry_run|would be][!dry_run|[?override.planned|" now " to be][!override.planned|" now "]]"

/* What has become of it, or would by a dry run. */
static const char changed[] =
    "[?dormant|{kind|=-}:{name|=-} is not there, and its override [?dry_run|would not be, "
    "either][!dry_run|is not, either]]"
    "[!dormant|{kind|=-}:{name|=-} [?dry_run|would be][!dry_run|is] {effective|=-}, decided by "
    "{decided_by|=-}"
    "[?override.planned|; {override.state|=-} [?dry_run|would be][!dry_run|is] planned for "
    "{override.starts|=-}]"
    "[; {override.share} % of its weight " WILL(
        "are") " drained]"
               "[; [?override.share|that][!override.share|it] " WILL(
                   "is") " drained for names of {override.names:,} only]"
                         "[; TTLs [?dry_run|would be][!dry_run|are] at most {override.ttl} s]"
                         "[?override|, until {override.expires|=it is removed}]]";

void show_change(const struct steerctl *ctl, const json_t *target)
{
    bool dry_run = json_is_true(json_object_get(target, "dry_run"));
    bool is_planned = json_is_true(json_object_get(json_object_get(target, "override"), "planned"));
    template_print(changed, target);
    if (json_is_true(json_object_get(target, "dormant"))) {
        return;
    }
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
            template_print("nobody would serve {total} name{total:(s)} any more[, from {from}], so this "
                           "takes --yes-unserved:",
                           unserved);
            show_unserved(stdout, unserved);
        }
        if (json_array_size(json_object_get(target, "rules")) != 0) {
            puts("safety rules forbid it, so this takes --override-rule for each:");
            show_rules(stdout, json_object_get(target, "rules"));
        }
    }
}

const struct template_row override_columns[] = {
    ROW("TARGET", "{kind}:{name}"),
    ROW("STATE", "{state|=-}[ for {names:,}]"),
    ROW_STATE("EFFECTIVE", "[?dormant|(dormant)][!dormant|{effective}]"),
    ROW("ACTOR", "{actor}"),
    ROW("SET", "{set:age} ago"),
    ROW("STARTS", "[?planned|in {starts:age}][!planned|{starts:age} ago]"),
    ROW("EXPIRES", "[in {expires:age}][!expires|never]"),
    ROW("TTL", "{ttl} s"),
    ROW("REASON", "{reason}"),
    ROW_END};
