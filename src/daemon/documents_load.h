/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of documents share. Private to src/daemon/documents*.c. */
#pragma once

#include "daemon/documents.h"
#include "daemon/redaction.h"
#include "base/arena.h"
#include "store/store.h"

struct documents_load {
    struct documents *documents;
    const struct server *server;
    struct arena *arena;             /* of what was asked */
    const struct admin_edits *edits; /* NULL: none */
    bool may_write, is_start;
    struct source_chooser chooser;
    documents_choose_fn *choose;
    bool is_from_asked;            /* the bundle was asked for */
    char bundle[BUNDLE_ID_SIZE];   /* whose tree is read; "": not known yet, or none */
    struct documents_set *before;  /* what serves; NULL: nothing does */
    struct documents_set *set;     /* what this load goes by; NULL: it has not come so far */
    struct redaction redaction;    /* of what the journal says of edits */
    bool is_adopted, is_of_bundle; /* it is: the configuration is that of a bundle */
    char *folder;                  /* of the state; NULL: none */
    /* of edits: */
    enum admin_edited_trouble trouble;
    char why[512];
    size_t at;
    struct admin_document *told;
};

struct documents_set *documents_set_new(void);
/* Adds one, if there is none of this path. `main`: steerd.json. */
void documents_set_add(struct documents_set *set, const char *main, const char *path, const char *origin);
void documents_set_finish(struct documents_set *set); /* sorts them */
void documents_set_map(struct documents_set *set);    /* places follow from `real` */
struct document *documents_set_find_name(const struct documents_set *set, const char *name);

/* Of a chooser of a load: which tree is to be read. */
char *documents_choose(void *load, const char *state);
/* What the store says of them. 0, or why it cannot be asked, with words in set->unsure. */
int documents_ask_store(struct documents_load *load);
/* What was noted beside the store of what served last. */
void documents_ask_note(struct documents_load *load);
bool documents_have_note(const struct documents_load *load);
void documents_drop_note(const struct documents_load *load);
void documents_write_note(const struct documents_load *load);
/* {"sha256", "size"}. Owned. */
char *documents_write_value(const struct document *document);

void documents_edit(struct documents_load *load, const struct conf_server *conf, struct depot *depot);
/* The document that an error is placed in; NULL: none. */
struct report_item;
const struct document *documents_find_accused(const struct documents_load *load,
                                              const struct report_item *item);
