/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs of steerctl: what each takes, what it does, and the texts that explain it. */
#pragma once

#include "ctl/options.h"
#include "ctl/steerctl.h"

struct verb {
    const char *name, *words;
    const char *help;         /* in a line */
    const char *about;        /* more of it: sentences; an empty line ends a paragraph */
    const char *example;      /* likewise */
    int min_words, max_words; /* after the verb */
    option_set options;
    const char *fields; /* "field=WORD field=WORD": what the API calls its words; NULL: nothing else */
    enum steerctl_exit (*run)(const struct steerctl *ctl);
};

/* steerctl.c: the verb of this command line, or its help */
enum steerctl_exit verbs_run(struct steerctl *ctl);
/* verbs.c: the same, of those in ctl */
enum steerctl_exit verb_run(struct steerctl *ctl);
enum steerctl_exit run_help(const struct steerctl *ctl);
enum steerctl_exit run_completion(const struct steerctl *ctl);
enum steerctl_exit run_version(const struct steerctl *ctl);
void help_print_all(void);
void help_print_verb(const struct verb *verb);

/* look.c */
enum steerctl_exit run_status(const struct steerctl *ctl);
enum steerctl_exit run_targets(const struct steerctl *ctl);
enum steerctl_exit run_list(const struct steerctl *ctl);
enum steerctl_exit run_show(const struct steerctl *ctl);
enum steerctl_exit run_explain(const struct steerctl *ctl);
enum steerctl_exit run_what_if(const struct steerctl *ctl);
enum steerctl_exit run_metrics(const struct steerctl *ctl);
enum steerctl_exit run_openapi(const struct steerctl *ctl);
/* checks.c */
enum steerctl_exit run_checks(const struct steerctl *ctl);
/* init.c */
enum steerctl_exit run_init(const struct steerctl *ctl);
/* errors.c */
enum steerctl_exit run_errors(const struct steerctl *ctl);
/* replication.c */
enum steerctl_exit run_replication(const struct steerctl *ctl);
enum steerctl_exit run_rules(const struct steerctl *ctl);
enum steerctl_exit run_objectives(const struct steerctl *ctl);
/* try.c */
enum steerctl_exit run_check(const struct steerctl *ctl);
/* vantages.c */
enum steerctl_exit run_vantages(const struct steerctl *ctl);
enum steerctl_exit run_vantage(const struct steerctl *ctl);
/* events.c */
enum steerctl_exit run_events(const struct steerctl *ctl);
enum steerctl_exit run_webhooks(const struct steerctl *ctl);
enum steerctl_exit run_retry(const struct steerctl *ctl);
enum steerctl_exit run_hooks(const struct steerctl *ctl);
/* drill.c */
enum steerctl_exit run_drill(const struct steerctl *ctl);
/* config.c */
enum steerctl_exit run_config(const struct steerctl *ctl);
/* acme.c */
enum steerctl_exit run_acme(const struct steerctl *ctl);
/* tokens.c */
enum steerctl_exit run_tokens(const struct steerctl *ctl);
enum steerctl_exit run_token(const struct steerctl *ctl);
/* watch.c */
enum steerctl_exit run_watch(const struct steerctl *ctl);
/* then.c */
enum steerctl_exit run_diff(const struct steerctl *ctl);
/* history.c */
enum steerctl_exit run_history(const struct steerctl *ctl);
enum steerctl_exit run_audit(const struct steerctl *ctl);
/* backup.c */
enum steerctl_exit run_backup(const struct steerctl *ctl);
/* points.c */
enum steerctl_exit run_point(const struct steerctl *ctl);
enum steerctl_exit run_restore(const struct steerctl *ctl);
enum steerctl_exit run_import(const struct steerctl *ctl);
/* import.c: files of another server, and not of overrides? If so, what becomes of them */
bool import_is_foreign(const struct steerctl *ctl);
enum steerctl_exit import_foreign(const struct steerctl *ctl);
/* drains.c */
enum steerctl_exit run_drains(const struct steerctl *ctl);
enum steerctl_exit run_resolvers(const struct steerctl *ctl);
/* traffic.c */
enum steerctl_exit run_traffic(const struct steerctl *ctl);
/* operations.c */
enum steerctl_exit run_operations(const struct steerctl *ctl);
/* incidents.c */
enum steerctl_exit run_incidents(const struct steerctl *ctl);
/* switchover.c */
enum steerctl_exit run_switchover(const struct steerctl *ctl);
void switchover_show_look(const struct steerctl *ctl,
                          const json_t *look); /* what it would change, and what objects */
/* confirm.c: what was typed at a terminal; NULL: nobody sits there, or nothing was. In the line, which is
 * owned by the caller. */
enum { CONFIRM_SIZE = 512 };
const char *confirm_read(const char *wanted, const char *to, char line[CONFIRM_SIZE]);
/* The name of what goes is typed, or said by --confirm, or --yes is. Else why not is said. */
enum steerctl_exit confirm_typed(const struct steerctl *ctl, const char *wanted, const char *to);
/* spread.c */
/* where a change is in force, if the answer says so */
void nodes_show_spread(const json_t *answer);
/* members.c: `cluster invite` and the like. False: it is none of these. */
bool members_run(const struct steerctl *ctl, enum steerctl_exit *code);
enum steerctl_exit run_nodes(const struct steerctl *ctl);
enum steerctl_exit run_cluster(const struct steerctl *ctl);
enum steerctl_exit run_serving(const struct steerctl *ctl);
enum steerctl_exit run_withdraw(const struct steerctl *ctl); /* and announce */
/* bundles.c */
enum steerctl_exit run_bundles(const struct steerctl *ctl);
enum steerctl_exit run_push(const struct steerctl *ctl);
/* push_wait.c: that bundle is to be active on all nodes, which is followed until it is or will not be; and
 * what is under way is not to be after all */
enum steerctl_exit push_activate(const struct steerctl *ctl, const char *id);
enum steerctl_exit push_cancel(const struct steerctl *ctl);
/* switchover_watch.c: one is followed until it does not move any more */
enum steerctl_exit switchover_watch(const struct steerctl *ctl, const json_t *begun);
/* change.c */
enum steerctl_exit run_override(const struct steerctl *ctl);
enum steerctl_exit run_report(const struct steerctl *ctl);
enum steerctl_exit run_failback(const struct steerctl *ctl);
enum steerctl_exit run_load(const struct steerctl *ctl);
enum steerctl_exit run_takeover(const struct steerctl *ctl);
enum steerctl_exit run_reload(const struct steerctl *ctl);
/* drill_report.c: a report as text, with colours; as a page, to --html (false: it could not be written, and
 * why was said); and a document (owned; NULL: likewise) */
void drill_show_report(const struct steerctl *ctl, const json_t *report);
bool drill_write_page(const struct steerctl *ctl, const json_t *report);
/* Of a drill on the server, which has its report in it: with what was measured and proved beside that. */
bool drill_write_whole_page(const struct steerctl *ctl, json_t *drill);
json_t *drill_read_document(const char *path);
/* observe.c */
enum steerctl_exit run_observe(const struct steerctl *ctl);

/* ---- target.c ---- */

#define TARGET_EXPECTED "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME"

/* "region:us-east" -> "regions" and "us-east"; false: it is no target. */
bool target_split(const char *text, const char **plural, const char **name);
/* Those of a target (addresses.c), {"192.0.2.1": true}. */
enum steerctl_exit target_list_addresses(const struct steerctl *ctl, const char *target, json_t *addresses);
/* After the server refused or did not find something: if there is nothing of this kind ("regions", "zones")
 * with this name, say what may have been meant. Returns STEERCTL_NOT_FOUND then, else code. */
enum steerctl_exit target_explain(const struct steerctl *ctl, enum steerctl_exit code, const char *plural,
                                  const char *name);
/* The same of a target with its kind, perhaps with "=STATE" behind it. */
enum steerctl_exit target_explain_text(const struct steerctl *ctl, enum steerctl_exit code, const char *text);
