/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many requests fail, as others report it. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

/* Of what does not count any more, what it was last. */
static const struct template_row columns[] = {
    ROW("KIND", "{kind}"),
    ROW("NAME", "{name}"),
    ROW("ERRORS", "[!share|unknown, was ]{last_share|=0 %:%}"),
    ROW("REQUESTS", "{errors|=0} of {requests}"),
    ROW("MOST", "{most:%}"),
    ROW("AGE", "{age_ms:s}"),
    ROW("SOURCE", "{actor|=-}[!sources=1|[+sources| and {sources:-1} more]]"),
    ROW_END};

enum steerctl_exit run_errors(const struct steerctl *ctl)
{
    return steerctl_show_rows(ctl, "/v1/errors", columns);
}
