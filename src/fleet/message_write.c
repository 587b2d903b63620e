/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values to lines. */
#include "config.h"

#include "fleet/message.h"

#include "base/utf8.h"
#include "fleet/message_bulk.h"

#include <stdlib.h>
#include <string.h>

/* What stands for itself in a text of JSON. */
static bool is_plain(uint32_t code)
{
    return code >= 0x20 && code != '"' && code != '\\';
}

static void add_escaped(struct buffer *to, char c)
{
    if (c == '\n') {
        buffer_add_text(to, "\\n");
    } else if (c == '"' || c == '\\') {
        buffer_print(to, "\\%c", c);
    } else {
        buffer_print(to, "\\u%04x", (unsigned)c);
    }
}

/* What is no UTF-8 (a remark in a file of certificates, say) is replaced: the other side would not read it.
 */
static void add_text(struct buffer *to, const char *text)
{
    const char *begin = text, *end = text + strlen(text);
    buffer_add(to, "\"", 1);
    for (const char *at = text; at < end;) {
        uint32_t code = 0;
        size_t len = utf8_read(at, (size_t)(end - at), &code);
        if (len != 0 && is_plain(code)) {
            at += len;
            continue;
        }
        buffer_add(to, begin, (size_t)(at - begin));
        len != 0 ? add_escaped(to, *at) : buffer_add_text(to, UTF8_REPLACEMENT_TEXT);
        at += len != 0 ? len : 1;
        begin = at;
    }
    buffer_add(to, begin, (size_t)(end - begin));
    buffer_add(to, "\"", 1);
}

static void add_member(struct buffer *to, const char *key, const char *text)
{
    buffer_print(to, ",\"%s\":", key);
    add_text(to, text);
}

static void add_number(struct buffer *to, const char *key, uint64_t number)
{
    buffer_print(to, "\"%s\":%llu", key, (unsigned long long)number);
}

static void add_addresses(struct buffer *to, const struct addr *addresses, size_t count)
{
    char text[ADDR_TEXT_SIZE];
    buffer_add_text(to, ",\"addresses\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_print(to, "%s\"%s\"", i == 0 ? "" : ",", addr_write(&addresses[i], text));
    }
    buffer_add_text(to, "]");
}

static void write_check(const struct fleet_check *check, struct buffer *to)
{
    add_number(to, "index", check->index);
    buffer_print(to, ",\"definition\":%s,\"files\":{", check->definition);
    for (size_t i = 0; i < check->file_count; i++) {
        buffer_add_text(to, i == 0 ? "" : ",");
        add_text(to, check->files[i].path);
        buffer_add_text(to, ":");
        add_text(to, check->files[i].content);
    }
    buffer_add_text(to, "}");
}

static void write_target(const struct fleet_target *target, struct buffer *to)
{
    buffer_print(to, "{\"identity\":\"%016llx\",", (unsigned long long)target->identity);
    add_number(to, "check", target->check);
    add_member(to, "name", target->name);
    add_addresses(to, target->addresses, target->address_count);
    if (target->host != NULL) {
        add_member(to, "host", target->host);
    }
    buffer_print(to, ",\"in_turn\":%s,\"idle\":%s}", target->in_turn ? "true" : "false",
                 target->idle ? "true" : "false");
}

static void write_targets(const struct fleet_message *message, struct buffer *to)
{
    for (size_t i = 0; i < message->targets.count; i++) {
        buffer_add_text(to, i == 0 ? "" : ",");
        write_target(&message->targets.items[i], to);
    }
}

static void write_aim(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->aim.generation);
    buffer_add_text(to, ",\"items\":[");
    for (size_t i = 0; i < message->aim.count; i++) {
        const struct fleet_aim *aim = &message->aim.items[i];
        buffer_add_text(to, i == 0 ? "{" : ",{");
        add_number(to, "index", aim->index);
        add_addresses(to, aim->addresses, aim->address_count);
        buffer_print(to, ",\"idle\":%s}", aim->idle ? "true" : "false");
    }
    buffer_add_text(to, "]");
}

static void write_taken(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->taken.generation);
    buffer_add_text(to, ",\"refused\":[");
    for (size_t i = 0; i < message->taken.count; i++) {
        buffer_add_text(to, i == 0 ? "{" : ",{");
        add_number(to, "check", message->taken.refused[i].check);
        add_member(to, "why", message->taken.refused[i].why);
        buffer_add_text(to, "}");
    }
    buffer_add_text(to, "]");
    if (message->taken.more != 0) {
        buffer_print(to, ",\"more\":%u", message->taken.more);
    }
}

static void write_untaken(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->untaken.generation);
    add_member(to, "why", message->untaken.why);
}

static void write_opinions(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->opinions.generation);
    buffer_add_text(to, ",");
    add_number(to, "seq", message->opinions.seq);
    buffer_print(to, ",\"all\":%s,\"items\":[", message->opinions.all ? "true" : "false");
    for (size_t i = 0; i < message->opinions.count; i++) {
        const struct fleet_opinion *opinion = &message->opinions.items[i];
        buffer_print(to, "%s[%u,\"%s\",%u,\"%s\",%u,%u,%lld]", i == 0 ? "" : ",", opinion->index,
                     fleet_verdict_text(opinion->verdict), opinion->streak,
                     health_outcome_text(opinion->outcome), opinion->detail, opinion->duration_us,
                     (long long)opinion->age_ms);
    }
    buffer_add_text(to, "]");
}

static void write_hello(const struct fleet_hello *hello, struct buffer *to)
{
    add_number(to, "version", hello->version);
    add_member(to, "name", hello->name);
    add_member(to, "software", hello->software);
    buffer_print(to, ",\"run\":\"%016llx\"", (unsigned long long)hello->run);
    if (hello->has_list) {
        buffer_print(to, ",\"list\":\"%016llx\"", (unsigned long long)hello->list);
    }
}

static void write_welcome(const struct fleet_welcome *welcome, struct buffer *to)
{
    add_number(to, "version", welcome->version);
    add_member(to, "server", welcome->server);
    buffer_print(to, ",\"heartbeat_ms\":%u,\"expires_ms\":%u", welcome->heartbeat_ms, welcome->expires_ms);
}

static void write_enrol(const struct fleet_enrol *enrol, struct buffer *to)
{
    add_number(to, "version", enrol->version);
    add_member(to, "name", enrol->name);
    add_member(to, "token", enrol->token);
}

static void write_run(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "id", message->run.id);
    buffer_print(to, ",\"identity\":\"%016llx\"", (unsigned long long)message->run.identity);
}

static void write_trace(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "id", message->trace.id);
    add_member(to, "step", message->trace.step);
    buffer_print(to, ",\"at_us\":%u", message->trace.at_us);
    add_member(to, "text", message->trace.text);
}

static void write_ran(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "id", message->ran.id);
    buffer_print(to, ",\"outcome\":\"%s\",\"detail\":%u,\"duration_us\":%u",
                 health_outcome_text(message->ran.outcome), message->ran.detail, message->ran.duration_us);
}

static void write_limits(const struct fleet_limits *limits, struct buffer *to)
{
    buffer_print(to, "\"in_flight\":%u,\"per_address\":%u,\"per_second\":%u", limits->in_flight,
                 limits->per_address, limits->per_second);
}

static void write_mark(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->mark.generation);
    buffer_print(to, ",\"mark\":\"%016llx\"", (unsigned long long)message->mark.mark);
}

static void write_change(const struct fleet_message *message, struct buffer *to)
{
    add_number(to, "generation", message->change.generation);
    buffer_print(to, ",\"from\":%llu,\"count\":%u", (unsigned long long)message->change.from,
                 message->change.count);
}

static void write_keep(const struct fleet_message *message, struct buffer *to)
{
    buffer_add_text(to, "\"ranges\":[");
    for (size_t i = 0; i < message->keep.count; i++) {
        const struct fleet_range *range = &message->keep.items[i];
        buffer_print(to, "%s[%u,%u,%d]", i == 0 ? "" : ",", range->from, range->count, range->shift);
    }
    buffer_add_text(to, "]");
}

static void write_marked(uint64_t mark, const char *key, const char *text, struct buffer *to)
{
    buffer_print(to, "\"mark\":\"%016llx\"", (unsigned long long)mark);
    add_member(to, key, text);
}

static void write_pair(uint64_t generation, const char *key, uint64_t number, struct buffer *to)
{
    add_number(to, "generation", generation);
    buffer_add_text(to, ",");
    add_number(to, key, number);
}

static void write_one(const char *key, const char *text, struct buffer *to)
{
    buffer_print(to, "\"%s\":", key);
    add_text(to, text);
}

static void write_body(const struct fleet_message *message, struct buffer *to)
{
    switch (message->kind) {
    case FLEET_HELLO: write_hello(&message->hello, to); break;
    case FLEET_WELCOME: write_welcome(&message->welcome, to); break;
    case FLEET_REFUSED: write_one("why", message->refused, to); break;
    case FLEET_ENROL: write_enrol(&message->enrol, to); break;
    case FLEET_ENROLLED: write_one("name", message->enrolled, to); break;
    case FLEET_JOIN:
    case FLEET_JOINED: write_one("what", message->what, to); break;
    case FLEET_LIST: write_pair(message->list.generation, "count", message->list.count, to); break;
    case FLEET_CHECK: write_check(&message->check, to); break;
    case FLEET_TARGETS: write_targets(message, to); break;
    case FLEET_LISTED:
    case FLEET_SAME: add_number(to, "generation", message->generation); break;
    case FLEET_AIM: write_aim(message, to); break;
    case FLEET_TAKEN: write_taken(message, to); break;
    case FLEET_UNTAKEN: write_untaken(message, to); break;
    case FLEET_OPINIONS: write_opinions(message, to); break;
    case FLEET_ALIVE: write_pair(message->alive.generation, "seq", message->alive.seq, to); break;
    case FLEET_RUN: write_run(message, to); break;
    case FLEET_TRACE: write_trace(message, to); break;
    case FLEET_RAN: write_ran(message, to); break;
    case FLEET_LIMITS: write_limits(&message->limits, to); break;
    case FLEET_CLOCK: add_number(to, "wall_ms", (uint64_t)message->wall_ms); break;
    case FLEET_MARK: write_mark(message, to); break;
    case FLEET_CAN: buffer_print(to, "\"change\":%s", message->can_change ? "true" : "false"); break;
    case FLEET_CHANGE: write_change(message, to); break;
    case FLEET_KEEP: write_keep(message, to); break;
    case FLEET_ORDER: write_marked(message->order.mark, "text", message->order.text, to); break;
    case FLEET_HOLDS: write_marked(message->holds.mark, "why", message->holds.why, to); break;
    case FLEET_SERIALS: write_one("text", message->serials, to); break;
    case FLEET_HAS:
    case FLEET_WANT:
    case FLEET_NONE:
    case FLEET_BLOCK: fleet_write_bulk(message, to); break;
    }
}

void fleet_write(const struct fleet_message *message, struct buffer *to)
{
    bool is_list = message->kind == FLEET_TARGETS;
    buffer_print(to, "{\"%s\":%s", fleet_kind_text(message->kind), is_list ? "[" : "{");
    write_body(message, to);
    buffer_add_text(to, is_list ? "]}\n" : "}}\n");
}
