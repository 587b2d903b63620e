noinst_LIBRARIES += src/libtransfer.a
src_libtransfer_a_SOURCES = \
	src/transfer/transfer.c src/transfer/transfer.h
