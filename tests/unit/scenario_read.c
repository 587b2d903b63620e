/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scenario.h: lines into steps. Words are looked at when they are run, all of them. */
#include "config.h"

#include "scenario.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct reader {
    struct scenario *scenario;
    char *rest; /* what was not read yet */
    unsigned line;
    int64_t at_ms;
    char *why;
};

static bool __attribute__((format(printf, 2, 3))) refuse(const struct reader *r, const char *format, ...)
{
    va_list list;
    int len = snprintf(r->why, SCENARIO_WHY_SIZE, "%s:%u: ", r->scenario->name, r->line);
    va_start(list, format);
    vsnprintf(r->why + len, (size_t)(SCENARIO_WHY_SIZE - len), format, list);
    va_end(list);
    return false;
}

int scenario_read_time(const char *word, int64_t *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end;
    double number = strtod(word, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (isdigit((unsigned char)word[0]) && strcmp(end, units[i].unit) == 0) {
            *ms = (int64_t)(number * units[i].ms + 0.5);
            return 0;
        }
    }
    return -1;
}

/* NULL: there is none any more. */
static char *next_line(struct reader *r)
{
    char *line = r->rest;
    if (line == NULL || *line == '\0') {
        return NULL;
    }
    r->line++;
    r->rest = strchr(line, '\n');
    if (r->rest != NULL) {
        *r->rest++ = '\0';
    }
    return line;
}

static bool split(const struct reader *r, char *line, const char *words[SCENARIO_WORDS + 1])
{
    size_t count = 0;
    char *at = NULL;
    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, " \t\r", &at); word != NULL; word = strtok_r(NULL, " \t\r", &at)) {
        if (count == SCENARIO_WORDS) {
            return refuse(r, "found more than %d words", SCENARIO_WORDS);
        }
        words[count++] = word;
    }
    words[count] = NULL;
    return true;
}

/* Up to the line that is the brace that ends it. */
static bool read_document(struct reader *r, json_t **to)
{
    json_error_t error;
    unsigned first = r->line;
    char *begin = r->rest, *line;
    if (*to != NULL) {
        return refuse(r, "found this document twice");
    }
    while ((line = next_line(r)) != NULL && strcmp(line, "}") != 0) {
    }
    if (line == NULL) {
        r->line = first;
        return refuse(r, "found a document without an end, expected a line with nothing but }");
    }
    for (char *c = begin; c < line; c++) { /* lines again */
        *c = *c == '\0' ? '\n' : *c;
    }
    char *text = memory_alloc((size_t)(line - begin) + 4);
    snprintf(text, (size_t)(line - begin) + 4, "{%.*s}", (int)(line - begin), begin);
    *to = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    free(text);
    r->line = *to == NULL ? first + (unsigned)error.line - 1 : r->line;
    return *to != NULL || refuse(r, "%s", error.text);
}

static void add_step(struct scenario *scenario, const struct scenario_step *step)
{
    scenario->steps =
        memory_grow(scenario->steps, scenario->step_count, &scenario->step_capacity, sizeof *scenario->steps);
    scenario->steps[scenario->step_count++] = *step;
}

/* "… every 6s until 2m": the words before, again and again. */
static bool add_steps(struct reader *r, struct scenario_step *step)
{
    int64_t every_ms = 0, until_ms = step->at_ms;
    size_t count = 0;
    while (step->words[count] != NULL) {
        count++;
    }
    if (count > 4 && strcmp(step->words[count - 4], "every") == 0 &&
        strcmp(step->words[count - 2], "until") == 0) {
        if (scenario_read_time(step->words[count - 3], &every_ms) != 0 || every_ms == 0 ||
            scenario_read_time(step->words[count - 1], &until_ms) != 0 || until_ms <= step->at_ms) {
            return refuse(r, "found no times in \"every TIME until TIME\"");
        }
        step->words[count - 4] = NULL;
    }
    do {
        add_step(r->scenario, step);
        step->at_ms += every_ms;
    } while (every_ms != 0 && step->at_ms <= until_ms);
    return true;
}

static bool is_reload(const char *const *words)
{
    return strcmp(words[0], "reload") == 0 && words[1] != NULL && strcmp(words[1], "{") == 0 &&
           words[2] == NULL;
}

static bool read_step(struct reader *r, const char *const *words)
{
    struct scenario_step step = {.line = r->line};
    int64_t at_ms;
    if (scenario_read_time(words[0], &at_ms) == 0) {
        if (at_ms < r->at_ms) {
            return refuse(r, "found %s, which is before the line above", words[0]);
        }
        r->at_ms = at_ms;
        words++;
    }
    if (words[0] == NULL) {
        return refuse(r, "found a time alone, expected what happens then");
    }
    step.at_ms = r->at_ms;
    if (is_reload(words)) {
        step.words[0] = words[0];
        if (!read_document(r, &step.topology)) {
            return false;
        }
        add_step(r->scenario, &step);
        return true;
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        step.words[i] = words[i];
    }
    return add_steps(r, &step);
}

static bool read_line(struct reader *r, char *line)
{
    const char *words[SCENARIO_WORDS + 1];
    if (!split(r, line, words) || words[0] == NULL) {
        return words[0] == NULL;
    }
    bool is_document = words[1] != NULL && strcmp(words[1], "{") == 0 && words[2] == NULL;
    if (is_document && strcmp(words[0], "topology") == 0) {
        return read_document(r, &r->scenario->topology);
    }
    if (is_document && strcmp(words[0], "server") == 0) {
        return read_document(r, &r->scenario->server);
    }
    if (strcmp(words[0], "shows") == 0 && r->scenario->shows[0] == NULL) {
        memcpy(r->scenario->shows, words + 1, sizeof words - sizeof *words);
        return true;
    }
    return read_step(r, words);
}

static int compare_steps(const void *a, const void *b)
{
    const struct scenario_step *x = a, *y = b;
    return x->at_ms != y->at_ms ? (x->at_ms < y->at_ms ? -1 : 1) : (x->line > y->line) - (x->line < y->line);
}

static bool has_expectation(const struct scenario *scenario)
{
    size_t i = 0;
    while (i < scenario->step_count && strcmp(scenario->steps[i].words[0], "expect") != 0) {
        i++;
    }
    return i < scenario->step_count;
}

static bool read_all(struct reader *r)
{
    for (char *line; (line = next_line(r)) != NULL;) {
        if (!read_line(r, line)) {
            return false;
        }
    }
    if (r->scenario->topology == NULL || r->scenario->shows[0] == NULL || !has_expectation(r->scenario)) {
        return refuse(r, "expected a topology, what it shows, and something to expect");
    }
    qsort(r->scenario->steps, r->scenario->step_count, sizeof *r->scenario->steps, compare_steps);
    return true;
}

struct scenario *scenario_read(const char *name, const char *text, char why[SCENARIO_WHY_SIZE])
{
    struct scenario *scenario = memory_alloc(sizeof *scenario);
    *scenario = (struct scenario){.name = name, .text = memory_copy_text(text)};
    struct reader reader = {.scenario = scenario, .rest = scenario->text, .why = why};
    if (!read_all(&reader)) {
        scenario_free(scenario);
        return NULL;
    }
    return scenario;
}

void scenario_free(struct scenario *scenario)
{
    if (scenario != NULL) {
        json_decref(scenario->topology);
        json_decref(scenario->server);
        for (size_t i = 0; i < scenario->step_count; i++) {
            json_decref(scenario->steps[i].topology);
        }
        free(scenario->steps);
        free(scenario->text);
        free(scenario);
    }
}
