/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Edits of documents: what each does to the text, what it leaves alone, and what is refused. */
#include "config.h"

#include "test_conf.h"

#include "base/error.h"
#include "conf/edit.h"

#include <stdlib.h>

#define TOPOLOGY                                                                                             \
    "{\"$comment\": \"ours\", \"regions\": {\"us\": {\"azs\": {\"us-a\": {\"lost_at\": 0.7}, \"us-b\": "     \
    "{}}}, "                                                                                                 \
    "\"eu\": {\"azs\": {\"eu-a\": {}}}}, \"checks\": {\"c\": {\"type\": \"tcp\"}}, "                         \
    "\"endpoints\": {\"z\": {\"az\": \"us-a\"}, \"a\": {\"az\": \"eu-a\"}}}"

static struct edit_document *open_text(const char *text)
{
    struct edit_document *document;
    char why[EDIT_WHY_SIZE] = "";
    if (edit_open(text, strlen(text), &document, why) != 0) {
        fail_msg("%s: %s", text, why);
    }
    return document;
}

static int apply(struct edit_document *document, enum edit_what what, enum edit_kind kind, const char *name,
                 const char *value)
{
    char why[EDIT_WHY_SIZE] = "";
    const struct edit edit = {.what = what,
                              .kind = kind,
                              .name = name,
                              .origin = kind == EDIT_NAME ? "example.com." : NULL,
                              .value = value};
    int error = edit_apply(document, &edit, why);
    assert_int_equal(error == 0, why[0] == '\0');
    return error;
}

static void expect(const struct edit_document *document, enum edit_kind kind, const char *name,
                   const char *value)
{
    struct arena *arena = arena_new(0);
    uint64_t tag = 0;
    const char *found =
        edit_get(document, kind, name, kind == EDIT_NAME ? "example.com." : NULL, arena, &tag);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
        assert_true(tag != 0 && tag <= INT64_MAX);
    }
    arena_free(arena);
}

static void things_are_put_where_they_belong(void **state)
{
    (void)state;
    struct edit_document *document = open_text(TOPOLOGY);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_ENDPOINT, "n", "{\"az\":\"us-b\"}"), 0);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_ENDPOINT, "z", "{\"az\":\"us-b\"}"), 0);
    assert_int_equal(apply(document, EDIT_MERGE, EDIT_ENDPOINT, "a", "{\"weight\":3,\"az\":null}"), 0);
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_CHECK, "c", NULL), 0);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_GROUP, "g", "[\"z\"]"), 0);
    size_t len;
    char *text = edit_write(document, &len);
    assert_int_equal(len, strlen(text));
    assert_string_equal(text,
                        "{\n  \"$comment\": \"ours\",\n  \"regions\": {\n    \"us\": {\n      \"azs\": {\n"
                        "        \"us-a\": {\n          \"lost_at\": 0.7\n        },\n        \"us-b\": {}\n"
                        "      }\n    },\n    \"eu\": {\n      \"azs\": {\n        \"eu-a\": {}\n      }\n"
                        "    }\n  },\n  \"checks\": {},\n  \"endpoints\": {\n    \"z\": {\n"
                        "      \"az\": \"us-b\"\n    },\n    \"a\": {\n      \"weight\": 3\n    },\n"
                        "    \"n\": {\n      \"az\": \"us-b\"\n    }\n  },\n  \"groups\": {\n    \"g\": [\n"
                        "      \"z\"\n    ]\n  }\n}\n");
    free(text);
    edit_close(document);
}

static void azs_are_told_with_their_region(void **state)
{
    (void)state;
    struct edit_document *document = open_text(TOPOLOGY);
    expect(document, EDIT_AZ, "us-a", "{\"region\":\"us\",\"lost_at\":0.7}");
    assert_int_equal(apply(document, EDIT_PUT, EDIT_AZ, "eu-b", "{\"region\":\"eu\",\"lost_at\":1}"), 0);
    expect(document, EDIT_AZ, "eu-b", "{\"region\":\"eu\",\"lost_at\":1}");
    assert_int_equal(apply(document, EDIT_MERGE, EDIT_AZ, "us-a", "{\"region\":\"eu\"}"), 0);
    expect(document, EDIT_AZ, "us-a", "{\"region\":\"eu\",\"lost_at\":0.7}");
    expect(document, EDIT_REGION, "us", "{\"azs\":{\"us-b\":{}}}");
    assert_int_equal(apply(document, EDIT_PUT, EDIT_AZ, "us-b", "{}"), 0);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_AZ, "new", "{}"), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_AZ, "new", "{\"region\": \"mars\"}"), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_AZ, "us-b", NULL), 0);
    expect(document, EDIT_REGION, "us", "{\"azs\":{}}");
    edit_close(document);
}

static void names_have_several_spellings(void **state)
{
    (void)state;
    struct edit_document *document =
        open_text("{\"names\": {\"WWW\": {}, \"@\": {\"ttl\": 1}, \"a.b.example.com.\": {\"ttl\": 2}}}");
    expect(document, EDIT_NAME, "www.EXAMPLE.com.", "{}");
    expect(document, EDIT_NAME, "example.com.", "{\"ttl\":1}");
    expect(document, EDIT_NAME, "a.b", "{\"ttl\":2}");
    expect(document, EDIT_NAME, "b", NULL);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_NAME, "www", "{\"ttl\":5}"), 0);
    expect(document, EDIT_NAME, "WWW", "{\"ttl\":5}");
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_NAME, "a.B", NULL), 0);
    expect(document, EDIT_NAME, "a.b.example.com.", NULL);
    edit_close(document);
}

/* RFC 7396 appendix A, as far as it is about objects. */
static void patches_are_merged_as_the_rfc_says(void **state)
{
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct edit_document *document = open_text(TOPOLOGY);
        assert_int_equal(apply(document, EDIT_PUT, EDIT_CHECK, "c", cases[i][0]), 0);
        assert_int_equal(apply(document, EDIT_MERGE, EDIT_CHECK, "c", cases[i][1]), 0);
        expect(document, EDIT_CHECK, "c", cases[i][2]);
        edit_close(document);
    }
}

static void what_cannot_be_done_changes_nothing(void **state)
{
    (void)state;
    struct edit_document *document = open_text(TOPOLOGY);
    size_t len;
    char *before = edit_write(document, &len);
    char deep[1024] = "", why[EDIT_WHY_SIZE];
    for (int i = 0; i < 80; i++) {
        strcat(deep, "{\"a\":");
    }
    strcat(deep, "1");
    for (int i = 0; i < 80; i++) {
        strcat(deep, "}");
    }
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_ENDPOINT, "nobody", NULL), ERROR_NOT_FOUND);
    assert_int_equal(apply(document, EDIT_MERGE, EDIT_GROUP, "nobody", "{}"), ERROR_NOT_FOUND);
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_AZ, "nobody", NULL), ERROR_NOT_FOUND);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_ENDPOINT, "z", "{"), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_MERGE, EDIT_ENDPOINT, "z", "[]"), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_MERGE, EDIT_ENDPOINT, "z", deep), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_DELETE, EDIT_DOCUMENT, "topology.json", NULL), ERROR_INVALID);
    assert_int_equal(apply(document, EDIT_PUT, EDIT_DOCUMENT, "topology.json", "[]"), ERROR_INVALID);
    const uint64_t tags[] = {1, 2};
    const struct edit_condition other = {.has_tags = true, .tags = tags, .count = 2},
                                there = {.must_be_there = true}, new = {.must_be_new = true};
    struct edit edit = {.what = EDIT_DELETE, .kind = EDIT_ENDPOINT, .name = "z", .condition = &other};
    assert_int_equal(edit_apply(document, &edit, why), ERROR_CONFLICT);
    edit.what = EDIT_PUT;
    edit.value = "{}";
    edit.condition = &new;
    assert_int_equal(edit_apply(document, &edit, why), ERROR_CONFLICT);
    edit.name = "new";
    edit.condition = &there;
    assert_int_equal(edit_apply(document, &edit, why), ERROR_CONFLICT);
    char *after = edit_write(document, &len);
    assert_string_equal(after, before);
    free(before);
    free(after);
    edit_close(document);
    assert_int_equal(edit_open("[]", 2, &document, why), ERROR_SYNTAX);
    assert_int_equal(edit_open("{\"a\": 1, \"a\": 2}", 16, &document, why), ERROR_SYNTAX);
}

static bool gather(void *context, const struct edit_difference *difference)
{
    char *text = context;
    strcat(text, difference->change);
    strcat(text, " ");
    strcat(text, difference->kind);
    strcat(text, " ");
    strcat(text, difference->name);
    strcat(text, "; ");
    return true;
}

static void differences_are_named(void **state)
{
    (void)state;
    struct edit_document *a = open_text(TOPOLOGY), *b = open_text(TOPOLOGY);
    char text[512] = "";
    edit_compare(a, b, gather, text);
    assert_string_equal(text, "");
    (void)apply(b, EDIT_DELETE, EDIT_ENDPOINT, "z", NULL);
    (void)apply(b, EDIT_PUT, EDIT_ENDPOINT, "n", "{}");
    (void)apply(b, EDIT_DELETE, EDIT_AZ, "us-b", NULL);
    (void)apply(b, EDIT_MERGE, EDIT_DOCUMENT, "t", "{\"brake\": {}}");
    edit_compare(a, b, gather, text);
    assert_string_equal(text,
                        "changed region us; removed endpoint z; added endpoint n; added member brake; ");
    edit_close(a);
    edit_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_put_where_they_belong),
        cmocka_unit_test(azs_are_told_with_their_region),
        cmocka_unit_test(names_have_several_spellings),
        cmocka_unit_test(patches_are_merged_as_the_rfc_says),
        cmocka_unit_test(what_cannot_be_done_changes_nothing),
        cmocka_unit_test(differences_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
