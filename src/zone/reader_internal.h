/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of the master-file reader share; nobody else includes this. The reader works on one entry at
 * a time: reader_token.c cuts a logical line into tokens that point into the file's text, reader.c gives them
 * their meaning, reader_directive.c and reader_generate.c follow the $ lines, reader_rdata.c, reader_field.c
 * and reader_svcb.c write the rdata; none of them calls reader.c. Every function that returns an int returns
 * 0 or ERROR_SYNTAX after it has reported the error; only the first error of an entry is reported. */
#pragma once

#include "zone/reader.h"

#include "base/cursor.h"
#include "base/file.h"

#include <stdbool.h>

enum {
    ZONE_RDATA_MAX = 65535,
    ZONE_TOKENS_MAX = 200000,  /* of one entry: 65535 octets as single hex digits, and some more */
    ZONE_INCLUDES_MAX = 10000, /* of one reading: files that include each other twice grow exponentially */
    ZONE_GENERATE_MAX = 65536 * 16,
    ZONE_LINE_MAX = 1 << 20, /* octets: rdata of 65535 takes 262,140 as \DDD */
    ZONE_ERRORS_MAX = 10000, /* who has so many has another file in mind */
    ZONE_SHOW_SIZE = 80,
    ZONE_TTL_MAX = 0x7fffffff /* RFC 2181 section 8 */
};

enum zone_token_flags {
    ZONE_TOKEN_QUOTED = 1,  /* text is what stands between the quotes */
    ZONE_TOKEN_ESCAPED = 2, /* there is a backslash */
    ZONE_TOKEN_PAIR = 4     /* key="value": there are quotes inside, behind a = (RFC 9460 section 2.1) */
};

struct zone_token {
    const char *text; /* as written; not NUL-terminated */
    uint32_t len;
    unsigned line, column; /* of the first character, a quote included */
    uint8_t flags;
};

/* What a record inherits; $INCLUDE and $GENERATE put it back as it was when they end. */
struct zone_state {
    uint8_t origin[255], owner[255];
    uint16_t origin_len, owner_len; /* owner_len 0: none yet */
    bool owner_broken;              /* the last owner was an error: records that inherit it are dropped */
    bool origin_broken;             /* likewise the last $ORIGIN, until the next one */
    bool has_default_ttl, has_last_ttl;
    uint32_t default_ttl, last_ttl; /* by $TTL, by the record before */
};

struct zone_generate;

/* One text being read: the file, a file it includes, or lines made by $GENERATE. */
struct zone_source {
    struct zone_source *up;
    const char *file;
    char *bytes; /* owned, NUL behind the end */
    const char *at, *end, *line_start;
    unsigned line;
    uint64_t device, inode;         /* to notice files that include themselves */
    struct zone_state saved;        /* for the source above, when this one ends */
    struct zone_generate *generate; /* NULL for files; then the place is that of the directive: */
    struct zone_token generate_token;
    int generated; /* the value in the line that is being read */
};

struct zone_reader {
    const struct zone_reader_options *options;
    const struct zone_sink *sink;
    struct report *report;
    struct arena *arena; /* names of files */
    struct zone_source *source;
    unsigned depth; /* of $INCLUDE */
    unsigned includes;
    char *root; /* real path of the include root, once it was needed */
    size_t errors;
    bool has_ttl_error;
    bool lacks_file; /* one to be included */
    struct zone_state state;
    /* The entry: */
    struct zone_token *tokens;
    size_t count, capacity, next;
    bool is_blank;  /* began with white space: no owner */
    bool is_failed; /* an error was reported */
    unsigned parentheses;
    struct zone_token parenthesis; /* the open one */
    uint16_t type;
    struct cursor out; /* over rdata */
    uint8_t *rdata;    /* ZONE_RDATA_MAX octets, not zeroed: there may be 100,000 small zones to read */
};

/* reader_token.c */
/* The next entry of the current source, possibly without tokens. False at the end of the source. */
bool zone_read_entry(struct zone_reader *reader);
/* Report an error; of one entry only the first. token NULL: behind the entry's last token. Returns
 * ERROR_SYNTAX. */
int zone_fail(struct zone_reader *reader, const struct zone_token *token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void zone_warn(struct zone_reader *reader, const struct zone_token *token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The token for people: in quotes, shortened, control characters escaped. Returns text. */
const char *zone_show(const struct zone_token *token, char text[ZONE_SHOW_SIZE]);
/* The next token of the entry, or NULL and an error that says what was expected. */
const struct zone_token *zone_next(struct zone_reader *reader, const char *expected);
/* Is the (unquoted, NUL-terminated, lower-case) word this token, without regard to case? */
bool zone_token_is(const struct zone_token *token, const char *word);
/* Copy to a NUL-terminated text. False if it does not fit. */
bool zone_token_copy(const struct zone_token *token, char *text, size_t size);

/* reader_source.c */
void zone_push_source(struct zone_reader *reader, struct zone_source *source); /* takes */
/* Why a file cannot be loaded; line 0: it could not be read at all. */
struct zone_wrong {
    unsigned line, column;
    char text[FILE_WHY_SIZE];
};
/* A whole file, which really is at `real` (NULL: where the report says): its bytes, with a NUL behind them,
 * become the source's. 0 or a negative error. */
int zone_load_file(const char *path, const char *real, struct report *report, struct zone_source *source,
                   struct zone_wrong *wrong);

/* reader_head.c */
/* In the header of a record: is the token a TTL (0, and the value), not one (ERROR_NOT_FOUND), or a bad one?
 */
int zone_read_ttl(struct zone_reader *reader, const struct zone_token *token, uint32_t *ttl);
/* Likewise for the class IN. */
int zone_read_class(struct zone_reader *reader, const struct zone_token *token);

/* reader_directive.c */
int zone_read_directive(struct zone_reader *reader);

/* reader_generate.c */
int zone_read_generate(struct zone_reader *reader);
/* Put the next line into the source. False when there is none. */
bool zone_next_generated(struct zone_source *source);
void zone_free_generate(struct zone_generate *generate); /* NULL is fine */

/* reader_rdata.c: the tokens from reader->next on, as rdata of reader->type, to reader->out. */
int zone_read_rdata(struct zone_reader *reader);
/* reader_rare.c: fields that take several tokens. */
int zone_field_apl(struct zone_reader *reader); /* one prefix */
int zone_field_loc(struct zone_reader *reader);
int zone_field_services(struct zone_reader *reader); /* protocol and bit map of WKS */
int zone_field_nsap(struct zone_reader *reader);
int zone_field_eui(struct zone_reader *reader, unsigned octets); /* EUI-48: 6, EUI-64: 8 */
int zone_field_ipseckey(struct zone_reader *reader);
int zone_field_hip(struct zone_reader *reader); /* without the rendezvous servers */
/* reader_svcb.c: the same from the parameters on (RFC 9460). */
int zone_read_svc_params(struct zone_reader *reader);
/* Are these octets parameters in wire form, ascending and each of the right form? */
bool zone_check_svc_params(const uint8_t *bytes, size_t len);

/* reader_field.c: the next token, or where it says so all that are left, to reader->out. */
/* A name in presentation form, relative to the origin; wire has room for 255. */
int zone_parse_name(struct zone_reader *reader, const struct zone_token *token, uint8_t *wire, uint16_t *len);
int zone_parse_type(struct zone_reader *reader, const struct zone_token *token, uint16_t *type);
/* 300 or 1h30m. Returns 0, ERROR_SYNTAX or ERROR_TOO_LARGE (above 2^32-1); reports nothing. */
int zone_parse_period(const struct zone_token *token, uint32_t *value);
/* Decimal digits only. Same returns. */
int zone_parse_number(const struct zone_token *token, uint32_t max, uint32_t *value);
/* Decode escapes. Returns the octets written, at most max, or -1 after an error was reported. */
int zone_parse_text(struct zone_reader *reader, const struct zone_token *token, uint8_t *bytes, size_t max);

int zone_field_name(struct zone_reader *reader, const char *expected);
int zone_field_number(struct zone_reader *reader, unsigned octets, const char *expected);
int zone_field_period(struct zone_reader *reader, const char *expected);
int zone_field_ipv4(struct zone_reader *reader);
int zone_field_ipv6(struct zone_reader *reader);
int zone_field_string(struct zone_reader *reader);      /* length octet and up to 255 */
int zone_field_long_string(struct zone_reader *reader); /* no length octet */
int zone_field_type(struct zone_reader *reader);
int zone_field_types(struct zone_reader *reader); /* all: type bit maps, RFC 4034 section 4.1.2 */
int zone_field_time(struct zone_reader *reader);  /* RFC 4034 section 3.2 */
/* reader_encoding.c */
int zone_field_hex(struct zone_reader *reader);    /* all */
int zone_field_base64(struct zone_reader *reader); /* all */
int zone_field_base64_one(struct zone_reader *reader);
int zone_field_hex_one(struct zone_reader *reader);
int zone_field_salt(struct zone_reader *reader);   /* length octet and hex, or - */
int zone_field_base32(struct zone_reader *reader); /* length octet and base32hex */
