/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parts of steerctl: options, talking to the server, tables, texts. */
#pragma once

#include "base/buffer.h"
#include "base/exits.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum steerctl_exit {
    STEERCTL_OK = EXITS_OK,
    STEERCTL_REFUSED = EXITS_REFUSED,
    STEERCTL_USAGE = EXITS_USAGE,
    STEERCTL_UNREACHABLE = EXITS_UNREACHABLE,
    STEERCTL_NOT_FOUND = EXITS_NOT_FOUND,
    STEERCTL_BROKEN = EXITS_BROKEN,
    STEERCTL_CHECK_FAILED = EXITS_CHECK_FAILED,
};

#define SOCKET_DEFAULT "/run/steerd/admin.sock"

/* Options that verbs may take, as a set: a bit each. */
typedef unsigned __int128 option_set;
#define OPTION(number)           ((option_set)1 << (number))
#define OPTION_REGION            OPTION(0)
#define OPTION_AZ                OPTION(1)
#define OPTION_EFFECTIVE         OPTION(2)
#define OPTION_REASON            OPTION(3)
#define OPTION_FOR               OPTION(4)
#define OPTION_UNTIL             OPTION(5)
#define OPTION_ACTOR             OPTION(6)
#define OPTION_DRY_RUN           OPTION(7)
#define OPTION_CLIENT            OPTION(8)
#define OPTION_LOSE              OPTION(9)
#define OPTION_FAILURE           OPTION(10)
#define OPTION_FROM              OPTION(11)
#define OPTION_IN                OPTION(12)
#define OPTION_AT                OPTION(13)
#define OPTION_ASSUME            OPTION(14)
#define OPTION_TRAFFIC           OPTION(15)
#define OPTION_LIMIT             OPTION(16)
#define OPTION_YES_UNSERVED      OPTION(17)
#define OPTION_SINCE             OPTION(18)
#define OPTION_ANCHOR            OPTION(19)
#define OPTION_FILES             OPTION(20)
#define OPTION_STATE             OPTION(21)
#define OPTION_BASE              OPTION(22)
#define OPTION_INCREMENTAL       OPTION(23)
#define OPTION_DIFFERENTIAL      OPTION(24)
#define OPTION_FORCE             OPTION(25)
#define OPTION_TO                OPTION(26)
#define OPTION_YES_WITHOUT_POINT OPTION(27)
#define OPTION_REPLACE           OPTION(28)
#define OPTION_FOLLOW            OPTION(29)
#define OPTION_CHECK             OPTION(30)
#define OPTION_VERDICT           OPTION(31)
#define OPTION_OUTCOME           OPTION(32)
#define OPTION_ONCE              OPTION(33)
#define OPTION_WEIGHT            OPTION(34)
#define OPTION_SHARE             OPTION(35)
#define OPTION_STEPS             OPTION(36)
#define OPTION_EACH              OPTION(37)
#define OPTION_ACCEPT            OPTION(38)
#define OPTION_ROLE              OPTION(39)
#define OPTION_ZONE              OPTION(40)
#define OPTION_EXPIRES           OPTION(41)
#define OPTION_OVERLAP           OPTION(42)
#define OPTION_CONFIRM           OPTION(43)
#define OPTION_EMERGENCY         OPTION(44)
#define OPTION_OVERRIDE_RULE     OPTION(45)
#define OPTION_LOWER_TTL         OPTION(46)
#define OPTION_NAMES             OPTION(47)
#define OPTION_KIND              OPTION(48)
#define OPTION_OUTPUT            OPTION(49)
#define OPTION_HTML              OPTION(50)
#define OPTION_ECS               OPTION(51)
#define OPTION_TSIG_KEY          OPTION(52)
#define OPTION_LISTEN            OPTION(53)
#define OPTION_KEEP              OPTION(54)
#define OPTION_WAIT              OPTION(55)
#define OPTION_OBSERVE           OPTION(56)
#define OPTION_DRILL             OPTION(57)
#define OPTION_SERVER            OPTION(58)
#define OPTION_RESOLVERS         OPTION(59)
#define OPTION_CONNECT           OPTION(60)
#define OPTION_PATH              OPTION(61)
#define OPTION_TTL               OPTION(62)
#define OPTION_TIMEOUT           OPTION(63)
#define OPTION_RETRY             OPTION(64)
#define OPTION_LIVE              OPTION(65) /* what only live drills take */
#define OPTION_CONFIG            OPTION(66)
#define OPTION_INIT              OPTION(67) /* what only cluster init takes */
#define OPTION_ENDPOINTS         OPTION(68)
#define OPTION_ONLY_CHECK        OPTION(69) /* --check of push, which takes no value */
#define OPTION_WARNING           OPTION(70)
#define OPTION_CRITICAL          OPTION(71)
#define OPTION_GEO               OPTION(72)
#define OPTIONS_CLUSTER                                                                                      \
    (OPTION_CONFIRM | OPTION_REPLACE | OPTION_EXPIRES | OPTION_REASON | OPTION_ACTOR | OPTION_LISTEN |       \
     OPTION_CONFIG | OPTION_INIT)

struct verb;

struct steerctl {
    const char *socket;
    const char *url, *token_file, *ca, *cert, *key, *profile; /* url NULL: the socket */
    json_t *config;                                           /* whose texts some of these are; NULL: none */
    const struct verb *verb, *verbs;                          /* that of the command line; all of them */
    size_t verb_count;
    bool json, colour, wants_help, wants_version;
    int answer_ms;      /* how long an answer may take; 0: as usual */
    struct buffer *why; /* takes why there is no answer; NULL: stderr does */
    bool is_monitored;  /* `check`, but for `check run`: exit codes are those of monitoring plugins */
    option_set given;
    const char *region, *az, *effective, *reason, *in, *at, *for_, *until, *actor, *client, *failure, *from,
        *traffic, *limit, *since, *kind, *anchor, *state, *base, *to, *files, *check, *outcome, *verdict,
        *weight, *share, *names, *role, *zone, *expires, *overlap, *steps, *each, *confirm, *output, *html,
        *ecs, *tsig_key, *listen, *by, *observe, *server, *drill, *resolvers, *connect, *path, *ttl, *timeout,
        *retry, *file, *cluster_name, *node, *etcd, *etcd_ca, *etcd_cert, *etcd_key, *etcd_user,
        *etcd_password, *endpoints, *canary, *canary_for, *abort_capacity, *abort_errors, *abort_recovery,
        *warning, *critical;
    const char **losses;
    size_t loss_count;
    const char **accepted;
    size_t accepted_count;
    const char **assumed;
    size_t assumed_count;
    const char **rules; /* that are overridden */
    size_t rule_count;
    char **words; /* the verb and what follows it */
    int word_count;
    char **arguments; /* all of the command line behind the program; NULL ends them */
};

/* ---- client.c ---- */

struct steerctl_reply {
    int status;
    struct buffer body;
    json_t *json; /* NULL: the body is none */
};

/* Ask and read the whole answer; body is sent as JSON (borrowed; NULL: none). Returns false when there is no
 * server to ask: it has said so on stderr. */
bool steerctl_ask(const struct steerctl *ctl, const char *method, const char *target, const json_t *body,
                  struct steerctl_reply *reply);
/* The same with any octets as the body. */
struct http_octets;
bool steerctl_ask_octets(const struct steerctl *ctl, const char *method, const char *target,
                         const struct http_octets *body, struct steerctl_reply *reply);
void steerctl_reply_fini(struct steerctl_reply *reply);
/* Append percent-encoded text to a target. */
void steerctl_add_encoded(struct buffer *target, const char *text);
void steerctl_add_query(struct buffer *target, const char *key, const char *value); /* NULL: nothing */
/* Each error of an "errors" array as a line on stderr; fields of the API are named as the command line does.
 */
void steerctl_print_errors(const struct steerctl *ctl, const json_t *errors);
/* The exit code of an answer; a problem is explained on stderr. */
enum steerctl_exit steerctl_judge(const struct steerctl *ctl, const struct steerctl_reply *reply);
/* Ask (body is taken; NULL: none); with --json print the answer as it came. On STEERCTL_OK *json is owned by
 * the caller. */
enum steerctl_exit steerctl_ask_json(const struct steerctl *ctl, const char *method, const char *target,
                                     json_t *body, json_t **json);
/* The same with a body of lines, each of which is JSON. */
enum steerctl_exit steerctl_ask_lines(const struct steerctl *ctl, const char *target, const char *lines,
                                      json_t **json);
/* As steerctl_ask_json(), of one thing: the path, the third word of the command, and the suffix ("",
 * ":rotate"). A DELETE has no body: who asks, and why, stand in its query. */
enum steerctl_exit steerctl_ask_one(const struct steerctl *ctl, const char *method, const char *path,
                                    const char *suffix, json_t *body, json_t **json);
/* The body of an order: who asks, and why; owned. */
json_t *steerctl_make_body(const struct steerctl *ctl);
/* A field of a body; NULL: nothing. */
void steerctl_set(json_t *body, const char *key, const char *value);
/* A list from a text with commas between; NULL: nothing. */
void steerctl_set_list(json_t *body, const char *key, const char *text);
/* A page as large as the target says; else as steerctl_list_page(). */
enum steerctl_exit steerctl_list_part(const struct steerctl *ctl, const char *target, json_t *items,
                                      char **cursor);
/* One page of 1000; appends to items. *cursor (NULL at first) becomes the next one, owned by the caller;
 * NULL: the end. */
enum steerctl_exit steerctl_list_page(const struct steerctl *ctl, const char *target, json_t *items,
                                      char **cursor);
/* All pages of a list: *items is an array, owned by the caller, on STEERCTL_OK. */
enum steerctl_exit steerctl_list(const struct steerctl *ctl, const char *target, json_t **items);

/* All of it as the API has it, or as `show` does. */
enum steerctl_exit steerctl_show(const struct steerctl *ctl, const char *target,
                                 void (*show)(const struct steerctl *ctl, const json_t *items));

/* Likewise, by the columns (template.h). */
struct template_row;
enum steerctl_exit steerctl_show_rows(const struct steerctl *ctl, const char *target,
                                      const struct template_row *rows);
/* Ask (body is taken), and show what comes, or print it as the API has it. */
enum steerctl_exit steerctl_ask_show(const struct steerctl *ctl, const char *method, const char *target,
                                     json_t *body,
                                     void (*show)(const struct steerctl *ctl, const json_t *object));
/* Likewise "items" of an answer that does not come in pages. */
enum steerctl_exit steerctl_ask_rows(const struct steerctl *ctl, const char *target,
                                     const struct template_row *rows);
/* One thing: what is at path and name, as the API has it or as `show` does. */
enum steerctl_exit steerctl_show_one(const struct steerctl *ctl, const char *path, const char *name,
                                     void (*show)(const struct steerctl *ctl, const json_t *object));

/* As the API has it. */
void steerctl_print_page(const json_t *items, const char *cursor);

/* ---- beside.c ---- */

/* Where a program that belongs to this one is; owned. */
char *steerctl_find_program(const char *name);
/* It takes over, with the same command line. Returns only if it cannot be run, which was said. */
enum steerctl_exit steerctl_become(const struct steerctl *ctl, const char *name);

/* ---- remote.c ---- */

/* What a profile says (~/.config/steerctl/config.json) goes where the command line says nothing. False: it
 * has said why not on stderr. Texts stay until the process ends. */
bool remote_use_profile(struct steerctl *ctl);
/* By TLS to the API at the URL: a connection as if to the socket. False, and why is appended to. */
bool remote_connect(const struct steerctl *ctl, int *fd, struct buffer *why);
/* Headers for there: whom is asked, and what shows who asks. Likewise. */
bool remote_write_head(const struct steerctl *ctl, struct buffer *head, struct buffer *why);

/* ---- table.c ---- */

enum {
    TABLE_COLUMNS_MAX = 12,
    TABLE_CELL_SIZE = 512,
    TEXT_LINE_SIZE = 8192, /* the names of all safety rules fit */
};

struct table;

struct table *table_new(const struct steerctl *ctl, const char *const *headings); /* NULL at the end */
/* One of its own below an empty line; NULL if there is nothing to show. */
struct table *table_begin(const struct steerctl *ctl, const char *const *headings, const json_t *items);
void table_add(struct table *table, const char *cell); /* row by row; NULL is written as "-" */
void table_print(struct table *table);                 /* and free */
/* Colour of a state word, applied when the table is printed. */
void table_add_state(struct table *table, const char *state);

const char *text_of(const json_t *object, const char *key); /* NULL if null or not there */
/* Without control characters, which could command a terminal. Returns out. */
const char *text_clean(const char *text, char *out, size_t size);
/* "12s", "5m", "3h", "9d" since (or until) an RFC 3339 time; "-" for NULL. Returns out. */
const char *text_age(const char *time, char out[32]);
/* "2026-11-21T04:05:06.789Z" -> "2026-11-21 04:05:06Z (3m)"; what is none as it is. */
enum { TEXT_WHEN_SIZE = 64 };
const char *text_moment(const char *time, char out[TEXT_WHEN_SIZE]);
const char *text_colour(const struct steerctl *ctl, const char *state); /* "" without colour */
const char *text_plain(const struct steerctl *ctl);
void text_line(const char *label, const char *value); /* "label:   value", "-" for NULL; cleaned */

/* ---- whatif.c ---- */

/* The words of what-if, "region us-east down", "region:us-east down" or "region:us-east=down", any number of
 * them, as an array of assumptions (returns owned). NULL, and *bad is the word that is not understood. */
json_t *whatif_parse_words(char *const *words, int count, const char **bad);
void show_report(const struct steerctl *ctl, const json_t *report);
/* An explanation on assumptions: what it was and would be. */
void show_assumed(const struct steerctl *ctl, const json_t *explanation);

/* ---- then.c ---- */

/* What held at a moment of the past, and what is not known of it. */
void show_moment(const json_t *moment);

/* ---- unserved.c ---- */

/* The names of an "unserved" object, a line each. */
void show_unserved(FILE *out, const json_t *unserved);
/* Names of the rules that are overridden, if any are, into a body. */
void steerctl_set_rules(const struct steerctl *ctl, json_t *body);
void steerctl_add_rules(const struct steerctl *ctl, struct buffer *target); /* likewise, in the query */
/* Of what was read: safety rules that it violates. */
void show_violated(const json_t *result);
/* The safety rules of an array of errors, or of what a dry run would violate, a line each. */
void show_rules(FILE *out, const json_t *errors);
/* The command line that does it although names go unserved, or rules forbid it. */
void show_way_on(const struct steerctl *ctl, FILE *out, const json_t *problem);

/* ---- show.c, drill.c: JSON of the API -> text on stdout ---- */

void show_status(const struct steerctl *ctl, const json_t *status);
const char *show_target_fields(const char *kind); /* what the table is made of */
void show_targets(const struct steerctl *ctl, const char *kind, const json_t *items);
void show_target(const struct steerctl *ctl, const json_t *target);
void show_hold(const char *label, const json_t *item); /* nothing, where no safety rule holds it */
void show_change(const struct steerctl *ctl, const json_t *target);
void show_load_change(const json_t *target);
void show_explanation(const struct steerctl *ctl, const json_t *explanation);
enum steerctl_exit show_reload(const struct steerctl *ctl,
                               const json_t *result); /* REFUSED: some zones stay as they were */
enum steerctl_exit judge_reload(const json_t *result);
