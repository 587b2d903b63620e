/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all kinds of drills have in common: documents, which are read here to be sent, and reports, which are
 * text already, the same as `steerd --drill` prints. */
#include "config.h"

#include "ctl/verbs.h"

#include "base/error.h"
#include "base/file.h"
#include "page/page.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 4096, DOCUMENT_MAX = 1 << 20 };

static const char *colour_of(const struct steerctl *ctl, const char *line, bool is_first)
{
    bool is_bad = strncmp(line, "FAILED", 6) == 0 || strncmp(line, "!!", 2) == 0 ||
                  (strncmp(line, "RTO: ", 5) == 0 && strstr(line, "MISSED") != NULL);
    return text_colour(ctl, is_bad ? "failed" : is_first ? "heading" : "");
}

void drill_show_report(const struct steerctl *ctl, const json_t *report)
{
    const char *at = text_of(report, "text"), *first = at;
    char line[LINE_SIZE], clean[LINE_SIZE];
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, at);
        const char *colour = colour_of(ctl, line, at == first);
        printf("%s%s%s\n", colour, text_clean(line, clean, sizeof clean),
               colour[0] == '\0' ? "" : text_plain(ctl));
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

bool drill_write_page(const struct steerctl *ctl, const json_t *report)
{
    char *json = json_dumps(report, JSON_COMPACT), *page = page_write(json);
    FILE *to = fopen(ctl->html, "we");
    bool is_good = to != NULL && fputs(page, to) >= 0;
    if (to != NULL) {
        is_good = fclose(to) == 0 && is_good;
    }
    if (!is_good) {
        perror(ctl->html);
    }
    free(page);
    free(json);
    return is_good;
}

bool drill_write_whole_page(const struct steerctl *ctl, json_t *drill)
{
    static const char *const beside[] = {"measured", "proof", "observed"};
    json_t *report = json_object_get(drill, "report");
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        json_object_set(report, beside[i], json_object_get(drill, beside[i]));
    }
    return drill_write_page(ctl, report);
}

json_t *drill_read_document(const char *path)
{
    struct file file = {.fd = -1};
    json_error_t error;
    size_t len;
    int code = 0;
    char *text = file_read_all(path, DOCUMENT_MAX, &file, &len, &code);
    if (text == NULL) {
        fprintf(stderr, "steerctl: %s cannot be read: %s\n", path,
                file.why[0] != '\0' ? file.why : error_text(code));
        return NULL;
    }
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (document == NULL) {
        fprintf(stderr, "steerctl: %s:%d:%d: %s\n", path, error.line, error.column, error.text);
    } else if (json_object_get(json_object_get(document, "clients"), "recorded") != NULL) {
        fprintf(stderr,
                "steerctl: %s: found \"recorded\", expected none: a server reads no file that a drill names; "
                "where the recording is, run steerd -c FILE --drill %s\n",
                path, path);
        json_decref(document);
        return NULL;
    } else if (json_object_get(document, "events") == NULL) {
        fprintf(stderr, "steerctl: %s: found no \"events\", expected a drill document\n", path);
        json_decref(document);
        return NULL;
    }
    return document;
}
