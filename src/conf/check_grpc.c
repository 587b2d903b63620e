/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_grpc.h. Metadata of a call are header fields, but for those by which gRPC itself goes. */
#include "config.h"

#include "conf/check_grpc.h"

#include "base/arena.h"
#include "conf/check_http.h"
#include "conf/check_tls.h"

#include <string.h>
#include <strings.h>

enum { SERVICE_MAX = 255 };

static void read_service(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node member;
    check->service = "";
    if (!doc_find(node, "service", &member)) {
        return;
    }
    const char *service = doc_text(&member);
    if (service == NULL || strlen(service) > SERVICE_MAX) {
        doc_error_expected(&member, "the name of a service, up to 255 octets, or \"\" for the whole server");
    } else {
        check->service = arena_copy_text(arena, service);
    }
}

static void refuse_own_headers(const struct doc_node *node)
{
    struct doc_node headers, item = {0};
    if (!doc_find(node, "headers", &headers) || !doc_is_object(&headers)) {
        return;
    }
    while (doc_next(&headers, &item)) {
        if (strncasecmp(item.key, "grpc-", 5) == 0 || strcasecmp(item.key, "Content-Type") == 0) {
            doc_error_at_key(&item, "a check of type \"grpc\" sets \"%.100s\" by itself", item.key);
        }
    }
}

void check_grpc_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    struct doc_node tls;
    read_service(node, topology->arena, check);
    check_http_read_head(node, topology->arena, check);
    refuse_own_headers(node);
    check->keep_alive = doc_get_bool(node, "keep_alive", false);
    if (doc_find(node, "tls", &tls)) {
        check_tls_read(node, topology, check);
    }
}
