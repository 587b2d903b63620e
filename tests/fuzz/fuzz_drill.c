/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of drill documents. What is accepted is in order, within its limits, and answers every question
 * about any time: the next thing that happens is never before the time that was asked for. */
#include "config.h"

#include "drill/document.h"

#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char topology_text[] =
    "{\"regions\": {\"us-east\": {\"azs\": {\"us-east-1a\": {}}, \"replicates_to\": [{\"to\": \"eu-west\", "
    "\"lag\": \"push\"}]}, \"eu-west\": {\"azs\": {\"eu-west-1a\": {}}}},"
    "\"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"timeout\": \"1s\", \"interval\": \"2s\"}},"
    "\"endpoints\": {\"web-use1-a\": {\"az\": \"us-east-1a\", \"addresses\": [\"192.0.2.1\"], \"checks\": "
    "[\"web\"]}, \"a\": {\"az\": \"eu-west-1a\", \"addresses\": [\"192.0.2.2\"]}}}";

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void ask(const struct drill_causes *causes, int64_t at_ms)
{
    for (uint32_t endpoint = 0; endpoint < causes->topology->endpoint_count; endpoint++) {
        struct drill_result result = drill_causes_check(causes, endpoint, 0, at_ms, 3);
        struct drill_service service = drill_causes_serve(causes, endpoint, at_ms);
        expect(result.took_ms >= 0 && result.took_ms <= causes->topology->checks[0].timeout_ms);
        expect(service.fails >= 0 && service.fails <= 1 && service.slow_ms >= 0);
        expect(drill_causes_lose(causes, endpoint, at_ms) <= service.fails);
        for (uint32_t vantage = 0; vantage < 32; vantage += 31) {
            result =
                drill_causes_look(causes, &(struct drill_look){vantage, endpoint, 0}, at_ms, (uint64_t)at_ms);
            expect(result.took_ms >= 0 && result.took_ms <= causes->topology->checks[0].timeout_ms);
        }
    }
    expect((drill_causes_find_silent(causes, at_ms) & 1) == 0);
    (void)drill_causes_look(causes, &(struct drill_look){1, DRILL_CONTROL, 0}, at_ms, 0);
    (void)drill_causes_lag(causes, 0, at_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct report *report = report_new();
    struct arena *arena = arena_new(0);
    struct conf_topology *topology =
        conf_parse_topology("topology.json", topology_text, strlen(topology_text), report);
    struct drill_document document;
    expect(topology != NULL);
    const struct drill_source source = {"drill.json", (const char *)bytes, len, report};
    int error = drill_parse_document(&source, &(struct drill_ground){.topology = topology}, arena, &document);
    expect((error == 0) == (report_errors(report) == 0));
    if (error == 0) {
        struct drill_causes causes = {topology, document.causes, document.cause_count, document.seed};
        expect(causes.count >= 1 && causes.count <= DRILL_CAUSES_MAX &&
               drill_document_duration(&document) > 0);
        int64_t at_ms = 0;
        for (int steps = 0; steps < 50; steps++) {
            int64_t next_ms = drill_causes_next(&causes, at_ms);
            expect(next_ms >= at_ms);
            if (next_ms == INT64_MAX) {
                break;
            }
            ask(&causes, next_ms);
            at_ms = next_ms + 1;
        }
    }
    conf_free_topology(topology);
    arena_free(arena);
    report_free(report);
    return 0;
}
