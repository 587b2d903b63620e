## `make bench`: instructions per query of the data path, compared with the recorded ones; needs valgrind.
## tests/bench/beside measures what an answer and a load take beside NSD and Knot; run by hand.
## tests/bench/steering measures loads and the loss of a region at size, with the real server; run by hand.
## tests/bench/durable measures what it costs that overrides are on the disk before they are acknowledged; run by hand.
## tests/bench/vantages measures how soon an answer follows what a vantage says; run by hand.
## tests/bench/nodes measures what it takes that nodes of a cluster tell each other what they see; run by hand.
## tests/bench/cluster measures how soon three nodes follow what they see and what is said, and what being a node costs answers; run by hand.
## tests/bench/bundle measures how a bundle gets to twenty nodes, and what health waits for it; run by hand.
## tests/bench/drain makes the picture of a drain in doc/api.md out of a real run.
## tests/bench/verdict measures how soon an answer follows a verdict.
## tests/bench/death measures how soon answers change when an endpoint dies; tests/bench/fleet whether 50,000 of them keep their schedule.
## tests/bench/checks measures what a check costs, by kind; tests/bench/control how long overrides and failures wait beside drills, reports, reloads and slow clients; run by hand.
## tests/bench/predicted makes the table in doc/drills.md: what drills compute beside what real losses did; run by hand.
## `make bench-record` records them anew (in a build of plain ./configure: other flags count differently). tests/bench/peers/steerd.sh plugs the server into the peers kit.
## tests/bench/drills measures simulations, and what drills cost those who are not in them; run by hand.
## tests/bench/crowd measures what 550 connections at the admin API, dnstap and the query log cost answers, and lists of 100,000; run by hand.
EXTRA_DIST += tests/bench/backup tests/bench/beside tests/bench/bundle tests/bench/cluster tests/bench/control tests/bench/crowd tests/bench/checks tests/bench/death tests/bench/drain tests/bench/drills tests/bench/durable tests/bench/fleet tests/bench/instructions tests/bench/instructions.txt tests/bench/nodes tests/bench/peers/steerd.sh tests/bench/predicted tests/bench/steering tests/bench/takeover tests/bench/vantages tests/bench/verdict
.PHONY: bench bench-record
if HAVE_CMOCKA
EXTRA_PROGRAMS = tests/bench/bench_answer
tests_bench_bench_answer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(LDNS_CFLAGS) $(CMOCKA_CFLAGS)
tests_bench_bench_answer_SOURCES = tests/bench/bench_answer.c tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h
tests_bench_bench_answer_LDADD = src/libtap.a src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(FSTRM_LIBS) $(CMOCKA_LIBS)
CLEANFILES += tests/bench/bench_answer

EXTRA_PROGRAMS += tests/bench/bench_steer
tests_bench_bench_steer_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_bench_steer_SOURCES = tests/bench/bench_steer.c
tests_bench_bench_steer_LDADD = src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a \
	src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(JANSSON_LIBS) $(URCU_LIBS)
CLEANFILES += tests/bench/bench_steer

## What keeping and restoring health costs; run by hand.
EXTRA_PROGRAMS += tests/bench/bench_record
tests_bench_bench_record_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bench_bench_record_SOURCES = tests/bench/bench_record.c tests/bench/machine.h
tests_bench_bench_record_LDADD = src/libhealth.a src/libbase.a -lm
CLEANFILES += tests/bench/bench_record
EXTRA_PROGRAMS += tests/bench/bench_past
tests_bench_bench_past_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bench_bench_past_SOURCES = tests/bench/bench_past.c tests/bench/machine.h
tests_bench_bench_past_LDADD = src/libpast.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(JANSSON_LIBS) $(URCU_LIBS) -lm
CLEANFILES += tests/bench/bench_past
EXTRA_PROGRAMS += tests/bench/bench_manifest
tests_bench_bench_manifest_SOURCES = tests/bench/bench_manifest.c
tests_bench_bench_manifest_LDADD = src/libpast.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS)
CLEANFILES += tests/bench/bench_manifest

## Of tests/bench/bundle.
EXTRA_PROGRAMS += tests/bench/bench_bundle
tests_bench_bench_bundle_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
tests_bench_bench_bundle_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_bench_bundle_SOURCES = tests/bench/bench_bundle.c \
	src/daemon/peers_bulk.c src/daemon/porter.c src/daemon/porter_fetch.c src/daemon/porter_give.c src/daemon/porter_show.c src/daemon/porter_ware.c
tests_bench_bench_bundle_LDADD = $(fleet_libs) src/libcluster.a src/libpast.a src/libstore.a src/libconf.a src/libevents.a src/libhealth.a $(tls_libs) src/libexec.a \
	src/libsheet.a src/libdns.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS)
CLEANFILES += tests/bench/bench_bundle

## What geography costs; run by hand (see the file).
EXTRA_PROGRAMS += tests/bench/bench_geo
tests_bench_bench_geo_SOURCES = tests/bench/bench_geo.c
tests_bench_bench_geo_LDADD = src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS)
CLEANFILES += tests/bench/bench_geo

## What the store costs; run by hand (see the file).
EXTRA_PROGRAMS += tests/bench/bench_store
tests_bench_bench_store_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_bench_store_SOURCES = tests/bench/bench_store.c
tests_bench_bench_store_LDADD = src/libstore.a src/libbase.a $(SQLITE_LIBS) $(OPENSSL_LIBS)
CLEANFILES += tests/bench/bench_store

## A steady stream of queries, for tests/bench/takeover; run by hand.
EXTRA_PROGRAMS += tests/bench/steady
tests_bench_steady_SOURCES = tests/bench/steady.c
CLEANFILES += tests/bench/steady

## Answers all requests of tests/bench/fleet; run by that.
EXTRA_PROGRAMS += tests/bench/responder
tests_bench_responder_SOURCES = tests/bench/responder.c
CLEANFILES += tests/bench/responder

bench: tests/bench/bench_answer tests/bench/bench_steer
	@case "$(AM_CFLAGS)" in *-fno-omit-frame-pointer*) \
		echo 'bench: frame pointers are kept (--enable-developer, --with-sanitizer): figures are above the recorded ones' >&2 ;; esac
	$(srcdir)/tests/bench/instructions tests/bench $(srcdir)/tests/bench/instructions.txt
bench-record: tests/bench/bench_answer tests/bench/bench_steer
	$(srcdir)/tests/bench/instructions tests/bench $(srcdir)/tests/bench/instructions.txt --record
else
bench bench-record:
	@echo 'bench: cmocka was not found by configure (package libcmocka-dev)' >&2; exit 1
endif
