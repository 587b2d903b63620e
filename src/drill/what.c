/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an event happens to: places and checks of the topology, copies that it declares, vantages, and links,
 * which lead from a region with its vantages, or from one vantage, to a place. */
#include "config.h"

#include "drill/what.h"

#include "base/memory.h"
#include "conf/doc.h"
#include "conf/suggest.h"
#include "conf/value.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define WHAT_EXPECTED                                                                                        \
    "what it happens to: \"region:NAME\", \"az:NAME\", \"endpoint:NAME\", \"check:NAME\", "                  \
    "\"vantage:NAME\", \"link:FROM/TO\" or \"copy:FROM/TO\""

static void reject(const struct doc_node *node, const char *kind, const char *name,
                   const struct suggest_list *list)
{
    struct buffer hint;
    buffer_init(&hint);
    suggest_write(name, list, 1, &hint);
    doc_error(node, "there is no %s \"%.100s\"%s", kind, name, hint.bytes == NULL ? "" : hint.bytes);
    buffer_fini(&hint);
}

/* Which of a list has that name? -1: none. */
static ptrdiff_t find(const struct suggest_list *list, const char *name, size_t len)
{
    for (size_t n = 0; n < list->count; n++) {
        const char *const *own = (const void *)((const char *)list->items + n * list->size);
        if (strlen(*own) == len && memcmp(*own, name, len) == 0) {
            return (ptrdiff_t)n;
        }
    }
    return -1;
}

static struct suggest_list list_regions(const struct conf_topology *topology)
{
    return (struct suggest_list){topology->regions, topology->region_count, sizeof *topology->regions};
}

static struct suggest_list list_azs(const struct conf_topology *topology)
{
    return (struct suggest_list){topology->azs, topology->az_count, sizeof *topology->azs};
}

/* ---- places, checks and copies ---- */

static bool read_place(const struct what_reader *reader, const struct doc_node *node, const char *kind,
                       const char *name, struct drill_cause *cause)
{
    const struct conf_topology *topology = reader->ground->topology;
    const struct {
        const char *word;
        enum drill_what what;
        enum health_kind kind;
        struct suggest_list list;
    } all[] = {
        {"region", DRILL_PLACE, HEALTH_REGION, list_regions(topology)},
        {"az", DRILL_PLACE, HEALTH_AZ, list_azs(topology)},
        {"endpoint",
         DRILL_PLACE,
         HEALTH_ENDPOINT,
         {topology->endpoints, topology->endpoint_count, sizeof *topology->endpoints}},
        {"check",
         DRILL_CHECK,
         HEALTH_ENDPOINT,
         {topology->checks, topology->check_count, sizeof *topology->checks}},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].word, kind) != 0) {
            continue;
        }
        ptrdiff_t index = find(&all[i].list, name, strlen(name));
        if (index >= 0) {
            cause->what = all[i].what;
            cause->kind = all[i].kind;
            cause->index = (uint32_t)index;
        } else {
            reject(node, kind, name, &all[i].list);
        }
        return index >= 0;
    }
    doc_error_expected(node, WHAT_EXPECTED);
    return false;
}

static bool read_copy(const struct what_reader *reader, const struct doc_node *node, const char *pair,
                      struct drill_cause *cause)
{
    const struct conf_topology *topology = reader->ground->topology;
    const char *slash = strchr(pair, '/');
    for (size_t i = 0; slash != NULL && i < topology->replication_count; i++) {
        const struct conf_replication *own = &topology->replications[i];
        const char *from = own->of_azs ? topology->azs[own->from].name : topology->regions[own->from].name;
        const char *to = own->of_azs ? topology->azs[own->to].name : topology->regions[own->to].name;
        if (strlen(from) == (size_t)(slash - pair) && strncmp(from, pair, strlen(from)) == 0 &&
            strcmp(to, slash + 1) == 0) {
            cause->what = DRILL_COPY;
            cause->index = (uint32_t)i;
            return true;
        }
    }
    doc_error(node,
              "found \"copy:%.100s\", expected \"copy:FROM/TO\" of a pair that \"replicates_to\" declares",
              pair);
    return false;
}

/* ---- vantages ---- */

static uint32_t find_vantage(const struct drill_vantages *all, const char *name, size_t len)
{
    const struct suggest_list list = {all->items, all->count, sizeof *all->items};
    ptrdiff_t index = find(&list, name, len);
    bool is_local = len == strlen(HEALTH_LOCAL_NAME) && memcmp(name, HEALTH_LOCAL_NAME, len) == 0;
    return is_local ? 1u << DRILL_LOCAL : index < 0 ? 0 : 1u << all->items[index].number;
}

/* The server itself is one, too. */
static void reject_vantage(const struct what_reader *reader, const struct doc_node *node, const char *name)
{
    const struct drill_vantages *all = reader->vantages;
    const char **names = memory_alloc_array(all->count + 1, sizeof *names);
    for (size_t i = 0; i < all->count; i++) {
        names[i] = all->items[i].name;
    }
    names[all->count] = HEALTH_LOCAL_NAME;
    const struct suggest_list list = {names, all->count + 1, sizeof *names};
    reject(node, "vantage", name, &list);
    free(names);
}

static bool read_vantage(const struct what_reader *reader, const struct doc_node *node, const char *name,
                         struct drill_cause *cause)
{
    cause->what = DRILL_VANTAGE;
    cause->from = find_vantage(reader->vantages, name, strlen(name));
    if (cause->from == 0) {
        reject_vantage(reader, node, name);
    }
    return cause->from != 0;
}

static struct drill_vantage *add_vantage(struct drill_vantages *all, const char *name, uint8_t number)
{
    struct drill_vantage *vantage = &all->items[all->count++];
    *vantage = (struct drill_vantage){.name = name, .number = number, .weight = 1, .region = DRILL_NO_REGION};
    return vantage;
}

static void init_vantages(struct drill_vantages *list, struct arena *arena)
{
    *list = (struct drill_vantages){.items = arena_alloc(arena, HEALTH_VANTAGES_MAX * sizeof *list->items),
                                    .local_region = DRILL_NO_REGION};
}

void drill_list_enrolled(const struct health *health, struct arena *arena, struct drill_vantages *list)
{
    init_vantages(list, arena);
    for (unsigned number = 1; health != NULL && number < HEALTH_VANTAGES_MAX; number++) {
        struct health_vantage_status status;
        if (health_get_vantage(health, number, 0, &status)) {
            const char *name = arena_copy_text(arena, status.name);
            struct drill_vantage *vantage = add_vantage(list, name, (uint8_t)number);
            vantage->weight = status.weight;
            vantage->is_drained = status.drained;
        }
    }
}

static void take_enrolled(const struct what_reader *reader)
{
    const struct drill_vantages *enrolled = reader->ground->enrolled;
    for (size_t i = 0; enrolled != NULL && i < enrolled->count; i++) {
        const struct drill_vantage *own = &enrolled->items[i];
        struct drill_vantage *vantage =
            add_vantage(reader->vantages, arena_copy_text(reader->arena, own->name), own->number);
        vantage->weight = own->weight;
        vantage->is_drained = own->is_drained;
    }
}

static void read_region(const struct what_reader *reader, const struct doc_node *vantage, uint32_t *region)
{
    const struct suggest_list list = list_regions(reader->ground->topology);
    struct doc_node member;
    if (!doc_find(vantage, "region", &member) || doc_get_text(vantage, "region") == NULL) {
        return;
    }
    ptrdiff_t index = find(&list, doc_text(&member), strlen(doc_text(&member)));
    if (index < 0) {
        suggest_report(&member, "region", &list);
    } else {
        *region = (uint32_t)index;
    }
}

/* NULL: reported. */
static struct drill_vantage *introduce(const struct what_reader *reader, const struct doc_node *node,
                                       const char *name)
{
    struct drill_vantages *all = reader->vantages;
    const struct drill_ground *ground = reader->ground;
    const struct suggest_list list = {all->items, all->count, sizeof *all->items};
    if (ground->vantages != NULL && !ground->vantages->is_on) {
        doc_error_at_key(node,
                         "found vantage \"%.63s\", expected \"" HEALTH_LOCAL_NAME
                         "\" alone: steerd.json has no \"vantages\"",
                         name);
    } else if (!value_is_name(name)) {
        doc_error_at_key(node, "found vantage \"%.63s\", expected " VALUE_NAME_RULE, name);
    } else if (reader->from_live) {
        ptrdiff_t index = find(&list, name, strlen(name));
        if (index < 0) {
            doc_error_at_key(node,
                             "found vantage \"%.63s\", expected one that is enrolled: %s has those that look "
                             "now",
                             name, ground->is_real ? "a drill on the server" : "a drill from \"live\"");
        }
        return index < 0 ? NULL : &all->items[index];
    } else if (all->count == HEALTH_VANTAGES_MAX - 1) {
        doc_error_at_key(node, "found more vantages, expected %d at most beside the server itself",
                         HEALTH_VANTAGES_MAX - 1);
    } else {
        return add_vantage(all, arena_copy_text(reader->arena, name), (uint8_t)(all->count + 1));
    }
    return NULL;
}

static void read_weight(const struct what_reader *reader, const struct doc_node *node,
                        struct drill_vantage *vantage)
{
    static const uint32_t range[2] = {1, 100};
    struct doc_node member;
    uint32_t weight = doc_get_number(node, "weight", range, vantage->weight);
    if (reader->from_live && weight != vantage->weight && doc_find(node, "weight", &member)) {
        doc_error(&member, "found %u, expected %u, or nothing: %s has the weights of now", weight,
                  vantage->weight,
                  reader->ground->is_real ? "a drill on the server" : "a drill from \"live\"");
    }
    vantage->weight = weight;
}

static void read_one(const struct what_reader *reader, const struct doc_node *node, const char *name)
{
    static const char *const keys[] = {"region", "weight", NULL}, *const local_keys[] = {"region", NULL};
    if (strcmp(name, HEALTH_LOCAL_NAME) == 0) { /* its weight is in steerd.json */
        if (doc_check_object(node, local_keys)) {
            read_region(reader, node, &reader->vantages->local_region);
        }
        return;
    }
    struct drill_vantage *vantage = introduce(reader, node, name);
    if (vantage != NULL && doc_check_object(node, keys)) {
        read_region(reader, node, &vantage->region);
        read_weight(reader, node, vantage);
    }
}

void what_read_vantages(const struct what_reader *reader, const struct doc_node *root)
{
    struct drill_vantages *all = reader->vantages;
    struct doc_node said, node = {.value = NULL};
    bool are_said = doc_find(root, "vantages", &said) && doc_check_object(&said, NULL);
    init_vantages(all, reader->arena);
    if (!are_said || reader->from_live) {
        take_enrolled(reader);
    }
    while (are_said && doc_next(&said, &node)) {
        read_one(reader, &node, node.key);
    }
}

/* ---- links ---- */

static uint32_t list_vantages_in(const struct drill_vantages *all, uint32_t region)
{
    uint32_t list = all->local_region == region ? 1u << DRILL_LOCAL : 0;
    for (size_t i = 0; i < all->count; i++) {
        list |= all->items[i].region == region ? 1u << all->items[i].number : 0;
    }
    return list;
}

static bool counts(const struct conf_quorum *quorum, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < quorum->name_count && !is; i++) {
        is = fnmatch(quorum->names[i], name, FNM_NOESCAPE) == 0;
    }
    return is;
}

/* Who looks at an endpoint that says who does; 0: it does not say. */
static uint32_t list_sights(const struct what_reader *reader, const struct conf_endpoint *endpoint)
{
    const struct conf_quorum *quorum = &conf_get_manner(endpoint)->quorum;
    uint32_t list = quorum->name_count != 0 && counts(quorum, HEALTH_LOCAL_NAME) ? 1u << DRILL_LOCAL : 0;
    for (size_t i = 0; quorum->name_count != 0 && i < reader->vantages->count; i++) {
        const struct drill_vantage *vantage = &reader->vantages->items[i];
        list |= counts(quorum, vantage->name) ? 1u << vantage->number : 0;
    }
    return list;
}

/* The same for all, once for all links. */
static const uint32_t *list_all_sights(const struct what_reader *reader)
{
    const struct conf_topology *topology = reader->ground->topology;
    uint32_t *sights = arena_alloc(reader->arena, topology->endpoint_count * sizeof *sights);
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        sights[i] = list_sights(reader, &topology->endpoints[i]);
    }
    return sights;
}

/* Clients are told by what they are led by: an endpoint that is seen from that side alone. */
static void find_led(const struct what_reader *reader, struct drill_cause *cause)
{
    const struct conf_topology *topology = reader->ground->topology;
    struct drill_vantages *all = reader->vantages;
    bool *led = arena_alloc(reader->arena, topology->endpoint_count * sizeof *led);
    all->sights = all->sights == NULL ? list_all_sights(reader) : all->sights;
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        led[i] = all->sights[i] != 0 && (all->sights[i] & ~cause->from) == 0;
    }
    cause->led = led;
}

static bool read_side(const struct what_reader *reader, const struct doc_node *node, const char *name,
                      size_t len, struct drill_cause *cause)
{
    const struct suggest_list regions = list_regions(reader->ground->topology);
    ptrdiff_t region = find(&regions, name, len);
    cause->from = region < 0 ? find_vantage(reader->vantages, name, len)
                             : list_vantages_in(reader->vantages, (uint32_t)region);
    if (region < 0 && cause->from == 0) {
        const char *text = arena_print(reader->arena, "%.*s", (int)(len < 100 ? len : 100), name);
        reject(node, "region or vantage", text, &regions);
    } else if (cause->from == 0) {
        doc_error(node,
                  "found a link from region \"%.*s\", in which nobody looks: expected \"vantages\" that say "
                  "who is there",
                  (int)len, name);
    } else if (region >= 0) {
        find_led(reader, cause);
    }
    return cause->from != 0;
}

static bool read_link(const struct what_reader *reader, const struct doc_node *node, const char *pair,
                      struct drill_cause *cause)
{
    const struct conf_topology *topology = reader->ground->topology;
    const struct suggest_list regions = list_regions(topology), azs = list_azs(topology);
    const char *slash = strchr(pair, '/');
    cause->what = DRILL_LINK;
    if (slash == NULL) {
        doc_error(node,
                  "found \"link:%.100s\", expected \"link:FROM/TO\": from a region or vantage to a region or "
                  "az",
                  pair);
        return false;
    }
    const char *to = slash + 1;
    ptrdiff_t region = find(&regions, to, strlen(to)), az = find(&azs, to, strlen(to));
    cause->kind = region >= 0 ? HEALTH_REGION : HEALTH_AZ;
    cause->index = (uint32_t)(region >= 0 ? region : az);
    if (region < 0 && az < 0) {
        reject(node, "region or az", to, &regions);
    }
    return read_side(reader, node, pair, (size_t)(slash - pair), cause) && (region >= 0 || az >= 0);
}

/* ---- the whole ---- */

bool what_read(const struct what_reader *reader, const struct doc_node *event, struct drill_cause *cause)
{
    struct doc_node node;
    if (!doc_require(event, "what", &node)) {
        return false;
    }
    const char *text = doc_text(&node), *colon = text == NULL ? NULL : strchr(text, ':');
    if (colon == NULL) {
        doc_error_expected(&node, WHAT_EXPECTED);
        return false;
    }
    char *kind = memory_copy_text(text);
    kind[colon - text] = '\0';
    bool is_good = strcmp(kind, "vantage") == 0 ? read_vantage(reader, &node, colon + 1, cause)
                   : strcmp(kind, "link") == 0  ? read_link(reader, &node, colon + 1, cause)
                   : strcmp(kind, "copy") == 0  ? read_copy(reader, &node, colon + 1, cause)
                                                : read_place(reader, &node, kind, colon + 1, cause);
    free(kind);
    cause->text = arena_copy_text(reader->arena, text);
    return is_good;
}

bool what_read_place(const struct what_reader *reader, const struct doc_node *node, struct drill_cause *cause)
{
    static const char expected[] = "\"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"";
    const char *text = doc_text(node), *colon = text == NULL ? NULL : strchr(text, ':');
    enum health_kind kind;
    const char *name;
    if (colon == NULL || health_parse_target(text, &kind, &name) != 0) {
        doc_error_expected(node, expected);
        return false;
    }
    return read_place(reader, node, health_kind_text(kind), name, cause);
}

static bool is_place_within(const struct conf_topology *topology, const struct drill_cause *cause,
                            const struct drill_cause *recovered)
{
    uint32_t az = cause->kind == HEALTH_ENDPOINT ? topology->endpoints[cause->index].az : cause->index;
    if (cause->kind == recovered->kind) {
        return cause->index == recovered->index;
    }
    if (cause->kind == HEALTH_REGION) {
        return false;
    }
    return recovered->kind == HEALTH_AZ       ? az == recovered->index
           : recovered->kind == HEALTH_REGION ? topology->azs[az].region == recovered->index
                                              : false;
}

bool what_is_within(const struct conf_topology *topology, const struct drill_cause *cause,
                    const struct drill_cause *recovered)
{
    if (cause->what != recovered->what || (cause->from & ~recovered->from) != 0) {
        return false;
    }
    return cause->what == DRILL_PLACE || cause->what == DRILL_LINK
               ? is_place_within(topology, cause, recovered)
               : cause->index == recovered->index;
}
