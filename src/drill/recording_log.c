/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A line of a query log, or of a log with other lines between them, as base/log_text.h writes it: text, whose
 * values are quoted where they have to be, or an object of JSON. */
#include "config.h"

#include "drill/recording_inside.h"

#include "dns/name.h"

#include <ctype.h>
#include <string.h>

#include <jansson.h>

struct line {
    bool is_query;
    const char *client, *subnet, *name; /* NULL: there is none */
};

static int take_line(struct recorder *r, const struct line *line, uint64_t at)
{
    struct recording_query query = {.is_reply = false};
    struct recording_client client = {.subnet.len = 0};
    struct addr_port sender = {.port = 0};
    uint8_t wire[255];
    char name[DNS_NAME_TEXT_SIZE];
    if (line->client != NULL && addr_parse_port(line->client, &sender) != 0) {
        return recording_fail(r, at, "found a client that is no address with a port");
    }
    if (line->subnet != NULL && addr_parse_prefix(line->subnet, &client.subnet) != 0) {
        return recording_fail(r, at, "found an ecs that is no prefix");
    }
    if (line->name != NULL) {
        if (strcmp(line->name, "@") == 0 || dns_name_parse(line->name, NULL, wire) <= 0) {
            return recording_fail(r, at, "found a name that is none");
        }
        query.name = dns_name_write(wire, name);
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
    }
    client.sender = sender.addr;
    return recording_tell(r, &query, &client);
}

/* ---- text ---- */

static bool is_time(const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; shape[i] != '\0'; i++) {
        if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i]) {
            return false;
        }
    }
    return true;
}

/* An escape within quotes, behind its backslash: the octet, or -1. *from is behind it then. */
static int read_escape(const char **from)
{
    static const char names[] = "\"\\nrt", octets[] = "\"\\\n\r\t";
    unsigned value = 0;
    const char *at = *from, *name = *at == '\0' ? NULL : strchr(names, *at);
    if (name != NULL) {
        *from = at + 1;
        return octets[name - names];
    }
    if (*at != 'u') {
        return -1;
    }
    for (int i = 1; i <= 4; i++) {
        unsigned char digit = (unsigned char)at[i];
        if (!isxdigit(digit)) {
            return -1;
        }
        value = value * 16 + (unsigned)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
    }
    *from = at + 5;
    return value == 0 || value > 0x7f ? -1 : (int)value;
}

/* Ends the value where it begins, without its quotes, and leads behind it. NULL: it does not end. */
static char *read_value(char *value)
{
    char *to = value;
    const char *from = value;
    if (*from != '"') {
        return value + strcspn(value, " ");
    }
    for (from++; *from != '"';) {
        int octet = (unsigned char)*from++;
        octet = octet == '\\' ? read_escape(&from) : octet;
        if (octet <= 0) {
            return NULL;
        }
        *to++ = (char)octet;
    }
    *to = '\0';
    return value + (from + 1 - value);
}

static void keep(struct line *line, const char *key, const char *value)
{
    if (strcmp(key, "client") == 0) {
        line->client = value;
    } else if (strcmp(key, "ecs") == 0) {
        line->subnet = value;
    } else if (strcmp(key, "name") == 0) {
        line->name = value;
    }
}

/* Fields, from the first one on. Returns whether that is what they are. */
static bool read_fields(char *at, struct line *line)
{
    while (*at != '\0') {
        char *equals = at + strcspn(at, " =");
        if (*equals != '=' || equals == at) {
            return false;
        }
        *equals = '\0';
        char *value = equals + 1, *end = read_value(value);
        if (end == NULL || (*end != ' ' && *end != '\0')) {
            return false;
        }
        bool is_last = *end == '\0';
        *end = '\0';
        keep(line, at, value);
        at = is_last ? end : end + 1;
        if (!is_last && *at == '\0') {
            return false;
        }
    }
    return true;
}

/* What says something else than "query" is of no matter here. */
static bool read_text(char *text, struct line *line)
{
    enum { TIME_LEN = 25 };
    static const char event[] = "query ";
    if (!is_time(text)) {
        return false;
    }
    char *body = text + TIME_LEN + strcspn(text + TIME_LEN, " ");
    if (*body == '\0') {
        return false;
    }
    body++;
    if (strncmp(body, event, sizeof event - 1) != 0) {
        return true;
    }
    body += sizeof event - 1;
    line->is_query = body[strcspn(body, " =")] == '=';
    return !line->is_query || read_fields(body, line);
}

/* ---- JSON ---- */

/* False: it is there, and no text. */
static bool read_member(const json_t *object, const char *key, const char **to)
{
    const json_t *member = json_object_get(object, key);
    *to = json_string_value(member);
    return member == NULL || *to != NULL;
}

static int read_object(struct recorder *r, const char *text, size_t len, uint64_t at)
{
    json_error_t why;
    struct line line = {.is_query = false};
    const char *event = NULL;
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL) {
        return recording_fail(r, at, "found a line that is no JSON: %s", why.text);
    }
    int error = 0;
    if (!read_member(object, "event", &event) || event == NULL) {
        error = recording_fail(r, at, "found a line without \"event\", expected one of a query log");
    } else if (strcmp(event, "query") == 0) {
        bool is_good = read_member(object, "client", &line.client) &&
                       read_member(object, "ecs", &line.subnet) && read_member(object, "name", &line.name);
        error = is_good
                    ? take_line(r, &line, at)
                    : recording_fail(r, at, "found a member that is no text, expected one of a query log");
    }
    json_decref(object);
    return error;
}

int recording_read_line(struct recorder *r, char *text, size_t len, uint64_t at)
{
    struct line line = {.is_query = false};
    if (*text == '{') {
        return read_object(r, text, len, at);
    }
    if (strlen(text) != len || !read_text(text, &line)) {
        return recording_fail(r, at, "found something else than a line of a query log, or dnstap");
    }
    return line.is_query ? take_line(r, &line, at) : 0;
}
