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
    " It needs a --reason and holds until it is\nremoved (steerctl auto), unless it has an end. An "         \
    "override of an endpoint wins over one of its az, that\nof an az over one of its region. Where "         \
    "nobody would serve a name any more\nthese names are listed, and nothing is done without --yes-unserved"

static const struct verb verbs[] = {
    {"init", "", "write a first configuration, after five questions",
     "Ask where queries are answered, which zone is served, which of its names leads to the servers, where "
     "these\nare and how they are checked, and write steerd.json, topology.json, the zone and its policy "
     "to the folder --to\n(/etc/steerd). What an option says is not asked: --listen, --zone, --names, "
     "--endpoints, --check. Files that\nare there stay; with --force the whole configuration is replaced, "
     "all its zones too, and its files are\nrenamed to NAME.old-TIME. No server is asked",
     "  steerctl init\n"
     "  steerctl init --to conf --zone example.com --names www --check http:80/healthz \\\n"
     "    --endpoints \"us-east=192.0.2.10,192.0.2.11 eu-west=198.51.100.10\"",
     0, 0,
     OPTION_LISTEN | OPTION_ZONE | OPTION_NAMES | OPTION_ENDPOINTS | OPTION_CHECK | OPTION_TO | OPTION_FORCE,
     NULL, run_init},
    {"status", "", "the server at a glance",
     "The version and generation that serve, since when, and how many regions, azs and endpoints are in "
     "which\n"
     "state",
     "  steerctl status", 0, 0, 0, NULL, run_status},
    {"regions", "[NAME]", "list regions, or show one",
     "All regions, those in one state, or everything about one of them",
     "  steerctl regions --effective unhealthy", 0, 1, OPTION_EFFECTIVE, NULL, run_targets},
    {"azs", "[NAME]", "list azs, or show one",
     "All azs, those that the options select, or everything about one of them",
     "  steerctl azs --region us-east", 0, 1, OPTION_REGION | OPTION_EFFECTIVE, NULL, run_targets},
    {"endpoints", "[NAME]", "list endpoints, or show one",
     "All endpoints with their weights and addresses, those that the options select, or everything about "
     "one\n"
     "of them, checks included",
     "  steerctl endpoints --az us-east-1a --effective unhealthy\n  steerctl endpoints web-1", 0, 1,
     OPTION_REGION | OPTION_AZ | OPTION_EFFECTIVE, NULL, run_targets},
    {"checks", "[ENDPOINT]", "list checks with their last results",
     "All checks, those of an endpoint, or those that the options select: their verdicts and why these are "
     "what "
     "they\n"
     "are, what has to happen for them to change, and the last results, the latest at the right: bars are as "
     "long "
     "as\n"
     "the checks took, x is a failure, ? one that could not be made for a reason of the server's own host",
     "  steerctl checks web-1\n  steerctl checks --region us-east --outcome timeout", 0, 1,
     OPTION_REGION | OPTION_AZ | OPTION_CHECK | OPTION_VERDICT | OPTION_OUTCOME, "endpoint=ENDPOINT",
     run_checks},
    {"replication", "", "how far copies of data lag behind",
     "How far the copies lag behind that the topology names (replicates_to): the lag while it is known, how "
     "old\n"
     "the last word is, at which stage the copying is, and whether the lag is within the RPO. Why nothing is "
     "known\n"
     "is told. It decides nothing by itself. \"steerctl lag\" is the same",
     "  steerctl replication", 0, 0, 0, NULL, run_replication},
    {"lag", "", "the same, in short", "As \"steerctl replication\"", "  steerctl lag", 0, 0, 0, NULL,
     run_replication},
    {"errors", "", "how many requests fail, as others report it",
     "How many requests of regions, azs and endpoints fail, as load balancers and others report it (POST "
     "/v1/report):\n"
     "the share while it is known, how old the last word is and who said it. Switchovers look at it, and "
     "live "
     "drills",
     "  steerctl errors", 0, 0, 0, NULL, run_errors},
    {"objectives", "", "what a recovery has to reach",
     "What a recovery has to reach: for all, for pairs of regions and for names, as the topology says",
     "  steerctl objectives", 0, 0, 0, NULL, run_objectives},
    {"rules", "[check TARGET=STATE... | release RULE region:NAME --reason TEXT]",
     "safety rules, and what they would allow",
     "Safety rules: whether each is kept as things are, since when, and why. With check, whether an override "
     "would be\nallowed now, or several at once: which rules forbid it, and who would serve no more. Exit "
     "code "
     "1 if it would not. With release, a rule lets go what it holds in a region, until all that fell there "
     "is "
     "well; with\n--dry-run, what would be answered then",
     "  steerctl rules\n  steerctl rules check region:us-east=drain\n"
     "  steerctl rules release slowly region:us-east --reason \"the copy is good\" --dry-run",
     0, 66, OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN, "wish=TARGET", run_rules},
    {"watch", "", "regions, azs, checks and events, live",
     "Regions, azs and checks with their last results, live in the terminal, what is not well first, above "
     "them\nswitchovers and drills that go on, and below them the latest events. What changed in the last "
     "ten "
     "seconds is\nmarked by ! and in reverse. It ends by Ctrl-C or q. With --once, or if the output is no "
     "terminal, all of it\nonce, as text. With --json what changes, as it does, an object in a line each, as "
     "events --follow has them",
     "  steerctl watch\n  steerctl watch --region us-east --once\n  steerctl watch --json", 0, 0,
     OPTION_REGION | OPTION_ONCE, NULL, run_watch},
    {"check", "[WHAT...] | run ENDPOINT", "is all well? for monitoring; or check an endpoint now",
     "Is all well, as a plugin of Nagios, Zabbix and their like: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 "
     "UNKNOWN.\n"
     "WHAT is a figure (--json has all) or health, orders, cluster, vantages, server, store, outputs or\n"
     "traffic (takes a second, and to be named). A range is " RANGE_EXPECTED "\n"
     "With run: check an endpoint as the server does it and from where it does: what is said (>) and\n"
     "heard (<), what was expected and found, each with its time. Verdicts do not count it. Exit 7 if one "
     "fails",
     "  steerctl check\n  steerctl check health store --warning endpoints_unhealthy=2,override_age=12h\n"
     "  steerctl check run web-1\n  steerctl check run web-1 --check tls\n"
     "  steerctl check run web-1 --from fra-1",
     0, 64, OPTION_CHECK | OPTION_FROM | OPTION_WARNING | OPTION_CRITICAL | OPTION_TIMEOUT,
     "endpoint=ENDPOINT", run_check},
    {"vantages", "", "hosts that check, too",
     "Hosts that check, too: whether they are there, what they check and think, and how far away they are. + "
     "behind\ntheir checks: the list is not the latest one yet",
     "  steerctl vantages", 0, 0, 0, NULL, run_vantages},
    {"vantage", "enrol|show|drain|undrain|rename|revoke NAME [NEW]",
     "let a host check as well, or not any more",
     "enrol makes a token, which is shown once and can be used once within an hour, and says what to run on "
     "the "
     "other\nhost. drain: what it says does not count, until undrain. rename: the same host by another name. "
     "revoke: it\nis no vantage any more",
     "  steerctl vantage enrol fra-1\n  steerctl vantage drain fra-1 --reason \"its uplink flaps\"", 2, 3,
     OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_WEIGHT, "name=NAME", run_vantage},
    {"nodes", "", "the nodes of the cluster",
     "The nodes of the cluster that this server is one of: how each is with what the cluster was told, when "
     "it "
     "was\nheard of, how many entries it is behind, and whether what it counts everything as, and what it "
     "was "
     "loaded\nfrom, are the same as here. * behind the one that does what one of them does",
     "  steerctl nodes", 0, 0, 0, NULL, run_nodes},
    {"cluster", "[status|conflicts|refill|adopt|init|invite NAME|join TOKEN|remove NAME]",
     "how this node is with the cluster, and who is a node of it",
     "How this node is with what the cluster was told: phase, position, etcd. conflicts: objects of which\n"
     "two nodes said different things while they could not hear each other; the next order about one ends\n"
     "it. Where etcd was emptied, or restored from a backup: refill writes what this node has into it (with\n"
     "--replace also where there is something else), adopt takes what is there. init makes this host the\n"
     "first node. invite prints a token, which can be used once, within an hour (--expires); join, on\n"
     "another host, makes that a node with it. remove takes a node out, at once; invite with --replace\n"
     "gives its name to another machine",
     "  steerctl cluster\n  steerctl cluster conflicts\n  steerctl cluster refill --yes\n"
     "  steerctl cluster init --name prod --node ns1 --etcd https://10.0.0.1:2379\n"
     "  steerctl cluster remove ns2 --reason \"its disk died\"\n  steerctl cluster invite ns2",
     0, 2, OPTIONS_CLUSTER, "name=NAME", run_cluster},
    {"push", "DIR", "make a folder the configuration of all nodes of the cluster",
     "Make a bundle of the files below a folder, give it to the server, which checks it and says what it\n"
     "changes for traffic, and make it active on all nodes at once when they have it. --check ends before.\n"
     "Without steerd.json, folders var, and what begins with \".\". Needs the role editor; admin for exec\n"
     "and file checks that the server does not have yet",
     "  steerctl push /etc/steerd --check\n  steerctl push /etc/steerd --reason \"the new pool\"", 1, 1,
     OPTION_ONLY_CHECK | OPTION_DRY_RUN | OPTION_CONFIRM | OPTION_REASON | OPTION_ACTOR | OPTION_LIMIT,
     "manifest=DIR", run_push},
    {"bundles", "[list|show ID|activate ID|delete ID|cancel]", "bundles of configuration, and their use",
     "Those that the server has, and which is active, comes next, was before. activate goes back to one,\n"
     "delete removes one that nobody needs, cancel ends what is under way. Of an ID its beginning is enough",
     "  steerctl bundles\n  steerctl bundles activate 8f43a1 --reason \"the pool was a mistake\"", 0, 2,
     OPTION_REASON | OPTION_ACTOR, NULL, run_bundles},
    {"serving", "", "is this server one to be asked?",
     "Whether this server is cut off from everything, whether it has withdrawn, and who is heard of. For "
     "anycast\ndaemons: exit code 0 if it is to be asked, 7 if it has withdrawn, 3 if there is none",
     "  steerctl serving", 0, 0, 0, NULL, run_serving},
    {"withdraw", "--reason TEXT", "take this server out of service",
     "This server is not to be asked until it is announced: it stops answering, or the command of "
     "\"withdraw\" in\nsteerd.json withdraws its route. It stays so over restarts",
     "  steerctl withdraw --reason \"a new disk\"", 0, 0, OPTION_REASON | OPTION_ACTOR, NULL, run_withdraw},
    {"announce", "", "and back into it",
     "This server is to be asked again, also if it is cut off: then it withdraws by itself when it was so "
     "for as "
     "long\nas steerd.json says once more",
     "  steerctl announce", 0, 0, OPTION_REASON | OPTION_ACTOR, NULL, run_withdraw},
    {"config", "show|diff|get|set|merge|delete|apply|export|import [THING [VALUE]]",
     "documents that belong to the API: look, edit, to and from files",
     "Topology and policies, where steerd.json lets the API own them (documents.owner). show lists them, "
     "diff "
     "says\nwhere files differ, get shows a thing or the names of a kind; set puts, merge changes members "
     "(null takes\none out), delete takes out, apply carries out a file of edits at once. Each edit is "
     "checked with all else, stored,\nand serves when the command returns; 1 if a zone that had errors "
     "before does not get it. export writes files that load to "
     "the same, import takes files over.\nTHING is region:NAME, az:NAME, endpoint:NAME, check:NAME, "
     "group:NAME, document:NAME or name:ZONE/NAME, VALUE is JSON,\n@FILE or - for stdin",
     "  steerctl config merge endpoint:web-1 '{\"weight\": 20}' --dry-run\n"
     "  steerctl config get name:example.com/www\n  steerctl config export /tmp/now",
     0, 3, OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_DRY_RUN, "value=VALUE", run_config},
    {"acme", "set NAME VALUE | clear NAME [VALUE] | list", "answer a DNS-01 challenge of an ACME client",
     "For hooks of ACME clients: set has _acme-challenge.NAME answer with a TXT record of this value, beside "
     "those\nthat it has, for 10m or --for (24h at most), and returns when all nodes that are there answer "
     "it; "
     "again, it\nhas another end. clear ends it, or all of the name. NAME is that of the certificate, with "
     "\"*.\" or without,\nor that of the challenge. A value may begin with \"-\": put \"--\" before the name "
     "then. Exit code 4 of\nclear: there is none",
     "  steerctl acme set --for 5m -- www.example.com LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\n"
     "  steerctl acme clear www.example.com\n  steerctl acme list",
     1, 3, OPTION_FOR | OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN, "name=NAME value=VALUE", run_acme},
    {"tokens", "", "who may use the API from elsewhere",
     "Tokens with which the API can be used from elsewhere: what each may do and where, and when it ends and "
     "was used last",
     "  steerctl tokens", 0, 0, 0, NULL, run_tokens},
    {"token", "add|show|rotate|delete NAME", "let somebody use the API from elsewhere, or not any more",
     "add makes a token, which is shown once. With --region or --zone it changes nothing but what lies "
     "there. "
     "It ends\nafter 90 days, or --expires. rotate: another one takes its place; the one before is good for "
     "an hour yet, or\n--overlap. delete: it lets in nobody any more, from now on",
     "  steerctl token add alice --role operator --region us-east --expires 90d\n"
     "  steerctl token rotate alice --overlap 10m",
     2, 2,
     OPTION_ROLE | OPTION_REGION | OPTION_ZONE | OPTION_EXPIRES | OPTION_OVERLAP | OPTION_REASON |
         OPTION_ACTOR | OPTION_CONFIRM,
     "name=NAME", run_token},
    {"show", "TARGET", "everything about a region, az or endpoint",
     "What is observed and desired, what answers follow and what decided it, its override, and of an "
     "endpoint\n"
     "its addresses, its load and its checks",
     "  steerctl show endpoint:web-1", 1, 1, 0, NULL, run_show},
    {"drain", "TARGET --reason TEXT", "send no traffic there, whatever its health",
     "Send no traffic there, whatever its health; no fallback serves what is drained." CHANGE_ABOUT,
     "  steerctl drain region:us-east --reason \"power work\" --for 30m --dry-run\n"
     "  steerctl drain region:us-east --reason \"power work\" --in 10m --for 30m --ttl 15\n"
     "  steerctl drain region:us-east --reason \"a look at the other one\" --share 5\n"
     "  steerctl drain region:us-east --reason \"the shop's database\" --names shop\n"
     "  steerctl drain az:us-east-1a --reason \"it burns\" --emergency",
     1, 1, CHANGE_OPTIONS | OPTION_SHARE | OPTION_NAMES, "state=VERB", run_override},
    {"up", "TARGET --reason TEXT", "take it for healthy, whatever is observed",
     "Take it for healthy, whatever its checks say." CHANGE_ABOUT,
     "  steerctl up endpoint:web-1 --reason \"its check is broken\" --for 2h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"down", "TARGET --reason TEXT", "take it for unhealthy, whatever is observed",
     "Take it for unhealthy, whatever its checks say; fallback \"all\" offers it, \"first\" if nothing else "
     "is left." CHANGE_ABOUT,
     "  steerctl down az:us-east-1a --reason \"flapping uplink\" --for 1h", 1, 1, CHANGE_OPTIONS,
     "state=VERB", run_override},
    {"auto", "TARGET", "remove the override: follow what is observed",
     "Remove the override of this target, also one that is only planned: answers follow what is observed",
     "  steerctl auto region:us-east", 1, 1,
     OPTION_ACTOR | OPTION_DRY_RUN | OPTION_REASON | OPTION_YES_UNSERVED | OPTION_OVERRIDE_RULE |
         OPTION_EMERGENCY,
     "state=VERB", run_override},
    {"failback", "TARGET --reason TEXT", "let back what is well again and stays down",
     "Let a region, az or endpoint come back that is well again and stays down: because its failback is "
     "manual, or\nbefore its hold_down, failback or flap penalty has run out",
     "  steerctl failback region:us-east --reason \"its data are in sync\"", 1, 1,
     OPTION_REASON | OPTION_ACTOR, NULL, run_failback},
    {"load", "TARGET VALUE|forget", "report the load of an endpoint",
     "Report the load of an endpoint, in the unit of its watermarks in the topology. It counts until the "
     "next\n"
     "report, at most as long as --for or the endpoint's max_age says",
     "  steerctl load endpoint:web-1 0.83 --for 30s\n  steerctl load endpoint:web-1 forget", 2, 2,
     OPTION_FOR | OPTION_ACTOR | OPTION_DRY_RUN, "value=VALUE", run_load},
    {"report", "TARGET CHECK up|down", "report for a check of type push",
     "Report what was found out about an endpoint, for one of its checks that is of type \"push\". It counts "
     "for\nas long as --for or the check's ttl says",
     "  steerctl report endpoint:web-1 agent up --for 30s", 3, 3, OPTION_FOR | OPTION_ACTOR,
     "endpoint=TARGET check=CHECK state=STATE", run_report},
    {"overrides", "", "list all overrides",
     "All overrides, planned ones included: who set them, why, and until when", "  steerctl overrides", 0, 0,
     0, NULL, run_list},
    {"history", "[TARGET]", "who did what, and why, latest first",
     "What operators have ordered, and what has started or ended by itself, from the journal, latest first: "
     "who\n"
     "is said to have done it and [who the kernel proves], what it was before and after, and why",
     "  steerctl history region:us-east\n  steerctl history --since 2h --actor alice\n  steerctl history "
     "--follow",
     0, 1, OPTION_SINCE | OPTION_ACTOR | OPTION_LIMIT | OPTION_FOLLOW, "target=TARGET", run_history},
    {"events", "[TARGETS]", "what has changed, and what changes as it happens",
     "What the server has told of in the last hour, or --since: health, overrides, reloads and all else, the "
     "latest\nlast; of all, or of names such as region:us-east or endpoint:web-*. With --follow it goes on, "
     "over restarts of\nthe server, and says where something is missing",
     "  steerctl events --follow\n  steerctl events region:* --kind health,override --since 10m", 0, 1,
     OPTION_SINCE | OPTION_KIND | OPTION_FOLLOW, "target=TARGETS", run_events},
    {"webhooks", "[NAME]", "who is told of events by HTTP, and how that goes",
     "All webhooks, what waits for them and why; of one, the events that could not be delivered",
     "  steerctl webhooks\n  steerctl webhooks ops", 0, 1, 0, "name=NAME", run_webhooks},
    {"retry", "WEBHOOK", "try once more what could not be delivered",
     "Events that were given up are sent once more, before all others, and what waits at once",
     "  steerctl retry ops", 1, 1, 0, "name=WEBHOOK", run_retry},
    {"hooks", "", "commands that events run, and how that went",
     "All hooks, with what runs and waits, and their latest run; --json has the latest 16 of each",
     "  steerctl hooks", 0, 0, 0, NULL, run_hooks},
    {"audit", "verify", "is the journal what it was?",
     "Look through the whole journal: was any entry changed, removed or moved? That its end was cut off "
     "shows "
     "by\n"
     "an --anchor from the log that is kept elsewhere. Exit code 6 if it is broken, with the entry and why",
     "  steerctl audit verify\n  steerctl audit verify --anchor 1234:e3b0c442...", 1, 1, OPTION_ANCHOR, NULL,
     run_audit},
    {"backup", "FILE | verify FILE... | restore FILE... --to DIR",
     "back up what the server keeps; check, restore it",
     "Write one file with all that the state folder holds: journal, objects, configuration of past times, "
     "health.\n"
     "It is a tar in gzip, or in zstd if FILE ends in .zst; the server may run or not. --incremental has "
     "only what\n"
     "has changed since the backup --base, --differential since the full one --base. verify restores a full "
     "backup\n"
     "and those that go on from it to a scratch folder under $TMPDIR, and judges all of it: exit code 6 if "
     "it is\n"
     "broken. restore puts them into an empty or a new folder, on which a steerd can be started",
     "  steerctl backup verify full.tar.gz monday.tar.gz\n"
     "  steerctl backup restore full.tar.gz monday.tar.gz --to /var/lib/steerd\n"
     "  steerctl backup full.tar.gz\n"
     "  steerctl backup monday.tar.gz --incremental --base full.tar.gz",
     1, 10000,
     OPTION_STATE | OPTION_BASE | OPTION_INCREMENTAL | OPTION_DIFFERENTIAL | OPTION_FORCE | OPTION_TO |
         OPTION_FILES,
     NULL, run_backup},
    {"export", "[FILE]", "all objects as JSON lines",
     "All objects of the journal as they are now, or were --at a time, a line of JSON each, to FILE or to "
     "the\n"
     "output: kind, key, value, revision, and when it was written and expires. The server may run or not",
     "  steerctl export --at -2h", 0, 1, OPTION_STATE | OPTION_FORCE | OPTION_AT, NULL, run_backup},
    {"salvage", "", "put a damaged store aside, and find what is left",
     "When store.db is damaged and steerd refuses it: it is renamed, so that a new one can begin, and the "
     "objects "
     "of\n"
     "the latest recovery point are looked for, to be imported. The running server takes the new one into "
     "use by\n"
     "itself. A backup that is later than that point is the better way. A store that is whole is left alone "
     "unless\n"
     "--force is said; one that is in use always is",
     "  steerctl import /var/lib/steerd/depot/5d/5dc8... --dry-run\n  steerctl salvage", 0, 0,
     OPTION_STATE | OPTION_FORCE, NULL, run_backup},
    {"operations", "[ID | cancel ID]", "what goes on at the server without its client",
     "Requests that were begun and not waited for (Prefer: respond-async), the latest first: how far they "
     "are, and\nwith ID what was answered. cancel gives up what is only computed",
     "  steerctl operations\n  steerctl operations 5f2d0c1e-7\n  steerctl operations cancel 5f2d0c1e-7", 0, 2,
     0, NULL, run_operations},
    {"incidents", "[ID]", "real losses of regions and azs, in the terms of drills",
     "What was lost, since when and for how long, how long it took until answers had left it and resolvers "
     "had\n"
     "followed, whether the RTO was met, and how far copies of its data lagged behind at that moment",
     "  steerctl incidents", 0, 1, 0, NULL, run_incidents},
    {"traffic", "[regions|azs|endpoints|names|classes]", "how many answers led where",
     "How often regions (the default), azs or endpoints were in an answer, or how often steered names and "
     "classes of\nclients were answered: per second over 1, 5 and 15 minutes, the share of the last 5, and "
     "in "
     "all since the start.\nThe busiest first",
     "  steerctl traffic\n  steerctl traffic names --limit 20", 0, 1, OPTION_LIMIT, NULL, run_traffic},
    {"resolvers", "", "who asks most often",
     "Resolvers with most queries of the last 15 minutes: how many per second, at most and at least, and "
     "their "
     "share of all",
     "  steerctl resolvers --limit 50", 0, 0, OPTION_LIMIT, NULL, run_resolvers},
    {"drains", "[ID]", "how resolvers have left places",
     "After each switch of a region, an az or an endpoint, perhaps of some names only: how many of the "
     "resolvers that\nhad been led there in the 15 minutes before have asked again since, or let their TTL "
     "run "
     "out, and when 99 % have.\nWith ID the curve, and who has not asked",
     "  steerctl drains\n  steerctl drains 3", 0, 1, 0, NULL, run_drains},
    {"switchover", "plan|new|start|now|execute|verify|commit|rollback|… [TARGET|ID ...]",
     "move traffic off, and back, step by step",
     "plan tells what would happen, new notes that it is to happen, start does it at once, in steps if they "
     "are\n"
     "given; now is for emergencies: one step, and nothing is asked. Then verify looks whether it is there, "
     "and\n"
     "commit or rollback says so. What is committed is unprotected until reprotect says that data flow back; "
     "then\n"
     "failback, verify and commit go the same way back. list and show tell where each of them is",
     "  steerctl switchover plan region:us-east --to eu-west\n"
     "  steerctl switchover start region:us-east --steps 5,25 --each 2m --reason \"power work\" --watch\n"
     "  steerctl switchover start region:us-east --to eu-west --names shop --reason \"its database\"\n"
     "  steerctl switchover now region:us-east --reason \"it burns\"\n"
     "  steerctl switchover verify 20261123T104500Z-us-east",
     1, 65,
     OPTION_REASON | OPTION_ACTOR | OPTION_TO | OPTION_STEPS | OPTION_EACH | OPTION_ACCEPT | OPTION_CONFIRM |
         OPTION_EMERGENCY | OPTION_LOWER_TTL | OPTION_NAMES | OPTION_DRY_RUN | OPTION_WAIT,
     "source=TARGET", run_switchover},
    {"point", "list|show|save|delete|use|files [NAME]", "recovery points: states to which one can return",
     "List recovery points, show one, save one that stays until it is deleted, delete one, or note that it "
     "was\n"
     "used. Others are made by themselves, as steerd.json says. files puts the configuration that served at "
     "a "
     "point,\n"
     "or at any time, into a folder; the server may run or not",
     "  steerctl point save before-migration --reason \"we move\"\n  steerctl point list\n"
     "  steerctl point files before-migration --to /tmp/then",
     1, 2, OPTION_REASON | OPTION_ACTOR | OPTION_TO | OPTION_STATE, "name=NAME", run_point},
    {"restore", "MOMENT --reason TEXT", "put overrides back to what they were",
     "Make the overrides what they were at a recovery point, a time, or so long ago. What would have ended "
     "since\n"
     "is not put again. A point is saved before, so that the way back is a restore as well. Where nobody "
     "would\n"
     "serve a name any more these names are listed, and nothing is done without --yes-unserved",
     "  steerctl restore before-migration --dry-run\n"
     "  steerctl restore 2h --reason \"the drains were a mistake\"\n"
     "  steerctl restore 2026-11-22T14:03:00Z --reason \"as it was\"",
     1, 1,
     OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN | OPTION_LIMIT | OPTION_YES_UNSERVED |
         OPTION_YES_WITHOUT_POINT | OPTION_OVERRIDE_RULE,
     "to=MOMENT", run_restore},
    {"import", "FILE --reason TEXT | SOURCE FILE... --to DIR", "put overrides; or convert files of others",
     "Put the overrides of a file as export writes it (\"-\": stdin). Others stay, but for --replace. "
     "Previewed,\nrecorded and reversible as a restore is.\n\n"
     "With --to: make a new folder with a configuration of steerd from files of powerdns, knot, route53,\n"
     "cloudflare or gdnsd, see steerctl-import(1). Exit: 1 something was left out, 2 nothing was written",
     "  steerctl import route53 records.json health-checks.json --to conf\n"
     "  steerctl import overrides.jsonl --dry-run\n  steerctl import - --dry-run",
     1, 1000,
     OPTION_REASON | OPTION_ACTOR | OPTION_CONFIRM | OPTION_DRY_RUN | OPTION_LIMIT | OPTION_YES_UNSERVED |
         OPTION_YES_WITHOUT_POINT | OPTION_REPLACE | OPTION_OVERRIDE_RULE | OPTION_TO | OPTION_FORCE |
         OPTION_GEO,
     NULL, run_import},
    {"explain", "NAME [TYPE]", "which answer a client gets, and why",
     "Which answer a client gets for a name (type A unless given), and why, step by step. With --assume "
     "also\n"
     "the answer that it would get then. With --at the answer that it got at a moment of the past: a time, "
     "how\n"
     "long ago it was, or the ID of a recovery point",
     "  steerctl explain www.example.com AAAA --client 192.0.2.1\n"
     "  steerctl explain www.example.com --assume region:us-east=down\n"
     "  steerctl explain www.example.com --at 2026-11-21T14:03:00Z\n"
     "  steerctl explain www.example.com --at \"2h ago\"",
     1, 2, OPTION_CLIENT | OPTION_ASSUME | OPTION_AT, "name=NAME type=TYPE", run_explain},
    {"diff", "MOMENT [MOMENT]", "what changed between two moments, or since one",
     "What differs between a moment of the past and another one, or now: what operators did, which files of "
     "the\n"
     "configuration were changed and how, answers and settings, and what became of health. A moment is a "
     "time,\n"
     "how long ago it was, or the ID of a recovery point",
     "  steerctl diff 90m\n  steerctl diff 2026-11-21T14:00:00Z 2026-11-21T14:10:00Z", 1, 2, OPTION_LIMIT,
     "from=MOMENT to=MOMENT", run_diff},
    {"what-if", "[KIND NAME STATE]...", "what all names would answer, and how full places would get",
     "What all names would answer if these overrides were put: who gets no records, what falls back, where\n"
     "traffic goes, how full regions and azs would get. KIND is region, az or endpoint, STATE is down, "
     "drain,\n"
     "up or auto. Nothing of the live answers changes",
     "  steerctl what-if region us-east down az eu-west-1a drain --traffic 5000", 0, 300,
     OPTION_TRAFFIC | OPTION_LIMIT, "assume=assumption", run_what_if},
    {"zones", "", "list zones",
     "All zones: whether their files serve (current), an older version does (stale) or none can (failed), "
     "their\n"
     "serials, and how many of their secondaries know these",
     "  steerctl zones", 0, 0, 0, NULL, run_list},
    {"names", "", "list steered names and their tiers",
     "All steered names: types, TTL, policy, how many members it has and how they are picked, and the tiers "
     "of\n"
     "the default class of clients in order of preference",
     "  steerctl names", 0, 0, 0, NULL, run_list},
    {"geo", "", "list geo databases",
     "The geo databases: whether their files are the ones that serve, when they were made, what they know",
     "  steerctl geo", 0, 0, 0, NULL, run_list},
    {"reload", "[ZONE]", "read the configuration again, or one zone",
     "Read the configuration again, or only the files of one zone, and wait for the result. What is invalid\n"
     "stays as it was, and every error is listed with its place. What changes for traffic is told: zones "
     "and\n"
     "names that come, go, shrink or have other records, names that become steered or cease to be, members,\n"
     "answers that move, settings that differ. With --dry-run that is all that happens",
     "  steerctl reload --dry-run\n  steerctl reload\n  steerctl reload example.com", 0, 1,
     OPTION_DRY_RUN | OPTION_LIMIT, "zone=ZONE", run_reload},
    {"takeover", "", "replace the server by the installed one, without losing a query",
     "Start the steerd that is installed now beside the one that runs. When it has loaded and checked its\n"
     "endpoints it gets the sockets and the overrides and answers, and the old one ends. If it does not "
     "start,\n"
     "nothing changes, and why is told",
     "  steerctl takeover", 0, 0, 0, NULL, run_takeover},
    {"drill",
     "simulate FILE | simulate --lose TARGET | sweep [FILE] | new --lose TARGET | shadow FILE | shadow "
     "--lose TARGET "
     "--client PREFIX "
     "| live --lose TARGET | list | show ID | stop ID | reports | report ID | schedule | run NAME | diff A B "
     "| "
     "trend [NAME]",
     "rehearse a loss without touching anything",
     "Compute what would happen if a drill document came true, or the targets were lost: which names change, "
     "to\n"
     "where, when, and whether that meets the objectives. Lines with FAILED say why not. Exit code 0: met, "
     "1:\n"
     "missed, 2: it could not be computed. \"new\" writes a first document about the loss of the targets.\n"
     "sweep: the loss of every az, region and pair, one after the other, with the clients and objectives of "
     "a\n"
     "document: a table of risks.\n"
     "shadow: let it happen on the server, at the pace of its checks, for these clients only (--client, "
     "--ecs,\n"
     "--listen, --tsig-key), and for a while (--for, 5m); --wait shows what happens, then its report, and "
     "has\n"
     "these exit codes; --observe NAME,... --server ADDRESS also sees it as caching resolvers do, into the "
     "report.\n"
     "live: for "
     "ALL\n"
     "clients, a share of them first (--canary), with real TTLs, --lose or a FILE: what it changes is shown\n"
     "before, and its name has to be typed. A real failure ends it. list, show and stop look at such drills "
     "and end them\n"
     "reports, report: drills that are over, as the server keeps them: those that ran on it, and simulations "
     "with --keep.\n"
     "schedule, run: drills that the server does regularly, and one of them now.\n"
     "diff: what got better or worse from report A to B (IDs or files); exit code 0: nothing worse, 1: "
     "worse, 2: "
     "could not.\n"
     "trend: of kept drills, by name, recovery and failed requests over time",
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
     "Run small caching resolvers that ask for the names, and see when they go elsewhere and what fails\n"
     "until then: of what is known to be lost (--lose), by real requests (--connect), or of a drill that "
     "runs\n"
     "(--drill): its report has it then, beside what was computed. Ends after --for (60s), with the drill, "
     "or by\n"
     "Ctrl-C",
     "  steerctl observe www.example.com --server 192.0.2.53 --connect 80 --path / --for 5m\n"
     "  steerctl observe www.example.com/A --server 127.0.0.1 --lose region:us-east --client 127.1.2.0/24",
     1, 16,
     OPTION_SERVER | OPTION_DRILL | OPTION_RESOLVERS | OPTION_CONNECT | OPTION_PATH | OPTION_TIMEOUT |
         OPTION_RETRY | OPTION_TTL | OPTION_LOSE | OPTION_FOR | OPTION_CLIENT | OPTION_ECS,
     NULL, run_observe},
    {"metrics", "", "metrics as Prometheus reads them",
     "All metrics, in the text format that Prometheus reads; with --json that text is one string",
     "  steerctl metrics | grep steerd_target", 0, 0, 0, NULL, run_metrics},
    {"openapi", "", "the API as OpenAPI 3.1 has it",
     "All operations of the server that answers, for tools that make clients of it; YAML, with --json as one "
     "string",
     "  steerctl openapi | head -n 20", 0, 0, 0, NULL, run_openapi},
    {"completion", "bash|zsh|fish", "what a shell needs to complete this command line",
     "A script that completes verbs and options, for bash, zsh or fish. It is installed with steerctl, where "
     "these\nshells look for it",
     "  source <(steerctl completion bash)\n"
     "  steerctl completion fish | source",
     1, 1, 0, NULL, run_completion},
    {"help", "[VERB]", "this text, or all about a verb",
     "All verbs, or the options of one, what it does and an example", "  steerctl help drain", 0, 1, 0, NULL,
     run_help},
    {"version", "", "the version of steerctl", "The version of steerctl; that of the server is in its status",
     "  steerctl version", 0, 0, 0, NULL, run_version},
};

enum steerctl_exit verbs_run(struct steerctl *ctl)
{
    ctl->verbs = verbs;
    ctl->verb_count = sizeof verbs / sizeof *verbs;
    return verb_run(ctl);
}
