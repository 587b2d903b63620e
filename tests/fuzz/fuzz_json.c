/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bytes as a topology, as the policy of a zone against a small fixed topology, and as steerd.json. Besides
 * crashes and leaks it holds the promise of conf: a document is refused if and only if an error was reported,
 * errors have places, and messages are printable. */
#include "config.h"

#include "conf/policy.h"
#include "conf/server.h"
#include "conf/topology.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed_topology[] =
    "{\"regions\": {\"us\": {\"location\": [38.9, -77], \"azs\": {\"us-1\": {}, \"us-2\": {\"location\": [1, "
    "2]}}},"
    "\"eu\": {\"azs\": {\"eu-1\": {}}}},"
    "\"geo_rules\": {\"there\": [{\"when\": {\"asn\": 1}, \"tiers\": [[\"us\"], [\"eu\"]]}]},"
    "\"endpoints\": {\"web-1\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.1\"},"
    "\"web-2\": {\"az\": \"us-2\", \"addresses\": \"192.0.2.2\"},"
    "\"web-3\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\", \"2001:db8::3\"]}}}";

/* Not assert(): the promise is to be checked in every build. */
static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_printable(const char *text)
{
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        require((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static void check_message(const struct report_item *item)
{
    require(item->place.file != NULL && item->place.line != 0 && item->message[0] != '\0');
    check_printable(item->message);
    check_printable(item->place.path);
}

static void check_report(struct report *report, bool refused)
{
    require((report_errors(report) != 0) == refused);
    for (size_t i = 0; i < report_count(report); i++) {
        check_message(report_get(report, i));
    }
    report_free(report);
}

static void try_topology(const char *text, size_t len)
{
    struct report *report = report_new();
    struct conf_topology *topology = conf_parse_topology("topology.json", text, len, report);
    check_report(report, topology == NULL);
    for (size_t i = 0; topology != NULL && i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        require(endpoint->az < topology->az_count && endpoint->region == topology->azs[endpoint->az].region);
        require(conf_find_endpoint(topology, endpoint->name) == (ptrdiff_t)i);
    }
    conf_free_topology(topology);
}

static void check_tiers(const struct conf_name *name, const struct conf_tiers *tiers)
{
    size_t total = 0;
    for (size_t i = 0; i < tiers->count; i++) {
        const struct conf_tier *tier = &tiers->items[i];
        for (size_t j = 0; j < tier->member_count; j++) {
            require(tier->members[j] < name->member_count);
        }
        require(tier->member_count > 0);
        total += tier->member_count;
    }
    require(tiers->count > 0 && total <= name->member_count);
    require(tiers->nearest <= REFS_NEAREST_MAX && (tiers->nearest == 0 || total == name->member_count));
}

static void check_records(const struct conf_name *name)
{
    require(name->records != NULL || name->addresses);
    for (size_t i = 0; name->records != NULL && i < name->records->count; i++) {
        const struct conf_record_type *type = &name->records->types[i];
        require(type->type != 0 && type->list_count < CONF_NO_LIST);
        for (size_t j = 0; j < name->member_count; j++) {
            require(type->of_member[j] == CONF_NO_LIST || type->of_member[j] < type->list_count);
        }
    }
}

static void try_policy(const char *text, size_t len)
{
    struct report *report = report_new();
    struct conf_topology *topology =
        conf_parse_topology("fixed.json", fixed_topology, sizeof fixed_topology - 1, report);
    struct conf_policy *policy =
        conf_parse_policy("policy.json", "example.com.", text, len, topology, report);
    check_report(report, policy == NULL);
    for (size_t i = 0; policy != NULL && i < policy->name_count; i++) {
        const struct conf_name *name = &policy->names[i];
        check_tiers(name, &name->tiers);
        check_records(name);
        for (size_t j = 0; name->geo != NULL && j < name->geo->outcome_count; j++) {
            check_tiers(name, &name->outcomes[j]);
        }
        for (size_t j = 0; name->geo != NULL && j < name->geo->rule_count; j++) {
            require(name->geo->rules[j].outcome < name->geo->outcome_count);
        }
    }
    conf_free_policy(policy);
    conf_free_topology(topology);
}

/* It is read from a file; what "zones" names is looked for beside that, among our descriptors. */
static void try_server(const uint8_t *data, size_t size)
{
    char path[32];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd != -1 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct report *report = report_new();
    struct conf_server *server = conf_load_server(path, report);
    close(fd);
    require(server == NULL || (server->listen_count > 0 && server->threads > 0 && server->edns_size >= 512));
    for (size_t i = 0; server != NULL && i < server->zone_count; i++) {
        require(server->zones[i].origin != NULL && server->zones[i].zone_path != NULL);
    }
    require((report_errors(report) != 0) == (server == NULL));
    for (size_t i = 0; i < report_count(report); i++) {
        check_printable(report_get(report, i)->message);
    }
    report_free(report);
    conf_free_server(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_server(data, size);
    try_topology((const char *)data, size);
    try_policy((const char *)data, size);
    return 0;
}
