/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of unified diffs: texts that were worked out by hand, and of random ones that a patch of the one is
 * the other. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/unified.h"

#include <stdlib.h>
#include <string.h>

static void hold(const char *before, const char *after, const char *expected)
{
    struct buffer out;
    buffer_init(&out);
    assert_true(unified_write(before, after, 1 << 20, &out));
    assert_string_equal(out.bytes == NULL ? "" : out.bytes, expected);
    buffer_fini(&out);
}

static void what_differs_is_told(void **state)
{
    (void)state;
    hold("", "", "");
    hold("a\nb\n", "a\nb\n", "");
    hold("", "a\n", "@@ -0,0 +1 @@\n+a\n");
    hold("a\n", "", "@@ -1 +0,0 @@\n-a\n");
    hold("a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    hold("a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    hold("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
         "@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
    hold("1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n", "x\n2\n3\n4\n5\n6\n7\n8\n9\ny\n",
         "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-0\n+y\n");
    hold("1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n",
         "@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n");
}

static void what_is_too_much_is_not_told(void **state)
{
    (void)state;
    struct buffer out, text;
    buffer_init(&out);
    buffer_init(&text);
    for (int i = 0; i <= UNIFIED_LINES_MAX; i++) {
        buffer_print(&text, "%d\n", i);
    }
    assert_false(unified_write("a\n", text.bytes, 1 << 20, &out));
    assert_false(unified_write("a\nb\nc\n", "d\ne\nf\n", 10, &out));
    buffer_fini(&out);
    buffer_fini(&text);
}

/* The other text, from the one and the hunks. */
static char *patch(const char *text, const char *hunks)
{
    struct buffer out;
    size_t line = 0;
    buffer_init(&out);
    while (*hunks != '\0') {
        size_t from, count = 1;
        assert_int_equal(strncmp(hunks, "@@ -", 4), 0);
        char *end;
        from = strtoul(hunks + 4, &end, 10);
        if (*end == ',') {
            count = strtoul(end + 1, &end, 10);
        }
        for (size_t until = count == 0 ? from : from - 1; line < until; line++) {
            const char *next = strchr(text, '\n') + 1;
            buffer_add(&out, text, (size_t)(next - text));
            text = next;
        }
        for (hunks = strchr(hunks, '\n') + 1; *hunks != '\0' && *hunks != '@';) {
            const char *next = strchr(hunks, '\n') + 1;
            size_t len = (size_t)(next - hunks - 1);
            if (*hunks != '+') {
                assert_memory_equal(text, hunks + 1, len);
                text += len, line++;
            }
            if (*hunks != '-') {
                buffer_add(&out, hunks + 1, len);
            }
            hunks = next;
        }
    }
    buffer_add_text(&out, text);
    return out.bytes;
}

static void a_patched_text_is_the_other_one(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 3000; round++) {
        struct buffer texts[2], out;
        buffer_init(&out);
        for (int side = 0; side < 2; side++) {
            buffer_init(&texts[side]);
            buffer_add_text(&texts[side], "");
            for (unsigned i = random_below(&random, 30); i != 0; i--) {
                buffer_print(&texts[side], "%c\n", 'a' + (char)random_below(&random, 5));
            }
        }
        assert_true(unified_write(texts[0].bytes, texts[1].bytes, 1 << 20, &out));
        char *patched = patch(texts[0].bytes, out.bytes == NULL ? "" : out.bytes);
        assert_string_equal(patched == NULL ? "" : patched, texts[1].bytes);
        free(patched);
        buffer_fini(&out);
        buffer_fini(&texts[0]);
        buffer_fini(&texts[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_told),
        cmocka_unit_test(what_is_too_much_is_not_told),
        cmocka_unit_test(a_patched_text_is_the_other_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
