## The Debian packages, built, looked at, and tried in a clean root: minutes, and a mirror of Debian. `make check-deb`
EXTRA_DIST += tests/deb/conftest.py tests/deb/debkit.py tests/deb/test_bare.py tests/deb/test_booted.py tests/deb/test_deb.py

.PHONY: check-deb
check-deb: all
	BUILD=$(abs_top_builddir) PYTHONDONTWRITEBYTECODE=1 /usr/bin/pytest-3 -q -s -p no:cacheprovider --ignore $(srcdir)/tests/deb/test_bare.py $(srcdir)/tests/deb
