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

#fuzz_programs += tests/fuzz/fuzz_json
#tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"json"'
#tests_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LINK)
#tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_MAIN)
#tests_fuzz_fuzz_json_LDADD = src/libconf.a src/libbase.a $(JANSSON_LIBS)
