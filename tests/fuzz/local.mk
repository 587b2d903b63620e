## Fuzz targets. A plain build links each with replay.c, which feeds it the committed corpus in `make check`;
## --enable-fuzz (CC=clang) links libFuzzer and `make fuzz FUZZ_SECONDS=60` runs each target that long.
## A target NAME is tests/fuzz/fuzz_NAME.c with its corpus in tests/fuzz/corpus/NAME, and a block of lines below.
fuzz_programs =
if FUZZ
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += $(fuzz_programs)
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK = $(AM_LDFLAGS)
check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs)
endif
EXTRA_DIST += tests/fuzz/replay.c tests/fuzz/corpus

FUZZ_SECONDS = 60
FUZZ_FLAGS =

.PHONY: fuzz
fuzz: $(fuzz_programs)
if FUZZ
	@set -e; for program in $(fuzz_programs); do \
		name=$${program##*/fuzz_}; work=tests/fuzz/found/$$name; mkdir -p $$work; \
		echo "fuzz $$name: $(FUZZ_SECONDS) s"; \
		./$$program -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=1 -verbosity=1 \
			-artifact_prefix=$$work/ $(FUZZ_FLAGS) $$work $(srcdir)/tests/fuzz/corpus/$$name; \
	done
else
	@echo 'fuzz: configure with CC=clang --enable-fuzz --with-sanitizer=address,undefined first' >&2; exit 1
endif

## answer_query(), on the view of tests/unit/answer_fixture.c tests/unit/strict.c
if HAVE_CMOCKA
fuzz_programs += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"message"'
tests_fuzz_fuzz_message_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_message_LDADD = src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
endif

## queries of those who copy zones, and the streams that they get
if HAVE_CMOCKA
fuzz_programs += tests/fuzz/fuzz_transfer
tests_fuzz_fuzz_transfer_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"transfer"'
tests_fuzz_fuzz_transfer_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_transfer_SOURCES = tests/fuzz/fuzz_transfer.c tests/unit/transfer_fixture.c tests/unit/transfer_fixture.h \
	tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h $(FUZZ_MAIN)
tests_fuzz_fuzz_transfer_LDADD = $(tests_fuzz_fuzz_message_LDADD)
endif

## heads of the PROXY protocol
fuzz_programs += tests/fuzz/fuzz_proxy
tests_fuzz_fuzz_proxy_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"proxy"'
tests_fuzz_fuzz_proxy_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_proxy_SOURCES = tests/fuzz/fuzz_proxy.c $(FUZZ_MAIN)
tests_fuzz_fuzz_proxy_LDADD = src/libserve.a src/libbase.a

## TSIG records, and messages signed with them
fuzz_programs += tests/fuzz/fuzz_tsig
tests_fuzz_fuzz_tsig_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"tsig"'
tests_fuzz_fuzz_tsig_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_tsig_SOURCES = tests/fuzz/fuzz_tsig.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tsig_LDADD = src/libtsig.a src/libdns.a src/libbase.a $(OPENSSL_LIBS)

## what endpoints answer to health checks
fuzz_programs += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"http"'
tests_fuzz_fuzz_http_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http_LDADD = src/libprobe.a src/libdns.a $(tls_libs) src/libexec.a src/libsheet.a src/libbase.a

## what those answers mean, whichever version of HTTP brings them
fuzz_programs += tests/fuzz/fuzz_judge
tests_fuzz_fuzz_judge_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"judge"'
tests_fuzz_fuzz_judge_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_judge_SOURCES = tests/fuzz/fuzz_judge.c $(FUZZ_MAIN)
tests_fuzz_fuzz_judge_LDADD = $(tests_fuzz_fuzz_http_LDADD)

## what health services of gRPC answer
fuzz_programs += tests/fuzz/fuzz_grpc
tests_fuzz_fuzz_grpc_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"grpc"'
tests_fuzz_fuzz_grpc_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_grpc_SOURCES = tests/fuzz/fuzz_grpc.c $(FUZZ_MAIN)
tests_fuzz_fuzz_grpc_LDADD = src/libprobe.a src/libbase.a

## what comes over HTTP/2
fuzz_programs += tests/fuzz/fuzz_h2
tests_fuzz_fuzz_h2_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"h2"'
tests_fuzz_fuzz_h2_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_h2_SOURCES = tests/fuzz/fuzz_h2.c $(FUZZ_MAIN)
tests_fuzz_fuzz_h2_LDADD = src/libprobe.a src/libbase.a $(NGHTTP2_LIBS)

## time zones: files of the system's database
fuzz_programs += tests/fuzz/fuzz_tzif
tests_fuzz_fuzz_tzif_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"tzif"'
tests_fuzz_fuzz_tzif_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_tzif_SOURCES = tests/fuzz/fuzz_tzif.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tzif_LDADD = src/libbase.a

## what nameservers answer to health checks
fuzz_programs += tests/fuzz/fuzz_ask
tests_fuzz_fuzz_ask_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"ask"'
tests_fuzz_fuzz_ask_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ask_SOURCES = tests/fuzz/fuzz_ask.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ask_LDADD = src/libdns.a src/libbase.a

fuzz_programs += tests/fuzz/fuzz_ping
tests_fuzz_fuzz_ping_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"ping"'
tests_fuzz_fuzz_ping_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ping_SOURCES = tests/fuzz/fuzz_ping.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ping_LDADD = src/libprobe.a src/libbase.a

## what tcp checks look for
fuzz_programs += tests/fuzz/fuzz_expect
tests_fuzz_fuzz_expect_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"expect"'
tests_fuzz_fuzz_expect_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_expect_SOURCES = tests/fuzz/fuzz_expect.c $(FUZZ_MAIN)
tests_fuzz_fuzz_expect_LDADD = src/libprobe.a src/libdns.a $(tls_libs) src/libexec.a src/libsheet.a src/libbase.a

## the load in the bodies of those answers
fuzz_programs += tests/fuzz/fuzz_load
tests_fuzz_fuzz_load_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DFUZZ_NAME='"load"'
tests_fuzz_fuzz_load_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_load_SOURCES = tests/fuzz/fuzz_load.c $(FUZZ_MAIN)
tests_fuzz_fuzz_load_LDADD = src/libprobe.a src/libdns.a $(tls_libs) src/libexec.a src/libsheet.a src/libbase.a $(JANSSON_LIBS)

## regular expressions, and what they are looked for in
fuzz_programs += tests/fuzz/fuzz_regex
tests_fuzz_fuzz_regex_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"regex"'
tests_fuzz_fuzz_regex_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_regex_SOURCES = tests/fuzz/fuzz_regex.c $(FUZZ_MAIN)
tests_fuzz_fuzz_regex_LDADD = src/libbase.a

## values in lines of the log
fuzz_programs += tests/fuzz/fuzz_log
tests_fuzz_fuzz_log_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DFUZZ_NAME='"log"'
tests_fuzz_fuzz_log_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_log_LDADD = src/libbase.a $(JANSSON_LIBS)

## the octets of a TCP client, in any pieces
fuzz_programs += tests/fuzz/fuzz_tcp
tests_fuzz_fuzz_tcp_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"tcp"'
tests_fuzz_fuzz_tcp_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_tcp_SOURCES = tests/fuzz/fuzz_tcp.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tcp_LDADD = src/libserve.a src/libbase.a

## Request targets and bodies of the admin API
fuzz_programs += tests/fuzz/fuzz_admin
tests_fuzz_fuzz_admin_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DFUZZ_NAME='"admin"'
tests_fuzz_fuzz_admin_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_admin_SOURCES = tests/fuzz/fuzz_admin.c $(FUZZ_MAIN)
tests_fuzz_fuzz_admin_LDADD = src/libadmin.a src/libpast.a src/libhealth.a src/libevents.a src/libconf.a src/libbase.a $(JANSSON_LIBS)

## what stands before evhttp
fuzz_programs += tests/fuzz/fuzz_head
tests_fuzz_fuzz_head_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"head"'
tests_fuzz_fuzz_head_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_head_SOURCES = tests/fuzz/fuzz_head.c $(FUZZ_MAIN)
tests_fuzz_fuzz_head_LDADD = src/libadmin.a src/libbase.a

## keys of requests that are sent again, and what the store has of their answers
fuzz_programs += tests/fuzz/fuzz_receipt
tests_fuzz_fuzz_receipt_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"receipt"'
tests_fuzz_fuzz_receipt_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_receipt_SOURCES = tests/fuzz/fuzz_receipt.c $(FUZZ_MAIN)
tests_fuzz_fuzz_receipt_LDADD = src/libadmin.a src/libbase.a $(JANSSON_LIBS)

## entity tags in requests to the admin API
fuzz_programs += tests/fuzz/fuzz_condition
tests_fuzz_fuzz_condition_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"condition"'
tests_fuzz_fuzz_condition_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_condition_SOURCES = tests/fuzz/fuzz_condition.c $(FUZZ_MAIN)
tests_fuzz_fuzz_condition_LDADD = src/libadmin.a src/libbase.a

## drill documents, against a topology
fuzz_programs += tests/fuzz/fuzz_drill
tests_fuzz_fuzz_drill_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"drill"'
tests_fuzz_fuzz_drill_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_drill_SOURCES = tests/fuzz/fuzz_drill.c $(FUZZ_MAIN)
tests_fuzz_fuzz_drill_LDADD = src/libdrill.a $(OPERATE_TEST_LIBS)

## recordings of queries for drills
fuzz_programs += tests/fuzz/fuzz_recording
tests_fuzz_fuzz_recording_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"recording"'
tests_fuzz_fuzz_recording_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_recording_SOURCES = tests/fuzz/fuzz_recording.c $(FUZZ_MAIN)
tests_fuzz_fuzz_recording_LDADD = src/libdrill.a src/libdns.a src/libbase.a $(JANSSON_LIBS)

## edits of documents by the API
fuzz_programs += tests/fuzz/fuzz_edit
tests_fuzz_fuzz_edit_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"edit"'
tests_fuzz_fuzz_edit_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_edit_SOURCES = tests/fuzz/fuzz_edit.c $(FUZZ_MAIN)
tests_fuzz_fuzz_edit_LDADD = src/libconf.a src/libbase.a $(JANSSON_LIBS)

## what requests to the admin API would like (Prefer)
fuzz_programs += tests/fuzz/fuzz_prefer
tests_fuzz_fuzz_prefer_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"prefer"'
tests_fuzz_fuzz_prefer_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_prefer_SOURCES = tests/fuzz/fuzz_prefer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_prefer_LDADD = src/libadmin.a src/libbase.a

## what a client of the admin socket sends, over that socket
if HAVE_CMOCKA
fuzz_programs += tests/fuzz/fuzz_admin_http
tests_fuzz_fuzz_admin_http_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) -I$(top_srcdir) \
	-DFUZZ_NAME='"admin_http"'
tests_fuzz_fuzz_admin_http_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_admin_http_SOURCES = tests/fuzz/fuzz_admin_http.c tests/unit/admin_fake.c tests/unit/admin_fake_checks.c tests/unit/admin_fake_journal.c tests/unit/admin_fake.h $(FUZZ_MAIN)
tests_fuzz_fuzz_admin_http_LDADD = $(ADMIN_TEST_LIBS)
endif

## what readers of events ask for, and changes as JSON
fuzz_programs += tests/fuzz/fuzz_events
tests_fuzz_fuzz_events_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DFUZZ_NAME='"events"'
tests_fuzz_fuzz_events_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_events_SOURCES = tests/fuzz/fuzz_events.c $(FUZZ_MAIN)
tests_fuzz_fuzz_events_LDADD = src/libevents.a src/libbase.a $(JANSSON_LIBS)

## what outlives the process of webhooks, and orders to steerd-post
fuzz_programs += tests/fuzz/fuzz_herald
tests_fuzz_fuzz_herald_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"herald"'
tests_fuzz_fuzz_herald_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_herald_SOURCES = tests/fuzz/fuzz_herald.c $(FUZZ_MAIN)
tests_fuzz_fuzz_herald_LDADD = src/libherald.a src/libpost.a src/libevents.a src/libbase.a $(JANSSON_LIBS)

## what etcd answers, and frames between steerd and steerd-etcd
fuzz_programs += tests/fuzz/fuzz_etcd
tests_fuzz_fuzz_etcd_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"etcd"'
tests_fuzz_fuzz_etcd_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_etcd_SOURCES = tests/fuzz/fuzz_etcd.c $(FUZZ_MAIN)
tests_fuzz_fuzz_etcd_LDADD = src/libetcd.a src/libbase.a $(JANSSON_LIBS)

## the stream of events that steerctl reads
fuzz_programs += tests/fuzz/fuzz_sse
tests_fuzz_fuzz_sse_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"sse"'
tests_fuzz_fuzz_sse_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sse_SOURCES = tests/fuzz/fuzz_sse.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sse_LDADD = src/libctl.a src/libbase.a

## what steerctl is answered
fuzz_programs += tests/fuzz/fuzz_ctl_http
tests_fuzz_fuzz_ctl_http_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"ctl_http"'
tests_fuzz_fuzz_ctl_http_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ctl_http_SOURCES = tests/fuzz/fuzz_ctl_http.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ctl_http_LDADD = src/libctl.a src/libbase.a

## steerd.json, topology and policy documents
fuzz_programs += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"json"'
tests_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_MAIN)
tests_fuzz_fuzz_json_LDADD = src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(JANSSON_LIBS)

## documents in several files
fuzz_programs += tests/fuzz/fuzz_merge
tests_fuzz_fuzz_merge_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"merge"'
tests_fuzz_fuzz_merge_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_merge_SOURCES = tests/fuzz/fuzz_merge.c $(FUZZ_MAIN)
tests_fuzz_fuzz_merge_LDADD = src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(JANSSON_LIBS)

## manifests of bundles
fuzz_programs += tests/fuzz/fuzz_bundle
tests_fuzz_fuzz_bundle_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"bundle"'
tests_fuzz_fuzz_bundle_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_bundle_SOURCES = tests/fuzz/fuzz_bundle.c $(FUZZ_MAIN)
tests_fuzz_fuzz_bundle_LDADD = src/libpast.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS)
## manifests of the files of a configuration
fuzz_programs += tests/fuzz/fuzz_manifest
tests_fuzz_fuzz_manifest_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"manifest"'
tests_fuzz_fuzz_manifest_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c $(FUZZ_MAIN)
tests_fuzz_fuzz_manifest_LDADD = src/libpast.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS)

## files of past health
fuzz_programs += tests/fuzz/fuzz_known
tests_fuzz_fuzz_known_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"known"'
tests_fuzz_fuzz_known_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_known_SOURCES = tests/fuzz/fuzz_known.c $(FUZZ_MAIN)
tests_fuzz_fuzz_known_LDADD = src/libpast.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(JANSSON_LIBS) $(URCU_LIBS) -lm

## what is kept of health
fuzz_programs += tests/fuzz/fuzz_health
tests_fuzz_fuzz_health_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"health"'
tests_fuzz_fuzz_health_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_health_SOURCES = tests/fuzz/fuzz_health.c $(FUZZ_MAIN)
tests_fuzz_fuzz_health_LDADD = src/libhealth.a src/libbase.a -lm

## geo databases
fuzz_programs += tests/fuzz/fuzz_geo
tests_fuzz_fuzz_geo_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"geo"'
tests_fuzz_fuzz_geo_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_geo_SOURCES = tests/fuzz/fuzz_geo.c $(FUZZ_MAIN)
tests_fuzz_fuzz_geo_LDADD = src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS)

## master files
fuzz_programs += tests/fuzz/fuzz_zone
tests_fuzz_fuzz_zone_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"zone"'
tests_fuzz_fuzz_zone_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_zone_SOURCES = tests/fuzz/fuzz_zone.c $(FUZZ_MAIN)
tests_fuzz_fuzz_zone_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS)

## overrides in the store
fuzz_programs += tests/fuzz/fuzz_override
tests_fuzz_fuzz_override_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"override"'
tests_fuzz_fuzz_override_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_override_SOURCES = tests/fuzz/fuzz_override.c src/daemon/override_json.c src/daemon/stored.c $(FUZZ_MAIN)
tests_fuzz_fuzz_override_LDADD = src/libhealth.a src/libbase.a $(JANSSON_LIBS)

## challenges in the store
fuzz_programs += tests/fuzz/fuzz_challenge
tests_fuzz_fuzz_challenge_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"challenge"'
tests_fuzz_fuzz_challenge_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_challenge_SOURCES = tests/fuzz/fuzz_challenge.c src/daemon/challenge.c src/daemon/stored.c $(FUZZ_MAIN)
tests_fuzz_fuzz_challenge_LDADD = src/libdns.a src/libbase.a $(JANSSON_LIBS)

## drills in the store
fuzz_programs += tests/fuzz/fuzz_drill_fact
tests_fuzz_fuzz_drill_fact_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"drill_fact"'
tests_fuzz_fuzz_drill_fact_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_drill_fact_SOURCES = tests/fuzz/fuzz_drill_fact.c src/daemon/drill_fact.c src/daemon/stored.c $(FUZZ_MAIN)
tests_fuzz_fuzz_drill_fact_LDADD = src/libpage.a src/libhealth.a src/libbase.a $(JANSSON_LIBS)

## regular drills in the store
fuzz_programs += tests/fuzz/fuzz_drill_state
tests_fuzz_fuzz_drill_state_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"drill_state"'
tests_fuzz_fuzz_drill_state_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_drill_state_SOURCES = tests/fuzz/fuzz_drill_state.c src/daemon/drill_state.c src/daemon/drill_fact.c src/daemon/stored.c $(FUZZ_MAIN)
tests_fuzz_fuzz_drill_state_LDADD = src/libpage.a src/libhealth.a src/libbase.a $(JANSSON_LIBS)

## switchovers in the store
fuzz_programs += tests/fuzz/fuzz_switchover
tests_fuzz_fuzz_switchover_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"switchover"'
tests_fuzz_fuzz_switchover_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_switchover_SOURCES = tests/fuzz/fuzz_switchover.c src/daemon/switchover_json.c src/daemon/override_json.c src/daemon/stored.c $(FUZZ_MAIN)
tests_fuzz_fuzz_switchover_LDADD = src/liboperate.a src/libhealth.a src/libbase.a $(JANSSON_LIBS)

## objects as lines
fuzz_programs += tests/fuzz/fuzz_lines
tests_fuzz_fuzz_lines_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"lines"'
tests_fuzz_fuzz_lines_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_lines_SOURCES = tests/fuzz/fuzz_lines.c $(FUZZ_MAIN)
tests_fuzz_fuzz_lines_LDADD = src/libpast.a src/libbase.a $(JANSSON_LIBS)

## what servers and vantages say
fuzz_programs += tests/fuzz/fuzz_fleet
tests_fuzz_fuzz_fleet_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"fleet"'
tests_fuzz_fuzz_fleet_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_fleet_SOURCES = tests/fuzz/fuzz_fleet.c $(FUZZ_MAIN)
tests_fuzz_fuzz_fleet_LDADD = $(fleet_libs) src/libhealth.a src/libbase.a $(JANSSON_LIBS)

## what comes over their links, cut into lines
fuzz_programs += tests/fuzz/fuzz_cut
tests_fuzz_fuzz_cut_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"cut"'
tests_fuzz_fuzz_cut_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_cut_SOURCES = tests/fuzz/fuzz_cut.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cut_LDADD = $(fleet_libs) src/libbase.a

## who says what when on the server's side of such a link
fuzz_programs += tests/fuzz/fuzz_session
tests_fuzz_fuzz_session_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) -DFUZZ_NAME='"session"'
tests_fuzz_fuzz_session_CFLAGS = $(AM_CFLAGS) -pthread
tests_fuzz_fuzz_session_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c $(FUZZ_MAIN)
tests_fuzz_fuzz_session_LDADD = $(fleet_libs) src/libconf.a src/libevents.a src/libhealth.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a \
	$(EVENT_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) -lm

## store.db and its log, damaged
fuzz_programs += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) -I$(top_srcdir) -DFUZZ_NAME='"store"'
tests_fuzz_fuzz_store_CFLAGS = $(AM_CFLAGS) -pthread
tests_fuzz_fuzz_store_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c tests/unit/store_disk.c tests/unit/store_disk.h $(FUZZ_MAIN)
tests_fuzz_fuzz_store_LDADD = src/libstore.a src/libbase.a $(SQLITE_LIBS) $(OPENSSL_LIBS)

## backups, and what is in them
fuzz_programs += tests/fuzz/fuzz_backup
tests_fuzz_fuzz_backup_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"backup"'
tests_fuzz_fuzz_backup_CFLAGS = $(AM_CFLAGS) -pthread
tests_fuzz_fuzz_backup_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_backup_SOURCES = tests/fuzz/fuzz_backup.c $(FUZZ_MAIN)
tests_fuzz_fuzz_backup_LDADD = src/libpast.a src/libstore.a src/libbase.a $(ARCHIVE_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(OPENSSL_LIBS)

## orders to steerd-exec
fuzz_programs += tests/fuzz/fuzz_exec
tests_fuzz_fuzz_exec_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"exec"'
tests_fuzz_fuzz_exec_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_exec_SOURCES = tests/fuzz/fuzz_exec.c $(FUZZ_MAIN)
tests_fuzz_fuzz_exec_LDADD = src/libexec.a src/libbase.a

## what commands of checks say
fuzz_programs += tests/fuzz/fuzz_said
tests_fuzz_fuzz_said_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"said"'
tests_fuzz_fuzz_said_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_said_SOURCES = tests/fuzz/fuzz_said.c $(FUZZ_MAIN)
tests_fuzz_fuzz_said_LDADD = src/libexec.a src/libbase.a

## files that others write what is up and down into, in both formats
fuzz_programs += tests/fuzz/fuzz_sheet
tests_fuzz_fuzz_sheet_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"sheet"'
tests_fuzz_fuzz_sheet_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sheet_SOURCES = tests/fuzz/fuzz_sheet.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sheet_LDADD = src/libsheet.a src/libbase.a

fuzz_programs += tests/fuzz/fuzz_cron
tests_fuzz_fuzz_cron_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"cron"'
tests_fuzz_fuzz_cron_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_cron_SOURCES = tests/fuzz/fuzz_cron.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cron_LDADD = src/libbase.a

## what small caching resolvers make of replies
fuzz_programs += tests/fuzz/fuzz_reply
tests_fuzz_fuzz_reply_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"reply"'
tests_fuzz_fuzz_reply_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_reply_LDADD = src/libobserve.a src/libdns.a src/libbase.a

## what is said when a machine joins a cluster
fuzz_programs += tests/fuzz/fuzz_admission
tests_fuzz_fuzz_admission_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"admission"'
tests_fuzz_fuzz_admission_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_admission_SOURCES = tests/fuzz/fuzz_admission.c $(FUZZ_MAIN)
tests_fuzz_fuzz_admission_LDADD = src/libfleet.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS)

## what a cluster keeps in etcd
fuzz_programs += tests/fuzz/fuzz_cluster
tests_fuzz_fuzz_cluster_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"cluster"'
tests_fuzz_fuzz_cluster_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_cluster_SOURCES = tests/fuzz/fuzz_cluster.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cluster_LDADD = src/libcluster.a src/libstore.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS)

## Ranges and metrics as steerctl check reads them
fuzz_programs += tests/fuzz/fuzz_range
tests_fuzz_fuzz_range_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DFUZZ_NAME='"range"'
tests_fuzz_fuzz_range_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_range_SOURCES = tests/fuzz/fuzz_range.c $(FUZZ_MAIN)
tests_fuzz_fuzz_range_LDADD = src/libctl.a src/libbase.a $(JANSSON_LIBS)

## small parsers: tokens, vantages, incidents, points and orders in the store, serials, the hand-over, a vantage's list
fuzz_programs += tests/fuzz/fuzz_parsers
tests_fuzz_fuzz_parsers_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS) -DFUZZ_NAME='"parsers"'
tests_fuzz_fuzz_parsers_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_parsers_SOURCES = tests/fuzz/fuzz_parsers.c src/daemon/channel.c src/daemon/clustered_pending.c src/daemon/incident_json.c \
	src/daemon/stored.c src/daemon/token.c src/daemon/vantage_member.c $(FUZZ_MAIN)
tests_fuzz_fuzz_parsers_LDADD = src/libsteerprobe.a src/libcluster.a src/libfleet.a src/libpast.a src/libtransfer.a src/libconf.a src/libstore.a src/libhealth.a \
	$(tls_libs) src/libexec.a src/libdns.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
