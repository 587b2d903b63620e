/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See join.h: the first node. Nobody is asked: etcd is looked at by steerd. */
#include "config.h"

#include "join/join.h"

#include "base/addr.h"
#include "base/exits.h"
#include "base/memory.h"
#include "conf/cluster.h"
#include "join/target.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ETCD_MAX = 9, PORT = 5308, HOST_SIZE = 256 };

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Of "https://HOST:PORT". False: it is none. */
static bool read_host(const char *url, char host[HOST_SIZE], char port[8])
{
    const char *from = strstr(url, "://");
    from = from == NULL ? url : from + 3;
    bool is_v6 = *from == '[';
    size_t len = is_v6 ? strcspn(++from, "]") : strcspn(from, ":/");
    const char *rest = from + len + (is_v6 && from[len] == ']');
    if (len == 0 || len >= HOST_SIZE || *rest != ':' || strlen(rest + 1) >= 8) {
        return false;
    }
    snprintf(host, HOST_SIZE, "%.*s", (int)len, from);
    snprintf(port, 8, "%s", rest + 1);
    return true;
}

/* The address of this host from which etcd is reached; no packet is sent. */
static bool find_address(const char *url, struct addr *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    struct addr_port local;
    char host[HOST_SIZE], port[8];
    if (!read_host(url, host, port) || getaddrinfo(host, port, &hints, &found) != 0) {
        return false;
    }
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd != -1 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &len) == 0;
    if (good) {
        addr_from_sockaddr((const struct sockaddr *)&at, &local);
        *address = local.addr;
    }
    if (fd != -1) {
        close(fd);
    }
    freeaddrinfo(found);
    return good;
}

static size_t split(char *text, const char **items)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *item = strtok_r(text, ",", &rest); item != NULL && count < ETCD_MAX;
         item = strtok_r(NULL, ",", &rest)) {
        items[count++] = item;
    }
    return count;
}

int init(const struct init_order *order)
{
    const char *etcd[ETCD_MAX];
    char listen[ADDR_TEXT_SIZE] = "", *copy = memory_copy_text(order->etcd);
    struct section section = {.name = order->name,
                              .node = order->node,
                              .listen = text_or_null(order->listen),
                              .etcd = etcd,
                              .etcd_count = split(copy, etcd),
                              .ca = text_or_null(order->ca),
                              .certificate = text_or_null(order->certificate),
                              .key = text_or_null(order->key),
                              .user = text_or_null(order->user),
                              .password_file = text_or_null(order->password_file)};
    struct addr_port at = {.port = PORT};
    struct target target;
    if (section.listen == NULL && section.etcd_count != 0 && find_address(etcd[0], &at.addr)) {
        section.listen = addr_write_port(&at, listen);
    }
    bool good = target_open(&target, order->config) && target_put(&target, &section);
    if (good) {
        printf(
            "%s is the first node of %s%s%s: written to %s.\nStart steerd, or steerctl reload; then steerctl "
            "cluster invite NAME lets others join.\n" CONF_CLUSTER_ETCD_NEEDS,
            section.node, section.name, section.listen == NULL ? "" : ", and listens for others at ",
            section.listen == NULL ? "" : section.listen, target.path);
    }
    target_fini(&target);
    free(copy);
    return good ? EXITS_OK : EXITS_REFUSED;
}
