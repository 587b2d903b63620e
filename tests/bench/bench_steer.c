/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a steered query costs by the number of candidates: answer_query() over a view compiled from documents,
 * N queries of one mix, each from another client. Run by tests/bench/instructions under callgrind like
 * bench_answer. The name has so many endpoints in each of two regions; a change of health is evaluated by the
 * first query, which both runs have.
 * usage: bench_steer MIX CANDIDATES N */
#include "config.h"

#include "answer/answer.h"
#include "base/buffer.h"
#include "base/report.h"
#include "dns/name.h"
#include "dns/types.h"
#include "health/health.h"
#include "view/view.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a name says besides its endpoints, and what is lost. */
struct mix {
    const char *name, *policy;
    bool loses_first; /* region one is drained */
    bool loses_some;  /* of region one all but a third are down */
    bool loses_most;  /* of region one all but two are down */
    bool is_geo;      /* as many classes as candidates, asked by client subnet */
};

#define TIERS "\"tiers\": [[\"one\"], [\"two\"]]"

static const struct mix mixes[] = {
    {.name = "weighted", .policy = TIERS},
    {.name = "failover", .policy = TIERS, .loses_first = true},
    {.name = "spill", .policy = TIERS ", \"spill_below\": \"80%\"", .loses_some = true},
    {.name = "canary", .policy = TIERS ", \"weights\": { \"one-0\": \"5%\" }"},
    {.name = "sticky", .policy = TIERS ", \"pick\": \"sticky\""},
    {.name = "sticky-canary", .policy = TIERS ", \"pick\": \"sticky\", \"weights\": { \"one-0\": \"5%\" }"},
    {.name = "sticky-few", .policy = TIERS ", \"pick\": \"sticky\"", .loses_most = true},
    {.name = "round-robin", .policy = TIERS ", \"pick\": \"round-robin\""},
    {.name = "ttl-failing", .policy = TIERS ", \"ttl_failing\": 5", .loses_some = true},
    {.name = "geo", .policy = TIERS, .is_geo = true},
};

static const struct mix *find_mix(const char *name)
{
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        if (strcmp(mixes[i].name, name) == 0) {
            return &mixes[i];
        }
    }
    return NULL;
}

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "bench_steer: %s\n", what);
        exit(1);
    }
}

/* ---- documents ---- */

static void save(const char *folder, const char *name, const struct buffer *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    must(file != NULL, path);
    bool is_written = fwrite(text->bytes, 1, text->len, file) == text->len;
    must(fclose(file) == 0 && is_written, path);
}

static void discard(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static void write_topology(struct buffer *text, unsigned candidates)
{
    buffer_add_text(text, "{ \"regions\": { \"one\": { \"azs\": { \"one-a\": {} } }, "
                          "\"two\": { \"azs\": { \"two-a\": {} } } },\n  \"endpoints\": {");
    for (unsigned i = 0; i < 2 * candidates; i++) {
        bool is_first = i < candidates;
        const char *region = is_first ? "one" : "two";
        buffer_print(
            text, "%s\n    \"%s-%u\": { \"az\": \"%s-a\", \"addresses\": [\"10.0.%u.%u\"], \"weight\": %u }",
            i == 0 ? "" : ",", region, is_first ? i : i - candidates, region, i / 250, i % 250 + 1,
            i % 7 + 1);
    }
    buffer_add_text(text, " } }\n");
}

/* A class each: one endpoint for one network of 24 bits. */
static void write_rules(struct buffer *text, unsigned candidates)
{
    for (unsigned i = 0; i < candidates; i++) {
        buffer_print(text,
                     "%s\n      { \"when\": { \"cidr\": [\"10.%u.%u.0/24\"] }, \"tiers\": [[\"one-%u\"]] }",
                     i == 0 ? ", \"geo\": [" : ",", i / 250, i % 250, i);
    }
    buffer_add_text(text, " ]");
}

static void write_policy(struct buffer *text, const struct mix *mix, unsigned candidates)
{
    buffer_print(text, "{ \"names\": { \"www\": { \"endpoints\": [\"*\"], %s", mix->policy);
    if (mix->is_geo) {
        write_rules(text, candidates);
    }
    buffer_add_text(text, " } } }\n");
}

static struct view *compile(const char *folder)
{
    char path[128];
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, NULL, 1, 0, 1, report);
    report_write(report, stderr);
    must(view != NULL && report_errors(report) == 0, "no view");
    report_free(report);
    return view;
}

static struct view *make_view(const struct mix *mix, unsigned candidates)
{
    static const char *const names[] = {"steerd.json", "topology.json", "example.com.zone",
                                        "example.com.json"};
    enum { FILES = sizeof names / sizeof *names };
    char folder[] = "/tmp/bench_steer.XXXXXX";
    struct buffer texts[FILES];
    must(mkdtemp(folder) != NULL, folder);
    for (size_t i = 0; i < FILES; i++) {
        buffer_init(&texts[i]);
    }
    buffer_add_text(&texts[0],
                    "{ \"listen\": \"127.0.0.1:53\", \"zones\": \".\", \"topology\": \"topology.json\" }\n");
    write_topology(&texts[1], candidates);
    buffer_add_text(&texts[2], "$TTL 300\n@ SOA ns1 h 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.53\n");
    write_policy(&texts[3], mix, candidates);
    for (size_t i = 0; i < FILES; i++) {
        save(folder, names[i], &texts[i]);
        buffer_fini(&texts[i]);
    }
    struct view *view = compile(folder);
    for (size_t i = 0; i < FILES; i++) {
        discard(folder, names[i]);
    }
    (void)rmdir(folder);
    return view;
}

/* ---- health ---- */

static void lose(struct view *view, const struct mix *mix, unsigned candidates)
{
    struct health_override down = {.desired = HEALTH_DESIRED_DOWN, .actor = "bench", .reason = ""};
    if (mix->loses_first) {
        health_set_override(view->health, HEALTH_REGION, 0, &down, 0);
    }
    for (unsigned i = 0; i < candidates; i++) {
        if ((mix->loses_some && i % 3 != 0) || (mix->loses_most && i > 1)) {
            health_set_override(view->health, HEALTH_ENDPOINT, i, &down, 0);
        }
    }
}

/* ---- queries ---- */

/* www.example.com A, with a client subnet in the network of a class if classes are asked for. */
static size_t make_query(uint8_t to[512], const struct mix *mix)
{
    static const uint8_t header[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t type[] = {0, DNS_TYPE_A, 0, 1};
    static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 10, 0, 0};
    memcpy(to, header, sizeof header);
    size_t at = sizeof header + (size_t)dns_name_parse("www.example.com.", NULL, to + sizeof header);
    memcpy(to + at, type, sizeof type);
    at += sizeof type;
    if (mix->is_geo) {
        to[11] = 1;
        memcpy(to + at, opt, sizeof opt);
        at += sizeof opt;
    }
    return at;
}

/* What the script counts: not in line. */
__attribute__((noinline)) static unsigned long ask(struct view *view, const struct mix *mix,
                                                   unsigned candidates, unsigned long count)
{
    struct answer_counters counters = {.values = {0}};
    struct random random;
    random_init(&random, 1);
    struct answer_context context = {.view = view,
                                     .table = view->table,
                                     .cache = view->caches[0],
                                     .random = &random,
                                     .counters = &counters};
    struct sockaddr_in client = {.sin_family = AF_INET};
    struct answer_request request = {.client = (const struct sockaddr *)(const void *)&client,
                                     .transport = ANSWER_UDP};
    uint8_t query[512], out[4096];
    unsigned long octets = 0;
    request.bytes = query;
    request.len = make_query(query, mix);
    for (unsigned long i = 0; i < count; i++) {
        client.sin_addr.s_addr = htonl((uint32_t)(1 + i % 200000) << 8);
        if (mix->is_geo) {
            query[request.len - 2] = (uint8_t)(i % candidates / 250);
            query[request.len - 1] = (uint8_t)(i % candidates % 250);
        }
        size_t len = answer_query(&context, &request, out, sizeof out);
        must(len > request.len && out[7] == 1, "an answer is not one record");
        octets += len;
    }
    return octets;
}

int main(int argc, char **argv)
{
    const struct mix *mix = argc == 4 ? find_mix(argv[1]) : NULL;
    unsigned candidates = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (mix == NULL || candidates == 0) {
        fputs("usage: bench_steer MIX CANDIDATES N\nmixes:", stderr);
        for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
            fprintf(stderr, " %s", mixes[i].name);
        }
        fputs("\n", stderr);
        return 2;
    }
    struct view *view = make_view(mix, candidates);
    lose(view, mix, candidates);
    unsigned long count = strtoul(argv[3], NULL, 10), octets = ask(view, mix, candidates, count);
    printf("%lu answers, %.1f octets each\n", count, count == 0 ? 0 : (double)octets / (double)count);
    view_free(view);
    return 0;
}
