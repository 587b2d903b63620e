/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of risks, for people and as JSON, which has all of it. */
#include "config.h"

#include "drill/sweep.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/words.h"
#include "drill/reasons.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 60 };

/* ---- text ---- */

static void write_row(struct buffer *out, const struct drill_risk *risk, int width)
{
    char recovery[DRILL_SECONDS_SIZE] = "-", last[DRILL_SECONDS_SIZE] = "-";
    if (risk->recovery_ms >= 0) {
        (void)drill_write_seconds(risk->recovery_ms, recovery);
    }
    if (risk->failed_last_ms >= 0) {
        (void)drill_write_seconds(risk->failed_last_ms / 100 * 100, last);
    }
    buffer_print(out, "  %-6s  %-*s  %9s  %9s  %6.2f%%  %8zu  ", risk->reason_count != 0 ? "FAILED" : "ok",
                 width, risk->lost, recovery, last, 100 * risk->failed_share, risk->unserved_count);
    if (risk->region != NULL) {
        buffer_print(out, "%s %.0f%%\n", risk->region, 100 * risk->use);
    } else {
        buffer_add_text(out, "-\n");
    }
}

static void write_table(struct buffer *out, const struct drill_sweep *sweep)
{
    int width = 4;
    size_t shown = sweep->risk_count < ROWS_MAX ? sweep->risk_count : ROWS_MAX;
    for (size_t i = 0; i < shown; i++) {
        int len = (int)strlen(sweep->risks[i].lost);
        width = len > width ? len : width;
    }
    buffer_print(out, "\n  %-6s  %-*s  %9s  %9s  %7s  %8s  %s\n", "RISK", width, "LOST", "RECOVERY",
                 "LAST FAIL", "FAILED", "UNSERVED", "MOST CAPACITY");
    for (size_t i = 0; i < shown; i++) {
        write_row(out, &sweep->risks[i], width);
    }
    if (sweep->risk_count > shown) {
        buffer_print(out, "  ... and %zu more (the JSON report has all)\n", sweep->risk_count - shown);
    }
}

static void write_reasons(struct buffer *out, const struct drill_sweep *sweep)
{
    for (size_t i = 0; i < sweep->failed_count && i < ROWS_MAX; i++) {
        for (size_t r = 0; r < sweep->risks[i].reason_count; r++) {
            buffer_print(out, "FAILED: %s: %s\n", sweep->risks[i].lost, sweep->risks[i].reasons[r]);
        }
    }
}

static void write_singles(struct buffer *out, const struct drill_sweep *sweep)
{
    if (sweep->single_count != 0) {
        buffer_add_text(out, "\nNames that hang on a single place\n");
    }
    for (size_t i = 0; i < sweep->single_count && i < ROWS_MAX; i++) {
        buffer_print(out, "  %s: %s\n", sweep->singles[i].name, sweep->singles[i].lost);
    }
    if (sweep->single_count > ROWS_MAX) {
        buffer_print(out, "  ... and %zu more (the JSON report has all)\n", sweep->single_count - ROWS_MAX);
    }
}

char *drill_write_sweep_text(const struct drill_sweep *sweep)
{
    struct buffer out;
    buffer_init(&out);
    buffer_print(&out, "%zu losses: %zu fail%s, %zu name%s hang%s on a single place\n", sweep->risk_count,
                 sweep->failed_count, sweep->failed_count == 1 ? "s" : "", sweep->single_count,
                 words_plural(sweep->single_count), sweep->single_count == 1 ? "s" : "");
    if (sweep->left_out != 0) {
        buffer_print(&out, "%zu pairs are left out: there are more than %d losses\n", sweep->left_out,
                     DRILL_SWEEP_MAX);
    }
    write_reasons(&out, sweep);
    write_table(&out, sweep);
    write_singles(&out, sweep);
    return out.bytes;
}

/* ---- JSON ---- */

static json_t *time_or_null(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *write_risk(const struct drill_risk *risk)
{
    json_t *item = json_object(), *reasons = json_array();
    for (size_t i = 0; i < risk->reason_count; i++) {
        json_array_append_new(reasons, json_string(risk->reasons[i]));
    }
    json_object_set_new(item, "lost", json_string(risk->lost));
    json_object_set_new(item, "pair", json_boolean(risk->is_pair));
    json_object_set_new(item, "failed", json_boolean(risk->reason_count != 0));
    json_object_set_new(item, "reasons", reasons);
    json_object_set_new(item, "names_changed", json_integer((json_int_t)risk->names_changed));
    json_object_set_new(item, "answers_unserved", json_integer((json_int_t)risk->unserved_count));
    json_object_set_new(item, "recovery_ms", time_or_null(risk->recovery_ms));
    json_object_set_new(item, "failed_share", json_real(risk->failed_share));
    json_object_set_new(item, "failed_last_ms", time_or_null(risk->failed_last_ms));
    json_object_set_new(item, "region", risk->region == NULL ? json_null() : json_string(risk->region));
    json_object_set_new(item, "use", risk->region == NULL ? json_null() : json_real(risk->use));
    return item;
}

char *drill_write_sweep_json(const struct drill_sweep *sweep)
{
    json_t *root = json_object(), *risks = json_array(), *singles = json_array();
    char *for_people = drill_write_sweep_text(sweep);
    for (size_t i = 0; i < sweep->risk_count; i++) {
        json_array_append_new(risks, write_risk(&sweep->risks[i]));
    }
    for (size_t i = 0; i < sweep->single_count; i++) {
        json_array_append_new(
            singles, json_pack("{s:s, s:s}", "name", sweep->singles[i].name, "lost", sweep->singles[i].lost));
    }
    json_object_set_new(root, "mode", json_string("sweep"));
    json_object_set_new(root, "failed", json_boolean(sweep->failed_count != 0));
    json_object_set_new(root, "losses", json_integer((json_int_t)sweep->risk_count));
    json_object_set_new(root, "losses_failed", json_integer((json_int_t)sweep->failed_count));
    json_object_set_new(root, "pairs_left_out", json_integer((json_int_t)sweep->left_out));
    json_object_set_new(root, "text", json_string(for_people));
    json_object_set_new(root, "risks", risks);
    json_object_set_new(root, "single_points", singles);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    free(for_people);
    return text;
}
