/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How far copies of data lag behind. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

/* Of what does not count any more, what it was last. */
static const struct template_row columns[] = {
    ROW("FROM", "{from}"),       ROW("TO", "{to}"),
    ROW("STAGE", "{stage}"),     ROW("LAG", "[[!lag|unknown, was ]{last_lag} {unit|=-}][!last_lag|unknown]"),
    ROW("AGE", "{age_ms:s}"),    ROW("RPO", "{rpo_ms:s}"),
    ROW_STATE("STATE", "{rpo}"), ROW("SOURCE", "[{check} at {address|=-}][!check|push[ by {actor}]]"),
    ROW("WHY", "{why}"),         ROW_END};

enum steerctl_exit run_replication(const struct steerctl *ctl)
{
    return steerctl_show_rows(ctl, "/v1/replication", columns);
}
