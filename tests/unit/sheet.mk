## Unit tests of src/sheet
if HAVE_CMOCKA
TESTS += tests/unit/test_sheet
check_PROGRAMS += tests/unit/test_sheet
tests_unit_test_sheet_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sheet_SOURCES = tests/unit/test_sheet.c tests/unit/unit.h
tests_unit_test_sheet_LDADD = src/libsheet.a src/libbase.a $(CMOCKA_LIBS)
endif
