/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are done regularly: when, and what came of the latest; and one of them now. */
#include "config.h"

#include "ctl/reports.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

static const struct template_row columns[] = {
    ROW("DRILL", "{name}"),
    ROW("CRON", "{cron}"),
    ROW("TIME ZONE", "{time_zone}"),
    ROW("NEXT", "[?enabled|{next}][!enabled|off]"),
    ROW("LATEST", "{due}"),
    ROW("RESULT", "[?running|running][!running|[?was_missed|missed][!was_missed|"
                  "[?outcome=missed|not met][?outcome=not_run|not "
                  "run][!outcome=missed|[!outcome=not_run|{outcome}]]]]"),
    ROW("REPORT", "{report}"),
    ROW("WHY", "{waits_for|why}"),
    ROW_END};

static enum steerctl_exit run_now(const struct steerctl *ctl)
{
    struct buffer path;
    json_t *item;
    if (ctl->word_count != 3) {
        return steerctl_usage("drill run needs the name of a regular drill");
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/schedule/");
    steerctl_add_encoded(&path, ctl->words[2]);
    buffer_add_text(&path, ":run");
    steerctl_add_query(&path, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", path.bytes, NULL, &item);
    buffer_fini(&path);
    if (code == STEERCTL_OK && !ctl->json) {
        template_print("{name|=-} has begun: steerctl drill schedule", item);
    }
    json_decref(item);
    return code;
}

enum steerctl_exit run_schedule(const struct steerctl *ctl)
{
    bool is_list = strcmp(ctl->words[1], "schedule") == 0;
    if (is_list && ctl->word_count != 2) {
        return steerctl_usage("drill schedule takes nothing else, drill run a name");
    }
    return is_list ? steerctl_show_rows(ctl, "/v1/drills/schedule", columns) : run_now(ctl);
}
