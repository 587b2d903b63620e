/* SPDX-License-Identifier: BSD-3-Clause
 *
 * src/etcd for tests: orders as lines on stdin, what comes back as lines of JSON on stdout.
 *   etcd_client PROGRAM ENDPOINT[,ENDPOINT…] [ca=FILE] [certificate=FILE] [key=FILE] [user=NAME]
 * [password=TEXT] Orders: deadline MS | put KEY VALUE [LEASE] | fill KEY LEN [COUNT] (x's; COUNT: as many
 * keys, in one transaction) create KEY VALUE | swap KEY MOD_REVISION VALUE | same KEY VALUE NEW | delete KEY
 * | get KEY [REVISION] list PREFIX [LIMIT [AFTER]] | grant TTL | keep LEASE | revoke LEASE | watch PREFIX
 * REVISION | off NUMBER brief (values by their length from now on) | status | quit */
#include "config.h"

#include "base/error.h"
#include "base/memory.h"
#include "etcd/etcd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

enum { WORDS_MAX = 5, LINE_SIZE = 65536 };

struct order;

struct client {
    struct event_base *base;
    struct etcd *etcd;
    uint32_t deadline_ms;
    bool is_brief;
    struct order *orders;
    char line[LINE_SIZE];
    size_t len;
};

/* What one order asked for. Kept to the end. */
struct order {
    struct order *next;
    struct client *client;
    uint64_t number;
};

static void tell(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

static json_t *write_kv(const struct client *client, const struct etcd_kv *kv)
{
    json_t *value =
        client->is_brief ? json_integer((json_int_t)kv->value_len) : json_stringn(kv->value, kv->value_len);
    return json_pack("{s:s#, s:o, s:I, s:I, s:I, s:I}", "key", kv->key, (int)kv->key_len, "value", value,
                     "mod", (json_int_t)kv->mod_revision, "create", (json_int_t)kv->create_revision,
                     "version", (json_int_t)kv->version, "lease", (json_int_t)kv->lease);
}

static void on_done(void *context, const struct etcd_answer *answer)
{
    const struct order *order = context;
    json_t *kvs = json_array();
    for (size_t i = 0; i < answer->kv_count; i++) {
        json_array_append_new(kvs, write_kv(order->client, &answer->kvs[i]));
    }
    tell(json_pack("{s:I, s:i, s:s, s:s, s:s, s:b, s:I, s:o, s:b, s:I, s:I}", "number",
                   (json_int_t)order->number, "error", answer->error, "text",
                   answer->error == 0 ? "" : error_text(answer->error), "why", answer->why, "endpoint",
                   answer->endpoint, "may_have_effect", answer->may_have_effect, "revision",
                   (json_int_t)answer->revision, "kvs", kvs, "more", answer->more, "lease",
                   (json_int_t)answer->lease, "ttl", (json_int_t)answer->ttl_s));
}

static void on_begun(void *context, int64_t revision)
{
    const struct order *order = context;
    tell(json_pack("{s:I, s:s, s:I}", "watch", (json_int_t)order->number, "event", "begun", "revision",
                   (json_int_t)revision));
}

static void on_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision)
{
    const struct order *order = context;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *kv = write_kv(order->client, &changes[i].kv);
        json_object_set_new(kv, "delete", json_boolean(changes[i].is_delete));
        json_array_append_new(list, kv);
    }
    tell(json_pack("{s:I, s:s, s:I, s:o}", "watch", (json_int_t)order->number, "event", "changed", "revision",
                   (json_int_t)revision, "changes", list));
}

static void on_lost(void *context, const char *why)
{
    const struct order *order = context;
    tell(json_pack("{s:I, s:s, s:s}", "watch", (json_int_t)order->number, "event", "lost", "why", why));
}

static void on_ended(void *context, int error, const char *why)
{
    const struct order *order = context;
    tell(json_pack("{s:I, s:s, s:i, s:s}", "watch", (json_int_t)order->number, "event", "ended", "error",
                   error, "why", why));
}

static struct order *new_order(struct client *client)
{
    struct order *order = memory_alloc(sizeof *order);
    order->client = client;
    order->next = client->orders;
    client->orders = order;
    return order;
}

static void note(struct order *order, uint64_t number)
{
    order->number = number;
    tell(json_pack("{s:I}", "asked", (json_int_t)number));
}

static void ask(struct client *client, const struct etcd_condition *condition, const struct etcd_op *ops,
                size_t count)
{
    struct order *order = new_order(client);
    const struct etcd_op look = {.kind = ETCD_GET, .key = condition == NULL ? "" : condition->key};
    const struct etcd_request request = {.conditions = condition,
                                         .condition_count = condition != NULL,
                                         .then = ops,
                                         .then_count = count,
                                         .otherwise = &look,
                                         .otherwise_count = condition != NULL,
                                         .deadline_ms = client->deadline_ms,
                                         .done = on_done,
                                         .context = order};
    note(order, etcd_ask(client->etcd, &request));
}

static void fill(struct client *client, const char *key, size_t len, size_t count)
{
    struct etcd_op *ops = memory_alloc_array(count, sizeof *ops);
    char *value = memory_alloc(len + 1), **keys = memory_alloc_array(count, sizeof *keys);
    memset(value, 'x', len);
    for (size_t i = 0; i < count; i++) {
        keys[i] = count == 1 ? memory_copy_text(key) : memory_print("%s%zu", key, i);
        ops[i] = (struct etcd_op){.kind = ETCD_PUT, .key = keys[i], .value = value};
    }
    ask(client, NULL, ops, count);
    for (size_t i = 0; i < count; i++) {
        free(keys[i]);
    }
    free(keys);
    free(value);
    free(ops);
}

static void ask_swap(struct client *client, char **words)
{
    bool is_create = strcmp(words[0], "create") == 0, is_same = strcmp(words[0], "same") == 0;
    const struct etcd_condition condition = {.kind = is_create ? ETCD_IF_ABSENT
                                                     : is_same ? ETCD_IF_VALUE
                                                               : ETCD_IF_MOD_REVISION,
                                             .key = words[1],
                                             .value = words[2],
                                             .number =
                                                 is_create || is_same ? 0 : strtoll(words[2], NULL, 10)};
    const struct etcd_op op = {.kind = ETCD_PUT, .key = words[1], .value = is_create ? words[2] : words[3]};
    ask(client, &condition, &op, 1);
}

static void ask_list(struct client *client, char **words)
{
    const struct etcd_op op = {.kind = ETCD_LIST,
                               .key = words[1],
                               .limit = words[2][0] == '\0' ? 0 : strtoul(words[2], NULL, 10),
                               .after = words[3][0] == '\0' ? NULL : words[3]};
    ask(client, NULL, &op, 1);
}

static void watch(struct client *client, char **words)
{
    struct order *order = new_order(client);
    const struct etcd_watch_options options = {.prefix = words[1],
                                               .from_revision = strtoll(words[2], NULL, 10),
                                               .context = order,
                                               .begun = on_begun,
                                               .changed = on_changed,
                                               .lost = on_lost,
                                               .ended = on_ended};
    note(order, etcd_watch(client->etcd, &options));
}

static void tell_status(const struct client *client)
{
    struct etcd_status status;
    etcd_get_status(client->etcd, &status);
    tell(json_pack("{s:b, s:s, s:s, s:I, s:I, s:I}", "reached", status.is_reached, "endpoint",
                   status.endpoint, "why", status.why, "requests", (json_int_t)status.requests, "failures",
                   (json_int_t)status.failures, "restarts", (json_int_t)status.restarts));
}

static void obey_lease(struct client *client, char **words)
{
    struct order *order = new_order(client);
    int64_t number = strtoll(words[1], NULL, 10);
    uint32_t ms = client->deadline_ms;
    note(order, words[0][0] == 'g'   ? etcd_grant(client->etcd, number, ms, on_done, order)
                : words[0][0] == 'k' ? etcd_keep(client->etcd, number, ms, on_done, order)
                                     : etcd_revoke(client->etcd, number, ms, on_done, order));
}

static void obey_op(struct client *client, char **words)
{
    struct etcd_op op = {.key = words[1]};
    if (strcmp(words[0], "put") == 0) {
        op.kind = ETCD_PUT;
        op.value = words[2];
        op.lease = strtoll(words[3], NULL, 10);
    } else if (strcmp(words[0], "get") == 0) {
        op.kind = ETCD_GET;
        op.at_revision = strtoll(words[2], NULL, 10);
    } else {
        op.kind = ETCD_DELETE;
    }
    ask(client, NULL, &op, 1);
}

static bool is(const char *word, const char *list)
{
    const char *found = strstr(list, word);
    return found != NULL && word[0] != '\0';
}

static void obey(struct client *client, char **words)
{
    const char *verb = words[0];
    if (is(verb, "put get delete")) {
        obey_op(client, words);
    } else if (is(verb, "create swap same")) {
        ask_swap(client, words);
    } else if (is(verb, "grant keep revoke")) {
        obey_lease(client, words);
    } else if (is(verb, "fill")) {
        fill(client, words[1], strtoul(words[2], NULL, 10),
             words[3][0] == '\0' ? 1 : strtoul(words[3], NULL, 10));
    } else if (is(verb, "list")) {
        ask_list(client, words);
    } else if (is(verb, "watch")) {
        watch(client, words);
    } else if (is(verb, "off")) {
        etcd_call_off(client->etcd, strtoull(words[1], NULL, 10));
    } else if (is(verb, "deadline")) {
        client->deadline_ms = (uint32_t)strtoul(words[1], NULL, 10);
    } else if (is(verb, "brief")) {
        client->is_brief = true;
    } else if (is(verb, "status")) {
        tell_status(client);
    } else {
        event_base_loopbreak(client->base);
    }
}

static void obey_line(struct client *client, char *line)
{
    static char nothing[] = "";
    char *words[WORDS_MAX] = {nothing, nothing, nothing, nothing, nothing}, *rest = line;
    for (size_t i = 0; i < WORDS_MAX && rest != NULL; i++) {
        words[i] = strsep(&rest, " ");
    }
    obey(client, words);
}

static void on_input(evutil_socket_t fd, short what, void *argument)
{
    struct client *client = argument;
    (void)what;
    ssize_t n = read(fd, client->line + client->len, sizeof client->line - client->len);
    if (n <= 0) {
        event_base_loopbreak(client->base);
        return;
    }
    client->len += (size_t)n;
    char *end;
    while ((end = memchr(client->line, '\n', client->len)) != NULL) {
        size_t len = (size_t)(end - client->line) + 1;
        *end = '\0';
        obey_line(client, client->line);
        memmove(client->line, client->line + len, client->len - len);
        client->len -= len;
    }
}

static void read_option(struct etcd_options *options, char *text)
{
    const char *name = strsep(&text, "=");
    const char **to = strcmp(name, "ca") == 0            ? &options->ca
                      : strcmp(name, "certificate") == 0 ? &options->certificate
                      : strcmp(name, "key") == 0         ? &options->key
                      : strcmp(name, "user") == 0        ? &options->user
                                                         : &options->password;
    *to = text;
}

int main(int argc, char **argv)
{
    static struct client client;
    const char *endpoints[ETCD_ENDPOINTS_MAX];
    struct etcd_options options = {.endpoints = endpoints};
    if (argc < 3) {
        return 2;
    }
    options.program = argv[1];
    for (char *rest = argv[2], *one;
         (one = strsep(&rest, ",")) != NULL && options.endpoint_count < ETCD_ENDPOINTS_MAX;) {
        endpoints[options.endpoint_count++] = one;
    }
    for (int i = 3; i < argc; i++) {
        read_option(&options, argv[i]);
    }
    client.base = options.base = event_base_new();
    client.deadline_ms = 5000;
    if (etcd_open(&options, &client.etcd) != 0) {
        return 1;
    }
    struct event *input = event_new(client.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &client);
    event_add(input, NULL);
    event_base_dispatch(client.base);
    event_free(input);
    etcd_close(client.etcd);
    event_base_free(client.base);
    while (client.orders != NULL) {
        struct order *order = client.orders;
        client.orders = order->next;
        free(order);
    }
    return 0;
}
