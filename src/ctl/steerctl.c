/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs of the command line, in one table: what each is called, takes and does. */
#include "config.h"

#include "ctl/observe.h"
#include "ctl/range.h"
#include "ctl/verbs.h"

#define CHANGE_OPTIONS                                                                                       \
    (OPTION_REASON | OPTION_IN | OPTION_AT | OPTION_FOR | OPTION_UNTIL | OPTION_ACTOR | OPTION_DRY_RUN |     \
     OPTION_YES_UNSERVED | OPTION_OVERRIDE_RULE | OPTION_EMERGENCY | OPTION_TTL)
#define CHANGE_ABOUT                                                                                         \
    " It needs a --reason and holds until it is removed (steerctl auto) or ends. An override of an "         \
    "endpoint "                                                                                              \
    "wins over that of its az, and this over that of its region. If names would have no endpoint they are "  \
    "listed, and nothing changes without --yes-unserved."

static const struct verb verbs[] = {
    {"init", "", "write a first configuration",
     "Writes steerd.json, topology.json, a zone file and its policy to the folder --to (default "
     "/etc/steerd). It asks five questions: where queries are answered, which zone is served, which of its "
     "names leads to the servers, where the servers are, and how they are checked. Options answer questions "
     "beforehand. If one of these files, or a policy, already exists there, nothing is written; with --force "
     "the existing configuration is renamed to NAME.old-TIME, all of its zones included. No server is "
     "contacted.",
     "  steerctl init\n"
     "  steerctl init --to conf --zone example.com --names www --check http:80/healthz \\\n"
     "    --endpoints \"us-east=192.0.2.10,192.0.2.11 eu-west=198.51.100.10\"",
     0, 0,
     OPTION_LISTEN | OPTION_ZONE | OPTION_NAMES | OPTION_ENDPOINTS | OPTION_CHECK | OPTION_TO | OPTION_FORCE,
     NULL, run_init},
    {"status", "", "show a summary of the server",
     "Shows version, generation, uptime, and how many regions, azs and endpoints are in which state.",
     "  steerctl status", 0, 0, 0, NULL, run_status},
    {"regions", "[NAME]", "list regions, or show one",
     "Lists all regions or those in one state, or shows everything about one.",
     "  steerctl regions --effective unhealthy", 0, 1, OPTION_EFFECTIVE, NULL, run_targets},
    {"azs", "[NAME]", "list azs, or show one",
     "Lists all azs or those that the options select, or shows everything about one.",
     "  steerctl azs --region us-east", 0, 1, OPTION_REGION | OPTION_EFFECTIVE, NULL, run_targets},
    {"endpoints", "[NAME]", "list endpoints, or show one",
     "Lists all endpoints with weights and addresses, or those that the options select, or shows everything "
     "about one, checks included.",
     "  steerctl endpoints --az us-east-1a --effective unhealthy\n  steerctl endpoints web-1", 0, 1,
     OPTION_REGION | OPTION_AZ | OPTION_EFFECTIVE, NULL, run_targets},
    {"checks", "[ENDPOINT]", "list checks with their latest results",
     "Lists all checks, those of one endpoint, or those that the options select: the verdict of each, why it "
     "has it, and what would change it. The latest results are shown with the newest on the right: the "
     "height of a bar is the response time, x is a failure, and ? is a check that could not be made for a "
     "reason on the server's own host.",
     "  steerctl checks web-1\n  steerctl checks --region us-east --outcome timeout", 0, 1,
     OPTION_REGION | OPTION_AZ | OPTION_CHECK | OPTION_VERDICT | OPTION_OUTCOME, "endpoint=ENDPOINT",
     run_checks},
    {"replication", "", "show the replication lag of data",
     "Shows how far each copy of data that the topology names (replicates_to) lags behind: its lag while it "
     "is known, the age of the latest report, the stage of replication, and whether the lag is within the "
     "RPO. If the lag is unknown it says why. The lag decides nothing by itself; see \"steerctl rules\".",
     "  steerctl replication", 0, 0, 0, NULL, run_replication},
    {"lag", "", "same as replication", "Same as \"steerctl replication\".", "  steerctl lag", 0, 0, 0, NULL,
     run_replication},
    {"errors", "", "show reported request errors",
     "Shows the share of failed requests of regions, azs and endpoints as load balancers and others report "
     "it (POST /v1/report), the age of each report, and who sent it. Switchovers and live drills use it.",
     "  steerctl errors", 0, 0, 0, NULL, run_errors},
    {"objectives", "", "list recovery objectives",
     "Lists the recovery objectives of the topology: the overall ones, those of pairs of regions, and those "
     "of names.",
     "  steerctl objectives", 0, 0, 0, NULL, run_objectives},
    {"rules", "[check TARGET=STATE... | release RULE... region:NAME --reason TEXT]",
     "show safety rules, test or release them",
     "Lists safety rules: whether each is met now, since when, and why. check tests one or several overrides "
     "against the rules: which rule would forbid them, and which names would have no endpoint; exit code 1 "
     "if they would be refused. release lets rules give up the failovers that they hold in a region, until "
     "everything that failed there has recovered; with --dry-run it shows the answers that would follow.",
     "  steerctl rules\n  steerctl rules check region:us-east=drain\n"
     "  steerctl rules release slowly region:us-east --reason \"the copy is good\" --dry-run",
     0, 66, OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN, "wish=TARGET", run_rules},
    {"watch", "", "follow regions, azs, checks and events live",
     "Shows regions, azs and checks live in the terminal, those with problems first, with running "
     "switchovers and drills above and the latest events below. What changed in the last ten seconds is "
     "marked with ! and in reverse. Ctrl-C or q ends it. With --once, or if the output is not a terminal, it "
     "prints everything once. With --json it prints each change as a line of JSON, as \"events --follow\" "
     "does.",
     "  steerctl watch\n  steerctl watch --region us-east --once\n  steerctl watch --json", 0, 0,
     OPTION_REGION | OPTION_ONCE, NULL, run_watch},
    {"check", "[WHAT...] | run ENDPOINT", "report health to monitoring, or run a check now",
     "A plugin for Nagios, Zabbix and similar systems: exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. "
     "WHAT is a figure (--json lists all) or a group of figures: health, orders, cluster, vantages, server, "
     "store, outputs, or traffic, which takes a second and must be named. A range is " RANGE_EXPECTED
     ".\n\ncheck run makes the checks of an endpoint now, from the server and in its way, and prints what "
     "was sent (>) and received (<), what was expected and what was found, each with its time. The results "
     "do not count for the verdict. Exit code 7 if one fails.",
     "  steerctl check\n  steerctl check health store --warning endpoints_unhealthy=2,override_age=12h\n"
     "  steerctl check run web-1\n  steerctl check run web-1 --check tls\n"
     "  steerctl check run web-1 --from fra-1",
     0, 64, OPTION_CHECK | OPTION_FROM | OPTION_WARNING | OPTION_CRITICAL | OPTION_TIMEOUT,
     "endpoint=ENDPOINT", run_check},
    {"vantages", "", "list remote probe agents",
     "Lists the remote probe agents: whether each is connected, what it checks and reports, and its "
     "round-trip time. A + after the number of checks means that the agent does not have the latest list "
     "yet.",
     "  steerctl vantages", 0, 0, 0, NULL, run_vantages},
    {"vantage", "enrol|show|drain|undrain|rename|revoke NAME [NEW]",
     "add, drain or remove a remote probe agent",
     "enrol prints a token that can be used once, within an hour, and the command to run on the other host. "
     "drain makes the results of the agent not count, until undrain. rename changes its name. revoke removes "
     "it.",
     "  steerctl vantage enrol fra-1\n  steerctl vantage drain fra-1 --reason \"its uplink flaps\"", 2, 3,
     OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_WEIGHT, "name=NAME", run_vantage},
    {"nodes", "", "list the nodes of the cluster",
     "Lists the nodes of this server's cluster: the state of each, when it was last heard, how many entries "
     "it is behind, and whether its health and configuration are the same as here. A * marks the node "
     "that does the cluster's background work.",
     "  steerctl nodes", 0, 0, 0, NULL, run_nodes},
    {"cluster", "[status|conflicts|refill|adopt|init|invite NAME|join TOKEN|remove NAME]",
     "show or change the cluster of this node",
     "Without arguments: phase and position of this node, and the state of etcd. conflicts lists objects to "
     "which two nodes gave different values while they could not reach each other; the next order about an "
     "object settles it.\n\nIf etcd was emptied or restored from a backup: refill writes what this node has "
     "to etcd (with --replace also if etcd has something else), adopt takes what etcd has.\n\ninit makes "
     "this host the first node. invite prints a token that can be used once, within an hour (--expires); "
     "join, on another host, makes that host a node. remove removes a node at once; invite --replace gives "
     "its name to another machine.",
     "  steerctl cluster\n  steerctl cluster conflicts\n  steerctl cluster refill --yes\n"
     "  steerctl cluster init --name prod --node ns1 --etcd https://10.0.0.1:2379\n"
     "  steerctl cluster remove ns2 --reason \"its disk died\"\n  steerctl cluster invite ns2",
     0, 2, OPTIONS_CLUSTER, "name=NAME", run_cluster},
    {"push", "DIR", "deploy a folder to all nodes of the cluster",
     "Makes a bundle of the files in a folder, uploads it, shows what it would change for traffic, and "
     "activates it on all nodes at once when all have it. With --check it stops before activation. Files "
     "named steerd.json, folders named var, and names that begin with \".\" are left out. It needs the role "
     "editor; admin if the bundle has exec or file checks that the server does not have yet.",
     "  steerctl push /etc/steerd --check\n  steerctl push /etc/steerd --reason \"the new pool\"", 1, 1,
     OPTION_ONLY_CHECK | OPTION_DRY_RUN | OPTION_CONFIRM | OPTION_REASON | OPTION_ACTOR | OPTION_LIMIT |
         OPTION_OVERRIDE_RULE,
     "manifest=DIR", run_push},
    {"bundles", "[list|show ID|activate ID|delete ID|cancel]", "list, activate or delete bundles",
     "Lists the bundles that the server has: the active one, the next one, and former ones. activate returns "
     "to one, delete removes one that is not in use, cancel ends an activation in progress. The first "
     "characters of an ID are enough.",
     "  steerctl bundles\n  steerctl bundles activate 8f43a1 --reason \"the pool was a mistake\"", 0, 2,
     OPTION_REASON | OPTION_ACTOR | OPTION_OVERRIDE_RULE, NULL, run_bundles},
    {"serving", "", "tell whether this server is in service",
     "Shows whether this server is isolated, whether it is withdrawn, and which peers it hears. For anycast "
     "daemons: exit code 0 if it is in service, 7 if it is withdrawn, 3 if no server answers.",
     "  steerctl serving", 0, 0, 0, NULL, run_serving},
    {"withdraw", "--reason TEXT", "take this server out of service",
     "Takes this server out of service until \"steerctl announce\": it stops answering, or the command "
     "\"withdraw\" of steerd.json withdraws its route. The state survives restarts.",
     "  steerctl withdraw --reason \"a new disk\"", 0, 0, OPTION_REASON | OPTION_ACTOR, NULL, run_withdraw},
    {"announce", "", "return this server to service",
     "Returns this server to service, also while it is isolated: it withdraws by itself again only after the "
     "full time that steerd.json sets for that.",
     "  steerctl announce", 0, 0, OPTION_REASON | OPTION_ACTOR, NULL, run_withdraw},
    {"config", "show|diff|get|set|merge|delete|apply|export|import [THING [VALUE]]",
     "view and edit topology and policies",
     "Views and edits topology and policies, if steerd.json lets the API own them (documents.owner). show "
     "lists the documents, diff compares them with the files, get prints a thing or the names of a kind. set "
     "replaces a thing, merge changes members of it (null removes one), delete removes it, apply makes all "
     "edits of a file at once. Each edit is checked together with everything else, stored, and served when "
     "the command returns; exit code 1 if a zone that had errors before cannot serve it. export writes files "
     "that load to the same configuration, import takes files over.\n\nTHING is region:NAME, az:NAME, "
     "endpoint:NAME, check:NAME, group:NAME, document:NAME or name:ZONE/NAME. VALUE is JSON, @FILE, or - for "
     "standard input.",
     "  steerctl config merge endpoint:web-1 '{\"weight\": 20}' --dry-run\n"
     "  steerctl config get name:example.com/www\n  steerctl config export /tmp/now",
     0, 3, OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_DRY_RUN | OPTION_OVERRIDE_RULE,
     "value=VALUE", run_config},
    {"acme", "set NAME VALUE | clear NAME [VALUE] | list", "answer DNS-01 challenges of ACME clients",
     "For hooks of ACME clients. set adds a TXT record with this value to _acme-challenge.NAME for 10m or "
     "--for (at most 24h), and returns when every reachable node answers it; setting it again changes its "
     "end. clear removes the value, or all values of the name; exit code 4 if there is none. NAME is the "
     "name of the certificate, with or without \"*.\", or that of the challenge. If a value begins with "
     "\"-\", write \"--\" before the name.",
     "  steerctl acme set --for 5m -- www.example.com LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\n"
     "  steerctl acme clear www.example.com\n  steerctl acme list",
     1, 3, OPTION_FOR | OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN, "name=NAME value=VALUE", run_acme},
    {"tokens", "", "list API tokens",
     "Lists the tokens for remote use of the API: the role and scope of each, when it expires, and when it "
     "was last used.",
     "  steerctl tokens", 0, 0, 0, NULL, run_tokens},
    {"token", "add|show|rotate|delete NAME", "add, show, rotate or delete an API token",
     "add prints a new token, once. --region and --zone limit what it can change. It expires after 90 days "
     "or --expires. rotate replaces the token; the old one stays valid for an hour or --overlap. delete "
     "revokes it at once.",
     "  steerctl token add alice --role operator --region us-east --expires 90d\n"
     "  steerctl token rotate alice --overlap 10m",
     2, 2,
     OPTION_ROLE | OPTION_REGION | OPTION_ZONE | OPTION_EXPIRES | OPTION_OVERLAP | OPTION_REASON |
         OPTION_ACTOR | OPTION_CONFIRM,
     "name=NAME", run_token},
    {"show", "TARGET", "show everything about a region, az or endpoint",
     "Shows the observed and the desired state, the effective one and what decided it, the override, and for "
     "an endpoint its addresses, load and checks.",
     "  steerctl show endpoint:web-1", 1, 1, 0, NULL, run_show},
    {"drain", "TARGET --reason TEXT", "send no traffic to a target, whatever its health",
     "Sends no traffic to the target, whatever its health; no fallback uses it either." CHANGE_ABOUT,
     "  steerctl drain region:us-east --reason \"power work\" --for 30m --dry-run\n"
     "  steerctl drain region:us-east --reason \"power work\" --in 10m --for 30m --ttl 15\n"
     "  steerctl drain region:us-east --reason \"a look at the other one\" --share 5\n"
     "  steerctl drain region:us-east --reason \"the shop's database\" --names shop\n"
     "  steerctl drain az:us-east-1a --reason \"fire in the hall\" --emergency",
     1, 1, CHANGE_OPTIONS | OPTION_SHARE | OPTION_NAMES, "state=VERB", run_override},
    {"up", "TARGET --reason TEXT", "treat a target as healthy, whatever its checks say",
     "Treats the target as healthy, whatever its checks say." CHANGE_ABOUT,
     "  steerctl up endpoint:web-1 --reason \"its check is broken\" --for 2h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"down", "TARGET --reason TEXT", "treat a target as unhealthy, whatever its checks say",
     "Treats the target as unhealthy, whatever its checks say. The fallback \"all\" still answers with it, "
     "\"first\" only if nothing else is left." CHANGE_ABOUT,
     "  steerctl down az:us-east-1a --reason \"flapping uplink\" --for 1h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"auto", "TARGET", "remove the override of a target",
     "Removes the override of this target, or the planned one: answers follow health again.",
     "  steerctl auto region:us-east", 1, 1,
     OPTION_ACTOR | OPTION_DRY_RUN | OPTION_REASON | OPTION_YES_UNSERVED | OPTION_OVERRIDE_RULE |
         OPTION_EMERGENCY,
     "state=VERB", run_override},
    {"failback", "TARGET --reason TEXT", "return a recovered target that is held down",
     "Returns a region, az or endpoint to service that has recovered and is held down: because its failback "
     "is manual, or because its hold_down, failback delay or flap penalty has not ended.",
     "  steerctl failback region:us-east --reason \"its data are in sync\"", 1, 1,
     OPTION_REASON | OPTION_ACTOR, NULL, run_failback},
    {"load", "TARGET VALUE|forget", "report the load of an endpoint",
     "Reports the load of an endpoint, in the unit of its watermarks in the topology. It counts until the "
     "next report, at most for --for or the max_age of the endpoint.",
     "  steerctl load endpoint:web-1 0.83 --for 30s\n  steerctl load endpoint:web-1 forget", 2, 2,
     OPTION_FOR | OPTION_ACTOR | OPTION_DRY_RUN, "value=VALUE", run_load},
    {"report", "TARGET CHECK up|down", "report the result of a push check",
     "Reports a result for a check of type \"push\". It counts for --for or the ttl of the check.",
     "  steerctl report endpoint:web-1 agent up --for 30s", 3, 3, OPTION_FOR | OPTION_ACTOR,
     "endpoint=TARGET check=CHECK state=STATE", run_report},
    {"overrides", "", "list overrides",
     "Lists all overrides, planned ones included: who ordered each, why, and when it ends.",
     "  steerctl overrides", 0, 0, 0, NULL, run_list},
    {"history", "[TARGET]", "show what was ordered, by whom and why",
     "Shows the journal, latest first: what operators ordered, and what began or ended by itself; the stated "
     "actor and [the identity that the kernel proved], the state before and after, and the reason.",
     "  steerctl history region:us-east\n  steerctl history --since 2h --actor alice\n  steerctl history "
     "--follow",
     0, 1, OPTION_SINCE | OPTION_ACTOR | OPTION_LIMIT | OPTION_FOLLOW, "target=TARGET", run_history},
    {"events", "[TARGETS]", "show events, and follow them",
     "Shows the events of the last hour or --since, latest last: health, overrides, reloads and all others; "
     "all of them, or those about names such as region:us-east or endpoint:web-*. With --follow it "
     "continues, also over restarts of the server, and says where events are missing.",
     "  steerctl events --follow\n  steerctl events region:* --kind health,override --since 10m", 0, 1,
     OPTION_SINCE | OPTION_KIND | OPTION_FOLLOW, "target=TARGETS", run_events},
    {"webhooks", "[NAME]", "list webhooks and their deliveries",
     "Lists webhooks, how many events each has waiting, and why; for one, the events that could not be "
     "delivered.",
     "  steerctl webhooks\n  steerctl webhooks ops", 0, 1, 0, "name=NAME", run_webhooks},
    {"retry", "WEBHOOK", "deliver the failed events of a webhook again",
     "Sends the events that were given up again, before all others, and retries those that wait at once.",
     "  steerctl retry ops", 1, 1, 0, "name=WEBHOOK", run_retry},
    {"hooks", "", "list hooks and their latest runs",
     "Lists the commands that events run, what runs and waits, and the latest run of each; --json has the "
     "latest 16.",
     "  steerctl hooks", 0, 0, 0, NULL, run_hooks},
    {"audit", "verify", "verify the journal",
     "Verifies the whole journal: whether an entry was changed, removed or moved. That the end was cut off "
     "shows only by an --anchor from a log kept elsewhere. Exit code 6 if the journal is broken, with the "
     "entry and the reason.",
     "  steerctl audit verify\n  steerctl audit verify --anchor 1234:e3b0c442...", 1, 1, OPTION_ANCHOR, NULL,
     run_audit},
    {"backup", "FILE | verify FILE... | restore FILE... --to DIR",
     "back up, verify or restore what the server keeps",
     "Writes everything in the state folder to one file: journal, objects, former configurations, past "
     "health. It is a tar file compressed with gzip, or with zstd if FILE ends in .zst. The server may run "
     "or not. --incremental saves only what changed since the backup --base, --differential what changed "
     "since the full backup --base. verify restores a full backup and those based on it to a scratch folder "
     "under $TMPDIR and checks everything; exit code 6 if it is broken. restore writes them to an empty or "
     "new folder from which steerd can start.",
     "  steerctl backup verify full.tar.gz monday.tar.gz\n"
     "  steerctl backup restore full.tar.gz monday.tar.gz --to /var/lib/steerd\n"
     "  steerctl backup full.tar.gz\n"
     "  steerctl backup monday.tar.gz --incremental --base full.tar.gz",
     1, 10000,
     OPTION_STATE | OPTION_BASE | OPTION_INCREMENTAL | OPTION_DIFFERENTIAL | OPTION_FORCE | OPTION_TO |
         OPTION_FILES,
     NULL, run_backup},
    {"export", "[FILE]", "write all objects as JSON lines",
     "Writes all objects of the store, as they are now or were --at a time, as lines of JSON to FILE or to "
     "standard output: kind, key, value, revision, and when each was written and expires. The server may run "
     "or not.",
     "  steerctl export --at -2h", 0, 1, OPTION_STATE | OPTION_FORCE | OPTION_AT, NULL, run_backup},
    {"salvage", "", "set a damaged store aside and find what is left",
     "For a store.db that steerd refuses as damaged: renames it so that a new one can begin, and finds the "
     "objects of the latest recovery point, to be imported. A running server takes the new store into use by "
     "itself. A backup that is newer than that point is the better way. A store without damage is left alone "
     "unless --force is given; one in use always is.",
     "  steerctl import /var/lib/steerd/depot/5d/5dc8... --dry-run\n  steerctl salvage", 0, 0,
     OPTION_STATE | OPTION_FORCE, NULL, run_backup},
    {"operations", "[ID | cancel ID]", "list requests that run in the background",
     "Lists requests that were started with Prefer: respond-async, latest first, and their progress; with ID "
     "also the response. cancel ends one that only computes.",
     "  steerctl operations\n  steerctl operations 5f2d0c1e-7\n  steerctl operations cancel 5f2d0c1e-7", 0, 2,
     0, NULL, run_operations},
    {"incidents", "[ID]", "list real losses of regions and azs",
     "Lists what was lost, when and for how long, how long it took until answers had moved and resolvers had "
     "followed, whether the RTO was met, and how far the copies of its data lagged at that moment.",
     "  steerctl incidents", 0, 1, 0, NULL, run_incidents},
    {"traffic", "[regions|azs|endpoints|names|classes]", "show where answers led",
     "Shows how often regions (the default), azs or endpoints were in an answer, or how often names or "
     "classes of clients were answered: per second over 1, 5 and 15 minutes, the share of the last 5, and "
     "the total since the start. The busiest come first.",
     "  steerctl traffic\n  steerctl traffic names --limit 20", 0, 1, OPTION_LIMIT, NULL, run_traffic},
    {"resolvers", "", "list the resolvers that ask most",
     "Lists the resolvers with most queries in the last 15 minutes: queries per second as an upper and a "
     "lower bound, and the share of all queries.",
     "  steerctl resolvers --limit 50", 0, 0, OPTION_LIMIT, NULL, run_resolvers},
    {"drains", "[ID]", "show how resolvers moved off targets",
     "For each switch of a region, az or endpoint, or of some names: how many of the resolvers that had been "
     "sent there in the 15 minutes before have asked again since, or have let the TTL run out, and when 99 % "
     "had. With ID also the curve over time, and which resolvers have not asked.",
     "  steerctl drains\n  steerctl drains 3", 0, 1, 0, NULL, run_drains},
    {"switchover", "plan|new|start|now|execute|verify|commit|rollback|… [TARGET|ID ...]",
     "move traffic off a target and back, step by step",
     "plan shows what would happen. new prepares a switchover, start begins it at once, in steps if some are "
     "given. now is for emergencies: one step, without checks. verify checks that traffic has moved, then "
     "commit accepts the result or rollback undoes it. A committed switchover is unprotected until reprotect "
     "reports that data replicate back; then failback, verify and commit return in the same way. list and "
     "show tell where each switchover is.",
     "  steerctl switchover plan region:us-east --to eu-west\n"
     "  steerctl switchover start region:us-east --steps 5,25 --each 2m --reason \"power work\" --watch\n"
     "  steerctl switchover start region:us-east --to eu-west --names shop --reason \"its database\"\n"
     "  steerctl switchover now region:us-east --reason \"fire in the hall\"\n"
     "  steerctl switchover verify 20261123T104500Z-us-east",
     1, 65,
     OPTION_REASON | OPTION_ACTOR | OPTION_TO | OPTION_STEPS | OPTION_EACH | OPTION_ACCEPT | OPTION_CONFIRM |
         OPTION_EMERGENCY | OPTION_LOWER_TTL | OPTION_NAMES | OPTION_DRY_RUN | OPTION_WAIT,
     "source=TARGET", run_switchover},
    {"point", "list|show|save|delete|use|files [NAME]", "manage recovery points",
     "Lists recovery points, shows one, saves one that stays until it is deleted, deletes one, or notes that "
     "it was used. Others are saved automatically, as steerd.json says. files writes the configuration that "
     "served at a point, or at any time, to a folder; the server may run or not.",
     "  steerctl point save before-migration --reason \"we move\"\n  steerctl point list\n"
     "  steerctl point files before-migration --to /tmp/then",
     1, 2, OPTION_REASON | OPTION_ACTOR | OPTION_TO | OPTION_STATE, "name=NAME", run_point},
    {"restore", "MOMENT --reason TEXT", "return overrides to a recovery point",
     "Sets the overrides to what they were at a recovery point, at a time, or so long ago, except those that "
     "would have ended since. A point is saved first, so that the restore can be undone by another one. If "
     "names would have no endpoint they are listed, and nothing changes without --yes-unserved.",
     "  steerctl restore before-migration --dry-run\n"
     "  steerctl restore 2h --reason \"the drains were a mistake\"\n"
     "  steerctl restore 2026-11-22T14:03:00Z --reason \"as it was\"",
     1, 1,
     OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN | OPTION_LIMIT | OPTION_YES_UNSERVED |
         OPTION_YES_WITHOUT_POINT | OPTION_OVERRIDE_RULE,
     "to=MOMENT", run_restore},
    {"import", "FILE --reason TEXT | SOURCE FILE... --to DIR",
     "import overrides, or convert files of other servers",
     "Imports overrides from a file that export wrote (\"-\": standard input). Other overrides stay, unless "
     "--replace is given. It is previewed, recorded and can be undone, like a restore.\n\nWith --to: "
     "converts files of powerdns, knot, route53, cloudflare or gdnsd to a configuration of steerd in a new "
     "folder; see steerctl-import(1). Exit code 1 if something was left out, 2 if nothing was written.",
     "  steerctl import route53 records.json health-checks.json --to conf\n"
     "  steerctl import overrides.jsonl --dry-run\n  steerctl import - --dry-run",
     1, 1000,
     OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_DRY_RUN | OPTION_LIMIT | OPTION_YES_UNSERVED |
         OPTION_YES_WITHOUT_POINT | OPTION_REPLACE | OPTION_OVERRIDE_RULE | OPTION_TO | OPTION_FORCE |
         OPTION_GEO,
     NULL, run_import},
    {"explain", "NAME [TYPE]", "show which answer a client gets, and why",
     "Shows the answer that a client gets for a name (type A by default), and why, step by step. With "
     "--assume it shows the answer for these overrides too. With --at it shows the answer of a past moment: "
     "a time, how long ago, or the ID of a recovery point.",
     "  steerctl explain www.example.com AAAA --client 192.0.2.1\n"
     "  steerctl explain www.example.com --assume region:us-east=down\n"
     "  steerctl explain www.example.com --at 2026-11-21T14:03:00Z\n"
     "  steerctl explain www.example.com --at \"2h ago\"",
     1, 2, OPTION_CLIENT | OPTION_ASSUME | OPTION_AT, "name=NAME type=TYPE", run_explain},
    {"diff", "MOMENT [MOMENT]", "show what changed between two moments",
     "Compares a past moment with another one, or with now: orders of operators, files of the configuration "
     "and their changes, answers, settings, and health. A moment is a time, how long ago, or the ID of a "
     "recovery point.",
     "  steerctl diff 90m\n  steerctl diff 2026-11-21T14:00:00Z 2026-11-21T14:10:00Z", 1, 2, OPTION_LIMIT,
     "from=MOMENT to=MOMENT", run_diff},
    {"what-if", "[KIND NAME STATE]...", "show the effect of overrides on all names",
     "Shows what all names would answer with these overrides: which get no records, which use a fallback, "
     "where traffic goes, and how full regions and azs become. KIND is region, az or endpoint; STATE is "
     "down, drain, drain:PERCENT, up or auto. Nothing changes.",
     "  steerctl what-if region us-east down az eu-west-1a drain --traffic 5000", 0, 300,
     OPTION_TRAFFIC | OPTION_LIMIT, "assume=assumption", run_what_if},
    {"zones", "", "list zones",
     "Lists all zones: whether the current file serves (current), an older version (stale) or none (failed), "
     "the serial, and how many secondaries have it.",
     "  steerctl zones", 0, 0, 0, NULL, run_list},
    {"names", "", "list steered names and their tiers",
     "Lists all steered names: types, TTL, policy, number of members, how they are picked, and the tiers of "
     "the default class of clients in order of preference.",
     "  steerctl names", 0, 0, 0, NULL, run_list},
    {"geo", "", "list geo databases",
     "Lists the geo databases: whether the current files are in use, when they were built, and what they "
     "contain.",
     "  steerctl geo", 0, 0, 0, NULL, run_list},
    {"reload", "[ZONE]", "reload the configuration, or one zone",
     "Reads the configuration again, or only the files of one zone, and waits for the result. Whatever is "
     "invalid keeps serving as before, and every error is listed with its place. It shows what changes for "
     "traffic: zones and names that come, go, shrink or change, names that become steered or no longer are, "
     "members, answers that move, and settings. With --dry-run nothing is changed.",
     "  steerctl reload --dry-run\n  steerctl reload\n  steerctl reload example.com", 0, 1,
     OPTION_DRY_RUN | OPTION_LIMIT | OPTION_REASON | OPTION_ACTOR | OPTION_OVERRIDE_RULE, "zone=ZONE",
     run_reload},
    {"takeover", "", "replace the running server by the installed version",
     "Starts the installed steerd next to the running one. When it has loaded and checked its endpoints it "
     "takes over sockets and overrides and answers, and the old one exits; no query is lost. If it fails to "
     "start nothing changes, and the reason is printed.",
     "  steerctl takeover", 0, 0, 0, NULL, run_takeover},
    {"drill",
     "simulate | sweep | new | shadow | live | list | show | stop | reports | report | schedule | run | diff "
     "| trend [ARGUMENT...]",
     "rehearse a loss",
     "simulate FILE, or simulate --lose TARGET: computes what would happen: which names change, to where, "
     "when, and whether that meets the objectives. Lines with FAILED say why not. Exit code 0 met, 1 missed, "
     "2 not computed. new --lose TARGET writes a first document.\n\nsweep [FILE]: the loss of every az, "
     "region and pair, one after the other, with the clients and objectives of a document: a table of "
     "risks.\n\nshadow FILE, or shadow --lose TARGET: lets the loss happen on the server, at the pace of its "
     "checks, for some clients only (--client, --ecs, --listen, --tsig-key) and for a while (--for, 5m). "
     "--wait shows what happens and then the report, with the exit codes of simulate. --observe NAME,... "
     "--server ADDRESS adds what caching resolvers see to the report.\n\nlive FILE, or live --lose TARGET: "
     "for ALL clients, a share of them first (--canary), with real TTLs. It shows what changes and asks for "
     "the name of the target. A real failure ends it.\n\nlist, show ID, stop ID: drills that run, and ending "
     "one. reports, report ID: reports that the server keeps, of drills that ran on it and of simulations "
     "with --keep. schedule, run NAME: drills that the server runs regularly, and one of them now.\n\ndiff A "
     "B: what got better or worse between two reports (IDs or files); exit code 0 nothing worse, 1 worse, 2 "
     "not compared. trend [NAME]: recovery and failed requests of kept drills over time.",
     "  steerctl drill simulate --lose region:us-east --from healthy\n"
     "  steerctl drill simulate us-east.json --html us-east.html\n  steerctl drill new --lose "
     "region:us-east\n"
     "  steerctl drill shadow --lose region:us-east --client 192.0.2.0/24 --for 5m --reason rehearsal\n"
     "  steerctl drill shadow us-east.json --client 192.0.2.0/24 --wait\n"
     "  steerctl drill live --lose region:us-east --for 5m --canary 5% --reason \"game day\"",
     1, 3,
     OPTION_LOSE | OPTION_FAILURE | OPTION_FROM | OPTION_OUTPUT | OPTION_HTML | OPTION_CLIENT | OPTION_ECS |
         OPTION_TSIG_KEY | OPTION_LISTEN | OPTION_FOR | OPTION_REASON | OPTION_ACTOR | OPTION_WAIT |
         OPTION_KEEP | OPTION_LIVE | OPTION_ACCEPT | OPTION_CONFIRM | OPTION_DRY_RUN | OPTIONS_OBSERVE,
     "mode=simulate", run_drill},
    {"observe", "NAME[/TYPE]... --server ADDRESS", "see a loss as caching resolvers and clients do",
     "Runs small caching resolvers that ask for the names, and shows when they move and what fails until "
     "then: for targets that are known to be lost (--lose), with real requests (--connect), or for a running "
     "drill (--drill), whose report then has it next to what was computed. It ends after --for (60s), with "
     "the drill, or with Ctrl-C.",
     "  steerctl observe www.example.com --server 192.0.2.53 --connect 80 --path / --for 5m\n"
     "  steerctl observe www.example.com/A --server 127.0.0.1 --lose region:us-east --client 127.1.2.0/24",
     1, 16,
     OPTION_SERVER | OPTION_DRILL | OPTION_RESOLVERS | OPTION_CONNECT | OPTION_PATH | OPTION_TIMEOUT |
         OPTION_RETRY | OPTION_TTL | OPTION_LOSE | OPTION_FOR | OPTION_CLIENT | OPTION_ECS,
     NULL, run_observe},
    {"metrics", "", "print metrics for Prometheus",
     "Prints all metrics in the text format of Prometheus; with --json that text is one string.",
     "  steerctl metrics | grep steerd_target", 0, 0, 0, NULL, run_metrics},
    {"openapi", "", "print the OpenAPI 3.1 document",
     "Prints all operations of the server's API, for tools that generate clients, as YAML; with --json as "
     "one string.",
     "  steerctl openapi | head -n 20", 0, 0, 0, NULL, run_openapi},
    {"completion", "bash|zsh|fish", "print a completion script for a shell",
     "Prints a script that completes verbs and options for bash, zsh or fish. It is installed with steerctl "
     "where these shells find it.",
     "  source <(steerctl completion bash)\n"
     "  steerctl completion fish | source",
     1, 1, 0, NULL, run_completion},
    {"help", "[VERB]", "show this text, or the help of a verb",
     "Lists all verbs, or shows the options of one, what it does, and an example.", "  steerctl help drain",
     0, 1, 0, NULL, run_help},
    {"version", "", "print the version of steerctl",
     "Prints the version of steerctl; status shows that of the server.", "  steerctl version", 0, 0, 0, NULL,
     run_version},
};

enum steerctl_exit verbs_run(struct steerctl *ctl)
{
    ctl->verbs = verbs;
    ctl->verb_count = sizeof verbs / sizeof *verbs;
    return verb_run(ctl);
}
