/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See spark.h. */
#include "config.h"

#include "ctl/spark.h"

#include <langinfo.h>
#include <string.h>

bool spark_has_bars(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool is(const json_t *result, const char *outcome)
{
    const char *text = json_string_value(json_object_get(result, "outcome"));
    return text != NULL && strcmp(text, outcome) == 0;
}

static double duration_of(const json_t *result)
{
    return json_number_value(json_object_get(result, "duration_ms"));
}

static const char *mark_of(const json_t *result, double slowest, bool bars)
{
    static const char *const marks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { LEVELS = sizeof marks / sizeof *marks };
    if (is(result, "local_error")) {
        return "?";
    }
    if (!is(result, "ok")) {
        return bars ? "✗" : "x";
    }
    double share = slowest > 0 ? duration_of(result) / slowest : 0;
    int level = (int)(share * (LEVELS - 1) + 0.5);
    return !bars ? "." : marks[level < 0 ? 0 : level < LEVELS ? level : LEVELS - 1];
}

/* Of this server; what others have found turned an opinion, and is no series. */
static size_t list_local(const json_t *results, size_t most, const json_t *list[SPARK_RESULTS_MAX])
{
    size_t i, count = 0;
    const json_t *result;
    json_array_foreach(results, i, result)
    {
        const char *vantage = json_string_value(json_object_get(result, "vantage"));
        bool is_local = vantage == NULL || strcmp(vantage, "local") == 0;
        if (is_local && count < most && count < SPARK_RESULTS_MAX) {
            list[count++] = result;
        }
    }
    return count;
}

const char *spark_write(const json_t *results, size_t most, bool bars, char out[SPARK_SIZE])
{
    const json_t *list[SPARK_RESULTS_MAX];
    size_t count = list_local(results, most, list), at = 0;
    double slowest = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *result = list[i];
        double took = is(result, "ok") ? duration_of(result) : 0;
        slowest = took > slowest ? took : slowest;
    }
    for (size_t i = count; i != 0; i--) {
        const char *mark = mark_of(list[i - 1], slowest, bars);
        size_t len = strlen(mark);
        memcpy(out + at, mark, len);
        at += len;
    }
    out[at] = '\0';
    return out;
}
