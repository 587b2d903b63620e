/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several texts as one: what the result says, and from where each of its octets is. */
#include "config.h"

#include "test_conf.h"

#include "conf/merge.h"

static const char *const together[] = {"regions", "endpoints", NULL};

static struct merge *merge_texts(const char *const *texts, size_t count)
{
    static const char *const paths[] = {"a.json", "b.json", "c.json"};
    struct merge_file files[3];
    for (size_t i = 0; i < count; i++) {
        files[i] = (struct merge_file){paths[i], texts[i], strlen(texts[i])};
    }
    return merge_new(files, count, together);
}

static void expect_text(const char *const *texts, size_t count, const char *expected)
{
    size_t len;
    struct merge *merge = merge_texts(texts, count);
    const char *text = merge_get_text(merge, &len);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
    merge_free(merge);
}

static void objects_stand_side_by_side(void **state)
{
    (void)state;
    expect_text(
        (const char *const[]){"{\"regions\": {\"us\": {}}, \"brake\": false}",
                              " {\"endpoints\":{\"e\":1},\"regions\" : { \"eu\": {\"x\": [1, 2]} } } "},
        2, "{\"regions\":{\"us\": {},\"eu\": {\"x\": [1, 2]}},\"endpoints\":{\"e\":1},\"brake\": false}\n");
    expect_text((const char *const[]){"{}", "{}"}, 2, "{}\n");
    expect_text((const char *const[]){"{\"regions\": {}}", "{\"regions\": {}}"}, 2, "{\"regions\":{}}\n");
}

static void comments_are_nobodys(void **state)
{
    (void)state;
    expect_text(
        (const char *const[]){
            "{\"$comment\": 1, \"$schema\": \"s\", \"regions\": {\"$comment\": \"}\", \"us\": 1}}",
            "{\"$comment\": 2, \"regions\": {\"$comment\": {}}}"},
        2, "{\"regions\":{\"us\": 1}}\n");
}

/* Whoever parses the result tells of it. */
static void what_cannot_be_put_together_is_there_twice(void **state)
{
    (void)state;
    expect_text((const char *const[]){"{\"brake\": 1}", "{\"brake\": 2}", "{\"regions\": []}"}, 3,
                "{\"brake\": 1,\"brake\": 2,\"regions\": []}\n");
    expect_text((const char *const[]){"{\"regions\": {\"us\": 1}}", "{\"regions\": {\"us\": 2}}"}, 2,
                "{\"regions\":{\"us\": 1,\"us\": 2}}\n");
    expect_text((const char *const[]){"{\"regions\": {\"us\": 1}}", "{\"regions\": 5}"}, 2,
                "{\"regions\":{\"us\": 1},\"regions\": 5}\n");
}

static void expect_place(struct merge *merge, const char *what, const char *file, unsigned line,
                         unsigned column)
{
    size_t len;
    struct report_place place = {.file = NULL};
    const char *text = merge_get_text(merge, &len);
    merge_find_place(merge, (size_t)(strstr(text, what) - text), &place);
    assert_string_equal(place.file, file);
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void places_are_those_of_the_files(void **state)
{
    (void)state;
    struct merge *merge = merge_texts((const char *const[]){"{\n  \"regions\": {\n    \"us\": 11\n  }\n}",
                                                            "{ \"x\": 33,\n \"regions\": { \"eu\": 22 }\n}"},
                                      2);
    expect_place(merge, "\"regions\"", "a.json", 2, 3);
    expect_place(merge, "11", "a.json", 3, 11);
    expect_place(merge, "\"eu\"", "b.json", 2, 15);
    expect_place(merge, "22", "b.json", 2, 21);
    expect_place(merge, "33", "b.json", 1, 8);
    struct report_place place = {.file = NULL};
    merge_find_place(merge, 0, &place); /* what nobody wrote */
    assert_string_equal(place.file, "a.json");
    merge_find_place(merge, 1 << 20, &place); /* far behind the end */
    assert_string_equal(place.file, "b.json");
    assert_int_equal(place.line, 3);
    merge_free(merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_stand_side_by_side),
        cmocka_unit_test(comments_are_nobodys),
        cmocka_unit_test(what_cannot_be_put_together_is_there_twice),
        cmocka_unit_test(places_are_those_of_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
