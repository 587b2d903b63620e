## Differential tests (contrib/packages oracle), `make check-differential DIFF_SEEDS=50`: answers against NSD, Knot and
## BIND, the reader of master files against BIND, Knot and dnspython
EXTRA_DIST += \
	tests/differential/compare.py tests/differential/conftest.py tests/differential/generate.py \
	tests/differential/oracles.py tests/differential/readers.py tests/differential/secondaries.py \
	tests/differential/test_differential.py tests/differential/test_odd_packets.py \
	tests/differential/test_secondaries.py tests/differential/test_zone_reader.py \
	tests/differential/zonebreak.py tests/differential/zonefile.py

.PHONY: check-differential
check-differential: all
	STEERD=$(abs_top_builddir)/src/steerd DIFF_SEEDS=$(DIFF_SEEDS) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -rs -p no:cacheprovider $(PYTESTFLAGS) $(srcdir)/tests/differential
