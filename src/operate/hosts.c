/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hosts.h. */
#include "config.h"

#include "operate/hosts.h"

#include "base/buffer.h"
#include "dns/types.h"

const char **hosts_list(const struct view *view, const struct steer_member *member, uint16_t type,
                        struct arena *arena, size_t *count)
{
    enum view_family family = type == DNS_TYPE_A ? VIEW_V4 : VIEW_V6;
    const struct view_addresses *addresses =
        view_get_addresses(view, view->topology->endpoints[member->endpoint].host->index);
    const char **list = arena_alloc(arena, addresses->count[family] * sizeof *list);
    char text[ADDR_TEXT_SIZE];
    *count = addresses->count[family];
    for (size_t i = 0; i < *count; i++) {
        list[i] = arena_copy_text(arena, addr_write(&addresses->items[family][i], text));
    }
    return list;
}

static void write_family(const struct view_host *host, const struct view_addresses *addresses,
                         enum view_family family, uint32_t now_s, struct buffer *to)
{
    const struct view_news *told = &host->told[family];
    char text[ADDR_TEXT_SIZE];
    buffer_print(to, "%s: ", family == VIEW_V4 ? "IPv4" : "IPv6");
    for (size_t i = 0; i < addresses->count[family]; i++) {
        buffer_print(to, "%s%s", i == 0 ? "" : ", ", addr_write(&addresses->items[family][i], text));
    }
    if (addresses->count[family] == 0) {
        buffer_add_text(to, "no address");
    }
    if (told->answered_ms != 0) {
        buffer_print(to, ", answered %ld s ago", (long)(now_s - told->answered_ms / 1000));
    } else if (told->state == VIEW_HOST_PENDING) {
        buffer_add_text(to, ", not answered yet");
    }
    if (told->state == VIEW_HOST_FAILING) {
        buffer_print(to, ", now failing: %s", told->error);
    }
}

const char *hosts_describe(const struct view *view, const struct steer_member *member, uint32_t now_s,
                           struct arena *arena)
{
    const struct conf_endpoint *endpoint = &view->topology->endpoints[member->endpoint];
    if (endpoint->host == NULL || (!member->has_host && !member->is_alias)) {
        return NULL;
    }
    const struct view_host *host = &view->hosts[endpoint->host->index];
    const struct view_addresses *addresses = view_get_addresses(view, endpoint->host->index);
    struct buffer text;
    buffer_init(&text);
    buffer_print(&text, "%s is the host name %s%s", endpoint->name, endpoint->host->name,
                 member->is_alias ? ", answered as a CNAME" : "");
    if (host->loop != NULL) {
        buffer_print(&text, ", which leads back to %s: not looked up", host->loop);
    } else {
        buffer_add_text(&text, "; ");
        write_family(host, addresses, VIEW_V4, now_s, &text);
        buffer_add_text(&text, "; ");
        write_family(host, addresses, VIEW_V6, now_s, &text);
    }
    const char *copy = arena_copy_text(arena, text.bytes);
    buffer_fini(&text);
    return copy;
}
