/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of drills as objects of the store, and of their reports: whatever is read can be written, and means
 * the same then; whatever is kept is not longer than it may be, and can be read. */
#include "config.h"

#include "daemon/drill_fact.h"
#include "page/compare.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void read_again(const struct drill_fact *fact)
{
    const char *why;
    struct drill_fact second;
    char *written = drill_fact_write(fact);
    expect(drill_fact_read(fact->id, written, &second, &why) == 0 && why == NULL);
    char *again = drill_fact_write(&second);
    expect(strcmp(written, again) == 0);
    free(written);
    free(again);
    free(drill_fact_write_shown(fact));
}

static void keep(const char *text)
{
    struct page_figures figures, again;
    char *kept = page_keep(text, MOST, &figures);
    if (kept != NULL) {
        expect(strlen(kept) <= MOST);
        char *twice = page_keep(kept, MOST, &again);
        expect(twice != NULL && again.answers == figures.answers && again.is_met == figures.is_met);
        free(twice);
        struct drill_fact fact = {
            .id = "d", .at_ms = 1795233906789, .figures = figures, .octets = strlen(kept)};
        read_again(&fact);
    }
    enum page_verdict verdict;
    char *difference = page_compare(text, text, &verdict);
    expect(verdict == PAGE_SAME || verdict == PAGE_NO_REPORT);
    free(difference);
    free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;
    struct drill_fact fact;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (drill_fact_read("d", text, &fact, &why) == 0) {
        expect(why == NULL);
        read_again(&fact);
    }
    keep(text);
    free(text);
    return 0;
}
