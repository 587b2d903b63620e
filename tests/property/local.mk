## Property tests: random configurations, states and clients against an oracle; `make check-property PROPERTY_SEEDS=50`
EXTRA_DIST += \
	tests/property/conftest.py tests/property/mmdb.py tests/property/odds.py tests/property/oracle.py tests/property/reading.py \
	tests/property/places.py tests/property/running.py tests/property/test_property.py \
	tests/property/test_enumeration.py tests/property/test_moves.py tests/property/test_stickiness.py tests/property/world.py

.PHONY: check-property
check-property: all
	STEERD=$(abs_top_builddir)/src/steerd PROPERTY_SEEDS=$(PROPERTY_SEEDS) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -p no:cacheprovider $(PYTESTFLAGS) $(srcdir)/tests/property
