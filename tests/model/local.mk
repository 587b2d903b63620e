## The rules of a cluster, every order of events: `make check-model`, `make check-model MODELFLAGS=--whole`
EXTRA_DIST += tests/model/bundle.pml tests/model/check tests/model/cluster.pml

.PHONY: check-model
check-model:
	$(srcdir)/tests/model/check $(MODELFLAGS)
