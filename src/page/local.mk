noinst_LIBRARIES += src/libpage.a
src_libpage_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DPAGE_PATH='"$(abs_top_srcdir)/src/page/page.html"'
src_libpage_a_SOURCES = src/page/cut.c src/page/cut.h src/page/cut_inside.h src/page/figures.c src/page/figures.h \
	src/page/compare.c src/page/compare.h src/page/kept.c src/page/kept.h src/page/page.c src/page/page.h

EXTRA_DIST += src/page/page.html
src/page/libpage_a-page.$(OBJEXT): src/page/page.html
