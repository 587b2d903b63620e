## The server while everything around it is broken: `make check-chaos CHAOS_ROUNDS=50 CHAOS_SEED=7`
EXTRA_DIST += \
	tests/chaos/conftest.py tests/chaos/disturb.py tests/chaos/disk.py tests/chaos/losses.py tests/chaos/preload.c tests/chaos/rounds.py tests/chaos/test_chaos.py tests/chaos/test_hang.py tests/chaos/test_kill.py tests/chaos/test_store_disk.py

# Preloaded into steerd; without the sanitizers of the build, which are steerd's.
noinst_DATA += tests/chaos/preload.so
CLEANFILES += tests/chaos/preload.so
tests/chaos/preload.so: $(srcdir)/tests/chaos/preload.c
	$(AM_V_CC)$(MKDIR_P) tests/chaos && $(CC) -shared -fPIC -O2 -Wall -Wextra -o $@ $(srcdir)/tests/chaos/preload.c -ldl

.PHONY: check-chaos
check-chaos: all
	STEERD=$(abs_top_builddir)/src/steerd STEERCTL=$(abs_top_builddir)/src/steerctl \
		CHAOS_ROUNDS=$(CHAOS_ROUNDS) CHAOS_SEED=$(CHAOS_SEED) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -s -p no:cacheprovider $(srcdir)/tests/chaos
