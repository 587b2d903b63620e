## Unit tests of src/page

TESTS += tests/unit/test_page
check_PROGRAMS += tests/unit/test_page
tests_unit_test_page_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_page_SOURCES = tests/unit/test_page.c tests/unit/unit.h
tests_unit_test_page_LDADD = src/libpage.a src/libbase.a $(CMOCKA_LIBS) $(JANSSON_LIBS)
