/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rdata by type. The commonest types are written out; the layout of the others comes from ldns' table of
 * types, as do the mnemonics of their algorithms. Rdata as \# and hexadecimal (RFC 3597) is taken for every
 * type; of types that ldns knows it has to survive ldns' wire parser and come out as it went in. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

enum { LDNS_TEXT_SIZE = 512 };

static int read_mx(struct zone_reader *reader)
{
    return zone_field_number(reader, 2, "a preference") != 0
               ? ERROR_SYNTAX
               : zone_field_name(reader, "the name of a mail server");
}

static int read_srv(struct zone_reader *reader)
{
    return zone_field_number(reader, 2, "a priority") != 0 || zone_field_number(reader, 2, "a weight") != 0 ||
                   zone_field_number(reader, 2, "a port") != 0 ||
                   zone_field_name(reader, "the name of a target") != 0
               ? ERROR_SYNTAX
               : 0;
}

static int read_soa(struct zone_reader *reader)
{
    return zone_field_name(reader, "the name of the primary server") != 0 ||
                   zone_field_name(reader, "the mailbox of the zone's keeper, as a name") != 0 ||
                   zone_field_number(reader, 4, "a serial") != 0 ||
                   zone_field_period(reader, "the refresh interval") != 0 ||
                   zone_field_period(reader, "the retry interval") != 0 ||
                   zone_field_period(reader, "the expiry interval") != 0 ||
                   zone_field_period(reader, "the minimum TTL") != 0
               ? ERROR_SYNTAX
               : 0;
}

static int read_texts(struct zone_reader *reader)
{
    int code;
    do {
        code = zone_field_string(reader);
    } while (code == 0 && reader->next != reader->count);
    return code;
}

/* A number, or a mnemonic that ldns knows; never both, because ldns takes "300" and "-1" for an octet. */
static int read_by_ldns(struct zone_reader *reader, ldns_rdf_type kind, bool is_mnemonic)
{
    char shown[ZONE_SHOW_SIZE], text[LDNS_TEXT_SIZE];
    ldns_rdf *rdf = NULL;
    const struct zone_token *token = zone_next(reader, is_mnemonic ? "a number or mnemonic" : "a value");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    char first = token->len == 0 ? '\0' : token->text[0];
    if (is_mnemonic && ((first | 0x20) < 'a' || (first | 0x20) > 'z')) {
        reader->next--;
        return zone_field_number(reader, kind == LDNS_RDF_TYPE_CERT_ALG ? 2 : 1, "a number or mnemonic");
    }
    if (token->flags == 0 && token->len != 0 && zone_token_copy(token, text, sizeof text)) {
        rdf = ldns_rdf_new_frm_str(kind, text);
    }
    if (rdf == NULL) {
        return zone_fail(reader, token, "%s is not a value that this field can hold",
                         zone_show(token, shown));
    }
    cursor_write(&reader->out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
    ldns_rdf_deep_free(rdf);
    return 0;
}

static int read_field(struct zone_reader *reader, ldns_rdf_type kind)
{
    switch (kind) {
    case LDNS_RDF_TYPE_DNAME: return zone_field_name(reader, "a name");
    case LDNS_RDF_TYPE_INT8: return zone_field_number(reader, 1, "a number");
    case LDNS_RDF_TYPE_INT16: return zone_field_number(reader, 2, "a number");
    case LDNS_RDF_TYPE_INT32: return zone_field_number(reader, 4, "a number");
    case LDNS_RDF_TYPE_PERIOD: return zone_field_period(reader, "a period");
    case LDNS_RDF_TYPE_A: return zone_field_ipv4(reader);
    case LDNS_RDF_TYPE_AAAA: return zone_field_ipv6(reader);
    case LDNS_RDF_TYPE_STR: return zone_field_string(reader);
    case LDNS_RDF_TYPE_LONG_STR: return zone_field_long_string(reader);
    case LDNS_RDF_TYPE_TYPE: return zone_field_type(reader);
    case LDNS_RDF_TYPE_NSEC: return zone_field_types(reader);
    case LDNS_RDF_TYPE_TIME: return zone_field_time(reader);
    case LDNS_RDF_TYPE_B64: return zone_field_base64(reader);
    case LDNS_RDF_TYPE_HEX: return zone_field_hex(reader);
    case LDNS_RDF_TYPE_NSEC3_SALT: return zone_field_salt(reader);
    case LDNS_RDF_TYPE_B32_EXT:
    case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER: return zone_field_base32(reader);
    case LDNS_RDF_TYPE_SVCPARAMS: return zone_read_svc_params(reader);
    case LDNS_RDF_TYPE_APL: return zone_field_apl(reader);
    case LDNS_RDF_TYPE_LOC: return zone_field_loc(reader);
    case LDNS_RDF_TYPE_WKS: return zone_field_services(reader);
    case LDNS_RDF_TYPE_NSAP: return zone_field_nsap(reader);
    case LDNS_RDF_TYPE_IPSECKEY: return zone_field_ipseckey(reader);
    case LDNS_RDF_TYPE_HIP: return zone_field_hip(reader);
    case LDNS_RDF_TYPE_EUI48: return zone_field_eui(reader, 6);
    case LDNS_RDF_TYPE_EUI64: return zone_field_eui(reader, 8);
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERT_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE: return read_by_ldns(reader, kind, true);
    default: return read_by_ldns(reader, kind, false);
    }
}

static bool is_known(const ldns_rr_descriptor *descriptor)
{
    for (size_t i = 0; i < ldns_rr_descriptor_minimum(descriptor); i++) {
        if (ldns_rr_descriptor_field_type(descriptor, i) == LDNS_RDF_TYPE_UNKNOWN) {
            return false;
        }
    }
    return ldns_rr_descriptor_maximum(descriptor) != 1 ||
           ldns_rr_descriptor_field_type(descriptor, 0) != LDNS_RDF_TYPE_UNKNOWN;
}

static int read_described(struct zone_reader *reader)
{
    const ldns_rr_descriptor *descriptor = ldns_rr_descript(reader->type);
    char text[DNS_TYPE_TEXT_SIZE], shown[ZONE_SHOW_SIZE];
    if (descriptor == NULL || !is_known(descriptor)) {
        const struct zone_token *token = zone_next(reader, "rdata");
        return token == NULL
                   ? ERROR_SYNTAX
                   : zone_fail(reader, token,
                               "%s as rdata of type %s; expected \\#, a length and hexadecimal digits "
                               "(RFC 3597), which is the only form known for this type",
                               zone_show(token, shown), dns_write_type(reader->type, text));
    }
    size_t minimum = ldns_rr_descriptor_minimum(descriptor), maximum = ldns_rr_descriptor_maximum(descriptor);
    for (size_t i = 0; i < maximum && (i < minimum || reader->next != reader->count); i++) {
        ldns_rdf_type kind = ldns_rr_descriptor_field_type(descriptor, i);
        if (kind == LDNS_RDF_TYPE_INT32 && reader->type == DNS_TYPE_RRSIG) {
            kind = LDNS_RDF_TYPE_PERIOD; /* the original TTL */
        }
        if (read_field(reader, kind) != 0) {
            return ERROR_SYNTAX;
        }
    }
    return 0;
}

/* ldns takes what follows the target of SVCB and HTTPS as it is. */
static bool has_good_params(const struct zone_reader *reader)
{
    const uint8_t *rdata = reader->rdata;
    size_t name_len = reader->out.at > 2 ? dns_name_len(rdata + 2, reader->out.at - 2) : 0;
    return name_len != 0 && zone_check_svc_params(rdata + 2 + name_len, reader->out.at - 2 - name_len);
}

/* Does ldns read these octets as rdata of the type, and write the same octets back? Compressed names do not.
 */
static bool survives_ldns(const struct zone_reader *reader, size_t fields)
{
    enum { HEAD = 11 }; /* the root as owner, type, class, TTL, length */
    size_t len = reader->out.at, at = 0, back_len = 0;
    uint8_t *wire = memory_alloc(HEAD + len), *back = NULL;
    struct cursor head = cursor_init(wire, HEAD + len);
    cursor_write_u8(&head, 0);
    cursor_write_u16(&head, reader->type);
    cursor_write_u16(&head, DNS_CLASS_IN);
    cursor_write_u32(&head, 0);
    cursor_write_u16(&head, (uint16_t)len);
    cursor_write(&head, reader->rdata, len);
    ldns_rr *rr = NULL;
    bool is_good = ldns_wire2rr(&rr, wire, HEAD + len, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK &&
                   at == HEAD + len && ldns_rr_rd_count(rr) >= fields &&
                   ldns_rr2wire(&back, rr, LDNS_SECTION_ANSWER, &back_len) == LDNS_STATUS_OK &&
                   back_len == HEAD + len && memcmp(back, wire, back_len) == 0;
    ldns_rr_free(rr);
    free(back);
    free(wire);
    return is_good;
}

/* Fields that have to be there: a last one may be empty, such as the bit maps of CSYNC. */
static size_t count_needed(const ldns_rr_descriptor *descriptor)
{
    size_t count = ldns_rr_descriptor_minimum(descriptor);
    if (count == 0) {
        return 0;
    }
    switch (ldns_rr_descriptor_field_type(descriptor, count - 1)) {
    case LDNS_RDF_TYPE_NSEC:
    case LDNS_RDF_TYPE_B64:
    case LDNS_RDF_TYPE_HEX:
    case LDNS_RDF_TYPE_LONG_STR: return count - 1;
    default: return count;
    }
}

static bool is_plausible(const struct zone_reader *reader)
{
    const ldns_rr_descriptor *descriptor = ldns_rr_descript(reader->type);
    if (descriptor == NULL || !is_known(descriptor)) {
        return true;
    }
    if (reader->out.at == 0) {
        return ldns_rr_descriptor_minimum(descriptor) == 0;
    }
    if (reader->type == DNS_TYPE_SVCB || reader->type == DNS_TYPE_HTTPS) {
        return has_good_params(reader);
    }
    return survives_ldns(reader, count_needed(descriptor));
}

static int read_generic(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE], text[DNS_TYPE_TEXT_SIZE];
    const struct zone_token *mark = &reader->tokens[reader->next++];
    const struct zone_token *token = zone_next(reader, "the length of the rdata");
    uint32_t len;
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (zone_parse_number(token, ZONE_RDATA_MAX, &len) != 0) {
        return zone_fail(reader, token, "%s where the length of the rdata is expected, a number from 0 to %d",
                         zone_show(token, shown), ZONE_RDATA_MAX);
    }
    if ((len != 0 || reader->next != reader->count) && zone_field_hex(reader) != 0) {
        return ERROR_SYNTAX;
    }
    if (reader->out.failed || reader->out.at != len) {
        return zone_fail(reader, token, "the length is %u, but %zu octets follow%s", len, reader->out.at,
                         reader->out.failed ? " and more" : "");
    }
    if (!is_plausible(reader)) {
        return zone_fail(reader, mark, "these %u octets are not rdata of type %s", len,
                         dns_write_type(reader->type, text));
    }
    return 0;
}

static int read_by_type(struct zone_reader *reader)
{
    switch (reader->type) {
    case DNS_TYPE_A: return zone_field_ipv4(reader);
    case DNS_TYPE_AAAA: return zone_field_ipv6(reader);
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME: return zone_field_name(reader, "a name");
    case DNS_TYPE_SOA: return read_soa(reader);
    case DNS_TYPE_MX: return read_mx(reader);
    case DNS_TYPE_TXT: return read_texts(reader);
    case DNS_TYPE_SRV: return read_srv(reader);
    default: return read_described(reader);
    }
}

/* Where the rdata holds a digest: octets that algorithm `kind` of the type makes; 0: any number may do. */
static size_t digest_len(uint16_t type, uint8_t kind)
{
    enum { SHA1_LEN = 20, SHA256_LEN = 32, SHA384_LEN = 48, SHA512_LEN = 64 };
    switch (type) {
    case LDNS_RR_TYPE_DS:
    case LDNS_RR_TYPE_CDS:
    case LDNS_RR_TYPE_DLV: return kind == 1 ? SHA1_LEN : kind == 2 ? SHA256_LEN : kind == 4 ? SHA384_LEN : 0;
    case LDNS_RR_TYPE_SSHFP: return kind == 1 ? SHA1_LEN : kind == 2 ? SHA256_LEN : 0;
    case LDNS_RR_TYPE_ZONEMD: return kind == 1 ? SHA384_LEN : kind == 2 ? SHA512_LEN : 0;
    case LDNS_RR_TYPE_NSEC3: return kind == 1 ? SHA1_LEN : 0;
    default: return 0;
    }
}

/* RFC 4034 section 5.1.4 with 4509 and 6605, RFC 4255 with 6594, RFC 8976, RFC 5155: a digest cut short in
 * copying matches nothing. */
static int check_digest(struct zone_reader *reader)
{
    struct cursor in = cursor_init_const(reader->rdata, reader->out.at);
    bool has_next_owner = reader->type == LDNS_RR_TYPE_NSEC3;
    switch (reader->type) {
    case LDNS_RR_TYPE_DS:
    case LDNS_RR_TYPE_CDS:
    case LDNS_RR_TYPE_DLV: cursor_take(&in, 3); break;
    case LDNS_RR_TYPE_SSHFP: cursor_take(&in, 1); break;
    case LDNS_RR_TYPE_ZONEMD: cursor_take(&in, 5); break;
    case LDNS_RR_TYPE_NSEC3: break;
    default: return 0;
    }
    uint8_t kind = cursor_read_u8(&in);
    if (has_next_owner) {
        cursor_take(&in, 3);
        cursor_take(&in, cursor_read_u8(&in)); /* the salt */
    }
    size_t got = has_next_owner ? cursor_read_u8(&in) : cursor_left(&in);
    size_t wanted = digest_len(reader->type, kind);
    return wanted == 0 || got == wanted
               ? 0
               : zone_fail(reader, &reader->tokens[reader->count - 1],
                           "the digest has %zu octets; expected %zu for a digest of type %u", got, wanted,
                           kind);
}

int zone_read_rdata(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE], text[DNS_TYPE_TEXT_SIZE];
    const struct zone_token *first = reader->next == reader->count ? NULL : &reader->tokens[reader->next];
    bool is_generic = first != NULL && first->flags == ZONE_TOKEN_ESCAPED && first->len == 2 &&
                      memcmp(first->text, "\\#", 2) == 0;
    int code = is_generic ? read_generic(reader) : read_by_type(reader);
    if (code != 0) {
        return code;
    }
    if (reader->next != reader->count) {
        const struct zone_token *token = &reader->tokens[reader->next];
        return zone_fail(reader, token, "%s after the end of the rdata of type %s; expected a new line",
                         zone_show(token, shown), dns_write_type(reader->type, text));
    }
    if (reader->out.failed) {
        return zone_fail(reader, first, "the rdata is longer than %d octets", ZONE_RDATA_MAX);
    }
    return check_digest(reader);
}
