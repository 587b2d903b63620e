/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See filter.h. Called for requests and configurations, by the fuzzer, and for each change and reader. */
#include "config.h"

#include "events/filter.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

int filter_add_kind(struct filter *filter, const char *text)
{
    for (int kind = 0; kind < CHANGE_KINDS; kind++) {
        if (strcmp(change_kind_text((enum change_kind)kind), text) == 0) {
            filter->kinds |= UINT64_C(1) << kind;
            return 0;
        }
    }
    return ERROR_SYNTAX;
}

/* "KIND:NAME", "KIND:BEGINNING*", or what has no kind: "all" is what a reload is about, "admin" who was
 * refused. */
int filter_add_target(struct filter *filter, const char *text)
{
    size_t len = strlen(text), kind_len = strspn(text, "abcdefghijklmnopqrstuvwxyz-_");
    bool has_name = kind_len != 0 && text[kind_len] == ':' && text[kind_len + 1] != '\0';
    const char *star = strchr(text, '*');
    bool has_none = strcmp(text, "all") == 0 || strcmp(text, "admin") == 0;
    if ((!has_name && !has_none) || len > CHANGE_NAME_MAX || (star != NULL && star[1] != '\0')) {
        return ERROR_SYNTAX;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 127) {
            return ERROR_SYNTAX;
        }
    }
    if (filter->target_count == FILTER_TARGETS_MAX) {
        return ERROR_TOO_LARGE;
    }
    memcpy(filter->targets[filter->target_count++], text, len + 1);
    return 0;
}

/* ---- lists ---- */

static int parse_list(struct filter *filter, const char *text,
                      int (*add)(struct filter *filter, const char *text), char bad[FILTER_BAD_SIZE])
{
    char item[CHANGE_NAME_MAX + 2];
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        (void)snprintf(item, sizeof item, "%.*s", (int)(len < sizeof item ? len : sizeof item - 1), at);
        int error = add(filter, item);
        if (error != 0) {
            (void)snprintf(bad, FILTER_BAD_SIZE, "%.*s", FILTER_BAD_SIZE - 1, item);
            return error;
        }
        at += len;
        if (*at == '\0') {
            return 0;
        }
    }
}

int filter_parse_kinds(struct filter *filter, const char *text, char bad[FILTER_BAD_SIZE])
{
    return parse_list(filter, text, filter_add_kind, bad);
}

int filter_parse_targets(struct filter *filter, const char *text, char bad[FILTER_BAD_SIZE])
{
    return parse_list(filter, text, filter_add_target, bad);
}

/* ---- changes ---- */

static bool is_about(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);
    return pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0 : strcmp(pattern, name) == 0;
}

bool filter_passes(const struct filter *filter, const struct change *change)
{
    if (filter->kinds != 0 && (filter->kinds >> change->kind & 1) == 0) {
        return false;
    }
    for (size_t i = 0; change->name != NULL && i < filter->target_count; i++) {
        if (is_about(filter->targets[i], change->name)) {
            return true;
        }
    }
    return filter->target_count == 0;
}
