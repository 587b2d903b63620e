/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of names with challenges: they answer as if the zone file had them, are in nobody's way, and give way
 * to delegations and aliases. */
#include "config.h"

#include "answer_fixture.h"

#include "unit.h"

#include "answer/challenge.h"
#include "base/buffer.h"
#include "base/random.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE       "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define TWO       "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define SOA       "example.com. 60 IN SOA ns1.example.com. host.example.com. 7 3600 600 86400 60"
#define NONE      "NOERROR aa rd; authority: " SOA
#define NO_NAME   "NXDOMAIN aa rd; authority: " SOA
#define TXT(name) name " 0 IN TXT \"" ONE "\""

static const char zone_text[] = "$TTL 300\n"
                                "@ SOA ns1 host 7 3600 600 86400 60\n"
                                "@ NS ns1\nns1 A 192.0.2.53\n"
                                "host A 192.0.2.80\n"
                                "_acme-challenge.told TXT \"by hand\"\n_acme-challenge.told 60 TXT \"too\"\n"
                                "_acme-challenge.other A 192.0.2.81\n"
                                "_acme-challenge.ali CNAME _acme-challenge.far\n"
                                "sub NS ns.example.net.\n"
                                "red DNAME example.net.\n"
                                "*.wild A 192.0.2.90\n*.wild TXT \"wild\"\n"
                                "*.alias CNAME host\n";

struct scene {
    struct fixture f;
    struct answer_challenges *challenges;
};

static int set_up(void **state)
{
    static struct scene s;
    static const char *const origins[] = {"example.com."}, *const texts[] = {zone_text};
    memset(&s, 0, sizeof s);
    fixture_init(&s.f, origins, texts, 1);
    s.f.context.aside = &s.f.aside;
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    answer_challenges_release(s->challenges);
    fixture_fini(&s->f);
    return 0;
}

static struct answer_challenges *make(const char *const *names, size_t count, const char *const *values,
                                      size_t value_count)
{
    enum { NAMES_MAX = 256 };
    static uint8_t owners[NAMES_MAX][DNS_NAME_MAX];
    static struct answer_challenge list[NAMES_MAX];
    for (size_t i = 0; i < count; i++) {
        assert_true(dns_name_parse(names[i], NULL, owners[i]) > 0);
        list[i] = (struct answer_challenge){owners[i], values, value_count};
    }
    return answer_challenges_new(list, count);
}

static void put(struct scene *s, const char *const *names, size_t count, size_t value_count)
{
    static const char *const values[] = {ONE, TWO};
    answer_challenges_release(s->challenges);
    s->challenges = make(names, count, values, value_count);
    s->f.aside.challenges = s->challenges;
}

#define PUT(value_count, ...)                                                                                \
    put(*state, (const char *const[]){__VA_ARGS__},                                                          \
        sizeof(const char *const[]){__VA_ARGS__} / sizeof(const char *), value_count)
#define ASK(name, type, expected)                                                                            \
    assert_string_equal(fixture_ask(&((struct scene *)*state)->f, name, type, ANSWER_UDP, 0), expected)

/* ---- the name ---- */

static void a_name_that_the_zone_lacks(void **state)
{
    PUT(2, "_acme-challenge.example.com.", "_acme-challenge.www.example.com.");
    ASK("_acme-challenge.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: _acme-challenge.example.com. 0 IN TXT \"" ONE
        "\" | _acme-challenge.example.com. 0 IN TXT \"" TWO "\"");
    PUT(1, "_acme-challenge.example.com.");
    ASK("_acme-challenge.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: " TXT("_acme-challenge.example.com."));
    ASK("_acme-challenge.example.com.", DNS_TYPE_ANY,
        "NOERROR aa rd; answer: " TXT("_acme-challenge.example.com."));
    ASK("_AcMe-ChAlLeNgE.eXample.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: " TXT("_AcMe-ChAlLeNgE.eXample.com."));
    ASK("_acme-challenge.example.com.", DNS_TYPE_A, NONE);
    ASK("_acme-challenge.example.com.", DNS_TYPE_CNAME, NONE);
    ASK("_acme-challenge.example.com.", DNS_TYPE_DS, NONE);
    ASK("_acme-challenge.www.example.com.", DNS_TYPE_TXT, NO_NAME);
    ASK("x._acme-challenge.example.com.", DNS_TYPE_TXT, NO_NAME);
    ASK("_acme-challenge.example.net.", DNS_TYPE_TXT, "REFUSED rd");
    const struct answer_challenges *held = answer_challenges_hold(((struct scene *)*state)->challenges);
    assert_int_equal(answer_challenges_count(held, (const uint8_t *)"\x0f_Acme-challenge\7example\3com"), 1);
    assert_int_equal(answer_challenges_count(held, (const uint8_t *)"\7example\3com"), 0);
    answer_challenges_release(held);
}

static void what_the_zone_has_at_the_name_stays(void **state)
{
    PUT(1, "_acme-challenge.told.example.com.", "_acme-challenge.other.example.com.");
    ASK("_acme-challenge.told.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: _acme-challenge.told.example.com. 0 IN TXT \"by hand\" | "
        "_acme-challenge.told.example.com. 0 IN TXT \"too\" | " TXT("_acme-challenge.told.example.com."));
    ASK("_acme-challenge.other.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: " TXT("_acme-challenge.other.example.com."));
    ASK("_acme-challenge.other.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: _acme-challenge.other.example.com. 300 IN A 192.0.2.81");
    ASK("_acme-challenge.other.example.com.", DNS_TYPE_MX, NONE);
}

/* ---- what is above it ---- */

static void names_above_exist(void **state)
{
    ASK("b.example.com.", DNS_TYPE_A, NO_NAME);
    PUT(1, "_acme-challenge.a.b.example.com.");
    ASK("b.example.com.", DNS_TYPE_A, NONE);
    ASK("a.b.example.com.", DNS_TYPE_TXT, NONE);
    ASK("c.b.example.com.", DNS_TYPE_A, NO_NAME);
    PUT(1, "_acme-challenge.host.example.com.", "_acme-challenge.www.example.com.");
    ASK("host.example.com.", DNS_TYPE_A, "NOERROR aa rd; answer: host.example.com. 300 IN A 192.0.2.80");
    assert_non_null(
        strstr(fixture_ask(&((struct scene *)*state)->f, "www.example.com.", DNS_TYPE_A, ANSWER_UDP, 0),
               "; answer: www.example.com. 30 IN A 192.0.2.")); /* steered */
    ASK("b.example.com.", DNS_TYPE_A, NO_NAME);
}

/* A site that a wildcard serves must not go because it gets a certificate. */
static void a_wildcard_goes_on_standing_for_names_above(void **state)
{
    PUT(1, "_acme-challenge.a.wild.example.com.", "_acme-challenge.a.alias.example.com.");
    ASK("a.wild.example.com.", DNS_TYPE_A, "NOERROR aa rd; answer: a.wild.example.com. 300 IN A 192.0.2.90");
    ASK("_acme-challenge.a.wild.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: " TXT("_acme-challenge.a.wild.example.com."));
    ASK("_acme-challenge.a.wild.example.com.", DNS_TYPE_A, NONE);
    ASK("_acme-challenge.b.wild.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: _acme-challenge.b.wild.example.com. 300 IN TXT \"wild\"");
    ASK("_acme-challenge.a.alias.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: " TXT("_acme-challenge.a.alias.example.com."));
}

/* ---- in the way ---- */

static void delegations_and_aliases_come_first(void **state)
{
    PUT(1, "_acme-challenge.x.sub.example.com.", "_acme-challenge.red.example.com.",
        "_acme-challenge.ali.example.com.");
    ASK("_acme-challenge.x.sub.example.com.", DNS_TYPE_TXT,
        "NOERROR rd; authority: sub.example.com. 300 IN NS ns.example.net.");
    ASK("x.sub.example.com.", DNS_TYPE_TXT,
        "NOERROR rd; authority: sub.example.com. 300 IN NS ns.example.net.");
    ASK("_acme-challenge.red.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: red.example.com. 300 IN DNAME example.net. | "
        "_acme-challenge.red.example.com. 300 IN CNAME _acme-challenge.example.net.");
}

static void a_chain_leads_to_it(void **state)
{
    PUT(2, "_acme-challenge.far.example.com.");
    ASK("_acme-challenge.ali.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: _acme-challenge.ali.example.com. 300 IN CNAME "
        "_acme-challenge.far.example.com. | _acme-challenge.far.example.com. 0 IN TXT \"" ONE
        "\" | _acme-challenge.far.example.com. 0 IN TXT \"" TWO "\"");
    ASK("_acme-challenge.ali.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: _acme-challenge.ali.example.com. 300 IN CNAME "
        "_acme-challenge.far.example.com.; authority: " SOA);
}

/* ---- size ---- */

static void what_does_not_fit_is_truncated(void **state)
{
    static const char *const values[16] = {ONE, TWO, ONE, TWO, ONE, TWO, ONE, TWO,
                                           ONE, TWO, ONE, TWO, ONE, TWO, ONE, TWO};
    static const char *const names[] = {"_acme-challenge.told.example.com."};
    struct scene *s = *state;
    s->challenges = make(names, 1, values, 16);
    s->f.aside.challenges = s->challenges;
    assert_string_equal(fixture_ask(&s->f, names[0], DNS_TYPE_TXT, ANSWER_UDP, 0), "NOERROR aa tc rd");
    assert_null(strstr(fixture_ask(&s->f, names[0], DNS_TYPE_TXT, ANSWER_UDP, 1232), " tc"));
    assert_null(strstr(fixture_ask(&s->f, names[0], DNS_TYPE_TXT, ANSWER_TCP, 0), " tc"));
}

static void none_is_no_set(void **state)
{
    (void)state;
    assert_null(answer_challenges_new(NULL, 0));
    assert_null(answer_read_challenges(NULL));
    answer_challenges_release(NULL);
    assert_null(answer_challenges_hold(NULL));
    assert_int_equal(answer_challenges_count(NULL, (const uint8_t *)""), 0);
}

/* ---- as if the zone file had them ---- */

enum { ROUNDS = 300, OWNERS = 4 + 16 + 64, CHALLENGED_MAX = 12 };

/* What an owner of a random zone has. */
enum has { HAS_NOTHING, HAS_A, HAS_TXT, HAS_CNAME, HAS_NS, HAS_DNAME, HAS };

static const char *const labels[] = {"a", "b", "c", "_acme-challenge"};

/* Owners are numbered: those of one label, of two, of three. */
static void write_owner(unsigned owner, char text[64])
{
    unsigned depth = owner < 4 ? 1 : owner < 20 ? 2 : 3, at = owner - (depth == 1 ? 0 : depth == 2 ? 4 : 20);
    size_t len = 0;
    for (unsigned i = 0; i < depth; i++, at /= 4) {
        len += (size_t)snprintf(text + len, 64 - len, "%s%s", i == 0 ? "" : ".", labels[at % 4]);
    }
}

static unsigned find_parent(unsigned owner) /* OWNERS: the apex */
{
    return owner < 4 ? OWNERS : owner < 20 ? (owner - 4) / 4 : 4 + (owner - 20) / 4;
}

struct story {
    enum has has[OWNERS];
    bool is_challenged[OWNERS], with[OWNERS]; /* asked for; and to be seen */
};

/* A delegation, or a DNAME. */
static bool is_below(const struct story *story, unsigned owner)
{
    bool is = false;
    for (unsigned up = find_parent(owner); up != OWNERS; up = find_parent(up)) {
        is |= story->has[up] == HAS_NS || story->has[up] == HAS_DNAME;
    }
    return is;
}

static void make_story(struct random *random, struct story *story)
{
    for (unsigned i = 0; i < OWNERS; i++) {
        uint64_t dice = random_below(random, 24);
        story->has[i] = dice < HAS && !is_below(story, i) ? (enum has)dice : HAS_NOTHING;
    }
    for (unsigned n = 0; n < CHALLENGED_MAX; n++) {
        story->is_challenged[random_below(random, OWNERS)] = true;
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        bool is_hidden = story->has[i] == HAS_CNAME || story->has[i] == HAS_NS || is_below(story, i);
        story->with[i] = story->is_challenged[i] && !is_hidden;
    }
}

static char *write_zone(const struct story *story, bool with_challenges)
{
    static const char *const records[HAS] = {[HAS_A] = "A 192.0.2.1",
                                             [HAS_CNAME] = "CNAME b.a",
                                             [HAS_NS] = "NS ns.example.net.",
                                             [HAS_DNAME] = "DNAME c"};
    struct buffer out;
    char owner[64];
    buffer_init(&out);
    buffer_add_text(&out, "$TTL 300\n@ SOA ns1 host 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n");
    for (unsigned i = 0; i < OWNERS; i++) {
        write_owner(i, owner);
        if (story->has[i] == HAS_TXT) { /* one RRset has one TTL */
            buffer_print(&out, "%s %d TXT \"static\"\n", owner, story->with[i] ? 0 : 300);
        } else if (story->has[i] != HAS_NOTHING) {
            buffer_print(&out, "%s %s\n", owner, records[story->has[i]]);
        }
        if (with_challenges && story->with[i]) {
            buffer_print(&out, "%s 0 TXT \"" ONE "\"\n%s 0 TXT \"" TWO "\"\n", owner, owner);
        }
    }
    return out.bytes;
}

static void add_challenges(const struct story *story, struct fixture *f)
{
    static const char *const values[] = {ONE, TWO};
    static char texts[CHALLENGED_MAX][96];
    const char *names[CHALLENGED_MAX];
    char owner[64];
    size_t count = 0;
    for (unsigned i = 0; i < OWNERS; i++) {
        if (story->is_challenged[i]) {
            write_owner(i, owner);
            snprintf(texts[count], sizeof texts[count], "%s.example.com.", owner);
            names[count] = texts[count];
            count++;
        }
    }
    f->aside.challenges = make(names, count, values, 2);
    f->context.aside = &f->aside;
}

/* Is each name of both answered alike? */
static void compare_owners(struct fixture *f, struct fixture *oracle, unsigned round)
{
    static const uint16_t types[] = {DNS_TYPE_TXT, DNS_TYPE_A, DNS_TYPE_DS};
    for (unsigned i = 0; i < OWNERS; i++) {
        char owner[64], name[96], expected[4096];
        write_owner(i, owner);
        snprintf(name, sizeof name, "%s.example.com.", owner);
        for (unsigned t = 0; t < 3; t++) {
            snprintf(expected, sizeof expected, "%s", fixture_ask(oracle, name, types[t], ANSWER_UDP, 1232));
            const char *found = fixture_ask(f, name, types[t], ANSWER_UDP, 1232);
            if (strcmp(found, expected) != 0) {
                fail_msg("round %u, %s type %u: found %s, expected %s", round, name, types[t], found,
                         expected);
            }
        }
    }
}

static void they_answer_as_if_the_zone_file_had_them(void **state)
{
    static const char *const origin = "example.com.";
    struct random random;
    size_t with = 0;
    random_init(&random, 20261125);
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        static struct fixture f, oracle;
        struct story story = {.has = {HAS_NOTHING}};
        make_story(&random, &story);
        char *texts[] = {write_zone(&story, false), write_zone(&story, true)};
        fixture_init(&f, &origin, (const char *const *)&texts[0], 1);
        fixture_init(&oracle, &origin, (const char *const *)&texts[1], 1);
        add_challenges(&story, &f);
        compare_owners(&f, &oracle, round);
        for (unsigned i = 0; i < OWNERS; i++) {
            with += story.with[i];
        }
        answer_challenges_release(f.aside.challenges);
        fixture_fini(&f);
        fixture_fini(&oracle);
        free(texts[0]);
        free(texts[1]);
    }
    assert_true(with > 2 * (size_t)ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_that_the_zone_lacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_zone_has_at_the_name_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_above_exist, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wildcard_goes_on_standing_for_names_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delegations_and_aliases_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chain_leads_to_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_truncated, set_up, tear_down),
        cmocka_unit_test(none_is_no_set),
        cmocka_unit_test(they_answer_as_if_the_zone_file_had_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
