noinst_LIBRARIES += src/libbase.a
src_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
src_libbase_a_SOURCES = \
	src/base/acl.c src/base/acl.h \
	src/base/addr.c src/base/addr.h \
	src/base/arena.c src/base/arena.h \
	src/base/base64.c src/base/base64.h \
	src/base/buffer.c src/base/buffer.h \
	src/base/budget.c src/base/budget.h \
	src/base/bytes.h \
	src/base/clock.c src/base/clock.h \
	src/base/count.h \
	src/base/cron.c src/base/cron.h \
	src/base/cursor.h \
	src/base/descriptors.c src/base/descriptors.h \
	src/base/embed.h \
	src/base/error.c src/base/error.h \
	src/base/exits.h \
	src/base/file.c src/base/file.h \
	src/base/hash.h \
	src/base/hex.h \
	src/base/limiter.c src/base/limiter.h \
	src/base/lock.c src/base/lock.h \
	src/base/log.c src/base/log.h \
	src/base/log_record.c src/base/log_record.h \
	src/base/log_sink.c src/base/log_sink.h \
	src/base/log_text.c src/base/log_text.h \
	src/base/memory.c src/base/memory.h \
	src/base/number.h \
	src/base/parallel.c src/base/parallel.h \
	src/base/part.c src/base/part.h \
	src/base/pass.c src/base/pass.h \
	src/base/progress.h \
	src/base/random.c src/base/random.h \
	src/base/regex.c src/base/regex.h src/base/regex_parse.c src/base/regex_parts.h \
	src/base/report.c src/base/report.h \
	src/base/ring.c src/base/ring.h \
	src/base/sanitizer.h \
	src/base/scribe.c src/base/scribe.h \
	src/base/serial.h src/base/share.h \
	src/base/sha2.c src/base/sha2.h \
	src/base/siphash.c src/base/siphash.h \
	src/base/source.c src/base/source.h \
	src/base/source_list.c src/base/source_list.h \
	src/base/spans.c src/base/spans.h \
	src/base/statefile.c src/base/statefile.h \
	src/base/trail.c src/base/trail.h \
	src/base/thread.c src/base/thread.h \
	src/base/wake.c src/base/wake.h \
	src/base/tzif.c src/base/tzif.h \
	src/base/unified.c src/base/unified.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/wish.c src/base/wish.h \
	src/base/when.c src/base/when.h \
	src/base/words.c src/base/words.h \
	src/base/worker.c src/base/worker.h
