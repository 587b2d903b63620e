/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See record.h. The data path comes through here for queries that were drawn. */
#include "config.h"

#include "tap/record.h"

#include "base/clock.h"
#include "conf/topology.h"
#include "view/view.h"

#include <string.h>

/* Names that are going to be copied, and how long they are with their NUL. */
struct texts {
    const char *items[2 + 2 * TAP_NAMED_MAX];
    size_t lens[2 + 2 * TAP_NAMED_MAX];
    size_t count, len;
};

static void add_text(struct texts *texts, const char *text)
{
    text = text == NULL ? "" : text;
    texts->items[texts->count] = text;
    texts->lens[texts->count] = strlen(text) + 1;
    texts->len += texts->lens[texts->count++];
}

static void list_texts(const struct answer_seen *seen, struct texts *texts)
{
    const struct steer_class *class = &seen->policy->classes[seen->class_id];
    const struct conf_topology *topology = seen->context->view->topology;
    bool has_tier = steer_source_has_tier(seen->choice->source) && seen->choice->tier < class->tier_count;
    add_text(texts, class->label);
    add_text(texts, has_tier ? class->tiers[seen->choice->tier].label : "");
    for (size_t i = 0; i < seen->member_count && i < TAP_NAMED_MAX; i++) {
        const struct steer_member *member = &seen->policy->members[seen->members[i]];
        const struct conf_endpoint *endpoint = &topology->endpoints[member->endpoint];
        add_text(texts, endpoint->name);
        add_text(texts, topology->regions[endpoint->region].name);
    }
}

static void fill_steering(struct tap_record *record, const struct answer_seen *seen)
{
    record->is_steered = true;
    record->source = (uint8_t)seen->choice->source;
    record->has_tier = steer_source_has_tier(seen->choice->source);
    record->tier = seen->choice->tier;
    record->member_count = (uint16_t)seen->member_count;
    record->named = (uint8_t)(seen->member_count < TAP_NAMED_MAX ? seen->member_count : TAP_NAMED_MAX);
}

static void fill(struct tap_record *record, const struct answer_seen *seen, const struct addr_port *local)
{
    const struct answer_request *request = seen->request;
    *record = (struct tap_record){.query_ns = seen->context->received_ns,
                                  .response_ns = clock_precise_wall_ns(),
                                  .is_tcp = request->transport == ANSWER_TCP,
                                  .apex_len = (uint8_t)seen->apex_len,
                                  .query_len = (uint16_t)request->len,
                                  .question_end = seen->query->question_end,
                                  .qtype = seen->query->qtype,
                                  .rcode = seen->rcode,
                                  .reply_len = (uint32_t)seen->reply_len};
    if (request->client != NULL) {
        addr_from_sockaddr(request->client, &record->client);
    }
    if (local != NULL) {
        record->local = *local;
    }
    if (seen->query->has_ecs) {
        record->has_ecs = true;
        record->ecs = seen->query->ecs.addr;
        record->ecs_len = seen->query->ecs.option[2]; /* as it came, whether it counts or not */
    }
}

bool tap_record_write(struct ring *ring, const struct answer_seen *seen, const struct addr_port *local,
                      struct tap_wants wants)
{
    struct texts texts;
    texts.count = texts.len = 0;
    bool is_steered = wants.steering && seen->policy != NULL && seen->context->view->topology != NULL;
    if (is_steered) {
        list_texts(seen, &texts);
    }
    size_t kept = wants.reply ? seen->reply_len : 0;
    size_t size = sizeof(struct tap_record) + seen->request->len + kept + texts.len;
    struct tap_record *record = ring_claim(ring, size);
    if (record == NULL) {
        return false;
    }
    fill(record, seen, local);
    record->reply_kept = (uint32_t)kept;
    record->texts_len = (uint32_t)texts.len;
    if (is_steered) {
        fill_steering(record, seen);
    }
    uint8_t *to = record->bytes;
    memcpy(to, seen->request->bytes, seen->request->len);
    to += seen->request->len;
    memcpy(to, seen->reply, kept);
    to += kept;
    for (size_t i = 0; i < texts.count; i++) {
        memcpy(to, texts.items[i], texts.lens[i]);
        to += texts.lens[i];
    }
    ring_commit(ring, record, size);
    return true;
}
