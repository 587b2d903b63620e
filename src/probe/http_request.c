/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See http_request.h. */
#include "config.h"

#include "probe/http_request.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

const char *http_request_write_host(const struct addr_port *at, bool is_tls, char text[HTTP_HOST_SIZE])
{
    char address[ADDR_TEXT_SIZE];
    if (at->port != (is_tls ? HTTPS_PORT : HTTP_PORT)) {
        return addr_write_port(at, text);
    }
    snprintf(text, HTTP_HOST_SIZE, at->addr.family == ADDR_V6 ? "[%s]" : "%s",
             addr_write(&at->addr, address));
    return text;
}

bool http_request_has_field(const char *lines, const char *name)
{
    size_t len = strlen(name);
    while (lines != NULL && *lines != '\0') {
        if (strncasecmp(lines, name, len) == 0 && lines[len] == ':') {
            return true;
        }
        lines = strchr(lines, '\n');
        lines = lines == NULL ? NULL : lines + 1;
    }
    return false;
}

static const char *write_length(const struct probe_target *target, char text[48])
{
    text[0] = '\0';
    if (target->send_len != 0 || (target->method != NULL && strcmp(target->method, "POST") == 0)) {
        snprintf(text, 48, "Content-Length: %zu\r\n", target->send_len);
    }
    return text;
}

/* Up to the host, and what stands behind it. */
static void write_around(const struct probe_target *target, struct buffer *before, struct buffer *behind)
{
    char length[48];
    const char *more = target->headers != NULL ? target->headers : "";
    const char *agent = "User-Agent: " PACKAGE_NAME "/" PACKAGE_VERSION "\r\n";
    buffer_print(before, "%s %s HTTP/1.1\r\nHost: ", target->method != NULL ? target->method : "GET",
                 target->path != NULL ? target->path : "/");
    buffer_print(behind, "\r\n%s%s%s%s%s\r\n", http_request_has_field(more, "User-Agent") ? "" : agent,
                 http_request_has_field(more, "Accept") ? "" : "Accept: */*\r\n", more,
                 write_length(target, length), target->keep_alive ? "" : "Connection: close\r\n");
    buffer_add(behind, target->send, target->send_len);
}

void http_request_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena)
{
    char address[HTTP_HOST_SIZE];
    struct buffer text, behind;
    bool names_address = target->host == NULL;
    const char *host =
        names_address ? http_request_write_host(&target->at, target->tls != NULL, address) : target->host;
    size_t host_len = strlen(host);
    buffer_init(&text);
    buffer_init(&behind);
    write_around(target, &text, &behind);
    bool leaves_out = names_address && !target->in_turn &&
                      text.len + host_len + behind.len <= sizeof((struct check_scratch *)NULL)->bytes;
    ask->request_len = (uint32_t)(text.len + host_len + behind.len);
    if (leaves_out) {
        ask->host_at = (uint16_t)text.len;
        ask->host_len = (uint8_t)host_len;
    } else {
        buffer_add(&text, host, host_len);
    }
    buffer_add(&text, behind.bytes, behind.len);
    ask->request = arena_share(arena, text.bytes, text.len);
    buffer_fini(&behind);
    buffer_fini(&text);
}

const char *http_request_write(const struct check *check, struct check_scratch *scratch)
{
    char address[HTTP_HOST_SIZE];
    char *to = (char *)scratch->bytes;
    const struct check_ask *ask = check->ask;
    if (ask->host_len == 0) {
        return ask->request;
    }
    const char *behind = ask->request + ask->host_at;
    memcpy(to, ask->request, ask->host_at);
    memcpy(to + ask->host_at, http_request_write_host(&check->at, check_get_own(check)->tls != NULL, address),
           ask->host_len);
    memcpy(to + ask->host_at + ask->host_len, behind, check_get_kept_len(ask) - ask->host_at);
    return to;
}
