## The house plan in `make check`, `circles` by the objects of the build; all linters in `make lint`.
TESTS += tests/lint/circles tests/lint/kinds tests/lint/layers
EXTRA_DIST += .clang-format .clang-tidy tests/lint/circles tests/lint/kinds tests/lint/layers tests/lint/lint tests/lint/sizes tests/lint/cppcheck.txt

LINT = LINT_CPPFLAGS='-DHAVE_CONFIG_H -I$(abs_top_builddir) -I$(abs_top_srcdir)/src -I$(abs_top_srcdir) \
	$(LDNS_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(MAXMINDDB_CFLAGS) $(CARES_CFLAGS) $(URCU_CFLAGS) \
	$(CMOCKA_CFLAGS)' $(top_srcdir)/tests/lint/lint $(top_srcdir)

.PHONY: lint circles cppcheck tidy format-check format
lint: circles
	@$(LINT)
circles: all
	@$(top_srcdir)/tests/lint/circles .
tidy: config.h
	@$(LINT) tidy
cppcheck:
	@$(LINT) cppcheck
format-check:
	@$(LINT) format
## Put all sources into form.
format:
	find $(top_srcdir)/src $(top_srcdir)/tests -name '*.[ch]' -exec clang-format-14 -i {} +
