noinst_LIBRARIES += src/libtransfer.a
src_libtransfer_a_SOURCES = \
	src/transfer/keeper.c src/transfer/keeper.h \
	src/transfer/transfer.c src/transfer/transfer.h
