/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Templates of steerctl: what each way of writing makes of JSON, and what is left out. */
#include "config.h"

#include "ctl/template.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char document[] =
    "{\"name\": \"us-east\", \"empty\": \"\", \"none\": null, \"yes\": true, \"no\": false, \"zero\": 0, "
    "\"count\": 3,"
    " \"one\": 1, \"part\": 0.3333, \"size\": 1234, \"big\": 52428800, \"lasted_ms\": 1540, \"us\": 340,"
    " \"list\": [\"a\", \"b\"], \"nobody\": [], \"deep\": {\"er\": {\"est\": 7}}, \"uses\": [{\"by\": "
    "\"x\"}, {\"by\": \"y\"}],"
    " \"time\": \"2001-02-03T04:05:06.789Z\", \"evil\": \"a\\u001b[2Jb\\u202e\"}";

static const struct {
    const char *template, *text; /* NULL: it is not there */
} cases[] = {
    {"plain", "plain"},
    {"{name}", "us-east"},
    {"{name}{none}", NULL},
    {"{empty}", NULL},
    {"{nobody}", NULL},
    {"{missing}", NULL},
    {"{yes} {no} {zero}", "yes no 0"},
    {"{deep.er.est}", "7"},
    {"{deep.no.est}", NULL},
    {"{uses.0.by}{uses.-1.by}", "xy"},
    {"{uses.2.by}", NULL},
    {"{none|name}", "us-east"},
    {"{none|missing|=never}", "never"},
    {"{none|name:.2}", "us"},
    {"{name}[, {none}]", "us-east"},
    {"{name}[, {count} of it]", "us-east, 3 of it"},
    {"[{none}][x [{none}]{name}]", "x us-east"},
    {"[?yes|on][?no|off][?zero|0][?list|l][?nobody|n][?missing|m]", "on0l"},
    {"[!yes|on][!no|off][!zero|0][!list|l][!nobody|n][!missing|m]", "offnm"},
    {"[+yes|y][+zero|z][+count|c][+part|p][+name|n]", "cp"},
    {"[?count=3|three][?yes=yes|on][!zero=0|x]", "threeon"},
    {"[?name=us-east|here][?name=us|there][!name=us|not there]", "herenot there"},
    {"[?missing=x|a][!missing=x|b]", "b"},
    {"[?yes|{none}]{name}", "us-east"},
    {"[?no|{none} [[nested] {x}]]{name}", "us-east"},
    {"{part:%} {part:p1} {part:g}", "33.3 % 33.3 % 0.333"},
    {"{lasted_ms:s} {lasted_ms:s0} {us:us}", "1.5 s 1.54 s 0.3 ms"},
    {"{size:size} {big:size} {one:size}", "1.2 kB 52 MB 1 B"},
    {"{count} thing{count:(s)} {one} thing{one:(s)} address{count:es}", "3 things 1 thing addresses"},
    {"{list:#} {nobody:#} item{list:#(s)}", "2 0 items"},
    {"{count:-1} class{count:-1es} {zero:rate} {size:rate}", "2 classes 0.00 1234"},
    {"{list:, } {list: > }", "a, b a > b"},
    {"{time:day}", "2001-02-03"},
    {"{time:until} {time:second}", "now 2001-02-03 04:05:06Z"},
    {"{name:<9}|", "us-east  |"},
    {"{missing|=-:<3}|", "-|"},
    {"{evil}", "a?[2Jb???"},
};

static void templates_are_filled(void **state)
{
    (void)state;
    json_t *object = json_loads(document, 0, NULL);
    assert_non_null(object);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer text;
        buffer_init(&text);
        buffer_add_text(&text, ">");
        bool is_there = template_fill(&text, cases[i].template, object);
        if (is_there != (cases[i].text != NULL) ||
            strcmp(text.bytes + 1, cases[i].text == NULL ? "" : cases[i].text) != 0) {
            fail_msg("%s: \"%s\"", cases[i].template, text.bytes + 1);
        }
        buffer_fini(&text);
    }
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(templates_are_filled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
