/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Documents that the admin API owns ("documents": {"owner": "api"} in steerd.json): the topology, and the
 * policies of zones. The store says of each which content it has, document/NAME → {"sha256", "size"};
 * contents are in STATE/documents, by their hashes. Each load, a start, a reload or an edit, asks here from
 * where documents are read. What the store does not hold yet is read from its file and taken over with the
 * next reload; what it holds is what serves, whatever the file says.
 *
 * An edit is a reload with other texts: the loader makes them (documents_place), the whole of it is compiled,
 * the store is told, and then it serves. What cannot be stored does not serve. Private to src/daemon. */
#pragma once

#include "admin/documents.h"
#include "base/report.h"
#include "base/source_list.h"
#include "past/bundle.h"
#include "past/depot.h"
#include "view/view.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct conf_server;
struct documents;
struct server;

#define DOCUMENT_FOLDER "documents"

struct document {
    char *name;                   /* its path from the folder of steerd.json, or the whole of it */
    char *path;                   /* absolute */
    char *origin;                 /* the first zone whose policy it is; NULL: the topology */
    char sha256[DEPOT_NAME_SIZE]; /* "": that of its file, whatever that is */
    char *real;                   /* where that is read; NULL: at `path` */
    uint64_t size, revision;      /* revision 0: the store does not hold it */
    bool is_written;              /* its content is another one than the store says */
    bool is_edited;               /* because somebody asked for that */
};

/* What one load goes by. Immutable once it serves; counted, from any thread. */
struct documents_set {
    atomic_uint uses;
    enum conf_owner owner;
    char bundle[BUNDLE_ID_SIZE]; /* whose tree they are of; "": none */
    char *unsure;                /* why this may not be what the store says; NULL: it is */
    size_t differing;            /* whose files said something else */
    struct document *items;      /* by path */
    size_t count;
    struct source_place *places; /* of those that are not read from their files */
    struct source_places map;
};

struct documents_set *documents_hold(struct documents *documents); /* NULL: nothing serves yet */
void documents_release(struct documents_set *set);                 /* NULL is fine */
struct document *documents_find(const struct documents_set *set, const char *path); /* absolute; or NULL */

/* One load. Of the loader thread while that runs, else of the control thread. */
struct documents_load;
struct documents_options {
    const struct admin_edits *edits; /* copied; NULL: none */
    bool may_write;                  /* nobody else uses the folder */
    bool is_start;                   /* what is lost must not keep us from answering */
    const char *bundle; /* copied: read its tree, whatever the configuration says; NULL: the one that counts,
                           if it says so */
};
struct documents_load *documents_begin(struct server *server, const struct documents_options *options);
/* Its turn has come: what it begins with is what serves now. Control thread. */
void documents_follow(struct documents_load *load);
/* For view_compile_load(): valid as long as the load. */
const struct source_chooser *documents_get_chooser(const struct documents_load *load);
/* For that, and for whoever loads a zone alone. */
void documents_place(void *load, const struct conf_server *conf, struct report *report);
/* Where compiling gave up with a bundle that was asked for: another report takes the place of this one, with
 * all that is wrong, as `steerd --check` tells it. Else nothing. */
void documents_check_all(const struct documents_load *load, struct report **report);
/* After it was compiled as `asked`: is nothing wrong, in any file, that is not wrong without the edits, too,
 * and has each edited document no errors, or all of them together fewer than without? Else edits are refused.
 */
bool documents_are_good(const struct documents_load *load, const struct view_load *asked,
                        const struct report *report);
/* Files that are to be taken over but have errors of their own are left to be files. */
void documents_leave_broken(struct documents_load *load, const struct report *report);
bool documents_have_edits(const struct documents_load *load);
/* Is there anything to be told to the store? */
bool documents_want_store(const struct documents_load *load);
/* true: `done` is called once, on the control thread, later or at the end of the store, and the load has to
 * stay until then; false: there is nothing that could be written, or no store. */
bool documents_commit(struct documents_load *load, void (*done)(void *argument, int error), void *argument);
/* It serves. */
void documents_adopt(struct documents *documents, struct documents_load *load);
/* A reload of `what` ("all", a zone) was refused, so what serves is older than what its files say: it is
 * shown with what is unsure. NULL: it was not. */
void documents_note_refused(struct documents *documents, const char *what, const char *why);
/* What became of edits; valid as long as the load. */
void documents_describe(struct documents_load *load, int error, bool is_refused, struct admin_edited *edited);
void documents_end(struct documents_load *load); /* NULL is fine */

/* ---- life; control thread ---- */

/* choose(): which bundle's tree a load reads that asks for none itself; it waits for the disk. False: there
 * is none. */
typedef bool documents_choose_fn(const char *state, char id[BUNDLE_ID_SIZE]);
struct documents *documents_open(struct server *server, documents_choose_fn *choose);
void documents_close(struct documents *documents); /* NULL is fine */
/* What is not in the store yet is taken over. `asks`: the store may say something else by now; then that is
 * loaded. */
void documents_settle(struct server *server, bool asks);

/* The bundle that the present view was loaded from; "": none. Control thread, until another one serves. */
const char *documents_get_bundle(const struct documents *documents);

/* ---- looking; any thread ---- */

/* With what the files say, which is read; texts in the arena. */
void documents_list(struct documents *documents, bool with_files, struct arena *arena,
                    struct admin_documents *list);
/* A zone with a policy that has errors: what serves of it, if anything, is not what its document says. */
const struct view_zone *documents_find_older(const struct view *view);
struct documents_counts {
    size_t count, differing; /* whose files said something else when it was loaded */
    bool is_owned, is_unsure;
};
void documents_count(struct documents *documents, const struct view *view, struct documents_counts *counts);
/* "same" "differs" "missing": what the file says beside what serves; it is read. */
const char *document_look_at_file(const struct document *document);
/* See admin_verbs. */
void server_list_documents(void *reader, bool with_files, struct arena *arena, struct admin_documents *list);
struct edit_document *server_read_document(void *reader, const struct edit *about, unsigned how,
                                           struct arena *arena, struct admin_opened *opened);
/* The one that an edit is about, or NULL, and why in words. */
struct document *documents_find_about(const struct documents_set *set, const struct conf_server *conf,
                                      const struct edit *about, char why[EDIT_WHY_SIZE]);
/* The text of one, owned; NULL and *error: ERROR_NOT_FOUND, or it cannot be read. */
char *documents_read(const struct document *document, size_t *len, int *error);
