/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the request of a check, and which answers are good. What goes into the request goes there as it is,
 * so what could break out of it is refused (RFC 9110 sections 5.5 and 7.2, RFC 9112 section 3.2). */
#include "config.h"

#include "conf/check_http.h"

#include "base/buffer.h"
#include "conf/check_body.h"
#include "conf/check_lag.h"
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX_LEN = 255, PATH_MAX_LEN = 1024, HEADERS_MAX = 4096 };
enum { BODY_DEFAULT = 16384 };

#define STATUS_RULE                                                                                          \
    "one status (200), the lowest and the highest ([200, 399]) or a list (\"200,204,301-308\"), each 100 "   \
    "to 999"

static const uint32_t status_range[2] = {CONF_STATUS_LEAST, CONF_STATUS_MOST};
static const uint32_t body_range[2] = {1, 256 * 1024};

/* ---- statuses ---- */

static void add_statuses(uint64_t *statuses, uint32_t low, uint32_t high)
{
    for (uint32_t i = low - CONF_STATUS_LEAST; i <= high - CONF_STATUS_LEAST; i++) {
        statuses[i / 64] |= UINT64_C(1) << i % 64;
    }
}

static const char *parse_status(const char *at, uint32_t *status)
{
    *status = 0;
    for (int i = 0; i < 3; i++, at++) {
        if (*at < '0' || *at > '9') {
            return NULL;
        }
        *status = *status * 10 + (uint32_t)(*at - '0');
    }
    return *status >= CONF_STATUS_LEAST && *status <= CONF_STATUS_MOST ? at : NULL;
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " ");
}

/* "200,204,301-308" */
static bool parse_statuses(const char *at, uint64_t *statuses)
{
    uint32_t low, high;
    do {
        at = parse_status(skip_spaces(at), &low);
        high = low;
        if (at != NULL && *at == '-') {
            at = parse_status(at + 1, &high);
        }
        if (at == NULL || low > high) {
            return false;
        }
        add_statuses(statuses, low, high);
        at = skip_spaces(at);
    } while (*at++ == ',');
    return at[-1] == '\0';
}

/* [200, 399] */
static void read_bounds(const struct doc_node *status, uint64_t *statuses)
{
    struct doc_node bound = {0};
    uint32_t bounds[2] = {0, 0};
    bool good = true;
    if (doc_count(status) != 2) {
        doc_error(status, "found %zu numbers, expected " STATUS_RULE, doc_count(status));
        return;
    }
    while (doc_next(status, &bound)) {
        good &= doc_read_number(&bound, status_range, &bounds[bound.ordinal]);
    }
    if (good && bounds[0] > bounds[1]) {
        doc_error(status, "found [%u, %u], expected the lowest status first", bounds[0], bounds[1]);
    } else if (good) {
        add_statuses(statuses, bounds[0], bounds[1]);
    }
}

static void read_status(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    uint64_t *statuses = arena_alloc(arena, CONF_STATUS_WORDS * sizeof *statuses);
    struct doc_node status;
    uint32_t one = 0;
    check->statuses = statuses;
    if (!doc_find(node, "status", &status)) {
        add_statuses(statuses, 200, 299);
    } else if (doc_is_array(&status)) {
        read_bounds(&status, statuses);
    } else if (!doc_is_text(&status)) {
        if (doc_read_number(&status, status_range, &one)) {
            add_statuses(statuses, one, one);
        }
    } else if (!parse_statuses(doc_text(&status), statuses)) {
        doc_error_expected(&status, STATUS_RULE);
    }
}

/* ---- the request ---- */

/* Visible ASCII and nothing else, at most max bytes. */
static bool is_visible(const char *text, size_t max)
{
    size_t len = 0;
    while (text[len] > ' ' && text[len] < 0x7f) {
        len++;
    }
    return len <= max && text[len] == '\0';
}

static bool is_host(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:[]";
    return text[strspn(text, allowed)] == '\0' && is_visible(text, HOST_MAX_LEN);
}

static void read_load(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    const char *load = doc_get_text(node, "load");
    struct doc_node member;
    if (load != NULL && !value_is_pointer(load)) {
        (void)doc_find(node, "load", &member);
        doc_error_expected(&member, "a JSON pointer to a number in the answer, such as \"/load\" or "
                                    "\"/status/cpu/0\"");
        return;
    }
    check->load = arena_copy_text(arena, load);
}

static void read_host(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node member;
    const char *host = doc_get_text(node, "host");
    if (host != NULL && !is_host(host)) {
        (void)doc_find(node, "host", &member);
        doc_error_expected(&member, "a host name or address, with \":port\" if it needs one");
    }
    check->host = arena_copy_text(arena, host);
}

static void read_path(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node member;
    const char *path = doc_get_text(node, "path");
    if (path != NULL && (path[0] != '/' || !is_visible(path, PATH_MAX_LEN))) {
        (void)doc_find(node, "path", &member);
        doc_error_expected(
            &member, "a path that begins with \"/\" and holds visible ASCII only, up to 1024 characters");
    }
    check->path = arena_copy_text(arena, path != NULL ? path : "/");
}

/* RFC 9110 section 5.1 */
static bool is_token(const char *text)
{
    static const char allowed[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

/* RFC 9110 section 5.5 */
static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* What frames the message, or says what comes behind the answer, is the prober's own. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Host",   "Connection", "Content-Length",   "Transfer-Encoding",
                                       "Expect", "Upgrade",    "Proxy-Connection", "TE",
                                       "Trailer"};
    size_t i = 0;
    while (i < sizeof ours / sizeof *ours && strcasecmp(name, ours[i]) != 0) {
        i++;
    }
    return i < sizeof ours / sizeof *ours;
}

static void read_headers(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node headers, item = {0};
    struct buffer lines;
    if (!doc_find(node, "headers", &headers) || !doc_check_object(&headers, NULL)) {
        return;
    }
    buffer_init(&lines);
    while (doc_next(&headers, &item)) {
        const char *value = doc_text(&item);
        if (!is_token(item.key)) {
            doc_error_at_key(&item, "found the name \"%.100s\", expected that of a header field", item.key);
        } else if (is_ours(item.key)) {
            doc_error_at_key(&item, "a check sets \"%.100s\" by itself%s", item.key,
                             strcasecmp(item.key, "Host") == 0 ? ": use \"host\"" : "");
        } else if (value == NULL || !is_field_value(value)) {
            doc_error_expected(&item, "a text without control characters");
        } else {
            buffer_print(&lines, "%s: %s\r\n", item.key, value);
        }
    }
    if (lines.len > HEADERS_MAX) {
        doc_error(&headers, "found %zu octets of header fields, expected at most %d", lines.len, HEADERS_MAX);
    }
    check->headers = lines.len == 0 ? NULL : arena_copy_text(arena, (const char *)lines.bytes);
    buffer_fini(&lines);
}

static void read_method(const struct doc_node *node, struct conf_check *check)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", NULL};
    struct doc_node member;
    check->method = methods[doc_get_choice(node, "method", methods, 0)];
    if (doc_find(node, "send", &member) && strcmp(check->method, "POST") != 0) {
        doc_error_at_key(&member, "found \"send\" in a check that asks by %s, expected \"method\": \"POST\"",
                         check->method);
    }
    if (strcmp(check->method, "HEAD") != 0) {
        return;
    }
    static const char *const bodies[] = {"expect", "expect_regex", "json", "load", "lag"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (doc_find(node, bodies[i], &member)) {
            doc_error_at_key(&member, "found \"%s\" in a check that asks by HEAD, to which there is no body",
                             bodies[i]);
        }
    }
}

void check_http_read_head(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    read_host(node, arena, check);
    read_headers(node, arena, check);
}

void check_http_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    read_load(node, arena, check);
    check_lag_read(node, arena, check);
    check_http_read_head(node, arena, check);
    read_path(node, arena, check);
    read_status(node, arena, check);
    read_method(node, check);
    check->body_max = doc_get_number(node, "max_body", body_range, BODY_DEFAULT);
    check->keep_alive = doc_get_bool(node, "keep_alive", false);
    check_body_read(node, arena, check);
}
