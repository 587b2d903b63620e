/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was lost, and how long it took. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

static const struct template_row columns[] = {
    ROW("INCIDENT", "{id}"),
    ROW("LOST", "{kind}:{name}"),
    ROW("SINCE", "{lost:age} ago"),
    ROW("LASTED", "[?back|{lasted_ms:s}][!back|still]"),
    ROW("DETECTION", "{detection_ms:s}"),
    ROW("RECOVERY", "{recovery_most_ms|recovery_ms:s}"), /* the RTO is judged by the most */
    ROW("RTO", "{rto}"),
    ROW("NAMES", "{names}"),
    ROW_END};

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    size_t i;
    const json_t *item;
    template_table(ctl, columns, items);
    json_array_foreach(items, i, item)
    {
        show_hold("held", item);
    }
}

static const struct template_row lines[] = {
    ROW("incident", "{id}"),
    ROW("lost", "{kind}:{name}"),
    ROW("last good", "{last_good}"),
    ROW("failing", "{failing}"),
    ROW("since", "{lost}"),
    ROW("resolvers", "{resolvers_until}"),
    ROW("back", "{back}"),
    ROW("detection", "{detection_ms:s}"),
    ROW("decision",
        "[{decision_ms:s} after the loss[?held|, until then held by safety rules]; published after "
        "[{publication_ms} ms][!publication_ms|not known]]"
        "[!decision_ms|[?held|none: safety rules keep answers where they are]]"),
    ROW("?held", "{hold.why}"),
    ROW("recovery", "{recovery_ms:s}[ from the first failed check, at most {recovery_most_ms:s} (from the "
                    "last good one)]"),
    ROW("lasted", "{lasted_ms:s}"),
    ROW("?drain",
        "{drain.drained_share:p1} of {drain.resolvers} resolvers have asked again or let their TTL run out; "
        "50 % after {drain.moved_50_ms|=-:s}, 90 % after {drain.moved_90_ms|=-:s}, "
        "99 % after {drain.moved_99_ms|=-:s}; {drain.missing_share:p1} have not asked again"
        "[?drain.state=cut|; not seen to its end: steerd was started again]"),
    ROW("?predicted",
        "detection {predicted.detection_ms|=-:s}, recovery {predicted.recovery_ms|=-:s}; from the loss on: "
        "decision {predicted.decision_ms|=-:s}, 99 % moved {predicted.moved_99_ms|=-:s}"),
    ROW("?failed", "{predicted.failed_ms:s} of all requests"),
    ROW("RTO", "{rto}[, that of {rto_of}]"),
    ROW("of names", "[+own_objectives|{own_missed} of {own_objectives} missed]"),
    ROW("endpoints", "{unhealthy} of {endpoints}, first with {outcome|=-}"),
    ROW("?answers", "[?overridden|were overridden: none moved]"),
    ROW_END};

static const struct template_row copy_lines[] = {
    ROW("copy", "to {to|=-}: [{lag} {unit|=-} behind][!lag|not known], stage {stage|=-}, RPO {rpo|=-}"),
    ROW_END};

static void show(const struct steerctl *ctl, const json_t *incident)
{
    template_lines(ctl, lines, incident);
    template_lines_each(ctl, copy_lines, json_object_get(incident, "copies"));
}

enum steerctl_exit run_incidents(const struct steerctl *ctl)
{
    return ctl->word_count == 1 ? steerctl_show(ctl, "/v1/incidents", show_list)
                                : steerctl_show_one(ctl, "/v1/incidents/", ctl->words[1], show);
}
