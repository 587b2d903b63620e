/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bytes as up to three documents, with an octet 0xff between them, that are made one. What is a document each
 * by itself is one together, or has a key twice; and each octet of the result is from a file. */
#include "config.h"

#include "conf/doc.h"
#include "conf/merge.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 3, LOOKS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the promise is to be checked in every build. */
static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_document(const char *text, size_t len)
{
    struct report *report = report_new();
    struct doc *doc = doc_parse("x.json", text, len, report);
    bool good = doc != NULL;
    doc_free(doc);
    report_free(report);
    return good;
}

static void look(struct merge *merge)
{
    size_t len;
    struct report *report = report_new();
    const char *text = merge_get_text(merge, &len);
    struct doc *doc = doc_parse("all", text, len, report);
    require(doc != NULL || strstr(report_get(report, 0)->message, "duplicate object key") != NULL);
    for (size_t i = 0; i < LOOKS; i++) {
        struct report_place place = {.file = NULL};
        merge_find_place(merge, len * i / LOOKS, &place);
        require(place.file != NULL && place.line > 0 && place.column > 0);
    }
    doc_free(doc);
    report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const together[] = {"regions", "endpoints", NULL};
    struct merge_file files[FILES];
    size_t count = 0;
    const char *at = (const char *)data, *end = at + size;
    bool good = true;
    for (; count < FILES && at <= end && at != NULL && good; count++) {
        const char *stop = at == end ? NULL : memchr(at, 0xff, (size_t)(end - at));
        size_t len = (size_t)((stop == NULL ? end : stop) - at);
        files[count] = (struct merge_file){"x.json", at, len};
        good = is_document(at, len);
        at = stop == NULL ? NULL : stop + 1;
    }
    struct merge *merge = good && count > 0 ? merge_new(files, count, together) : NULL;
    if (merge != NULL) {
        look(merge);
    }
    merge_free(merge);
    return 0;
}
