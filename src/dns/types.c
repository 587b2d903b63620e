/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mnemonics of types and response codes (IANA registry of DNS parameters). */
#include "config.h"

#include "dns/types.h"

#include "base/error.h"
#include "base/number.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    uint16_t type;
    const char *text;
} names[] = {
    {1, "A"},       {2, "NS"},      {5, "CNAME"},   {6, "SOA"},    {12, "PTR"},     {13, "HINFO"},
    {15, "MX"},     {16, "TXT"},    {17, "RP"},     {18, "AFSDB"}, {24, "SIG"},     {25, "KEY"},
    {28, "AAAA"},   {29, "LOC"},    {33, "SRV"},    {35, "NAPTR"}, {36, "KX"},      {37, "CERT"},
    {39, "DNAME"},  {41, "OPT"},    {42, "APL"},    {43, "DS"},    {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"},  {47, "NSEC"},   {48, "DNSKEY"}, {49, "DHCID"}, {50, "NSEC3"},   {51, "NSEC3PARAM"},
    {52, "TLSA"},   {53, "SMIMEA"}, {55, "HIP"},    {59, "CDS"},   {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
    {62, "CSYNC"},  {63, "ZONEMD"}, {64, "SVCB"},   {65, "HTTPS"}, {99, "SPF"},     {108, "EUI48"},
    {109, "EUI64"}, {249, "TKEY"},  {250, "TSIG"},  {251, "IXFR"}, {252, "AXFR"},   {253, "MAILB"},
    {254, "MAILA"}, {255, "ANY"},   {256, "URI"},   {257, "CAA"},  {32769, "DLV"},
};

const char *dns_write_type(uint16_t type, char text[DNS_TYPE_TEXT_SIZE])
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].type == type) {
            snprintf(text, DNS_TYPE_TEXT_SIZE, "%s", names[i].text);
            return text;
        }
    }
    snprintf(text, DNS_TYPE_TEXT_SIZE, "TYPE%u", type);
    return text;
}

int dns_parse_type(const char *text, uint16_t *type)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(text, names[i].text) == 0) {
            *type = names[i].type;
            return 0;
        }
    }
    if (strncasecmp(text, "TYPE", 4) != 0) {
        return ERROR_SYNTAX;
    }
    uint64_t value;
    if (strlen(text + 4) > 5 || !number_read(text + 4, 10, UINT16_MAX, &value)) {
        return ERROR_SYNTAX;
    }
    *type = (uint16_t)value;
    return 0;
}

const char *dns_rcode_text(unsigned rcode)
{
    static const char *const texts[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
    if (rcode < sizeof texts / sizeof *texts) {
        return texts[rcode];
    }
    return rcode == DNS_RCODE_BADVERS ? "BADVERS" : rcode == DNS_RCODE_BADCOOKIE ? "BADCOOKIE" : "?";
}

int dns_parse_rcode(const char *text, uint16_t *rcode)
{
    for (uint16_t i = 0; i <= DNS_RCODE_BADCOOKIE; i++) {
        const char *name = dns_rcode_text(i);
        if (name[0] != '?' && strcasecmp(text, name) == 0) {
            *rcode = i;
            return 0;
        }
    }
    return ERROR_SYNTAX;
}
