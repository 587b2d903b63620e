/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The "records" of steered names: texts of the policy become rdata, by the reader of master files, and lists
 * of rdata become steered RRsets. Addresses of endpoints fill the gaps where they are wanted. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "dns/types.h"

#include <string.h>

/* ---- texts ---- */

struct reading {
    struct arena *arena;
    struct zone_rdata *to;
    size_t count; /* of records that a text turned out to be */
};

static int take_record(void *context, const struct zone_record *record)
{
    struct reading *reading = context;
    reading->to->bytes = arena_copy(reading->arena, record->rdata, record->rdata_len);
    reading->to->len = record->rdata_len;
    reading->count++;
    return 0;
}

/* What the reader says is at its text; it becomes a message about the value in the document. */
static void pass_on(struct report *to, const struct report *from, const struct report_place *place)
{
    for (size_t i = 0; i < report_count(from); i++) {
        const struct report_item *item = report_get(from, i);
        report_add(to, item->severity, place, "%s", item->message);
    }
}

static int read_rdata(const struct compile_policy *p, const struct conf_rdata *rdata, uint16_t type,
                      struct zone_rdata *to)
{
    char type_text[DNS_TYPE_TEXT_SIZE];
    const struct zone_reader_options options = {.origin = p->policy->origin};
    struct report_place place = rdata->place;
    struct reading reading = {.arena = p->arena, .to = to};
    const struct zone_sink sink = {.context = &reading, .record = take_record};
    struct buffer line;
    place.file = p->policy->path;
    to->line = place.line;
    to->column = place.column;
    if (strpbrk(rdata->text, "\n\r") != NULL) {
        report_add(p->c->report, REPORT_ERROR, &place, "a line break, expected one record in one line");
        return ERROR_INVALID;
    }
    struct report *report = report_new();
    buffer_init(&line);
    buffer_print(&line, "@ 0 IN %s ", dns_write_type(type, type_text));
    buffer_add_text(&line, rdata->text);
    int error = zone_read_text(p->policy->path, line.bytes, line.len, &options, &sink, report);
    pass_on(p->c->report, report, &place);
    buffer_fini(&line);
    report_free(report);
    return error == 0 && reading.count == 1 ? 0 : ERROR_INVALID;
}

static int read_list(const struct compile_policy *p, const struct conf_list *from, uint16_t type,
                     struct zone_list *to)
{
    struct zone_rdata *items = arena_alloc(p->arena, from->count * sizeof *items);
    int result = 0;
    *to = (struct zone_list){.items = items, .count = (uint16_t)from->count, .type = type};
    for (size_t i = 0; i < from->count; i++) {
        int error = read_rdata(p, &from->items[i], type, &items[i]);
        result = error != 0 ? error : result;
    }
    return result;
}

/* ---- addresses ---- */

static const struct addr *find_address(const struct conf_endpoint *endpoint, uint16_t type)
{
    const struct addr *addr = type == DNS_TYPE_A      ? &endpoint->v4
                              : type == DNS_TYPE_AAAA ? &endpoint->v6
                                                      : NULL;
    return addr == NULL || addr->family == ADDR_NONE ? NULL : addr;
}

/* Members of which the document says nothing answer with their address. */
static void fill_gaps(const struct compile_policy *p, const struct conf_name *name, struct compile_type *to,
                      struct zone_list *lists)
{
    for (size_t i = 0; i < name->member_count && to->list_count < ZONE_NO_SET; i++) {
        const struct conf_endpoint *endpoint = &p->c->view->topology->endpoints[name->members[i].endpoint];
        const struct addr *addr = find_address(endpoint, to->type);
        if (to->of_member[i] != CONF_NO_LIST || addr == NULL) {
            continue;
        }
        struct zone_rdata *rdata = arena_alloc(p->arena, sizeof *rdata);
        rdata->len = to->type == DNS_TYPE_A ? 4 : 16;
        rdata->bytes = addr->bytes;
        lists[to->list_count] = (struct zone_list){.items = rdata, .count = 1, .type = to->type};
        to->of_member[i] = to->list_count++;
    }
}

/* ---- all types of a name ---- */

static void drop_empty(struct compile_type *type, size_t member_count)
{
    for (size_t i = 0; i < member_count; i++) {
        if (type->of_member[i] != ZONE_NO_SET && type->lists[type->of_member[i]].count == 0) {
            type->of_member[i] = ZONE_NO_SET;
        }
    }
}

/* Lists that a wider key stands for may be of no member: they are left out. */
static void drop_unused(struct compile_type *type, struct zone_list *lists, struct arena *arena,
                        size_t member_count)
{
    uint16_t *number = arena_alloc(arena, type->list_count * sizeof *number), used = 0;
    for (size_t i = 0; i < member_count; i++) {
        if (type->of_member[i] != ZONE_NO_SET) {
            number[type->of_member[i]] = 1;
        }
    }
    for (size_t i = 0; i < type->list_count; i++) {
        bool is_used = number[i] != 0;
        lists[used] = lists[i];
        number[i] = used;
        used = (uint16_t)(used + is_used);
    }
    for (size_t i = 0; i < member_count; i++) {
        uint16_t *at = &type->of_member[i];
        *at = *at == ZONE_NO_SET ? ZONE_NO_SET : number[*at];
    }
    type->list_count = used;
}

/* The addresses of a host name change: no lists are made of them. */
static int check_hosts(const struct compile_policy *p, const struct conf_name *name,
                       const struct conf_record_type *from)
{
    bool has_addresses = from->type == DNS_TYPE_A || from->type == DNS_TYPE_AAAA;
    char type[DNS_TYPE_TEXT_SIZE];
    for (size_t i = 0; name->addresses && has_addresses && i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &p->c->view->topology->endpoints[name->members[i].endpoint];
        if (endpoint->host != NULL && from->of_member[i] == CONF_NO_LIST) {
            struct report_place place = from->place;
            place.file = p->policy->path;
            report_add(p->c->report, REPORT_ERROR, &place,
                       "the addresses of endpoint \"%s\", a host name, cannot stand beside these %s records; "
                       "expected records for it as well, or \"addresses\": false",
                       endpoint->name, dns_write_type(from->type, type));
            return ERROR_INVALID;
        }
    }
    return 0;
}

static int read_type(const struct compile_policy *p, const struct conf_name *name,
                     const struct conf_record_type *from, struct compile_type *to)
{
    size_t room = from->list_count + (name->addresses ? name->member_count : 0);
    struct zone_list *lists = arena_alloc(p->arena, room * sizeof *lists);
    int result = check_hosts(p, name, from);
    to->type = from->type;
    to->lists = lists;
    to->of_member = arena_copy(p->arena, from->of_member, name->member_count * sizeof *to->of_member);
    to->list_count = (uint16_t)from->list_count;
    for (size_t i = 0; i < from->list_count; i++) {
        int error = read_list(p, &from->lists[i], from->type, &lists[i]);
        result = error != 0 ? error : result;
    }
    if (name->addresses) {
        fill_gaps(p, name, to, lists);
    }
    drop_empty(to, name->member_count);
    drop_unused(to, lists, p->arena, name->member_count);
    return result;
}

/* Bits are given in the order of the document. */
static uint16_t choose_bit(struct compile_records *records, uint16_t type)
{
    if (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) {
        return type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA;
    }
    records->numbers[records->number_count] = type;
    return (uint16_t)(1u << records->number_count++);
}

int compile_read_records(const struct compile_policy *p, const struct conf_name *name,
                         struct compile_records *records)
{
    int result = 0;
    records->numbers[0] = DNS_TYPE_A;
    records->numbers[1] = DNS_TYPE_AAAA;
    records->number_count = STEER_TYPES_FIXED;
    size_t count = name->records == NULL ? 0 : name->records->count;
    records->items = arena_alloc(p->arena, count * sizeof *records->items);
    for (size_t i = 0; i < count; i++) {
        struct compile_type *type = &records->items[i];
        int error = read_type(p, name, &name->records->types[i], type);
        type->bit = choose_bit(records, type->type);
        result = error != 0 ? error : result;
    }
    records->count = count;
    return result;
}

static bool is_listed(const struct compile_records *records, uint16_t type)
{
    for (size_t i = 0; i < records->count; i++) {
        if (records->items[i].type == type) {
            return true;
        }
    }
    return false;
}

bool compile_answers_addresses(const struct conf_name *name, const struct compile_records *records,
                               uint16_t type)
{
    return name->addresses && !is_listed(records, type);
}

uint16_t compile_find_types(const struct compile_policy *p, const struct conf_name *name,
                            const struct compile_records *records, size_t member)
{
    const struct conf_endpoint *endpoint = &p->c->view->topology->endpoints[name->members[member].endpoint];
    unsigned has = 0;
    if (compile_answers_addresses(name, records, DNS_TYPE_A) && endpoint->v4.family != ADDR_NONE) {
        has |= STEER_HAS_A;
    }
    if (compile_answers_addresses(name, records, DNS_TYPE_AAAA) && endpoint->v6.family != ADDR_NONE) {
        has |= STEER_HAS_AAAA;
    }
    for (size_t i = 0; i < records->count; i++) {
        bool is_drawn = records->is_alias && records->items[i].type == DNS_TYPE_CNAME;
        has |= is_drawn || records->items[i].of_member[member] != ZONE_NO_SET ? records->items[i].bit : 0;
    }
    return (uint16_t)has;
}

void compile_add_listed(struct zone_builder *builder, const struct compile_records *records,
                        const struct zone_steered_plan *name)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct compile_type *type = &records->items[i];
        if (type->list_count != 0) {
            zone_builder_add_listed(builder, &(struct zone_listed_plan){.owner = name->owner,
                                                                        .type = type->type,
                                                                        .types = type->bit,
                                                                        .member_count = name->member_count,
                                                                        .list_count = type->list_count,
                                                                        .ttl = name->ttl,
                                                                        .policy = name->policy,
                                                                        .name = name->name,
                                                                        .lists = type->lists,
                                                                        .of_member = type->of_member,
                                                                        .line = name->line,
                                                                        .column = name->column,
                                                                        .file = name->file});
        }
    }
}
