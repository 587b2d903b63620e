/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Texts of class CH. TTL 0: nobody is to keep them. */
#include "config.h"

#include "answer/chaos.h"

#include <string.h>

/* Names in wire form; the final 0 is the literal's. */
static const char *find_text(const struct conf_server *server, const struct dns_key *key)
{
    static const struct {
        const char *name;
        bool is_version;
    } names[] = {
        {"\7version\4bind", true},
        {"\7version\6server", true},
        {"\2id\6server", false},
        {"\10hostname\4bind", false},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (key->len == strlen(names[i].name) + 1 && memcmp(key->name, names[i].name, key->len) == 0) {
            return names[i].is_version ? server->version : server->identity;
        }
    }
    return NULL;
}

void chaos_answer(const struct conf_server *server, const struct dns_query *query, struct reply *reply)
{
    const char *text = find_text(server, &query->key);
    bool asked = query->qtype == DNS_TYPE_TXT || query->qtype == DNS_TYPE_ANY;
    size_t len = text == NULL ? 0 : strlen(text);
    if (!asked || len == 0) {
        reply->rcode = DNS_RCODE_REFUSED;
        return;
    }
    reply->flags |= DNS_FLAG_AA;
    if (reply->at + 13 + len > reply->limit) {
        reply->truncated = true;
        return;
    }
    uint8_t *to = reply->out + reply->at;
    reply_put16(to, 0xc000 | DNS_HEADER_SIZE);
    reply_put16(to + 2, DNS_TYPE_TXT);
    reply_put16(to + 4, DNS_CLASS_CH);
    memset(to + 6, 0, 4);
    reply_put16(to + 10, (unsigned)len + 1);
    to[12] = (uint8_t)len;
    memcpy(to + 13, text, len);
    reply->at += 13 + len;
    reply->counts[REPLY_ANSWER]++;
}
