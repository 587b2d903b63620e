noinst_LIBRARIES += src/libpage.a
src_libpage_a_CPPFLAGS = $(AM_CPPFLAGS) -DPAGE_PATH='"$(abs_top_srcdir)/src/page/page.html"'
src_libpage_a_SOURCES = src/page/page.c src/page/page.h

EXTRA_DIST += src/page/page.html
src/page/libpage_a-page.$(OBJEXT): src/page/page.html
