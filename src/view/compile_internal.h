/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shared by the parts of view_compile(). */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "view/view.h"
#include "zone/builder.h"

struct compiler {
    struct view *view;           /* being made */
    const struct view *previous; /* may be NULL */
    const struct view *has_geo;  /* whose databases may be taken over; NULL: nobody's */
    struct report *report;
    struct geo_atlas *atlas; /* of the view's databases, while compiling */
    unsigned geo_knows;      /* what they know together: bits as in geo_db_info */
    size_t name_capacity;
    bool thorough;                          /* view_check(): go on after errors */
    const struct view_documents *documents; /* NULL: where their paths lead to */
    bool is_past;                           /* view_compile_past(): so far as it can be put together */
    struct budget budget;
    struct carry *carry; /* what was carried over so far: carry.c; NULL: nothing */
    bool refused;        /* a zone that is served now could not be kept: the running view stays */
};

struct carry;

/* A zone between its files and its rendering. */
struct compile_zone {
    struct zone *same; /* borrowed: it goes on, and nothing else is there; NULL: it is read */
    struct zone_builder *builder;
    struct conf_policy *policy; /* NULL: none, or broken */
    int error;
    bool keeps_serial; /* zone_keep_serial() */
};

/* Read one zone's files (of the view, its server and topology are needed), enter its policy, build it:
 * reading and building touch nothing that is shared. Errors go to the report of compile_read_zone(), which
 * has to live until the last step, those of the policy to the compiler's. The last one frees the work; NULL
 * if there was an error. */
void compile_read_zone(const struct view *view, const struct conf_zone_source *source, struct report *report,
                       struct compile_zone *work);
void compile_enter_policy(struct compiler *c, struct compile_zone *work);
struct zone *compile_finish_zone(struct compile_zone *work);

/* The records of "static" of the zone's policy into its builder. 0, or ERROR_INVALID with errors in the
 * report. */
int compile_add_statics(const struct compile_zone *work, struct report *report);

/* All zones of the view's server into the view. Returns how many can be served. */
size_t compile_load_zones(struct compiler *c);
unsigned compile_count_threads(const struct view *view); /* that read zones at once */
void compile_parse_apex(const struct conf_zone_source *source, uint8_t apex[DNS_NAME_MAX + 1]);
void compile_describe_zone(struct view_zone *entry, const struct zone *zone);
void compile_sort_names(struct view_name *names, size_t count); /* by owner */

int view_compare_names(const struct view_name *a, const struct view_name *b); /* their order */

/* Add every steered name of the zone's policy document to its builder, the steer set and view->names. Returns
 * 0, or ERROR_INVALID with errors in the report. */
int compile_policy(struct compiler *c, const struct compile_zone *zone);

/* ---- records.c ---- */

/* A policy document on its way into the view. */
struct compile_policy {
    struct compiler *c;
    const struct conf_policy *policy;
    struct zone_builder *builder;
    bool is_whole; /* nothing is wrong with the zone file */
    struct arena *arena;
    struct keytable *by_shared, *by_records; /* policies and records that names have in common */
};

/* A type of a name that has lists of rdata. */
struct compile_type {
    uint16_t type, bit; /* bit: among those of the policy */
    const struct zone_list *lists;
    uint16_t list_count; /* 0: no member has records of it */
    uint16_t *of_member; /* as in struct zone_listed_plan */
};

struct compile_records {
    struct compile_type *items;
    size_t count;
    uint16_t numbers[STEER_TYPES_MAX]; /* the DNS types of the policy's bits */
    uint16_t number_count;
    bool is_broken; /* reported */
    bool is_alias;  /* made by compile_make_aliases() */
};

/* In the arena of p. Returns 0, or ERROR_INVALID with errors in the report. */
int compile_read_records(const struct compile_policy *p, const struct conf_name *name,
                         struct compile_records *records);
/* Is one of the name's endpoints a host name? */
bool compile_has_hosts(const struct compile_policy *p, const struct conf_name *name);
/* The records of a name that answers with CNAMEs for those: addresses of the others beside them. */
void compile_make_aliases(const struct compile_policy *p, const struct conf_name *name,
                          struct compile_records *records);
/* Does the name answer the endpoints' addresses for A or AAAA, by themselves? */
bool compile_answers_addresses(const struct conf_name *name, const struct compile_records *records,
                               uint16_t type);
/* The bits of a member. */
uint16_t compile_find_types(const struct compile_policy *p, const struct conf_name *name,
                            const struct compile_records *records, size_t member);
/* All listed RRsets of a name; type and rdata of the plan do not matter. */
void compile_add_listed(struct zone_builder *builder, const struct compile_records *records,
                        const struct zone_steered_plan *name);

/* ---- tiers.c ---- */

/* A name on its way into the steer set. */
struct compile_plan {
    struct arena *arena; /* of the plan */
    const struct conf_name *name;
    const struct steer_member *members; /* of the plan */
    const struct steer_place *places;   /* of all endpoints */
    const struct report_place *place;
};

/* What the tier says, else the name. */
struct steer_need compile_choose_need(const struct conf_need *own, const struct conf_need *general);
struct steer_tier compile_plan_tier(const struct compile_plan *plan, const struct conf_tier *from);
/* A tier with the members of several. */
struct steer_tier compile_join_tiers(const struct compile_plan *plan, const struct conf_tier *const *from,
                                     size_t count, const char *label);
/* What a class has besides tiers and label: how it spills, its fence and its fallback. */
void compile_finish_class(const struct compile_plan *plan, const struct conf_tiers *tiers,
                          struct steer_class *class);
enum steer_fallback compile_get_fallback(enum conf_fallback fallback);

/* ---- geo.c ---- */

/* Open the databases, or take them over from the previous view. false, with errors in the report: one is
 * broken, and there is none to take over. */
bool compile_load_geo(struct compiler *c);
/* Fill atlas and geo_knows from the view's databases; the atlas is to be freed before them. */
void compile_open_atlas(struct compiler *c);

/* The classes of a name's clients and the tree that gives them. */
struct compile_classes {
    const struct steer_class *classes; /* in the arena */
    uint16_t count;
    uint64_t key;          /* of the tree; 0: the name has no geography */
    struct geo_tree *tree; /* owned; NULL: the steer set has one with the key already */
};

/* Of places that rules ask for and that are nowhere. */
void compile_warn_of_strangers(struct compiler *c, const struct conf_geo *geo, const struct geo_tree *tree,
                               const struct report_place *place);
/* 0, or an error that was reported at the place. */
int compile_plan_classes(struct compiler *c, const struct compile_plan *plan, struct compile_classes *to);

/* ---- sources.c ---- */

void compile_note_geo(struct view *view);

/* ---- unchanged.c ---- */

/* When topology and databases are there: what names of this view go by. `first`: where the files of the
 * topology begin. */
void compile_stamp_ground(struct view *view, const struct source_list *files, size_t first);
/* The zone was read for this report, and nothing else was. */
/* What was read for the report so far; then what was said of the whole. */
void compile_see_ground(struct view *view, struct report *report);
void compile_see_warnings(const struct view *view, const struct report *report);
void compile_stamp_zone(const struct view *view, const struct conf_zone_source *source, struct report *report,
                        struct zone *zone);
/* The version of the previous view, borrowed, if reading the zone would make the same one; then its files and
 * its warnings are in the report as if it had been read. NULL: it has to be. */
struct zone *compile_find_unchanged(const struct compiler *c, const struct conf_zone_source *source,
                                    const uint8_t *apex, struct report *report);

/* ---- others ---- */

/* The previous version of a zone for the new view: shared if nothing in it is steered, else a copy whose
 * policies were entered into the new set. NULL (and why in the report) if an endpoint that it needs is gone.
 */
struct zone *compile_carry_zone(struct compiler *c, struct zone *old, const struct conf_zone_source *source);
void compile_free_carry(struct compiler *c); /* when all zones are there */

/* Access lists, rates and whatever else keeps abuse out, when server and secrets are there. Rates go on over
 * a reload. */
void compile_guards(struct view *view, const struct view *previous);

/* view->hosts from its topology: nothing is known of them yet. */
void compile_hosts(struct view *view);
void compile_monitors(struct view *view); /* health.c */
/* lags.c: what the health machine is told of copies; items are owned. */
struct health_lags_plan compile_lags(const struct conf_topology *topology);

/* Rules that hold what is lost by itself. */
struct compile_holds {
    struct health_guards_plan plan;
    struct health_guard_plan *rules;
    struct health_way *ways;
};
void compile_holds(const struct conf_topology *topology, struct compile_holds *guards);
void compile_free_holds(struct compile_holds *guards);

/* Who a check is, mixed into a hash that says where it looks from and at what: identify.c */
uint64_t view_identify_check(uint64_t hash, const struct conf_check *check);
uint64_t view_hash_text(uint64_t hash, const char *text); /* NULL is fine */
/* When zones and policies are there, too: hosts that lead back to themselves. Warnings go to the report. */
void compile_find_loops(struct view *view, struct report *report);
/* Would other hosts lead back to themselves than those that were found, with this zone (of the view's
 * policies) in the place of the view's own? */
bool compile_moves_loops(const struct view *view, const struct zone *instead);

/* What all policies say of endpoints alike, from the topology to the steer set, when that is new. */
void compile_give_places(struct view *view);

/* ---- memory ---- */

/* What is read for a report may take as much as `server` says (NULL: not read yet). The budget has to live
 * until compile_end_budget(), which says in the report that what was read is not there for want of memory,
 * and at which file; `file` if that is not known. NULL: it did not fail. */
void compile_begin_budget(struct budget *budget, const struct conf_server *server, struct report *report);
void compile_end_budget(struct budget *budget, const struct conf_server *server, const char *file,
                        struct report *report);

/* Append one name to view->names. */
void compile_add_name(struct compiler *c, const struct view_name *name);

/* Fill view->primaries and view->keys from view->server. */
void compile_primaries(struct view *view, const struct view *previous);
