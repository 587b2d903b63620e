## A fleet of vantages, and its network in pieces: `make check-fleet FLEET_STEPS=50 FLEET_SEED=7`, or FLEET_STEPS=all
EXTRA_DIST += \
	tests/fleet/conftest.py tests/fleet/internet.py tests/fleet/test_near.py tests/fleet/test_partitions.py tests/fleet/test_set_aside.py tests/fleet/world.py

.PHONY: check-fleet
check-fleet: all
	STEERD=$(abs_top_builddir)/src/steerd STEERCTL=$(abs_top_builddir)/src/steerctl \
		FLEET_STEPS=$(FLEET_STEPS) FLEET_SEED=$(FLEET_SEED) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -s -p no:cacheprovider $(srcdir)/tests/fleet
