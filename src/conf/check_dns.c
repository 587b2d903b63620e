/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the question of a check, and which replies are good. */
#include "config.h"

#include "conf/check_dns.h"

#include "base/addr.h"
#include "conf/value.h"
#include "dns/ask.h"
#include "dns/name.h"

#include <string.h>
#include <strings.h>

static bool is_askable(uint16_t type)
{
    bool is_meta = type == DNS_TYPE_OPT || (type >= DNS_TYPE_TKEY && type <= DNS_TYPE_AXFR);
    return type != 0 && !is_meta;
}

static void read_name(const struct doc_node *query, struct arena *arena, struct dns_ask *ask)
{
    struct doc_node member;
    uint8_t wire[DNS_NAME_MAX];
    if (!doc_require(query, "name", &member)) {
        return;
    }
    const char *text = doc_text(&member);
    int len = text == NULL ? -1 : dns_name_parse(text, NULL, wire);
    if (len < 0) {
        doc_error_expected(&member, "a domain name such as \"example.com.\"");
        return;
    }
    ask->name = arena_copy(arena, wire, (size_t)len);
}

static void read_query(const struct doc_node *node, struct arena *arena, struct dns_ask *ask)
{
    static const char *const keys[] = {"name", "type", "class", NULL}, *const classes[] = {"IN", "CH", NULL};
    struct doc_node query, type;
    ask->class = DNS_CLASS_IN;
    if (!doc_require(node, "query", &query) || !doc_check_object(&query, keys)) {
        return;
    }
    read_name(&query, arena, ask);
    if (doc_get_choice(&query, "class", classes, 0) == 1) {
        ask->class = DNS_CLASS_CH;
    }
    if (doc_require(&query, "type", &type) &&
        (doc_text(&type) == NULL || dns_parse_type(doc_text(&type), &ask->type) != 0 ||
         !is_askable(ask->type))) {
        doc_error_expected(&type, "a type that can be asked for, such as \"SOA\", \"A\" or \"TYPE64\"");
        ask->type = 0;
    }
}

static void read_rcodes(const struct doc_node *node, struct dns_ask *ask)
{
    struct doc_node list, item = {0};
    uint16_t rcode;
    if (!doc_find(node, "rcode", &list)) {
        ask->rcodes = 1u << DNS_RCODE_NOERROR;
        return;
    }
    size_t issues = doc_count_issues(node->doc);
    while (doc_next_text(&list, "a response code or an array of them", &item)) {
        if (dns_parse_rcode(doc_text(&item), &rcode) == 0) {
            ask->rcodes |= 1u << rcode;
        } else {
            doc_error_expected(&item, "a response code such as \"NOERROR\", \"NXDOMAIN\" or \"REFUSED\"");
        }
    }
    if (ask->rcodes == 0 && issues == doc_count_issues(node->doc)) {
        doc_error(&list, "found no response code, expected at least one");
    }
}

/* ---- what has to be in the answer ---- */

static bool read_address(const char *text, uint16_t type, struct arena *arena, struct dns_ask_value *value)
{
    struct addr addr;
    bool v6 = type == DNS_TYPE_AAAA;
    if (addr_parse(text, &addr) != 0 || addr.family != (v6 ? ADDR_V6 : ADDR_V4)) {
        return false;
    }
    value->len = v6 ? 16 : 4;
    value->octets = arena_copy(arena, addr.bytes, value->len);
    return true;
}

static bool read_octets(const char *text, uint16_t type, struct arena *arena, struct dns_ask_value *value)
{
    uint8_t octets[255];
    ptrdiff_t len = type == DNS_TYPE_TXT ? value_parse_octets(text, octets, sizeof octets)
                                         : dns_name_parse(text, NULL, octets);
    if (len < 0) {
        return false;
    }
    value->len = (size_t)len;
    value->octets = arena_copy(arena, octets, value->len);
    return true;
}

static void read_value(const struct doc_node *item, uint16_t type, struct arena *arena,
                       struct dns_ask_value *value)
{
    bool is_address = type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
    const char *text = doc_text(item);
    if (is_address ? !read_address(text, type, arena, value) : !read_octets(text, type, arena, value)) {
        doc_error_expected(item, type == DNS_TYPE_A      ? "an IPv4 address"
                                 : type == DNS_TYPE_AAAA ? "an IPv6 address"
                                 : type == DNS_TYPE_TXT
                                     ? "up to 255 octets, in which \"\\\\xHH\" is any octet "
                                       "and \"\\\\\\\\\" a backslash"
                                     : "a domain name such as \"example.com.\"");
    }
}

static void read_values(const struct doc_node *list, struct arena *arena, struct dns_ask *ask)
{
    struct dns_ask_value *values = arena_alloc(arena, DNS_ASK_VALUES_MAX * sizeof *values);
    struct doc_node item = {0};
    size_t count = doc_count(list), issues = doc_count_issues(list->doc);
    if (count == 0 || count > DNS_ASK_VALUES_MAX) {
        doc_error(list, "found %zu values, expected 1 to %d", count, DNS_ASK_VALUES_MAX);
        return;
    }
    while (doc_next_text(list, "an array of values", &item)) {
        read_value(&item, ask->type, arena, &values[ask->value_count]);
        ask->value_count += ask->value_count < DNS_ASK_VALUES_MAX;
    }
    if (issues == doc_count_issues(list->doc)) {
        ask->values = values;
    } else {
        ask->value_count = 0;
    }
}

static void read_answer(const struct doc_node *node, struct arena *arena, struct dns_ask *ask)
{
    char type[DNS_TYPE_TEXT_SIZE];
    struct doc_node answer;
    if (!doc_find(node, "answer", &answer) || ask->type == 0) {
        return;
    }
    ask->wants_record = doc_is_text(&answer) && strcmp(doc_text(&answer), "any") == 0;
    if (!ask->wants_record && !doc_is_array(&answer)) {
        doc_error_expected(&answer, "\"any\", or an array of values");
    } else if (ask->wants_record ? ask->type == DNS_TYPE_ANY : !dns_ask_has_values(ask->type)) {
        doc_error(&answer,
                  "found values of records of type %s, expected the type A, AAAA, CNAME, NS, PTR or TXT%s",
                  dns_write_type(ask->type, type), ask->type == DNS_TYPE_ANY ? "" : ", or \"any\"");
    } else if (!ask->wants_record) {
        read_values(&answer, arena, ask);
    }
    if ((ask->rcodes & 1u << DNS_RCODE_NOERROR) == 0) {
        doc_error_at_key(&answer, "found \"answer\" where \"rcode\" is without NOERROR, expected it there: "
                                  "replies with any other code are taken without a look at their records");
    }
}

void check_dns_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    static const char *const transports[] = {
        [DNS_ASK_UDP] = "udp", [DNS_ASK_TCP] = "tcp", [DNS_ASK_UDP_THEN_TCP] = "udp_then_tcp", NULL};
    static const uint8_t root[1];
    struct dns_ask *ask = arena_alloc(arena, sizeof *ask);
    ask->name = root;
    check->dns = ask;
    read_query(node, arena, ask);
    read_rcodes(node, ask);
    read_answer(node, arena, ask);
    ask->transport = (enum dns_ask_transport)doc_get_choice(node, "transport", transports, DNS_ASK_UDP);
    ask->recursion = doc_get_bool(node, "recursion", false);
    ask->edns = doc_get_bool(node, "edns", true);
}
