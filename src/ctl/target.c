/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of targets: their form, and what was probably meant by one that does not exist. */
#include "config.h"

#include "ctl/verbs.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 5, LISTED_MAX = 8, NAME_SIZE = 256 };

static const char *const kinds[][2] = {{"region:", "regions"}, {"az:", "azs"}, {"endpoint:", "endpoints"}};

bool target_split(const char *text, const char **plural, const char **name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i][0]);
        if (strncmp(text, kinds[i][0], len) == 0 && text[len] != '\0') {
            *plural = kinds[i][1];
            *name = text + len;
            return true;
        }
    }
    return false;
}

/* ---- what there is ---- */

struct search {
    const char *name;
    const char *key; /* of the name in an item */
    bool is_there;
    struct words_nearest nearest;
    char best[NAME_SIZE]; /* what nearest points to */
    struct buffer listed;
    size_t count;
};

static void look_at(struct search *search, const char *name)
{
    char clean[NAME_SIZE];
    search->is_there |= strcmp(search->name, name) == 0;
    words_offer(&search->nearest, name);
    if (search->nearest.best == name) { /* the answer that it is in goes */
        snprintf(search->best, sizeof search->best, "%s", name);
        search->nearest.best = search->best;
    }
    if (search->count++ < LISTED_MAX) {
        buffer_print(&search->listed, "%s%s", search->count == 1 ? "" : ", ",
                     text_clean(name, clean, sizeof clean));
    }
}

/* False: the list ends here. */
static bool look_at_page(const struct steerctl *ctl, const char *target, struct search *search, char **cursor)
{
    json_t *items = json_array(), *item;
    size_t i;
    bool listed = steerctl_list_page(ctl, target, items, cursor) == STEERCTL_OK;
    json_array_foreach(items, i, item)
    {
        const char *name = text_of(item, search->key);
        if (name != NULL) {
            look_at(search, name);
        }
    }
    json_decref(items);
    return listed && *cursor != NULL;
}

static void tell_meant(const struct search *search, const char *prefix)
{
    char clean[NAME_SIZE];
    const char *meant = words_nearest(&search->nearest);
    if (meant != NULL) {
        fprintf(stderr, "  did you mean %s%s?\n", prefix, text_clean(meant, clean, sizeof clean));
    } else if (search->count == 0) {
        fputs("  there are none\n", stderr);
    } else {
        fprintf(stderr, "  there are %s", search->listed.bytes);
        fprintf(stderr, search->count > LISTED_MAX ? " and others\n" : "\n");
    }
}

enum steerctl_exit target_explain(const struct steerctl *ctl, enum steerctl_exit code, const char *plural,
                                  const char *name)
{
    struct search search = {.name = name, .key = "name", .nearest = {.found = name}};
    const char *prefix = "";
    char target[32], *cursor = NULL;
    if (code != STEERCTL_NOT_FOUND && code != STEERCTL_REFUSED) {
        return code;
    }
    snprintf(target, sizeof target, "/v1/%s", plural);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        prefix = strcmp(kinds[i][1], plural) == 0 ? kinds[i][0] : prefix;
    }
    search.key = prefix[0] == '\0' ? "origin" : "name"; /* of zones */
    int pages = 0;
    while (look_at_page(ctl, target, &search, &cursor) && ++pages < PAGES_MAX) {
    }
    free(cursor);
    bool is_absent = !search.is_there && pages < PAGES_MAX;
    if (is_absent || (code == STEERCTL_NOT_FOUND && !search.is_there)) {
        tell_meant(&search, prefix);
    }
    buffer_fini(&search.listed);
    return is_absent ? STEERCTL_NOT_FOUND : code;
}

enum steerctl_exit target_explain_text(const struct steerctl *ctl, enum steerctl_exit code, const char *text)
{
    char target[NAME_SIZE];
    const char *plural, *name;
    snprintf(target, sizeof target, "%.*s", (int)strcspn(text, "="), text);
    return target_split(target, &plural, &name) ? target_explain(ctl, code, plural, name) : code;
}
