/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lists of texts in bodies. */
#include "config.h"

#include "admin/request_inside.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)HEALTH_GROUPS_MAX <= (int)SWITCHOVER_TARGETS_MAX,
               "the list has room for the groups of names");

bool request_get_texts(const json_t *body, const char *key, size_t max, struct request_texts *texts,
                       struct problem *problem)
{
    const json_t *list = json_object_get(body, key);
    size_t count = json_is_array(list) ? json_array_size(list) : list == NULL ? 0 : 1;
    if (count > max) {
        problem_add_field(problem, key, "expected at most %zu of them", max);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(list) ? json_array_get(list, i) : list;
        const char *text = json_string_value(item);
        if (text == NULL || strlen(text) != json_string_length(item) || text[0] == '\0') {
            problem_add_field(problem, key, "expected a text, or a list of texts");
            return false;
        }
        texts->items[texts->count++] = arena_copy_text(problem->arena, text);
    }
    return true;
}

void request_check_names(const json_t *body, char names[HEALTH_NAMES_SIZE], struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    size_t len = 0;
    if (!request_get_texts(body, "names", HEALTH_GROUPS_MAX, &texts, problem)) {
        return;
    }
    if (texts.count == 0 && json_object_get(body, "names") != NULL) {
        problem_add_field(problem, "names", "found none");
    }
    for (size_t i = 0; i < texts.count; i++) {
        bool is_odd = strchr(texts.items[i], ',') != NULL || health_names_include(names, texts.items[i]);
        int added =
            snprintf(names + len, HEALTH_NAMES_SIZE - len, "%s%s", len == 0 ? "" : ",", texts.items[i]);
        if (is_odd || (size_t)added >= HEALTH_NAMES_SIZE - len) {
            problem_add_field(problem, "names", "expected groups of names of the topology, each once");
            names[0] = '\0';
            return;
        }
        len += (size_t)added;
    }
}
