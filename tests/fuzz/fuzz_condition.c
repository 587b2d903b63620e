/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of entity tags: values of If-Match and If-None-Match. What is accepted says the same in a list with
 * empty elements around it; a tag of ours that is in it is found by both readings. */
#include "config.h"

#include "admin/condition.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT_MAX = 4096 };

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[TEXT_MAX + 1], padded[TEXT_MAX + 8], tag[CONDITION_TAG_SIZE];
    struct condition one = {.has_match = false}, other = {.has_match = false};
    len = len > TEXT_MAX ? TEXT_MAX : len;
    memcpy(text, bytes, len);
    text[len] = '\0';
    snprintf(padded, sizeof padded, " ,\t%s ,", text);
    int error = condition_add_match(text, &one), same = condition_add_match(padded, &other);
    expect(one.has_match && one.count <= CONDITION_TAGS_MAX);
    if (error == 0 && !one.match_any) {
        expect(same == 0 && one.count == other.count);
        expect(memcmp(one.revisions, other.revisions, sizeof one.revisions) == 0);
        expect(!condition_holds(&one, false, 1) && !condition_holds(&one, true, 0));
    }
    for (size_t i = 0; error == 0 && i < one.count; i++) {
        expect(one.revisions[i] != 0 && condition_holds(&one, true, one.revisions[i]));
        condition_write_tag(one.revisions[i], NULL, tag);
        struct condition again = {.has_match = false};
        expect(condition_add_match(tag, &again) == 0 && again.revisions[0] == one.revisions[i]);
        expect(condition_lists(tag, tag));
    }
    struct condition new = {.has_match = false};
    expect((condition_add_none_match(text, &new) == 0) == (error == 0 && one.match_any));
    (void)condition_lists(text, "\"12\"");
    return 0;
}
