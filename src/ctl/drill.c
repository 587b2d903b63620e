/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill report is text already, the same as `steerd --drill` prints; here it gets its colours. */
#include "config.h"

#include "ctl/steerctl.h"

#include <string.h>

enum { LINE_SIZE = 4096 };

enum steerctl_exit judge_drill(const json_t *report)
{
    return json_is_true(json_object_get(report, "failed")) ? STEERCTL_DRILL_FAILED : STEERCTL_OK;
}

static const char *colour_of(const struct steerctl *ctl, const char *line, bool is_first)
{
    bool is_bad = strncmp(line, "FAILED", 6) == 0 || strncmp(line, "!!", 2) == 0 ||
                  (strncmp(line, "RTO: ", 5) == 0 && strstr(line, "MISSED") != NULL);
    return text_colour(ctl, is_bad ? "failed" : is_first ? "heading" : "");
}

enum steerctl_exit show_drill(const struct steerctl *ctl, const json_t *report)
{
    const char *at = text_of(report, "text"), *first = at;
    char line[LINE_SIZE], clean[LINE_SIZE];
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, at);
        const char *colour = colour_of(ctl, line, at == first);
        printf("%s%s%s\n", colour, text_clean(line, clean, sizeof clean),
               colour[0] == '\0' ? "" : text_plain(ctl));
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return judge_drill(report);
}
