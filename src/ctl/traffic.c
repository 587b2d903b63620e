/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many answers led where. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

static const struct template_row columns[] = {
    ROW("NAME", "{name|=all}"),        ROW("OF", "{of|region}"),
    ROW("1 MIN", "{rates.1m:rate}"),   ROW("5 MIN", "{rates.5m:rate}"),
    ROW("15 MIN", "{rates.15m:rate}"), ROW("SHARE", "{share:p1}"),
    ROW("ANSWERS", "{answers}"),       ROW_END};

static void show(const struct steerctl *ctl, const json_t *document)
{
    json_t *rows = json_copy(json_object_get(document, "items"));
    json_array_append(rows, json_object_get(document, "all"));
    template_table(ctl, columns, rows);
    json_decref(rows);
}

/* "region" for regions; NULL: it is none of them. */
static const char *find_kind(const struct steerctl *ctl)
{
    static const char *const kinds[][2] = {{"regions", "region"},
                                           {"azs", "az"},
                                           {"endpoints", "endpoint"},
                                           {"names", "name"},
                                           {"classes", "class"}};
    if (ctl->word_count == 1) {
        return "region";
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(ctl->words[1], kinds[i][0]) == 0 || strcmp(ctl->words[1], kinds[i][1]) == 0) {
            return kinds[i][1];
        }
    }
    return NULL;
}

enum steerctl_exit run_traffic(const struct steerctl *ctl)
{
    const char *kind = find_kind(ctl);
    struct buffer path;
    if (kind == NULL) {
        return steerctl_usage("found \"%s\", expected regions, azs, endpoints, names or classes",
                              ctl->words[1]);
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/traffic?order=busiest&by=");
    buffer_add_text(&path, kind);
    steerctl_add_query(&path, "limit", ctl->limit);
    enum steerctl_exit code = steerctl_ask_show(ctl, "GET", path.bytes, NULL, show);
    buffer_fini(&path);
    return code;
}
