/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is checked, and how the checks went. */
#include "config.h"

#include "ctl/verbs.h"

#include "ctl/spark.h"
#include "ctl/template.h"

#include <string.h>

static bool write_results(const json_t *check, struct buffer *to)
{
    char spark[SPARK_SIZE];
    buffer_add_text(
        to, spark_write(json_object_get(check, "results"), SPARK_RESULTS_MAX, spark_has_bars(), spark));
    return true;
}

static const struct template_row columns[] = {ROW("ENDPOINT", "{endpoint}"),
                                              ROW("CHECK", "{check}"),
                                              ROW("TYPE", "{type}"),
                                              ROW("ADDRESS", "{address}"),
                                              ROW_STATE("VERDICT", "{verdict}"),
                                              ROW("LAST", "{outcome}[+status| {status}]"),
                                              ROW("TOOK", "{duration_ms:ms}"),
                                              ROW("NEXT", "{next:until}"),
                                              ROW_OF("RESULTS", write_results),
                                              ROW("WHY", "{why}[; it says: {text}]"),
                                              ROW_END};

/* Each result, and where it is from. */
static const struct template_row result_columns[] = {
    ROW("CHECK", "{of.check}"),      ROW("ADDRESS", "{of.address}"),
    ROW("AGO", "{time:age}"),        ROW("VANTAGE", "{vantage}"),
    ROW("OUTCOME", "{outcome}"),     ROW("STATUS", "{status}"),
    ROW("TOOK", "{duration_ms:ms}"), ROW_END};

static void show_results(const struct steerctl *ctl, const json_t *items)
{
    json_t *rows = template_unfold(items, "results");
    putchar('\n');
    template_table(ctl, result_columns, rows);
    json_decref(rows);
}

static const char *get_endpoint(const struct steerctl *ctl)
{
    return ctl->word_count > 1 ? ctl->words[1] : NULL;
}

static void show_all(const struct steerctl *ctl, const json_t *items)
{
    template_table(ctl, columns, items);
    if (get_endpoint(ctl) != NULL) {
        show_results(ctl, items);
    }
}

enum steerctl_exit run_checks(const struct steerctl *ctl)
{
    const char *endpoint = get_endpoint(ctl);
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/checks");
    steerctl_add_query(&target, "endpoint", endpoint);
    steerctl_add_query(&target, "region", ctl->region);
    steerctl_add_query(&target, "az", ctl->az);
    steerctl_add_query(&target, "check", ctl->check);
    steerctl_add_query(&target, "verdict", ctl->verdict);
    steerctl_add_query(&target, "outcome", ctl->outcome);
    enum steerctl_exit code = steerctl_show(ctl, target.bytes, show_all);
    buffer_fini(&target);
    const char *const named[][2] = {{"endpoints", endpoint}, {"regions", ctl->region}, {"azs", ctl->az}};
    for (size_t i = 0; code == STEERCTL_REFUSED && i < sizeof named / sizeof *named; i++) {
        code = named[i][1] == NULL ? code : target_explain(ctl, code, named[i][0], named[i][1]);
    }
    return code;
}
