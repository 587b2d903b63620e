/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The answers of `steerctl init`. Each function is given what was typed, whoever that was. */
#include "config.h"

#include "ctl/init.h"

#include "dns/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_SIZE = 1024 };

static bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("steerctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return false;
}

/* The next part up to one of the separators; false: there is none, or it is longer than any can be. */
static bool next_part(const char **at, const char *separators, char part[PART_SIZE])
{
    *at += strspn(*at, separators);
    size_t len = strcspn(*at, separators);
    if (len == 0 || len >= PART_SIZE) {
        return false;
    }
    snprintf(part, PART_SIZE, "%.*s", (int)len, *at);
    *at += len;
    return true;
}

bool init_parse_listen(struct init_answers *answers, const char *text)
{
    char part[PART_SIZE];
    answers->listen_count = 0;
    for (const char *at = text; answers->listen_count < INIT_LISTEN_MAX && next_part(&at, ", ", part);) {
        struct addr_port *to = &answers->listen[answers->listen_count++];
        if (addr_parse_port(part, to) != 0 || to->port == 0) {
            return refuse("found \"%.100s\", expected an address with a port, such as 192.0.2.53:53 or "
                          "[2001:db8::53]:53",
                          part);
        }
    }
    return answers->listen_count > 0 || refuse("expected where queries are answered, such as 192.0.2.53:53");
}

bool init_parse_zone(struct init_answers *answers, const char *text)
{
    uint8_t wire[255];
    int len = strpbrk(text, "@/%\\") != NULL ? -1 : dns_name_parse(text, NULL, wire);
    if (len <= 1) {
        return refuse("found \"%.100s\", expected the name of a zone, such as example.com", text);
    }
    dns_name_lower(wire, (size_t)len);
    (void)dns_name_write(wire, answers->zone);
    return true;
}

/* Letters and digits of the first label: "www-us-east-1" is an endpoint of www. */
static void make_label(const char *name, char label[INIT_NAME_SIZE])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LABEL_MAX = 16 };
    size_t len = strspn(name, allowed);
    snprintf(label, INIT_NAME_SIZE, "%.*s", (int)(len > LABEL_MAX ? LABEL_MAX : len), name);
    if (len == 0) {
        snprintf(label, INIT_NAME_SIZE, "server");
    }
}

bool init_parse_name(struct init_answers *answers, const char *text)
{
    uint8_t wire[255], origin[255];
    size_t len = strlen(text);
    (void)dns_name_parse(answers->zone, NULL, origin);
    if (len == 0 || text[len - 1] == '.' || strpbrk(text, " ;\"()") != NULL ||
        dns_name_parse(text, origin, wire) < 0) {
        return refuse("found \"%.100s\", expected a name within %.100s, such as www, or @ for that itself",
                      text, answers->zone);
    }
    answers->name = text;
    make_label(text, answers->label);
    return true;
}

/* ---- endpoints ---- */

static bool parse_address(const char *text, struct init_endpoint *endpoint)
{
    struct addr addr;
    if (addr_parse(text, &addr) != 0) {
        return refuse("found \"%.100s\", expected an address of IPv4 or IPv6", text);
    }
    struct addr *to = &endpoint->addresses[addr.family == ADDR_V6];
    if (to->family != ADDR_NONE) {
        return refuse("found \"%.100s\" beside another address of its family: a server has one of each",
                      text);
    }
    *to = addr;
    return true;
}

static bool parse_endpoint(struct init_answers *answers, const char *text)
{
    char part[PART_SIZE];
    if (answers->endpoint_count == INIT_ENDPOINTS_MAX) {
        return refuse("found more than %d servers: write those to topology.json", INIT_ENDPOINTS_MAX);
    }
    struct init_endpoint *endpoint = &answers->endpoints[answers->endpoint_count++];
    *endpoint = (struct init_endpoint){.region = answers->region_count - 1};
    for (const char *at = text; next_part(&at, "+", part);) {
        if (!parse_address(part, endpoint)) {
            return false;
        }
    }
    return true;
}

/* The rule of names in topology.json; room is left for what endpoints and azs have behind it. */
static bool add_region(struct init_answers *answers, const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    enum { REGION_MAX = 32 };
    size_t len = strlen(name);
    if (len == 0 || len > REGION_MAX || strspn(name, allowed) != len || name[0] == '-') {
        return refuse("found the region \"%.100s\", expected 1 to %d letters, digits, '-', '_' or '.'", name,
                      REGION_MAX);
    }
    for (unsigned i = 0; i < answers->region_count; i++) {
        if (strcmp(answers->regions[i], name) == 0) {
            return refuse("the region \"%.100s\" is there twice", name);
        }
    }
    if (answers->region_count == INIT_REGIONS_MAX) {
        return refuse("found more than %d regions: write those to topology.json", INIT_REGIONS_MAX);
    }
    snprintf(answers->regions[answers->region_count++], INIT_NAME_SIZE, "%s", name);
    return true;
}

static bool parse_region(struct init_answers *answers, char *text)
{
    char part[PART_SIZE], *equals = strchr(text, '=');
    if (equals == NULL || equals[1] == '\0') {
        return refuse("found \"%.100s\", expected REGION=ADDRESS,ADDRESS,…", text);
    }
    *equals = '\0';
    bool good = add_region(answers, text);
    for (const char *at = equals + 1; good && next_part(&at, ",", part);) {
        good = parse_endpoint(answers, part);
    }
    return good;
}

/* Each region has one az, which is called by it and "-a". */
static bool has_names_of_its_own(const struct init_answers *answers)
{
    for (unsigned i = 0; i < answers->region_count; i++) {
        for (unsigned j = 0; j < answers->region_count; j++) {
            size_t len = strlen(answers->regions[j]);
            if (strncmp(answers->regions[i], answers->regions[j], len) == 0 &&
                strcmp(answers->regions[i] + len, "-a") == 0) {
                return refuse("the region \"%.100s\" would be called as the az of \"%.100s\"",
                              answers->regions[i], answers->regions[j]);
            }
        }
    }
    return true;
}

bool init_parse_endpoints(struct init_answers *answers, const char *text)
{
    enum { REGION_SIZE = 65536 };
    char *copy = strdup(text), *rest = NULL;
    bool good = copy != NULL && strlen(text) < REGION_SIZE;
    answers->region_count = answers->endpoint_count = 0;
    for (char *part = good ? strtok_r(copy, " ;", &rest) : NULL; good && part != NULL;
         part = strtok_r(NULL, " ;", &rest)) {
        good = parse_region(answers, part);
    }
    free(copy);
    return good && has_names_of_its_own(answers) &&
           (answers->endpoint_count > 0 ||
            refuse("expected servers, such as us-east=192.0.2.10,192.0.2.11 eu-west=198.51.100.10"));
}

/* ---- the check ---- */

bool init_parse_check(struct init_answers *answers, const char *text)
{
    static const struct kind {
        const char *name;
        uint16_t port; /* 0: it has none */
        bool has_path;
    } kinds[] = {{"http", 80, true}, {"https", 443, true}, {"tcp", 80, false}, {"icmp", 0, false}};
    answers->check_type = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i].name);
        const char *at = text + len;
        if (strncmp(text, kinds[i].name, len) != 0 || strchr(":/", *at) == NULL) {
            continue;
        }
        char *end = (char *)(uintptr_t)at;
        long port = *at == ':' ? strtol(at + 1, &end, 10) : kinds[i].port;
        bool has_port = *at == ':', has_path = *end == '/';
        if ((has_port && (kinds[i].port == 0 || port < 1 || port > UINT16_MAX)) ||
            (has_path && !kinds[i].has_path) || (*end != '\0' && !has_path)) {
            break;
        }
        answers->check_type = kinds[i].name;
        answers->check_port = (uint16_t)port;
        answers->check_path = has_path ? end : kinds[i].has_path ? "/" : NULL;
        return true;
    }
    return strcmp(text, "none") == 0 ||
           refuse("found \"%.100s\", expected http:PORT/PATH, https:PORT/PATH, tcp:PORT, icmp or none", text);
}
