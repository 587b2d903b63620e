/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks most often, and how resolvers have left a place. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

enum { BAR = 40 };

#define OF       "{region|target|=-}[ for {names:, }]"
#define UNTIL_99 "[?until_99=reached|after][!until_99=reached|about] [?until_99|{until_99_ms|=0:s}]"

static const struct template_row columns[] = {ROW("DRAIN", "{id}"),
                                              ROW("OF", OF),
                                              ROW("SINCE", "{time:age} ago"),
                                              ROW("RESOLVERS", "{resolvers}"),
                                              ROW("ASKED", "{asked_share:p1}"),
                                              ROW("DRAINED", "{drained_share:p1}"),
                                              ROW("99 %", "[?until_99|" UNTIL_99 "]"),
                                              ROW("CAUSE", "{cause}"),
                                              ROW_END};

static const struct template_row lines[] = {ROW("of", OF),
                                            ROW("since", "{time}"),
                                            ROW("cause", "{cause}"),
                                            ROW("resolvers",
                                                "{resolvers|=0} seen there before, {asked|=0} asked again "
                                                "({asked_share|=-:p1}), {expired|=0} expired, "
                                                "{waiting|=0} waiting"),
                                            ROW("99 %", "[?until_99|" UNTIL_99 "]"),
                                            ROW_END};

/* A line per point: # have asked again, - expired without. */
static void show_curve(const json_t *curve)
{
    size_t i;
    const json_t *point;
    json_array_foreach(curve, i, point)
    {
        char bar[BAR + 1];
        double asked = json_number_value(json_object_get(point, "asked"));
        double drained = json_number_value(json_object_get(point, "drained"));
        int hashes = (int)(asked * BAR + .5), all = (int)(drained * BAR + .5);
        memset(bar, ' ', BAR);
        memset(bar, '-', (size_t)(all > hashes ? all : hashes));
        memset(bar, '#', (size_t)hashes);
        bar[BAR] = '\0';
        printf("  %6.1f s  |%s|  %5.1f %%  %5.1f %%\n", json_number_value(json_object_get(point, "after_s")),
               bar, asked * 100, drained * 100);
    }
}

static const struct template_row missing_columns[] = {ROW("HAS NOT ASKED", "{address}"),
                                                      ROW("SEEN", "{seen}"), ROW("TTL OVER", "{until}"),
                                                      ROW("SECONDS", "{seconds}"), ROW_END};

static void show(const struct steerctl *ctl, const json_t *drain)
{
    template_lines(ctl, lines, drain);
    printf("\n  %8s  |%-*s|  %7s  %7s\n", "", BAR, "# asked again  - expired", "asked", "drained");
    show_curve(json_object_get(drain, "curve"));
    template_table_below(ctl, missing_columns, json_object_get(drain, "missing"));
}

enum steerctl_exit run_drains(const struct steerctl *ctl)
{
    return ctl->word_count == 1 ? steerctl_show_rows(ctl, "/v1/drains", columns)
                                : steerctl_show_one(ctl, "/v1/drains/", ctl->words[1], show);
}

static const struct template_row resolver_columns[] = {
    ROW("RESOLVER", "{address}"), ROW("PER SECOND", "{rate:2}"), ROW("AT LEAST", "{rate_least:2}"),
    ROW("SHARE", "{share:p1}"), ROW_END};

enum steerctl_exit run_resolvers(const struct steerctl *ctl)
{
    struct buffer path;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/traffic/resolvers");
    steerctl_add_query(&path, "limit", ctl->limit == NULL ? "20" : ctl->limit);
    enum steerctl_exit code = steerctl_ask_rows(ctl, path.bytes, resolver_columns);
    buffer_fini(&path);
    return code;
}
